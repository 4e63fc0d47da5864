"""Say what `feasible.yaml` holds: targets, models with their budgets, and waivers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date as Date  # noqa: N812 (as in profiles.models)
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from feasibility.gate.records import GROWTH, Level
from feasibility.profiles.models import BytesQ, SecondsQ
from feasibility.profiles.strict_yaml import Location, quote
from feasibility.profiles.validate import nearest
from feasibility.units import Flops

_COUNT = re.compile(r"\s*(?P<number>\d{1,18}(?:\.\d+)?)\s*(?P<prefix>[kMGT]?)\s*")
_SHARE = re.compile(r"\s*(?P<number>\d{1,6}(?:\.\d+)?)\s*%\s*")
_PREFIXES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def _count(value: object) -> object:
    """Read 10M, 1.2 G or a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or _COUNT.fullmatch(value) is None:
        msg = f"{quote(value)} is no count; write it like 10M or 1.2G"
        raise ValueError(msg)
    return parse_count(value)


def parse_count(text: str) -> int:
    """Read 10M, 1.2 G or 7 as the whole number that it is."""
    match = _COUNT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return round(Decimal(match["number"]) * _PREFIXES[match["prefix"]])


def _flops(value: object) -> object:
    """Read 2 GFLOP."""
    if isinstance(value, Flops):
        return value
    if not isinstance(value, str):
        msg = f"{quote(value)} has no unit; write it quoted, like {Flops.example!r}"
        raise ValueError(msg)  # noqa: TRY004 (pydantic collects ValueErrors)
    return Flops.parse(value)  # UnitError is a ValueError


def _share(value: object) -> object:
    """Read 5 %."""
    match = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        msg = f"{quote(value)} is no share; write it like 5%"
        raise ValueError(msg)
    return float(Decimal(match["number"]) / 100)


CountQ = Annotated[int, Field(ge=0), BeforeValidator(_count)]
FlopsQ = Annotated[Flops, BeforeValidator(_flops)]
ShareQ = Annotated[float, Field(ge=0), BeforeValidator(_share)]
CoverageQ = Annotated[float, Field(ge=0, le=1), BeforeValidator(_share)]
Size = Annotated[int, Field(ge=1, strict=True)]
Words = Annotated[str, Field(min_length=1)]


class _Limit(_Record):
    level: Level = "error"


class BytesLimit(_Limit):
    """The most bytes."""

    limit: BytesQ


class CountLimit(_Limit):
    """The most of something."""

    limit: CountQ


class FlopsLimit(_Limit):
    """The most arithmetic."""

    limit: FlopsQ


class TimeLimit(_Limit):
    """The longest time, at the median or at p90 of what is estimated."""

    limit: SecondsQ
    at: Literal["p50", "p90"] = "p50"


class VerdictLimit(_Limit):
    """The side where a model must run."""

    limit: Literal["client", "server"]


class CoverageLimit(_Limit):
    """The least share of nodes that must be counted."""

    limit: CoverageQ


def _limit(value: object) -> object:
    """Read a bare value as a limit that is an error."""
    return value if isinstance(value, Mapping | BaseModel) else {"limit": value}


class Budget(_Record):
    """The limits of a model, each of them optional; a bare value is an error when it is passed."""

    download: Annotated[BytesLimit | None, BeforeValidator(_limit)] = None
    parameters: Annotated[CountLimit | None, BeforeValidator(_limit)] = None
    fmas: Annotated[CountLimit | None, BeforeValidator(_limit)] = None
    flops: Annotated[FlopsLimit | None, BeforeValidator(_limit)] = None
    peak_memory: Annotated[BytesLimit | None, BeforeValidator(_limit)] = None
    inference: Annotated[TimeLimit | None, BeforeValidator(_limit)] = None
    first_call: Annotated[TimeLimit | None, BeforeValidator(_limit)] = None
    verdict: Annotated[VerdictLimit | None, BeforeValidator(_limit)] = None
    coverage: Annotated[CoverageLimit | None, BeforeValidator(_limit)] = None


class _Grown(_Record):
    share: ShareQ
    level: Level = "error"


class BytesGrowth(_Grown):
    """How far bytes may grow: more than the share and more than the amount is too much."""

    amount: BytesQ


class CountGrowth(_Grown):
    """How far a count may grow."""

    amount: CountQ


class FlopsGrowth(_Grown):
    """How far arithmetic may grow."""

    amount: FlopsQ


class TimeGrowth(_Grown):
    """How far a time may grow, at its median."""

    amount: SecondsQ


class Growth(_Record):
    """The growth that is allowed against the baseline; a share and an amount must both be passed."""

    download: BytesGrowth | None = None
    parameters: CountGrowth | None = None
    fmas: CountGrowth | None = None
    flops: FlopsGrowth | None = None
    peak_memory: BytesGrowth | None = None
    inference: TimeGrowth | None = None
    first_call: TimeGrowth | None = None


