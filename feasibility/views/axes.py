"""Read what a caller chose: one value of each choice, or an axis of a sweep.

An axis is a list of values, or a span like 10ms..500ms in equal ratios.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import index
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeGuard, cast

from feasibility.decide.scenario import quantity
from feasibility.errors import UnitError, UsageError
from feasibility.profiles.hosts import HostProfile
from feasibility.profiles.models import DeviceProfile, NetworkProfile, RuntimeProfile
from feasibility.units import BitsPerSecond, Bytes, PerSecond, Seconds

SPAN = ".."
NOT_GIVEN = "not given"
_Quantity: TypeAlias = Seconds | BitsPerSecond | Bytes | PerSecond

QUANTITIES: Final[Mapping[str, tuple[str, type[_Quantity]]]] = MappingProxyType(
    {
        "rtt": ("rtt_s", Seconds),
        "cdn_rtt": ("cdn_rtt_s", Seconds),
        "p99": ("p99_s", Seconds),
        "down": ("downlink_bits_per_s", BitsPerSecond),
        "up": ("uplink_bits_per_s", BitsPerSecond),
        "payload": ("payload_bytes", Bytes),
        "response": ("response_bytes", Bytes),
        "max_download": ("max_download_bytes", Bytes),
        "traffic": ("traffic_per_s", PerSecond),
    }
)
_MAX_DIGITS = 18  # more than anybody calls a model
_WHOLE = ("calls", "max_batch")
_ASKED = {"confidence": "asked_confidence"}  # the answer has one of its own
_NUMBERS = (*_WHOLE, "fps", "cache_hit", "confidence")
_FLAGS = ("resumed", "cold", "offline", "private_input", "secret_model")
_WORDS: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "client": (str, DeviceProfile),
        "server": (str, DeviceProfile),
        "network": (str, NetworkProfile),
        "runtime": (str, RuntimeProfile),
        "precision": (str,),
        "server_precision": (str,),
        "compress": (str,),
        "weights": (str,),
        "host": (str, HostProfile),
    }
)
_ALIASES = {"device": "client"}
_PROFILES = (DeviceProfile, NetworkProfile, RuntimeProfile, HostProfile)
CHOICES = (*QUANTITIES, *_NUMBERS, *_FLAGS, *_WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One choice and the values it takes.

    `key` is the name with its unit ("rtt_s"), `numbers` are in that unit (SI); they are
    None where the values are words or one of them is not given.
    """

    name: str
    key: str
    labels: tuple[str, ...]
    numbers: tuple[float, ...] | None

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        numbers = None if self.numbers is None else list(self.numbers)
        return {"name": self.name, "key": self.key, "labels": list(self.labels), "numbers": numbers}

    def find(self, where: int | str) -> int:
        """Return the index of a label, spaces left aside, or of an index; UsageError where there is none."""
        labels = [label.replace(" ", "") for label in self.labels]
        if isinstance(where, str) and where.replace(" ", "") in labels:
            return labels.index(where.replace(" ", ""))
        if isinstance(where, int) and -len(labels) <= where < len(labels):
            return where % len(labels)
        msg = f"axis {self.name!r} has no value {where!r}"
        raise UsageError(msg, hint=f"its values are {', '.join(self.labels)}, by label or index")


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """An axis, and what `decide` takes at each of its values."""

    axis: Axis
    values: tuple[object, ...]


def own_name(given: str) -> str:
    """Return what a choice is called here: a device is the client."""
    return _ALIASES.get(given, given)


def canonical(choices: Mapping[str, object]) -> dict[str, object]:
    """Return the choices by their own names, in the order given; UsageError for one that does not exist."""
    named: dict[str, object] = {}
    for given, chosen in choices.items():
        name = own_name(given)
        if name not in CHOICES:
            msg = f"{given!r} is no choice of a sweep"
            raise UsageError(msg, hint=f"one of {', '.join(sorted((*CHOICES, *_ALIASES)))}")
        if name in named:
            msg = f"{name!r} is given twice, by its name and by another"
            raise UsageError(msg)
        named[name] = plain(chosen)
    return named


def single(verb: str, choices: Mapping[str, object]) -> dict[str, Any]:
    """Return the choices that are given, one value each, by their own names, for a verb that sweeps nothing.

    Raise UsageError for one that does not exist, comes twice, holds several values or is of another kind.
    """
    named = canonical({name: chosen for name, chosen in choices.items() if chosen is not None})
    for name, chosen in named.items():
        if _is_list(chosen):
            msg = f"{name}: {verb} takes one value, and a list of {len(chosen)} is given"
            sweeps = "feasibility.sweep takes lists" if verb == "decide" else "ask for one after the other"
            raise UsageError(msg, hint=sweeps)
    return {name: value(name, chosen) for name, chosen in named.items()}


def whole(name: str, given: object) -> int:
    """Return a whole number, of numpy too; raise UsageError for anything else."""
    found = plain(given)
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    msg = f"{name}: {given!r} is not a whole number"
    raise UsageError(msg)


