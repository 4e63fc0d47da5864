"""Find profiles by name or path and load the one that was asked for.

Searched in this order: an explicit path, the project's folder (`./hardware_profiles`,
`./network_profiles`), the user's folder, what is built in. A device that no file is
called after may be `auto` (this machine), or an alias that a file lists.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from feasibility.alike import beside
from feasibility.errors import ProfileError, UnitError, UsageError
from feasibility.profiles import here
from feasibility.profiles.models import DeviceProfile, Fact, NetworkProfile, RuntimeProfile
from feasibility.profiles.strict_yaml import MAX_BYTES, Location, parse, quote
from feasibility.profiles.validate import nearest, validate
from feasibility.units import BitsPerSecond, Seconds

Reference: TypeAlias = str | os.PathLike[str]
Check: TypeAlias = Callable[[Mapping[str, object]], Iterator[tuple[Location, str]]]
Q = TypeVar("Q", Seconds, BitsPerSecond)
P = TypeVar("P", bound=BaseModel)

_SUFFIXES = (".yaml", ".yml")
_FILE = re.compile(r"(?s)(?P<id>[^.].*)\.ya?ml")  # a hidden file is an editor's or a draft
_USER = "(user folder)"
_HOMES = ("XDG_CONFIG_HOME", "APPDATA", "HOME", "USERPROFILE")  # what tells the user's folder
_KINDS = 16  # folders of profiles that listings are kept of
_KEPT = 1024  # profiles that are kept: all that are built in, and a user's
MY_MACHINE = "my-machine"  # the id of what `feasible calibrate` measured here
_ALIAS = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
_ALIASES = re.compile(rb"(?m)^aliases:(?P<words>.*(?:\n[ \t-].*)*)")  # for suggestions: not parsed


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
    rank: int = 0  # of its folder: the nearest one is 0


def device(ref: Reference) -> DeviceProfile:
    """Load the device with this id or alias, or from this path; `auto` is this machine.

    UsageError when there is none, ProfileError when the file is wrong.
    """
    if _is_path(ref):
        return check_device(ref)
    files, name = _files(_DEVICE), os.fspath(ref)
    if name == here.AUTO and name not in files:
        return _this_machine()
    found = files.get(name) or _aliased(files, name)
    if found is None:
        raise _unknown(_DEVICE, name, (*files, *_aliases(files)))
    return _read(_DEVICE, found)


def devices() -> Iterator[DeviceProfile]:
    """Load every device that has a file, sorted by id; ProfileError at the first that is wrong."""
    for _, found in sorted(_files(_DEVICE).items()):
        yield _read(_DEVICE, found)


def readable_devices() -> tuple[DeviceProfile, ...]:
    """Return every device whose file is right, sorted by id: a wrong one is no answer to another question.

    Read again when a folder has got or lost a file.
    """
    folders = _folders(_DEVICE)
    cwd = os.getcwd()  # noqa: PTH109 (a string, and quick)
    return _readable(folders, cwd, tuple(map(_changed_ns, folders)))


def runtime(ref: Reference) -> RuntimeProfile:
    """Load the runtime with this id, or from this path."""
    return _load(_RUNTIME, ref)


def network(
    ref: Reference,
    *,
    rtt: str | Seconds | None = None,
    down: str | BitsPerSecond | None = None,
    up: str | BitsPerSecond | None = None,
    cdn_rtt: str | Seconds | None = None,
) -> NetworkProfile:
    """Load the link with this id, or from this path, and put given numbers in place of its own.

    A given number has the evidence "given", and its source says what the profile had.
    """
    profile = _load(_NETWORK, ref)
    given = {
        "rtt": _override(profile.id, profile.rtt, rtt, Seconds),
        "downlink": _override(profile.id, profile.downlink, down, BitsPerSecond),
        "uplink": _override(profile.id, profile.uplink, up, BitsPerSecond),
        "cdn_rtt": _override(profile.id, profile.cdn_rtt or profile.rtt, cdn_rtt, Seconds)
        if cdn_rtt is not None
        else profile.cdn_rtt,
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


def read_bytes(path: Reference) -> bytes:
    """Return the bytes of a profile file, some more than it may have at most; UsageError where it is none."""
    return _bytes(_at(_ANY, os.fspath(path)).file)


def _load(kind: _Kind[P], ref: Reference) -> P:
    if _is_path(ref):
        return _read(kind, _at(kind, os.fspath(ref)))
    files, name = _files(kind), os.fspath(ref)
    if name not in files:
        raise _unknown(kind, name, files)
    return _read(kind, files[name])


def _is_path(ref: Reference) -> bool:
    text = os.fspath(ref)
    return not isinstance(ref, str) or text.endswith(_SUFFIXES) or "/" in text or os.sep in text


def _at(kind: _Kind[Any], text: str) -> _Found:
    """Return the file at a path; it must be a plain file."""
    path = Path(text)
    if "\0" in text or not path.is_file():
        what = "is a folder" if "\0" not in text and path.is_dir() else "is not a file"
        msg = f"{quote(text)} {what}; a {kind.word} is a YAML file or a name"
        near = beside(text, _SUFFIXES)
        raise UsageError(msg, hint=f"did you mean {near!r}? {kind.next_step}" if near else kind.next_step)
    return _Found(id=path.stem, file=path, origin=text)


def _unknown(kind: _Kind[Any], name: str, known: Iterable[str]) -> UsageError:
    """Return the error that says that nothing is called so, and what is called alike."""
    near = nearest(name, known).removeprefix("; ")
    return UsageError(
        f"there is no {kind.word} called {quote(name)}", hint=f"{near} {kind.next_step}".strip()
    )


def _this_machine() -> DeviceProfile:
    """Return what was measured on this machine, else what its system tells about it."""
    home = user_folder()
    file = home and home.joinpath(*_DEVICE.folder, MY_MACHINE + _SUFFIXES[0])
    if file is None or not file.is_file():
        return here.this_machine()
    origin = f"{_USER}/{_DEVICE.folder[0]}/{file.name}, called {here.AUTO!r}"
    return _read(_DEVICE, _Found(id=MY_MACHINE, file=file, origin=origin))


def _aliased(files: Mapping[str, _Found], alias: str) -> _Found | None:
    """Return the file of the nearest folder that lists the alias; only files with the word are parsed."""
    if not _ALIAS.fullmatch(alias):
        return None
    holders = [found for _, found in sorted(files.items()) if alias.encode() in _bytes(found.file)]
    listing = [found for found in holders if alias in _listed(found, alias)]
    first = [found for found in listing if found.rank == min(each.rank for each in listing)]
    if len(first) > 1:
        msg = f"{quote(alias)} is an alias of {' and of '.join(quote(found.id) for found in first)}"
        raise UsageError(msg, hint="name one of them by its id")
    return replace(first[0], origin=f"{first[0].origin}, called {alias!r}") if first else None


def _listed(found: _Found, alias: str) -> tuple[object, ...]:
    """Return the aliases of a file; one that is no YAML has none, unless it seems to mean this one."""
    try:
        aliases = parse(_bytes(found.file), str(found.file)).data.get("aliases")
    except ProfileError:
        if alias in _words(found):
            raise
        aliases = ()
    return tuple(aliases) if isinstance(aliases, list) else ()


def _aliases(files: Mapping[str, _Found]) -> Iterator[str]:
    """Yield the aliases that files seem to list, without parsing one."""
    for found in files.values():
        yield from _words(found)


def _words(found: _Found) -> Iterator[str]:
    """Yield what stands under `aliases:` in a file, as text."""
    for match in _ALIASES.finditer(_bytes(found.file)):
        yield from _ALIAS.findall(match["words"].decode("utf-8", "replace"))


def _read(kind: _Kind[P], found: _Found) -> P:
    """Parse and validate one file; what was read once is not parsed again while its bytes are the same."""
    profile: P = _validated(kind, found.id, found.origin, str(found.file), _bytes(found.file))
    return profile


@lru_cache(maxsize=_KEPT)
def _validated(kind: _Kind[P], name: str, origin: str, file: str, content: bytes) -> P:
    document = parse(content, file)
    checks = [*_given(document.data), *kind.check(document.data)]
    return validate(document, kind.model, filled={"id": name, "origin": origin}, checks=checks)


def _bytes(file: Path | Traversable) -> bytes:
    """Read a file, and no more of it than a profile may have."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        msg = f"{quote(str(file))} cannot be read: {error.strerror}"
        raise UsageError(msg) from None


