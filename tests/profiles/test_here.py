"""What this machine is called, from texts that real systems wrote."""

from pathlib import Path
from typing import Any

import pytest

from feasibility.profiles import catalog, here, processor
from feasibility.profiles.here import Readings, describe, limit_files
from feasibility.profiles.models import DeviceProfile

GIB = 2**30

# archspec-json tests/targets/linux-rhel9-graniterapids, some flags left out
XEON = """\
processor       : {0}
vendor_id       : GenuineIntel
cpu family      : 6
model           : 173
model name      : Intel(R) Xeon(R) 6972P
stepping        : 1
cpu MHz         : 2400.000
physical id     : 0
siblings        : 96
core id         : {0}
cpu cores       : 96
fpu             : yes
flags           : fpu vme de pse tsc msr mmx fxsr sse sse2 ss ht tm pbe syscall nx lm pni ssse3 fma cx16 \
sse4_1 sse4_2 movbe popcnt aes xsave avx f16c rdrand bmi1 avx2 bmi2 avx512f avx512dq adx avx512ifma avx512cd \
sha_ni avx512bw avx512vl avx_vnni avx512_bf16 avx512vbmi avx512_vnni avx512_bitalg amx_bf16 avx512_fp16 \
amx_tile amx_int8 arch_capabilities
bugs            : spectre_v1 spectre_v2 spec_store_bypass swapgs bhi
bogomips        : 4800.00
address sizes   : 52 bits physical, 57 bits virtual
power management:
"""
# archspec-json tests/targets/linux-ubuntu20.04-znver3, some flags left out
RYZEN = """\
processor\t: {0}
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 33
model name\t: AMD Ryzen 9 5950X 16-Core Processor
cpu MHz\t\t: {2}
physical id\t: 0
siblings\t: 32
core id\t\t: {1}
cpu cores\t: 16
flags\t\t: fpu vme de pse tsc msr mmx fxsr sse sse2 ht syscall nx lm pni ssse3 fma cx16 sse4_1 sse4_2 movbe \
popcnt aes xsave avx f16c rdrand bmi1 avx2 bmi2 rdseed adx sha_ni vaes vpclmulqdq rdpid smca
TLB size\t: 2560 4K pages
power management: ts ttp tm hwpstate cpb eff_freq_ro [13] [14]
"""
# hrw/arm-socs-table issue 96
PI5 = """\
processor\t: {0}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1
"""
PI5_END = """\
Hardware\t: BCM2835
Revision\t: d04170
Serial\t\t: 48343bbbe3ae743b
Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""
# fastfetch-cli/fastfetch issue 1529
PI4 = """\
processor       : {0}
BogoMIPS        : 108.00
Features        : fp asimd evtstrm crc32 cpuid
CPU implementer : 0x41
CPU architecture: 8
CPU variant     : 0x0
CPU part        : 0xd08
CPU revision    : 3
"""
# archspec-json tests/targets/darwin-sequoia-m4, some lines left out
M4_MAX = """\
hw.ncpu: 16
hw.memsize: 68719476736
hw.perflevel0.physicalcpu: 12
hw.perflevel0.logicalcpu: 12
hw.perflevel0.name: Performance
hw.perflevel1.physicalcpu: 4
hw.perflevel1.name: Efficiency
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.arm.FEAT_FP16: 1
hw.optional.neon: 1
hw.optional.arm64: 1
hw.physicalcpu: 16
hw.osenvironment:
hw.targettype: J614c
machdep.cpu.core_count: 16
machdep.cpu.brand_string: Apple M4 Max
machdep.virtual_address_size: 47
"""
# archspec-json tests/targets/darwin-mojave-skylake; it tells no number of cores
INTEL_MAC = """\
machdep.cpu.vendor: GenuineIntel
machdep.cpu.features: FPU VME DE SSE SSE2 SS HTT SSE3 SSSE3 FMA CX16 SSE4.1 SSE4.2 AES XSAVE AVX1.0 RDRAND
machdep.cpu.leaf7_features: BMI1 HLE AVX2 SMEP BMI2 ERMS INVPCID RTM RDSEED ADX SMAP
machdep.cpu.model: 94
machdep.cpu.brand_string: Intel(R) Core(TM) i7-6700K CPU @ 4.00GHz
"""
# archspec-json tests/targets/linux-spacemit-x60, the list of extensions cut
RISCV = """\
processor       : 0
hart            : 0
model name      : Spacemit(R) X60
isa             : rv64imafdcv_zicbom_zicboz
uarch           : spacemit,x60
mvendorid       : 0x710
"""
MEMINFO = "MemTotal:        8256004 kB\nMemFree:         5023172 kB\nSwapTotal:             0 kB\n"


def cpuinfo(block: str, count: int, end: str = "") -> str:
    """Repeat the block of one processor."""
    return "\n".join([block.format(number) for number in range(count)] + [end])


def machine(**readings: Any) -> DeviceProfile:  # noqa: ANN401 (any reading)
    """Describe a machine that says no more than this."""
    return describe(Readings(year=2026, **readings))


def peaks(device: DeviceProfile) -> dict[str, float]:
    """Return the peaks in GFLOP/s."""
    return {name: fact.value.value / 1e9 for name, fact in device.units["cpu"].peaks.items()}


def pi5(**readings: Any) -> DeviceProfile:  # noqa: ANN401 (as above)
    """Describe a Raspberry Pi 5."""
    text, clocks = cpuinfo(PI5, 4, PI5_END), dict.fromkeys(range(4), 2_400_000)
    return machine(machine="aarch64", cpuinfo=text, max_khz=clocks, meminfo=MEMINFO, **readings)


def test_an_intel_server_has_avx_512_on_two_units() -> None:
    """4 cores x 2.4 GHz x 64; fp16 vectors and int8 dot products count twice that."""
    xeon = machine(cpuinfo=cpuinfo(XEON, 4))
    fact = xeon.units["cpu"].peaks["fp32"]

    assert {"fp32": 614.4, "fp16": 1228.8, "int8": 1228.8} == pytest.approx(peaks(xeon))
    assert fact.source.startswith(
        "4 x 2.4 GHz x 64 FLOP/cycle, told by /proc/cpuinfo (AVX-512, two FMA units"
    )
    assert ("estimate", "estimate") == (fact.evidence, xeon.units["cpu"].peaks["int8"].evidence)
    assert "clock: the highest one just now" in str(xeon.note)
    assert ("Intel", "server", "This machine: Intel Xeon 6972P") == (
        xeon.vendor,
        xeon.device_class,
        xeon.name,
    )
    assert ("onnxruntime-cpu", "wasm") == xeon.units["cpu"].runtimes


def test_a_clock_that_the_system_tells_makes_a_peak_derived() -> None:
    """With cpufreq nothing is assumed: 4 x 3.9 GHz x 64."""
    xeon = machine(cpuinfo=cpuinfo(XEON, 4), max_khz=dict.fromkeys(range(4), 3_900_000))

    assert pytest.approx(998.4) == peaks(xeon)["fp32"]
    assert "derived" == xeon.units["cpu"].peaks["fp32"].evidence
    assert "assumed" not in str(xeon.note)


def test_threads_of_a_core_are_one_core() -> None:
    """A 16-core Zen 3 with 32 threads: 16 x 4.783408 GHz x 32, at the highest clock seen."""
    text = "\n".join(RYZEN.format(n, n % 16, "4783.408" if n == 7 else "2122.858") for n in range(32))
    ryzen = machine(cpuinfo=text, chassis="3\n")

    assert {"fp32": 16 * 4.783408 * 32} == pytest.approx(peaks(ryzen))
    assert ("AMD", "desktop", "This machine: AMD Ryzen 9 5950X 16-Core") == (
        ryzen.vendor,
        ryzen.device_class,
        ryzen.name,
    )


def test_a_raspberry_pi_5_is_the_shipped_one() -> None:
    """The peaks equal those of raspberry-pi-5.yaml, which cites Arm: 4 x 2.4 GHz x 16."""
    here_, shipped = pi5(), catalog.device("raspberry-pi-5")

    for precision in ("fp32", "fp16"):
        assert shipped.units["cpu"].peaks[precision].value == here_.units["cpu"].peaks[precision].value
    assert ("edge", "Arm", "derived") == (
        here_.device_class,
        here_.vendor,
        here_.units["cpu"].peaks["fp32"].evidence,
    )
    assert "Raspberry Pi 5 Model B Rev 1.0: 4 Cortex-A76 at 2.4 GHz" == here_.units["cpu"].name
    assert "ncnn-cpu" in here_.units["cpu"].runtimes
    assert 8256004 * 1024 == here_.memory.capacity.value.value
    assert here_.memory.app is None


def test_a_raspberry_pi_4_runs_one_vector_a_cycle() -> None:
    """4 x 1.8 GHz x 8, without half precision or dot products."""
    clocks = dict.fromkeys(range(4), 1_800_000)
    device = machine(
        machine="aarch64", cpuinfo=cpuinfo(PI4, 4), max_khz=clocks, board="Raspberry Pi 4 Model B Rev 1.5\0"
    )

    assert {"fp32": 57.6} == pytest.approx(peaks(device))
    assert "This machine: Raspberry Pi 4 Model B Rev 1.5" == device.name


def test_big_and_little_cores_add_up() -> None:
    """Google's Tensor as in pixel-6a.yaml: 2 x 2.85 x 32 + 2 x 2.25 x 16 + 4 x 1.8 x 8 is 312 GFLOP/s."""
    parts = ["0xd05"] * 4 + ["0xd0b"] * 2 + ["0xd44"] * 2
    clocks = dict(enumerate([1_800_000] * 4 + [2_250_000] * 2 + [2_850_000] * 2))
    text = "\n".join(PI5.replace("0xd0b", part).format(number) for number, part in enumerate(parts))
    device = machine(machine="aarch64", cpuinfo=text, max_khz=clocks)

    assert pytest.approx(312) == peaks(device)["fp32"]


