from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from feasibility.cost import ModelCost
from feasibility.ir import NCHWC_DOMAIN
from feasibility.profiler import profile
from tests.loader.graphs import constant, model, walked

DRAW = np.random.default_rng(20261126)


def stored(name: str, *shape: int, zeros: int = 0) -> onnx.TensorProto:
    """Return random numbers, none of them zero but the last ones asked for."""
    values = DRAW.uniform(0.5, 1.5, shape).astype(np.float32)
    values[shape[0] - zeros :] = 0
    return numpy_helper.from_array(values, name)


def conv(inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401 (as make_node takes them)
    """Return a convolution of the layout, 1x1 unless told otherwise."""
    given: dict[str, Any] = {"kernel_shape": [1, 1]} | attributes
    return helper.make_node("Conv", inputs, [output], name=output, domain=NCHWC_DOMAIN, **given)


def op(op_type: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401 (as above)
    """Return another operator of the layout."""
    return helper.make_node(op_type, inputs, [output], domain=NCHWC_DOMAIN, **attributes)


def cost(
    nodes: Sequence[onnx.NodeProto], weights: Sequence[onnx.TensorProto], **inputs: tuple[int, ...]
) -> ModelCost:
    """Profile a graph in the layout whose output is y."""
    return profile(walked(model(nodes, inputs, ["y"], initializers=weights, domains=[NCHWC_DOMAIN])))


OUT = op("ReorderOutput", ["a"], "y", channels=20)
X = (1, 3, 4, 4)


def test_what_leaves_the_layout_says_its_channels() -> None:
    """A convolution padded to 32 channels, 20 of which come out, counts 20."""
    found = cost([conv(["x", "w"], "a"), OUT], [stored("w", 32, 3, 1, 1)], x=X)
    assert found.fmas == 4 * 4 * 20 * 3
    assert found.parameters == 20 * 3
    assert found.coverage.assumed == ()


def test_what_enters_the_layout_says_its_channels() -> None:
    """Weights padded along the input count the 20 channels that went in."""
    nodes = [
        op("ReorderInput", ["x"], "b"),
        conv(["b", "w"], "a"),
        op("ReorderOutput", ["a"], "y", channels=16),
    ]
    assert cost(nodes, [stored("w", 16, 32, 1, 1)], x=(1, 20, 4, 4)).fmas == 4 * 4 * 16 * 20


def test_channels_last_enter_too() -> None:
    """ReorderInput from NHWC takes the channels from the last axis."""
    nodes = [
        op("ReorderInput", ["x"], "b", channels_last=1),
        conv(["b", "w"], "a"),
        op("ReorderOutput", ["a"], "y", channels=16),
    ]
    assert cost(nodes, [stored("w", 16, 32, 1, 1)], x=(1, 4, 4, 20)).fmas == 4 * 4 * 16 * 20


def test_zeros_at_the_end_of_a_bias_say_the_channels() -> None:
    """Between two convolutions nothing but the bias tells: 12 zeros of 32 leave 20."""
    nodes = [conv(["x", "w", "b"], "m"), conv(["m", "v"], "a"), op("ReorderOutput", ["a"], "y", channels=16)]
    weights = [stored("w", 32, 3, 1, 1), stored("b", 32, zeros=12), stored("v", 16, 32, 1, 1)]
    found = cost(nodes, weights, x=X)
    assert found.fmas == 4 * 4 * (20 * 3 + 16 * 20)
    assert found.totals.arithmetic == 4 * 4 * 20  # the bias
    assert found.coverage.assumed == ()


def test_channels_come_by_fours() -> None:
    """A zero that is part of the bias is not padding: of 32 with 13 zeros, 20 are left."""
    nodes = [conv(["x", "w", "b"], "m"), conv(["m", "v"], "a"), op("ReorderOutput", ["a"], "y", channels=16)]
    weights = [stored("w", 32, 3, 1, 1), stored("b", 32, zeros=13), stored("v", 16, 32, 1, 1)]
    assert cost(nodes, weights, x=X).fmas == 4 * 4 * (20 * 3 + 16 * 20)


@pytest.mark.parametrize("bias", [[], [stored("b", 32, zeros=32)]])
def test_channels_that_nothing_tells_count_in_full_and_are_named(bias: list[onnx.TensorProto]) -> None:
    """Without a bias, or with one of zeros, the padded number counts and the answer says so."""
    inputs = ["x", "w", *[b.name for b in bias]]
    nodes = [conv(inputs, "m"), conv(["m", "v"], "a"), op("ReorderOutput", ["a"], "y", channels=16)]
    found = cost(nodes, [stored("w", 32, 3, 1, 1), stored("v", 16, 32, 1, 1), *bias], x=X)
    assert found.fmas == 4 * 4 * (32 * 3 + 16 * 32)
    assert found.coverage.assumed == ("m.channels=32",)


def test_many_convolutions_that_nothing_tells_are_named_in_one_sentence() -> None:
    """The first is named with its padded channels, the others are counted."""
    nodes = [conv(["x", "w"], "m"), conv(["m", "v"], "n"), conv(["n", "v"], "a"), OUT]
    found = cost(nodes, [stored("w", 32, 3, 1, 1), stored("v", 32, 32, 1, 1)], x=X)
    assert found.coverage.assumed == ("m.channels=32 and 1 more in blocks",)


def test_sums_pools_and_depthwise_convolutions_hand_channels_on() -> None:
    """Told at the end of a chain only, 20 channels are counted in all of it."""
    nodes = [
        conv(["x", "w"], "b"),
        conv(["b", "d"], "c", group=32),
        conv(["x", "w", "", "c"], "s"),
        op("MaxPool", ["s"], "p", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Sigmoid", ["p"], ["a"]),
        OUT,
    ]
    found = cost(nodes, [stored("w", 32, 3, 1, 1), stored("d", 32, 1, 1, 1)], x=X)
    assert found.fmas == 4 * 4 * 20 * (3 + 1 + 3)
    assert found.totals.arithmetic == 4 * 4 * 20 + 2 * 2 * 20 * 4 + 2 * 2 * 20 * 3  # sum, pool, sigmoid


def test_groups_and_parts_of_a_concat_are_never_padded() -> None:
    """A grouped convolution behind a Concat of 16 and 32 channels counts its weights as they are."""
    nodes = [
        conv(["x", "w"], "b"),
        conv(["x", "v"], "c"),
        helper.make_node("Concat", ["b", "c"], ["d"], axis=1),
        conv(["d", "g"], "a", group=3),
        op("ReorderOutput", ["a"], "y", channels=48),
    ]
    weights = [stored("w", 16, 3, 1, 1), stored("v", 32, 3, 1, 1), stored("g", 48, 16, 1, 1)]
    found = cost(nodes, weights, x=X)
    assert found.fmas == 4 * 4 * (16 * 3 + 32 * 3 + 48 * 16)
    assert found.coverage.assumed == ()


def test_a_batch_normalisation_stays_one() -> None:
    """Written as a depthwise convolution without kernel_shape, it counts a multiply and an addition."""
    norm = helper.make_node("Conv", ["b", "s", "o"], ["a"], domain=NCHWC_DOMAIN, group=32)
    weights = [stored("w", 32, 3, 1, 1), stored("s", 32, 1, 1, 1), stored("o", 32)]
    found = cost([conv(["x", "w"], "b"), norm, OUT], weights, x=X)
    assert found.fmas == 4 * 4 * 20 * 3
    assert found.totals.arithmetic == 2 * 4 * 4 * 20


@pytest.mark.parametrize("channels", [0, 15, 33, -1])
def test_a_number_that_no_padding_explains_is_not_believed(channels: int) -> None:
    """32 channels cannot have been 15 (a block less), nor 33; the padded ones count."""
    nodes = [conv(["x", "w"], "a"), op("ReorderOutput", ["a"], "y", channels=channels)]
    assert cost(nodes, [stored("w", 32, 3, 1, 1)], x=X).nodes[0].fmas == 4 * 4 * 32 * 3


def test_a_node_that_does_not_fit_is_named() -> None:
    """A convolution without weights is unknown, and stops nothing."""
    nodes = [conv(["x"], "b"), op("ReorderOutput", ["b"], "y", channels=20)]
    assert "b" in {gap.name for gap in cost(nodes, [], x=X).coverage.unknown}


def _optimised(proto: onnx.ModelProto, file: Path) -> onnx.ModelProto:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(file)
    options.log_severity_level = 3  # a file in this machine's layout is what we ask for
    ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return onnx.load(str(file))


def _network() -> onnx.ModelProto:
    """Return a small network with all that the layout takes in, most channels no multiple of a block."""

    def node(op_type: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:  # noqa: ANN401 (as above)
        return helper.make_node(op_type, inputs.split(), [output], **attributes)

    three: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1] * 4}
    one: dict[str, Any] = {"kernel_shape": [1, 1]}
    nodes = [
        node("Conv", "x w1 b1", "a", strides=[2, 2], **three),
        node("Relu", "a", "ar"),
        node("Conv", "ar w2 b2", "b", **one),
        node("HardSwish", "b", "bm"),
        node("Conv", "bm w3 b3", "c", group=24, **three),
        node("Conv", "c w4 b4", "d", **one),
        node("Add", "d ar", "e"),
        node("MaxPool", "e", "p", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Resize", ["p", "", "scales"], ["u"], mode="nearest", nearest_mode="floor",
                         coordinate_transformation_mode="asymmetric"),
        node("Concat", "u e", "cc", axis=1),
        node("BatchNormalization", "cc s o m v", "bn"),
        node("Relu", "bn", "br"),
        node("Conv", "br w5", "g", group=4, **one),
        node("AveragePool", "g", "ap", kernel_shape=[3, 3]),
        node("GlobalAveragePool", "ap", "gp"),
        node("Conv", "gp w6 b6", "y", **one),
    ]  # fmt: skip
    weights = [
        stored("w1", 32, 3, 3, 3), stored("b1", 32), stored("w2", 24, 32, 1, 1), stored("b2", 24),
        stored("w3", 24, 1, 3, 3), stored("b3", 24), stored("w4", 32, 24, 1, 1), stored("b4", 32),
        stored("s", 64), stored("o", 64), stored("m", 64), stored("v", 64),
        stored("w5", 64, 16, 1, 1), stored("w6", 20, 64, 1, 1), stored("b6", 20),
        constant("scales", [1, 1, 2, 2], "float32"),
    ]  # fmt: skip
    proto = model(nodes, {"x": (1, 3, 32, 32)}, ["y"], initializers=weights, opset=17)
    proto.ir_version = 8
    return proto


def test_a_network_costs_the_same_before_and_after_the_optimiser(tmp_path: Path) -> None:
    """ONNX Runtime's highest level changes neither fmas nor coverage, nor any shape at the output."""
    before = _network()
    after = _optimised(before, tmp_path / "optimised.onnx")
    plain, fused = profile(walked(before)), profile(walked(after))
    by_hand = (
        16 * 16 * (32 * 3 * 9 + 24 * 32 + 24 * 9 + 32 * 24)  # the inverted bottleneck
        + 16 * 16 * 64 * 16  # four groups
        + 20 * 64  # behind the pool
    )
    assert by_hand == plain.fmas == fused.fmas
    assert fused.coverage.unknown == ()
    assert fused.coverage.assumed == ()
    assert [s.shape for s in plain.model.outputs] == [s.shape for s in fused.model.outputs]


def test_a_long_bias_tells_its_channels_too() -> None:
    """80 channels whose last 8 biases are zeros were 72: longer than what shape arithmetic looks at."""
    nodes = [conv(["x", "w", "b"], "a"), conv(["a", "v"], "c"), op("ReorderOutput", ["c"], "y", channels=20)]
    weights = [stored("w", 80, 3, 1, 1), stored("b", 80, zeros=8), stored("v", 32, 80, 1, 1)]
    found = cost(nodes, weights, x=X)
    assert found.fmas == 4 * 4 * 72 * 3 + 4 * 4 * 20 * 72
    assert found.coverage.assumed == ()
