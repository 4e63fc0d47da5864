"""Check profile files, each of them, whatever is wrong with the others."""

from __future__ import annotations

from collections.abc import Sequence

from feasibility.cli.output import complain, put_text
from feasibility.errors import ExitCode, FeasibilityError
from feasibility.profiles.check import check
from feasibility.report.escape import printable


def check_all(files: Sequence[str]) -> ExitCode:
    """Write a line for each file that is right, every problem of the others; return 2 where there is one."""
    code, lines = ExitCode.ANSWERED, []
    for file in files:
        try:
            kind, name = check(file)
        except FeasibilityError as error:
            complain(error.message, error.hint)
            code = ExitCode.BAD_INPUT
        else:
            lines.append(printable(f"{file}: {kind} {name} is fine") + "\n")
    put_text("".join(lines))
    return code
