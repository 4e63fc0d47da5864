"""Hold our reading of onnx-tool to onnx-tool itself, and the comparison to its words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

import feasibility as fe
from feasibility.conventions import CrossCheck, compare, convention
from feasibility.conventions.instructions import ONNX_TOOL
from feasibility.loader.crosscheck import Opinion, ask
from tests import samples
from tests.loader.graphs import constant, model, value

CORPUS = Path(__file__).parents[1] / "corpus"
FILES = sorted(CORPUS.rglob("*.onnx"))
GEMM, FANCY = ("ai.onnx", "Gemm"), ("com.acme", "Fancy")


def checked(opinion: Opinion) -> CrossCheck:
    """Compare the sample model (a Gemm of 64 x 32 with bias, a com.acme::Fancy) with an opinion."""
    return compare(samples.cost(), replace(opinion, version="1.0.1"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_conventions_explain_onnx_tool_on_real_networks(file: Path) -> None:
    """Per operator type, onnx-tool (1.0.x) says what our reading of its rules gives; nothing is left."""
    cost, opinion = fe.profile(file), ask(str(file), {})
    assert opinion.failure == ""
    found = convention(cost, "onnx-tool")
    assert {key: macs for key, macs in opinion.macs.items() if macs} == dict(found.by_op)
    assert compare(cost, opinion).unexplained == ()


def _elementwise() -> list[onnx.NodeProto]:
    """Return one node of each elementwise operator that onnx-tool has a rule for, on x [2, 3, 4, 5]."""
    unary = (
        "Abs Atan Ceil Cos Elu Exp Floor Gelu HardSigmoid HardSwish Hardmax LeakyRelu Log LogSoftmax "
        "LpNormalization Neg Reciprocal Relu Round Sigmoid Sign Sin Softmax Softplus Sqrt Tanh NonZero"
    )
    binary = "Add Div Max Min Mod Mul Pow PRelu Sub"
    compared = "Equal Greater GreaterOrEqual Less LessOrEqual"
    nodes = [helper.make_node(op, ["x"], [op]) for op in unary.split()]
    nodes += [helper.make_node(op, ["x", "x"], [op]) for op in (binary + " " + compared).split()]
    nodes += [helper.make_node(op, ["Equal", "Less"], [op]) for op in ("And", "Or", "Xor")]
    return [*nodes, helper.make_node("Not", ["Equal"], ["Not"])]


def _structured() -> list[onnx.NodeProto]:
    node = helper.make_node
    return [
        node("BatchNormalization", ["x", "c", "c", "c", "c"], ["bn"]),
        node("InstanceNormalization", ["x", "c", "c"], ["in"]),
        node("LayerNormalization", ["x", "five", "five"], ["ln"]),
        node("LRN", ["x"], ["lrn"], size=3),
        node("Conv", ["x", "w", "c"], ["conv"]),
        node("ConvTranspose", ["x", "w"], ["deconv"], strides=[2, 2]),
        node("MaxPool", ["x"], ["max"], kernel_shape=[2, 3]),
        node("AveragePool", ["x"], ["mean"], kernel_shape=[2, 2]),
        node("GlobalAveragePool", ["x"], ["gap"]),
        node("MatMul", ["x", "m"], ["mm"]),
        node("Gemm", ["m", "m", "m"], ["gemm"], transB=1),
        node("Einsum", ["x", "m"], ["es"], equation="abci,ij->abcj"),
        node("Sum", ["x", "x", "x"], ["sum"]),
        node("Clip", ["x", "low", "high"], ["clip"]),
        node("CumSum", ["x", "axis"], ["cs"]),
        node("Resize", ["x", "", "scales"], ["up"], mode="linear"),
        node("ReduceMean", ["x", "axes"], ["rmean"]),
        node("ReduceMax", ["x", "axes"], ["rmax"]),
        node("ReduceMin", ["x", "axes"], ["rmin"]),
        node("ReduceProd", ["x", "axes"], ["rprod"]),
        node("ReduceSum", ["x", "axes"], ["rsum"]),
        node("ReduceL2", ["x", "axes"], ["rl2"]),
        node("QuantizeLinear", ["x", "low", "zero"], ["q"]),
        node("DequantizeLinear", ["q", "low", "zero"], ["dq"]),
        node("QLinearConv", ["q", "low", "zero", "wq", "low", "zero", "low", "zero", "cq"], ["qconv"]),
        node("ConvInteger", ["q", "wq", "zero"], ["convi"]),
        node("MatMulInteger", ["q", "mq", "zero"], ["mmi"]),
        node("QLinearMatMul", ["q", "low", "zero", "mq", "low", "zero", "low", "zero"], ["qmm"]),
        node("LSTM", ["s", "lw", "lr", "lb"], ["lstm"], hidden_size=3),
        node("GRU", ["s", "gw", "gr", "gb"], ["gru", "gh"], hidden_size=3),
    ]


_WEIGHTS = {
    "c": ((3,), "float32"), "five": ((5,), "float32"), "w": ((3, 3, 2, 2), "float32"),
    "m": ((5, 5), "float32"), "low": ((), "float32"), "high": ((), "float32"), "zero": ((), "uint8"),
    "wq": ((4, 3, 2, 2), "uint8"), "cq": ((4,), "int32"), "mq": ((5, 6), "uint8"),
    "lw": ((1, 12, 6), "float32"), "lr": ((1, 12, 3), "float32"), "lb": ((1, 24), "float32"),
    "gw": ((1, 9, 6), "float32"), "gr": ((1, 9, 3), "float32"), "gb": ((1, 18), "float32"),
}  # fmt: skip
_VALUES = {"axis": 1, "axes": [2, 3], "scales": [1, 1, 2, 2]}


def test_every_formula_is_onnx_tools_own(tmp_path: Path) -> None:
    """A node of each operator type with a formula counts in onnx-tool what the formula gives."""
    weights = [constant(name, np.ones(shape), dtype) for name, (shape, dtype) in _WEIGHTS.items()]
    weights += [
        constant(name, given, "float32" if name == "scales" else "int64") for name, given in _VALUES.items()
    ]
    nodes = [*_elementwise(), *_structured()]
    proto = model(nodes, {"x": [2, 3, 4, 5], "s": [7, 2, 6]}, ["Abs"], initializers=weights)
    path = tmp_path / "all.onnx"
    onnx.save(proto, str(path))
    opinion, found = ask(str(path), {}), convention(fe.profile(path), "onnx-tool")
    types = {node.op_type for node in nodes}
    assert set(ONNX_TOOL.formulas) - types == {"ImageScaler", "Silu", "Upsample"}  # no longer ONNX, or never
    assert opinion.refused == ()
    assert {key: macs for key, macs in opinion.macs.items() if macs} == dict(found.by_op)


def test_rows_say_both_counts_and_why() -> None:
    """The Gemm counts the same on both sides; what only onnx-tool lacks a rule for is named."""
    check = checked(
        Opinion(macs={GEMM: 64 * 32 + 32, FANCY: 0}, nodes={GEMM: 1, FANCY: 1}, unregistered=(FANCY,))
    )
    assert [(row.op_type, row.fmas, row.other, row.theirs, row.why) for row in check.rows] == [
        ("Gemm", 64 * 32, 32, 64 * 32 + 32, "")
    ]
    assert (check.ours, check.theirs, check.unexplained, check.notes) == (64 * 32 + 32, 64 * 32 + 32, (), ())


@pytest.mark.parametrize(
    ("opinion", "why", "is_explained"),
    [
        (Opinion(macs={GEMM: 0}, nodes={GEMM: 1}, unregistered=(GEMM,)), "has no rule", True),
        (Opinion(macs={GEMM: 0}, nodes={GEMM: 1}, refused=(GEMM,)), "could not count all", False),
        (Opinion(macs={}), "sees 0 of these nodes", True),
        (Opinion(macs={GEMM: 7}, nodes={GEMM: 1}), "not explained: its rule", False),
    ],
)
def test_reasons_of_differences(opinion: Opinion, why: str, *, is_explained: bool) -> None:
    """Each way to differ has its words, and counts as explained or not."""
    (row,) = checked(opinion).rows
    assert why in row.why
    assert row.is_explained is is_explained
    assert row.difference == opinion.macs.get(GEMM, 0) - (64 * 32 + 32)


def test_what_we_do_not_know_is_no_difference_of_conventions() -> None:
    """Where our own count is incomplete, the row says so instead of blaming onnx-tool."""
    (row,) = (
        row for row in checked(Opinion(macs={FANCY: 9}, nodes={FANCY: 1})).rows if row.op_type == "Fancy"
    )
    assert (row.why, row.is_explained) == ("we do not know the sizes of all these nodes", False)


def test_bodies_are_named_as_what_onnx_tool_does_not_see(tmp_path: Path) -> None:
    """A product in the body of a Loop counts here, three times, and not there."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("MatMul", ["h", "w"], ["next"]),
        ],
        "body",
        [value("i", [], onnx.TensorProto.INT64), value("go", [], onnx.TensorProto.BOOL), value("h", [2, 4])],
        [value("on", [], onnx.TensorProto.BOOL), value("next", [2, 4])],
    )
    nodes = [helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body)]
    weights = [constant("trips", 3), constant("w", np.ones((4, 4)), "float32")]
    path = tmp_path / "loop.onnx"
    onnx.save(model(nodes, {"x": [2, 4]}, ["y"], initializers=weights), str(path))
    check = compare(fe.profile(path), ask(str(path), {}))
    (row,) = (row for row in check.rows if row.op_type == "MatMul")
    assert (row.fmas, row.theirs, row.is_explained) == (3 * 2 * 4 * 4, 0, True)
    assert "does not look into bodies" in row.why