def _folders(kind: _Kind[Any]) -> tuple[tuple[Path | Traversable, str], ...]:
    """Return the folders searched, each with how the answer names a file from it."""
    homes = tuple(os.environ.get(name) for name in _HOMES)
    return _folders_from(kind.folder, os.getcwd(), homes)  # noqa: PTH109 (a string: this is asked for every name)


@lru_cache(maxsize=_KEPT)
def _folders_from(
    folder: tuple[str, ...],
    cwd: str,  # noqa: ARG001 (the project's folder is relative to it)
    homes: tuple[str | None, ...],  # noqa: ARG001 (the user's folder depends on them)
) -> tuple[tuple[Path | Traversable, str], ...]:
    return tuple(_searched(folder))


def _searched(folder: tuple[str, ...]) -> Iterator[tuple[Path | Traversable, str]]:
    built_in = _built_in(folder)
    project = Path(*folder)
    if not (isinstance(built_in, Path) and project.is_dir() and project.samefile(built_in)):
        yield project, "/".join((".", *folder, "{}"))
    home = user_folder()
    if home is not None:
        yield home.joinpath(*folder), "/".join((_USER, *folder, "{}"))
    yield built_in, "/".join(("(built in)", *folder, "{}"))


@cache
def _built_in(folder: tuple[str, ...]) -> Path | Traversable:
    """Return the folder inside the wheel, or the repository's when installed editable."""
    packaged = resources.files("feasibility").joinpath("_profiles", *folder)
    return packaged if packaged.is_dir() else Path(__file__).parents[2].joinpath(*folder)


