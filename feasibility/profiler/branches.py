"""Decide which branch of an If counts: the costlier one, where only the data knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

from feasibility.ir import Body, Node
from feasibility.profiler.nodes import Answer
from feasibility.units import Flops

_BRANCHES = ("then_branch", "else_branch")


class _Weight(NamedTuple):
    """What a branch computes and moves; unknown nodes break ties, then the name."""

    flops: int
    moved: int
    unknown: int
    is_first: bool


def take_costlier(
    nodes: Sequence[Node], answers: Sequence[Answer], bodies: Iterable[Body]
) -> tuple[list[int], list[str]]:
    """Return how often each node runs, 0 in branches that do not count, and a sentence for each choice.

    Inner branches are decided before the ones that hold them.
    """
    runs, sentences = [node.runs for node in nodes], []
    branches: dict[int, list[Body]] = {}
    for body in bodies:
        if body.name in _BRANCHES:
            branches.setdefault(body.owner, []).append(body)
    for owner, both in branches.items():
        ranked = sorted(
            ((_weight(answers, runs, body), body) for body in both), key=itemgetter(0), reverse=True
        )
        (most, taken), *others = ranked
        for weight, body in others:
            runs[body.start : body.stop] = [0] * (body.stop - body.start)
            choice = f"{taken.name} ({Flops(most.flops)}; {body.name} {Flops(weight.flops)})"
            sentences.append(f"{nodes[owner].name}={choice}")
    return runs, sentences


def _weight(answers: Sequence[Answer], runs: Sequence[int], body: Body) -> _Weight:
    flops = moved = unknown = 0
    for index in range(body.start, body.stop):
        cost, reason, read, written = answers[index]
        if cost is None:
            unknown += bool(reason)
        elif runs[index]:
            flops += runs[index] * cost.flops
            moved += runs[index] * (read + written)
    return _Weight(flops, moved, unknown, body.name == _BRANCHES[0])
