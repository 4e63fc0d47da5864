"""Read the file of a chain: stages, where their inputs come from, and what each may not do.

A stage names only stages above it: the order of the file is the order of execution.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from feasibility.alike import beside
from feasibility.errors import UsageError
from feasibility.folders import MAX_BYTES
from feasibility.profiles.strict_yaml import Document, Location, parse, quote
from feasibility.profiles.validate import nearest, validate

USER = "user"  # comes from the user, or goes to the user
CONSTANT = "constant"  # known wherever the stage runs: noise from a seed, a fixed setting
MAX_STAGES = 20  # 2^20 placements are searched in seconds; the longest published pipelines have about ten
MAX_REPEATS = 10**6

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_RESERVED = frozenset({USER, CONSTANT})
_FORMS = f"write {USER}, {CONSTANT} or STAGE.output"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _listed(value: object) -> object:
    """Read one name as a list of one."""
    return (value,) if isinstance(value, str) else value


class StageEntry(_Record):
    """One model of the chain, and what is settled about it."""

    id: str
    model: str = Field(min_length=1)  # a path, relative to the chain's file
    repeats: Annotated[int, Field(ge=1, le=MAX_REPEATS, strict=True)] = 1
    inputs: dict[str, str] = {}
    dims: dict[str, Annotated[int, Field(ge=1, strict=True)]] = {}
    private: Annotated[bool, Field(strict=True)] = False  # its inputs must not leave the client
    secret: Annotated[bool, Field(strict=True)] = False  # its weights must not be shipped
    place: Literal["client", "server"] | None = None


class ChainFile(_Record):
    """What the file of a chain holds."""

    name: str = ""
    stages: tuple[StageEntry, ...]  # one at least
    result: Annotated[tuple[str, ...], BeforeValidator(_listed)]  # one at least


class Reference(NamedTuple):
    """An output of a stage."""

    stage: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A chain as its file says it, with the places for what turns out wrong later."""

    path: str
    document: Document
    file: ChainFile

    @property
    def models(self) -> tuple[str, ...]:
        """Return the path of each stage's model, from where the caller stands."""
        folder = os.path.dirname(self.path) or os.curdir  # noqa: PTH120 (Path would turn ./- into -)
        return tuple(os.path.join(folder, stage.model) for stage in self.file.stages)  # noqa: PTH118 (as above)


def read(path: str | os.PathLike[str]) -> Source:
    """Read and check a chain; raise UsageError where there is no file, ProfileError with all its problems."""
    name = os.fspath(path)
    document = parse(_bytes(name), name)
    file = validate(document, ChainFile, filled={}, checks=_problems(document.data))
    return Source(path=name, document=document, file=file)


def references(source: Source) -> Iterator[tuple[Location, Reference]]:
    """Yield every output that a stage or the user reads, and where the file says so."""
    for index, stage in enumerate(source.file.stages):
        for name, text in stage.inputs.items():
            found = reference(text)
            if found is not None:
                yield ("stages", index, "inputs", name), found
    alone = isinstance(source.document.data.get("result"), str)
    for index, text in enumerate(source.file.result):
        found = reference(text)
        if found is not None:
            yield ("result",) if alone else ("result", index), found


def reference(text: str) -> Reference | None:
    """Read `STAGE.output`; None where it is not written so."""
    stage, dot, output = text.partition(".")
    return Reference(stage, output) if dot and stage and output else None


def _bytes(name: str) -> bytes:
    """Read a file, and no more of it than a chain may have."""
    if "\0" in name or not os.path.isfile(name):  # noqa: PTH113 (Path raises on long names)
        msg = f"{quote(name)} is not a file; a chain is a YAML file"
        near = beside(name, (".yaml", ".yml"))
        raise UsageError(msg, hint=f"did you mean {near!r}?" if near else "docs/chains.md shows one")
    try:
        with Path(name).open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        msg = f"{quote(name)} cannot be read: {error.strerror}"
        raise UsageError(msg) from None


def _problems(data: Mapping[str, object]) -> Iterator[tuple[Location, str]]:
    """Yield what single values do not show: names given twice, references to nothing, contradictions."""
    yield from (((key,), f"{key} is empty") for key in ("stages", "result") if data.get(key) == [])
    stages = data.get("stages")
    stages = stages if isinstance(stages, list) else []
    if len(stages) > MAX_STAGES:
        yield ("stages",), f"{len(stages)} stages are more than the {MAX_STAGES} that can be searched exactly"
    ids = [stage.get("id") if isinstance(stage, Mapping) else None for stage in stages]
    for index, stage in enumerate(stages):
        if isinstance(stage, Mapping):
            for location, message in _stage_problems(stage, ids, index):
                yield ("stages", index, *location), message
    given = data.get("result")
    results = [((), given)] if isinstance(given, str) else _indexed(given)
    for location, result in results:
        yield from _result_problems(("result", *location), result, ids)


def _indexed(value: object) -> list[tuple[tuple[int, ...], object]]:
    return [((index,), each) for index, each in enumerate(value)] if isinstance(value, list) else []


def _stage_problems(
    stage: Mapping[str, object], ids: Sequence[object], index: int
) -> Iterator[tuple[Location, str]]:
    yield from _id_problems(stage.get("id"), ids[:index])
    yield from _contradictions(stage)
    inputs = stage.get("inputs")
    for name, text in inputs.items() if isinstance(inputs, Mapping) else ():
        if isinstance(text, str) and text not in _RESERVED:
            for message in _reference_problems(text, ids, index):
                yield ("inputs", str(name)), f"{message}; {_FORMS}"


def _id_problems(name: object, above: Sequence[object]) -> Iterator[tuple[Location, str]]:
    if not isinstance(name, str):
        return
    if not _ID.fullmatch(name):
        yield ("id",), f"{quote(name)} is no id; write letters, digits, - and _, 40 at most"
    elif name in _RESERVED:
        yield ("id",), f"{quote(name)} cannot be an id: inputs come from it"
    elif name in above:
        yield ("id",), f"there is a stage {quote(name)} already"


def _contradictions(stage: Mapping[str, object]) -> Iterator[tuple[Location, str]]:
    """Yield demands that no side can meet."""
    place, name = stage.get("place"), quote(stage.get("id"))
    if stage.get("private") is True and stage.get("secret") is True:
        yield ("secret",), f"stage {name} is private and secret: neither side may run it"
    for demand, place_against in _AGAINST.items():
        if stage.get(demand) is True and place == place_against:
            yield ("place",), f"stage {name} is {demand}: it may not run on the {place_against}"


_AGAINST: Mapping[str, str] = MappingProxyType({"private": "server", "secret": "client"})


def _reference_problems(text: str, ids: Sequence[object], index: int) -> Iterator[str]:
    """Yield why an input cannot come from there."""
    found = reference(text)
    if found is None:
        yield f"{quote(text)} is no place where an input comes from"
    elif found.stage not in ids:
        yield f"there is no stage {quote(found.stage)}{nearest(found.stage, map(str, ids))}"
    elif found.stage not in ids[:index]:
        yield f"stage {quote(found.stage)} does not run before this one"


def _result_problems(
    location: Location, text: object, ids: Sequence[object]
) -> Iterator[tuple[Location, str]]:
    if isinstance(text, str):
        for message in _reference_problems(text, ids, len(ids)):
            yield location, f"{message}; write STAGE.output"
