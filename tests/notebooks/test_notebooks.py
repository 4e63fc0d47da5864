from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.notebooks.kernel import ROOT, execute

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
FIGURES = {"01_budget": 2, "02_my_model": 4}
TABLES = {"01_budget": 4, "02_my_model": 7}  # of pandas and our own


def read(path: Path) -> Any:  # noqa: ANN401 (a NotebookNode)
    """Read a notebook."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]  # nbformat says no types


def test_every_notebook_is_expected() -> None:
    """The notebooks that are there are those that the tests know."""
    assert [path.stem for path in NOTEBOOKS] == sorted(FIGURES) == sorted(TABLES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_what_it_asserts_holds(path: Path, tmp_path: Path) -> None:
    """Every cell runs, in a kernel of this Python beside the file, and none writes to standard error."""
    notebook = read(path)
    shown = execute(notebook, FOLDER, tmp_path)
    assert sum("image/png" in each for each in shown) == FIGURES[path.stem]
    assert sum("text/html" in each for each in shown) == TABLES[path.stem]
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.get("name") == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_what_it_printed(path: Path) -> None:
    """Outputs and counts are cleared, metadata says the kernel only, and cells have names that stay."""
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all((cell.outputs, cell.execution_count) == ([], None) for cell in code)
    assert not any(cell.metadata for cell in notebook.cells)
    assert all(cell.id.replace("-", "").isalpha() for cell in notebook.cells)  # no random ones


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_asserts_what_it_claims(path: Path) -> None:
    """Each notebook holds eight asserts or more, so that its run is a test."""
    sources = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    assert sources.count("assert ") >= 8
