from __future__ import annotations

from feasibility.cost import NodeCost, OpCost, group_by
from feasibility.ir import DType, Node


def found(
    op_type: str, *, fmas: int = 0, arithmetic: int = 0, runs: int = 1, read_bytes: int = 0
) -> NodeCost:
    """Return a costed node without tensors."""
    node = Node(name=op_type, domain="ai.onnx", op_type=op_type, opset=1, inputs=(), outputs=())
    cost = OpCost(fmas=fmas, arithmetic=arithmetic, transcendentals=3, dtype=DType.FLOAT, role="heavy")
    return NodeCost(node=node, cost=cost, runs=runs, read_bytes=read_bytes)


def test_a_multiply_add_is_two_operations() -> None:
    """Operations are 2 x FMA + arithmetic + transcendentals, for one run and for many."""
    assert (
        OpCost(fmas=10, arithmetic=4, transcendentals=3, dtype=DType.FLOAT, role="heavy").flops
        == 2 * 10 + 4 + 3
    )
    assert found("Conv", fmas=10, arithmetic=4, runs=5).flops == 5 * (2 * 10 + 4 + 3)
    assert found("Conv", fmas=10, runs=5).fmas == 5 * 10


def test_uncounted_nodes_add_nothing() -> None:
    """A node without a cost sums as zero, and coverage is where it is named."""
    unknown = NodeCost(node=found("X").node, cost=None, reason="no rule")
    assert (unknown.fmas, unknown.arithmetic, unknown.transcendentals, unknown.flops) == (0, 0, 0, 0)


def test_groups_sum_and_sort_by_cost_then_traffic_then_name() -> None:
    """Nodes of one key add up over their runs; the costliest group comes first."""
    nodes = [
        found("Conv", fmas=100, read_bytes=7),
        found("Add", read_bytes=1),
        found("Conv", fmas=50, runs=2, read_bytes=7),
        found("Copy", read_bytes=9),
        found("Base", read_bytes=1),
    ]
    groups = group_by(nodes, lambda n: (n.node.op_type,))
    assert [g.key for g in groups] == [("Conv",), ("Copy",), ("Add",), ("Base",)]
    assert (groups[0].nodes, groups[0].fmas, groups[0].read_bytes) == (2, 100 + 2 * 50, 7 + 2 * 7)
    assert groups[0].flops == 2 * 200 + 3 + 2 * 3
    assert groups.top(2) == groups[:2]
    assert groups.top(1).top(5) == groups[:1]
