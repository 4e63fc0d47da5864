"""Fuse nodes into groups, each one kernel, as runtimes do.

A heavy operator takes the light ones and views that follow it alone; a convolution also takes the
zero padding in front of it (padding.py). A runtime that does not fuse so still runs a chain of light
operators as one kernel: GELU is one in the framework and five nodes in ONNX. Attention is one
kernel where the runtime has it (attention.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from feasibility.cost import ModelCost, NodeCost, Role
from feasibility.timing.attention import attentions
from feasibility.timing.padding import absorbed, first_name

# which roles a group grows by, by the role of its head
_FOLLOWERS: Mapping[Role, frozenset[Role]] = {
    "heavy": frozenset({"light", "view"}),
    "light": frozenset({"light"}),
}
_CONSTANT = "Constant"


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedGroup:
    """Nodes that run as one kernel: the one that names it, and what it takes along."""

    head: NodeCost
    followers: tuple[NodeCost, ...] = ()  # the padding in front of it first, if it takes one
    whole: bool = False  # what passes between its nodes never leaves the chip

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


class Fusion(NamedTuple):
    """What a runtime makes one kernel of."""

    light: bool = True  # a heavy operator and the light ones that follow it
    attention: bool = False  # two products with a softmax between them


FUSING = Fusion()
_KEPT = 8  # models and ways of fusing whose groups are kept


@lru_cache(maxsize=_KEPT)
def fuse(cost: ModelCost, fusion: Fusion = FUSING) -> tuple[FusedGroup, ...]:
    """Return the groups in execution order; views, constants and unknown nodes make none."""
    alive = [node for node in cost.nodes if runs_at_all(node)]
    readers = _readers(cost, alive)
    running = [node for node in alive if node.cost]
    chains = attentions(running, readers) if fusion.attention else ()
    inside = {first_name(node.node.outputs) for chain in chains for node in chain}
    rest = [node for node in running if first_name(node.node.outputs) not in inside]
    groups = [
        FusedGroup(head=nodes[0], followers=tuple(nodes[1:]), whole=not fusion.light)
        for nodes in (_grown(rest, readers, "heavy") if fusion.light else _grown(rest, readers, "light"))
    ]
    groups += [FusedGroup(head=chain[0], followers=chain[1:], whole=True) for chain in chains]
    if not chains:
        return tuple(groups)
    place = {id(node): index for index, node in enumerate(running)}
    return tuple(sorted(groups, key=lambda group: place[id(group.head)]))


def _grown(running: list[NodeCost], readers: Counter[str], opener: Role) -> list[list[NodeCost]]:
    """Let the nodes of one role take along those that follow them alone; a convolution its padding."""
    paddings = absorbed(running, readers) if opener == "heavy" else {}
    followers = _FOLLOWERS[opener]
    groups: list[list[NodeCost]] = []
    open_ends: dict[str, int] = {}  # a tensor that one node alone reads -> the group it leaves
    for node in running:
        if node.cost is None or first_name(node.node.outputs) in paddings:
            continue
        role = node.cost.role
        joined = _joined(node, groups, open_ends) if role in followers else None
        if joined is not None:
            groups[joined].append(node)
        elif role != "view":
            padding = paddings.get(first_name(node.node.inputs))
            groups.append([node, padding] if padding else [node])
        if joined is not None or role == opener:
            _leave_open(node, len(groups) - 1 if joined is None else joined, readers, open_ends)
    return groups


def _joined(node: NodeCost, groups: list[list[NodeCost]], open_ends: dict[str, int]) -> int | None:
    """Return the latest group that this node alone follows, as often as it runs.

    A residual Add that follows two convolutions joins the later one: only there are
    both of its inputs ready.
    """
    ends = (open_ends.get(spec.name) for spec in node.node.inputs if spec)
    return max((at for at in ends if at is not None and groups[at][0].runs == node.runs), default=None)


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