def test_a_failure_is_a_note() -> None:
    """Without a count from onnx-tool there are no rows, and a note says why."""
    check = checked(Opinion(failure="it took more than 60 s"))
    assert (check.rows, check.notes) == ((), ("onnx-tool gives no count: it took more than 60 s",))


def test_notes_tell_what_onnx_tool_needed() -> None:
    """Borrowed shapes, other shapes and another version are said."""
    opinion = Opinion(
        own_shapes_failed="ValueError: no", differing=2, example="'y' is [1] there and [2] here"
    )
    notes = compare(samples.cost(), replace(opinion, version="2.0.0")).notes
    assert notes == (
        "onnx-tool could not infer the shapes, so it counted with ours: ValueError: no",
        "onnx-tool infers another shape than we do for 2 tensors: 'y' is [1] there and [2] here",
        "the reasons are those of onnx-tool 1.0.1; this is 2.0.0",
    )


def test_json_form_holds_every_row() -> None:
    """Totals, rows with both counts, and notes; the difference has its sign."""
    found = checked(Opinion(macs={GEMM: 7}, nodes={GEMM: 1})).to_dict()
    assert (found["ours"], found["onnx_tool"], found["version"]) == (64 * 32 + 32, 7, "1.0.1")
    assert found["rows"] == [
        {
            "domain": "ai.onnx",
            "op_type": "Gemm",
            "nodes": 1,
            "fmas": 64 * 32,
            "other": 32,
            "onnx_tool": 7,
            "difference": 7 - (64 * 32 + 32),
            "is_explained": False,
            "why": "not explained: its rule (1 per multiply-add, 1 per output for C) gives 0 with our shapes",
        }
    ]
