"""Render what the gate found as plain text, and word what every format of it shares."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from feasibility.gate.records import LOCK, NOTHING, Exemption, Finding, GateReport
from feasibility.report.escape import printable
from feasibility.report.layout import WIDTH, Column, bullets, fields, paragraph, table

_RESULTS = {"passed": "ok", "over": "over", "untold": "cannot tell", "waived": "waived", "new": "new"}
_NAMED = 3  # findings that the first line names before it only counts
_TITLES = ("rule", "budget", "now", "base", "result", "line")
_NUMBERS = (False, True, True, True, False, True)
_GAPS = 2 * (len(_TITLES) - 1)
_NUMBER_AND_UNIT = re.compile(r"(?<=\d) (?=[A-Za-z%])")
_HELD = "\u00a0"  # stands for the space between a number and its unit while a cell is wrapped


def render(report: GateReport) -> str:
    """Return the answer in the first line, then a table per model, then what fails or warns and why."""
    blocks = [
        paragraph(headline(report)),
        fields(_facts(report)),
        *(_model(title, findings) for title, findings in by_model(report)),
        *map(_details, _alike((*report.failures, *report.warnings))),
        bullets("waived", (waiver(found) for found in report.findings if found.outcome == "waived")),
        bullets("notes", report.notes),
        _baseline(report),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_short(report: GateReport) -> str:
    """Return the first sentence only."""
    return printable(headline(report)) + "\n"


def headline(report: GateReport) -> str:
    """Return whether the gate is passed, as one sentence that names what is in the way."""
    if not report.findings:
        return "feasible gate: passed, but there is no budget to hold."
    return f"feasible gate: {_holding(report) if report.passed else _failing(report)}."


def _failing(report: GateReport) -> str:
    """Say how many budgets are over, of how many nobody can tell, and which."""
    total, failures = len(report.findings), report.failures
    over = sum(found.outcome == "over" for found in failures)
    untold = len(failures) - over
    if not over:
        said = f"{untold} of {_counted(total, 'budget')} cannot be told"
    else:
        said = f"{over} of {_counted(total, 'budget')} {_is(over)} over"
        said += f" and {untold} cannot be told" if untold else ""
    return f"not passed, {said} ({_named(failures)})"


def _holding(report: GateReport) -> str:
    """Say how many budgets hold, and what the others are."""
    total, models = len(report.findings), _counted(len(report.models), "model")
    held = sum(found.outcome == "passed" for found in report.findings)
    others = ", ".join(_others(report))
    if held == total:
        return f"passed, {_counted(total, 'budget')} hold{'s' * (total == 1)} for {models}"
    verb = "holds" if 1 in (held, total) else "hold"
    return f"passed, {held} of {_counted(total, 'budget')} {verb} for {models} ({others})"


def _others(report: GateReport) -> Iterator[str]:
    """Yield how many findings neither hold nor fail, by what they are."""
    counts = (
        (len(report.warnings), "over or unknown, which only warns"),
        (sum(found.outcome == "waived" for found in report.findings), "waived"),
        (sum(found.outcome == "new" for found in report.findings), "new"),
    )
    return (f"{count} {what}" for count, what in counts if count)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _named(findings: Sequence[Finding]) -> str:
    """Name the first few findings, those of a model together."""
    models: dict[str, list[str]] = {}
    for found in findings[:_NAMED]:
        target = "" if found.target is None else f" on {found.target}"
        models.setdefault(found.model, []).append(f"{found.rule}{target}")
    said = [f"{model}: {', '.join(rules)}" if model else ", ".join(rules) for model, rules in models.items()]
    more = len(findings) - _NAMED
    return "; ".join([*said, *([f"and {more:,} more"] if more > 0 else [])])


def by_model(report: GateReport) -> list[tuple[str, tuple[Finding, ...]]]:
    """Return the findings of each model under its path, those of the lock under `lock`."""
    groups: dict[str, list[Finding]] = {name: [] for name in report.models}
    for found in report.findings:
        groups.setdefault(found.model, []).append(found)
    return [(name or LOCK, tuple(findings)) for name, findings in groups.items() if findings]


def rule_name(found: Finding) -> str:
    """Return the rule, and the target it is judged on: `inference (phone)`."""
    return found.rule if found.target is None else f"{found.rule} ({found.target})"


def result(found: Finding) -> str:
    """Return the outcome in words: `ok`, `over`, `over, warns`, `cannot tell`, `waived`, `new`."""
    return _RESULTS[found.outcome] + (", warns" if found.warns else "")


def waiver(found: Finding) -> str:
    """Say which finding is waived, until when and why, or that its waiver has ended; else nothing."""
    if found.exemption is None:
        return ""
    place = f"{found.model}, {rule_name(found)}" if found.model else rule_name(found)
    return f"{place}: {waiver_text(found.exemption)}"


def waiver_text(exemption: Exemption) -> str:
    """Say until when a waiver holds, or that it has ended, and its reason."""
    until = exemption.until.isoformat()
    line = exemption.spot.line
    held = f"the waiver of line {line} ended on {until}" if exemption.has_ended else f"waived until {until}"
    return f"{held}: {exemption.reason}"


def _facts(report: GateReport) -> list[tuple[str, str]]:
    dated = any(found.exemption for found in report.findings)
    return [("budgets", f"{report.config}{f', waivers as of {report.today.isoformat()}' if dated else ''}")]


def _model(title: str, findings: Sequence[Finding]) -> list[str]:
    columns = [Column(name, right=right) for name, right in zip(_TITLES, _NUMBERS, strict=True)]
    rows = [_row(found) for found in findings]
    return [*paragraph(title), *table(columns, _fitted(rows))]


def _row(found: Finding) -> tuple[str, ...]:
    texts = (found.budget_text, found.now_text, found.base_text)
    return rule_name(found), *(text or NOTHING for text in texts), result(found), str(found.spot.line)


def _fitted(rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Break the cells of a table that is wider than the page, into rows of their pieces.

    Numbers keep their units. The last column is padded here: a table leaves it to the left.
    """
    shown = [tuple(map(printable, row)) for row in rows]
    limits = _limits([max(map(len, column)) for column in zip(_TITLES, *shown, strict=True)])
    pieces = [row for cells in shown for row in zip_longest(*map(_broken, cells, limits), fillvalue="")]
    return [(*row[:-1], row[-1].rjust(len(_TITLES[-1]))) for row in pieces]


