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
