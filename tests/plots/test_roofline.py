from __future__ import annotations

from pathlib import Path

import pytest

import feasibility as fe
from feasibility.cost import ModelCost
from feasibility.plots import roofline_points
from feasibility.units import Seconds
from tests.timing_parts import CLASSES, coefficients, device, model, runtime, step, tensor, unit

CORPUS = Path(__file__).parent.parent / "corpus"
SIDE = 1000  # a product of two matrices of 1000 x 1000


def product(name: str = "y", runs: int = 1) -> ModelCost:
    """Return a model of one product: 10^9 FMA, and three matrices of 4 MB that it moves."""
    x, w = tensor("x", SIDE, SIDE), tensor("w", SIDE, SIDE, constant=True)
    y = tensor(name, SIDE, SIDE)
    return model(step((x, w), (y,), "heavy", fmas=SIDE**3, op_class="matmul", runs=runs), inputs=(x,))


def test_a_group_stands_at_its_intensity_and_rate() -> None:
    """2 GFLOP over 12 MB, in 2e9 / (0.5 * 1e12) + 12e6 / (0.25 * 100e9) = 4.48 ms."""
    found = roofline_points(product(), device(), runtime=runtime())
    (dot,) = found.dots
    assert (dot.flops, dot.nbytes, dot.bound) == (2 * 10**9, 12 * 10**6, "compute")
    assert dot.intensity == pytest.approx(2000 / 12)
    assert dot.flops_per_s == pytest.approx(2e9 / 4.48e-3)
    assert (dot.share, found.unplaced) == pytest.approx((1, 0))


def test_runs_count_together() -> None:
    """Three runs compute and move three times as much in three times the time: the dot stays where it was."""
    (once,) = roofline_points(product(), device(), runtime=runtime()).dots
    (thrice,) = roofline_points(product(runs=3), device(), runtime=runtime()).dots
    assert (thrice.flops, thrice.nbytes) == (3 * once.flops, 3 * once.nbytes)
    assert thrice.flops_per_s == pytest.approx(once.flops_per_s)


def test_the_roof_bends_at_the_ridge() -> None:
    """1 TFLOP/s over 100 GB/s is 10 FLOP per byte: half the peak at 5, all of it from 10 on."""
    found = roofline_points(product(), device(), runtime=runtime())
    assert found.sheet.ridge == 10
    assert [found.sheet.at(intensity) for intensity in (5, 10, 20)] == [0.5e12, 1e12, 1e12]


def test_bytes_are_those_of_the_precision_that_runs() -> None:
    """At fp16 the three matrices are 2 MB each, and the roof is fp16's."""
    place = device(found=unit(fp32=1.0, fp16=2.0))
    halves = runtime({"fp16": coefficients(), "fp32": coefficients()})
    found = roofline_points(product(), place, runtime=halves, precision="fp16")
    assert (found.dots[0].nbytes, found.sheet.peak.value, found.precision) == (6 * 10**6, 2e12, "fp16")


def test_what_has_no_place_is_told_as_a_share() -> None:
    """A constant as long as the product, 4.48 ms, is half of the time."""
    found = roofline_points(product(), device(), runtime=runtime(constant=Seconds(4.48e-3)))
    assert found.unplaced == pytest.approx(0.5)


def test_a_light_group_that_is_fused_away_has_no_dot() -> None:
    """Where the runtime counts no traffic for light groups, their rate would be their overhead's."""
    x, y = tensor("x", SIDE), tensor("y", SIDE)
    light = model(step((x,), (y,), "light", arithmetic=SIDE), inputs=(x,))
    fuses = runtime(light_overhead=Seconds(1e-6))
    moves = runtime(light_overhead=Seconds(1e-6), light_bandwidth_share=0.5)
    free, paid = (roofline_points(light, device(), runtime=each) for each in (fuses, moves))
    assert (len(free.dots), free.unplaced, len(paid.dots)) == (0, 1, 1)


def test_a_runtime_has_a_roof_of_its_own() -> None:
    """It reaches 0.5 of 1 TFLOP/s and 0.25 of 100 GB/s: its ridge is at 20 FLOP per byte, not at 10."""
    reached = roofline_points(product(), device(), runtime=runtime()).reached
    assert reached is not None
    assert (reached.peak.value, reached.bandwidth.value) == pytest.approx((0.5e12, 25e9))
    assert reached.ridge == pytest.approx(20)


def test_the_runtimes_roof_is_of_the_class_that_takes_the_most_time() -> None:
    """1.8 GFLOP of depthwise work at 0.1 of the peak outlast 2 GFLOP of products at 0.5."""
    a, b = tensor("a", SIDE, SIDE), tensor("b", SIDE, SIDE)
    slow = step((a,), (b,), "heavy", fmas=9 * 10**8, op_class="depthwise")
    cost = model(product().nodes[0], slow, inputs=(a,))
    place = runtime(efficiency=dict.fromkeys(CLASSES, 0.5) | {"depthwise": 0.1})
    found = roofline_points(cost, device(), runtime=place)
    assert found.reached is not None
    assert found.op_class == "depthwise"
    assert found.reached.peak.value == pytest.approx(0.1e12)


def test_a_model_without_linear_algebra_has_one_roof() -> None:
    """No efficiency is of elementwise operators."""
    x, y = tensor("x", SIDE), tensor("y", SIDE)
    light = model(step((x,), (y,), "light", arithmetic=SIDE), inputs=(x,))
    found = roofline_points(light, device(), runtime=runtime(light_bandwidth_share=0.5))
    assert (found.reached, found.op_class, found.roofs) == (None, None, (found.sheet,))


@pytest.mark.parametrize("path", ["mobilenet_v2", "whisper_tiny_encoder", "sd_unet"])
@pytest.mark.parametrize("place", ["m1", "pixel-6a", "iphone-15-pro"])
def test_colours_are_those_that_the_runtimes_roof_tells(path: str, place: str) -> None:
    """Left of its ridge a group is memory traffic, right of it arithmetic, for nine tenths of the time."""
    found = roofline_points(fe.profile(CORPUS / f"{path}.onnx"), place)
    assert found.reached is not None
    seconds = {True: 0.0, False: 0.0}
    for dot in found.dots:
        if dot.bound != "overhead":
            seconds[(dot.intensity > found.reached.ridge) == (dot.bound == "compute")] += dot.seconds
    assert seconds[True] > 9 * seconds[False]
