"""Run cells in a kernel of this interpreter, apart from the user's own settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
_CODE: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
_TIMEOUT_S = 300  # of a start or a cell: a hang, not a slow machine
_FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR")


def execute(notebook: Any, folder: Path, home: Path) -> list[dict[str, Any]]:  # noqa: ANN401 (a NotebookNode)
    """Run a notebook in a folder, and return what each code cell showed, by MIME type."""
    apart = {name: str(home / name.lower()) for name in _FOLDERS} | {"PYTHONPATH": str(ROOT)}
    for name in _FOLDERS:
        Path(apart[name]).mkdir()
    client = NotebookClient(
        notebook,
        timeout=_TIMEOUT_S,
        startup_timeout=_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    with patch.dict(os.environ, apart):
        client.execute()
    return [_shown(cell) for cell in notebook.cells if cell.cell_type == "code"]


def cells(*sources: str) -> Any:  # noqa: ANN401 (as above)
    """Return a notebook of code cells."""
    written = [_CODE | {"id": f"cell-{at}", "source": source} for at, source in enumerate(sources)]
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": written}
    return nbformat.from_dict(whole)  # type: ignore[no-untyped-call]  # nbformat says no types


def _shown(cell: Any) -> dict[str, Any]:  # noqa: ANN401 (as above)
    found: dict[str, Any] = {}
    for output in cell.outputs:
        found |= dict(output.get("data", {"stream": output.get("text")}))
    return found
