"""Render what the gate found as JUnit XML: a suite per model, a test case per budget.

Nothing that is not printable is in it, so that every character is one of XML 1.0; no
time and no host either, so that the same findings are the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from feasibility.gate.records import Finding, GateReport
from feasibility.report.escape import printable
from feasibility.report.gate_place import repository_path
from feasibility.report.gate_text import by_model, rule_name, waiver_said, waiver_text


def render(report: GateReport, *, root: PurePath | None = None) -> str:
    """Return the report; `root` is the checkout, from which an absolute config path is told."""
    config = repository_path(report.config, root)
    suites = Element("testsuites", _attributes("feasible gate", report.findings))
    for title, findings in by_model(report):
        suite = SubElement(suites, "testsuite", _attributes(title, findings))
        for found in findings:
            _case(suite, found, title, config)
    indent(suites)
    written: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return written.decode() + "\n"


def _attributes(name: str, findings: Sequence[Finding]) -> dict[str, str]:
    counts = {
        "tests": len(findings),
        "failures": sum(found.fails for found in findings),
        "errors": 0,
        "skipped": sum(found.outcome == "waived" for found in findings),
        "time": 0,
    }
    return {"name": printable(name), **{key: str(count) for key, count in counts.items()}}


def _case(suite: Element, found: Finding, model: str, config: str) -> None:
    """Add a budget: one that only warns passes, and says so in its output."""
    names = {"classname": model, "name": rule_name(found), "file": config}
    attributes = {key: printable(text) for key, text in names.items()}
    case = SubElement(suite, "testcase", {**attributes, "line": str(found.spot.line), "time": "0"})
    if found.fails:
        failure = SubElement(case, "failure", type=found.outcome, message=printable(found.message))
        failure.text = _body(found)
    elif found.outcome == "waived":
        reason = waiver_text(found.exemption) if found.exemption else found.message
        SubElement(case, "skipped", type=found.outcome, message=printable(reason))
    elif found.outcome != "passed":
        SubElement(case, "system-out").text = _body(found)


def _body(found: Finding) -> str:
    """Return the sentence of a finding, why, and what would pass, a line each."""
    lines = [
        found.message,
        *(f"why: {text}" for text in found.why),
        *(f"what would pass: {text}" for text in found.fixes),
        *([f"note: {found.note}"] if found.note else []),
        waiver_said(found),
    ]
    return "\n".join(map(printable, filter(None, lines)))
