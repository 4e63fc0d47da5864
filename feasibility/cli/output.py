"""Write results to standard output and talk to standard error, whatever they are."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from feasibility.errors import FeasibilityError
from feasibility.report.escape import printable


def prepare() -> None:
    """Let both streams write any name, escaped where their encoding lacks a character."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # missing where a test or a host put its own
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def put(text: str) -> None:
    """Write a result; a reader who has gone (`| head`) is no error."""
    if sys.stdout is None:  # closed by the shell: `>&-`
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop(sys.stdout)
    except OSError as error:
        _drop(sys.stdout)
        msg = f"the answer could not be written: {error.strerror}"
        raise FeasibilityError(msg) from None


def put_text(text: str) -> None:
    """Write a text answer, in colour where a person reads it on a terminal."""
    if not is_colourful():
        put(text)
        return
    from feasibility.report.text import print_coloured

    print_coloured(text)


def put_line(text: str) -> None:
    """Write an answer as one line however long it is, for scripts that read lines."""
    put(printable(text.strip()) + "\n")


def is_colourful() -> bool:
    """Tell whether standard output is a terminal that wants colour (https://no-color.org)."""
    if sys.stdout is None or not sys.stdout.isatty():
        return False
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def talk(text: str) -> None:
    """Write a line for people to standard error, where that can be written."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()
    except OSError:
        _drop(sys.stderr)


def complain(message: str, hint: str | None = None) -> None:
    """Say what is wrong, one line per problem, and what to do next."""
    for line in message.splitlines() or [""]:
        talk(f"error: {line}")
    if hint:
        talk(f"hint: {hint}")


def _drop(stream: TextIO) -> None:
    """Send what is left in the buffer nowhere, so that closing the stream is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
