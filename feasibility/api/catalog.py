"""Find profiles of devices, runtimes and networks by name."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feasibility.profiles.models import DeviceProfile, NetworkProfile, RuntimeProfile
    from feasibility.units import BitsPerSecond, Seconds


def device(name: str | PathLike[str]) -> DeviceProfile:
    """Return a device by its id (see `devices`) or from its YAML file.

    Raise UsageError where there is none, ProfileError with every problem of a file.
    """
    from feasibility.profiles import catalog

    return catalog.device(name)


def runtime(name: str | PathLike[str]) -> RuntimeProfile:
    """Return a runtime by its id (see `runtimes`) or from its YAML file."""
    from feasibility.profiles import catalog

    return catalog.runtime(name)


def network(
    name: str | PathLike[str],
    *,
    rtt: str | Seconds | None = None,
    down: str | BitsPerSecond | None = None,
    up: str | BitsPerSecond | None = None,
    cdn_rtt: str | Seconds | None = None,
) -> NetworkProfile:
    """Return a network by its id (see `networks`) or from its YAML file.

    `rtt`, `down`, `up` and `cdn_rtt` stand in for its own; text needs a unit, else UnitError.
    """
    from feasibility.profiles import catalog

    return catalog.network(name, rtt=rtt, down=down, up=up, cdn_rtt=cdn_rtt)


def devices() -> tuple[str, ...]:
    """Return the ids of the devices that are known."""
    from feasibility.profiles import catalog

    return tuple(catalog.device_ids())


def runtimes() -> tuple[str, ...]:
    """Return the ids of the runtimes that are known."""
    from feasibility.profiles import catalog

    return tuple(catalog.runtime_ids())


def runtimes_of(device: str) -> tuple[tuple[str, str], ...]:
    """Return ("id/unit", runtime) for each runtime of each unit of a device, or of the unit that it names."""
    from feasibility.decide.scenario import placements

    return placements(device)


def networks() -> tuple[str, ...]:
    """Return the ids of the networks that are known."""
    from feasibility.profiles import catalog

    return tuple(catalog.network_ids())
