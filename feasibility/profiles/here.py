"""Describe this machine as a device, from what its system tells without measuring anything.

`read` asks the system, `describe` computes: the same readings give the same profile.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feasibility.profiles import processor
from feasibility.profiles.models import DeviceClass, DeviceProfile, Evidence
from feasibility.profiles.processor import Cores, Processor
from feasibility.units import Bytes, BytesPerSecond, FlopsPerSecond

AUTO = "auto"
ORIGIN = "(this machine)"

_GIB = 2**30
_KIB = 2**10
_ASSUMED_MEMORY = 8 * 10**9
_TAB_BYTES = 4 * _GIB
_MEASURE = "measure it with: feasible calibrate"
_SYSCTL = "/usr/sbin/sysctl"
_TIMEOUT_S = 5.0
_MAX_TEXT = 4 * 2**20  # /proc/cpuinfo of 1,024 processors has 2 MB

_MEM_TOTAL = re.compile(r"(?m)^MemTotal:\s+(\d{1,15}) kB")
_MEM_SIZE = re.compile(r"(?m)^hw\.memsize: (\d{1,19})$")
_MAC_DESKTOP = re.compile(r"(?m)^hw\.model: (?:iMac|Macmini|MacPro)")
_SERVER_NAMES = re.compile(r"Xeon|EPYC|Neoverse|Opteron")
# SMBIOS 3.7, 7.4.1 System Enclosure or Chassis Types
_CHASSIS: Mapping[str, DeviceClass] = {
    **dict.fromkeys(("3", "4", "5", "6", "7", "13", "15", "16", "24", "35"), "desktop"),
    **dict.fromkeys(("8", "9", "10", "14", "31", "32"), "laptop"),
    **dict.fromkeys(("17", "23", "28", "29"), "server"),
    "30": "tablet", "33": "edge", "34": "edge",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a system says about itself, as it says it; empty where it says nothing."""

    system: str = "Linux"  # as platform.system() names it
    machine: str = "x86_64"  # as platform.machine() does
    logical: int = 1
    year: int
    cpuinfo: str = ""  # /proc/cpuinfo
    meminfo: str = ""  # /proc/meminfo
    max_khz: Mapping[int, int] = field(default_factory=dict)  # cpufreq/cpuinfo_max_freq by processor
    allowed: AbstractSet[int] | None = None  # the processors that this process may use
    small: AbstractSet[int] = frozenset()  # /sys/devices/cpu_atom/cpus
    memory_limits: tuple[str, ...] = ()  # memory.max of the cgroups around this process
    cpu_limits: tuple[str, ...] = ()  # their cpu.max: quota and period
    board: str = ""  # the device tree's model
    chassis: str = ""  # DMI chassis_type
    has_battery: bool = False
    sysctl: str = ""  # macOS
    identifier: str = ""  # Windows's PROCESSOR_IDENTIFIER


def this_machine() -> DeviceProfile:
    """Describe the machine that this runs on."""
    return describe(read())


def describe(readings: Readings) -> DeviceProfile:
    """Return the device that the readings tell of; what they do not tell is estimated, and says so."""
    cpu = _processor(readings)
    kind = _class(readings, cpu)
    unit = {
        "name": f"{cpu.name or 'unknown processor'}: {_cores_text(cpu.cores)}",
        "kind": "cpu",
        "peaks": _peaks(cpu, _share(readings, cpu)),
        "bandwidth": _bandwidth(kind, cpu),
        "runtimes": ["onnxruntime-cpu", *(["ncnn-cpu"] if cpu.is_arm else []), "wasm"],
    }
    return DeviceProfile.model_validate(
        {
            "id": AUTO,
            "origin": ORIGIN,
            "name": f"This machine: {cpu.name or 'unknown processor'}",
            "vendor": cpu.vendor,
            "class": kind,
            "year": readings.year,
            "units": {"cpu": unit},
            "default_unit": "cpu",
            "memory": _memory(readings),
            "note": _note(cpu),
        }
    )


def _processor(readings: Readings) -> Processor:
    if readings.system == "Darwin":
        return processor.from_sysctl(readings.sysctl, machine=readings.machine, logical=readings.logical)
    if readings.system == "Linux":
        return processor.from_cpuinfo(
            readings.cpuinfo,
            machine=readings.machine,
            max_khz=readings.max_khz,
            allowed=readings.allowed,
            small=readings.small,
            logical=readings.logical,
            board=readings.board.strip("\0\n "),
        )
    return processor.from_identifier(readings.identifier, machine=readings.machine, logical=readings.logical)


def _cores_text(cores: Iterable[Cores]) -> str:
    return ", ".join(f"{c.count} {c.name} at {c.clock_hz / 1e9:.4g} GHz" for c in cores)


