"""Count reductions and running sums.

Accumulating n elements counts n operations (it starts from a neutral element).
"""

from __future__ import annotations

from dataclasses import dataclass

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.roles import light
from feasibility.ops.rules import Family

family = Family()


@dataclass(frozen=True, slots=True)
class Reduce:
    """A rule: work for each element that goes in, and for each that comes out.

    With noop_with_empty_axes and no axes nothing is accumulated.
    """

    accumulated: int  # arithmetic per input element to accumulate it
    prepared: int = 0  # arithmetic per input element before that
    prepared_transcendentals: int = 0
    finished: int = 0  # arithmetic per output element
    finished_transcendentals: int = 0

    def __call__(self, node: Node) -> OpCost:
        """Multiply by the sizes of input and output."""
        before, after = node.input(0).numel, node.output(0).numel
        each = self.prepared + (0 if _keeps_all_axes(node) else self.accumulated)
        return light(
            node,
            arithmetic=each * before + self.finished * after,
            transcendentals=self.prepared_transcendentals * before + self.finished_transcendentals * after,
        )


def _keeps_all_axes(node: Node) -> bool:
    named = "axes" in node.attributes or (node.has_input(1) and node.input(1).numel > 0)
    return node.int("noop_with_empty_axes", 0) != 0 and not named


REDUCTIONS = {
    "ArgMax": Reduce(1),
    "ArgMin": Reduce(1),
    "CumProd": Reduce(1),
    "CumSum": Reduce(1),
    "ReduceL1": Reduce(1, prepared=1),  # absolute value
    "ReduceL2": Reduce(1, prepared=1, finished_transcendentals=1),  # square; sqrt
    "ReduceLogSum": Reduce(1, finished_transcendentals=1),
    "ReduceLogSumExp": Reduce(1, prepared_transcendentals=1, finished_transcendentals=1),
    "ReduceMax": Reduce(1),
    "ReduceMean": Reduce(1, finished=1),  # division
    "ReduceMin": Reduce(1),
    "ReduceProd": Reduce(1),
    "ReduceSum": Reduce(1),
    "ReduceSumSquare": Reduce(1, prepared=1),  # square
}

for _name, _rule in REDUCTIONS.items():
    family.add(_name, _rule)
