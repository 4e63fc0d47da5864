from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest

from feasibility.gate.records import Finding, GateReport, Spot
from feasibility.report import gate_sarif
from feasibility.report.gate_sarif import render
from tests.report.gate_samples import FAILING, OVER, PASSING, SLOW, WAIVED, WARNS
from tests.report.sarif_schema import valid_run


def results(*findings: Finding, config: str = "feasible.yaml") -> list[dict[str, Any]]:
    """Return the results of a report of these findings."""
    found: list[dict[str, Any]] = valid_run(render(replace(PASSING, findings=findings, config=config)))[
        "results"
    ]
    return found


@pytest.mark.parametrize(("name", "report"), [("gate.sarif", FAILING), ("gate_passed.sarif", PASSING)])
def test_the_log(
    golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch, name: str, report: GateReport
) -> None:
    """The log keeps to the schema of SARIF 2.1.0, and is the golden file's."""
    monkeypatch.setattr(gate_sarif, "version", lambda name: f"1.2.3 of {name}")
    text = render(report)
    valid_run(text)
    golden(name, text)


def test_each_result_stands_at_the_line_of_its_budget() -> None:
    """Failures, warnings and what is waived are results at the budget's line and column; the rest is none."""
    places = [
        (result["ruleId"], result["level"], *result["locations"][0]["physicalLocation"]["region"].values())
        for result in valid_run(render(FAILING))["results"]
    ]
    assert places == [
        ("download", "error", 12, 7),
        ("inference", "error", 14, 7),
        ("coverage", "error", 15, 7),
        ("growth.download", "warning", 21, 9),
        ("peak_memory", "error", 23, 7),
        ("lock", "error", 1, 1),
    ]


def test_each_result_points_to_its_rule() -> None:
    """`ruleIndex` is the place of `ruleId` in the driver's rules, each with a description and help."""
    run = valid_run(render(FAILING))
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)
    assert len({rule["id"] for rule in rules}) == len(rules)


def test_a_rule_says_what_it_holds() -> None:
    """The title names the quantity in words; a rule that nobody knows is its own name."""
    odd = replace(OVER, rule="odd")
    rules = valid_run(render(replace(FAILING, findings=(*FAILING.findings, odd))))["tool"]["driver"]["rules"]
    titles = {rule["id"]: rule["shortDescription"]["text"] for rule in rules}
    assert titles["inference"] == "Budget of an inference"
    assert titles["growth.download"] == "Growth of the download"
    assert titles["lock"] == "The lock file is up to date"
    assert titles["odd"] == "Budget of odd"


def test_what_is_waived_is_suppressed_for_its_reason() -> None:
    """A waiver that holds is a suppression from outside the source; one that has ended is none."""
    ended, waived = results(SLOW, WAIVED)
    assert "suppressions" not in ended
    assert waived["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "The cache is rewritten in January."}
    ]


def test_a_result_is_the_same_when_its_line_moves() -> None:
    """Fingerprints hold rule, model and target, not the line nor the numbers; another target is another."""
    moved = replace(SLOW, spot=Spot(line=99, column=3), now=0.5, message="other", budget=0.1)
    other = replace(SLOW, target="tablet")
    same, again, different = (result["partialFingerprints"] for result in results(SLOW, moved, other))
    assert same == again
    assert not set(same.values()) & set(different.values())
    assert "primaryLocationLineHash" in same


@pytest.mark.parametrize(
    ("config", "uri"),
    [
        ("ci/feasible.yaml", "ci/feasible.yaml"),
        ("./ci/../feasible.yaml", "feasible.yaml"),
        ("../other/feasible.yaml", "other/feasible.yaml"),
        ("/home/me/secret/feasible.yaml", "feasible.yaml"),
        ("/checkout/ci/feasible.yaml", "ci/feasible.yaml"),
        ("a b/c#d?e%f.yaml", "a%20b/c%23d%3Fe%25f.yaml"),
        ("größe.yaml", "gr%C3%B6%C3%9Fe.yaml"),
        ("x:y.yaml", "x%3Ay.yaml"),
    ],
)
def test_the_file_is_named_from_the_checkout(config: str, uri: str) -> None:
    """No path of a machine is in a log: below the checkout, else as much as is known to be below it."""
    run = valid_run(
        render(replace(PASSING, findings=(OVER,), config=config), root=PurePosixPath("/checkout"))
    )
    location = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": uri, "uriBaseId": "%SRCROOT%"}


def test_without_a_checkout_an_absolute_path_is_its_name() -> None:
    """Nobody says what the path is to be told from."""
    (result,) = results(OVER, config="/home/me/feasible.yaml")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "feasible.yaml"


def test_braces_and_links_in_a_message_are_text() -> None:
    """`{0}` would be a placeholder and `[x](1)` a link (SARIF 2.1.0, 3.11.5 and 3.11.6)."""
    (result,) = results(replace(WARNS, message="{0} [x](1)", fixes=()))
    assert result["message"]["text"] == "{{0}} \\[x\\](1)."


def test_numbers_are_in_the_properties() -> None:
    """Budget, now and base come in SI units, exactly."""
    (result,) = results(OVER)
    numbers = {key: result["properties"][key] for key in ("unit", "budget", "now", "base")}
    assert numbers == {"unit": "bytes", "budget": 25e6, "now": 26.4e6, "base": 24.9e6}


def test_nothing_is_there_where_all_holds() -> None:
    """A passed gate is a run without results, so that GitHub closes the alerts of before."""
    assert valid_run(render(PASSING))["results"] == []
    assert "/work" not in json.dumps(valid_run(render(FAILING)))
