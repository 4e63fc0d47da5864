"""Hold the commands together: the group whose `check` may be left out, and what is true of all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from feasibility.cli.output import put
from feasibility.errors import UsageError

_DEFAULT_COMMAND = "check"
_GROUP_OPTIONS = frozenset({"-h", "--help", "--version"})
_EPILOG = (
    "Exit codes: 0 answered; 1 --require not met; 2 wrong usage or unreadable input; "
    "3 undecided under --strict; 130 interrupted."
)


class DefaultCheck(TyperGroup):
    """A group whose `check` may be left out: `feasible MODEL` is `feasible check MODEL`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 (typer names no public type)
        """Put `check` in front unless a command or an option of the group comes first."""
        if not args or (args[0] not in self.commands and args[0] not in _GROUP_OPTIONS):
            _refuse_mistyped(args, self.commands)
            args = [_DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (as above)
        """List the options of `check` as the command's own, and then the commands."""
        self.commands[_DEFAULT_COMMAND].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def _refuse_mistyped(words: Sequence[str], commands: Iterable[str]) -> None:
    """Raise UsageError for a first word that is no file but nearly a command."""
    if not words or not words[0].isalpha() or os.path.exists(words[0]):  # noqa: PTH110 (Path raises on long names)
        return
    from difflib import get_close_matches

    for meant in get_close_matches(words[0].lower(), commands, n=1):
        msg = f"there is no command and no file called {words[0]!r}"
        raise UsageError(msg, hint=f"did you mean: feasible {meant}")


app = typer.Typer(
    name="feasible",
    cls=DefaultCheck,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    subcommand_metavar="MODEL... | COMMAND ...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog=_EPILOG,
)


def _version(value: bool) -> None:  # noqa: FBT001 (typer calls it so)
    if value:
        from importlib.metadata import version

        put(f"feasible {version('feasible')}\n")
        raise typer.Exit


@app.callback()
def feasible(
    *,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True),
) -> None:
    """Say whether a model should run on the user's device or on a server, how sure that is, and what
    would change it.

    feasible model.onnx --device m1 --rtt 150ms
    """  # noqa: D205
