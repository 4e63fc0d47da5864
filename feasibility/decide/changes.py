"""Name the smallest change that would put the model on the client: narrower weights, or a faster device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from feasibility.decide.checks import CLIENT_CHECKS, checks
from feasibility.decide.records import BreakEven, Check, Placement, Scenario
from feasibility.decide.sides import Client, Server, fetched_bytes, unit_of
from feasibility.profiles import catalog
from feasibility.profiles.models import Precision
from feasibility.units import Bytes

_NARROWER: tuple[Precision, ...] = ("fp16", "int8", "int4")  # widest first: the least that is given up
_SIZES = {
    "download": "the download",
    "host_file": "a file of the host",
    "host_total": "files of the host",
    "memory": "memory",
}


class _Faster(NamedTuple):
    """A unit that could stand in for the client's, by its peak at one precision."""

    device: str
    device_class: str
    runtimes: tuple[str, ...]
    peaks: tuple[tuple[str, float], ...]


def changes(
    scenario: Scenario, client: Client, server: Server, limits: tuple[Check, ...], even: BreakEven
) -> Iterator[str]:
    """Yield a sentence for each change of one thing that lets the client hold a limit or win."""
    failed = {check.name for check in limits if check.passed is False}
    if failed & set(_SIZES):
        yield from _narrower(scenario, client, server, failed & set(_SIZES))
    rate, peak = even.client_rate, client.compute.peak
    barred = failed & (CLIENT_CHECKS - {"frame_rate"})  # for another reason than its speed
    if rate is not None and rate > peak and not barred:
        yield from _faster(scenario.client, client, rate / peak)


def _narrower(scenario: Scenario, client: Client, server: Server, failed: set[str]) -> Iterator[str]:
    """Yield the widest precision of weights at which every limit on size holds."""
    before = fetched_bytes(scenario)
    for precision in _NARROWER:
        tried = replace(scenario, client=replace(scenario.client, precision=precision))
        size = fetched_bytes(tried)
        left = checks(tried, client.side.inference, server.side.inference)
        if size < before and not any(each.passed is False for each in left if each.name in failed):
            names = ", ".join(_SIZES[name] for name in sorted(failed))
            yield f"{precision} weights: {Bytes(size)}, not {Bytes(before)}, within the limit on {names}"
            return


def _faster(place: Placement, client: Client, factor: float) -> Iterator[str]:
    """Yield the slowest known device of the same class that computes so many times faster."""
    lane, unit = client.compute.lane, unit_of(place)
    least = factor * unit.peaks[lane.peak_of].value.value
    fits = [
        (peak, each.device)
        for each in _units()
        if each.device_class == place.device.device_class and place.runtime.id in each.runtimes
        for name, peak in each.peaks
        if name == lane.peak_of and peak >= least
    ]
    known = f"like {min(fits)[1]}" if fits else f"no {place.device.device_class} that is known does"
    yield f"a device that computes {factor:.2g} times faster ({known})"


@cache
def _units() -> tuple[_Faster, ...]:
    """Return the units of every device that is known; read once."""
    return tuple(
        _Faster(
            device=device.id,
            device_class=device.device_class,
            runtimes=unit.runtimes,
            peaks=tuple((str(name), fact.value.value) for name, fact in unit.peaks.items()),
        )
        for device in catalog.devices()
        for unit in device.units.values()
    )
