"""Waivers: until a day, for a reason, and only what they name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from feasibility.report import gate_text
from tests.gate import samples as s

UNTIL = date(2026, 12, 31)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a small model."""
    s.save(tmp_path / "net.onnx")
    return tmp_path


def waived(folder: Path, names: str, budget: str = "fmas: 1") -> Path:
    """Write a config whose budget is passed, and a waiver with these names."""
    reason = "reason: the small one comes"
    return s.budget(folder, budget, waivers=f"waivers:\n  - {{{names}, until: {UNTIL}, {reason}}}")


@pytest.mark.parametrize(
    ("today", "passed"),
    [(date(2026, 1, 1), True), (UNTIL, True), (date(2027, 1, 1), False)],
)
def test_a_waiver_holds_until_its_day_is_over(today: date, *, passed: bool, folder: Path) -> None:
    """The last day counts; on the next one the budget stands again, and says why."""
    report = s.judged(waived(folder, "model: net.onnx, rule: fmas"), today)
    found = s.only(report, "fmas")
    assert report.passed == passed
    assert found.exemption is not None
    assert (found.exemption.has_ended, found.exemption.reason) == (not passed, "the small one comes")
    assert ("The waiver of line 7 ended on 2026-12-31" in gate_text.render(report)) == (not passed)


@pytest.mark.parametrize(
    ("names", "passed"),
    [
        ('model: "*.onnx", rule: fmas', True),
        ("model: other.onnx, rule: fmas", False),
        ("model: net.onnx, rule: flops", False),
        ("model: net.onnx, rule: growth.fmas", False),
    ],
)
def test_a_waiver_covers_what_it_names(names: str, *, passed: bool, folder: Path) -> None:
    """The model by its path or a glob, and the rule by its name."""
    report = s.judged(waived(folder, names))
    assert report.passed == passed
    assert bool(report.notes) != passed  # one that covers nothing is said


def test_a_waiver_of_one_target_leaves_the_others(folder: Path) -> None:
    """A budget of two targets is waived on the phone alone."""
    config = waived(folder, "model: net.onnx, rule: inference, target: phone", 'inference: "1 ns"')
    config.write_text(config.read_text().replace("targets:\n", "targets:\n  laptop: {device: m1}\n"))
    report = s.judged(config)
    assert {"phone": "waived", "laptop": "over"} == {f.target: f.outcome for f in report.findings}


def test_the_longest_waiver_holds(folder: Path) -> None:
    """Of two waivers that name a budget, one has ended and the other has not."""
    config = waived(folder, "model: net.onnx, rule: fmas")
    older = "  - {model: net.onnx, rule: fmas, until: 2026-01-01, reason: older}\n"
    config.write_text(config.read_text().replace("waivers:\n", f"waivers:\n{older}"))
    assert s.judged(config).passed


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("model: other.onnx, rule: fmas", "names nothing: there is no budget fmas of other.onnx"),
        ("model: net.onnx, rule: flops", "is not needed: flops of net.onnx is within its budget"),
    ],
)
def test_a_waiver_that_does_nothing_is_said(names: str, said: str, folder: Path) -> None:
    """One that names no budget, and one whose budget is held."""
    report = s.judged(waived(folder, names, 'fmas: 1, flops: "1 GFLOP"'))
    assert any(said in note for note in report.notes)


def test_a_waiver_for_longer_than_a_year_is_said(folder: Path) -> None:
    """It holds, and whoever reads the report learns how long."""
    config = waived(folder, "model: net.onnx, rule: fmas")
    config.write_text(config.read_text().replace(str(UNTIL), "9999-12-31"))
    report = s.judged(config)
    assert report.passed
    assert any("more than a year" in note for note in report.notes)
