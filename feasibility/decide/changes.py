"""Name the smallest change that would put the model on the client: narrower weights, or a faster device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from feasibility.decide.checks import CLIENT_CHECKS, SERVER_CHECKS, checks
from feasibility.decide.contest import contest, kind_of
from feasibility.decide.records import BreakEven, Check, Placement, Scenario
from feasibility.decide.sides import Client, Server, client_side, fetched_bytes, unit_of
from feasibility.profiles import catalog
from feasibility.profiles.models import DeviceProfile, Precision
from feasibility.units import Bytes

_NARROWER: tuple[Precision, ...] = ("fp16", "int8", "int4")  # widest first: the least that is given up
_MANY = 10  # times: from here on shown whole
_SIZES = ("download", "host_file", "host_total", "memory")
_EVEN = 0.5


class _Faster(NamedTuple):
    """A unit that could stand in for the client's, by its peak at one precision."""

    device: str
    device_class: str
    runtimes: tuple[str, ...]
    peaks: tuple[tuple[str, float], ...]


def changes(
    scenario: Scenario, server: Server, client: Client, limits: tuple[Check, ...], even: BreakEven
) -> Iterator[str]:
    """Yield a sentence for each change of one thing that puts the model on the client, or past its limit."""
    failed = {check.name for check in limits if check.passed is False}
    if failed & set(_SIZES):
        yield from _narrower(scenario, server)
    rate, peak = even.client_rate, client.compute.peak
    barred = failed & (CLIENT_CHECKS - {"frame_rate"})  # for another reason than its speed
    if rate is not None and rate > peak and not barred and kind_of(scenario) == "inference":
        yield from _faster(scenario.client, client, rate / peak)


def _narrower(scenario: Scenario, server: Server) -> Iterator[str]:
    """Yield the widest weights at which the client holds every limit, and what times then say."""
    before = fetched_bytes(scenario)
    for precision in _NARROWER:
        tried = replace(scenario, client=replace(scenario.client, precision=precision))
        client, size = client_side(tried), fetched_bytes(tried)
        left = checks(tried, client.side.inference, server.side.inference)
        out = {each.name for each in left if each.passed is False}
        if size < before and not out & CLIENT_CHECKS:
            words = f"{precision} weights: {Bytes(size)}, not {Bytes(before)}, within every limit"
            wins = out & SERVER_CHECKS or contest(tried, client, server).client_wins >= _EVEN
            yield f"client, by {words}" if wins else f"the times would decide, for the server, by {words}"
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
    times = f"{factor:.1f}" if factor < _MANY else f"{factor:,.0f}"
    yield f"client, by a device that computes {times} times faster ({known})"


def _units() -> tuple[_Faster, ...]:
    """Return the units of every device that is known."""
    return _units_of(catalog.readable_devices())


@lru_cache(maxsize=1)
def _units_of(devices: tuple[DeviceProfile, ...]) -> tuple[_Faster, ...]:
    return tuple(
        _Faster(
            device=device.id,
            device_class=device.device_class,
            runtimes=unit.runtimes,
            peaks=tuple((str(name), fact.value.value) for name, fact in unit.peaks.items()),
        )
        for device in devices
        for unit in device.units.values()
    )
