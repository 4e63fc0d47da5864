"""Count a model as another tool would: ModelCost -> ConventionTotal, ModelCost x Opinion -> CrossCheck."""

from __future__ import annotations

from feasibility.conventions import instructions, pytorch
from feasibility.conventions.cross_check import CrossCheck, compare
from feasibility.conventions.folded import Folded, folded_normalisation
from feasibility.conventions.records import ConventionTotal, Tool
from feasibility.conventions.total import total
from feasibility.cost import ModelCost
from feasibility.errors import UsageError

__all__ = [
    "TOOLS",
    "ConventionTotal",
    "CrossCheck",
    "Folded",
    "compare",
    "convention",
    "folded_normalisation",
]

TOOLS: dict[str, Tool] = {
    tool.name: tool for tool in (pytorch.TORCHVISION, pytorch.FVCORE, instructions.ONNX_TOOL)
}


def convention(cost: ModelCost, tool: str) -> ConventionTotal:
    """Return what torchvision's table, fvcore or onnx-tool would count for a model."""
    if tool not in TOOLS:
        msg = f"there is no convention called {tool!r}"
        raise UsageError(msg, hint=f"the conventions are {', '.join(TOOLS)}")
    return total(cost, TOOLS[tool])
