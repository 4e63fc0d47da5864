from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from feasibility.cost import ModelCost, NodeCost
from feasibility.ir import DType
from feasibility.loader import load
from feasibility.profiler import profile
from tests.loader.graphs import constant, model, walked

node = helper.make_node
N, C, M, SIZE = 1, 3, 4, 5  # a 1x1 convolution from 3 to 4 channels over 5x5
CORPUS = Path(__file__).parents[1] / "corpus"


def q(source: str, result: str) -> onnx.NodeProto:
    """Return a QuantizeLinear."""
    return node("QuantizeLinear", [source, "scale", "zero"], [result], name=f"q_{result}")


def dq(source: str, result: str, zero: str = "zero") -> onnx.NodeProto:
    """Return a DequantizeLinear."""
    return node("DequantizeLinear", [source, "scale", zero], [result], name=f"dq_{result}")


WEIGHTS = [
    constant("scale", 0.1, "float32"),
    constant("zero", 0, "int8"),
    constant("w_q", np.ones((M, C, 1, 1)), "int8"),
    constant("w_f", np.ones((M, C, 1, 1)), "float32"),
    constant("b_q", np.ones(M), "int32"),
]
IN = [q("x", "x_q"), dq("x_q", "x_d"), dq("w_q", "w_d"), dq("b_q", "b_d", "")]
CONV = node("Conv", ["x_d", "w_d", "b_d"], ["y"], name="conv")


