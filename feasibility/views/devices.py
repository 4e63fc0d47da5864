"""Choose devices and put them in order: a row for the default unit of each, or for each unit of a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from feasibility.errors import UsageError
from feasibility.profiles.models import ComputeUnit, DeviceProfile, Evidence, Precision

PEAKS: tuple[Precision, ...] = ("fp32", "fp16", "int8")
_WEAKER: tuple[str, ...] = get_args(Evidence)  # strongest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which devices are asked for; None asks for all. `kind` is that of a unit."""

    search: str | None = None
    device_class: str | None = None
    vendor: str | None = None
    kind: str | None = None

    def __str__(self) -> str:
        asked = {
            "search": self.search,
            "class": self.device_class,
            "vendor": self.vendor,
            "unit": self.kind,
        }
        return ", ".join(f"{name} {value!r}" for name, value in asked.items() if value is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One unit of a device, as a table of devices shows it."""

    device: DeviceProfile
    unit: str

    @property
    def name(self) -> str:
        """Return what --device takes for this unit: the id alone where it is the default one."""
        is_default = self.unit == self.device.default_unit
        return self.device.id if is_default else f"{self.device.id}/{self.unit}"

    @property
    def units(self) -> tuple[str, ...]:
        """Return all units of the device, the default one first."""
        default = self.device.default_unit
        return default, *(name for name in self.device.units if name != default)

    @property
    def evidence(self) -> str:
        """Return the weakest evidence among the peaks shown and the bandwidth."""
        unit = self._unit
        facts = [unit.bandwidth.evidence, *(unit.peaks[p].evidence for p in PEAKS if p in unit.peaks)]
        return max(facts, key=_WEAKER.index)

    @property
    def bandwidth(self) -> float:
        """Return bytes per second."""
        return float(self._unit.bandwidth.value)

    @property
    def memory(self) -> int:
        """Return the bytes that the device has."""
        return int(self.device.memory.capacity.value.value)

    def peak(self, precision: Precision) -> float | None:
        """Return the rate in FLOP/s, None where the unit has no figure of its own."""
        fact = self._unit.peaks.get(precision)
        return None if fact is None else float(fact.value)

    @property
    def _unit(self) -> ComputeUnit:
        return self.device.units[self.unit]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        device = self.device
        return {
            "id": device.id,
            "name": device.name,
            "vendor": device.vendor,
            "class": device.device_class,
            "year": device.year,
            "units": list(self.units),
            "unit": self.unit,
            "fp32_flops_per_s": self.peak("fp32"),
            "fp16_flops_per_s": self.peak("fp16"),
            "int8_ops_per_s": self.peak("int8"),
            "bandwidth_bytes_per_s": self.bandwidth,
            "memory_bytes": self.memory,
            "evidence": self.evidence,
            "aliases": list(device.aliases),
        }


def choose(devices: Iterable[DeviceProfile], wanted: Wanted) -> tuple[Row, ...]:
    """Return the rows of what is asked for; UsageError where there is none."""
    found = tuple(
        row for device in devices if _is_wanted(device, wanted) for row in _rows(device, wanted.kind)
    )
    if not found:
        msg = f"no device matches {wanted}" if str(wanted) else "there are no devices"
        raise UsageError(msg, hint="list all with: feasible devices")
    return found


def _is_wanted(device: DeviceProfile, wanted: Wanted) -> bool:
    text = _searched(device)
    return (
        all(word in text for word in (wanted.search or "").casefold().split())
        and wanted.device_class in {None, device.device_class}
        and (wanted.vendor or "").casefold() in device.vendor.casefold()
    )


def _searched(device: DeviceProfile) -> str:
    """Return what a word is looked for in."""
    units = (unit.name for unit in device.units.values())
    return "\n".join((device.id, device.name, device.vendor, *device.aliases, *units)).casefold()


def _rows(device: DeviceProfile, kind: str | None) -> Iterator[Row]:
    if kind is None:
        yield Row(device=device, unit=device.default_unit)
        return
    for name, unit in device.units.items():
        if unit.kind == kind:
            yield Row(device=device, unit=name)


def matching_aliases(row: Row, search: str | None) -> tuple[str, ...]:
    """Return the aliases that a search found; none where id or name hold the words already."""
    words = (search or "").casefold().split()
    shown = f"{row.device.id}\n{row.device.name}".casefold()
    if all(word in shown for word in words):
        return ()
    return tuple(alias for alias in row.device.aliases if any(word in alias for word in words))


_KEYS: Mapping[str, Callable[[Row], float | None]] = {
    "fp32": lambda row: row.peak("fp32"),
    "fp16": lambda row: row.peak("fp16"),
    "int8": lambda row: row.peak("int8"),
    "bandwidth": lambda row: row.bandwidth,
    "memory": lambda row: row.memory,
    "year": lambda row: row.device.year,
    "id": lambda _: None,
}
SORTS = tuple(_KEYS)


def ordered(rows: Iterable[Row], by: str) -> Sequence[Row]:
    """Sort by one of SORTS: numbers from the largest, those without one last, then by id."""
    number = _KEYS[by]
    return sorted(rows, key=lambda row: (-(number(row) or 0), row.name))  # none is as the smallest
