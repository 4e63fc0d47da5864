"""Hold the commands together: the group whose `check` may be left out, and what is true of all."""

from __future__ import annotations

from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from feasibility.cli.output import put, talk
from feasibility.cli.suggestions import explained, refuse_mistyped
from feasibility.errors import ExitCode

_DEFAULT_COMMAND = "check"
_MODELS = "models"  # the argument of check
_GROUP_OPTIONS = frozenset({"-h", "--help", "--version", "--install-completion", "--show-completion"})
_GREETING = """\
Should this model run on the user's device or on a server?

  feasible model.onnx --device m1 --rtt 150ms    the verdict
  feasible profile model.onnx                    what one forward pass costs
  feasible devices list iphone                   what --device may name
  feasible --help                                all commands and options"""
_EPILOG = (
    "Exit codes: 0 answered; 1 --require not met, gate not passed; 2 wrong usage or unreadable input; "
    "3 undecided under --strict; 130 interrupted."
)


class DefaultCheck(TyperGroup):
    """A group whose `check` may be left out: `feasible MODEL` is `feasible check MODEL`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 (typer names no public type)
        """Put `check` in front of what is neither a command nor the group's own; greet who says nothing."""
        is_completing = ctx.resilient_parsing
        if not args and not is_completing:
            _greet()
        if args and args[0] not in self.commands and args[0] not in _GROUP_OPTIONS:
            if not is_completing:
                refuse_mistyped(args[0], self.commands)
            args = [_DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 (as above)
        """Run the command; say what is wrong with its words in a sentence, and what was probably meant."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            complaint = explained(error, self)
            if complaint is None:
                raise
            raise complaint from None

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ANN401 (as above)
        """Offer commands and, as `check` may be left out, what it offers: its options, and models."""
        check = self.commands[_DEFAULT_COMMAND]
        with check.make_context(_DEFAULT_COMMAND, [], parent=ctx, resilient_parsing=True) as inner:
            models = next(param for param in check.params if param.name == _MODELS)
            own = [*check.shell_complete(inner, incomplete), *models.shell_complete(inner, incomplete)]
        return [*super().shell_complete(ctx, incomplete), *own]

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (as above)
        """List the options of `check` as the command's own, the group's, and then the commands."""
        self.commands[_DEFAULT_COMMAND].format_options(ctx, formatter)
        records = [param.get_help_record(ctx) for param in self.params]
        with formatter.section("Without a model"):
            formatter.write_dl([record for record in records if record])
        self.format_commands(ctx, formatter)


def _greet() -> NoReturn:
    """Show a newcomer what to type; a script that forgot the model must see it fail."""
    for line in _GREETING.splitlines():
        talk(line)
    raise typer.Exit(ExitCode.BAD_INPUT)


app = typer.Typer(
    name="feasible",
    cls=DefaultCheck,
    rich_markup_mode=None,
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
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Say whether a model should run on the user's device or on a server, how sure that is, and what
    would change it.

    feasible model.onnx --device m1 --rtt 150ms

    feasible profile model.onnx
    """  # noqa: D205
