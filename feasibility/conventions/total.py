"""Apply a tool's formulas to the nodes of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from feasibility.conventions.folded import folded_normalisation
from feasibility.conventions.records import ConventionTotal, OpKey, Tool
from feasibility.cost import ModelCost, NodeCost
from feasibility.errors import FeasibilityError

_MISFITS = (FeasibilityError, ArithmeticError, LookupError, TypeError, ValueError)  # as in profiler/nodes.py


def total(cost: ModelCost, tool: Tool) -> ConventionTotal:
    """Return what a tool would count for a model."""
    counts: Counter[OpKey] = Counter()
    left: Counter[OpKey] = Counter()
    unknown = 0
    for found in cost.nodes:
        if found.node.folded and not tool.constants:
            continue
        key = (found.node.domain, found.node.op_type)
        count = count_of(found, tool)
        unknown += count is None
        counts[key] += count or 0
        left[key] += found.fmas if count == 0 else 0
    folded = folded_normalisation(cost)
    return ConventionTotal(
        tool=tool.name,
        unit=tool.unit,
        total=counts.total(),
        by_op=_positive(counts),
        folded_convolutions=folded.convolutions if folded else 0,
        folded=folded.elements * tool.unfolded if folded else 0,
        is_folding_certain=folded is not None and folded.is_certain,
        left_out=_positive(left),
        unknown=unknown,
        source=tool.source,
    )


def count_of(found: NodeCost, tool: Tool) -> int | None:
    """Return the count of one node over all its runs, None where a size that it needs is unknown."""
    formula = tool.formulas.get(found.node.op_type)
    if tool.domains is not None and found.node.domain not in tool.domains:
        formula = None
    if formula is None:
        return None if found.reason else 0
    try:
        return found.runs * formula.count(found)
    except _MISFITS:
        return None


def _positive(counts: Mapping[OpKey, int]) -> dict[OpKey, int]:
    """Return the counts above 0, largest first."""
    return dict(sorted(((k, n) for k, n in counts.items() if n > 0), key=lambda item: (-item[1], item[0])))
