"""Render what the gate found as Markdown: one comment that is written over, or the summary of a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from feasibility.gate.records import LOCK, NOTHING, Finding, GateReport
from feasibility.report.escape import clipped, markdown_code, markdown_prose, printable
from feasibility.report.gate_place import repository_path
from feasibility.report.gate_text import headline, result, sentence, waiver, waiver_said

MARKER = "<!-- feasible-gate -->"  # how a tool finds the comment that it wrote before
MOST = 65_536  # characters of a comment (its API: "Body is too long (maximum is 65536 characters)", 2026-11)
_FRAME = 300  # characters that a section may need to open, to close and to say what is left out
_LONG = 500  # characters of one text from a model or a config that a comment shows
_TITLES = ("result", "rule", "model", "budget", "now", "base", "line")


@dataclass(frozen=True, slots=True)
class _Section:
    """Rows between an opening and a closing; each row is left out whole or not at all."""

    opening: str
    rows: Sequence[str]
    noun: str
    closing: str = ""


def render(report: GateReport, *, root: PurePath | None = None) -> str:
    """Return the answer as a title, what does not hold, why and what would pass, and the rest folded.

    What does not fit into a comment is left out from the end of each section, and counted.
    `root` is the checkout, from which an absolute config path is told.
    """
    head = f"### {_prose(headline(report))}\n\n{MARKER}\n\n{_source(report, root)}\n"
    sections = [section for section in _sections(report) if section.rows]
    room = MOST - len(head) - _FRAME * len(sections)
    parts = [head]
    for section in sections:
        kept = _fitting(section.rows, room)
        room -= sum(len(row) + 1 for row in kept)
        parts.append(_written(section, kept))
    return "\n".join(parts)


def _sections(report: GateReport) -> Iterator[_Section]:
    held = [found for found in report.findings if found.outcome == "passed"]
    waived = [found for found in report.findings if found.outcome == "waived"]
    new = [found for found in report.findings if found.outcome == "new"]
    serious = [*report.failures, *report.warnings]
    yield _table([*serious, *waived, *new])
    yield _Section("**Why, and what would pass**\n", [_item(found) for found in serious], "explanations")
    yield _Section("**Waivers**\n", [f"* {_prose(waiver(found))}" for found in waived], "waivers")
    yield _Section("**Notes**\n", [f"* {_prose(note)}" for note in report.notes], "notes")
    summary = f"{len(held):,} budget{'s hold' if len(held) != 1 else ' holds'}"
    table = _table(held)
    opening = f"<details><summary>{summary}</summary>\n\n{table.opening}"
    yield _Section(opening, table.rows, table.noun, "\n</details>")


def _source(report: GateReport, root: PurePath | None) -> str:
    baseline = f" Baseline: {_prose(report.baseline)}." if report.baseline else ""
    return f"Budgets: {_code(repository_path(report.config, root))}.{baseline}"


def _table(findings: Iterable[Finding]) -> _Section:
    lines = ["| " + " | ".join(cells) + " |" for cells in (_TITLES, ["---"] * len(_TITLES))]
    return _Section("\n".join(lines), [f"| {' | '.join(_cells(found))} |" for found in findings], "budgets")


def _cells(found: Finding) -> Iterator[str]:
    said = _prose(result(found))
    yield f"**{said}**" if found.fails else said
    yield _prose(found.rule) + ("" if found.target is None else f" on {_code(found.target)}")
    yield _code(found.model) if found.model else LOCK
    yield from (_prose(text or NOTHING) for text in (found.budget_text, found.now_text, found.base_text))
    yield str(found.spot.line)


def _item(found: Finding) -> str:
    """Return the sentence of a finding, and under it why, what would pass, the note and the waiver."""
    under = (
        found.why and f"Why: {'; '.join(map(_prose, found.why))}.",
        found.fixes and f"What would pass: {'; '.join(map(_prose, found.fixes))}.",
        found.note and f"Note: {_prose(found.note)}",
        _prose(waiver_said(found)),
    )
    return "\n".join([f"* {_prose(sentence(found.message))}", *(f"  * {text}" for text in under if text)])


def _fitting(rows: Sequence[str], room: int) -> list[str]:
    """Return the first rows that have room, a line end each."""
    kept: list[str] = []
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            break
        kept.append(row)
    return kept


def _written(section: _Section, kept: Sequence[str]) -> str:
    left = len(section.rows) - len(kept)
    said = f"\n{left:,} more {section.noun} are left out: a comment has no room for them.\n" if left else ""
    return "\n".join([section.opening, *kept, *filter(None, [said, section.closing])]) + "\n"


def _prose(text: str) -> str:
    return markdown_prose(clipped(printable(text), _LONG))


def _code(text: str) -> str:
    return markdown_code(clipped(printable(text), _LONG))
