"""Let a budget be passed until a day, for a reason; say which waivers have ended or are not needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase

from feasibility.gate.config import Waiver
from feasibility.gate.records import FAILING, Exemption, Finding
from feasibility.gate.source import Source


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


def unneeded(source: Source, findings: Iterable[Finding], today: date) -> Iterator[str]:
    """Yield a sentence for each waiver that names nothing that is over."""
    over = [finding for finding in findings if finding.outcome in FAILING]
    for index, waiver in enumerate(source.config.waivers):
        if not any(_names(waiver, finding) for finding in over):
            line = source.spot("waivers", index).line
            ended = f" It ended on {waiver.until}." if today > waiver.until else ""
            holds = f"{waiver.rule} of {waiver.model} is within its budget"
            yield f"The waiver in line {line} is not needed: {holds}.{ended}"


def _names(waiver: Waiver, finding: Finding) -> bool:
    return (
        finding.rule == waiver.rule
        and (finding.model == waiver.model or fnmatchcase(finding.model, waiver.model))
        and waiver.target in (None, finding.target)
    )
