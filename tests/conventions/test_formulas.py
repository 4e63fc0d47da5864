"""Check each tool's formulas on one node at a time, by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from feasibility.conventions import TOOLS, convention
from feasibility.conventions.total import count_of
from feasibility.cost import NodeCost
from feasibility.errors import UsageError
from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN, Attribute, Node
from tests import samples
from tests.ops.op_cases import Given, cost_of, integers, make_node, unknown

X = (2, 3, 4, 5)  # N, C, H, W: 120 elements
C = (3,)
SCALAR = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One node, and what each tool counts for it; None is not compared."""

    op: str
    i: Sequence[Given]
    o: Sequence[Given]
    a: Mapping[str, Attribute] = field(default_factory=dict)
    opset: int = 21
    domain: str = DEFAULT_DOMAIN
    torchvision: int = 0
    fvcore: int = 0
    onnx_tool: int | None = None

    def __str__(self) -> str:
        return self.op

    def node(self) -> Node:
        """Return the node, its tensors named apart."""
        made = make_node(self.op, self.i, self.o, attributes=self.a, opset=self.opset, domain=self.domain)
        names = count()
        return replace(
            made,
            inputs=tuple(None if s is None else replace(s, name=f"t{next(names)}") for s in made.inputs),
        )


CASES = (
    # convolutions and products: outputs times what each of them sums up; the bias costs onnx-tool an addition
    Case(op="Conv", i=[(1, 3, 8, 8), (6, 3, 3, 3)], o=[(1, 6, 6, 6)],
         torchvision=6 * 6 * 6 * 27, fvcore=6 * 6 * 6 * 27, onnx_tool=6 * 6 * 6 * 27),
    Case(op="Conv", i=[(1, 4, 8), (4, 1, 3), (4,)], o=[(1, 4, 6)], a={"group": 4},
         torchvision=4 * 6 * 3, fvcore=4 * 6 * 3, onnx_tool=4 * 6 * 3 + 4 * 6),
    # each input meets every tap once; onnx-tool goes by the outputs: 6 * 6 instead of 3 * 3
    Case(op="ConvTranspose", i=[(1, 5, 3, 3), (5, 7, 2, 2)], o=[(1, 7, 6, 6)], a={"strides": (2, 2)},
         torchvision=3 * 3 * 5 * 7 * 4, fvcore=3 * 3 * 5 * 7 * 4, onnx_tool=7 * 6 * 6 * 7 * 4),
    Case(op="Gemm", i=[(5, 10), (20, 10), (20,)], o=[(5, 20)], a={"transB": 1},
         torchvision=5 * 10 * 20, fvcore=5 * 10 * 20, onnx_tool=5 * 10 * 20 + 5 * 20),
    Case(op="MatMul", i=[(7, 5, 6), (6, 8)], o=[(7, 5, 8)],
         torchvision=7 * 5 * 6 * 8, fvcore=7 * 5 * 6 * 8, onnx_tool=7 * 5 * 6 * 8),
    # only B has the batch of 7, which fvcore's formula does not see
    Case(op="MatMul", i=[(5, 6), (7, 6, 8)], o=[(7, 5, 8)],
         torchvision=7 * 5 * 6 * 8, fvcore=5 * 6 * 8, onnx_tool=7 * 5 * 6 * 8),
    Case(op="MatMul", i=[(5, 6), (6,)], o=[(5,)], torchvision=5 * 6, fvcore=5 * 6, onnx_tool=5),
    Case(op="Einsum", i=[(2, 3, 4), (2, 4, 5)], o=[(2, 3, 5)], a={"equation": "bij,bjk->bik"},
         torchvision=2 * 3 * 4 * 5, fvcore=2 * 3 * 4 * 5, onnx_tool=2 * 3 * 4 * 5),
    # normalisations: fvcore's rough 5 per element, 2 where the statistics are stored
    Case(op="BatchNormalization", i=[X, C, C, C, C], o=[X], fvcore=2 * 120, onnx_tool=31 * 120),
    Case(op="BatchNormalization", i=[X, C, C, C, C], o=[X], a={"training_mode": 1}, fvcore=5 * 120),
    Case(op="LayerNormalization", i=[X, (5,), (5,)], o=[X], fvcore=5 * 120, onnx_tool=7 * 120 + 29 * 24),
    Case(op="LayerNormalization", i=[X, (3, 4, 5)], o=[X], a={"axis": 1}, fvcore=5 * 120,
         onnx_tool=7 * 120 + 29 * 40),
    Case(op="GroupNormalization", i=[X, C, C], o=[X], a={"num_groups": 3}, fvcore=5 * 120, onnx_tool=0),
    Case(op="InstanceNormalization", i=[X, C, C], o=[X], fvcore=5 * 120, onnx_tool=7 * 120),
    # resampling and pooling
    Case(op="Resize", i=[X, None, (4,)], o=[(2, 3, 8, 10)], a={"mode": "nearest"}, fvcore=480, onnx_tool=0),
    Case(op="Resize", i=[X, None, (4,)], o=[(2, 3, 8, 10)], a={"mode": "linear"},
         fvcore=4 * 480, onnx_tool=4 * 480),
    Case(op="Resize", i=[X, None, (4,)], o=[(2, 3, 8, 10)], a={"mode": "cubic"}, fvcore=0, onnx_tool=8 * 480),
    Case(op="Resize", i=[X, None, (4,)], o=[(2, 3, 8, 10)], fvcore=480, onnx_tool=0),  # nearest by default
    Case(op="Resize", i=[(2, 3, 4), None, (3,)], o=[(2, 3, 8)], a={"mode": "linear"}, fvcore=0),
    Case(op="GridSample", i=[X, (2, 6, 7, 2)], o=[(2, 3, 6, 7)], fvcore=4 * 2 * 3 * 6 * 7, onnx_tool=0),
    Case(op="GlobalAveragePool", i=[X], o=[(2, 3, 1, 1)], fvcore=120, onnx_tool=120 + 4 * 6),
    Case(op="AveragePool", i=[X], o=[(2, 3, 2, 2)], a={"kernel_shape": (2, 3)}, fvcore=0, onnx_tool=24 * 6),
    Case(op="ReduceMean", i=[X, integers(2, 3)], o=[(2, 3, 1, 1)], fvcore=0, onnx_tool=120),
    # elementwise: nothing in the PyTorch tools, instructions in onnx-tool, where a scalar has no elements
    Case(op="Relu", i=[X], o=[X], onnx_tool=120),
    Case(op="Softmax", i=[X], o=[X], onnx_tool=(32 + 4) * 120),
    Case(op="Tanh", i=[X], o=[X], onnx_tool=2 * (32 + 2 + 4) * 120),
    Case(op="Sum", i=[X, X, X], o=[X], onnx_tool=2 * 120),
    Case(op="Mul", i=[SCALAR, SCALAR], o=[SCALAR], onnx_tool=0),
    Case(op="Where", i=[X, X, X], o=[X], onnx_tool=0),
    # what no table has: PyTorch runs these as functions of its own
    Case(op="LSTM", i=[(7, 2, 5), (1, 12, 5), (1, 12, 3), (1, 24)], o=[(7, 1, 2, 3)], a={"hidden_size": 3},
         onnx_tool=(12 * 5 + 12 * 3 + 24) * 14 + 14 * 3 * (4 + 3 * 32 + 2 * 38 + 4)),
    Case(op="GRU", i=[(7, 2, 5), (1, 9, 5), (1, 9, 3), (1, 18)], o=[(7, 1, 2, 3)], a={"hidden_size": 3},
         onnx_tool=(9 * 5 + 9 * 3 + 18) * 14 + 14 * 3 * (3 + 2 * 32 + 38 + 5)),
    Case(op="Attention", i=[(1, 2, 4, 8), (1, 2, 4, 8), (1, 2, 4, 8)], o=[(1, 2, 4, 8)], opset=23),
    # an operator of somebody else's, whatever its name
    Case(op="FusedConv", i=[(1, 3, 8, 8), (6, 3, 3, 3)], o=[(1, 6, 6, 6)], domain=MICROSOFT_DOMAIN,
         torchvision=6 * 6 * 6 * 27, fvcore=6 * 6 * 6 * 27, onnx_tool=0),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_tool_counts_a_node_as_its_source_says(case: Case) -> None:
    """The count of one node is the product written beside it."""
    found = NodeCost(node=case.node(), cost=cost_of(case.node()))
    expected = {"torchvision": case.torchvision, "fvcore": case.fvcore, "onnx-tool": case.onnx_tool}
    stated = {name: number for name, number in expected.items() if number is not None}
    assert stated == {name: count_of(found, TOOLS[name]) for name in stated}


def test_operators_of_unknown_domains_are_nobodys() -> None:
    """A com.acme::Conv is no convolution to the PyTorch tools; onnx-tool looks at the type only."""
    node = replace(CASES[0].node(), domain="com.acme")
    found = NodeCost(node=node, cost=cost_of(CASES[0].node()))
    assert count_of(found, TOOLS["torchvision"]) == count_of(found, TOOLS["fvcore"]) == 0
    assert count_of(found, TOOLS["onnx-tool"]) == 6 * 6 * 6 * 27


def test_runs_multiply() -> None:
    """A node in a body that runs 10 times counts 10 times."""
    found = NodeCost(node=CASES[0].node(), cost=cost_of(CASES[0].node()), runs=10)
    assert count_of(found, TOOLS["fvcore"]) == 10 * 6 * 6 * 6 * 27


def test_unknown_sizes_are_not_zero() -> None:
    """A node whose sizes nobody knows is counted apart, and so is one without a cost rule."""
    node = make_node("BatchNormalization", [unknown(), C, C, C, C], [unknown()])
    found = NodeCost(node=node, cost=None, reason="the shape of tensor 't' is unknown")
    assert count_of(found, TOOLS["fvcore"]) is None
    assert count_of(found, TOOLS["torchvision"]) is None
    model = samples.cost()
    assert convention(model, "fvcore").unknown == 1  # com.acme::Fancy


def test_what_a_tool_leaves_out_is_named() -> None:
    """Multiply-adds that a tool has no entry for stand in left_out, with ours as the count."""
    lstm = next(case for case in CASES if case.op == "LSTM").node()
    model = replace(samples.cost(), nodes=(NodeCost(node=lstm, cost=cost_of(lstm)),))
    found = convention(model, "fvcore")
    assert (found.total, dict(found.left_out)) == (0, {("ai.onnx", "LSTM"): 14 * (12 * 5 + 12 * 3)})


def test_constants_count_in_onnx_tool_only() -> None:
    """A node that folds to a constant costs nothing, except in onnx-tool, which does not fold."""
    node = make_node("LayerNormalization", [X, (5,), (5,)], [X])
    model = replace(samples.cost(), nodes=(NodeCost(node=replace(node, folded=True), cost=None),))
    assert {name: convention(model, name).total for name in TOOLS} == {
        "torchvision": 0,
        "fvcore": 0,
        "onnx-tool": 7 * 120 + 29 * 24,
    }


def test_no_such_convention() -> None:
    """An unknown tool is refused with the names of those there are."""
    with pytest.raises(UsageError, match="'thop'") as caught:
        convention(samples.cost(), "thop")
    assert caught.value.hint == "the conventions are torchvision, fvcore, onnx-tool"


def test_json_form_loses_nothing() -> None:
    """The JSON form holds the total and one entry per operator type that counts."""
    found = convention(samples.cost(), "torchvision").to_dict()
    assert found["total"] == 64 * 32
    assert found["by_op"] == [{"domain": "ai.onnx", "op_type": "Gemm", "count": 64 * 32}]
    assert found["unknown_nodes"] == 1
