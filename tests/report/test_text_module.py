from __future__ import annotations

from collections.abc import Callable

from feasibility.report import markdown
from feasibility.report.layout import WIDTH
from feasibility.report.text_cost import render_cost
from feasibility.report.text_module import module_rows, module_table
from tests.views.counted import Row, counted

MODEL = counted(
    *(Row(name=f"/m/encoder/layers.{n}/fc/MatMul", fmas=3_000_000, weights=4000) for n in (9, 10)),
    Row(name="/m/encoder/norm/LayerNormalization", op="LayerNormalization", reads=2000),
    Row(name="/m/head/MatMul", fmas=1_500_000, reads=900, runs=4),
    Row(name="/m/odd/Fancy", op="Fancy", fmas=None),
    Row(name="Cast_1", op="Cast"),
)


def test_counts_by_module(golden: Callable[[str, str], None]) -> None:
    """The tree is the golden file's: children under their parent, the costliest first."""
    golden("profile_module.txt", render_cost(MODEL, by="module"))


def test_counts_by_module_in_markdown(golden: Callable[[str, str], None]) -> None:
    """The Markdown is the golden file's: paths in full, as a table keeps no indent."""
    golden("profile_module.md", markdown.render_cost(MODEL, by="module", depth=1))


def test_counts_by_node_in_markdown() -> None:
    """`--by node` names every node in a code span."""
    lines = markdown.render_cost(MODEL, by="node", top=1).splitlines()
    assert lines[-1].endswith("| `MatMul (x4) /m/head/MatMul` |")


def test_hidden_modules_are_numbered() -> None:
    """Two of 7 rows are shown, the whole graph and its costliest child."""
    lines = module_table(MODEL, depth=2, top=2)
    assert len(lines) == 1 + 2 + 1
    assert lines[-1] == "5 more modules (--top 0 shows all)."


def test_names_that_tell_nothing_are_said_to() -> None:
    """Where no node has a path there is one row, and a sentence that says why."""
    lines = module_table(counted(Row(name="MatMul_1", fmas=1)), depth=2)
    assert [line.split()[-1] for line in lines] == ["module", "graph)", "more."]


def test_shares_are_of_the_whole() -> None:
    """Of 12 million FMA the encoder has 6 and the head 6; a graph without FLOP has no shares."""
    shares = {row[-1]: row[3] for row in module_rows(MODEL, depth=1)}
    assert (shares["m/encoder"], shares["m/head"], shares["m/odd"]) == ("50.0 %", "50.0 %", "0.0 %")
    assert module_rows(counted(Row(name="/a/Cast")), depth=1)[0][3] == "-"


def test_what_is_not_counted_is_no_zero() -> None:
    """A module of nothing but unknown nodes shows ?, and one that holds it among others at least."""
    cells = {row[-1]: row[1] for row in module_rows(MODEL, depth=1)}
    assert (cells["m/odd"], cells["(whole graph)"], cells["m/head"]) == ("?", ">=12 M", "6 M")


def test_lines_fit_and_names_are_harmless() -> None:
    """A long path wraps within 80 columns, and a path cannot colour a terminal."""
    wild = counted(*(Row(name=f"/{end * 200}\x1b[31m/Add", fmas=1) for end in "ab"))
    lines = module_table(wild, depth=2)
    assert max(map(len, lines)) <= WIDTH
    assert all(line.isprintable() for line in lines)
