from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from feasibility.conventions import ConventionTotal, compare
from feasibility.conventions.cross_check import CrossCheck, Row
from feasibility.loader.crosscheck import Opinion
from feasibility.report import markdown
from feasibility.report.layout import WIDTH
from feasibility.report.text_crosscheck import render_convention, render_cross_check, summary
from tests.samples import cost

CONV = Row(
    domain="ai.onnx", op_type="Conv", nodes=3, fmas=4_089_184_256, other=9_000_000, theirs=4_098_184_256,
    is_explained=True, why="",
)  # fmt: skip
SOFTMAX = replace(CONV, op_type="Softmax", fmas=0, other=5000, theirs=36_000, why="36 per output element")
GELU = replace(
    CONV, domain="com.microsoft", op_type="Gelu", fmas=0, other=8000, theirs=0,
    why="it has no rule for this operator and counts 0",
)  # fmt: skip
STRANGE = replace(GELU, domain="ai.onnx", op_type="Where", is_explained=False, why="not explained")
CHECK = CrossCheck(version="1.0.1", rows=(SOFTMAX, GELU, CONV), notes=("it counted with our shapes",))
FVCORE = ConventionTotal(
    tool="fvcore",
    unit="FLOP, a multiply-add being one",
    total=1_000,
    by_op={("ai.onnx", "Conv"): 1_000},
    folded_convolutions=53,
    folded=22_000,
    is_folding_certain=True,
    left_out={("ai.onnx", "LSTM"): 700, ("com.acme", "Fancy"): 5},
    unknown=2,
    source="its own pages",
)


def test_both_counts_side_by_side(golden: Callable[[str, str], None]) -> None:
    """The text is the golden file's: totals, a line per operator type, notes."""
    golden("cross_check.txt", render_cross_check(CHECK))


def test_a_convention(golden: Callable[[str, str], None]) -> None:
    """The text is the golden file's: the total, what is folded, left out and unknown, the source."""
    golden("convention.txt", render_convention(FVCORE))


def test_markdown(golden: Callable[[str, str], None]) -> None:
    """The Markdown is the golden file's: a list and a table, names in code spans."""
    golden("cross_check.md", markdown.render_convention(FVCORE) + "\n" + markdown.render_cross_check(CHECK))


def test_markdown_without_a_count_has_no_table() -> None:
    """A failure is one more item of the list."""
    said = markdown.render_cross_check(
        CrossCheck(version="", rows=(), notes=("onnx-tool gives no count: why",))
    )
    assert said == "**onnx-tool**\n\n* No second opinion.\n* onnx-tool gives no count: why\n"


def test_hidden_rows_are_summed() -> None:
    """`top=1` shows one operator type and sums the differences of the others: -8,000 and 0."""
    said = render_cross_check(CHECK, top=1)
    assert "Gelu" not in said
    assert "2 more operator types: -8,000 (--top 0 shows all)." in said


def test_what_is_not_explained_is_named() -> None:
    """The first lines name the operator types whose difference no convention explains."""
    said = summary(replace(CHECK, rows=(STRANGE, GELU)))
    assert said.endswith("The conventions do not explain: Where.")


def test_a_failure_is_a_note_and_no_table() -> None:
    """Without rows there is no table, and the note says why."""
    said = render_cross_check(compare(cost(), Opinion(failure="it took more than 60 s")))
    assert said == ("No second opinion.\nNotes:\n  - onnx-tool gives no count: it took more than 60 s\n")


def test_folding_that_may_be_is_said_so() -> None:
    """Where the graph does not tell, the larger count is an upper bound; a tool may count none at all."""
    unsure = render_convention(replace(FVCORE, is_folding_certain=False)).replace("\n  ", " ")
    assert "folded into the 53 convolutions with a bias, or absent" in unsure
    assert "counts up to 22,000 more, 23,000 in all" in unsure
    none = render_convention(replace(FVCORE, tool="torchvision", folded=0)).replace("\n  ", " ")
    assert "torchvision counts none for it either way" in none


def test_text_of_a_model_is_shown_not_obeyed() -> None:
    """Control characters of names arrive escaped, and lines stay within the width."""
    hostile = replace(GELU, domain="com.\x1b[31m", op_type="G\n" * 40)
    said = render_cross_check(replace(CHECK, rows=(hostile,), notes=("\x1b]0;x\x07" * 30,)))
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= WIDTH
