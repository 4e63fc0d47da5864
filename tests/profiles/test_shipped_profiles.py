"""Every profile in the repository loads, is sourced and is plausible."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import get_args

import pytest
from pydantic import BaseModel

from feasibility.profiles import catalog
from feasibility.profiles.models import (
    Coefficients,
    DeviceClass,
    DeviceProfile,
    Fact,
    NetworkProfile,
    OpClassName,
    Precision,
    RuntimeProfile,
)

DEVICES = {
    "m1",
    "m1-pro",
    "m2",
    "m4",
    "a15",
    "a17-pro",
    "snapdragon-8-gen-3",
    "pixel-6a",
    "raspberry-pi-5",
    "rtx-3060",
    "rtx-4090",
    "laptop-cpu-4c",
    "t4",
    "l4",
    "a100",
    "h100",
}
RUNTIMES = {
    "metal",
    "onnxruntime-cpu",
    "wasm",
    "webgpu",
    "ncnn-cpu",
    "coreml-ane",
    "qnn-npu",
    "torch-compile-cuda",
    "tensorrt",
    "torch-compile-cpu",
    "torch-eager-cuda",
    "ncnn-vulkan",
    "ncnn-vulkan-pc",
}
LINKS = {"essay", "fiber", "wifi", "5g", "4g", "3g", "starlink", "geo"}
PRESETS = ("lighthouse-", "devtools-", "wpt-")

GB = 1e9
# the widest memory of each class that exists today, with room to spare
BANDWIDTH_CEILING: dict[DeviceClass, float] = {
    "mcu": 1 * GB,
    "phone": 120 * GB,
    "tablet": 200 * GB,
    "edge": 300 * GB,
    "laptop": 900 * GB,
    "desktop": 2_000 * GB,
    "server": 10_000 * GB,
}
PORTABLE = {"phone", "tablet"}
FLOATS = ("fp64", "fp32", "fp16")
THIN = {"webgpu", "metal", "coreml-ane", "tensorrt"}  # no fit stands behind them
MANY = 100  # timings


def facts(record: object) -> Iterator[Fact[object]]:
    """Yield every fact inside a profile."""
    if isinstance(record, Fact):
        yield record
    elif isinstance(record, BaseModel):
        for name in type(record).model_fields:
            yield from facts(getattr(record, name))
    elif isinstance(record, dict):
        for item in record.values():
            yield from facts(item)


@cache
def loaded(name: str) -> DeviceProfile:
    """Read a device once for all tests."""
    return catalog.device(name)


@cache
def named(name: str) -> RuntimeProfile:
    """Read a runtime once for all tests."""
    return catalog.runtime(name)


@pytest.fixture(params=catalog.device_ids())
def device(request: pytest.FixtureRequest) -> DeviceProfile:
    """Return each device in turn."""
    return loaded(str(request.param))


@pytest.fixture(params=sorted(RUNTIMES))
def runtime(request: pytest.FixtureRequest) -> RuntimeProfile:
    """Return each runtime in turn."""
    return named(str(request.param))


@pytest.fixture(params=catalog.network_ids())
def link(request: pytest.FixtureRequest) -> NetworkProfile:
    """Return each link in turn."""
    return catalog.network(str(request.param))


def test_what_is_promised_is_there() -> None:
    """Devices, runtimes, friendly links and the presets of three tools are listed."""
    presets = {name for name in catalog.network_ids() if name.startswith(PRESETS)}

    assert set(catalog.device_ids()) >= DEVICES
    assert len(catalog.device_ids()) >= 110
    assert set(catalog.runtime_ids()) >= RUNTIMES
    assert LINKS == set(catalog.network_ids()) - presets
    assert [3, 3, 12] == [sum(name.startswith(tool) for name in presets) for tool in PRESETS]


def test_an_alias_names_one_device_and_is_no_id() -> None:
    """No product name leads to two devices."""
    aliases = Counter(alias for name in catalog.device_ids() for alias in loaded(name).aliases)

    assert {1} == set(aliases.values())
    assert not set(aliases) & set(catalog.device_ids())
    assert len(aliases) >= 80


def test_no_peak_is_a_sustained_benchmark_result(device: DeviceProfile) -> None:
    """Linpack results are no peaks: they would be counted with an efficiency once more."""
    assert not any("HPL" in fact.source for fact in facts(device))


def test_every_number_of_a_device_is_sourced(device: DeviceProfile) -> None:
    """A source says more than one word, and nothing claims to be given by a caller."""
    found = list(facts(device))

    assert len(found) >= 3
    assert all(" " in fact.source and fact.evidence != "given" for fact in found)


def test_ridge_points_are_within_what_hardware_has(device: DeviceProfile) -> None:
    """Between 1 and 1,000 FLOP a byte: outside, a factor of 8 or 1,000 slipped in."""
    for unit in device.units.values():
        for fact in unit.peaks.values():
            assert 1 <= fact.value.value / unit.bandwidth.value.value <= 1_000


def test_bandwidth_stays_below_the_ceiling_of_the_class(device: DeviceProfile) -> None:
    """No phone has the memory of a server."""
    for unit in device.units.values():
        assert 1 * GB < unit.bandwidth.value.value <= BANDWIDTH_CEILING[device.device_class]


def test_narrower_types_are_at_least_as_fast(device: DeviceProfile) -> None:
    """fp16 is not below fp32, bf16 equals fp16 or less, int8 not below fp16, int4 not below int8."""
    for unit in device.units.values():
        rate = {name: fact.value.value for name, fact in unit.peaks.items()}
        ladder = [rate[name] for name in (*FLOATS, "int8", "int4") if name in rate]
        assert sorted(ladder) == ladder
        assert rate.get("bf16", 0) <= rate.get("fp16", 0)
        assert (
            rate.get("int8", 0) <= 8.01 * rate.get("fp32", float("inf"))
            or rate["int8"] <= 2.01 * rate["fp16"]
        )


def test_usable_memory_is_at_most_the_capacity(device: DeviceProfile) -> None:
    """An app or a tab cannot use more than there is; a device runs at least a small model."""
    memory = device.memory
    limits = [fact.value.value for fact in (memory.app, memory.browser) if fact]

    # a graphics card's tab lives in the computer's memory, not in the card's
    assert all(limit <= memory.capacity.value.value for limit in limits)
    assert min([memory.capacity.value.value, *limits]) >= 0.5 * GB


@pytest.mark.parametrize(
    "name", [name for name in catalog.device_ids() if loaded(name).device_class in PORTABLE]
)
def test_a_phone_says_what_an_app_may_use(name: str) -> None:
    """No app has all the memory of a phone or tablet: its limit is given, and leaves a tenth to others."""
    memory = loaded(name).memory

    assert memory.app is not None
    assert memory.app.value.value <= 0.9 * memory.capacity.value.value


def test_runtimes_fit_their_units(device: DeviceProfile) -> None:
    """A unit lists runtimes for its kind; the default unit exists; servers have a price."""
    assert device.default_unit in device.units
    for unit in device.units.values():
        assert unit.runtimes
        assert all(unit.kind in named(name).unit_kinds for name in unit.runtimes)
    assert (device.device_class == "server") == (device.price_usd_per_hour is not None)


def test_every_unit_has_a_rate_for_its_runtimes(device: DeviceProfile) -> None:
    """A coefficient that borrows another type's peak finds that peak in the unit."""
    for unit in device.units.values():
        for name in unit.runtimes:
            borrowed = {c.peak for c in named(name).precisions.values() if c.peak}
            assert borrowed <= set(unit.peaks)


