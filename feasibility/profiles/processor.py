"""Read what a system says about its processor: texts in, cores with clocks and vector units out.

Nothing here opens a file or starts a process. What a text does not tell is assumed, and `assumed` says it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

ASSUMED_CLOCK_HZ = 2e9
_MOST_PROCESSORS = 8192  # Linux's largest NR_CPUS

_PAIR = re.compile(r"(?m)^(?P<key>[^:\n]+?)[ \t]*:[ \t]*(?P<value>[^\n]*?)[ \t]*$")
_NUMBER = re.compile(r"[0-9]{1,19}")  # 64 bits
_CLOCK_IN_NAME = re.compile(r"@ ?(?P<ghz>\d+(?:\.\d+)?) ?GHz")
_MARKS = re.compile(r"\((?:R|TM|r|tm)\)| CPU(?= |$)| Processor$|@.*")
_MAKER = re.compile(r"Family \d+ Model \d+.*, (?P<maker>.+)")
_APPLE_CHIP = re.compile(r"Apple (?P<chip>[AM]\d+)")

_VENDORS: Mapping[str, str] = {
    "GenuineIntel": "Intel", "AuthenticAMD": "AMD", "0x41": "Arm", "0x51": "Qualcomm", "0x61": "Apple",
    "0xc0": "Ampere",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """How much fp32 arithmetic a core does in a cycle, and why."""

    flop_per_cycle: int
    why: str
    source: str
    is_assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """Cores of one kind."""

    count: int
    clock_hz: float
    vectors: Vectors
    name: str = "cores"


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """What is known of a processor."""

    name: str
    vendor: str
    cores: tuple[Cores, ...]
    told_by: str
    is_arm: bool = False
    has_half: bool = False  # fp16 vectors at twice the rate of fp32
    dot: str | None = None  # the flag of its int8 dot products
    assumed: tuple[str, ...] = ()


_STACK_OVERFLOW = "stackoverflow.com/questions/15655835 (FLOPS per cycle, by microarchitecture)"
_TWO_512 = Vectors(
    flop_per_cycle=64,
    why="AVX-512, two FMA units",
    source=f"{_STACK_OVERFLOW}; Xeons: community.intel.com, Calculate the Max Flops on Skylake",
)
_ONE_512 = Vectors(
    flop_per_cycle=32, why="AVX-512, one FMA unit assumed", source=_STACK_OVERFLOW, is_assumed=True
)
_TWO_256 = Vectors(flop_per_cycle=32, why="AVX2, two 256-bit FMA units", source=_STACK_OVERFLOW)
_NARROW_256 = Vectors(flop_per_cycle=16, why="AVX2 on two 128-bit FMA units", source=_STACK_OVERFLOW)
_AVX = Vectors(flop_per_cycle=16, why="AVX, 8 adds and 8 multiplies", source=_STACK_OVERFLOW)
_SSE = Vectors(flop_per_cycle=8, why="SSE, 4 adds and 4 multiplies", source=_STACK_OVERFLOW)
_GUESSED_X86 = Vectors(
    flop_per_cycle=32, why="AVX2 assumed", source="no flags are told; PCs since 2013 have it", is_assumed=True
)
_GUESSED = Vectors(
    flop_per_cycle=8,
    why="a 128-bit FMA unit assumed",
    source="its vector units are not told",
    is_assumed=True,
)
_X86 = (
    (frozenset({"avx512f"}), _ONE_512),
    (frozenset({"avx2", "fma"}), _TWO_256),
    (frozenset({"avx"}), _AVX),
    (frozenset({"sse"}), _SSE),
)
# Ice Lake, Sapphire, Emerald and Granite Rapids servers (Linux, arch/x86/include/asm/intel-family.h)
_INTEL_TWO_512 = frozenset({106, 108, 143, 173, 174, 207})
_SKYLAKE_SERVER = 85  # Cascade Lake too
_ONE_UNIT_NAMES = re.compile(r"Bronze|Silver|Gold 5")
_INTEL_SMALL = frozenset({190})  # Alder Lake-N: efficiency cores only
_ZEN, _ZEN5 = 23, 26
_ZEN2_MODELS = 48  # from here on; 80 is a Zen again
_ZEN1_LATE = 80
_ZEN5_WIDE_MODELS = frozenset({*range(32), *range(64, 80)})  # the mobile ones between are narrower

# Arm's cores by part number: name and 128-bit FMA units, 8 FLOP per cycle each
_CPUFETCH = "vector units of its cores in Dr-Noob/cpufetch src/arm/uarch.c; A57 to A73 by OpenBLAS issue 4149"
_ARM_CORES: Mapping[int, tuple[str, int]] = {
    0xD03: ("Cortex-A53", 1), 0xD04: ("Cortex-A35", 1), 0xD05: ("Cortex-A55", 1),
    # two pipes that run one 128-bit FMA a cycle between them (OpenMathLib/OpenBLAS issue 4149)
    0xD07: ("Cortex-A57", 1), 0xD08: ("Cortex-A72", 1), 0xD09: ("Cortex-A73", 1),
    0xD0A: ("Cortex-A75", 2), 0xD0B: ("Cortex-A76", 2), 0xD0C: ("Neoverse N1", 2),
    0xD0D: ("Cortex-A77", 2), 0xD0E: ("Cortex-A76AE", 2), 0xD40: ("Neoverse V1", 4),
    0xD41: ("Cortex-A78", 2), 0xD42: ("Cortex-A78AE", 2), 0xD44: ("Cortex-X1", 4),
    0xD46: ("Cortex-A510", 1), 0xD47: ("Cortex-A710", 2), 0xD48: ("Cortex-X2", 4),
    0xD49: ("Neoverse N2", 2), 0xD4B: ("Cortex-A78C", 2), 0xD4D: ("Cortex-A715", 2),
    0xD4E: ("Cortex-X3", 4), 0xD4F: ("Neoverse V2", 4), 0xD80: ("Cortex-A520", 1),
    0xD81: ("Cortex-A720", 2), 0xD82: ("Cortex-X4", 4), 0xD84: ("Neoverse V3", 4),
    0xD85: ("Cortex-X925", 6), 0xD87: ("Cortex-A725", 2),
}  # fmt: skip
_FLOP_PER_UNIT = 8
_ARM_GUESS = (2, 1)  # units of an unknown 64-bit core, of an unknown 32-bit one
_APPLE_UNITS = {"performance": 4, "efficiency": 2}
_APPLE_SOURCE = "dougallj.github.io/applecpu (firestorm-simd, icestorm-simd)"
# highest clocks of the performance and efficiency cores in a family
_APPLE_CLOCKS_HZ: Mapping[str, tuple[float, float]] = {
    "M1": (3.228e9, 2.064e9), "M2": (3.696e9, 2.424e9), "M3": (4.056e9, 2.748e9), "M4": (4.512e9, 2.892e9),
    "M5": (4.608e9, 3.048e9),
}  # fmt: skip
_APPLE_CLOCK_SOURCE = "eclecticlight.co, CPU core frequencies updated for all current Apple silicon Macs"

_HALF = frozenset({"asimdhp", "avx512_fp16"})
_DOTS = ("asimddp", "avx512_vnni", "avx_vnni")
_X86_MACHINES = frozenset({"x86_64", "amd64", "i386", "i486", "i586", "i686", "x86"})

_Block = Mapping[str, str]


@dataclass(slots=True)
class _Notes:
    """What was assumed, each thing once."""

    said: dict[str, None] = field(default_factory=dict)

    def add(self, sentence: str) -> None:
        self.said[sentence] = None

    def cores(self, cores: Iterable[Cores]) -> tuple[Cores, ...]:
        """Return the cores, their assumed vector units noted."""
        found = tuple(cores)
        for each in found:
            if each.vectors.is_assumed:
                self.add(f"vector units: {each.vectors.why} ({each.vectors.source})")
        return found


def architecture(machine: str) -> str:
    """Return x86, arm or other for what `platform.machine()` says."""
    name = machine.lower()
    if name.startswith(("arm", "aarch64")):
        return "arm"
    return "x86" if name in _X86_MACHINES else "other"


def from_cpuinfo(  # noqa: PLR0913 (one per file of the system)
    text: str,
    *,
    machine: str,
    max_khz: Mapping[int, int],
    allowed: AbstractSet[int] | None = None,
    small: AbstractSet[int] = frozenset(),
    logical: int = 1,
    board: str = "",
) -> Processor:
    """Read Linux's /proc/cpuinfo.

    `max_khz` are the highest clocks by logical processor (cpufreq), `allowed` the ones this process may
    use, `small` the efficiency cores of a hybrid one, `logical` how many there are if the text has none.
    """
    blocks = [dict(_PAIR.findall(block)) for block in re.split(r"\n\s*\n", text)]
    every = {key: value for block in reversed(blocks) for key, value in block.items()}
    listed = {int(b["processor"]): b for b in blocks if _NUMBER.fullmatch(b.get("processor", ""))}
    notes = _Notes()
    if not listed:
        notes.add(f"cores: {logical} logical processors are taken for cores")
        listed = dict.fromkeys(range(logical), every)
    flags = frozenset(every.get("flags", every.get("Features", "")).split())
    core_of = _CORES[architecture(machine)]
    used = _physical({n: b for n, b in listed.items() if allowed is None or n in allowed} or listed)
    other_clock = 0.0 if used.keys() <= max_khz.keys() else _clock(listed.values(), notes)
    kinds: Counter[tuple[str, Vectors, float]] = Counter()
    for number, block in used.items():
        clock = max_khz.get(number, 0) * 1e3 or other_clock
        kinds[*core_of(block, flags, is_small=number in small), clock] += 1
    cores = notes.cores(
        Cores(count=count, name=name, clock_hz=clock, vectors=vectors)
        for (name, vectors, clock), count in kinds.items()
    )
    return Processor(
        name=board or every.get("Model") or _clean(every.get("model name", "")) or every.get("Hardware", ""),
        vendor=_VENDORS.get(every.get("vendor_id", every.get("CPU implementer", "")), "unknown"),
        cores=cores,
        told_by="/proc/cpuinfo" + (" and cpufreq" if max_khz else ""),
        is_arm=core_of is _arm_core,
        has_half=not _HALF.isdisjoint(flags),
        dot=next((flag for flag in _DOTS if flag in flags), None),
        assumed=tuple(notes.said),
    )


def _physical(processors: Mapping[int, _Block]) -> dict[int, _Block]:
    """Keep one logical processor of each core; where the text tells no cores, each is one."""
    first: dict[object, int] = {}
    for number, block in processors.items():
        place = block.get("physical id"), block.get("core id")
        first.setdefault(number if None in place else place, number)
    return {number: processors[number] for number in first.values()}


def _clock(blocks: Iterable[_Block], notes: _Notes) -> float:
    """Return the clock in the name, else the highest one now, else a guess."""
    for block in blocks:
        named = _CLOCK_IN_NAME.search(block.get("model name", ""))
        if named:
            return float(named["ghz"]) * 1e9
    now = [float(b["cpu MHz"]) for b in blocks if re.fullmatch(r"\d{2,5}(\.\d+)?", b.get("cpu MHz", ""))]
    if now:
        notes.add("clock: the highest one just now, as the system does not tell the maximum")
        return max(now) * 1e6
    return _assumed_clock(notes)


def _assumed_clock(notes: _Notes) -> float:
    notes.add(f"clock: {ASSUMED_CLOCK_HZ / 1e9:.3g} GHz, as the system does not tell it")
    return ASSUMED_CLOCK_HZ


def _x86_core(block: _Block, flags: AbstractSet[str], *, is_small: bool) -> tuple[str, Vectors]:
    name, vendor = block.get("model name", ""), block.get("vendor_id", "")
    family, model = _whole(block, "cpu family"), _whole(block, "model")
    vectors = x86_vectors(flags, vendor, family, model, name)
    if is_small and vectors is _TWO_256:
        return "efficiency cores", _NARROW_256
    return "cores", vectors


def x86_vectors(flags: AbstractSet[str], vendor: str, family: int, model: int, name: str = "") -> Vectors:
    """Return what an x86 core does in a cycle, by its flags and, where flags do not tell, its model."""
    if not flags:
        return _GUESSED_X86
    vectors = next((found for needed, found in _X86 if needed <= flags), _GUESSED)
    if vectors is _ONE_512 and _has_two_units(vendor, family, model, name):
        return _TWO_512
    is_narrow = vendor == "AuthenticAMD" and family == _ZEN and (model < _ZEN2_MODELS or model == _ZEN1_LATE)
    is_narrow = is_narrow or (vendor == "GenuineIntel" and model in _INTEL_SMALL)
    return _NARROW_256 if vectors is _TWO_256 and is_narrow else vectors


def _has_two_units(vendor: str, family: int, model: int, name: str) -> bool:
    if vendor == "AuthenticAMD":
        return family == _ZEN5 and model in _ZEN5_WIDE_MODELS
    return model in _INTEL_TWO_512 or (model == _SKYLAKE_SERVER and not _ONE_UNIT_NAMES.search(name))


def _arm_core(block: _Block, flags: AbstractSet[str], *, is_small: bool) -> tuple[str, Vectors]:
    """Return name and vectors of an Arm core by its part number."""
    del is_small  # the part number tells
    maker, part = block.get("CPU implementer", ""), block.get("CPU part", "")
    number = int(part, 16) if re.fullmatch(r"0x[0-9a-f]{1,4}", part) else -1
    if maker == "0x61":  # odd parts are performance cores (pytorch/cpuinfo pull request 385)
        return _apple_core("performance" if number % 2 else "efficiency")
    if maker == "0x41" and number in _ARM_CORES:
        name, units = _ARM_CORES[number]
        return name, _neon(units, _CPUFETCH)
    units = _ARM_GUESS["neon" in flags and "asimd" not in flags]
    source = f"core {part or 'of unknown part number'} is not in our table"
    return "cores", Vectors(
        flop_per_cycle=units * _FLOP_PER_UNIT, why=f"NEON, {_units(units)}", source=source, is_assumed=True
    )


def _other_core(block: _Block, flags: AbstractSet[str], *, is_small: bool) -> tuple[str, Vectors]:
    """Return a guess: of RISC-V and POWER we know no vector units."""
    del block, flags, is_small
    return "cores", _GUESSED


_CORES: Mapping[str, Callable[..., tuple[str, Vectors]]] = {
    "x86": _x86_core,
    "arm": _arm_core,
    "other": _other_core,
}


def _neon(units: int, source: str) -> Vectors:
    return Vectors(flop_per_cycle=units * _FLOP_PER_UNIT, why=f"NEON, {_units(units)}", source=source)


def _units(count: int) -> str:
    words = {1: "one 128-bit FMA unit", 2: "two 128-bit FMA units", 4: "four 128-bit FMA units"}
    return words.get(count, f"{count} 128-bit FMA units")


def _apple_core(kind: str) -> tuple[str, Vectors]:
    return f"{kind} cores", _neon(_APPLE_UNITS[kind], _APPLE_SOURCE)


def _clean(name: str) -> str:
    """Drop trade marks and the clock from the name of a processor."""
    return " ".join(_MARKS.sub("", name).split())


def from_sysctl(text: str, *, machine: str, logical: int = 1) -> Processor:
    """Read macOS's `sysctl hw machdep.cpu`."""
    told = dict(_PAIR.findall(text))
    brand = told.get("machdep.cpu.brand_string", "")
    chip = _APPLE_CHIP.match(brand)
    is_arm = chip is not None or architecture(machine) == "arm"  # Rosetta says x86_64
    notes = _Notes()
    found = _apple_cores(told, chip["chip"] if chip else "", notes) if is_arm else _mac_x86(told, notes)
    if not any(each.count for each in found):
        notes.add(f"cores: {logical} logical processors are taken for cores")
        found = [replace(found[0], count=logical)]
    cores = notes.cores(each for each in found if each.count)
    return Processor(
        name=_clean(brand),
        vendor="Apple" if is_arm else _VENDORS.get(told.get("machdep.cpu.vendor", ""), "unknown"),
        cores=cores,
        told_by="sysctl" + (f"; clocks from {_APPLE_CLOCK_SOURCE}" if chip else ""),
        is_arm=is_arm,
        has_half="1" in {told.get("hw.optional.arm.FEAT_FP16"), told.get("hw.optional.neon_fp16")},
        dot="FEAT_DotProd" if told.get("hw.optional.arm.FEAT_DotProd") == "1" else None,
        assumed=tuple(notes.said),
    )


