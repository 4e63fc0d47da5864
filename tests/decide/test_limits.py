"""The largest model that fits: by time for three kinds of network, by bytes for its weights."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import feasibility as fe
from feasibility.decide.limits import KINDS, Kind, limits
from feasibility.decide.scenario import place
from feasibility.errors import UnitError, UsageError
from feasibility.report import text_limits
from feasibility.timing.compute import inference
from feasibility.timing.kernels import Kernels
from feasibility.timing.loads import AS_STORED, loads
from feasibility.units import Bytes, Seconds

CORPUS = Path(__file__).parents[1] / "corpus"
FILES = {"MobileNetV2": "mobilenet_v2", "ResNet-50": "resnet50", "ViT-B/16": "vit_base_patch16_224_224"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_kinds_are_what_the_profiler_counts(kind: Kind) -> None:
    """FMA by class, elements and kernels, counted again from the graph."""
    cost = fe.profile(CORPUS / f"{FILES[kind.name]}.onnx")
    asked = loads(cost, AS_STORED)
    heavy = [load for load in asked if load.op_class is not None]
    fmas: dict[str, float] = {}
    for load in heavy:
        fmas[str(load.op_class)] = fmas.get(str(load.op_class), 0) + load.flops / 2

    assert dict(kind.fmas) == {name: pytest.approx(count, abs=1) for name, count in fmas.items()}
    transformed = sum(load.flops for load in loads(cost, AS_STORED, kernels=Kernels(winograd=2.0)))
    assert 2 * kind.winograd_fmas * (1 - 1 / 2) == sum(load.flops for load in heavy) - transformed
    assert kind.parameters == cost.totals.parameters
    assert 4 * kind.weights == sum(load.weight_bytes for load in heavy)
    assert 4 * kind.activations == sum(load.activation_bytes for load in heavy)
    assert 4 * kind.light == sum(load.activation_bytes for load in asked if load.op_class is None)
    assert (kind.heavy_kernels, kind.light_kernels) == (len(heavy), len(asked) - len(heavy))


@pytest.mark.parametrize("device", ["pixel-6a", "core-i9-10940x", "rtx-3090"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_time_of_the_network_itself_fits_it_exactly(device: str, kind: Kind) -> None:
    """A deadline of what it takes leaves room for it: to 3 %, and where attention is one kernel to 8 %."""
    where = place(device, None, None)
    cost = fe.profile(CORPUS / f"{FILES[kind.name]}.onnx")
    seconds = inference(cost, where.device.units[where.unit], where.runtime, None).interval.typical

    found = next(fit for fit in limits(where, seconds, None).fits if fit.kind == kind.name)
    assert "time" == found.bound
    apart = 0.08 if where.runtime.fuses_attention else 0.03  # such a kernel keeps the scores on the chip
    assert sum(kind.fmas.values()) == pytest.approx(found.probably, rel=apart)
    assert found.surely is None or found.surely < (found.probably or 0) < (found.hardly or 0)


def test_weights_share_the_bytes_that_are_allowed() -> None:
    """5 MB are 1.25 million floats, 2.5 million halves, 5 million int8 and 5 x 8 / 4.5 million int4."""
    found = limits(place("pixel-6a", None, None), Seconds(0.03), Bytes(5e6))

    assert {
        "fp32": 1_250_000, "fp16": 2_500_000, "int8": 5_000_000, "int4": math.floor(40e6 / 4.5),
    } == found.parameters  # fmt: skip
    assert "the download that is allowed" == found.limited_by


def test_without_a_download_limit_memory_is_the_limit() -> None:
    """The Pixel 6a has 6 GB, of which the runtime takes 20 MB."""
    found = limits(place("pixel-6a", None, None), Seconds(0.03), None)

    assert 6e9 - 20e6 == found.weight_bytes.value
    assert found.limited_by.startswith("memory: ")


def test_a_deadline_shorter_than_the_kernels_start_fits_nothing() -> None:
    """53 kernels of 50 us and more are 2.65 ms on WebGPU: not one fits into a millisecond."""
    found = limits(place("m1", "webgpu", None), Seconds(0.001), None)

    assert (None, None) == (found.fits[0].surely, found.fits[0].probably)
    assert "none" in text_limits.render(found)


@pytest.mark.parametrize("deadline", [Seconds(0), Seconds(-1), Seconds(math.inf)])
def test_a_deadline_of_nothing_is_refused(deadline: Seconds) -> None:
    """Zero, less, and for ever."""
    with pytest.raises(UsageError, match="leaves no time"):
        limits(place("m1", None, None), deadline, None)


def test_the_verb_takes_texts_with_units() -> None:
    """As the command line does."""
    assert 0.03 == fe.limits("pixel-6a", deadline="30ms").deadline.value
    with pytest.raises(UnitError, match="deadline"):
        fe.limits("pixel-6a", deadline="30")


def test_weights_that_do_not_fit_bound_a_network_before_time_does() -> None:
    """5 MB are 1.25 million floats: a MobileNetV2 of 3.475 million shrinks to 0.36 of its work."""
    mobile = limits(place("pixel-6a", None, None), Seconds(1.0), Bytes(5e6)).fits[0]

    assert "bytes" == mobile.bound
    assert 1_250_000 / 3_475_130 * sum(KINDS[0].fmas.values()) == pytest.approx(mobile.probably)