def test_coefficients_are_sourced_and_cover_every_class(runtime: RuntimeProfile) -> None:
    """Each precision of a runtime says where its constants come from."""
    assert all(" " in fact.source for fact in facts(runtime))
    for constants in runtime.precisions.values():
        assert set(get_args(OpClassName)) == set(constants.efficiency)
        assert len(constants.source) > 20


def test_coefficients_are_within_what_was_ever_fitted(runtime: RuntimeProfile) -> None:
    """Published fits lie in 0.01 <= e <= 3; overheads are below a millisecond an operator."""
    for constants in runtime.precisions.values():
        assert all(0.01 <= e <= 3 for e in constants.efficiency.values())
        assert 0.04 <= constants.bandwidth_share.activations <= 3
        assert constants.overhead.value <= 1e-3
        assert constants.light_overhead.value <= 1.25e-4
        assert 1 == constants.exponent


def test_thin_evidence_is_spread_wide(runtime: RuntimeProfile) -> None:
    """An estimate is never surer than 0.5, a prior than 0.35, one from hundreds of timings than 0.2."""
    for constants in runtime.precisions.values():
        floor = 0.2 if (constants.n or 0) >= MANY else 0.35
        assert constants.sigma >= (0.5 if constants.evidence == "estimate" else floor)
        assert (runtime.id in THIN) <= (constants.evidence == "estimate")


