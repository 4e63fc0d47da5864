"""The bar: nothing within a second, nothing where nobody watches, nothing left at the end."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from feasibility.cli import progress
from feasibility.cli.progress import Bar, bar, each

ROOT = Path(__file__).parents[2]


class Screen(io.StringIO):
    """A terminal without a size."""

    def isatty(self) -> bool:
        """Tell that a person watches."""
        return True


class Gone(Screen):
    """A terminal that was closed."""

    def write(self, text: str) -> int:  # noqa: ARG002 (it goes nowhere)
        """Fail as a terminal does that has hung up."""
        raise OSError(5, "Input/output error")


class Time:
    """A clock that goes as far as it is waited for, until the work ends."""

    def __init__(self, ends_after_s: float) -> None:
        self.now_s = 0.0
        self._ends_after_s = ends_after_s

    def wait(self, seconds: float) -> bool:
        """Wait, and tell whether the work has ended meanwhile."""
        self.now_s += seconds
        return self.now_s >= self._ends_after_s

    def clock(self) -> float:
        """Return what the time is."""
        return self.now_s


def drawn(ends_after_s: float, screen: Screen, share: float | None = None, label: str = "reading") -> str:
    """Return what the bar of some work writes."""
    time = Time(ends_after_s)
    shown = Bar(label, screen, time.clock)
    if share is not None:
        shown.tell(share)
    shown.draw_until(time.wait)
    return screen.getvalue()


def left(written: str, columns: int = 80) -> str:
    """Return what stands in the line of a terminal after all that was written."""
    line = [" "] * columns
    at = 0
    for character in written:
        if character == "\r":
            at = 0
        else:
            line[at] = character
            at += 1
    return "".join(line).rstrip()


def test_work_within_a_second_draws_nothing() -> None:
    """There is no flash."""
    assert drawn(1.0, Screen()) == ""


def test_longer_work_is_drawn_each_second_and_wiped() -> None:
    """What is done and since when; at the end the line is blank, the cursor at its beginning."""
    written = drawn(3.1, Screen())
    assert ["", "reading  1 s", "reading  2 s", "reading  3 s"] == written.split("\r")[:4]
    assert left(written) == ""
    assert written.endswith("\r")


def test_a_share_that_is_told_is_drawn() -> None:
    """A quarter of twenty cells is five."""
    assert "reading  [#####---------------]   25 %  1 s" in drawn(1.5, Screen(), 0.25).replace("\r", "")


@pytest.mark.parametrize(("share", "cells", "percent"), [(-1.0, 0, "  0 %"), (7.0, 20, "100 %")])
def test_a_share_stays_within_the_bar(share: float, cells: int, percent: str) -> None:
    """Rounding elsewhere cannot break the line."""
    written = drawn(1.5, Screen(), share)
    assert (cells, True) == (written.count("#"), percent in written)


def test_a_shorter_line_wipes_the_longer_one() -> None:
    """Nothing of the line before stays behind the new one."""
    time, screen = Time(2.0), Screen()
    shown = Bar("reading", screen, time.clock)

    def wait(seconds: float) -> bool:
        shown._label = "reading" if time.now_s < 1 else "end"
        return time.wait(seconds)

    shown.draw_until(wait)
    assert left(screen.getvalue().rpartition("\r")[0].rpartition("\r")[0]) == "end  1 s"


def test_a_line_stays_within_the_terminal() -> None:
    """A long label is cut before the last column, where terminals wrap."""
    lines = drawn(1.5, Screen(), label="x" * 500).split("\r")
    assert max(map(len, lines)) == 79


def test_a_terminal_that_has_gone_ends_the_bar() -> None:
    """No traceback of a thread reaches anybody."""
    assert drawn(5.0, Gone()) == ""


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw from the beginning on."""
    monkeypatch.setattr(progress, "SHOWN_AFTER_S", 0)


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize(
    ("stream", "term", "hidden"),
    [(io.StringIO, "xterm", False), (Screen, "dumb", False), (Screen, "xterm", True)],
)
def test_nobody_watches(
    stream: Callable[[], io.StringIO],
    term: str,
    hidden: bool,  # noqa: FBT001 (pytest passes it)
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A pipe, a terminal that cannot go back in a line, and -q see nothing; the work is done."""
    screen = stream()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", term)
    assert [1, 4, 9] == each("squaring", lambda n: n * n, [1, 2, 3], hidden=hidden)
    assert screen.getvalue() == ""


def test_a_closed_standard_error_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """`2>&-` leaves no stream at all."""
    monkeypatch.setattr(sys, "stderr", None)
    assert ["a"] == each("upper", str.lower, ["A"])


@pytest.mark.usefixtures("_at_once")
def test_a_bar_is_wiped_before_an_error_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in the middle leaves a clean line, and the thread has ended."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    threads = threading.active_count()
    with contextlib.suppress(KeyboardInterrupt), bar("reading"):
        raise KeyboardInterrupt
    assert left(screen.getvalue()) == ""
    assert threads == threading.active_count()


def test_each_tells_the_share_before_each_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four models the third begins at a half; of a single one nobody knows."""
    told: list[float] = []

    @contextlib.contextmanager
    def recorded(_: str, *, hidden: bool) -> Iterator[progress.Tell]:
        assert not hidden
        yield told.append

    monkeypatch.setattr(progress, "bar", recorded)
    each("reading", str.lower, ["A", "B", "C", "D"])
    each("reading", str.lower, ["A"])
    assert [0.0, 0.25, 0.5, 0.75] == told


COMMAND = """
import sys
from feasibility.cli import progress
progress.SHOWN_AFTER_S = 0
from feasibility.cli.start import main
sys.exit(main(sys.argv[1:]))
"""


def watched(*words: str) -> tuple[str, bytes]:
    """Return what the command writes to a pipe, and to a terminal as its standard error."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words],
        cwd=ROOT,
        env=os.environ | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    with child:
        assert child.stdout is not None
        answer = child.stdout.read()
        seen = b""
        with contextlib.suppress(OSError):  # Linux ends a pseudo-terminal so
            while piece := os.read(ours, 65536):
                seen += piece
        os.close(ours)
    assert child.returncode == 0
    return answer, seen


@pytest.mark.parametrize(
    ("words", "label"),
    [
        (("examples/sd_text_encoder.onnx", "-d", "m1"), b"reading the model"),
        (("profile", "examples/sd_text_encoder.onnx", "--vary", "batch=1,2"), b"counting 2 sizes of batch"),
        (("chain", "examples/stable_diffusion/chain.yaml"), b"reading the models of the chain"),
    ],
)
def test_the_commands_show_it_on_a_terminal(words: tuple[str, ...], label: bytes) -> None:
    """Standard error has the bar, wiped at the end; standard output has the answer alone."""
    answer, seen = watched(*words)
    assert label in seen
    assert left(seen.decode()) == ""
    assert "\r" not in answer


def test_a_quiet_command_shows_none() -> None:
    """-q is for scripts, which have no terminal, and for people who want none of it."""
    assert watched("examples/sd_text_encoder.onnx", "-d", "m1", "-q")[1] == b""
