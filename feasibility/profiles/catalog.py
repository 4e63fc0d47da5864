"""Find profiles by name or path and load the one that was asked for.

Searched in this order: an explicit path, the project's folder (`./hardware_profiles`,
`./network_profiles`), the user's folder, what is built in.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from feasibility.errors import UnitError, UsageError
from feasibility.profiles.models import DeviceProfile, Fact, NetworkProfile, RuntimeProfile
from feasibility.profiles.strict_yaml import MAX_BYTES, Location, parse, quote
from feasibility.profiles.validate import nearest, validate
from feasibility.units import BitsPerSecond, Seconds

Reference: TypeAlias = str | os.PathLike[str]
Check: TypeAlias = Callable[[Mapping[str, object]], Iterator[tuple[Location, str]]]
Q = TypeVar("Q", Seconds, BitsPerSecond)
P = TypeVar("P", bound=BaseModel)

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind(Generic[P]):
    """A kind of profile: its word in messages, its folder, its model and its own checks."""

    word: str
    folder: tuple[str, ...]
    model: type[P]
    check: Check
    next_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A file that holds a profile, and how the answer names it."""

    id: str
    file: Path | Traversable
    origin: str


def device(ref: Reference) -> DeviceProfile:
    """Load the device with this id, or from this path.

    UsageError when there is none, ProfileError when the file is wrong.
    """
    return _load(_DEVICE, ref)


def runtime(ref: Reference) -> RuntimeProfile:
    """Load the runtime with this id, or from this path."""
    return _load(_RUNTIME, ref)


def network(
    ref: Reference,
    *,
    rtt: str | Seconds | None = None,
    down: str | BitsPerSecond | None = None,
    up: str | BitsPerSecond | None = None,
) -> NetworkProfile:
    """Load the link with this id, or from this path, and put given numbers in place of its own.

    A given number has the evidence "given", and its source says what the profile had.
    """
    profile = _load(_NETWORK, ref)
    given = {
        "rtt": _override(profile.id, profile.rtt, rtt, Seconds),
        "downlink": _override(profile.id, profile.downlink, down, BitsPerSecond),
        "uplink": _override(profile.id, profile.uplink, up, BitsPerSecond),
    }
    return profile.model_copy(update=given)


def device_ids() -> tuple[str, ...]:
    """Return the ids of all devices that can be named, sorted, without loading one."""
    return _ids(_DEVICE)


def runtime_ids() -> tuple[str, ...]:
    """Return the ids of all runtimes that a device may list, sorted, without loading one."""
    return _ids(_RUNTIME)


def network_ids() -> tuple[str, ...]:
    """Return the ids of all links that can be named, sorted, without loading one."""
    return _ids(_NETWORK)


def check_device(path: Reference) -> DeviceProfile:
    """Load a device from a file whatever its name; ProfileError holds all its problems."""
    return _read(_DEVICE, _at(_DEVICE, os.fspath(path)))


def check_runtime(path: Reference) -> RuntimeProfile:
    """Load a runtime from a file whatever its name; ProfileError holds all its problems."""
    return _read(_RUNTIME, _at(_RUNTIME, os.fspath(path)))


def check_network(path: Reference) -> NetworkProfile:
    """Load a link from a file whatever its name; ProfileError holds all its problems."""
    return _read(_NETWORK, _at(_NETWORK, os.fspath(path)))


def _load(kind: _Kind[P], ref: Reference) -> P:
    text = os.fspath(ref)
    if not isinstance(ref, str) or _is_path(text):
        return _read(kind, _at(kind, text))
    return _read(kind, _named(kind, text))


def _is_path(text: str) -> bool:
    return text.endswith(_SUFFIXES) or "/" in text or os.sep in text


def _at(kind: _Kind[Any], text: str) -> _Found:
    """Return the file at a path; it must be a plain file."""
    path = Path(text)
    if "\0" in text or not path.is_file():
        what = "is a folder" if "\0" not in text and path.is_dir() else "is not a file"
        msg = f"{quote(text)} {what}; a {kind.word} is a YAML file or a name"
        raise UsageError(msg, hint=kind.next_step)
    return _Found(id=path.stem, file=path, origin=text)


def _named(kind: _Kind[Any], name: str) -> _Found:
    """Return the first file of that name in the folders searched."""
    for folder, origin in _folders(kind):
        for suffix in _SUFFIXES:
            if name + suffix in _listing(folder):
                return _Found(id=name, file=folder / (name + suffix), origin=origin.format(name + suffix))
    near = nearest(name, _ids(kind)).removeprefix("; ")
    msg = f"there is no {kind.word} called {quote(name)}"
    raise UsageError(msg, hint=f"{near} {kind.next_step}".strip())


