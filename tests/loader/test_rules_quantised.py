from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from feasibility.cost import ModelCost
from feasibility.ir import MICROSOFT_DOMAIN, DType
from feasibility.loader import load
from feasibility.loader.shapes import infer
from feasibility.profiler import profile
from tests.loader.graphs import constant, value
from tests.loader.one_node import OneNode, fed, filled, told
from tests.loader.rule_calls import agree, answer, call_of, less_known
from tests.loader.test_contrib_runs_quantised import INFERRED, RUN

K, N, BLOCK = 64, 6, 32
SCALES = N * K // BLOCK


@pytest.mark.parametrize("case", [*RUN, *INFERRED], ids=str)
def test_what_is_not_known_is_never_wrong(case: OneNode) -> None:
    """With any size or value forgotten, the rules give fewer sizes, but none that is wrong."""
    call = call_of(case)
    full = answer(call)
    for vague in less_known(call):
        found = answer(vague)
        assert [t.elem for t in found] == [t.elem for t in full]
        assert all(agree(a.dims, b.dims) for a, b in zip(found, full, strict=True)), vague


def n_bits(bits: int, *, k: int = K) -> OneNode:
    """Return a MatMulNBits of 2 x 3 rows with weights of so many bits."""
    return OneNode(
        op="MatMulNBits",
        i=[
            fed(2, 3, K),
            filled(1, N, K // BLOCK, BLOCK * bits // 8, dtype="uint8"),
            filled(0.1, N, K // BLOCK),
        ],
        a={"K": k, "N": N, "bits": bits, "block_size": BLOCK},
    )


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_packed_weights(bits: int) -> None:
    """MatMulNBits: N x K parameters and their scales, in the bytes the file stores; products in float."""
    cost = profile(load(n_bits(bits).model()))
    assert cost.fmas == 2 * 3 * N * K
    assert cost.parameters == N * K + SCALES
    assert cost.parameter_bytes.value == N * K * bits // 8 + SCALES * 4
    counted = cost.nodes[0].cost
    assert counted is not None
    assert counted.dtype is DType.FLOAT
    assert cost.nodes[0].read_bytes == 2 * 3 * K * 4 + N * K * bits // 8 + SCALES * 4


def test_weights_for_another_input() -> None:
    """MatMulNBits whose K is not the input's width is named, with both."""
    call = call_of(n_bits(4, k=40))
    problem = infer(call, n_bits(4, k=40).model().graph.node[0], {}).problem
    assert problem == "inputs do not fit MatMulNBits: 64 columns do not meet K = 40 rows"


def test_a_table_of_packed_rows_is_an_embedding() -> None:
    """GatherBlockQuantized looks rows of a table up: its 10 x 64 weights of 4 bits are embeddings."""
    case = OneNode(
        op="GatherBlockQuantized",
        i=[filled(1, 10, 32, dtype="uint8"), told([[1, 2, 3]], "int64"), filled(0.1, 10, 4)],
        a={"bits": 4, "block_size": 16},
    )
    totals = profile(load(case.model())).totals
    assert totals.embedding_parameters == 10 * 64
    assert totals.parameters == 10 * 64 + 10 * 4
    assert totals.parameter_bytes == 10 * 64 // 2 + 10 * 4 * 4


def stored(elem: int, bits: int) -> onnx.TensorProto:
    """Return weights [K, N] of a type, as raw bytes."""
    return TensorProto(
        name="w", data_type=elem, dims=[K, N], raw_data=np.zeros(K * N * bits // 8, np.uint8).tobytes()
    )


NARROW = [
    (DType.FLOAT8E4M3FN, 8), (DType.FLOAT8E5M2, 8), (DType.INT8, 8), (DType.INT4, 4), (DType.UINT4, 4),
    (DType.FLOAT4E2M1, 4), (DType.INT2, 2), (DType.UINT2, 2),
]  # fmt: skip


def dequantised(dtype: DType, bits: int) -> ModelCost:
    """Profile a product of 3 rows with weights that DequantizeLinear widens."""
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["real"]),
        helper.make_node("MatMul", ["x", "real"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", [3, K])],
        [value("y", None)],
        [stored(dtype.code, bits), constant("s", 0.1, "float32")],
    )
    return profile(load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)])))


@pytest.mark.parametrize(("dtype", "bits"), NARROW, ids=lambda given: str(getattr(given, "name", given)))
def test_narrow_weights(dtype: DType, bits: int) -> None:
    """Weights of 8, 4 and 2 bits take that many bits each, and their products count as any other."""
    cost = dequantised(dtype, bits)
    assert cost.coverage.unknown == ()
    assert cost.fmas == 3 * K * N
    assert cost.parameters == K * N + 1
    assert cost.parameter_bytes.value == K * N * bits // 8 + 4


def test_bfloat16_runs_as_such() -> None:
    """A product of bfloat16 tensors runs in bfloat16, 2 bytes an element."""
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph(
        [node],
        "g",
        [value("x", [3, K], TensorProto.BFLOAT16)],
        [value("y", None)],
        [stored(TensorProto.BFLOAT16, 16)],
    )
    cost = profile(load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])))
    counted = cost.nodes[0].cost
    assert counted is not None
    assert counted.dtype is DType.BFLOAT16
    assert cost.parameter_bytes.value == K * N * 2
    assert cost.nodes[0].written_bytes == 3 * N * 2


def test_experts_of_packed_weights() -> None:
    """QMoE: the parameters are what the experts hold, not their bytes; only the chosen ones are read."""
    experts, width, units, tokens = 4, 32, 16, 1
    case = OneNode(
        op="QMoE",
        i=[
            fed(tokens, width),
            fed(tokens, experts),
            filled(1, experts, 2 * units, width // 2, dtype="uint8"),
            filled(0.1, experts, 2 * units),
            None,
            filled(1, experts, width, units // 2, dtype="uint8"),
            filled(0.1, experts, width),
        ],
        a={"k": 1, "activation_type": "swiglu", "swiglu_fusion": 1},
    )
    cost = profile(load(case.model()))
    scales = experts * (2 * units + width)
    assert cost.fmas == tokens * 3 * width * units
    assert cost.parameters == experts * 3 * width * units + scales
    assert cost.parameter_bytes.value == experts * 3 * width * units // 2 + scales * 4
    assert (
        cost.nodes[0].read_bytes == (width + experts) * 4 + 3 * width * units // 2 + (2 * units + width) * 4
    )


def test_weights_left_out() -> None:
    """Where a broken file leaves the packed weights out, the attributes still say what is multiplied."""
    case = replace(n_bits(4), i=[fed(2, 3, K)])
    node = helper.make_node("MatMulNBits", ["i0"], ["o0"], domain=MICROSOFT_DOMAIN, **case.a)
    model = case.model()
    model.graph.node[0].CopyFrom(node)
    assert profile(load(model)).fmas == 2 * 3 * N * K