def test_browsers_and_apps_use_their_own_pool(runtime: RuntimeProfile) -> None:
    """What runs in a tab lives on a tab's memory."""
    assert (runtime.id in {"wasm", "webgpu"}) == (runtime.memory_pool == "browser")


def test_every_number_of_a_link_is_sourced_and_plausible(link: NetworkProfile) -> None:
    """RTTs from 1 ms to 1 s, uplinks no faster than downlinks, presets marked as such."""
    assert all(" " in fact.source or "/" in fact.source for fact in facts(link))
    assert 1e-3 <= link.rtt.value.value <= 1
    assert link.uplink.value.value <= link.downlink.value.value
    assert link.id.startswith(PRESETS) == link.preset


@pytest.mark.parametrize(
    ("name", "rtt_ms", "down_kbit_s", "up_kbit_s"),
    [
        ("essay", 150, 150_000, 20_000),
        ("lighthouse-slow4g", 150, 1.6 * 1024, 750),
        ("lighthouse-desktop", 40, 10 * 1024, 10 * 1024),
        ("devtools-slow4g", 150, 1_600, 750),
        ("wpt-cable", 28, 5_000, 1_000),
        ("wpt-3g", 300, 1_600, 768),
    ],
)
def test_reference_links(name: str, rtt_ms: float, down_kbit_s: float, up_kbit_s: float) -> None:
    """The essay's link and the tools' presets have the numbers of their definitions."""
    link = catalog.network(name)

    assert pytest.approx(rtt_ms / 1000) == link.rtt.value.value
    assert pytest.approx(down_kbit_s * 1000) == link.downlink.value.value
    assert pytest.approx(up_kbit_s * 1000) == link.uplink.value.value


def test_the_numbers_of_the_essay() -> None:
    """Apple's 2.6 TFLOP/s and 68.25 GB/s; an A100 is 120 times an M1 at peak; 390 GFLOP in 150 ms."""
    m1, a100 = catalog.device("m1").units["gpu"], catalog.device("a100").units["gpu"]

    assert (2.6e12, "vendor") == (m1.peaks["fp32"].value.value, m1.peaks["fp32"].evidence)
    assert 68.25e9 == m1.bandwidth.value.value
    assert pytest.approx(120) == a100.peaks["fp16"].value / m1.peaks["fp32"].value
    assert pytest.approx(390e9) == (m1.peaks["fp32"].value * catalog.network("essay").rtt.value).value


