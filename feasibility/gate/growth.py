"""Compare a quantity with the baseline: too much where both a share and an amount are passed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from feasibility.gate import explain
from feasibility.gate.doubts import doubt, is_partial
from feasibility.gate.lock import rounded
from feasibility.gate.records import GROWTH, Finding, Outcome
from feasibility.gate.rules import Rule, no_less, written
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
        share = f" ({_percent(self.ratio).removeprefix('+')})" if math.isfinite(self.ratio) else ""
        return written(abs(self.more), self.rule.unit) + share

    @property
    def most(self) -> float | None:
        """Return the most that it may be now."""
        return None if self.base is None else self.base + max(self.amount, self.base * self.share)

    def outcome(self, *, has_baseline: bool, unsure: str) -> Outcome:
        """Return what to say; a model that the baseline lacks is new, without a baseline nobody can tell."""
        if self.base is None:
            return "new" if has_baseline else "untold"
        if self.more > self.amount and self.ratio > self.share:
            return "over"
        return "untold" if unsure else "passed"


def grown(subject: Subject, rule: Rule, allowed: Any, target: str | None) -> Finding:  # noqa: ANN401 (any growth)
    """Return whether a quantity grew more than it may."""
    value = subject.measured.value(rule.name, target) if target else subject.measured.declared.of(rule.name)
    it = _Grown(
        rule=rule,
        now=rounded(value) if target else value,
        base=subject.base_of(rule.name, target),
        share=allowed.share,
        amount=float(allowed.amount),
    )
    unsure = doubt(subject.measured, rule, target)
    outcome = it.outcome(has_baseline=subject.baseline.lock is not None, unsure=unsure)
    share, amount = written(it.share, "share"), written(it.amount, rule.unit)
    reading = Reading(
        outcome=outcome,
        message=_sentence(subject, it, outcome, target, subject.baseline.problem or unsure),
        budget_text=f"+{share}, +{amount}",
        now_text=_now(subject, it),
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


def _sentence(subject: Subject, it: _Grown, outcome: Outcome, target: str | None, unsure: str) -> str:
    what = f"{it.rule.label} of {subject.name(target)}"
    allowed = f"{written(it.share, 'share')} and {written(it.amount, it.rule.unit)}"
    words = {
        "passed": f"{what} {_change(it)}; {allowed} are allowed",
        "over": f"{what} grew by {it.words}; {allowed} are allowed",
        "new": f"The baseline does not know {subject.name(target)}, so there is nothing that it grew from",
        "untold": f"{what} cannot be compared: {unsure}",
    }
    return words[outcome]


def _now(subject: Subject, it: _Grown) -> str:
    """Write the quantity, and how it changed."""
    least = "at least " if is_partial(subject.measured, it.rule) else ""
    now = least + written(it.now, it.rule.unit, apart_from=it.base)
    if it.base is None or not math.isfinite(it.ratio):
        return now
    return f"{now}, {_percent(it.ratio)}" if it.more else f"{now}, same"


def _percent(ratio: float) -> str:
    percent = 100 * ratio
    return f"{percent:+.3g} %" if abs(percent) < _MANY else f"{percent:+,.0f} %"


def _change(it: _Grown) -> str:
    if not it.more:
        return "did not change"
    return f"grew by {it.words}" if it.more > 0 else f"shrank by {written(-it.more, it.rule.unit)}"


def _fixes(subject: Subject, it: _Grown, outcome: Outcome) -> tuple[str, ...]:
    if outcome == "untold":
        return (subject.baseline.hint,) if subject.baseline.hint else ()
    if outcome != "over" or it.most is None:
        return ()
    return (f"{no_less(it.now - it.most, it.rule.unit)} less", "or a waiver with a day and a reason")
