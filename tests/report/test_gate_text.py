from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from feasibility.gate.records import Finding, GateReport
from feasibility.report.gate_text import _broken, headline, render, render_short, rule_name
from feasibility.report.layout import WIDTH
from tests.report.gate_samples import (
    ENCODER,
    FAILING,
    NEW,
    OVER,
    PASSING,
    SLOW,
    UNTOLD,
    WAIVED,
    WARNS,
    finding,
)


def found(*findings: Finding) -> GateReport:
    """Return a report of these findings on one model."""
    return replace(PASSING, findings=findings, models=("m.onnx",))


@pytest.mark.parametrize(("name", "report"), [("gate.txt", FAILING), ("gate_passed.txt", PASSING)])
def test_the_text(golden: Callable[[str, str], None], name: str, report: GateReport) -> None:
    """The text is the golden file's: the answer, a table per model, why, what would pass, waivers."""
    golden(name, render(report))


def test_the_short_text_is_the_first_sentence() -> None:
    """`-q` is the first paragraph in one line."""
    assert render(FAILING).partition("\n\n")[0].split() == render_short(FAILING).split()
    assert render_short(FAILING).count("\n") == 1
    assert render_short(PASSING) == "feasible gate: passed, 3 budgets hold for 2 models.\n"


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ((), "passed, but there is no budget to hold."),
        ((finding(),), "passed, 1 budget holds for 1 model."),
        ((OVER,), f"not passed, 1 of 1 budget is over ({ENCODER}: download)."),
        ((UNTOLD, finding()), f"not passed, 1 of 2 budgets cannot be told ({ENCODER}: coverage)."),
        (
            (OVER, UNTOLD),
            f"not passed, 1 of 2 budgets is over and 1 cannot be told ({ENCODER}: download, coverage).",
        ),
        (
            (SLOW, replace(SLOW, model="b.onnx", target=None)),
            f"not passed, 2 of 2 budgets are over ({ENCODER}: inference on phone; b.onnx: inference).",
        ),
        (
            (OVER,) * 5,
            f"not passed, 5 of 5 budgets are over ({ENCODER}: download, download, download; and 2 more).",
        ),
        ((WARNS,), "passed, 0 of 1 budget holds for 1 model (1 over or unknown, which only warns)."),
        ((finding(), finding(), WAIVED, NEW), "passed, 2 of 4 budgets hold for 1 model (1 waived, 1 new)."),
    ],
)
def test_the_first_line_is_the_answer(findings: tuple[Finding, ...], said: str) -> None:
    """It counts what is over and what nobody can tell, and names the first three."""
    assert headline(found(*findings)) == f"feasible gate: {said}"


def test_a_warning_that_nobody_can_tell_fails_nothing() -> None:
    """`warn` leaves the gate passed, whatever the outcome; the table still says both."""
    report = found(replace(UNTOLD, level="warn"), finding())
    assert headline(report).startswith("feasible gate: passed, 1 of 2 budgets holds")
    assert "cannot tell, warns" in render(report)


def test_each_outcome_has_its_word() -> None:
    """The tables of a report with every outcome end in ok, over, cannot tell, waived, new."""
    rows = [
        line
        for line in render(FAILING).splitlines()
        if line.endswith(("  9", " 12", " 15", " 21", " 23", " 27"))
    ]
    words = [" ".join(line.split()[-4:-1]) for line in rows]
    for word, row in zip(("over", "cannot tell", "ok", "over, warns", "waived", "new"), words, strict=True):
        assert row.endswith(word)


def test_an_ended_waiver_is_said_beside_what_it_no_longer_waives() -> None:
    """A waiver until October waives nothing in November."""
    said = " ".join(render(found(SLOW)).split())
    assert "The waiver of line 40 ended on 2026-10-31: Until the NPU build lands." in said
    assert "\nwaived\n" not in render(found(SLOW))


def test_what_is_waived_is_said_with_day_and_reason() -> None:
    """A passed gate still shows what it passed for a reason, and until when."""
    said = " ".join(render(found(WAIVED)).split())
    assert "peak_memory (phone): waived until 2027-01-31: The cache is rewritten in January." in said


def test_a_target_stands_beside_its_rule() -> None:
    """A rule is named alone where no device matters."""
    assert [rule_name(OVER), rule_name(SLOW)] == ["download", "inference (phone)"]


def test_lines_fit_whatever_the_names() -> None:
    """Long targets, rules and numbers wrap inside their columns, and no number loses its unit."""
    wide = finding(
        rule="growth.first_call",
        target="the oldest phone that we still support in 2026" + "x" * 60,
        level="warn",
        outcome="untold",
        budget_text="1,234,567,890 B",
        now_text="1,234,567,891 B (1,100,000,000 B to 1,300,000,000 B)",
    )
    text = render(found(wide))
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert all(line == line.rstrip() for line in lines)
    assert _broken("between 60 ms and 140 ms", 12) == ["between", "60 ms and", "140 ms"]


def test_nothing_is_shown_as_a_dash() -> None:
    """A text that is empty leaves no hole in its row."""
    (row,) = [
        line for line in render(found(finding(base_text=""))).splitlines() if line.startswith("download ")
    ]
    assert row.split() == ["download", "25", "MB", "18.2", "MB", "-", "ok", "9"]