def test_an_apple_chip_has_two_kinds_of_cores() -> None:
    """M4 Max: 12 x 4.512 GHz x 32 + 4 x 2.892 GHz x 16, memory as sysctl tells it."""
    mac = machine(system="Darwin", machine="arm64", sysctl=M4_MAX)

    rate = 12 * 4.512 * 32 + 4 * 2.892 * 16
    assert {"fp32": rate, "fp16": 2 * rate, "int8": 2 * rate} == pytest.approx(peaks(mac))
    assert ("Apple", 64 * GIB) == (mac.vendor, mac.memory.capacity.value.value)
    assert 68.25e9 == mac.units["cpu"].bandwidth.value.value
    assert "eclecticlight.co" in mac.units["cpu"].peaks["fp32"].source
    assert "12 x 4.512 GHz x 32 + 4 x 2.892 GHz x 16 FLOP/cycle" in mac.units["cpu"].peaks["fp32"].source


def test_a_mac_that_tells_no_cores_says_what_was_taken() -> None:
    """Clock and AVX2 come from the brand and the features, the cores from the logical processors."""
    mac = machine(system="Darwin", sysctl=INTEL_MAC + "hw.model: iMac17,1\n", logical=8)

    assert {"fp32": 8 * 4.0 * 32} == pytest.approx(peaks(mac))
    assert "8 logical processors are taken for cores" in str(mac.note)
    assert ("desktop", "This machine: Intel Core i7-6700K") == (mac.device_class, mac.name)


