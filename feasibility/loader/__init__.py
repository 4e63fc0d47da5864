"""Read ONNX files: the only room that imports onnx and numpy."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING

from feasibility.ir import Model
from feasibility.ops import DEFAULT, RuleSet

if TYPE_CHECKING:
    import onnx


def load(
    source: str | PathLike[str] | bytes | onnx.ModelProto,
    *,
    dims: Mapping[str, int] | None = None,
    rules: RuleSet = DEFAULT,
) -> Model:
    """Read and walk a model in this process; raise ModelError on anything that is not one.

    onnx's native code is not safe on hostile files: see `isolate` for a walk that cannot
    take this process down.
    """
    # onnx takes 0.2 s to import; nobody who only names this room should pay for it
    from feasibility.loader.read import read  # noqa: PLC0415
    from feasibility.loader.walk import walk  # noqa: PLC0415

    return walk(read(source), dims or {}, lambda *key: rules.find(*key) is not None)
