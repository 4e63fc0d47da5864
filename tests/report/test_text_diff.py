from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from feasibility.report import markdown
from feasibility.report.layout import WIDTH
from feasibility.report.text_diff import change_rows, module_name, render_diff, signed, total_rows
from feasibility.views.diff import diff
from tests.views.counted import Row, counted

STAYS = Row(name="/encoder/fc1/MatMul", fmas=2_000_000, weights=8000)
OLD = counted(
    STAYS,
    Row(name="/encoder/fc2/MatMul", fmas=2_000_000, reads=4000, weights=8000),
    Row(name="/encoder/act/Erf", op="Erf", fmas=3000),
    Row(name="/pooler/MatMul", fmas=5000),
    path="old.onnx",
)
NEW = counted(
    STAYS,
    Row(name="/encoder/fc2/MatMul", fmas=500_000, reads=4000, weights=2000),
    Row(name="/head/MatMul", fmas=7000, runs=3),
    Row(name="/head/Fancy", op="Fancy", fmas=None),
    Row(name="Cast_1", op="Cast", reads=2),
    path="new.onnx",
)
FOUND = diff(OLD, NEW)


def test_what_changed(golden: Callable[[str, str], None]) -> None:
    """The text is the golden file's: totals first, then modules and types, the largest change first."""
    golden("diff.txt", render_diff(FOUND))


def test_what_changed_in_markdown(golden: Callable[[str, str], None]) -> None:
    """The Markdown is the golden file's: a list and three tables."""
    golden("diff.md", markdown.render_diff(FOUND, top=2))


def test_nothing_changed() -> None:
    """Equal models are one sentence, in text and in Markdown."""
    same = diff(OLD, replace(OLD, model=replace(OLD.model, path="copy.onnx")))
    sentence = "old.onnx -> copy.onnx: nothing changed in what they cost, 8.02 MFLOP a pass."
    assert render_diff(same) == sentence + "\n"
    assert markdown.render_diff(same) == f"* {sentence.replace('>', chr(92) + '>')}\n"


def test_a_move_is_no_change_of_the_work() -> None:
    """A node in another module leaves the total as it was, and no operator type changed."""
    moved = replace(OLD, nodes=(*counted(replace(STAYS, name="/z/MatMul")).nodes, *OLD.nodes[1:]))
    lines = render_diff(diff(OLD, moved)).splitlines()
    assert lines[0].endswith("8.02 MFLOP a pass as before, but not everything is the")
    assert lines[-1] == "No operator type changed."


def test_hidden_changes_are_summed() -> None:
    """One of 5 modules is shown; the others come to 42,000 - 10,000 - 6,000 FLOP."""
    said = " ".join(render_diff(FOUND, top=1).split())
    assert "4 more modules changed: FLOP +26 k (--top 0 shows all)." in said


def test_totals_say_both_sides_and_the_share() -> None:
    """4,008,000 FMA become 2,521,000, 37.1 % less."""
    assert total_rows(FOUND)[1] == ("FMA", "4.01 M", "2.52 M", "-1.49 M (-37.1 %)")
    assert total_rows(FOUND)[6][-1] == "same"


def test_a_change_from_nothing_has_no_share() -> None:
    """From 0 bytes read to 4 there is no percentage."""
    found = diff(counted(Row(name="a")), counted(Row(name="a", reads=4)))
    assert total_rows(found)[7] == ("read", "0 B", "4 B", "+4 B")


def test_notes_beside_a_name() -> None:
    """A module is new or gone, and tells how many of its nodes are not counted."""
    names = [row[-1] for row in change_rows(FOUND.modules, module_name)]
    assert names == [
        "encoder/fc2",
        "head (new, 1 not counted)",
        "pooler (gone)",
        "encoder/act (gone)",
        "(no module) (new)",
    ]


def test_what_is_not_counted_is_no_zero() -> None:
    """A side of nothing but unknown nodes shows ?, as does the change; with 42,000 FLOP beside, at least."""
    cells = {row[-1]: row[1:4] for row in change_rows(FOUND.ops, lambda change: change.key[1])}
    assert cells["Fancy (new, 1 not counted)"] == ("-", "?", "?")
    cells = {row[-1]: row[1:4] for row in change_rows(FOUND.modules, module_name)}
    assert cells["head (new, 1 not counted)"] == ("-", ">=42 k", "+42 k")


def test_signs() -> None:
    """More is +, less is -, and nothing is the same."""
    assert [signed(n) for n in (1500, -1500, 0)] == ["+1.5 k", "-1.5 k", "same"]


def test_lines_fit_and_names_are_harmless() -> None:
    """Long paths wrap, and no name colours a terminal."""
    wild = counted(*(Row(name=f"/{end * 90}\x1b[31m/Add", op="\x1b[1m", fmas=1) for end in "ab"))
    lines = render_diff(diff(OLD, wild)).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert all(line.isprintable() for line in lines)
