"""Say what a convention is, and what counting by one gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from feasibility.cost import NodeCost

OpKey = tuple[str, str]  # domain, op_type


@dataclass(frozen=True, slots=True)
class Formula:
    """What one run of an operator counts, and the same in words."""

    count: Callable[[NodeCost], int]
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool's convention: one formula per operator type, 0 for every other.

    `constants`: whether it counts nodes that fold to constants as well. `unfolded`: what
    it would count per output element of a convolution if the batch normalisation folded
    into it stood there.
    """

    name: str
    unit: str
    formulas: Mapping[str, Formula]
    domains: frozenset[str] | None  # None: it looks at the operator type only
    constants: bool
    unfolded: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConventionTotal:
    """A model as another tool would count it.

    `total` is for the graph as it is. `folded_convolutions` have a batch normalisation
    in their weights, which costs nothing here; on the network before folding the tool
    counts `folded` more. `left_out` are operators with multiply-adds that the tool does
    not count; `unknown` nodes have sizes that nobody knows.
    """

    tool: str
    unit: str
    total: int
    by_op: Mapping[OpKey, int]
    folded_convolutions: int
    folded: int
    is_folding_certain: bool
    left_out: Mapping[OpKey, int]
    unknown: int
    source: str

    @property
    def unfolded_total(self) -> int:
        """Return the count on the network before batch normalisation was folded."""
        return self.total + self.folded

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "tool": self.tool,
            "unit": self.unit,
            "total": self.total,
            "folded_convolutions": self.folded_convolutions,
            "folded": self.folded,
            "is_folding_certain": self.is_folding_certain,
            "unknown_nodes": self.unknown,
            "by_op": _counts(self.by_op),
            "left_out": _counts(self.left_out),
            "source": self.source,
        }


def _counts(counts: Mapping[OpKey, int]) -> list[dict[str, object]]:
    return [{"domain": domain, "op_type": op, "count": count} for (domain, op), count in counts.items()]
