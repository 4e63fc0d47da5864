"""Find and read the config of the gate: the closest feasible.yaml or pyproject.toml, alone."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feasibility.errors import UsageError
from feasibility.folders import MAX_BYTES
from feasibility.gate.config import GateConfig, problems
from feasibility.gate.records import Spot
from feasibility.gate.toml_places import places
from feasibility.profiles.strict_yaml import (
    Document,
    Location,
    Place,
    Problem,
    parse,
    quote,
    report,
)
from feasibility.profiles.validate import validate

YAML_NAME = "feasible.yaml"
TOML_NAME = "pyproject.toml"
LOCK_NAME = "feasible.lock.json"
_TABLE: Location = ("tool", "feasible")
_WORDS = frozenset({"off"})  # a level
_TOML_PLACE = re.compile(r"\(at line (?P<line>\d+), column (?P<column>\d+)\)")
_MOST_TOML = 16 * MAX_BYTES  # of a pyproject.toml that is looked into; ours may hold MAX_BYTES
_START = "write one with: feasible init"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The config as its file says it, with the places for what turns out wrong later."""

    path: Path
    document: Document
    config: GateConfig

    @property
    def hidden(self) -> Path | None:
        """Return the pyproject.toml beside a feasible.yaml whose table is not looked at, or None."""
        beside = self.folder / TOML_NAME
        if self.path.name == TOML_NAME or not beside.is_file():
            return None
        return beside if has_table(_bytes(beside, _MOST_TOML), TOML_NAME) else None

    @property
    def folder(self) -> Path:
        """Return the folder that the paths in the config start from."""
        return self.path.parent

    def spot(self, *location: str | int) -> Spot:
        """Return where a key of the config stands, or the nearest one above it."""
        place = self.document.key_place(location)
        if place == Place(1, 1):  # items of a list have no key
            place = self.document.value_place(location)
        return Spot(line=place.line, column=place.column)


def find(given: str | os.PathLike[str] | None = None) -> Source:
    """Read the config given, else the closest one upwards from here.

    In one folder feasible.yaml comes before pyproject.toml, which counts only with a [tool.feasible].
    Raise UsageError where there is none, ProfileError with all its problems.
    """
    if given is not None:
        return read(Path(given))
    here = Path.cwd()
    for folder in (here, *here.parents):
        for name in (YAML_NAME, TOML_NAME):
            path = folder / name
            if path.is_file() and has_table(_bytes(path, _MOST_TOML), name):
                return read(Path(os.path.relpath(path)))
    msg = f"there is no {YAML_NAME} and no [tool.feasible] in a {TOML_NAME}, here or in a folder above"
    raise UsageError(msg, hint=_START)


def read(path: Path) -> Source:
    """Read and check one config file; raise as `find` does."""
    name = str(path)
    if "\0" in name or not path.is_file():
        msg = f"{quote(name)} is not a file; the gate's config is {YAML_NAME} or {TOML_NAME}"
        raise UsageError(msg, hint=_START)
    return parsed(_bytes(path), name)


def parsed(content: bytes, name: str) -> Source:
    """Read the bytes of a config file; raise ProfileError with all its problems."""
    path = Path(name)
    document = _toml(content, name) if path.suffix == ".toml" else parse(content, name, words=_WORDS)
    config = validate(document, GateConfig, filled={}, checks=problems(document.data))
    return Source(path=path, document=document, config=config)


def _bytes(path: Path, most: int = MAX_BYTES) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(most + 1)
    except OSError as error:
        msg = f"{quote(str(path))} cannot be read: {error.strerror}"
        raise UsageError(msg) from None


def has_table(content: bytes, name: str) -> bool:
    """Tell whether a file speaks of us: feasible.yaml does; what is no TOML does where it names the table."""
    if Path(name).suffix != ".toml":
        return True
    try:
        return _table(tomllib.loads(content.decode("utf-8"))) is not None
    except (ValueError, RecursionError):  # no TOML, no UTF-8, 5000 digits, too deep
        return b"[tool.feasible" in content or b"[[tool.feasible" in content


def _toml(content: bytes, name: str) -> Document:
    """Return the table [tool.feasible] of a file as a document."""
    if len(content) > MAX_BYTES:
        raise report(name, [Problem(Place(1, 1), f"the file is larger than {MAX_BYTES // 1024} KiB")])
    try:
        text = content.decode("utf-8")
        whole: Mapping[str, Any] = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise report(name, [Problem(Place(1, 1), f"byte {error.start} is not UTF-8 text")]) from None
    except (ValueError, RecursionError) as error:
        raise report(name, [_syntax(str(error))]) from None
    table = _table(whole)
    if not isinstance(table, Mapping):
        raise report(name, [Problem(Place(1, 1), "there is no table [tool.feasible] in it")])
    keys = {key[len(_TABLE) :]: place for key, place in places(text).items() if key[: len(_TABLE)] == _TABLE}
    return Document(name=name, data=table, keys=keys, values=keys, problems=())


def _table(whole: Mapping[str, Any]) -> object:
    tool = whole.get("tool")
    return tool.get("feasible") if isinstance(tool, Mapping) else None


def _syntax(message: str) -> Problem:
    found = _TOML_PLACE.search(message)
    place = Place(int(found["line"]), int(found["column"])) if found else Place(1, 1)
    return Problem(place, f"this is not TOML: {_TOML_PLACE.sub('', message).strip().lower() or 'unreadable'}")
