"""Hold the sums per element type, and the memory at a precision, against hand arithmetic."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from feasibility import api
from feasibility.cost import DTypeSum, ModelCost
from feasibility.errors import UsageError
from feasibility.ir import DType
from feasibility.memory import memory_at

FLOAT, INT8, UINT8 = TensorProto.FLOAT, TensorProto.INT8, TensorProto.UINT8


def tensor(name: str, dtype: int, *dims: int) -> onnx.TensorProto:
    """Return a weight that lies beside the file."""
    return TensorProto(name=name, data_type=dtype, dims=dims, data_location=TensorProto.EXTERNAL)


def model(nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto], *rows: int) -> ModelCost:
    """Count a model of a float input x that writes y."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", FLOAT, rows)],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        weights,
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    return api.profile(helper.make_model(graph, opset_imports=opsets))


def two_products() -> ModelCost:
    """Return a product of floats behind one of integers: x [4, 8] -> int32 [4, 16] -> float -> y [4, 2]."""
    return model(
        [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
            helper.make_node("MatMulInteger", ["q", "wq", "z"], ["i"]),
            helper.make_node("Cast", ["i"], ["f"], to=FLOAT),
            helper.make_node("MatMul", ["f", "w"], ["y"]),
        ],
        [tensor("wq", INT8, 8, 16), tensor("w", FLOAT, 16, 2)],
        4,
        8,
    )


def test_products_count_in_the_type_they_run_in() -> None:
    """4 x 8 x 16 multiply-adds run on uint8 activations, 4 x 16 x 2 in float; weights count as stored."""
    found = {
        each.dtype: (each.fmas, each.parameters, each.parameter_bytes) for each in two_products().by_dtype
    }
    assert found == {
        DType.UINT8: (4 * 8 * 16, 0, 0),
        DType.FLOAT: (4 * 16 * 2, 16 * 2, 16 * 2 * 4),
        DType.INT8: (0, 8 * 16, 8 * 16),
    }


def test_the_totals_are_the_sums_of_all_nodes() -> None:
    """Summed by type, nothing is counted twice or left out."""
    cost = two_products()
    for name in ("fmas", "arithmetic", "transcendentals", "flops", "parameters", "parameter_bytes"):
        assert getattr(cost.totals, name) == sum(getattr(each, name) for each in cost.nodes)


def test_weights_that_share_a_byte_have_a_type_of_their_width() -> None:
    """MatMulNBits stores 64 x 8 weights of 4 bits in 64 x 8 / 2 bytes, which the file calls uint8."""
    node = helper.make_node(
        "MatMulNBits", ["x", "b", "s"], ["y"], domain="com.microsoft", K=64, N=8, bits=4, block_size=32
    )
    cost = model([node], [tensor("b", UINT8, 8, 2, 16), tensor("s", FLOAT, 8 * 2)], 1, 64)
    found = {each.dtype: (each.parameters, each.parameter_bytes) for each in cost.by_dtype}
    assert {DType.UINT4: (64 * 8, 64 * 8 // 2), DType.FLOAT: (8 * 2, 8 * 2 * 4)} == found


@pytest.mark.parametrize(
    ("precision", "weights", "activations"),
    [
        # the second product holds x [4, 8], f [4, 16] and y [4, 2], the first x, q, s, z, and i [4, 16]
        (None, 8 * 16 + 16 * 2 * 4, 4 * 8 * 4 + 2 * 4 * 16 * 4),
        ("fp32", 8 * 16 + 16 * 2 * 4, 4 * 8 * 4 + 2 * 4 * 16 * 4),
        ("fp16", 8 * 16 + 16 * 2 * 2, 4 * 8 * 2 + 4 * 16 * 4 + 4 * 16 * 2),
        ("int8", 8 * 16 + 16 * 2, 4 * 8 + 4 * 16 * 4 + 4 * 16),
    ],
)
def test_a_precision_changes_the_floats_alone(precision: str | None, weights: int, activations: int) -> None:
    """At the Cast x, i (int32) and f live: integers keep their width, floats take the asked one."""
    need = memory_at(two_products(), precision)
    assert (weights, activations) == (need.weight_bytes, need.activation_bytes)
    assert weights + activations == need.need_bytes


def test_what_is_no_precision_is_refused() -> None:
    """The sentence names those that are."""
    with pytest.raises(UsageError, match="no precision 'fp12'") as error:
        memory_at(two_products(), "fp12")
    assert "fp64, fp32, fp16, bf16, int8, int4" in str(error.value.hint)


def test_sums_go_by_work_then_by_bytes() -> None:
    """The type that computes most comes first; the JSON form says its name as ONNX does."""
    first = two_products().by_dtype[0]
    assert isinstance(first, DTypeSum)
    assert first.flops == max(each.flops for each in two_products().by_dtype)
    assert first.to_dict()["dtype"] == first.dtype.name.lower()