def _limits(widths: Sequence[int]) -> list[int]:
    """Take from the widest column, and again, until the table fits the page."""
    limits = [min(width, WIDTH) for width in widths]
    while sum(limits) + _GAPS > WIDTH:
        limits[limits.index(max(limits))] -= 1
    return limits


def _broken(cell: str, width: int) -> list[str]:
    held = _NUMBER_AND_UNIT.sub(_HELD, cell)
    return [line.replace(_HELD, " ") for line in textwrap.wrap(held, width, break_on_hyphens=False)]


def _alike(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Put those of a model together that have the same reasons, each group where its first one stands."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for found in findings:
        alone = () if found.why else (found.rule, found.target)
        groups.setdefault((found.model, found.why, *alone), []).append(found)
    return list(groups.values())


def _details(group: Sequence[Finding]) -> list[str]:
    """Return findings that fail or warn: what, why, what would pass, who says so, and waivers."""
    fixes = [
        f"{rule_name(found)}: {fix}" if len(group) > 1 else fix for found in group for fix in found.fixes
    ]
    notes = dict.fromkeys(f"Note: {found.note}" for found in group if found.note)
    return [
        *(line for found in group for line in paragraph(sentence(found.message))),
        *bullets("why", group[0].why),
        *bullets("what would pass", fixes),
        *(line for said in (*notes, *map(waiver_said, group)) if said for line in paragraph(said)),
    ]


def sentence(text: str) -> str:
    """Return the text with the full stop that ends it."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def one_line(found: Finding) -> str:
    """Return what was found, why, what would pass, the note and the waiver, as sentences in a row."""
    parts = (
        found.message,
        found.why and f"Why: {'; '.join(found.why)}",
        found.fixes and f"What would pass: {'; '.join(found.fixes)}",
        found.note and f"Note: {found.note}",
        waiver_said(found),
    )
    return " ".join(sentence(part) for part in parts if part)


def waiver_said(found: Finding) -> str:
    """Return the waiver as a sentence of its own, or nothing."""
    said = "" if found.exemption is None else waiver_text(found.exemption)
    return said[:1].upper() + said[1:]


def _baseline(report: GateReport) -> list[str]:
    return fields([("baseline", report.baseline)]) if report.baseline else []
