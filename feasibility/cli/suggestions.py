"""Say what was probably meant, where a word on the command line is nearly another one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from feasibility.alike import closest
from feasibility.errors import UsageError

NEXT_STEP = "feasible --help lists commands and options"
_MEANT = {
    "help": "--help",
    "version": "--version",
    "show": "devices show",
    "list": "devices list",
}  # what people type and is no command
_COMMAND = re.compile(r"[A-Za-z][A-Za-z-]*")
_MISSING = "Missing "  # an argument or an option
_NOT_A_CHOICE = re.compile(r"(?s)'(?P<given>.*)' is not one of '(?P<choices>.*)'\.?")


def refuse_mistyped(word: str, commands: Iterable[str]) -> None:
    """Raise UsageError for a first word that is no file but nearly a command."""
    if not _COMMAND.fullmatch(word) or os.path.exists(word):  # noqa: PTH110 (Path raises on long names)
        return
    meant = closest(word.lower(), [*commands, *_MEANT])
    if meant is not None:
        msg = f"there is no command and no file called {word!r}"
        raise UsageError(msg, hint=f"did you mean: feasible {_MEANT.get(meant, meant)}")


def explained(error: Exception, group: Any) -> UsageError | None:  # noqa: ANN401 (typer names no public type)
    """Return one of typer's complaints in our form, with the next step; None for any other error."""
    said = getattr(error, "format_message", None)
    if said is None:
        return None
    option = getattr(error, "option_name", None)
    if option is not None and hasattr(error, "possibilities"):
        return UsageError(f"no such option: {option}", hint=_option(option, error, group))
    sentence = " ".join(str(said()).split()).rstrip(".")
    example = _example(error) if sentence.startswith(_MISSING) else None
    return UsageError(sentence[:1].lower() + sentence[1:], hint=_choice(error) or example or NEXT_STEP)


def _option(option: str, error: Exception, group: Any) -> str:  # noqa: ANN401 (as above)
    """Name the commands that have the option, else the most alike one, else where all are listed."""
    having = [f"feasible {name}" for name, command in group.commands.items() if option in _options(command)]
    if having:
        return f"it belongs to: {', '.join(having)}"
    context = getattr(error, "ctx", None)
    own = _options(context.command) if context else []
    near = closest(option, [*own, *_options(group)])
    return f"did you mean {near}?" if near else NEXT_STEP


def _options(command: Any) -> list[str]:  # noqa: ANN401 (as above)
    return [name for param in command.params for name in param.opts if name.startswith("-")]


def _choice(error: Exception) -> str | None:
    """Name the most alike of the few values that an option takes."""
    match = _NOT_A_CHOICE.fullmatch(str(getattr(error, "message", "")))
    near = match and closest(match["given"].lower(), match["choices"].split("', '"))
    return f"did you mean {near}?" if near else None


def _example(error: Exception) -> str | None:
    """Show the command as its help does."""
    context = getattr(error, "ctx", None)
    lines = (context.command.help or "").splitlines() if context else []
    example = next((line.strip() for line in lines if line.strip().startswith("feasible ")), None)
    return example and f"like: {example}"
