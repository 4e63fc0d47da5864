"""Render device and network profiles as plain text, every number with its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from feasibility.report.layout import Column, fields, paragraph, table

if TYPE_CHECKING:  # only the annotations need them
    from feasibility.profiles.models import ComputeUnit, DeviceProfile, Fact, NetworkProfile

_Row = tuple[str, str]


def render_devices(devices: Iterable[DeviceProfile]) -> str:
    """Return one line per device: its units, the peak of the default one, its name."""
    columns = [Column("id"), Column("units"), Column("peak", right=True), Column("name")]
    return _lines(table(columns, [_device_row(device) for device in devices]))


def _device_row(device: DeviceProfile) -> tuple[str, ...]:
    """Put the default unit first, with its half-precision peak where it has one."""
    units = [device.default_unit, *(name for name in device.units if name != device.default_unit)]
    peaks: Mapping[Any, Fact[Any]] = device.units[device.default_unit].peaks
    precision = next((name for name in ("fp16", "fp32") if name in peaks), next(iter(peaks)))
    return device.id, " ".join(units), f"{peaks[precision].value} {precision}", device.name


def render_device(device: DeviceProfile) -> str:
    """Return every number of a device with its evidence and source."""
    head = paragraph(f"{device.id}: {device.name}, {device.vendor}, {device.device_class}, {device.year}")
    return _lines([*head, "", *fields(list(_device_facts(device)))])


def _device_facts(device: DeviceProfile) -> Iterator[_Row]:
    for key, unit in device.units.items():
        note = " (default)" if key == device.default_unit else ""
        yield key, f"{unit.name}{note}; runtimes {', '.join(unit.runtimes)}"
        yield from _unit_facts(key, unit)
    yield from _facts("memory", vars(device.memory))
    yield from _facts("price", {"usd per hour": device.price_usd_per_hour})
    if device.note:
        yield "note", device.note


def _unit_facts(key: str, unit: ComputeUnit) -> Iterator[_Row]:
    yield from _facts(key, unit.peaks)
    yield from _facts(key, {"bandwidth": unit.bandwidth})


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
            yield f"{prefix} {name}".strip(), f"{fact.value}, {fact.evidence}{date}: {fact.source}{note}"


def _lines(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