@pytest.mark.parametrize(
    ("name", "unit", "precision", "flop_per_s"),
    [
        # Apple: cores x FLOP/cycle x clock; TOPS of the engine, which count int8 since the A17 Pro
        ("a11", "gpu", "fp32", 3 * 128 * 1.066e9),
        ("a14", "gpu", "fp16", 4 * 256 * 1.278e9),
        ("a17-pro", "npu", "fp16", 35e12 / 2),
        ("m1-max", "gpu", "fp32", 32 * 256 * 1.296e9),
        ("m2-ultra", "gpu", "fp32", 76 * 256 * 1.398e9),
        ("m4-max", "cpu", "fp32", 12 * 4.512e9 * 32 + 4 * 2.892e9 * 16),
        # phones: the clock of each core x 32 (Cortex-X, Oryon), 16 (A76 and later) or 8 (A73, A5x)
        ("snapdragon-888", "cpu", "fp32", 2.84e9 * 32 + 3 * 2.42e9 * 16 + 4 * 1.8e9 * 8),
        ("snapdragon-8-elite", "cpu", "fp16", 2 * (2 * 4.32e9 + 6 * 3.53e9) * 32),
        ("tensor-g3", "cpu", "fp32", 2.91e9 * 32 + 4 * 2.37e9 * 16),
        ("tensor-g1", "gpu", "fp16", 20 * 128 * 848e6),
        ("dimensity-9300", "cpu", "fp32", (3.25e9 + 3 * 2.85e9) * 32 + 4 * 2.0e9 * 16),
        ("kirin-970", "cpu", "fp32", (4 * 2.36e9 + 4 * 1.8e9) * 8),
        # boards; a Jetson's TOPS count sparsity
        ("raspberry-pi-zero-2-w", "cpu", "fp32", 4 * 1.0e9 * 8),
        ("raspberry-pi-4", "cpu", "fp32", 4 * 1.8e9 * 8),
        ("raspberry-pi-5", "cpu", "fp16", 4 * 2.4e9 * 32),
        ("rk3588", "cpu", "fp32", 4 * 2.4e9 * 16 + 4 * 1.8e9 * 8),
        ("jetson-orin-nano-8gb", "gpu", "int8", 40e12 / 2),
        ("jetson-agx-orin-64gb", "gpu", "int8", 170e12 / 2),
        # computers: AVX2 is 32 FLOP a cycle (16 on an E-core), AVX-512 with two pipes 64
        ("core-i7-12700h", "cpu", "fp32", 6 * 4.1e9 * 32 + 8 * 3.5e9 * 16),
        ("core-i9-10940x", "cpu", "fp32", 14 * 3.2e9 * 64),
        ("ryzen-7-7800x3d", "cpu", "fp32", 8 * 4.2e9 * 32),
        ("aws-c7g-xlarge", "cpu", "fp32", 4 * 2.6e9 * 32),
        ("aws-c7i-xlarge", "cpu", "fp32", 2 * 3.2e9 * 64),
        # GeForce: cores x 2 x boost clock; tensor cores with fp32 accumulation 4 times (Turing), then 2
        ("rtx-2080-ti", "gpu", "fp16", 4 * 4352 * 2 * 1.545e9),
        ("rtx-3090", "gpu", "fp16", 2 * 10_496 * 2 * 1.695e9),
        ("rtx-4060-laptop", "gpu", "fp16", 2 * 3072 * 2 * 1.89e9),
        ("rx-7900-xtx", "gpu", "fp32", 6144 * 2 * 2.5e9),  # without dual issue
        # data sheets: half of what they print with sparsity
        ("l40s", "gpu", "int8", 1466e12 / 2),
        ("h200", "gpu", "fp16", 1979e12 / 2),
        ("b200", "gpu", "fp16", 4500e12 / 2),
    ],
)
def test_peaks_are_their_products(name: str, unit: str, precision: Precision, flop_per_s: float) -> None:
    """Cores x clock x FLOP a cycle, or the figure of the data sheet."""
    assert pytest.approx(flop_per_s, rel=5e-3) == loaded(name).units[unit].peaks[precision].value.value