def test_a_container_has_what_its_cgroup_leaves() -> None:
    """1.5 of 4 cores, 2 GiB of 7.87: the tightest limit of the cgroups around it counts."""
    limits = {
        "memory_limits": ("2147483648\n", "9223372036854771712\n", "max\n"),
        "cpu_limits": ("max 100000\n", "150000 100000\n", "-1 100000\n", "0 100000\n", "1 0\n"),
    }
    device = machine(cpuinfo=cpuinfo(XEON, 4), meminfo=MEMINFO, **limits)

    assert device.memory.app is not None
    assert device.memory.browser is not None
    assert pytest.approx(1.5 * 2.4 * 64) == peaks(device)["fp32"]
    assert (
        "4 x 2.4 GHz x 64 FLOP/cycle x 1.5/4 (CPU quota of the cgroup)"
        in device.units["cpu"].peaks["fp32"].source
    )
    assert (2 * GIB, "derived") == (device.memory.app.value.value, device.memory.app.evidence)
    assert 2 * GIB == device.memory.browser.value.value
    assert 8256004 * 1024 == device.memory.capacity.value.value


def test_a_limit_above_what_there_is_is_none() -> None:
    """A quota of 8 cores on 4, and 2^63 bytes, change nothing."""
    free = pi5()
    bound = pi5(memory_limits=("9223372036854771712\n",), cpu_limits=("800000 100000\n",))

    assert free == bound


