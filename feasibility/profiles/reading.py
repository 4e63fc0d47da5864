"""Read one profile of a kind, by its name or from its path, and check it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from feasibility.alike import beside
from feasibility.errors import UsageError
from feasibility.folders import KEPT, SUFFIXES, Found, files_in, read_file
from feasibility.profiles.strict_yaml import Location, parse, quote
from feasibility.profiles.validate import nearest, validate

Reference: TypeAlias = str | os.PathLike[str]
Check: TypeAlias = Callable[[Mapping[str, object]], Iterator[tuple[Location, str]]]
P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[P]):
    """A kind of profile: its word in messages, its folder, its model and its own checks."""

    word: str
    folder: tuple[str, ...]
    model: type[P]
    check: Check
    next_step: str


def load(kind: Kind[P], ref: Reference) -> P:
    """Return the profile of this id, or at this path.

    Raise UsageError where there is none, ProfileError with every problem of its file.
    """
    if is_path(ref):
        return read(kind, at_path(kind, os.fspath(ref)))
    files, name = files_in(kind.folder), os.fspath(ref)
    if name not in files:
        raise unknown(kind, name, files)
    return read(kind, files[name])


def is_path(ref: Reference) -> bool:
    """Tell a path from an id."""
    text = os.fspath(ref)
    return not isinstance(ref, str) or text.endswith(SUFFIXES) or "/" in text or os.sep in text


def at_path(kind: Kind[Any], text: str) -> Found:
    """Return the file at a path; it must be a plain file."""
    path = Path(text)
    if "\0" in text or not path.is_file():
        what = "is a folder" if "\0" not in text and path.is_dir() else "is not a file"
        msg = f"{quote(text)} {what}; a {kind.word} is a YAML file or a name"
        near = beside(text, SUFFIXES)
        raise UsageError(msg, hint=f"did you mean {near!r}? {kind.next_step}" if near else kind.next_step)
    return Found(id=path.stem, file=path, origin=text)


def unknown(kind: Kind[Any], name: str, known: Iterable[str]) -> UsageError:
    """Return the error that says that nothing is called so, and what is called alike."""
    near = nearest(name, known).removeprefix("; ")
    return UsageError(
        f"there is no {kind.word} called {quote(name)}", hint=f"{near} {kind.next_step}".strip()
    )


def read(kind: Kind[P], found: Found) -> P:
    """Parse and validate one file; what was read once is not parsed again while its bytes are the same."""
    profile: P = _validated(kind, found.id, found.origin, str(found.file), read_file(found.file))
    return profile


@lru_cache(maxsize=KEPT)
def _validated(kind: Kind[P], name: str, origin: str, file: str, content: bytes) -> P:
    document = parse(content, file)
    checks = [*_given(document.data), *kind.check(document.data)]
    return validate(document, kind.model, filled={"id": name, "origin": origin}, checks=checks)


def _given(data: object, location: Location = ()) -> Iterator[tuple[Location, str]]:
    """Yield the facts of a file that claim to come from the caller of this run."""
    items: list[tuple[Any, object]] = []
    if isinstance(data, Mapping):
        items = list(data.items())
        if data.get("evidence") == "given":
            words = "'given' is for numbers of one call; write vendor, measured, derived or estimate"
            yield (*location, "evidence"), words
    elif isinstance(data, list):
        items = list(enumerate(data))
    for key, value in items:
        yield from _given(value, (*location, key))


def no_check(_: Mapping[str, object]) -> Iterator[tuple[Location, str]]:
    """Yield no problem: for kinds whose fields say all."""
    yield from ()
