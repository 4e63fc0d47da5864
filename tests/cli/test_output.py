from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path

import pytest

from feasibility.cli import output
from feasibility.errors import FeasibilityError


class Failing(io.TextIOWrapper):
    """A stream whose writes fail as a full disk or a closed pipe does."""

    def __init__(self, file: Path, error: OSError) -> None:
        super().__init__(file.open("wb"), encoding="utf-8")
        self.error = error

    def write(self, _: str) -> int:
        """Fail."""
        raise self.error


def test_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An answer that could not be written is never a silent success."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(sys, "stdout", Failing(tmp_path / "out", full))
    with pytest.raises(FeasibilityError, match="could not be written: No space left on device"):
        output.put("answer")


def test_a_reader_who_left_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A closed pipe is the reader's choice."""
    monkeypatch.setattr(sys, "stdout", Failing(tmp_path / "out", BrokenPipeError(errno.EPIPE, "")))
    output.put("answer")


def test_streams_that_are_closed_take_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the shell closed a stream, Python has None in its place, and nothing fails."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    output.prepare()
    output.put("answer")
    output.talk("talk")
    assert not output.is_colourful()


def test_talk_that_cannot_be_written_is_dropped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A full disk under standard error keeps the answer's exit code."""
    monkeypatch.setattr(sys, "stderr", Failing(tmp_path / "err", OSError(errno.ENOSPC, "")))
    output.talk("talk")


def test_every_line_of_a_complaint_is_marked_and_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """Several problems of one file are one error line each; controls are written out."""
    output.complain("one\ntwo \x1b[31m", "three")
    assert capsys.readouterr().err == "error: one\nerror: two \\x1b[31m\nhint: three\n"