def user_folder() -> Path | None:
    """Return the user's folder: %APPDATA% on Windows, else $XDG_CONFIG_HOME or ~/.config."""
    base = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "feasible"
    try:
        return Path.home() / ".config" / "feasible"
    except RuntimeError:  # no home folder is known (a bare container user)
        return None


def _files(kind: _Kind[Any]) -> Mapping[str, _Found]:
    """Return the file of each id: the one in the first folder that has it.

    Folders are listed again only when one of them has changed.
    """
    folders = _folders(kind)
    cwd = os.getcwd()  # noqa: PTH109 (as above)
    return _listed_files(folders, cwd, tuple(map(_changed_ns, folders)))


def _changed_ns(folder: tuple[Path | Traversable, str]) -> int:
    """Return when a folder last changed; 0 where it is missing, or in an archive."""
    path = folder[0]
    try:
        return os.stat(path).st_mtime_ns if isinstance(path, Path) else 0  # noqa: PTH116 (as above)
    except OSError:
        return 0


@lru_cache(maxsize=_KINDS)
def _readable(
    folders: tuple[tuple[Path | Traversable, str], ...], cwd: str, changed_ns: tuple[int, ...]
) -> tuple[DeviceProfile, ...]:
    def read() -> Iterator[DeviceProfile]:
        for _, found in sorted(_listed_files(folders, cwd, changed_ns).items()):
            with suppress(ProfileError, UsageError):
                yield _read(_DEVICE, found)

    return tuple(read())


@lru_cache(maxsize=_KINDS)
def _listed_files(
    folders: tuple[tuple[Path | Traversable, str], ...],
    cwd: str,  # noqa: ARG001 (the project's folder is relative to it)
    changed_ns: tuple[int, ...],  # noqa: ARG001 (what was listed then is not what is there now)
) -> Mapping[str, _Found]:
    files: dict[str, _Found] = {}
    for rank, (folder, origin) in enumerate(folders):
        for entry in sorted(_entries(folder), key=lambda entry: entry.name):
            match = _FILE.fullmatch(entry.name)
            if match and match["id"] not in files and entry.is_file():
                found = _Found(id=match["id"], file=entry, origin=origin.format(entry.name), rank=rank)
                files[found.id] = found
    return files


def _ids(kind: _Kind[Any]) -> tuple[str, ...]:
    return tuple(sorted(_files(kind)))


def _entries(folder: Path | Traversable) -> Iterable[Path | Traversable]:
    """Return what is in a folder; nothing where it is missing or closed."""
    try:
        return list(folder.iterdir())
    except OSError:
        return ()


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
    """Yield aliases that cannot be typed, and references to units and runtimes that do not exist."""
    yield from _alias_check(data.get("aliases"))
    units, default = data.get("units"), data.get("default_unit")
    if not isinstance(units, Mapping):
        return
    if isinstance(default, str) and default not in units:
        known = ", ".join(str(name) for name in units)
        yield ("default_unit",), f"there is no unit {quote(default)}; units are {known}"
    runtimes = runtime_ids()
    for name, unit in units.items():
        if isinstance(unit, Mapping):
            for location, message in _unit_check(unit, runtimes):
                yield ("units", str(name), *location), message


def _alias_check(aliases: object) -> Iterator[tuple[Location, str]]:
    """Yield aliases that are no words, or given twice; what is no text is the model's to say."""
    seen: list[str] = []
    for index, alias in enumerate(aliases if isinstance(aliases, list) else ()):
        if isinstance(alias, str) and not _ALIAS.fullmatch(alias):
            words = "is no alias; write lower-case words and digits, like iphone-15-pro"
            yield ("aliases", index), f"{quote(alias)} {words}"
        elif alias in seen:
            yield ("aliases", index), f"alias {quote(alias)} is given twice"
        seen.append(alias)


def _unit_check(unit: Mapping[str, object], runtimes: tuple[str, ...]) -> Iterator[tuple[Location, str]]:
    """Yield runtimes that do not exist, and coefficients of a runtime that the unit does not list."""
    listed, measured = unit.get("runtimes"), unit.get("coefficients")
    listed = listed if isinstance(listed, list) else []
    for index, ref in enumerate(listed):
        if isinstance(ref, str) and ref not in runtimes:
            yield ("runtimes", index), f"there is no runtime {quote(ref)}{nearest(ref, runtimes)}"
    for ref in measured if isinstance(measured, Mapping) else ():
        if ref not in listed:
            known = ", ".join(str(each) for each in listed)
            yield ("coefficients", ref), f"coefficients of {quote(ref)}, which is not among runtimes: {known}"


def _no_check(_: Mapping[str, object]) -> Iterator[tuple[Location, str]]:
    yield from ()


_ANY = _Kind(
    word="profile",
    folder=(),
    model=BaseModel,
    check=_no_check,
    next_step="docs/profiles.md shows one of each kind",
)
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
