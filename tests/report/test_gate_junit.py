from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from xml.etree import ElementTree as ET

import pytest
from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from feasibility.gate.records import GateReport
from feasibility.report.gate_junit import render
from tests.report.gate_samples import FAILING, OVER, PASSING, finding


def read(report: GateReport) -> list[TestSuite]:
    """Read a report back with junitparser."""
    return list(JUnitXml.fromstring(render(report).encode()))


def case(report: GateReport, name: str) -> TestCase:
    """Return the test case of that name."""
    (found,) = [case for suite in read(report) for case in suite if case.name == name]
    return found


@pytest.mark.parametrize(("name", "report"), [("gate.xml", FAILING), ("gate_passed.xml", PASSING)])
def test_the_document(golden: Callable[[str, str], None], name: str, report: GateReport) -> None:
    """The XML is the golden file's."""
    golden(name, render(report))


def test_a_suite_is_a_model() -> None:
    """Three models and the lock are four suites; their counts sum to those of the document."""
    counts = [
        (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) for suite in read(FAILING)
    ]
    assert counts == [
        ("models/encoder.onnx", 3, 3, 0, 0),
        ("models/decoder.onnx", 3, 0, 0, 1),
        ("models/tiny.onnx", 1, 0, 0, 0),
        ("lock", 1, 1, 0, 0),
    ]
    whole = JUnitXml.fromstring(render(FAILING).encode())
    assert (whole.tests, whole.failures, whole.skipped, whole.time) == (8, 4, 1, 0)


def test_counts_are_those_of_the_cases() -> None:
    """The attributes say what there is to count in the suite."""
    for suite in read(FAILING):
        results = [result for case in suite for result in case.result]
        failures = sum(isinstance(result, Failure) for result in results)
        assert (suite.tests, suite.failures, suite.skipped) == (
            len(list(suite)),
            failures,
            len(results) - failures,
        )


def test_what_fails_is_a_failure_with_reasons() -> None:
    """Its type is the outcome, its message the sentence, its text why and what would pass."""
    (failure,) = case(FAILING, "coverage").result
    assert isinstance(failure, Failure)
    assert failure.type == "untold"
    assert (
        failure.message == "models/encoder.onnx cannot be counted in full: 2 nodes are not: com.acme::Fancy"
    )
    (failure,) = case(replace(FAILING, findings=(OVER,)), "download").result
    assert isinstance(failure, Failure)
    assert failure.text is not None
    lines = failure.text.splitlines()
    assert lines[1] == "why: encoder/layer.0 has 1.5 MB of weights more than the baseline"
    assert [line.partition(":")[0] for line in lines[2:]] == ["what would pass"] * 3 + ["note"]


def test_what_is_waived_is_skipped_and_what_warns_passes() -> None:
    """A waiver is no failure and no pass; a warning passes, with its sentence as output."""
    (skipped,) = case(FAILING, "peak_memory (phone)").result
    assert isinstance(skipped, Skipped)
    assert skipped.message == "waived until 2027-01-31: The cache is rewritten in January."
    warning = case(FAILING, "growth.download")
    assert warning.is_passed
    assert str(warning.system_out).startswith("the download of models/decoder.onnx grew by")


def test_a_case_is_at_the_line_of_its_budget() -> None:
    """File and line stand beside the name, for tools that link to them."""
    root = ET.fromstring(render(FAILING))  # noqa: S314 (our own)
    cases = [(each.get("classname"), each.get("file"), each.get("line")) for each in root.iter("testcase")]
    assert cases[0] == ("models/encoder.onnx", "ci/feasible.yaml", "12")
    assert cases[-1] == ("lock", "ci/feasible.yaml", "1")
    text = render(replace(PASSING, config="/checkout/ci/feasible.yaml"), root=PurePosixPath("/checkout"))
    assert 'file="ci/feasible.yaml"' in text


def test_no_character_is_outside_xml() -> None:
    """NUL, an escape, U+FFFE, a lone surrogate and the end of a CDATA section are text as any other."""
    hostile = "a\x00\x1b\ufffe\ud800]]><b>"
    (suite,) = read(replace(PASSING, findings=(finding(outcome="over", message=hostile, model=hostile),)))
    assert suite.name == r"a\x00\x1b\ufffe\ud800]]><b>"
    (only,) = suite
    assert only.result[0].message == suite.name
