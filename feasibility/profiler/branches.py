"""Decide which branch of an If counts: the costlier one, where only the data knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from feasibility.ir import Body, Node
from feasibility.profiler.nodes import Answer
from feasibility.units import Flops

_BRANCHES = ("then_branch", "else_branch")


class _Choice:
    """How often each node runs, and a sentence for each branch that was chosen."""

    def __init__(self, nodes: Sequence[Node], answers: Sequence[Answer]) -> None:
        self.nodes = nodes
        self.answers = answers
        self.runs = [node.runs for node in nodes]
        self.sentences: list[str] = []

    def take_costlier(self, bodies: Iterable[Body]) -> None:
        """Let the branches that do not count run 0 times; inner ones come before those that hold them."""
        branches: dict[int, list[Body]] = {}
        for body in bodies:
            if body.name in _BRANCHES:
                branches.setdefault(body.owner, []).append(body)
        for owner, both in branches.items():
            taken, *others = sorted(both, key=self._weight, reverse=True)
            for body in others:
                flops = self._flops(body)
                self.runs[body.start : body.stop] = [0] * (body.stop - body.start)
                self.sentences.append(self._sentence(owner, taken, body, flops))

    def _weight(self, body: Body) -> tuple[int, int, int, bool]:
        """Order branches by what they compute and move; unknown nodes break ties, then the name."""
        own = range(body.start, body.stop)
        moved = sum(self.runs[n] * (self.answers[n].read_bytes + self.answers[n].written_bytes) for n in own)
        unknown = sum(self.answers[n].cost is None and bool(self.answers[n].reason) for n in own)
        return self._flops(body), moved, unknown, body.name == _BRANCHES[0]

    def _flops(self, body: Body) -> int:
        costs = ((self.answers[n].cost, self.runs[n]) for n in range(body.start, body.stop))
        return sum(runs * cost.flops for cost, runs in costs if cost is not None)

    def _sentence(self, owner: int, taken: Body, other: Body, left: int) -> str:
        counted = Flops(self._flops(taken))
        return f"{self.nodes[owner].name}={taken.name} ({counted}; {other.name} {Flops(left)})"


def take_costlier(
    nodes: Sequence[Node], answers: Sequence[Answer], bodies: Iterable[Body]
) -> tuple[list[int], list[str]]:
    """Return how often each node runs, 0 in branches that do not count, and a sentence for each choice."""
    choice = _Choice(nodes, answers)
    choice.take_costlier(bodies)
    return choice.runs, choice.sentences
