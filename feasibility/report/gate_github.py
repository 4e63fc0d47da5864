"""Render what the gate found as workflow commands of GitHub Actions: annotations at the budgets' lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from feasibility.gate.records import Finding, GateReport
from feasibility.report.escape import clipped, printable
from feasibility.report.gate_place import repository_path
from feasibility.report.gate_text import headline as text_headline
from feasibility.report.gate_text import one_line, result, rule_name

MOST = 10  # errors, and warnings, of a step that GitHub shows (its REST API, "Create a check run", 2026-11)
SUMMARY_MOST_BYTES = 1024 * 1024  # of a step ("upload aborted, supports content up to a size of 1024k")
_TITLE_MOST = 255  # characters of an annotation's title (the REST API, as above)
_MESSAGE_MOST = 4000  # characters, a page of text; GitHub takes 64 KB
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def render(report: GateReport, *, root: PurePath | None = None) -> str:
    """Return at most ten commands, failures first; nothing where all budgets hold.

    `root` is the checkout, from which an absolute config path is told.
    """
    shown = _ordered(report)
    kept = shown if len(shown) <= MOST else shown[: MOST - 1]
    config = repository_path(report.config, root)
    lines = [_command(_kind(found), _properties(found, config), one_line(found)) for found in kept]
    if len(kept) < len(shown):
        lines.append(_rest(report, shown[len(kept) :]))
    return "".join(f"{line}\n" for line in lines)


def summary(markdown: str, written_bytes: int = 0) -> str:
    """Return what to append to the file of GITHUB_STEP_SUMMARY, where so much is written already.

    A summary beyond GitHub's limit is refused as a whole, so what does not fit is one sentence.
    """
    text = f"{markdown}\n"
    if written_bytes + len(text.encode()) <= SUMMARY_MOST_BYTES:
        return text
    sentence = "The report of feasible gate does not fit into this summary: see the log.\n"
    return sentence if written_bytes + len(sentence.encode()) <= SUMMARY_MOST_BYTES else ""


def _ordered(report: GateReport) -> list[Finding]:
    waived = [found for found in report.findings if found.outcome == "waived"]
    return [*report.failures, *report.warnings, *waived]


def _kind(found: Finding) -> str:
    if found.fails:
        return "error"
    return "warning" if found.warns else "notice"


def _properties(found: Finding, config: str) -> dict[str, str]:
    place = {"file": config, "line": str(found.spot.line), "col": str(found.spot.column)}
    return {**place, "title": f"feasible gate: {rule_name(found)} {result(found)}"}


def _rest(report: GateReport, left: Sequence[Finding]) -> str:
    """Return the command that counts what no longer has room, as severe as the worst of it."""
    fails = sum(found.fails for found in left)
    failing = f", {fails:,} of them failing" if fails else ""
    message = f"{len(left):,} more findings have no annotation{failing}. {text_headline(report)}"
    return _command(_kind(left[0]), {"title": "feasible gate: more findings"}, message)


def _command(kind: str, properties: dict[str, str], message: str) -> str:
    """Return one line that the runner reads as one command, whatever the texts hold."""
    limited = {**properties, "title": clipped(properties["title"], _TITLE_MOST)}
    pairs = ",".join(f"{key}={_escaped(text, _PROPERTY)}" for key, text in limited.items())
    return f"::{kind} {pairs}::{_escaped(clipped(message, _MESSAGE_MOST), _DATA)}"


def _escaped(text: str, written: dict[str, str]) -> str:
    """Write out what the runner would read as the end of a text; per cent signs come first."""
    shown = printable(text)
    for character, code in written.items():
        shown = shown.replace(character, code)
    return shown