def _apple_cores(told: _Block, chip: str, notes: _Notes) -> list[Cores]:
    """Return the performance and the efficiency cores; without levels, all are performance cores."""
    counts = [_whole(told, f"hw.perflevel{level}.physicalcpu") for level in (0, 1)]
    if not counts[0]:
        notes.add("vector units: those of performance cores, for all")
        counts = [_whole(told, "hw.physicalcpu"), 0]
    clocks = _APPLE_CLOCKS_HZ.get(chip) or (_assumed_clock(notes),) * len(counts)
    kinds = [_apple_core(kind) for kind in _APPLE_UNITS]
    return [
        Cores(count=count, name=name, clock_hz=clock, vectors=vectors)
        for count, clock, (name, vectors) in zip(counts, clocks, kinds, strict=True)
    ]


def _mac_x86(told: _Block, notes: _Notes) -> list[Cores]:
    brand = told.get("machdep.cpu.brand_string", "")
    flags = f"{told.get('machdep.cpu.features', '')} {told.get('machdep.cpu.leaf7_features', '')}"
    names = frozenset(flags.lower().replace("avx1.0", "avx").split())
    vectors = x86_vectors(names, "GenuineIntel", 6, _whole(told, "machdep.cpu.model"), brand)
    clock = _whole(told, "hw.cpufrequency_max") or _clock([{"model name": brand}], notes)
    return [Cores(count=_whole(told, "hw.physicalcpu"), clock_hz=float(clock), vectors=vectors)]


