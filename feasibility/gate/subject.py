"""Hold together what a finding is about: a measured model, its place in the config, and its baseline."""

from __future__ import annotations

from dataclasses import dataclass

from feasibility.gate.baseline import Baseline
from feasibility.gate.lock import LockedModel
from feasibility.gate.measure import Measured
from feasibility.gate.records import NOTHING, Finding, Level, Outcome, QuantityUnit, Spot
from feasibility.gate.rules import Rule, written
from feasibility.gate.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A measured model, its place in the config, and what the baseline says of it."""

    source: Source
    index: int
    measured: Measured
    base: LockedModel | None
    baseline: Baseline

    @property
    def path(self) -> str:
        """Return the model's path, from the folder of the config."""
        return self.measured.path

    def spot(self, *location: str) -> Spot:
        """Return where the config says something of this model."""
        return self.source.spot("models", self.index, *location)

    def name(self, target: str | None) -> str:
        """Return what a sentence is about: the model, and the target that matters."""
        return f"{self.measured.label} on {target}" if target else self.measured.label

    def base_of(self, rule: str, target: str | None, at: str = "p50") -> float | None:
        """Return what a rule measured in the baseline, None where it does not tell."""
        if self.base is None or target is None:
            return None if self.base is None else self.base.numbers.of(rule)
        locked = self.base.targets.get(target)
        return None if locked is None else locked.of(rule, at)

    def finding(self, reading: Reading, rule: str, target: str | None, level: Level, spot: Spot) -> Finding:
        """Return what was read of a rule as a finding about this model."""
        return Finding(
            rule=rule,
            model=self.measured.label,
            path=self.path,
            target=target,
            level="warn" if level == "warn" else "error",
            outcome=reading.outcome,
            budget_text=reading.budget_text,
            now_text=reading.now_text,
            base_text=reading.base_text,
            unit=reading.unit,
            budget=reading.budget,
            now=reading.now,
            base=reading.base,
            spot=spot,
            message=reading.message,
            note=self.measured.entry.message,
            why=reading.why,
            fixes=reading.fixes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a rule says: its quantities as numbers and as text, and what to say of them."""

    outcome: Outcome
    message: str
    budget_text: str
    now_text: str
    base_text: str = NOTHING
    unit: QuantityUnit
    budget: float | None = None
    now: float | None = None
    base: float | None = None
    why: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()


def base_text(base: float | None, rule: Rule) -> str:
    """Write what the baseline measured, where it did."""
    return NOTHING if base is None else written(base, rule.unit)
