"""Read a log as a runner of GitHub Actions does (actions/runner, ActionCommand.cs, read 2026-11-27)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_COMMAND = re.compile(r"\s*::(?P<name>[^ :]*)(?: (?P<properties>.*?))?::(?P<data>.*)")
_OLD = re.compile(r"##\[.*\]")


@dataclass(frozen=True)
class Command:
    """What a line asks of the runner."""

    name: str
    properties: dict[str, str]
    data: str


def commands(log: str) -> list[Command]:
    """Return what every line of a log asks, whether or not the runner knows a command of the name."""
    return [found for line in re.split(r"\r\n|\r|\n", log) for found in _commands(line)]


def _commands(line: str) -> list[Command]:
    new = _COMMAND.fullmatch(line)
    if new:
        pairs = (pair.partition("=") for pair in (new["properties"] or "").split(",") if pair)
        properties = {key: _back(value, _PROPERTY) for key, _, value in pairs}
        return [Command(new["name"], properties, _back(new["data"], _DATA))]
    return [Command("##[", {}, line)] if _OLD.search(line) else []


def _back(text: str, written: tuple[tuple[str, str], ...]) -> str:
    for code, character in written:
        text = text.replace(code, character)
    return text
