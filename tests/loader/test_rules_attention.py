from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from feasibility.ir import MICROSOFT_DOMAIN
from feasibility.loader import load
from feasibility.loader.shapes import infer
from feasibility.loader.types import Type
from feasibility.profiler import profile
from tests.loader.graphs import Dim, constant, value
from tests.loader.one_node import OneNode
from tests.loader.rule_calls import agree, answer, call_of, less_known
from tests.loader.test_contrib_runs_attention import INFERRED, RUN

# a cache of which no input says how long it gets grows by what is new; here it is a buffer instead
GROWS = "GroupQueryAttention-shared"


@pytest.mark.parametrize("case", [c for c in (*RUN, *INFERRED) if str(c) != GROWS], ids=str)
def test_what_is_not_known_is_never_wrong(case: OneNode) -> None:
    """With any size or value forgotten, attention's rules give fewer sizes, but none that is wrong."""
    call = call_of(case)
    full = answer(call)
    for vague in less_known(call):
        found = answer(vague)
        assert [t.elem for t in found] == [t.elem for t in full]
        assert all(agree(a.dims, b.dims) for a, b in zip(found, full, strict=True)), vague


@pytest.mark.parametrize("case", [*RUN, *INFERRED], ids=str)
def test_without_a_rank_nothing_is_said(case: OneNode) -> None:
    """Where the first input has no rank, an operator either needs none or says what it misses."""
    call = call_of(case)
    first = call.inputs[0]
    assert first is not None
    found = infer(
        call._replace(inputs=(Type(first.elem, None), *call.inputs[1:])), case.model().graph.node[0], {}
    )
    full = answer(call)
    needed = any(kind.dims is None for kind in found.types)
    assert needed or [t.dims for t in found.types] == [t.dims for t in full]
    assert found.problem == "" or "rank of input 0 is unknown" in found.problem


def test_a_mistyped_case_is_named() -> None:
    """Attention without heads says which attribute is missing."""
    call = call_of(RUN[0])._replace(attributes=())
    found = infer(call, RUN[0].model().graph.node[0], {})
    assert found.problem == "inputs do not fit Attention: attribute 'num_heads' is missing"