def plain(given: object) -> object:
    """Return what Python itself has for a path, a number or an array of numpy or pandas."""
    if isinstance(given, os.PathLike):
        return os.fspath(given)
    if isinstance(given, (str, int, float)):
        return given
    listed = getattr(given, "tolist", None)
    if callable(listed):
        return listed()
    with suppress(TypeError):
        return index(cast("int", given))
    return given


def _is_list(given: object) -> TypeGuard[Sequence[object]]:
    return isinstance(given, Sequence) and not isinstance(given, (str, bytes))


def is_axis(name: str, given: object) -> bool:
    """Tell whether a choice takes several values: a list, or a span of numbers."""
    spans = isinstance(given, str) and SPAN in given and (name in QUANTITIES or name in _WHOLE)
    return spans or _is_list(given)


def read(name: str, given: object, points: int) -> Varied:
    """Read an axis; raise UsageError, naming it, for a value that is none of its kind."""
    found = _span(name, given, points) if isinstance(given, str) else given
    if not _is_list(found) or not found:
        msg = f"{name}: {given!r} holds no value"
        raise UsageError(msg, hint="leave it out, or give one")
    values = tuple(value(name, plain(each)) for each in found)
    return Varied(axis=_axis(name, values), values=values)


def value(name: str, given: object) -> object:
    """Return one value of a choice, a quantity where it has a unit; raise UsageError for another kind."""
    unlisted = isinstance(given, Iterable) and not isinstance(given, (str, bytes, Sequence, *_PROFILES))
    if name in QUANTITIES and not unlisted:
        return _quantity(name, given)
    if given is None or (not unlisted and _is_kind(name, given)):
        return given
    is_long = unlisted or isinstance(given, _PROFILES)
    said = f"a {type(given).__name__}" if is_long else repr(given)
    msg = f"{name}: {said} is not {_kind(name)}"
    raise UsageError(msg, hint="write a list" if unlisted else None)


def _quantity(name: str, given: object) -> _Quantity | None:
    kind = cast("type[Seconds]", QUANTITIES[name][1])  # or another: they are read alike
    return quantity(kind, name, cast("str", given))


def _is_kind(name: str, given: object) -> bool:
    if isinstance(given, bool) or name in _FLAGS:
        return isinstance(given, bool) and name in _FLAGS
    if name in _NUMBERS:
        return isinstance(given, int) or (isinstance(given, float) and name not in _WHOLE)
    return isinstance(given, _WORDS[name])


def _kind(name: str) -> str:
    """Say what a choice takes."""
    if name in QUANTITIES:
        kind = QUANTITIES[name][1]
        return f"{kind.kind} like {kind.example!r}"
    if name in _FLAGS:
        return "True or False"
    if name in _NUMBERS:
        return "a whole number" if name in _WHOLE else "a number"
    return "a name" if len(_WORDS[name]) == 1 else "a name or a profile"


def _axis(name: str, values: Sequence[object]) -> Axis:
    numbers = [_number(each) for each in values]
    known = [number for number in numbers if number is not None]
    is_number = name not in _FLAGS and len(known) == len(numbers)
    return Axis(
        name=name,
        key=QUANTITIES[name][0] if name in QUANTITIES else _ASKED.get(name, name),
        labels=tuple(map(_label, values)),
        numbers=tuple(known) if is_number else None,
    )


def _number(given: object) -> float | None:
    if isinstance(given, _Quantity):
        return given.value
    return given if isinstance(given, (int, float)) else None


def _label(given: object) -> str:
    if given is None:
        return NOT_GIVEN
    if isinstance(given, bool):
        return "yes" if given else "no"
    if isinstance(given, int):
        return f"{given:,}"
    if isinstance(given, _PROFILES):
        return given.id
    return f"{given:g}" if isinstance(given, float) else str(given)


def _span(name: str, text: str, points: int) -> Sequence[object]:
    """Read FROM..TO as values in equal ratios, both ends among them."""
    first, last = (_end(name, end) for end in (text.partition(SPAN)[0], text.partition(SPAN)[2]))
    if not 0 < first <= last:
        msg = f"{name}: {text!r} leads nowhere"
        raise UsageError(msg, hint="start above zero and end above the start, or give a list")
    low, step = math.log(first), (math.log(last) - math.log(first)) / (points - 1)
    inner = [float(f"{math.exp(low + number * step):.3g}") for number in range(1, points - 1)]
    spaced = [first, *(each for each in inner if first < each < last), last]
    if name in _WHOLE:
        return list(dict.fromkeys(round(each) for each in spaced))
    return [QUANTITIES[name][1](each) for each in dict.fromkeys(spaced)]


def _end(name: str, text: str) -> float:
    if name in QUANTITIES:
        found = _quantity(name, text)
        return 0 if found is None else found.value
    digits = text.strip()
    if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS:
        return int(digits)
    msg = f"{name}: {text!r} is not a whole number"
    raise UnitError(msg)
