"""Fuse nodes into groups: a heavy operator with the light ones and views that follow it alone.

A convolution also takes the zero padding in front of it (see padding.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from feasibility.cost import ModelCost, NodeCost
from feasibility.timing.padding import absorbed, first_name

_FOLLOWERS = frozenset({"light", "view"})
_CONSTANT = "Constant"


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedGroup:
    """Nodes that run as one kernel: the one that names it, and what it takes along."""

    head: NodeCost
    followers: tuple[NodeCost, ...] = ()  # the padding in front of it first, if it takes one

    @property
    def heavy(self) -> bool:
        """Tell whether the head is linear algebra."""
        return self.head.cost is not None and self.head.cost.role == "heavy"

    @property
    def flops(self) -> int:
        """Return the operations of one run of all its nodes."""
        return sum(node.cost.flops for node in (self.head, *self.followers) if node.cost)


def runs_at_all(node: NodeCost) -> bool:
    """Tell whether a runtime computes this node at each inference (counted or unknown)."""
    folded = node.node.folded or (node.cost is None and not node.reason)
    return not folded and node.node.op_type != _CONSTANT


def fuse(cost: ModelCost, *, fuses: bool = True) -> tuple[FusedGroup, ...]:
    """Return the groups in execution order; views, constants and unknown nodes make none.

    Where a runtime does not fuse, every node is a group of its own.
    """
    running = [node for node in cost.nodes if runs_at_all(node)]
    if not fuses:
        return tuple(FusedGroup(head=node) for node in running if node.cost and node.cost.role != "view")
    readers = _readers(cost, running)
    paddings = absorbed(running, readers)
    heads: list[NodeCost] = []
    taken: list[list[NodeCost]] = []
    open_ends: dict[str, int] = {}  # a tensor that one node alone reads -> the heavy group it leaves
    for node in running:
        if node.cost is None or first_name(node.node.outputs) in paddings:
            continue
        role = node.cost.role
        joined = _joined(node, role, heads, open_ends)
        if joined is not None:
            taken[joined].append(node)
        elif role != "view":
            padding = paddings.get(first_name(node.node.inputs))
            heads.append(node)
            taken.append([padding] if padding else [])
        if joined is not None or role == "heavy":
            _leave_open(node, len(heads) - 1 if joined is None else joined, readers, open_ends)
    return tuple(
        FusedGroup(head=head, followers=tuple(nodes)) for head, nodes in zip(heads, taken, strict=True)
    )


def _joined(node: NodeCost, role: str, heads: list[NodeCost], open_ends: dict[str, int]) -> int | None:
    """Return the latest heavy group that this node alone follows, as often as it runs.

    A residual Add that follows two convolutions joins the later one: only there are
    both of its inputs ready.
    """
    if role not in _FOLLOWERS:
        return None
    ends = (open_ends.get(spec.name) for spec in node.node.inputs if spec)
    return max((at for at in ends if at is not None and heads[at].runs == node.runs), default=None)


def _leave_open(node: NodeCost, at: int, readers: Counter[str], open_ends: dict[str, int]) -> None:
    """Let the group grow past this node if exactly one node reads what it writes."""
    read = [spec.name for spec in node.node.outputs if spec and readers[spec.name]]
    if len(read) == 1 and readers[read[0]] == 1:
        open_ends[read[0]] = at


def _readers(cost: ModelCost, running: list[NodeCost]) -> Counter[str]:
    """Count the nodes that read each tensor at run time; an output of the graph is read once more."""
    names = Counter(spec.name for spec in cost.model.outputs)
    for node in running:
        names.update({spec.name for spec in node.node.inputs if spec})
    return names
