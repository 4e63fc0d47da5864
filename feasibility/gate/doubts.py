"""Say why a quantity may be more than it seems: nodes without a cost, a device that cannot run the model."""

from __future__ import annotations

from collections.abc import Sequence

from feasibility.cost import Unknown
from feasibility.gate.measure import Measured
from feasibility.gate.rules import Rule

_BARRING = frozenset({"memory", "operators"})  # checks that keep a device from running a model at all
SHOWN = 3  # nodes, models or modules in one sentence


def doubt(measured: Measured, rule: Rule, target: str | None) -> str:
    """Return why nobody can tell that a quantity is no more than it seems, or nothing."""
    unknown = measured.cost.coverage.unknown
    if is_partial(measured, rule) and not _is_accepted(measured):
        return f"it is more than is counted: {names(unknown)}"
    checks = measured.decisions[target].checks if target else ()
    return next((each.message for each in checks if each.passed is False and each.name in _BARRING), "")


def is_partial(measured: Measured, rule: Rule) -> bool:
    """Tell whether a quantity lacks what nodes without a rule cost."""
    return bool(measured.cost.coverage.unknown) and not rule.known


def _is_accepted(measured: Measured) -> bool:
    """Tell whether the config asks for a coverage, and the model has it: then the counted part counts."""
    least = measured.entry.budget.coverage
    return least is not None and least.level != "off" and measured.numbers.coverage >= least.limit


def names(unknown: Sequence[Unknown]) -> str:
    """Say how many nodes are not counted, and of which types they are."""
    kinds = list(dict.fromkeys(f"{node.domain}::{node.op_type}" for node in unknown))
    more = f" and {len(kinds) - SHOWN} more" if len(kinds) > SHOWN else ""
    nodes = "1 node has" if len(unknown) == 1 else f"{len(unknown)} nodes have"
    return f"{nodes} no known cost ({', '.join(kinds[:SHOWN])}{more})"


def uncounted(unknown: Sequence[Unknown]) -> tuple[str, ...]:
    """Return why the first few nodes are not counted."""
    return tuple(f"{node.name or node.op_type}: {node.reason}" for node in unknown[:SHOWN])
