from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from feasibility.cli import output
from feasibility.errors import FeasibilityError


class Failing(io.StringIO):
    """A stream whose writes fail as those to a full disk or a closed pipe do."""

    def __init__(self, descriptor: int, error: OSError) -> None:
        super().__init__()
        self.descriptor, self.error = descriptor, error

    def fileno(self) -> int:
        """Return the descriptor that stands for the disk."""
        return self.descriptor

    def write(self, _: str) -> int:
        """Fail."""
        raise self.error


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    """Return the descriptor of an open file."""
    with (tmp_path / "disk").open("wb") as disk:
        yield disk.fileno()


def test_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch, descriptor: int) -> None:
    """An answer that could not be written is never a silent success."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(sys, "stdout", Failing(descriptor, full))
    with pytest.raises(FeasibilityError, match="could not be written: No space left on device"):
        output.put("answer")


def test_a_reader_who_left_is_none(monkeypatch: pytest.MonkeyPatch, descriptor: int) -> None:
    """A closed pipe is the reader's choice."""
    monkeypatch.setattr(sys, "stdout", Failing(descriptor, BrokenPipeError(errno.EPIPE, "")))
    output.put("answer")


def test_streams_that_are_closed_take_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the shell closed a stream, Python has None in its place, and nothing fails."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    output.prepare()
    output.put("answer")
    output.talk("talk")
    assert not output.is_colourful()


def test_talk_that_cannot_be_written_is_dropped(monkeypatch: pytest.MonkeyPatch, descriptor: int) -> None:
    """A full disk under standard error keeps the answer's exit code."""
    monkeypatch.setattr(sys, "stderr", Failing(descriptor, OSError(errno.ENOSPC, "")))
    output.talk("talk")


def test_every_line_of_a_complaint_is_marked_and_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """Several problems of one file are one error line each; controls are written out."""
    output.complain("one\ntwo \x1b[31m", "three")
    assert capsys.readouterr().err == "error: one\nerror: two \\x1b[31m\nhint: three\n"