def cost(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> ModelCost:
    """Count a graph over x [1, 3, 5, 5]."""
    return profile(walked(model(nodes, {"x": (N, C, SIZE, SIZE)}, outputs, initializers=WEIGHTS)))


def by_name(found: ModelCost) -> dict[str, NodeCost]:
    """Return the costed nodes by name."""
    return {n.node.name: n for n in found.nodes}


def role(found: ModelCost, name: str) -> str | None:
    """Return the role of a counted node."""
    counted = by_name(found)[name].cost
    return counted.role if counted else None


def dtype(found: ModelCost, name: str) -> DType | None:
    """Return the type that a node's arithmetic runs in."""
    counted = by_name(found)[name].cost
    return counted.dtype if counted else None


def test_a_product_between_dq_and_q_runs_in_int8() -> None:
    """The convolution counts in int8 and moves one byte per element; Q and DQ around it are views."""
    found = cost([*IN, CONV, q("y", "y_q"), dq("y_q", "z")], ["z"])
    assert dtype(found, "conv") is DType.INT8
    assert {name: role(found, name) for name in ("dq_x_d", "dq_w_d", "q_y_q")} == dict.fromkeys(
        ("dq_x_d", "dq_w_d", "q_y_q"), "view"
    )
    assert by_name(found)["conv"].written_bytes == N * M * SIZE * SIZE * 1
    assert found.fmas == N * M * C * SIZE * SIZE


def test_the_borders_to_real_numbers_are_work() -> None:
    """The first Q rounds what the caller gives, the last DQ makes what the caller gets."""
    found = cost([*IN, CONV, q("y", "y_q"), dq("y_q", "z")], ["z"])
    assert (role(found, "q_x_q"), role(found, "dq_z")) == ("light", "light")
    assert dtype(found, "dq_z") is DType.FLOAT


def test_parameters_are_the_stored_integers() -> None:
    """Weights count once, at their stored width, though a DQ stands before the product."""
    found = cost([*IN, CONV, q("y", "y_q"), dq("y_q", "z")], ["z"])
    settings = (1 * 4 + 1) + 0  # the scale is a float, the zero point an int8
    assert found.totals.parameter_bytes == M * C * 1 + M * 4 + settings


def test_an_activation_in_between_runs_along() -> None:
    """Conv, Relu, Q: the Relu works on integers too."""
    relu = node("Relu", ["y"], ["r"], name="relu")
    found = cost([*IN, CONV, relu, q("r", "y_q"), dq("y_q", "z")], ["z"])
    assert (dtype(found, "conv"), dtype(found, "relu"), role(found, "q_y_q")) == (
        DType.INT8,
        DType.INT8,
        "view",
    )
    assert by_name(found)["relu"].read_bytes == N * M * SIZE * SIZE


def test_a_result_that_stays_real_is_an_int8_product_with_a_wide_output() -> None:
    """Where no Q follows, the product still meets integers, and writes real numbers."""
    found = cost([*IN, CONV, node("Exp", ["y"], ["z"], name="exp")], ["z"])
    assert (dtype(found, "conv"), dtype(found, "exp")) == (DType.INT8, DType.FLOAT)
    assert by_name(found)["conv"].written_bytes == N * M * SIZE * SIZE * 4


def test_weights_alone_make_no_int8_product() -> None:
    """Quantised weights with real activations run in real numbers, and their DQ is work."""
    conv = node("Conv", ["x", "w_d"], ["y"], name="conv")
    found = cost([dq("w_q", "w_d"), conv], ["y"])
    assert (dtype(found, "conv"), role(found, "dq_w_d")) == (DType.FLOAT, "light")


def test_a_reader_of_real_numbers_keeps_the_dq_real() -> None:
    """A DQ that feeds a product and an Exp has to write real numbers; the product is int8 all the same."""
    found = cost(
        [*IN, CONV, q("y", "y_q"), dq("y_q", "z"), node("Exp", ["x_d"], ["e"], name="exp")], ["z", "e"]
    )
    assert (dtype(found, "conv"), role(found, "dq_x_d"), dtype(found, "exp")) == (
        DType.INT8,
        "light",
        DType.FLOAT,
    )


def test_an_operator_without_a_kernel_works_on_real_numbers() -> None:
    """Exp between DQ and Q has no 8-bit kernel: both conversions are work."""
    found = cost([q("x", "x_q"), dq("x_q", "d"), node("Exp", ["d"], ["e"], name="exp"), q("e", "z")], ["z"])
    assert {name: role(found, name) for name in ("q_x_q", "dq_d", "q_z")} == dict.fromkeys(
        ("q_x_q", "dq_d", "q_z"), "light"
    )
    assert dtype(found, "exp") is DType.FLOAT


@pytest.mark.parametrize("op_type", ["Conv", "Gemm"])
def test_every_product_of_a_qdq_file_runs_in_int8(op_type: str) -> None:
    """MobileNetV2 in the QDQ form has the multiply-adds of the float model, all of them in int8."""
    found = profile(load(str(CORPUS / "mobilenet_v2_qdq.onnx")))
    types = {n.cost.dtype for n in found.nodes if n.node.op_type == op_type and n.cost}
    assert types == {DType.INT8}
    assert found.fmas == profile(load(str(CORPUS / "mobilenet_v2.onnx"))).fmas


def test_memory_holds_integers_in_between() -> None:
    """Between Q and Q only one byte per element is alive, beside the caller's real input."""
    relu = node("Relu", ["y"], ["r"], name="relu")
    found = cost([*IN, CONV, relu, q("r", "y_q")], ["y_q"])
    x, x_q, y, r = N * C * SIZE**2 * 4, N * C * SIZE**2, N * M * SIZE**2, N * M * SIZE**2
    assert found.totals.peak_activation_bytes == x + max(x_q + y, y + r)


def test_the_type_of_the_first_operand_does_not_matter() -> None:
    """Unsigned activations with signed weights are an 8-bit product too."""
    unsigned = constant("zero_u", 0, "uint8")
    nodes = [
        node("QuantizeLinear", ["x", "scale", "zero_u"], ["x_q"]),
        node("DequantizeLinear", ["x_q", "scale", "zero_u"], ["x_d"]),
        dq("w_q", "w_d"),
        node("Conv", ["x_d", "w_d"], ["y"], name="conv"),
    ]
    proto = model(nodes, {"x": (N, C, SIZE, SIZE)}, ["y"], initializers=[*WEIGHTS, unsigned])
    assert dtype(profile(walked(proto)), "conv") is DType.INT8
