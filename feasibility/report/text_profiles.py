"""Render a device, and network profiles, as plain text: every number with its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from feasibility.report.layout import Column, fields, paragraph, table

if TYPE_CHECKING:  # only the annotations need them
    from feasibility.profiles.models import (
        Coefficients,
        ComputeUnit,
        DeviceProfile,
        Fact,
        NetworkProfile,
    )

_Row = tuple[str, str]


def render_device(device: DeviceProfile) -> str:
    """Return every number of a device with its evidence and source."""
    head = paragraph(f"{device.id}: {device.name}, {device.vendor}, {device.device_class}, {device.year}")
    return _lines([*head, "", *fields(list(_device_facts(device)))])


def _device_facts(device: DeviceProfile) -> Iterator[_Row]:
    if device.origin:
        yield "from", device.origin
    if device.aliases:
        yield "also called", ", ".join(device.aliases)
    for key, unit in device.units.items():
        note = " (default)" if key == device.default_unit else ""
        threads = f"; measured on {unit.threads} of its threads" if unit.threads else ""
        yield key, f"{unit.name}{note}; runtimes {', '.join(unit.runtimes)}{threads}"
        yield from _unit_facts(key, unit)
    yield from _facts("memory", vars(device.memory))
    yield from _facts("price", {"usd per hour": device.price_usd_per_hour})
    if device.note:
        yield "note", device.note


def _unit_facts(key: str, unit: ComputeUnit) -> Iterator[_Row]:
    yield from _facts(key, unit.peaks)
    yield from _facts(key, {"bandwidth": unit.bandwidth})
    for runtime, precisions in unit.coefficients.items():
        for precision, terms in precisions.items():
            yield from _terms(f"{key} {runtime} {precision}", terms)


def _terms(label: str, terms: Coefficients) -> Iterator[_Row]:
    """Name what was found on this very unit, and then each term of it."""
    count = f", {terms.n} timings" if terms.n else ""
    note = f" ({terms.note})" if terms.note else ""
    how = f"{terms.evidence}, {terms.date}{count}, sigma {terms.sigma:g}: {terms.source}{note}"
    yield label, f"coefficients of its own, in place of the runtime's; {how}"
    for name, value in terms:
        if name not in _TOLD:
            yield f"  {name.replace('_', ' ')}", _NULLS.get(name, "none") if value is None else _term(value)


# fields of coefficients that the line above the terms tells, and what null means in the others
_TOLD = frozenset({"evidence", "date", "n", "sigma", "source", "note"})
_NULLS = {"light_bandwidth_share": "light operators are fused and free", "peak": "of the same precision"}


def _term(value: object) -> str:
    """Write a number, or the numbers of a term that has several."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(f"{name} {_term(number)}" for name, number in dict(value).items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def render_networks(networks: Iterable[NetworkProfile]) -> str:
    """Return one line per network: round trip, rates, name."""
    columns = [
        Column("id"),
        Column("rtt", right=True),
        Column("down", right=True),
        Column("up", right=True),
        Column("name"),
    ]
    rows = [(n.id, str(n.rtt.value), str(n.downlink.value), str(n.uplink.value), n.name) for n in networks]
    return _lines(table(columns, rows))


def render_network(network: NetworkProfile) -> str:
    """Return every number of a network with its evidence and source."""
    kind = "a tool's preset" if network.preset else "a link"
    head = paragraph(f"{network.id}: {network.name}, {kind}")
    return _lines([*head, "", *fields(list(_network_facts(network)))])


def _network_facts(network: NetworkProfile) -> Iterator[_Row]:
    names = ("rtt", "downlink", "uplink", "dns", "wake_up", "loss")
    yield from _facts("", {name: getattr(network, name) for name in names})
    yield "handshake", f"{network.transport}, TLS {network.tls}, congestion control {network.congestion}"
    if network.note:
        yield "note", network.note


def _facts(prefix: str, facts: Mapping[Any, Fact[Any] | None]) -> Iterator[_Row]:
    """Name each number that is given, with where it comes from."""
    for name, fact in facts.items():
        if fact is not None:
            date = f", {fact.date}" if fact.date else ""
            note = f" ({fact.note})" if fact.note else ""
            value = str(fact.value).replace("FLOP", "OP" if str(name).startswith("int") else "FLOP")
            yield f"{prefix} {name}".strip(), f"{value}, {fact.evidence}{date}: {fact.source}{note}"


def _lines(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
