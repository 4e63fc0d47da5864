"""Write what was measured as a device profile."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from feasibility.calibration.fit import CLASSES
from feasibility.calibration.run import Fitted
from feasibility.errors import UsageError
from feasibility.profiles import catalog
from feasibility.profiles.models import MAX_EFFICIENCY, DeviceProfile
from feasibility.units import BytesPerSecond, FlopsPerSecond, Seconds

RUNTIME = "onnxruntime-cpu"
_SUFFIXES = (".yaml", ".yml")
ALL_THREADS, ONE_THREAD = "cpu", "cpu-1-thread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where and when it was measured, for the sources of every number."""

    machine: DeviceProfile
    day: date
    versions: str
    anchors: int

    def source(self, found: Fitted) -> str:
        """Say what one set of constants was fitted to."""
        extra = (
            f" and {self.anchors} models of the user's" if self.anchors and found.precision == "fp32" else ""
        )
        return (
            f"feasible calibrate: {found.n} graphs{extra}, {found.precision}, "
            f"{_threads(found.threads)}, {self.versions}"
        )


def write(path: Path, fitted: Sequence[Fitted], origin: Origin) -> DeviceProfile:
    """Write the profile and read it back; a file that was there before stays until it is whole."""
    draft = _draft(path)
    try:
        draft.write_text(text(fitted, origin), encoding="utf-8")
        catalog.check_device(draft)
        draft.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        draft.unlink(missing_ok=True)
    return catalog.check_device(path)


def check_target(path: Path) -> None:
    """Raise UsageError where no profile can be written, before anything is measured."""
    if path.suffix not in _SUFFIXES:
        msg = f"{str(path)!r} is no name for a profile"
        raise UsageError(msg, hint="it ends in .yaml")
    draft = _draft(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.touch()
        draft.unlink()
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise _unwritable(path, error) from None


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.yaml")


def _unwritable(path: Path, error: OSError) -> UsageError:
    msg = f"{str(path)!r} cannot be written: {error.strerror}"
    return UsageError(msg, hint="name another file: -o my-machine.yaml")


def text(fitted: Sequence[Fitted], origin: Origin) -> str:
    """Return the profile as YAML."""
    return "\n".join(_lines(fitted, origin)) + "\n"


def _lines(fitted: Sequence[Fitted], origin: Origin) -> Iterator[str]:
    machine = origin.machine
    yield f"# Written by feasible calibrate on {origin.day}."
    yield f"name: {_quoted(machine.name)}"
    yield f"vendor: {_quoted(machine.vendor)}"
    yield f"class: {machine.device_class}"
    yield f"year: {origin.day.year}"
    yield f"default_unit: {ALL_THREADS}"
    yield "units:"
    for key in (ALL_THREADS, ONE_THREAD):
        yield f"  {key}:"
        yield from _unit(_of_unit(fitted, key), machine, origin)
    yield "memory:"
    for name in ("capacity", "app", "browser"):
        fact = getattr(machine.memory, name)
        if fact is not None:
            yield f"  {name}: {_fact(f'{fact.value.value:.0f} B', fact.evidence, fact.source)}"


def _of_unit(fitted: Sequence[Fitted], key: str) -> list[Fitted]:
    """Return what was measured with all threads (the first of each precision) or with one (the last)."""
    at = 0 if key == ALL_THREADS else -1
    precisions = dict.fromkeys(found.precision for found in fitted)
    return [[found for found in fitted if found.precision == name][at] for name in precisions]


def _unit(fitted: Sequence[Fitted], machine: DeviceProfile, origin: Origin) -> Iterator[str]:
    first = fitted[0]
    cpu = machine.units[machine.default_unit]
    yield f"    name: {_quoted(f'{cpu.name}, {_threads(first.threads)}')}"
    yield "    kind: cpu"
    yield "    peaks:"
    for found in fitted:
        rate = str(FlopsPerSecond(found.peak_flops_per_s))
        words = f"the fastest product or convolution of {origin.source(found)}"
        yield f"      {found.precision}: {_fact(rate, 'measured-here', words, origin.day)}"
    moved = str(BytesPerSecond(first.bandwidth_bytes_per_s))
    words = f"additions of 16 MiB tensors, {origin.source(first)}"
    yield f"    bandwidth: {_fact(moved, 'measured-here', words, origin.day)}"
    yield f"    runtimes: [{RUNTIME}]"
    yield f"    threads: {first.threads}"
    yield "    coefficients:"
    yield f"      {RUNTIME}:"
    for found in fitted:
        yield f"        {found.precision}:"
        yield from (f"          {line}" for line in _coefficients(found, origin))


def _coefficients(found: Fitted, origin: Origin) -> Iterator[str]:
    share = {term: 1 / value for term, value in found.constants.items() if value and not _is_overhead(term)}
    yield f"efficiency: {_inline({name: share[name] for name in CLASSES})}"
    yield f"bandwidth_share: {_inline({name: share[name] for name in ('weights', 'activations')})}"
    light = share.get("light", float("inf"))
    yield f"light_bandwidth_share: {_number(light) if light <= MAX_EFFICIENCY else 'null'}"
    for term in ("overhead", "light_overhead", "constant"):
        value = found.constants[term]
        yield f'{term}: "{Seconds(value if value > _NOTHING_S else 0)}"'
    yield f"channel_block: {found.channel_block}"
    yield f"sigma: {_number(found.sigma)}"
    yield f"n: {found.n}"
    yield "evidence: measured-here"
    yield f"source: {_quoted(origin.source(found))}"
    yield f"date: {origin.day}"
    note = f"lower quartile of the rounds; the middle one took {100 * found.spread:.0f} % longer"
    yield f"note: {_quoted(note)}"


_NOTHING_S = 1e-9  # no operator takes less


def _is_overhead(term: str) -> bool:
    return term in {"overhead", "light_overhead", "constant"}


def _fact(value: str, evidence: str, source: str, day: date | None = None) -> str:
    dated = f", date: {day}" if day else ""
    return f"{{value: {_quoted(value)}, evidence: {evidence}, source: {_quoted(source)}{dated}}}"


def _inline(values: Mapping[str, float]) -> str:
    return "{" + ", ".join(f"{name}: {_number(value)}" for name, value in values.items()) + "}"


def _number(value: float) -> str:
    """Return three significant digits within what a share may be, without an exponent."""
    return format(float(f"{min(value, MAX_EFFICIENCY):.3g}"), ".6f").rstrip("0").rstrip(".")


def _quoted(words: str) -> str:
    """Quote text for YAML, whose double quotes are JSON's."""
    return json.dumps(words, ensure_ascii=False)


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
