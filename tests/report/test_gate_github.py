from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from feasibility.report import gate_markdown
from feasibility.report.gate_github import MOST, SUMMARY_MOST_BYTES, render, summary
from tests.report.gate_samples import FAILING, OVER, PASSING, SLOW, WAIVED, WARNS, finding
from tests.runner import Command, commands


def test_annotations_by_severity() -> None:
    """Errors, then warnings, then what is waived as notices, each at its budget; the rest has none."""
    said = [(found.name, found.properties["line"]) for found in commands(render(FAILING))]
    errors = [("error", line) for line in ("12", "14", "15", "1")]
    assert said == [*errors, ("warning", "21"), ("notice", "23")]


def test_an_annotation_is_whole() -> None:
    """The runner reads file, line, column, title and one message with why and what would pass."""
    (found,) = commands(render(replace(FAILING, findings=(OVER,))))
    place = {"file": "ci/feasible.yaml", "line": "12", "col": "7"}
    assert found.properties == {**place, "title": "feasible gate: download over"}
    assert found.data == (
        "the download of models/encoder.onnx is 26.4 MB, and the budget is 25 MB. "
        "Why: encoder/layer.0 has 1.5 MB of weights more than the baseline. "
        "What would pass: 1.4 MB less (5.3 %); fp16 weights: 13.2 MB; or a budget of 26.4 MB. "
        "Note: Ask the web team before you raise this: the page promises 25 MB."
    )


def test_a_passed_gate_annotates_nothing() -> None:
    """Where all budgets hold there is no line."""
    assert render(PASSING) == ""


@pytest.mark.parametrize(
    ("count", "more"),
    [
        (10, "the download of models/decoder.onnx grew"),
        (11, "2 more findings"),
        (1200, "1,191 more findings"),
    ],
)
def test_at_most_ten(count: int, more: str) -> None:
    """The tenth line says how many have no annotation, once there are more than ten."""
    found = commands(render(replace(FAILING, findings=(WARNS, *(OVER,) * (count - 1)))))
    assert len(found) == MOST
    assert found[-1].data.startswith(more)
    assert {each.name for each in found[:-1]} == {"error"}
    assert found[-1].name == ("error" if count > MOST else "warning")


def test_the_rest_is_as_severe_as_its_worst() -> None:
    """Where all failures have an annotation, what is left only warns."""
    last = commands(render(replace(FAILING, findings=(*(OVER,) * 9, *(WARNS,) * 5))))[-1]
    assert (last.name, last.data.partition(".")[0]) == ("warning", "5 more findings have no annotation")


def test_names_end_no_command() -> None:
    """Per cent signs, newlines, commas and colons come back as they were, and as one command."""
    target = "a,b=c::error::%0A%25"
    (found,) = commands(render(replace(FAILING, findings=(replace(SLOW, target=target),))))
    assert found.properties["title"] == "feasible gate: inference (a,b=c\\x3a:error::%0A%25) over"
    assert set(found.properties) == {"file", "line", "col", "title"}


def test_the_file_is_named_from_the_checkout() -> None:
    """GitHub shows an annotation in the file only by a path from the top of the checkout."""
    report = replace(FAILING, config="/checkout/ci/feasible.yaml", findings=(OVER,))
    (found,) = commands(render(report, root=PurePosixPath("/checkout")))
    assert found.properties["file"] == "ci/feasible.yaml"


def test_long_texts_are_clipped() -> None:
    """A title has at most 255 characters, and a message says how many it lost."""
    long = finding(outcome="over", rule="r" * 10_000, message="m" * 10_000)
    (found,) = commands(render(replace(PASSING, findings=(long,))))
    assert 250 <= len(found.properties["title"]) <= 255
    assert found.data.endswith("characters left out)")


def test_a_waiver_is_a_notice() -> None:
    """What is waived does not warn; it says until when."""
    (found,) = commands(render(replace(PASSING, findings=(WAIVED,))))
    assert found == Command(name="notice", properties=found.properties, data=found.data)
    assert "Waived until 2027-01-31: The cache is rewritten in January." in found.data


def test_the_summary_is_the_comment_where_it_fits() -> None:
    """GitHub refuses a summary of more than 1 MiB as a whole, so what does not fit is one sentence."""
    markdown = gate_markdown.render(FAILING)
    assert summary(markdown) == f"{markdown}\n"
    full = SUMMARY_MOST_BYTES - len(f"{markdown}\n".encode())
    assert summary(markdown, full) == f"{markdown}\n"
    assert summary(markdown, full + 1).startswith("The report of feasible gate does not fit")
    assert summary(markdown, SUMMARY_MOST_BYTES) == ""
