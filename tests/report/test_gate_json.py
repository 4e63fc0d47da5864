from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from feasibility.gate.records import GateReport
from feasibility.report.json import dumps, schema
from tests.report.gate_samples import FAILING, NEW, OVER, PASSING, SLOW, UNTOLD, WAIVED, WARNS, finding
from tests.report.test_report_json import strict


def valid(report: GateReport) -> dict[str, Any]:
    """Return the parsed report after checking it against the closed schema."""
    answer: dict[str, Any] = json.loads(dumps(report.to_dict()))
    validator = Draft202012Validator(
        strict(json.loads(schema("gate"))), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    validator.validate(answer)
    return answer


@pytest.mark.parametrize(("name", "report"), [("gate.json", FAILING), ("gate_passed.json", PASSING)])
def test_the_json(golden: Callable[[str, str], None], name: str, report: GateReport) -> None:
    """The JSON keeps to its schema, every key described and none missing, and is the golden file's."""
    valid(report)
    golden(name, dumps(report.to_dict()))


def test_what_fails_is_said_once_more() -> None:
    """`fails` saves a reader the rule: over or untold, at the level error."""
    found = valid(replace(FAILING, findings=(OVER, UNTOLD, WARNS, WAIVED, NEW, finding())))["findings"]
    assert [each["fails"] for each in found] == [True, True, False, False, False, False]


def test_a_waiver_is_an_object_or_null() -> None:
    """It has its day, its reason, its line, and whether it has ended."""
    ended, none = (each["waiver"] for each in valid(replace(FAILING, findings=(SLOW, OVER)))["findings"])
    assert ended == {
        "until": "2026-10-31",
        "reason": "Until the NPU build lands.",
        "line": 40,
        "has_ended": True,
    }
    assert none is None


def test_numbers_are_in_si_units_and_null_where_nobody_can_tell() -> None:
    """92 ms are 0.092 s, and what is unknown is not 0."""
    slow, untold = valid(replace(FAILING, findings=(SLOW, UNTOLD)))["findings"]
    assert (slow["unit"], slow["budget"], slow["now"]) == ("s", 0.03, 0.092)
    assert (untold["now"], untold["base"]) == (None, None)
