"""Describe devices, runtimes and networks in YAML; every number with its source."""

from feasibility.profiles.catalog import (
    check_device,
    check_network,
    check_runtime,
    device,
    device_ids,
    network,
    network_ids,
    runtime,
    runtime_ids,
)
from feasibility.profiles.models import DeviceProfile, Fact, NetworkProfile, RuntimeProfile

__all__ = [
    "DeviceProfile",
    "Fact",
    "NetworkProfile",
    "RuntimeProfile",
    "check_device",
    "check_network",
    "check_runtime",
    "device",
    "device_ids",
    "network",
    "network_ids",
    "runtime",
    "runtime_ids",
]