def _read(kind: _Kind[P], found: _Found) -> P:
    """Parse and validate one file."""
    document = parse(_bytes(found.file), str(found.file))
    checks = [*_given(document.data), *kind.check(document.data)]
    return validate(document, kind.model, filled={"id": found.id, "origin": found.origin}, checks=checks)


def _bytes(file: Path | Traversable) -> bytes:
    """Read a file, and no more of it than a profile may have."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        msg = f"{quote(str(file))} cannot be read: {error.strerror}"
        raise UsageError(msg) from None


def _folders(kind: _Kind[Any]) -> Iterator[tuple[Path | Traversable, str]]:
    """Yield the folders searched, each with how the answer names a file from it."""
    built_in = _built_in(kind.folder)
    project = Path(*kind.folder)
    if not (isinstance(built_in, Path) and project.is_dir() and project.samefile(built_in)):
        yield project, "/".join((".", *kind.folder, "{}"))
    home = _user_folder()
    if home is not None:
        yield home.joinpath(*kind.folder), "/".join(("(user folder)", *kind.folder, "{}"))
    yield built_in, "/".join(("(built in)", *kind.folder, "{}"))


@cache
def _built_in(folder: tuple[str, ...]) -> Path | Traversable:
    """Return the folder inside the wheel, or the repository's when installed editable."""
    packaged = files("feasibility").joinpath("_profiles", *folder)
    return packaged if packaged.is_dir() else Path(__file__).parents[2].joinpath(*folder)


def _user_folder() -> Path | None:
    """Return the user's folder: %APPDATA% on Windows, else $XDG_CONFIG_HOME or ~/.config."""
    base = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "feasible"
    try:
        return Path.home() / ".config" / "feasible"
    except RuntimeError:  # no home folder is known (a bare container user)
        return None


def _listing(folder: Path | Traversable) -> frozenset[str]:
    """Return the file names of a folder; one that is missing or closed holds none."""
    try:
        return frozenset(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError:
        return frozenset()


def _ids(kind: _Kind[Any]) -> tuple[str, ...]:
    names = {name for folder, _ in _folders(kind) for name in _listing(folder) if name.endswith(_SUFFIXES)}
    return tuple(sorted({name.rpartition(".")[0] for name in names}))


def _override(name: str, fact: Fact[Q], given: str | Q | None, unit: type[Q]) -> Fact[Q]:
    """Return the fact, or a given number that remembers what the profile had."""
    if given is None:
        return fact
    value = unit.parse(given) if isinstance(given, str) else given
    if not isinstance(value, unit):
        msg = f"{quote(given)} has no unit; write {unit.kind} like {unit.example!r}"
        raise UnitError(msg)
    least = 0 if unit is Seconds else 1  # a link of 0 bit/s never ends
    if not least <= value.value < math.inf:
        msg = f"{quote(str(value))} is not {unit.kind} that a link can have; write it like {unit.example!r}"
        raise UsageError(msg)
    source = f"given by the caller; profile {name} says {fact.value}"
    return type(fact)(value=value, evidence="given", source=source)


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


def _device_check(data: Mapping[str, object]) -> Iterator[tuple[Location, str]]:
    """Yield references to units and runtimes that do not exist."""
    units, default = data.get("units"), data.get("default_unit")
    if not isinstance(units, Mapping):
        return
    if isinstance(default, str) and default not in units:
        known = ", ".join(str(name) for name in units)
        yield ("default_unit",), f"there is no unit {quote(default)}; units are {known}"
    for name, unit in units.items():
        listed = unit.get("runtimes") if isinstance(unit, Mapping) else None
        for index, ref in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(ref, str) and ref not in runtime_ids():
                location = ("units", str(name), "runtimes", index)
                yield location, f"there is no runtime {quote(ref)}{nearest(ref, runtime_ids())}"


def _no_check(_: Mapping[str, object]) -> Iterator[tuple[Location, str]]:
    yield from ()


_DEVICE = _Kind(
    word="device",
    folder=("hardware_profiles",),
    model=DeviceProfile,
    check=_device_check,
    next_step="list all with: feasible devices",
)
_RUNTIME = _Kind(
    word="runtime",
    folder=("hardware_profiles", "runtimes"),
    model=RuntimeProfile,
    check=_no_check,
    next_step="see which runtimes a device has with: feasible devices show ID",
)
_NETWORK = _Kind(
    word="network",
    folder=("network_profiles",),
    model=NetworkProfile,
    check=_no_check,
    next_step="list all with: feasible networks",
)
