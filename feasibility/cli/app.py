"""Run the command that the words name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from feasibility.cli import commands, project_commands  # noqa: F401 (they register with the group)
from feasibility.cli.group import app
from feasibility.cli.output import complain, prepare
from feasibility.errors import ExitCode

if TYPE_CHECKING:
    from feasibility.loader.isolate import Worker


def run(words: Sequence[str], worker: Worker | None) -> int:
    """Run the command that the words name and return its exit code."""
    prepare()
    try:
        code = app(list(words), obj=worker, prog_name="feasible", standalone_mode=False)
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except Exception as error:
        said = getattr(error, "format_message", None)  # typer's own complaints have one
        if said is None:
            raise
        sentence = " ".join(said().split()).rstrip(".")
        complain(sentence[:1].lower() + sentence[1:], "feasible --help lists commands and options")
        return ExitCode.BAD_INPUT
    return code if isinstance(code, int) else ExitCode.ANSWERED
