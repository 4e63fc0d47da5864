"""Say what the gate found: one finding per budget, frozen. Their JSON form is `feasible schema gate`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Level = Literal["error", "warn", "off"]
Outcome = Literal["passed", "over", "untold", "waived", "new"]
QuantityUnit = Literal["bytes", "s", "flops", "count", "share", "verdict", "none"]

SCHEMA_VERSION = 1
FAILING: frozenset[Outcome] = frozenset({"over", "untold"})
WHOLE = "model"  # the rule that a model can be read and counted at all
COVERAGE = "coverage"
LOCK = "lock"  # the rule that the lock file says what the models measure
UPDATE = "feasible gate --update"
NOTHING = "-"  # shown where a number is not known
GROWTH = "growth."  # begins the name of a rule that compares with the baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A line and a column of the config file, both counted from 1."""

    line: int = 1
    column: int = 1

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {"line": self.line, "column": self.column}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A waiver that names a finding: until when it holds, and why."""

    until: date
    reason: str
    spot: Spot
    has_ended: bool

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "until": self.until.isoformat(),
            "reason": self.reason,
            "line": self.spot.line,
            "has_ended": self.has_ended,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one budget says of one model.

    Quantities come as text for people, and as numbers in SI units (`unit`) where there are any:
    `now` and `base` are None where nobody can tell. `message` is one sentence that holds
    alone; `why` names what grew, `fixes` what would pass.
    """

    rule: str  # "download", "inference", "growth.download", "model", "lock"
    model: str  # path from the folder of the config file, and sizes where it has two; "" for the lock
    path: str = ""  # without the sizes
    target: str | None  # by its name in the config; None where no device matters
    level: Literal["error", "warn"]
    outcome: Outcome
    budget_text: str
    now_text: str
    base_text: str
    unit: QuantityUnit
    budget: float | None
    now: float | None
    base: float | None
    spot: Spot  # of the budget in the config file
    message: str
    note: str = ""  # what the config says to whoever reads this
    why: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()
    exemption: Exemption | None = None

    @property
    def fails(self) -> bool:
        """Tell whether the gate does not pass because of it."""
        return self.level == "error" and self.outcome in FAILING

    @property
    def warns(self) -> bool:
        """Tell whether it is over without consequences."""
        return self.level == "warn" and self.outcome in FAILING

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "rule": self.rule,
            "model": self.model,
            "path": self.path,
            "target": self.target,
            "level": self.level,
            "outcome": self.outcome,
            "fails": self.fails,
            "unit": self.unit,
            "budget": self.budget,
            "now": self.now,
            "base": self.base,
            "budget_text": self.budget_text,
            "now_text": self.now_text,
            "base_text": self.base_text,
            "line": self.spot.line,
            "column": self.spot.column,
            "message": self.message,
            "note": self.note,
            "why": list(self.why),
            "fixes": list(self.fixes),
            "waiver": None if self.exemption is None else self.exemption.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """Every finding of a run, in the order of the config; `notes` are what to know beside them."""

    config: str  # the config file as it was named or found
    baseline: str  # where the base numbers come from, in words; "" where there are none
    today: date
    models: tuple[str, ...]
    findings: tuple[Finding, ...]
    read: tuple[str, ...] = ()  # every file that was looked at, from the folder of the config
    notes: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Tell whether nothing fails."""
        return not self.failures

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Return the findings because of which the gate does not pass."""
        return tuple(found for found in self.findings if found.fails)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Return the findings that are over, and only warn."""
        return tuple(found for found in self.findings if found.warns)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form, `feasible schema gate`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "passed": self.passed,
            "config": self.config,
            "baseline": self.baseline,
            "today": self.today.isoformat(),
            "models": list(self.models),
            "findings": [found.to_dict() for found in self.findings],
            "notes": list(self.notes),
        }
