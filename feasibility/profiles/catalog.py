"""Find profiles by name or path and load the one that was asked for.

Searched in this order: an explicit path, the project's folder (`./hardware_profiles`,
`./network_profiles`), the user's folder, what is built in. A device that no file is
called after may be `auto` (this machine), or an alias that a file lists.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from feasibility.errors import ProfileError, UnitError, UsageError
from feasibility.folders import (
    ALIAS,
    KINDS,
    SUFFIXES,
    USER,
    Found,
    changed_ns,
    files_in,
    folders_of,
    ids_in,
    listed,
    read_file,
    seeming_aliases,
    user_folder,
)
from feasibility.profiles import here
from feasibility.profiles.models import DeviceProfile, Fact, NetworkProfile, RuntimeProfile
from feasibility.profiles.reading import Kind, Reference, at_path, is_path, load, no_check, read, unknown
from feasibility.profiles.strict_yaml import Location, parse, quote
from feasibility.profiles.validate import nearest
from feasibility.units import BitsPerSecond, Seconds

Q = TypeVar("Q", Seconds, BitsPerSecond)
MY_MACHINE = "my-machine"  # the id of what `feasible calibrate` measured here


def device(ref: Reference) -> DeviceProfile:
    """Load the device with this id or alias, or from this path; `auto` is this machine.

    UsageError when there is none, ProfileError when the file is wrong.
    """
    if is_path(ref):
        return check_device(ref)
    files, name = files_in(_DEVICE.folder), os.fspath(ref)
    if name == here.AUTO and name not in files:
        return _this_machine()
    found = files.get(name) or _aliased(files, name)
    if found is None:
        raise unknown(_DEVICE, name, (*files, *_aliases(files)))
    return read(_DEVICE, found)


def devices() -> Iterator[DeviceProfile]:
    """Load every device that has a file, sorted by id; ProfileError at the first that is wrong."""
    for _, found in sorted(files_in(_DEVICE.folder).items()):
        yield read(_DEVICE, found)


def readable_devices() -> tuple[DeviceProfile, ...]:
    """Return every device whose file is right, sorted by id: a wrong one is no answer to another question.

    Read again when a folder has got or lost a file.
    """
    folders = folders_of(_DEVICE.folder)
    cwd = os.getcwd()  # noqa: PTH109 (a string, and quick)
    return _readable(folders, cwd, tuple(map(changed_ns, folders)))


def runtime(ref: Reference) -> RuntimeProfile:
    """Load the runtime with this id, or from this path."""
    return load(_RUNTIME, ref)


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
    profile = load(_NETWORK, ref)
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
    return ids_in(_DEVICE.folder)


def runtime_ids() -> tuple[str, ...]:
    """Return the ids of all runtimes that a device may list, sorted, without loading one."""
    return ids_in(_RUNTIME.folder)


def network_ids() -> tuple[str, ...]:
    """Return the ids of all links that can be named, sorted, without loading one."""
    return ids_in(_NETWORK.folder)


def check_device(path: Reference) -> DeviceProfile:
    """Load a device from a file whatever its name; ProfileError holds all its problems."""
    return read(_DEVICE, at_path(_DEVICE, os.fspath(path)))


def check_runtime(path: Reference) -> RuntimeProfile:
    """Load a runtime from a file whatever its name; ProfileError holds all its problems."""
    return read(_RUNTIME, at_path(_RUNTIME, os.fspath(path)))


def check_network(path: Reference) -> NetworkProfile:
    """Load a link from a file whatever its name; ProfileError holds all its problems."""
    return read(_NETWORK, at_path(_NETWORK, os.fspath(path)))


def _this_machine() -> DeviceProfile:
    """Return what was measured on this machine, else what its system tells about it."""
    home = user_folder()
    file = home and home.joinpath(*_DEVICE.folder, MY_MACHINE + SUFFIXES[0])
    if file is None or not file.is_file():
        return here.this_machine()
    origin = f"{USER}/{_DEVICE.folder[0]}/{file.name}, called {here.AUTO!r}"
    return read(_DEVICE, Found(id=MY_MACHINE, file=file, origin=origin))


def _aliased(files: Mapping[str, Found], alias: str) -> Found | None:
    """Return the file of the nearest folder that lists the alias; only files with the word are parsed."""
    if not ALIAS.fullmatch(alias):
        return None
    holders = [found for _, found in sorted(files.items()) if alias.encode() in read_file(found.file)]
    listing = [found for found in holders if alias in _listed(found, alias)]
    first = [found for found in listing if found.rank == min(each.rank for each in listing)]
    if len(first) > 1:
        msg = f"{quote(alias)} is an alias of {' and of '.join(quote(found.id) for found in first)}"
        raise UsageError(msg, hint="name one of them by its id")
    return replace(first[0], origin=f"{first[0].origin}, called {alias!r}") if first else None


def _listed(found: Found, alias: str) -> tuple[object, ...]:
    """Return the aliases of a file; one that is no YAML has none, unless it seems to mean this one."""
    try:
        aliases = parse(read_file(found.file), str(found.file)).data.get("aliases")
    except ProfileError:
        if alias in seeming_aliases(found):
            raise
        aliases = ()
    return tuple(aliases) if isinstance(aliases, list) else ()


def _aliases(files: Mapping[str, Found]) -> Iterator[str]:
    """Yield the aliases that files seem to list, without parsing one."""
    for found in files.values():
        yield from seeming_aliases(found)


@lru_cache(maxsize=KINDS)
def _readable(
    folders: tuple[tuple[Path | Traversable, str], ...], cwd: str, changed_ns: tuple[int, ...]
) -> tuple[DeviceProfile, ...]:
    def readable() -> Iterator[DeviceProfile]:
        for _, found in sorted(listed(folders, cwd, changed_ns).items()):
            with suppress(ProfileError, UsageError):
                yield read(_DEVICE, found)

    return tuple(readable())


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
        if isinstance(alias, str) and not ALIAS.fullmatch(alias):
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


_DEVICE = Kind(
    word="device",
    folder=("hardware_profiles",),
    model=DeviceProfile,
    check=_device_check,
    next_step="list all with: feasible devices",
)
_RUNTIME = Kind(
    word="runtime",
    folder=("hardware_profiles", "runtimes"),
    model=RuntimeProfile,
    check=no_check,
    next_step="see which runtimes a device has with: feasible devices show ID",
)
_NETWORK = Kind(
    word="network",
    folder=("network_profiles",),
    model=NetworkProfile,
    check=no_check,
    next_step="list all with: feasible networks",
)