def decoder_step() -> onnx.ModelProto:
    """Return a grouped attention as generators export it: the total length is the width of the mask."""
    nodes = [
        helper.make_node("Shape", ["attention_mask"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["width"]),
        helper.make_node("Cast", ["width"], ["total"], to=TensorProto.INT32),
        helper.make_node("ReduceSum", ["attention_mask", "ones"], ["filled"], keepdims=0),
        helper.make_node("Sub", ["filled", "one"], ["last"]),
        helper.make_node("Cast", ["last"], ["ends"], to=TensorProto.INT32),
        helper.make_node(
            "GroupQueryAttention",
            ["q", "k", "v", "past_key", "past_value", "ends", "total"],
            ["y", "present_key", "present_value"],
            name="attention",
            domain=MICROSOFT_DOMAIN,
            num_heads=4,
            kv_num_heads=2,
        ),
    ]
    cache: list[Dim] = ["batch", 2, "past_sequence_length", 8]
    inputs = [
        value("attention_mask", ["batch", "total_sequence_length"], TensorProto.INT64),
        value("q", ["batch", "sequence_length", 32]),
        *[value(name, ["batch", "sequence_length", 16]) for name in ("k", "v")],
        *[value(name, cache) for name in ("past_key", "past_value")],
    ]
    outputs = [value(name, None) for name in ("y", "present_key", "present_value")]
    stored = [constant("one", 1), constant("ones", [1])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, stored)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(MICROSOFT_DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=opsets)


@pytest.mark.parametrize("dims", [{}, {"total_sequence_length": 1024 + 1}])
def test_a_decoding_step(dims: dict[str, int]) -> None:
    """One new token against 1,024 past ones: 1,025 keys, and caches that are one longer."""
    found = load(decoder_step(), dims={"past_sequence_length": 1024, "sequence_length": 1, **dims})
    assert profile(found).fmas == 1 * 4 * (1024 + 1) * (8 + 8)
    assert found.graph.outputs[1].shape == (1, 2, 1024 + 1, 8)


def test_a_decoding_step_in_a_buffer() -> None:
    """In a buffer of 4,096 that holds 1,024 tokens, 1,025 keys are met, and the buffer stays as long."""
    dims = {"past_sequence_length": 4096, "sequence_length": 1, "total_sequence_length": 1024 + 1}
    found = load(decoder_step(), dims=dims)
    assert profile(found).fmas == 1 * 4 * (1024 + 1) * (8 + 8)
    assert found.graph.outputs[1].shape == (1, 2, 4096, 8)


FLOAT, HALF, INT = 4, 2, 4  # bytes
BY_NAME = {str(case): case for case in (*RUN, *INFERRED)}


@pytest.mark.parametrize(
    ("name", "read", "written"),
    [
        (  # 6 of 9 places, 1 new one
            "Attention-shared",
            (2 * 10 + 10 * 24 + 24) * FLOAT + INT + 2 * 2 * 2 * 6 * 4 * FLOAT,
            2 * 8 * FLOAT + 2 * 2 * 2 * 1 * 4 * FLOAT,
        ),
        (
            "MultiHeadAttention-shared",
            3 * 2 * 8 * FLOAT + INT + 2 * (2 * 2 * 6 * 4) * FLOAT,
            2 * 8 * FLOAT + 2 * (2 * 2 * 1 * 4) * FLOAT,
        ),
        (
            "DecoderMaskedMultiHeadAttention-shared",
            3 * 2 * 8 * FLOAT + INT + 2 * (2 * 2 * 6 * 4) * FLOAT,
            2 * 8 * FLOAT + 2 * (2 * 2 * 1 * 4) * FLOAT,
        ),
        (
            "GroupQueryAttention-shared",
            2 * (32 + 16 + 16) * FLOAT + 3 * INT + 2 * (2 * 2 * 6 * 8) * FLOAT,
            2 * 32 * FLOAT + 2 * (2 * 2 * 1 * 8) * FLOAT,
        ),
        (  # a past of 6 is copied into a cache of 7
            "GroupQueryAttention-past",
            2 * (32 + 16 + 16) * FLOAT + 3 * INT + 2 * (2 * 2 * 6 * 8) * FLOAT,
            2 * 32 * FLOAT + 2 * (2 * 2 * 7 * 8) * FLOAT,
        ),
        (  # 2 of 32 places, both new
            "SparseAttention",
            2 * (64 + 32 + 32) * FLOAT + (3 + 3 + 1 + 1) * INT + 2 * (2 * 2 * 16) * FLOAT,
            2 * 64 * FLOAT + 2 * (2 * 2 * 16) * FLOAT,
        ),
        (  # as far as the table can say: all 6 blocks of 256
            "PagedAttention",
            5 * (64 + 32 + 32) * HALF + (3 + 2 + 6) * INT + 2 * (6 * 256 * 2 * 16) * HALF,
            5 * 64 * HALF + 2 * (5 * 2 * 16) * HALF,
        ),
        (  # 4 places for each of 5 tokens
            "SparsePagedAttention",
            5 * (64 + 32 + 32) * HALF + (3 + 2 + 6 + 5 * 4 + 5) * INT + 2 * (5 * 4 * 2 * 16) * HALF,
            5 * 64 * HALF + 2 * (5 * 2 * 16) * HALF,
        ),
        (  # 4 of 9 places for each of 3 tokens are all 9; 3 new ones
            "DynamicSparseAttention-past",
            2 * 3 * (64 + 32 + 32) * HALF + (6 * 4 + 6 + 2 + 1) * INT + 2 * (2 * 2 * 9 * 16) * HALF,
            2 * 3 * 64 * HALF + 2 * (2 * 2 * 3 * 16) * HALF,
        ),
    ],
)
def test_bytes_of_caches(name: str, read: int, written: int) -> None:
    """A cache that is written in place is read as far as it is filled, and only what is new is written."""
    cost = profile(load(BY_NAME[name].model())).nodes[0]
    assert (cost.read_bytes, cost.written_bytes) == (read, written)
