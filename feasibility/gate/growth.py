"""Compare a quantity with the baseline: too much where both a share and an amount are passed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from feasibility.gate import explain
from feasibility.gate.lock import rounded
from feasibility.gate.records import GROWTH, Finding, Outcome
from feasibility.gate.rules import Rule, written
from feasibility.gate.subject import Reading, Subject, base_text

_MANY = 1000  # percent; from here on three digits would need an exponent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grown:
    """How much a quantity grew, and how much it may."""

    rule: Rule
    now: float
    base: float | None
    share: float
    amount: float

    @property
    def more(self) -> float:
        """Return by how much it grew."""
        return 0.0 if self.base is None else self.now - self.base

    @property
    def ratio(self) -> float:
        """Return that as a share of where it grew from."""
        if self.base:
            return self.more / self.base
        return math.inf if self.more > 0 else 0.0

    @property
    def words(self) -> str:
        """Write by how much it grew."""
        percent = 100 * self.ratio
        shown = f"{percent:.3g}" if percent < _MANY else f"{percent:,.0f}"
        share = f" ({shown} %)" if math.isfinite(percent) else ""
        return written(abs(self.more), self.rule.unit) + share

    @property
    def most(self) -> float | None:
        """Return the most that it may be now."""
        return None if self.base is None else self.base + max(self.amount, self.base * self.share)

    def outcome(self, *, has_baseline: bool) -> Outcome:
        """Return what to say; a model that the baseline lacks is new, without a baseline nobody can tell."""
        if self.base is None:
            return "new" if has_baseline else "untold"
        return "over" if self.more > self.amount and self.ratio > self.share else "passed"


def grown(subject: Subject, rule: Rule, allowed: Any, target: str | None) -> Finding:  # noqa: ANN401 (any growth)
    """Return whether a quantity grew more than it may."""
    value = subject.measured.value(rule.name, target)
    it = _Grown(
        rule=rule,
        now=rounded(value) if target else value,
        base=subject.base_of(rule.name, target),
        share=allowed.share,
        amount=float(allowed.amount),
    )
    outcome = it.outcome(has_baseline=subject.baseline.lock is not None)
    share, amount = written(it.share, "share"), written(it.amount, rule.unit)
    reading = Reading(
        outcome=outcome,
        message=_sentence(subject, it, outcome, target),
        budget_text=f"+{share}, +{amount}",
        now_text=written(it.now, rule.unit, apart_from=it.base),
        base_text=base_text(it.base, rule),
        unit=rule.unit,
        budget=it.most,
        now=it.now,
        base=it.base,
        why=explain.why(subject.measured, rule, target, subject.base) if outcome == "over" else (),
        fixes=_fixes(subject, it, outcome),
    )
    spot = subject.spot("growth", rule.name)
    return subject.finding(reading, GROWTH + rule.name, target, allowed.level, spot)


def _sentence(subject: Subject, it: _Grown, outcome: Outcome, target: str | None) -> str:
    what = f"{it.rule.label} of {subject.name(target)}"
    allowed = f"{written(it.share, 'share')} and {written(it.amount, it.rule.unit)}"
    words = {
        "passed": f"{what} {_change(it)}; {allowed} are allowed",
        "over": f"{what} grew by {it.words}; {allowed} are allowed",
        "new": f"the baseline does not know {subject.name(target)}, so there is nothing that it grew from",
        "untold": f"{what} cannot be compared: {subject.baseline.problem}",
    }
    return words[outcome]


def _change(it: _Grown) -> str:
    if not it.more:
        return "did not change"
    return f"grew by {it.words}" if it.more > 0 else f"shrank by {written(-it.more, it.rule.unit)}"


def _fixes(subject: Subject, it: _Grown, outcome: Outcome) -> tuple[str, ...]:
    if outcome == "untold":
        return (subject.baseline.hint,)
    if outcome != "over" or it.most is None:
        return ()
    return (f"{written(it.now - it.most, it.rule.unit)} less", "or a waiver with a day and a reason")
