from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from feasibility.gate.records import GateReport
from feasibility.report.gate_markdown import MARKER, MOST, render
from feasibility.report.gate_text import headline
from tests.report.gate_samples import FAILING, NEW, OVER, PASSING, WAIVED, WARNS, finding


@pytest.mark.parametrize(("name", "report"), [("gate.md", FAILING), ("gate_passed.md", PASSING)])
def test_the_comment(golden: Callable[[str, str], None], name: str, report: GateReport) -> None:
    """The Markdown is the golden file's: title, marker, what does not hold, why, the rest folded."""
    golden(name, render(report))


def test_the_title_is_the_first_sentence_and_the_marker_follows() -> None:
    """A tool finds its comment by the marker, a reader by the answer above it."""
    title, empty, marker = render(PASSING).splitlines()[:3]
    assert title == f"### {headline(PASSING)}"
    assert (empty, marker) == ("", MARKER)
    assert render(FAILING).count(MARKER) == 1


def test_failures_come_first() -> None:
    """Rows are ordered by how much they matter, not by model; those that hold are folded."""
    report = replace(PASSING, findings=(finding(), NEW, WAIVED, WARNS, OVER))
    shown, folded = render(report).split("<details>")
    words = [row.split(" | ")[0] for row in shown.splitlines() if row.startswith("| ")]
    assert words[2:] == ["| **over**", "| over, warns", "| waived", "| new"]
    assert [row for row in folded.splitlines() if row.startswith("| ok")]
    assert "<summary>1 budget holds</summary>" in folded


def test_nothing_is_folded_where_nothing_holds() -> None:
    """A fold of no row is left out, as is a table of none."""
    assert "<details>" not in render(replace(PASSING, findings=(OVER,)))
    assert render(PASSING).count("| result |") == 1


def test_a_comment_is_as_long_as_github_takes() -> None:
    """2,000 budgets are cut to 65,536 characters, and each section counts what it leaves out."""
    over = replace(OVER, why=("a" * 300,))
    many = replace(FAILING, findings=(*(over,) * 1000, *(finding(),) * 1000), notes=("n" * 100,) * 1000)
    text = render(many)
    assert MOST // 2 < len(text) <= MOST
    left = [
        int(count.replace(",", ""))
        for count in re.findall(r"^([\d,]+) more budgets are left out", text, re.MULTILINE)
    ]
    shown = sum(line.startswith(("| **over**", "| ok")) for line in text.splitlines())
    assert shown + sum(left) == 2000
    assert text.endswith("</details>\n")


def test_one_long_name_does_not_push_out_the_others() -> None:
    """A name of 100,000 characters is clipped, and the text says by how much."""
    long = replace(OVER, model="m" * 100_000, message="w" * 100_000)
    text = render(replace(PASSING, findings=(long, OVER)))
    assert len(text) < 10_000
    assert "characters left out" in text
    assert "`models/encoder.onnx`" in text


def test_no_path_of_a_machine_is_in_a_comment() -> None:
    """The config is named from the checkout, as in the other reports."""
    report = replace(PASSING, config="/checkout/ci/feasible.yaml")
    assert "Budgets: `ci/feasible.yaml`." in render(report, root=PurePosixPath("/checkout"))
    assert "Budgets: `feasible.yaml`." in render(report)