def _whole(told: _Block, key: str) -> int:
    """Return a number that a line tells, 0 where none does."""
    value = told.get(key, "")
    return int(value) if _NUMBER.fullmatch(value) else 0


def from_identifier(text: str, *, machine: str, logical: int = 1) -> Processor:
    """Read Windows's PROCESSOR_IDENTIFIER, which tells neither clock, cores nor vector units."""
    notes, kind = _Notes(), architecture(machine)
    count = max(1, logical // 2) if kind == "x86" else logical
    shared = ", two to a core" if kind == "x86" else ""
    notes.add(f"cores: {count}, from {logical} logical processors{shared}")
    _, vectors = _CORES[kind]({}, frozenset(), is_small=False)
    cores = notes.cores([Cores(count=count, clock_hz=_assumed_clock(notes), vectors=vectors)])
    match = _MAKER.search(text)
    maker = match["maker"].strip() if match else ""
    return Processor(
        name=text.strip(),
        vendor=_VENDORS.get(maker, maker or "unknown"),
        cores=cores,
        told_by="the environment",
        is_arm=kind == "arm",
        assumed=tuple(notes.said),
    )


def cpu_list(text: str) -> Iterator[int]:
    """Yield the numbers of a list that Linux writes, like 0-3,8."""
    for span in text.strip().split(","):
        first, _, last = span.partition("-")
        if _NUMBER.fullmatch(first) and _NUMBER.fullmatch(last or first):
            yield from range(int(first), min(int(last or first), int(first) + _MOST_PROCESSORS) + 1)
