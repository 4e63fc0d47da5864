"""Hold docs/operators.md to the rule sets."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from feasibility.ops import DEFAULT, NOT_COUNTED
from feasibility.ops.elementwise import PerElement
from feasibility.ops.reduction import Reduce

ROOT = Path(__file__).parent.parent
TOOL = ROOT / "tools" / "operators.py"
PAGE = ROOT / "docs" / "operators.md"

_spec = importlib.util.spec_from_file_location("operators_tool", TOOL)
assert _spec is not None
assert _spec.loader is not None
operators = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(operators)


def rows(text: str) -> dict[str, list[list[str]]]:
    """Return the cells of each table of a page, by the heading above it; markup is read as text."""
    found: dict[str, list[list[str]]] = {}
    for heading, body in re.findall(r"(?ms)^## ([^\n]+)\n(.*?)(?=^## |\Z)", text):
        lines = [line for line in body.splitlines() if line.startswith("|")][2:]
        cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
        found[heading] = [[re.sub(r"\\(.)", r"\1", cell.strip()) for cell in row] for row in cells]
    return found


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the tool."""
    return subprocess.run([sys.executable, str(TOOL), *words], capture_output=True, text=True, check=False)


def test_the_page_is_what_the_rules_say() -> None:
    """docs/operators.md is up to date; `python tools/operators.py` writes it."""
    assert run("--check").returncode == 0


def test_check_refuses_a_page_that_differs(tmp_path: Path) -> None:
    """A page with one changed count, and one that is not there, exit with 1 and say what to do."""
    changed = tmp_path / "operators.md"
    changed.write_text(PAGE.read_text(encoding="utf-8").replace("2 \\* \\|Y\\|", "3 \\* \\|Y\\|", 1))
    for file in (changed, tmp_path / "none.md"):
        done = run("--check", str(file))
        assert done.returncode == 1
        assert "run python tools/operators.py" in done.stdout


def test_every_operator_stands_in_the_page_once() -> None:
    """The tables list each rule by domain, name and first opset, and each exception with its reason."""
    tables = rows(PAGE.read_text(encoding="utf-8"))
    listed = [(d, row[0], int(row[1])) for d, found in tables.items() if d != "Not counted" for row in found]
    assert sorted(DEFAULT) == sorted(listed)
    exceptions = {(row[0], row[1]): row[2] for row in tables["Not counted"]}
    assert dict(NOT_COUNTED) == exceptions


def test_no_cell_is_empty() -> None:
    """Every operator has a role, a count and a source."""
    for table in rows(PAGE.read_text(encoding="utf-8")).values():
        for row in table:
            assert all(row), row


@pytest.mark.parametrize(
    ("op_type", "role", "count"),
    [
        ("Conv", "heavy", "fmas = |Y| * C/group * prod(K); arithmetic = |Y| if bias"),
        ("Mish", "light", "arithmetic = 2 * |Y|; transcendentals = 3 * |Y|"),  # a row of a table
        ("ReduceMean", "light", "arithmetic = |X| + |Y|"),
        ("Cast", "light", "nothing but bytes"),
        ("Concat", "move", "nothing but bytes"),
        ("Reshape", "view", "nothing"),
        ("Dropout", "light or view", None),  # what it does depends on its inputs
        ("Resize", "light or move", None),
    ],
)
def test_rows_say_what_the_rules_count(op_type: str, role: str, count: str | None) -> None:
    """Role and count of a written rule, of rows of tables, and of plain copies."""
    by_name = {row[0]: row for row in rows(PAGE.read_text(encoding="utf-8"))["ai.onnx"]}
    assert by_name[op_type][2] == role
    assert count in {None, by_name[op_type][3]}


def test_factors_are_read_off_a_rule() -> None:
    """Table rows of any kind tell their factors per element that goes in and that comes out."""
    assert operators._probed(PerElement(3, 1)) == "arithmetic = 3 * |Y|; transcendentals = |Y|"
    assert operators._probed(Reduce(1, prepared=1, finished=2)) == "arithmetic = 2 * |X| + 2 * |Y|"


def test_markup_in_a_reason_is_escaped() -> None:
    """A bar or a star of a formula does not end a cell or start emphasis."""
    assert operators._cell("|Y| * <b> `x`") == r"\|Y\| \* \<b\> \`x\`"
