from __future__ import annotations

import csv as reader
from dataclasses import replace

import pytest

from feasibility.report import csv
from feasibility.report.escape import spreadsheet
from feasibility.views.diff import diff
from tests.samples import cost
from tests.views.counted import Row, counted

MODEL = counted(
    Row(name="/a/q/MatMul", fmas=6, reads=8, runs=2, weights=4),
    Row(name="/a/Add", op="Add", fmas=1),
    Row(name="/b/Fancy", op="Fancy", fmas=None),
)


def rows(text: str) -> list[dict[str, str]]:
    """Read CSV back as a spreadsheet does."""
    return list(reader.DictReader(text.splitlines()))


def test_by_operator() -> None:
    """One row per type, exact integers over all runs, the JSON's names for columns."""
    assert csv.render_cost(MODEL) == (
        "domain,op_type,nodes,unknown_nodes,fmas,arithmetic,transcendentals,flops,"
        "read_bytes,written_bytes,parameter_bytes\n"
        "ai.onnx,MatMul,1,0,12,0,0,24,16,0,4\n"
        "ai.onnx,Add,1,0,1,0,0,2,0,0,0\n"
        "ai.onnx,Fancy,1,1,0,0,0,0,0,0,0\n"
    )


def test_by_node() -> None:
    """Nodes stand in the order they run; what is not counted is empty, not 0."""
    found = rows(csv.render_cost(MODEL, by="node"))
    assert [(row["name"], row["runs"], row["fmas"], row["read_bytes"]) for row in found] == [
        ("/a/q/MatMul", "2", "12", "16"),
        ("/a/Add", "1", "1", "0"),
        ("/b/Fancy", "1", "", ""),
    ]
    assert [row["dtype"] for row in found] == ["float", "float", ""]
    assert {row["live_bytes"] for row in found} == {"0"}


def test_by_module() -> None:
    """The whole graph has no path; depth 1 leaves q out."""
    found = rows(csv.render_cost(MODEL, by="module", depth=1))
    assert [(row["module"], row["level"], row["fmas"], row["unknown_nodes"]) for row in found] == [
        ("", "0", "13", "1"),
        ("a", "1", "13", "0"),
        ("b", "1", "0", "1"),
    ]


@pytest.mark.parametrize(("by", "left"), [("op", ["MatMul"]), ("node", ["MatMul"]), ("module", [])])
def test_top_leaves_the_costliest(by: str, left: list[str]) -> None:
    """One row is the costliest type, node or module: the whole graph."""
    found = rows(csv.render_cost(MODEL, by=by, top=1))
    assert [row["op_type"] for row in found if "op_type" in row] == left
    assert len(found) == 1


def test_over_a_dimension() -> None:
    """The dimension is the first column, memory and what is not counted are the last."""
    larger = counted(Row(name="a", fmas=8, weights=4), path="model.onnx", n=2)
    smaller = counted(Row(name="a", fmas=4, weights=4), n=1)
    found = rows(csv.render_vary("n", [smaller, larger]))
    assert [(row["n"], row["fmas"], row["flops"], row["unknown_nodes"]) for row in found] == [
        ("1", "4", "8", "0"),
        ("2", "8", "16", "0"),
    ]
    assert next(iter(found[0])) == "n"
    assert [row["memory_bytes"] for row in found] == [str(4 + 4 * (64 + 32))] * 2


def test_what_changed() -> None:
    """Modules and then operator types, both sides beside each other; a side that lacks it is empty."""
    new = counted(Row(name="/a/q/MatMul", fmas=6, reads=8, runs=3, weights=4))
    found = rows(csv.render_diff(diff(MODEL, new, 1)))
    assert [(row["by"], row["name"], row["old_fmas"], row["new_fmas"]) for row in found] == [
        ("module", "a", "13", "18"),
        ("module", "b", "0", ""),
        ("op", "ai.onnx::MatMul", "12", "18"),
        ("op", "ai.onnx::Add", "1", ""),
        ("op", "ai.onnx::Fancy", "0", ""),
    ]
    assert len(rows(csv.render_diff(diff(MODEL, new, 1), top=1))) == 2


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Add", "Add"),
        ("", ""),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("\t=1", "\\x09=1"),
        ("a=b", "a=b"),
        ("\x1b[31m", "\\x1b[31m"),
    ],
)
def test_a_name_is_no_formula(text: str, cell: str) -> None:
    """What a spreadsheet would compute is kept as text, and control characters are written out."""
    assert spreadsheet(text) == cell


def test_a_name_stays_in_its_cell() -> None:
    """Commas, quotes and newlines of a name neither end its cell nor its row."""
    found = rows(csv.render_cost(cost(gemm='=HYPERLINK("x"),\n1'), by="node"))
    assert [row["name"] for row in found] == ['\'=HYPERLINK("x"),\\x0a1', "constant", "fancy"]


def test_a_dimension_is_a_name_too() -> None:
    """The title of the first column comes from the model as well."""
    bound = replace(MODEL, dims={"=n": 1})
    assert csv.render_vary("=n", [bound]).startswith("'=n,fmas")