def _note(cpu: Processor) -> str:
    assumed = "".join(f"; not told, assumed: {sentence}" for sentence in cpu.assumed)
    return f"the CPU alone, described and not measured; the year is that of the description{assumed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """How many of the cores a quota lets run, where it is fewer than there are."""

    factor: float = 1.0
    text: str = ""


def _share(readings: Readings, cpu: Processor) -> _Share:
    there = sum(cores.count for cores in cpu.cores)
    quota = min((q for q in map(_quota, readings.cpu_limits) if q is not None), default=None)
    if quota is None or quota >= there:
        return _Share()
    return _Share(factor=quota / there, text=f" x {quota:.3g}/{there} (CPU quota of the cgroup)")


def _quota(text: str) -> float | None:
    """Read cpu.max, `quota period` in microseconds; None where it is no limit."""
    words = text.split()
    numbers = [int(word) for word in words if re.fullmatch(r"\d{1,15}", word)]
    if len(words) != 2 or len(numbers) != 2 or 0 in numbers:  # noqa: PLR2004 (a quota and a period)
        return None
    return numbers[0] / numbers[1]


def _peaks(cpu: Processor, share: _Share) -> dict[str, dict[str, Any]]:
    """Return cores x clock x FLOP per cycle, and what narrower types are known to add."""
    rate = share.factor * sum(c.count * c.clock_hz * c.vectors.flop_per_cycle for c in cpu.cores)
    sources = "; ".join(dict.fromkeys(f"{c.vectors.why}: {c.vectors.source}" for c in cpu.cores))
    terms = " + ".join(
        f"{c.count} x {c.clock_hz / 1e9:.4g} GHz x {c.vectors.flop_per_cycle}" for c in cpu.cores
    )
    whole = f"({terms})" if share.text and len(cpu.cores) > 1 else terms
    source = f"{whole} FLOP/cycle{share.text}, told by {cpu.told_by} ({sources})"
    evidence: Evidence = "estimate" if cpu.assumed else "derived"
    note = "at the highest clock; with all cores busy it is lower"
    peaks = {"fp32": _fact(FlopsPerSecond(rate), evidence, source, note)}
    if cpu.has_half:
        words = "twice the fp32 rate: half-precision vectors hold twice the elements"
        peaks["fp16"] = _fact(FlopsPerSecond(2 * rate), evidence, words)
    if cpu.dot:
        words = (
            f"twice the fp32 rate: it has int8 dot products ({cpu.dot}), four times an FMA's work, and "
            "half of its vector units are taken to run them; matrix units are left out"
        )
        peaks["int8"] = _fact(FlopsPerSecond(2 * rate), "estimate", words)
    return peaks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bandwidth:
    """A common memory of a class."""

    gb_per_s: float
    words: str


_TWO_CHANNELS = _Bandwidth(gb_per_s=51.2, words="two channels of DDR4-3200 are 2 x 8 B x 3,200 MT/s")
_BANDWIDTHS: Mapping[DeviceClass, _Bandwidth] = {
    "phone": _Bandwidth(gb_per_s=34.1, words="64 bits of LPDDR4X-4266 are 8 B x 4,266 MT/s"),
    "tablet": _Bandwidth(gb_per_s=34.1, words="64 bits of LPDDR4X-4266 are 8 B x 4,266 MT/s"),
    "edge": _Bandwidth(gb_per_s=12.8, words="32 bits of LPDDR4-3200 are 4 B x 3,200 MT/s"),
    "laptop": _TWO_CHANNELS,
    "desktop": _TWO_CHANNELS,
}
_APPLE = _Bandwidth(
    gb_per_s=68.25, words="the M1's 128 bits of LPDDR4X-4266; later, Pro and Max chips have more"
)
_SERVER_CORE_GB_PER_S = 10.0
_SERVER_MOST_GB_PER_S = 204.8  # eight channels of DDR4-3200


def _bandwidth(kind: DeviceClass, cpu: Processor) -> dict[str, Any]:
    """Return a common figure of the class: no system tells its bandwidth without measuring."""
    common = _BANDWIDTHS.get(kind)
    if cpu.vendor == "Apple":
        common = _APPLE
    if common is None:
        cores = sum(each.count for each in cpu.cores)
        rate = min(cores * _SERVER_CORE_GB_PER_S, _SERVER_MOST_GB_PER_S)
        common = _Bandwidth(
            gb_per_s=rate, words="about 10 GB/s for each core, eight channels of DDR4 at most"
        )
    source = f"not measured: a common figure of this class ({common.words}), easily twice too high or too low"
    return _fact(BytesPerSecond(common.gb_per_s * 1e9), "estimate", f"{source}; {_MEASURE}")


def _class(readings: Readings, cpu: Processor) -> DeviceClass:
    if readings.system == "Darwin":
        return "desktop" if _MAC_DESKTOP.search(readings.sysctl) else "laptop"
    if readings.has_battery:
        return "laptop"
    if readings.chassis.strip() in _CHASSIS:
        return _CHASSIS[readings.chassis.strip()]
    if any(_SERVER_NAMES.search(name) for name in (cpu.name, *(cores.name for cores in cpu.cores))):
        return "server"
    return "edge" if readings.board or (cpu.is_arm and readings.system == "Linux") else "desktop"


def _memory(readings: Readings) -> dict[str, Any]:
    """Return what there is, and what the limits around this process leave an app and a tab."""
    found = _MEM_TOTAL.search(readings.meminfo) or _MEM_SIZE.search(readings.sysctl)
    total = 0
    if found:
        total = int(found[1]) * (_KIB if found.re is _MEM_TOTAL else 1)
    told = "/proc/meminfo, MemTotal: what the kernel has to give"
    told = "sysctl, hw.memsize" if found and found.re is _MEM_SIZE else told
    memory = {"capacity": _fact(Bytes(total), "derived", told)}
    if not total:
        total, words = _ASSUMED_MEMORY, "assumed: this system does not tell its memory"
        memory = {"capacity": _fact(Bytes(total), "estimate", words)}
    limit = min((int(text) for text in readings.memory_limits if text.strip().isdecimal()), default=total)
    if limit < total:
        memory["app"] = _fact(Bytes(limit), "derived", "memory limit of the cgroup that this runs in")
    words = "v8.dev, Up to 4GB of memory in WebAssembly: the heap of a 32-bit module"
    memory["browser"] = _fact(Bytes(min(_TAB_BYTES, limit, total)), "estimate", f"{words}, or all there is")
    return memory


def _fact(value: object, evidence: Evidence, source: str, note: str | None = None) -> dict[str, Any]:
    return {"value": value, "evidence": evidence, "source": source, "note": note}


def read() -> Readings:
    """Ask this system for its readings; what is closed or missing stays empty."""
    system = platform.system()
    return Readings(
        system=system,
        machine=platform.machine(),
        logical=os.cpu_count() or 1,
        year=datetime.now(tz=UTC).year,
        identifier=os.environ.get("PROCESSOR_IDENTIFIER", "") or platform.processor(),
        **_READERS.get(system, dict)(),
    )


def _read_linux() -> dict[str, Any]:
    cpus = Path("/sys/devices/system/cpu")
    dmi = Path("/sys/class/dmi/id")
    groups = _text(Path("/proc/self/cgroup"))
    return {
        "cpuinfo": _text(Path("/proc/cpuinfo")),
        "meminfo": _text(Path("/proc/meminfo")),
        "max_khz": dict(_max_khz(cpus)),
        "allowed": os.sched_getaffinity(0),
        "small": frozenset(processor.cpu_list(_text(Path("/sys/devices/cpu_atom/cpus")))),
        "memory_limits": tuple(filter(None, map(_text, limit_files(groups, "memory")))),
        "cpu_limits": tuple(_cpu_limits(groups)),
        "board": _text(Path("/sys/firmware/devicetree/base/model")),
        "chassis": _text(dmi / "chassis_type"),
        "has_battery": any(Path("/sys/class/power_supply").glob("BAT*")),
    }


def _max_khz(cpus: Path) -> Iterator[tuple[int, int]]:
    for file in cpus.glob("cpu[0-9]*/cpufreq/cpuinfo_max_freq"):
        number, text = file.parents[1].name.removeprefix("cpu"), _text(file).strip()
        if number.isdecimal() and text.isdecimal():
            yield int(number), int(text)


# by controller: the file of cgroup v2 and those of v1 (Linux, Documentation/admin-guide)
_LIMITS: Mapping[str, tuple[str, str]] = {
    "memory": ("memory.max", "memory.limit_in_bytes"),
    "cpu": ("cpu.max", "cpu.cfs_quota_us"),
}


def limit_files(groups: str, controller: str, root: Path = Path("/sys/fs/cgroup")) -> Iterator[Path]:
    """Yield where the limits of a process may stand: in its cgroup and in each around it.

    `groups` is /proc/self/cgroup, with lines like `0::/user.slice` (v2) and `4:memory:/docker/1` (v1).
    """
    v2, v1 = _LIMITS[controller]
    for line in groups.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, place = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        folder, name = (root / controllers, v1) if controllers else (root, v2)
        inner = [part for part in place.split("/") if part and part != ".."]
        yield from (folder.joinpath(*inner[:depth], name) for depth in range(len(inner), -1, -1))


def _cpu_limits(groups: str) -> Iterator[str]:
    for file in limit_files(groups, "cpu"):
        text = _text(file)
        if text and file.name == _LIMITS["cpu"][1]:
            text = f"{text.strip()} {_text(file.with_name('cpu.cfs_period_us'))}"
        if text:
            yield text


def _read_mac() -> dict[str, Any]:
    return {"sysctl": _output(_SYSCTL, "hw", "machdep.cpu")}


_READERS = {"Linux": _read_linux, "Darwin": _read_mac}


def _text(file: Path) -> str:
    """Return what a file of the system holds; nothing where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(_MAX_TEXT).decode("utf-8", "replace")
    except OSError:
        return ""


def _output(*command: str) -> str:
    """Return what a command of the system prints; nothing where it does not run."""
    try:
        done = subprocess.run(  # noqa: S603 (a fixed path of the system)
            command, capture_output=True, check=False, timeout=_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")
