"""Decide which branch of an If counts: the costlier one, where only the data knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from feasibility.cost import NodeCost
from feasibility.ir import Body
from feasibility.units import Flops

BRANCHES = ("then_branch", "else_branch")


def take_costlier(nodes: Sequence[NodeCost], bodies: Iterable[Body]) -> tuple[list[NodeCost], list[str]]:
    """Return the nodes with 0 runs for branches that do not count, and a sentence for each choice.

    Inner branches are decided before the ones that hold them.
    """
    found, sentences = list(nodes), []
    branches: dict[int, list[Body]] = {}
    for body in bodies:
        if body.name in BRANCHES:
            branches.setdefault(body.owner, []).append(body)
    for owner, both in branches.items():
        taken, *others = sorted(both, key=lambda body: _weight(found, body), reverse=True)
        for body in others:
            for index in range(body.start, body.stop):
                found[index] = replace(found[index], runs=0)
            sentences.append(_sentence(found[owner], nodes, taken, body))
    return found, sentences


def _weight(nodes: Sequence[NodeCost], body: Body) -> tuple[int, int, int, bool]:
    """Order branches by what they compute and move; unknown nodes break ties, then the name."""
    own = nodes[body.start : body.stop]
    moved = sum(n.runs * (n.read_bytes + n.written_bytes) for n in own)
    unknown = sum(n.cost is None and bool(n.reason) for n in own)
    return sum(n.flops for n in own), moved, unknown, body.name == BRANCHES[0]


def _sentence(owner: NodeCost, nodes: Sequence[NodeCost], taken: Body, other: Body) -> str:
    counted, left = (sum(n.flops for n in nodes[b.start : b.stop]) for b in (taken, other))
    return f"{owner.node.name}={taken.name} ({Flops(counted)}; {other.name} {Flops(left)})"
