"""Hold the rooms of the package to their order, and each library to its owner."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "feasibility"
ORDER = (
    "errors", "alike", "writing", "folders", "units", "pause", "ir", "inputs", "cost", "profiles", "ops",
    "loader", "memory", "timing", "profiler", "calibration", "conventions", "decide", "pipeline", "views",
    "gate", "report", "plots", "api", "notebook", "cli",
)  # fmt: skip
OWNERS = {
    "onnx": {"loader"},
    "onnx_tool": {"loader"},
    "numpy": {"loader"},
    "google": {"loader"},
    "yaml": {"profiles/strict_yaml.py"},
    "pydantic": {"profiles", "pipeline/file.py", "gate/config.py", "gate/lock.py"},
    "pydantic_core": {"profiles"},
    "rich": {"report/text.py"},
    "matplotlib": {"plots"},
    "pandas": {"report/frame.py"},
    "typer": {"cli"},
    "onnxruntime": {"calibration/measure.py"},
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """Yield every module that a file imports anywhere, under TYPE_CHECKING and in functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module: str) -> str:
    """Return the room of feasibility.room.anything."""
    return module.split(".")[1]


def place(file: Path) -> str:
    """Return a file as room or room/module.py."""
    return file.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.parent != PACKAGE or f.name != "__init__.py"], ids=place
)
def test_a_room_imports_only_rooms_before_it(file: Path) -> None:
    """What a file imports of this package stands before its own room, or in it."""
    own = place(file).removesuffix(".py").split("/")[0]
    allowed = ORDER[: ORDER.index(own) + 1]
    used = {room(name) for name in imports(file) if name.startswith("feasibility.")}
    assert used <= set(allowed)


@pytest.mark.parametrize("file", FILES, ids=place)
def test_a_library_is_imported_by_its_owner_only(file: Path) -> None:
    """Every third-party import stands in the room, or the one file, that owns the library."""
    here = {place(file), place(file).split("/")[0]}
    for name in imports(file):
        library = name.split(".")[0]
        if library not in sys.stdlib_module_names and library not in {"feasibility", "__future__"}:
            assert OWNERS.get(library, set()) & here, f"{place(file)} imports {library}"


def test_every_room_is_in_the_order() -> None:
    """No module or folder stands outside the order."""
    rooms = {place(file).removesuffix(".py").split("/")[0] for file in FILES}
    assert rooms - {"__init__", "__main__"} <= set(ORDER)
