"""Let a budget be passed until a day, for a reason; say which waivers have ended or are not needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fnmatch import fnmatchcase

from feasibility.gate.config import Waiver
from feasibility.gate.records import FAILING, WHOLE, Exemption, Finding
from feasibility.gate.source import Source

_LONG = timedelta(days=366)


def waived(source: Source, finding: Finding, today: date) -> Finding:
    """Return the finding with the first waiver that names it; one that holds takes its consequences away."""
    if finding.outcome not in FAILING:
        return finding
    named = [(index, waiver) for index, waiver in enumerate(source.config.waivers) if _names(waiver, finding)]
    if not named:
        return finding
    index, waiver = max(named, key=lambda pair: pair[1].until)
    exemption = Exemption(
        until=waiver.until,
        reason=waiver.reason,
        spot=source.spot("waivers", index),
        has_ended=today > waiver.until,
    )
    outcome = finding.outcome if exemption.has_ended else "waived"
    return replace(finding, exemption=exemption, outcome=outcome)


def waiver_notes(source: Source, findings: Sequence[Finding], today: date) -> Iterator[str]:
    """Yield a sentence for each waiver that names no budget, or none that is over, or holds very long."""
    for index, waiver in enumerate(source.config.waivers):
        for said in _notes(waiver, findings, today):
            yield f"The waiver in line {source.spot('waivers', index).line} {said}."


def _notes(waiver: Waiver, findings: Sequence[Finding], today: date) -> Iterator[str]:
    if waiver.until - today > _LONG:
        yield f"holds until {waiver.until}, more than a year from now"
    if any(finding.rule == WHOLE and _is_of(waiver, finding) for finding in findings):
        return  # nobody knows what its budgets would say
    budget = f"{waiver.rule} of {waiver.model}" + (f" on {waiver.target}" if waiver.target else "")
    named = [finding for finding in findings if _names(waiver, finding)]
    if not named:
        yield f"names nothing: there is no budget {budget}"
    elif not any(finding.outcome in FAILING for finding in named):
        ended = f"; it ended on {waiver.until}" if today > waiver.until else ""
        yield f"is not needed: {budget} is within its budget{ended}"


def _names(waiver: Waiver, finding: Finding) -> bool:
    return finding.rule == waiver.rule and _is_of(waiver, finding) and waiver.target in (None, finding.target)


def _is_of(waiver: Waiver, finding: Finding) -> bool:
    return finding.path == waiver.model or fnmatchcase(finding.path, waiver.model)