@pytest.mark.parametrize(
    ("name", "unit", "byte_per_s"),
    [
        ("a16", "npu", 8 * 6.4e9),  # LPDDR: bytes of width x transfers a second
        ("m1-ultra", "gpu", 128 * 6.4e9),
        ("m3-pro", "cpu", 24 * 6.4e9),
        ("snapdragon-855", "gpu", 8 * 4.266e9),
        ("snapdragon-865", "cpu", 8 * 5.5e9),
        ("snapdragon-8-elite", "npu", 8 * 10.6e9),
        ("dimensity-9400", "cpu", 8 * 10.667e9),
        ("raspberry-pi-4", "cpu", 4 * 3.2e9),
        ("jetson-agx-orin-64gb", "gpu", 32 * 6.4e9),
        ("core-i7-12700h", "cpu", 2 * 8 * 4.8e9),  # DDR: channels x 8 bytes
        ("core-i9-10940x", "cpu", 4 * 8 * 2.933e9),
        ("aws-c6i-16xlarge", "cpu", 8 * 8 * 3.2e9),
        ("rtx-3060-laptop", "gpu", 24 * 14e9),  # GDDR
        ("rtx-4070", "gpu", 24 * 21e9),
        ("rtx-5090", "gpu", 64 * 28e9),
        ("rx-7600", "gpu", 16 * 18e9),
        ("arc-a770", "gpu", 32 * 17.5e9),
        ("t4", "gpu", 320e9),  # data sheets
        ("v100-pcie", "gpu", 900e9),
        ("h200", "gpu", 4800e9),
    ],
)
def test_bandwidths_are_their_products(name: str, unit: str, byte_per_s: float) -> None:
    """Width of the memory x transfers a second, or the figure of the data sheet."""
    assert pytest.approx(byte_per_s, rel=5e-3) == loaded(name).units[unit].bandwidth.value.value


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("iphone-15-pro", "a17-pro"),
        ("iphone-13", "a15-4-core"),
        ("macbook-air-m1", "m1"),
        ("galaxy-s24-ultra", "snapdragon-8-gen-3"),
        ("pixel-8", "tensor-g3"),
        ("rpi5", "raspberry-pi-5"),
        ("geforce-rtx-4090", "rtx-4090"),
        ("radeon-780m", "ryzen-7-8845hs"),
        ("a100-sxm-80gb", "a100"),
    ],
)
def test_products_lead_to_their_chip(alias: str, name: str) -> None:
    """What people type is found; a phone with two chips is no alias of either."""
    assert name == catalog.device(alias).id
    assert alias in loaded(name).aliases
    assert not {"galaxy-s24", "galaxy-s20", "redmi-note-11"} & set(loaded(name).aliases)


def test_peaks_accumulate_in_fp32() -> None:
    """A consumer RTX has the rate with fp32 accumulation; a CPU has cores x clock x lanes."""
    assert 165.2e12 == catalog.device("rtx-4090").units["gpu"].peaks["fp16"].value.value
    assert 25.5e12 == catalog.device("rtx-3060").units["gpu"].peaks["fp16"].value.value
    assert (
        pytest.approx(4 * 2.4e9 * 16)
        == catalog.device("raspberry-pi-5").units["cpu"].peaks["fp32"].value.value
    )
    assert (
        pytest.approx(4 * 3.0e9 * 32)
        == catalog.device("laptop-cpu-4c").units["cpu"].peaks["fp32"].value.value
    )


def test_the_default_of_the_m1_is_metal() -> None:
    """The prior that the whole design quotes: e 0.76, b 0.5, t0 15 us, p 1; thin, so sigma 0.5."""
    m1, metal = catalog.device("m1"), catalog.runtime("metal")
    constants: Coefficients = metal.precisions["fp32"]

    assert ("gpu", "metal") == (m1.default_unit, m1.units["gpu"].runtimes[0])
    assert {0.76} == set(constants.efficiency.values())
    assert (0.5, 1, 0.5) == (constants.bandwidth_share.activations, constants.exponent, constants.sigma)
    assert pytest.approx(15e-6) == constants.overhead.value
    assert "estimate" == constants.evidence


@pytest.mark.parametrize(
    ("name", "unit", "runtime_id"),
    [
        ("m1", "gpu", "metal"),
        ("pixel-6a", "cpu", "ncnn-cpu"),
        ("laptop-cpu-4c", "cpu", "onnxruntime-cpu"),
        ("rtx-3060", "gpu", "torch-compile-cuda"),
        ("snapdragon-8-gen-3", "npu", "qnn-npu"),
        ("a15", "npu", "coreml-ane"),
        ("a17-pro", "npu", "coreml-ane"),
        ("raspberry-pi-5", "cpu", "ncnn-cpu"),
        ("a100", "gpu", "tensorrt"),
    ],
)
def test_default_units_and_runtimes(name: str, unit: str, runtime_id: str) -> None:
    """What a device is asked for when nobody says more."""
    device = catalog.device(name)

    assert (unit, runtime_id) == (device.default_unit, device.units[device.default_unit].runtimes[0])
