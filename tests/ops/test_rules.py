from __future__ import annotations

import pytest

from feasibility.cost import OpCost
from feasibility.errors import FeasibilityError, UnknownShapeError
from feasibility.ir import DType, Node
from feasibility.ops import DEFAULT, RuleSet
from feasibility.ops.rules import Family
from tests.ops.op_cases import cost_of, make_node, tensor, unknown


def rule(fmas: int) -> Family:
    """Return a family whose Fancy-1 counts this."""
    family = Family("com.acme")
    family.add("Fancy", fixed(fmas))
    return family


class fixed:  # noqa: N801 (used like a function)
    """A rule that always says the same."""

    def __init__(self, fmas: int) -> None:
        self.fmas = fmas

    def __call__(self, _: Node) -> OpCost:
        """Return the fixed count."""
        return OpCost(fmas=self.fmas, dtype=DType.FLOAT, role="heavy")


def counted(rules: RuleSet, opset: int) -> int | None:
    """Return what the rule for com.acme::Fancy at an opset counts."""
    found = rules.find("com.acme", "Fancy", opset)
    return None if found is None else found(make_node("Fancy", [], [])).fmas


def test_a_key_twice_raises() -> None:
    """Two rules for one operator and version are a mistake, in one family or in two."""
    with pytest.raises(ValueError, match=r"two rules for com\.acme::Fancy-1"):
        rule(1).add("Fancy", fixed(2))
    with pytest.raises(ValueError, match=r"two rules for com\.acme::Fancy-1"):
        RuleSet.merged([rule(1), rule(2)])


def test_the_newest_rule_not_above_the_opset() -> None:
    """Lookup takes the highest version that the node's opset reaches."""
    rules = RuleSet({}).with_op("com.acme", "Fancy", fixed(3), since=3)
    rules = rules.with_op("com.acme", "Fancy", fixed(7), since=7)
    assert [None, 3, 3, 7, 7] == [counted(rules, opset) for opset in (2, 3, 6, 7, 99)]


def test_adding_leaves_the_original_alone() -> None:
    """A user's operator lives in a new set; the built-in one does not change."""
    before = list(DEFAULT)
    extended = DEFAULT.with_op("com.acme", "Fancy", fixed(1))
    assert 1 == counted(extended, 1)
    assert DEFAULT.find("com.acme", "Fancy", 1) is None
    assert before == list(DEFAULT)
    assert len(before) + 1 == len(extended)


def test_a_users_rule_wins_over_newer_built_in_ones() -> None:
    """Replacing an operator replaces all its versions from there on."""
    mine = fixed(1)
    rules = DEFAULT.with_op("ai.onnx", "LogSoftmax", mine)
    assert rules.find("ai.onnx", "LogSoftmax", 28) is mine
    later = DEFAULT.with_op("ai.onnx", "LogSoftmax", mine, since=13)
    assert later.find("ai.onnx", "LogSoftmax", 12) is DEFAULT.find("ai.onnx", "LogSoftmax", 12)


def test_keys_come_in_order() -> None:
    """Iteration is deterministic: by domain, name, version."""
    assert sorted(DEFAULT) == list(DEFAULT)


def test_an_unknown_shape_is_said() -> None:
    """A rule that needs a size which the graph lacks says so; it never counts zero."""
    with pytest.raises(UnknownShapeError):
        cost_of(make_node("MatMul", [unknown(), (3, 4)], [unknown()]))


@pytest.mark.parametrize(
    "node",
    [
        make_node("MatMul", [(), (3, 4)], [(4,)]),
        make_node("Gemm", [(3,), (3, 4)], [(3, 4)]),
        make_node("Conv", [(1, 3, 4, 4), ()], [(1, 3, 4, 4)]),
        make_node("LSTM", [(3,), (1, 4, 3), (1, 4, 1)], [()]),
        make_node("Attention", [(2, 3, 8), (2, 3, 8), (2, 3, 8)], [(2, 3, 8)]),
        make_node("GroupNormalization", [(2, 6, 4)], [(2, 6, 4)], attributes={"num_groups": -1}),
        make_node("TopK", [(5,)], [(2,)], attributes={"axis": 7}),
        make_node("LRN", [(5,)], [(5,)], attributes={"size": 0}),
        make_node("DFT", [(4, 2), None, tensor(0, dtype=DType.INT64, value=())], [(4, 2)]),
        make_node("Softmax", [], [(5,)]),
        make_node(
            "LSTM", [(1, 1, 1), (10**15, 4, 1), (10**15, 4, 1)], [()], attributes={"activations": ("Tanh",)}
        ),
        make_node(
            "LinearAttention",
            [(1, 5, 8)] * 3,
            [(1, 5, 8)],
            attributes={"kv_num_heads": 2, "update_rule": "quadratic"},
        ),
        make_node("DFT", [(4, 2), tensor(2, value=(1, 2))], [(4, 2)], attributes={"onesided": 1}),
    ],
    ids=lambda node: node.op_type,
)
def test_a_rank_that_does_not_fit(node: Node) -> None:
    """Sizes that a hostile graph gets wrong end in one sentence, not in an IndexError."""
    with pytest.raises(FeasibilityError):
        cost_of(node)


def test_a_hostile_number_of_directions_costs_no_memory() -> None:
    """Sizes are multiplied, never unrolled."""
    huge = 10**15
    cost = cost_of(make_node("RNN", [(1, 1, 1), (huge, 1, 1), (huge, 1, 1)], [(1, huge, 1, 1)]))
    assert (2 * huge, huge) == (cost.fmas, cost.transcendentals)
