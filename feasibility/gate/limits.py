"""Hold quantities of a model to the most, or the least, that its budget says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from feasibility.cost import Unknown
from feasibility.gate import explain
from feasibility.gate.config import TimeLimit
from feasibility.gate.measure import Measured
from feasibility.gate.records import COVERAGE, NOTHING, Finding, Outcome
from feasibility.gate.rules import Rule, written
from feasibility.gate.subject import Reading, Subject, base_text

_BARRING = frozenset({"memory", "operators"})  # checks that keep a device from running a model at all
_SHOWN = 3  # uncounted nodes in one sentence


def limited(subject: Subject, rule: Rule, limit: Any, target: str | None) -> Finding:  # noqa: ANN401 (any limit)
    """Return whether a quantity is within its budget; one that may be larger than what is known is not."""
    at = limit.at if isinstance(limit, TimeLimit) else "p50"
    most, now = float(limit.limit), subject.measured.value(rule.name, target, at)
    is_over = now < most if rule.name == COVERAGE else now > most
    doubt = _doubt(subject.measured, rule, target)
    outcome: Outcome = "over" if is_over else "untold" if doubt else "passed"
    base = subject.base_of(rule.name, target)
    budget = written(most, rule.unit, apart_from=now)
    least = "at least " if _is_partial(subject.measured, rule) else ""
    shown = least + written(now, rule.unit, apart_from=most)
    reading = Reading(
        outcome=outcome,
        message=_sentence(
            outcome, f"{rule.label} of {subject.name(target)}", f"{rule.verb} {shown}", budget, doubt
        ),
        budget_text=budget + (" (p90)" if at == "p90" else ""),
        now_text=shown,
        base_text=base_text(base, rule),
        unit=rule.unit,
        budget=most,
        now=now,
        base=base,
        why=explain.why(subject.measured, rule, target, subject.base) if is_over else (),
        fixes=explain.fixes(subject.source, subject.measured, rule, target, most=most, at=at)
        if is_over
        else (),
    )
    return subject.finding(reading, rule.name, target, limit.level, subject.spot("budget", rule.name))


def _sentence(outcome: Outcome, what: str, shown: str, budget: str, doubt: str) -> str:
    words = {
        "passed": f"{what} {shown}, within {budget}",
        "untold": f"{what} cannot be judged: {doubt}",
        "over": f"{what} {shown}, and the budget is {budget}",
    }
    return words[outcome]


def _is_partial(measured: Measured, rule: Rule) -> bool:
    """Tell whether a quantity lacks what nodes without a rule cost."""
    return bool(measured.cost.coverage.unknown) and not rule.known


def _doubt(measured: Measured, rule: Rule, target: str | None) -> str:
    """Say why a quantity that is within its budget may be more, or nothing."""
    least = measured.entry.budget.coverage
    accepted = least is not None and least.level != "off"
    if _is_partial(measured, rule) and not accepted:
        return f"it is more than was counted, {_names(measured.cost.coverage.unknown)}"
    checks = measured.decisions[target].checks if target else ()
    return next((each.message for each in checks if each.passed is False and each.name in _BARRING), "")


def _names(unknown: Sequence[Unknown]) -> str:
    kinds = list(dict.fromkeys(f"{node.domain}::{node.op_type}" for node in unknown))
    more = f" and {len(kinds) - _SHOWN} more" if len(kinds) > _SHOWN else ""
    nodes = "1 node is" if len(unknown) == 1 else f"{len(unknown)} nodes are"
    return f"{nodes} not: {', '.join(kinds[:_SHOWN])}{more}"


def uncounted(subject: Subject) -> Finding:
    """Return the finding of a model whose nodes are not all counted, where no coverage is asked for."""
    unknown = subject.measured.cost.coverage.unknown
    now = subject.measured.value(COVERAGE, None)
    reading = Reading(
        outcome="over",
        message=f"{subject.path} cannot be counted in full: {_names(unknown)}",
        budget_text="100 %",
        now_text=written(now, "share", apart_from=1.0),
        unit="share",
        budget=1.0,
        now=now,
        why=tuple(f"{node.name}: {node.reason}" for node in unknown[:_SHOWN]),
        fixes=explain.coverage_fixes(now),
    )
    return subject.finding(reading, COVERAGE, None, "error", subject.spot("path"))


def verdict(subject: Subject, limit: Any, target: str) -> Finding:  # noqa: ANN401 (a VerdictLimit)
    """Return whether the verdict is the side that is asked for; undecided is not that side."""
    measured, decision = subject.measured, subject.measured.decisions[target]
    now, locked = decision.verdict.value, subject.base.targets.get(target) if subject.base else None
    is_met = now == limit.limit
    sentence = f"The verdict for {subject.name(target)} is {now}"
    reading = Reading(
        outcome="passed" if is_met else "over",
        message=sentence if is_met else f"{sentence}, and {limit.limit} is asked for",
        budget_text=limit.limit,
        now_text=now,
        base_text=locked.verdict if locked else NOTHING,
        unit="verdict",
        why=() if is_met else explain.verdict_why(decision),
        fixes=() if is_met else explain.verdict_fixes(subject.source, measured, target, limit.limit),
    )
    return subject.finding(reading, "verdict", target, limit.level, subject.spot("budget", "verdict"))
