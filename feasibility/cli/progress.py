"""Show people who wait how far a command is: on a terminal, after a second, and gone at the end."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO, TypeVar

SHOWN_AFTER_S = 1.0  # what takes less is not worth a flash
_REDRAWN_EVERY_S = 0.25  # rare enough to leave measurements alone
_CELLS = 20
_WIDTH = 80  # of a terminal that does not tell
_NARROWEST = 20

Tell = Callable[[float], None]
T = TypeVar("T")
R = TypeVar("R")


class Bar:
    """One line that says what is done, how far it is where that is known, and since when."""

    def __init__(self, label: str, screen: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Take what is done; nothing is drawn yet."""
        self._label, self._screen, self._clock = label, screen, clock
        self._began_s = clock()
        self._share: float | None = None
        self._drawn = ""  # what has to be wiped

    def tell(self, share: float) -> None:
        """Take the share that is done, 0 to 1."""
        self._share = min(1.0, max(0.0, share))

    def draw_until(self, ended: Callable[[float], bool]) -> None:
        """Draw from one second on until `ended`, which waits as long as it is told, is true; then wipe.

        A terminal that has gone ends it too.
        """
        if ended(SHOWN_AFTER_S):
            return
        with suppress(OSError, ValueError):  # ValueError: the stream is closed
            self._draw()
            while not ended(_REDRAWN_EVERY_S):
                self._draw()
            self._write("\r" + " " * len(self._drawn) + "\r")

    def line(self) -> str:
        """Return what is drawn."""
        words = [self._label]
        if self._share is not None:
            full = int(_CELLS * self._share)
            words += [f"[{'#' * full}{'-' * (_CELLS - full)}]", f"{int(100 * self._share):3d} %"]
        return "  ".join([*words, f"{int(self._clock() - self._began_s)} s"])

    def _draw(self) -> None:
        line = self.line()[: _columns(self._screen) - 1]  # the last column would wrap
        if line != self._drawn:
            self._write("\r" + line.ljust(len(self._drawn)))
            self._drawn = line

    def _write(self, text: str) -> None:
        self._screen.write(text)
        self._screen.flush()


@contextmanager
def bar(label: str, *, hidden: bool = False) -> Iterator[Tell]:
    """Give what to tell the share to; a line shows it where a person watches standard error."""
    screen = sys.stderr
    if hidden or not _is_watched(screen):
        yield _unheard
        return
    shown, ended = Bar(label, screen), threading.Event()
    drawing = threading.Thread(target=shown.draw_until, args=(ended.wait,), daemon=True)
    drawing.start()
    try:
        yield shown.tell
    finally:
        ended.set()
        drawing.join()


def each(label: str, work: Callable[[T], R], items: Sequence[T], *, hidden: bool = False) -> list[R]:
    """Return the results of work on the items, one after the other, under a bar."""
    done: list[R] = []
    with bar(label, hidden=hidden) as tell:
        for item in items:
            if len(items) > 1:  # of a single one nobody knows how far it is
                tell(len(done) / len(items))
            done.append(work(item))
    return done


def _is_watched(screen: TextIO | None) -> bool:
    return screen is not None and screen.isatty() and os.environ.get("TERM") != "dumb"


def _columns(screen: TextIO) -> int:
    try:
        columns = os.get_terminal_size(screen.fileno()).columns
    except (OSError, ValueError):
        return _WIDTH
    return max(columns, _NARROWEST) if columns else _WIDTH


def _unheard(_: float) -> None:
    """Take a share that nobody watches."""
