"""Ask the rules what single nodes cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from feasibility.cost import OpCost
from feasibility.errors import FeasibilityError
from feasibility.ir import Node, TensorSpec
from feasibility.ops import NOT_COUNTED, RuleSet

_MAX_COUNT = 2**100  # of one node: an Einsum of many small tensors has no bound of its own


class Answer(NamedTuple):
    """What a rule said of one node, or why there is no cost."""

    cost: OpCost | None
    reason: str = ""
    read_bytes: int = 0
    written_bytes: int = 0


def cost_of(node: Node, rules: RuleSet) -> Answer:
    """Ask the rule; what cannot be counted says why."""
    rule = rules.find(node.domain, node.op_type, node.opset)
    if rule is None:
        return Answer(None, NOT_COUNTED.get((node.domain, node.op_type)) or "no cost rule for this operator")
    try:
        cost = rule(node)
        read, written = _bytes(cost.reads, cost, node.inputs), _bytes(cost.writes, cost, node.outputs)
    except FeasibilityError as error:
        return Answer(None, node.problem or error.message)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return Answer(None, node.problem or "its inputs do not fit the operator")
    counts = (cost.fmas, cost.arithmetic, cost.transcendentals, read, written)
    if min(counts) < 0 or max(counts) > _MAX_COUNT:
        return Answer(None, "its attributes do not fit the operator")
    if cost.role == "heavy" and not cost.fmas and _is_emptied(node):
        return Answer(None, "its output is empty though none of its inputs is")
    return Answer(cost, "", read, written)


def _is_emptied(node: Node) -> bool:
    """Tell whether a node makes nothing out of something, as a kernel larger than its input does."""
    sizes = [spec.shape for spec in node.inputs if spec is not None]
    return 0 in (node.output(0).shape or ()) and not any(0 in (shape or ()) for shape in sizes)


def _bytes(stated: int | None, cost: OpCost, specs: Sequence[TensorSpec | None]) -> int:
    """Return what a rule states, else the bytes of the distinct tensors; views move nothing."""
    if cost.role == "view":
        return 0
    if stated is not None:
        return stated
    if len(specs) == 1 and specs[0] is not None:
        return specs[0].nbytes
    return sum({spec.name: spec.nbytes for spec in specs if spec is not None}.values())
