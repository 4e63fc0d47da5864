"""Say which operators a runtime runs, which runtime takes the rest, and what crossing over costs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date as Date  # noqa: N812 (the field is called date too)
from functools import cached_property
from typing import TypeAlias

from pydantic import Field

from feasibility.folders import ids_in
from feasibility.profiles.catalog import runtime_ids
from feasibility.profiles.models import BandwidthQ, Evidence, Fact, SecondsQ, _Profile
from feasibility.profiles.reading import Kind, Reference, load
from feasibility.profiles.strict_yaml import Location, quote
from feasibility.profiles.validate import nearest

OpKind: TypeAlias = tuple[str, str]  # domain, op_type

_COSTS = ("sync", "copy_bandwidth")


class SupportTable(_Profile):
    """The operators that a runtime runs, as its own document lists them, by domain.

    `also` adds what the document leaves out and `without` takes away what it names, each
    with the reason. Without a `fallback` an operator that is missing cannot run at all.
    """

    name: str
    source: str = Field(min_length=1)
    date: Date
    evidence: Evidence
    fallback: str | None  # the runtime that takes the rest
    sync: Fact[SecondsQ] | None = None  # one crossing between the two
    copy_bandwidth: Fact[BandwidthQ] | None = None  # of what crosses
    operators: dict[str, tuple[str, ...]] = Field(min_length=1)
    also: dict[str, dict[str, str]] = Field(default_factory=dict)
    without: dict[str, dict[str, str]] = Field(default_factory=dict)
    note: str | None = None

    @cached_property
    def supported(self) -> frozenset[OpKind]:
        """Return the (domain, op_type) of every operator that runs."""
        return (_kinds(self.operators) | _kinds(self.also)) - _kinds(self.without)


def support(ref: Reference) -> SupportTable:
    """Load the table with this id, or from this path.

    UsageError when there is none, ProfileError when the file is wrong.
    """
    return load(_SUPPORT, ref)


def support_ids() -> tuple[str, ...]:
    """Return the ids of all tables that a runtime may name, sorted, without loading one."""
    return ids_in(_SUPPORT.folder)


def _kinds(by_domain: Mapping[str, Collection[str]]) -> frozenset[OpKind]:
    return frozenset((domain, name) for domain, names in by_domain.items() for name in names)


def _check(data: Mapping[str, object]) -> Iterator[tuple[Location, str]]:
    """Yield a fallback that does not exist or costs nothing, and operators that are listed amiss."""
    fallback = data.get("fallback")
    if isinstance(fallback, str):
        if fallback not in runtime_ids():
            yield ("fallback",), f"there is no runtime {quote(fallback)}{nearest(fallback, runtime_ids())}"
        for key in _COSTS:
            if key not in data:
                yield ("fallback",), f"a fallback needs {key}: what a crossing to it costs"
    yield from _amiss(data)


def _amiss(data: Mapping[str, object]) -> Iterator[tuple[Location, str]]:
    """Yield operators that stand in the list twice, in `also` too, or in `without` alone."""
    listed = _names(data.get("operators"))
    for domain, names in listed.items():
        for index, name in enumerate(names):
            if name in names[:index]:
                yield ("operators", domain, index), f"{name} is listed twice"
    for key, expected in (("also", False), ("without", True)):
        for domain, names in _names(data.get(key)).items():
            for name in names:
                if (name in listed.get(domain, ())) is not expected:
                    words = "is not in the list" if expected else "is in the list already"
                    yield (key, domain, name), f"{name} {words}"


def _names(by_domain: object) -> dict[str, list[str]]:
    """Return the names of each domain, as far as the data has that form."""
    found = by_domain if isinstance(by_domain, Mapping) else {}
    return {
        domain: [name for name in names if isinstance(name, str)]
        for domain, names in found.items()
        if isinstance(names, list | dict)
    }


_SUPPORT = Kind(
    word="support table",
    folder=("hardware_profiles", "support"),
    model=SupportTable,
    check=_check,
    next_step="it is a file in hardware_profiles/support/",
)