def test_processors_that_others_own_are_not_counted() -> None:
    """A process that may use two of four cores has two."""
    assert pytest.approx(2 * 2.4 * 16) == peaks(pi5(allowed={0, 3}))["fp32"]


@pytest.mark.parametrize("system", ["Linux", "Darwin", "Windows", "FreeBSD", ""])
@pytest.mark.parametrize("arch", ["x86_64", "aarch64", "riscv64", ""])
@pytest.mark.parametrize("text", ["", "\ufffd\0: \n\n:::\n\nprocessor : ²\nflags", "processor: 9" * 99])
def test_a_system_that_tells_nothing_is_described_as_unknown(system: str, arch: str, text: str) -> None:
    """No crash: every number is an estimate, and the note says what was assumed."""
    device = machine(system=system, machine=arch, cpuinfo=text, meminfo=text, sysctl=text, logical=2)
    unit = device.units["cpu"]

    assert ("estimate", "estimate") == (unit.peaks["fp32"].evidence, unit.bandwidth.evidence)
    assert "not told, assumed: cores: " in str(device.note)
    assert "clock: 2 GHz, as the system does not tell it" in str(device.note)
    assert "vector units: " in str(device.note)
    assert "unknown processor" in device.name
    assert "assumed: this system does not tell its memory" == device.memory.capacity.source


def test_windows_names_the_processor_alone() -> None:
    """zlib-ng/deflatebench issue 11: the identifier is the name, four cores are taken from eight threads."""
    identifier = "Intel64 Family 6 Model 140 Stepping 1, GenuineIntel"
    device = machine(system="Windows", machine="AMD64", identifier=identifier, logical=8)

    assert {"fp32": 4 * 2.0 * 32} == pytest.approx(peaks(device))
    assert ("Intel", f"This machine: {identifier}") == (device.vendor, device.name)


def test_of_risc_v_the_vectors_are_not_known() -> None:
    """The name is told, the arithmetic is a guess of 8 FLOP a cycle."""
    device = machine(machine="riscv64", cpuinfo=RISCV)

    assert {"fp32": 2.0 * 8} == pytest.approx(peaks(device))
    assert "This machine: Spacemit X60" == device.name


# what Agner Fog's tables and the pages cited in processor.py give for one core
@pytest.mark.parametrize(
    ("flags", "vendor", "family", "model", "name", "flop_per_cycle"),
    [
        ("sse sse2", "GenuineIntel", 6, 23, "Core 2 Duo", 8),
        ("sse avx", "GenuineIntel", 6, 42, "i7-2600", 16),
        ("sse avx avx2 fma", "GenuineIntel", 6, 60, "i7-4770", 32),
        ("sse avx avx2 fma", "GenuineIntel", 6, 190, "N100", 16),
        ("sse avx avx2 fma", "AuthenticAMD", 23, 1, "Ryzen 7 1700", 16),
        ("sse avx avx2 fma", "AuthenticAMD", 23, 113, "Ryzen 7 3800X", 32),
        ("sse avx avx2 fma avx512f", "GenuineIntel", 6, 85, "Xeon(R) Gold 6148", 64),
        ("sse avx avx2 fma avx512f", "GenuineIntel", 6, 85, "Xeon(R) Silver 4110", 32),
        ("sse avx avx2 fma avx512f", "GenuineIntel", 6, 140, "i7-1165G7", 32),
        ("sse avx avx2 fma avx512f", "AuthenticAMD", 25, 97, "Ryzen 9 7950X", 32),
        ("sse avx avx2 fma avx512f", "AuthenticAMD", 26, 68, "Ryzen 9 9950X", 64),
        ("", "GenuineIntel", 6, 60, "", 32),
        ("fpu", "GenuineIntel", 5, 4, "Pentium", 8),
    ],
)
def test_vectors_of_x86_cores(  # noqa: PLR0913, PLR0917 (one column each)
    flags: str, vendor: str, family: int, model: int, name: str, flop_per_cycle: int
) -> None:
    """Flags tell the width, and where they do not, the model tells how many units there are."""
    found = processor.x86_vectors(frozenset(flags.split()), vendor, family, model, name)
    assert flop_per_cycle == found.flop_per_cycle


