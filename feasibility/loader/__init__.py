"""Read ONNX files: the only room that imports onnx and numpy."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING

from feasibility.pause import collector_paused

if TYPE_CHECKING:
    import onnx

    from feasibility.ir import Model
    from feasibility.ops import RuleSet


def load(
    source: str | PathLike[str] | bytes | onnx.ModelProto,
    *,
    dims: Mapping[str, int] | None = None,
    rules: RuleSet | None = None,
) -> Model:
    """Read and walk a model in this process; raise ModelError on anything that is not one.

    onnx's native code is not safe on hostile files: see `isolate` for a walk that cannot
    take this process down. Operators without one of `rules` (the default rules when None)
    are expanded into the function bodies that onnx defines for them.
    """
    # onnx takes 0.2 s to import; nobody who only names this room should pay for it
    from feasibility.loader.read import read  # noqa: PLC0415
    from feasibility.loader.walk import walk  # noqa: PLC0415
    from feasibility.ops import DEFAULT  # noqa: PLC0415

    counted = DEFAULT if rules is None else rules
    with collector_paused():
        return walk(read(source), dims or {}, lambda *key: counted.find(*key) is not None)
