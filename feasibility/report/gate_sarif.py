"""Render what the gate found as SARIF 2.1.0, for code scanning.

Only findings that fail, warn or are waived are results: GitHub leaves out every kind
but `fail`, and a budget that holds would be a line of noise elsewhere.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from urllib.parse import quote

from feasibility.gate.records import FAILING, GROWTH, LOCK, WHOLE, Finding, GateReport
from feasibility.gate.rules import RULES
from feasibility.report.escape import printable
from feasibility.report.gate_place import repository_path
from feasibility.report.gate_text import one_line, rule_name
from feasibility.report.json import dumps

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_LEVELS = {"error": "error", "warn": "warning"}
# Ours, and the one by which GitHub tells alerts apart. Left out, its upload action fills it with a hash of
# the line, which is the same for every model that one glob of the config names.
_FINGERPRINTS = ("feasibleGate/v1", "primaryLocationLineHash")
_SAID = {  # of rules that are about no quantity: title and help
    WHOLE: ("The model can be judged", "A model must be readable before a budget can be held to it."),
    LOCK: ("The lock file is up to date", "Write the lock file anew (feasible gate --update) and commit it."),
}


def render(report: GateReport, *, root: PurePath | None = None) -> str:
    """Return the log; `root` is the checkout, from which an absolute config path is told."""
    shown = [found for found in report.findings if found.outcome in FAILING or found.outcome == "waived"]
    rules = sorted({found.rule for found in report.findings})
    uri = quote(repository_path(report.config, root).encode("utf-8", "surrogatepass"))
    driver = {"name": "feasible", **_version(), "rules": [_rule(rule) for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The top of the checkout."}}},
        "results": [_result(found, rules.index(found.rule), uri) for found in shown],
    }
    return dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _version() -> dict[str, str]:
    try:
        return {"version": version("feasible")}
    except PackageNotFoundError:  # run from a checkout that is not installed
        return {}


def _rule(rule: str) -> dict[str, object]:
    title, text = _SAID.get(rule) or _quantity(rule)
    return {
        "id": printable(rule),
        "shortDescription": {"text": _text(title)},
        "help": {"text": _text(text)},
        "defaultConfiguration": {"level": "error"},
    }


def _quantity(rule: str) -> tuple[str, str]:
    """Return the title and the help of a rule about a quantity, or about how it grows."""
    name = rule.removeprefix(GROWTH)
    label = RULES[name].label if name in RULES else name
    label = label[:1].lower() + label[1:]
    ways = "Change the model, raise the budget in the config, or waive it there until a day."
    if rule != name:
        return f"Growth of {label}", f"It may not grow by more than the config allows. {ways}"
    return f"Budget of {label}", f"It must stay within the budget that the config sets. {ways}"


def _text(text: str) -> str:
    """Return a message string: braces doubled and link brackets escaped (SARIF 2.1.0, 3.11.5 and 3.11.6)."""
    shown = printable(text).replace("{", "{{").replace("}", "}}")
    return shown.replace("[", "\\[").replace("]", "\\]") if "](" in shown else shown


def _result(found: Finding, rule_index: int, uri: str) -> dict[str, object]:
    region = {"startLine": max(1, found.spot.line), "startColumn": max(1, found.spot.column)}
    place = {"artifactLocation": {"uri": uri, "uriBaseId": _ROOT}, "region": region}
    return {
        "ruleId": printable(found.rule),
        "ruleIndex": rule_index,
        "kind": "fail",
        "level": _LEVELS[found.level],
        "message": {"text": _text(one_line(found))},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": dict.fromkeys(_FINGERPRINTS, _fingerprint(found)),
        **_suppressions(found),
        "properties": _properties(found),
    }


def _fingerprint(found: Finding) -> str:
    """Return what stays the same when the budget moves to another line or changes its number."""
    names = "\0".join((found.rule, found.model, found.target or ""))
    return hashlib.sha256(names.encode("utf-8", "surrogatepass")).hexdigest()


def _suppressions(found: Finding) -> dict[str, object]:
    if found.outcome != "waived":
        return {}
    reason = found.exemption.reason if found.exemption else found.message
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": printable(reason)}]}


def _properties(found: Finding) -> dict[str, object]:
    """Return the numbers, in SI units, and what they are of."""
    return {
        "model": printable(found.model),
        "target": None if found.target is None else printable(found.target),
        "budgetName": printable(rule_name(found)),
        "outcome": found.outcome,
        "unit": found.unit,
        "budget": found.budget,
        "now": found.now,
        "base": found.base,
        "budgetText": printable(found.budget_text),
        "nowText": printable(found.now_text),
        "baseText": printable(found.base_text),
        "note": printable(found.note),
    }
