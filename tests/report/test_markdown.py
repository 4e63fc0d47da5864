from __future__ import annotations

from collections.abc import Callable

from feasibility.report import markdown
from tests.samples import cost, decision


def test_one_verdict(golden: Callable[[str, str], None]) -> None:
    """The Markdown of one verdict is the golden file's."""
    golden("verdict.md", markdown.render(decision()))


def test_several_verdicts(golden: Callable[[str, str], None]) -> None:
    """Several verdicts are one table."""
    golden("verdicts.md", markdown.render_many([decision(), decision(cost(path="other.onnx"))]))


def test_counts(golden: Callable[[str, str], None]) -> None:
    """The counts are a table of operator types."""
    golden("profile.md", markdown.render_cost(cost()))


def test_a_name_cannot_break_out_of_its_cell() -> None:
    """Pipes, backticks, newlines and tags of a path stay inside a code span of one cell."""
    path = "a|b`c\n<img src=x> @team"
    lines = markdown.render_many([decision(cost(path=path))]).splitlines()
    row = next(line for line in lines if line.startswith("| ``"))
    assert row.startswith(r"| `` a\|b`c\x0a<img src=x> @team `` |")


def test_a_table_shows_the_costliest_types_that_are_asked_for() -> None:
    """`top=1` leaves one row, the Gemm, under the head and its rule."""
    rows = [line for line in markdown.render_cost(cost(), top=1).splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 1
    assert rows[-1].endswith("| `Gemm` |")
