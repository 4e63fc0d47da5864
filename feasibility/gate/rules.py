"""Say what each rule measures, in which unit, and how its quantities are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from feasibility.gate.config import parse_count
from feasibility.gate.records import QuantityUnit
from feasibility.units import Bytes, Flops, Seconds, format_count

_WHOLE: frozenset[QuantityUnit] = frozenset({"bytes", "count", "flops"})
_DIGITS = 3  # of a quantity that is proposed
_TRIES = 100  # hours and minutes are no powers of ten: a few steps more

Metric = Literal["flops", "parameter_bytes"]  # of the modules that make it grow


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One quantity that has a budget."""

    name: str
    label: str  # begins a sentence
    unit: QuantityUnit
    verb: str = "is"
    metric: Metric = "flops"
    known: bool = False  # even where some nodes are not counted


_RULES = (
    Rule(name="download", label="The download", unit="bytes", metric="parameter_bytes", known=True),
    Rule(
        name="parameters", label="The count of parameters", unit="count", metric="parameter_bytes", known=True
    ),
    Rule(name="fmas", label="The count of multiply-adds", unit="count"),
    Rule(name="flops", label="The arithmetic", unit="flops"),
    Rule(name="peak_memory", label="The memory needed", unit="bytes", metric="parameter_bytes"),
    Rule(name="inference", label="An inference", unit="s", verb="takes"),
    Rule(name="first_call", label="The first call", unit="s", verb="takes"),
    Rule(name="verdict", label="The verdict", unit="verdict"),
    Rule(name="coverage", label="The share of nodes counted", unit="share", known=True),
)
RULES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in _RULES})

_WRITERS: Mapping[QuantityUnit, Callable[[float], str]] = MappingProxyType(
    {
        "bytes": lambda value: str(Bytes(value)),
        "s": lambda value: str(Seconds(value)),
        "flops": lambda value: str(Flops(value)),
        "count": format_count,
        "share": lambda value: f"{100 * value:.3g} %",
    }
)
_READERS: Mapping[QuantityUnit, Callable[[str], float]] = MappingProxyType(
    {
        "bytes": lambda text: Bytes.parse(text).value,
        "s": lambda text: Seconds.parse(text).value,
        "flops": lambda text: Flops.parse(text).value,
        "count": lambda text: float(parse_count(text)),
        "share": lambda text: float(text.removesuffix("%")) / 100,
    }
)
_EXACT: Mapping[QuantityUnit, Callable[[float], str]] = MappingProxyType(
    {
        "bytes": lambda value: f"{value:,.0f} B",
        "s": lambda value: f"{value:.6g} s",
        "flops": lambda value: f"{value:,.0f} FLOP",
        "count": lambda value: f"{value:,.0f}",
        "share": lambda value: f"{100 * value:.6g} %",
    }
)


def no_less(value: float, unit: QuantityUnit) -> str:
    """Write a quantity rounded up, so that who reads it back has that much or a little more."""
    step = 10.0 ** (math.floor(math.log10(value)) - _DIGITS + 1) if value > 0 else 1.0
    if unit in _WHOLE:
        step = max(1.0, step)
    for tries in range(_TRIES):
        text = _WRITERS[unit]((math.ceil(value / step) + tries) * step)
        if _READERS[unit](text) >= value:
            return text
    return _EXACT[unit](value)


def written(value: float, unit: QuantityUnit, *, apart_from: float | None = None) -> str:
    """Write a quantity; in full where it would look like another one that it is not."""
    short = _WRITERS[unit](value)
    if apart_from is None or value == apart_from or short != _WRITERS[unit](apart_from):
        return short
    return _EXACT[unit](value)
