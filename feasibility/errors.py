"""Name everything that can go wrong.

FeasibilityError            base; one sentence, exit code 2
  UsageError                the call is wrong (unknown device, bare number, clashing options)
    UnitError               a quantity without a unit, or with the wrong one
  ModelError                the model file is unreadable, hostile or not ONNX
  MeasureError              a model cannot be run, or this machine cannot be measured
  UnknownShapeError         a rule needs a size that the graph does not tell
  ProfileError              a YAML profile is wrong; carries every problem of the file
"""

from __future__ import annotations

from enum import IntEnum

_MAX_LINE = 6_000  # characters, more than a path may have (Linux: 4,096); a file may hold names of megabytes
_KEPT_TAIL = 1_000  # what is wrong often stands after the name


class ExitCode(IntEnum):
    """Exit codes of the command line (documented in README.md)."""

    ANSWERED = 0
    GATE_FAILED = 1
    BAD_INPUT = 2
    UNDECIDED = 3
    INTERRUPTED = 130


class FeasibilityError(Exception):
    """Say in one sentence what is wrong, where, what was seen and what to do next."""

    exit_code: ExitCode = ExitCode.BAD_INPUT

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Keep the sentence and, apart from it, the next step to try."""
        self.message = _shortened(message)
        self.hint = None if hint is None else _shortened(hint)
        super().__init__(self.message)


def _shortened(text: str) -> str:
    """Leave out the middle of lines that nobody would read."""
    if len(text) <= _MAX_LINE:
        return text
    return "\n".join(
        line if len(line) <= _MAX_LINE else f"{line[: _MAX_LINE - _KEPT_TAIL]} [...] {line[-_KEPT_TAIL:]}"
        for line in text.split("\n")
    )


class UsageError(FeasibilityError):
    """The caller asked for something that does not exist or does not fit together."""


class UnitError(UsageError, ValueError):
    """A quantity has no unit, or one of another dimension."""


class ModelError(FeasibilityError, ValueError):
    """A model file cannot be read, is hostile, or is not ONNX."""


class MeasureError(FeasibilityError):
    """A model cannot be run here, or this machine cannot be measured."""


class UnknownShapeError(FeasibilityError):
    """A rule needs a size that neither the graph nor the caller gives."""


class ProfileError(FeasibilityError, ValueError):
    """A profile file is wrong; `problems` holds one `file:line:col message` each."""

    def __init__(self, problems: tuple[str, ...], *, hint: str | None = None) -> None:
        """Collect all problems of one file."""
        super().__init__("\n".join(problems), hint=hint)
        self.problems = problems