class Target(_Record):
    """Where a model has to run, in the words of `feasible check`."""

    device: Words
    runtime: Words | None = None
    precision: Words | None = None
    network: Words | None = None
    rtt: Words | None = None
    down: Words | None = None
    up: Words | None = None
    cdn_rtt: Words | None = None
    server: Words | None = None
    server_precision: Words | None = None
    calls: Size | None = None
    cold: Annotated[bool, Field(strict=True)] = False
    payload: Words | None = None
    response: Words | None = None
    compress: Words | None = None
    host: Words | None = None
    max_download: Words | None = None
    fps: Annotated[float, Field(gt=0, strict=False)] | None = None
    offline: Annotated[bool, Field(strict=True)] = False
    private_input: Annotated[bool, Field(strict=True)] = False
    secret_model: Annotated[bool, Field(strict=True)] = False


class ModelEntry(_Record):
    """The models that a path or a glob names, relative to the config file, and their budgets."""

    path: Words
    dims: dict[str, Size] = {}
    inputs: dict[str, tuple[Size, ...]] = {}
    targets: tuple[str, ...] | None = None  # None: all
    budget: Budget = Budget()
    growth: Growth = Growth()
    message: str = ""  # for whoever is over it


class Waiver(_Record):
    """A budget that may be passed until a day, for a reason."""

    model: Words  # a path or a glob, as in the models
    rule: Words
    target: str | None = None  # None: on every one
    until: Date
    reason: Words


class GateConfig(_Record):
    """What the config file holds."""

    targets: dict[str, Target] = {}
    models: tuple[ModelEntry, ...]
    waivers: tuple[Waiver, ...] = ()
    baseline: Words | None = None  # the branch that pull requests go to
    lock: Level = "error"  # whether feasible.lock.json must say what the models measure


def compares(config: GateConfig) -> bool:
    """Tell whether any growth is limited."""
    limits = (getattr(entry.growth, name) for entry in config.models for name in _GROWTHS)
    return any(limit is not None and limit.level != "off" for limit in limits)


_GROWTHS = tuple(Growth.model_fields)
ON_TARGETS = frozenset({"inference", "first_call", "verdict"})  # rules that need a device
RULES = (*Budget.model_fields, *(GROWTH + name for name in _GROWTHS))


def problems(data: Mapping[str, object]) -> Iterator[tuple[Location, str]]:
    """Yield what single values do not show: names of nothing, rules that need a target, empty lists."""
    if data.get("models") == []:
        yield ("models",), "models is empty; name one like {path: model.onnx, budget: {download: 25MB}}"
    targets = data.get("targets")
    named = [str(name) for name in targets] if isinstance(targets, Mapping) else []
    for name in named:
        if not _NAME.fullmatch(name):
            yield ("targets", name), f"{quote(name)} is no name; write letters, digits and -, 40 at most"
    for index, entry in _records(data.get("models")):
        for location, message in _entry_problems(entry, named):
            yield ("models", index, *location), message
    for index, waiver in _records(data.get("waivers")):
        for location, message in _waiver_problems(waiver, named):
            yield ("waivers", index, *location), message


def _records(value: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, each in enumerate(value if isinstance(value, list) else ()):
        if isinstance(each, Mapping):
            yield index, each


def _entry_problems(entry: Mapping[str, Any], named: list[str]) -> Iterator[tuple[Location, str]]:
    given = entry.get("targets")
    for index, name in enumerate(given if isinstance(given, list) else ()):
        if isinstance(name, str) and name not in named:
            yield ("targets", index), f"there is no target {quote(name)}{nearest(name, named)}"
    has_target = bool(named) if given is None else given != []
    asked = [(part, rule) for part in ("budget", "growth") for rule in _keys(entry.get(part))]
    if not asked:
        yield ("path",), f"{quote(entry.get('path'))} has no budget and no growth, so nothing would be judged"
    for part, rule in asked:
        if rule in ON_TARGETS and not has_target:
            yield (part, rule), f"{rule} needs a target: a device that the model runs on"


def _keys(value: object) -> list[str]:
    return [str(key) for key in value] if isinstance(value, Mapping) else []


def _waiver_problems(waiver: Mapping[str, Any], named: list[str]) -> Iterator[tuple[Location, str]]:
    rule, target = waiver.get("rule"), waiver.get("target")
    if isinstance(rule, str) and rule not in RULES:
        yield ("rule",), f"there is no rule {quote(rule)}{nearest(rule, RULES)}"
    if isinstance(target, str) and target not in named:
        yield ("target",), f"there is no target {quote(target)}{nearest(target, named)}"
    if target is not None and rule in RULES and str(rule).removeprefix(GROWTH) not in ON_TARGETS:
        yield ("target",), f"{rule} is the same on every target; leave target out"
