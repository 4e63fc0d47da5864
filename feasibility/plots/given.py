"""Refuse what no figure can be drawn of, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from feasibility.cost import ModelCost
from feasibility.decide.records import Decision
from feasibility.errors import UsageError
from feasibility.views.axes import whole
from feasibility.views.sweep import Sweep

_HINTS: Mapping[type, str] = {
    ModelCost: "count the file first: fe.profile('model.onnx')",
    Decision: "decide first: fe.decide(fe.profile('model.onnx'), client='m1')",
    Sweep: "sweep first: fe.sweep(fe.profile('model.onnx'), rtt='5ms..1s', down='1Mbit/s..1Gbit/s')",
}


def expect(figure: str, kind: type, given: object) -> None:
    """Raise UsageError for what is not of the kind that a figure shows."""
    if isinstance(given, kind):
        return
    shown = repr(str(given)) if isinstance(given, (str, Path)) else f"a {type(given).__name__}"
    msg = f"{figure} takes a {kind.__name__}, and was given {shown}"
    raise UsageError(msg, hint=_HINTS[kind])


def expect_count(name: str, given: object) -> None:
    """Raise UsageError for what is not a whole number from 0 on."""
    if whole(name, given) < 0:
        msg = f"{name}: {given} is below 0"
        raise UsageError(msg, hint="0 is all of them")