def test_efficiency_cores_of_a_hybrid_do_half() -> None:
    """Two cores with two 256-bit units, two with 128-bit ones: 2 x 4 GHz x 32 + 2 x 3 GHz x 16."""
    text = "\n".join(RYZEN.format(n, n, "900.000") for n in range(4)).replace("AuthenticAMD", "GenuineIntel")
    clocks = {0: 4_000_000, 1: 4_000_000, 2: 3_000_000, 3: 3_000_000}

    assert pytest.approx(352) == peaks(machine(cpuinfo=text, max_khz=clocks, small={2, 3}))["fp32"]


@pytest.mark.parametrize(
    ("text", "numbers"), [("0-3,8\n", {0, 1, 2, 3, 8}), ("", set()), ("x-2,5-,-1,7-6", {5})]
)
def test_lists_of_processors(text: str, numbers: set[int]) -> None:
    """Spans and single numbers; what is neither is passed over."""
    assert numbers == set(processor.cpu_list(text))


@pytest.mark.parametrize(
    ("readings", "device_class", "gb_per_s"),
    [
        ({"has_battery": True, "cpuinfo": XEON.format(0)}, "laptop", 51.2),
        ({"chassis": "10\n"}, "laptop", 51.2),
        ({"chassis": "23\n", "logical": 3}, "server", 30),
        ({"chassis": "17\n", "logical": 64}, "server", 204.8),
        ({"chassis": "1\n"}, "desktop", 51.2),
        ({"board": "Acme Board"}, "edge", 12.8),
        ({"machine": "aarch64"}, "edge", 12.8),
        ({"machine": "aarch64", "cpuinfo": PI5.replace("0xd0b", "0xd0c").format(0)}, "server", 10),
        ({"system": "Darwin", "sysctl": "hw.model: MacBookPro18,1"}, "laptop", 51.2),
    ],
)
def test_bandwidth_is_a_common_figure_of_the_class(
    readings: dict[str, Any], device_class: str, gb_per_s: float
) -> None:
    """No system tells its bandwidth: an estimate that says so and names the command that measures."""
    device = machine(**readings)
    fact = device.units["cpu"].bandwidth

    assert (device_class, "estimate") == (device.device_class, fact.evidence)
    assert pytest.approx(gb_per_s * 1e9) == fact.value.value
    assert fact.source.startswith("not measured: ")
    assert fact.source.endswith("measure it with: feasible calibrate")


def test_the_same_readings_give_the_same_profile() -> None:
    """Nothing but the readings counts, and the profile says where it comes from."""
    assert pi5() == pi5()
    assert ("auto", "(this machine)", 2026) == (pi5().id, pi5().origin, pi5().year)


def test_limits_stand_in_every_cgroup_around_a_process() -> None:
    """Version 2 has one tree, version 1 one for each controller; a path never leaves the root."""
    v2 = [str(f) for f in limit_files("0::/user.slice/a.service\n", "memory", Path("/cg"))]
    v1 = [
        str(f)
        for f in limit_files("9:name=systemd:/x\n4:memory:/../d\n1:cpu,cpuacct:/\n", "cpu", Path("/cg"))
    ]

    assert ["/cg/user.slice/a.service/memory.max", "/cg/user.slice/memory.max", "/cg/memory.max"] == v2
    assert ["/cg/cpu,cpuacct/cpu.cfs_quota_us"] == v1
    memory = limit_files("4:memory:/../d\n", "memory", Path("/cg"))
    assert ["/cg/memory/d/memory.limit_in_bytes", "/cg/memory/memory.limit_in_bytes"] == [
        str(f) for f in memory
    ]


def test_this_machine_can_be_described() -> None:
    """Whatever runs the tests has a peak, a bandwidth and memory, without measuring."""
    device = here.this_machine()

    assert ("auto", "(this machine)", "cpu") == (device.id, device.origin, device.default_unit)
    assert 1e9 < peaks(device)["fp32"] * 1e9 < 1e15


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_other_systems_are_asked_without_a_crash(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    """Where sysctl is missing, or nothing can be asked, the readings stay empty."""
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr(here, "_SYSCTL", "/nonexistent/sysctl")

    assert ("", "") == (here.read().sysctl, here.read().cpuinfo)
    assert "auto" == here.this_machine().id
