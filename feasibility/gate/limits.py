"""Hold quantities of a model to the most, or the least, that its budget says."""

from __future__ import annotations

from typing import Any

from feasibility.gate import explain, fixes
from feasibility.gate.config import TimeLimit
from feasibility.gate.doubts import doubt, is_partial, names
from feasibility.gate.doubts import uncounted as reasons
from feasibility.gate.records import COVERAGE, NOTHING, Finding, Outcome
from feasibility.gate.rules import Rule, written
from feasibility.gate.subject import Reading, Subject, base_text


def limited(subject: Subject, rule: Rule, limit: Any, target: str | None) -> Finding:  # noqa: ANN401 (any limit)
    """Return whether a quantity is within its budget; one that may be larger than what is known is not."""
    at = limit.at if isinstance(limit, TimeLimit) else "p50"
    most, now = float(limit.limit), subject.measured.value(rule.name, target, at)
    is_over = now < most if rule.name == COVERAGE else now > most
    unsure = doubt(subject.measured, rule, target)
    outcome: Outcome = "over" if is_over else "untold" if unsure else "passed"
    base = subject.base_of(rule.name, target, at)
    budget = written(most, rule.unit, apart_from=now)
    least = "at least " if is_partial(subject.measured, rule) else ""
    shown = least + written(now, rule.unit, apart_from=most)
    at_p90 = " at p90" if at == "p90" else ""
    reading = Reading(
        outcome=outcome,
        message=_sentence(
            outcome, f"{rule.label} of {subject.name(target)}", f"{rule.verb} {shown}{at_p90}", budget, unsure
        ),
        budget_text=budget + (" (p90)" if at_p90 else ""),
        now_text=shown,
        base_text=base_text(base, rule),
        unit=rule.unit,
        budget=most,
        now=now,
        base=base,
        why=explain.why(subject.measured, rule, target, subject.base) if is_over else (),
        fixes=_fixes(subject, rule, target, most=most, at=at) if is_over else (),
    )
    return subject.finding(reading, rule.name, target, limit.level, subject.spot("budget", rule.name))


def _fixes(subject: Subject, rule: Rule, target: str | None, *, most: float, at: str) -> tuple[str, ...]:
    if rule.name == COVERAGE:
        return fixes.of_coverage(subject.measured.numbers.coverage)
    if target is None:
        return fixes.of_a_number(subject.measured, rule, most)
    return fixes.of_a_time(subject.source, subject.measured, rule, target, most=most, at=at)


def _sentence(outcome: Outcome, what: str, shown: str, budget: str, unsure: str) -> str:
    words = {
        "passed": f"{what} {shown}, within {budget}",
        "untold": f"{what} cannot be judged: {unsure}",
        "over": f"{what} {shown}, and the budget is {budget}",
    }
    return words[outcome]


def uncounted(subject: Subject) -> Finding:
    """Return the finding of a model whose nodes are not all counted, where no coverage is asked for."""
    unknown = subject.measured.cost.coverage.unknown
    now = subject.measured.value(COVERAGE, None)
    reading = Reading(
        outcome="over",
        message=f"{subject.name(None)} cannot be counted in full: {names(unknown)}",
        budget_text="100 %",
        now_text=written(now, "share", apart_from=1.0),
        unit="share",
        budget=1.0,
        now=now,
        why=reasons(unknown),
        fixes=fixes.of_coverage(now),
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
        fixes=() if is_met else fixes.of_a_verdict(subject.source, measured, target, limit.limit),
    )
    return subject.finding(reading, "verdict", target, limit.level, subject.spot("budget", "verdict"))
