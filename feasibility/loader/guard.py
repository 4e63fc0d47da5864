"""Refuse what no tensor can be, and what onnx's own code does not survive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from feasibility.ir import DEFAULT_DOMAIN

if TYPE_CHECKING:
    from feasibility.loader.types import Call

MAX_ELEMENTS = 2**48  # of one tensor: a petabyte of float32, which no machine holds
MAX_RANK = 64  # numpy's (2.0, 2024)
_MAX_INTEGER = 2**31  # no kernel, pad, axis or number of heads comes near
_SENTINELS = frozenset({"Shape", "Slice"})  # "to the end" is written as the largest integer
_SHOWN_DIMS = 8


def is_possible(dims: Sequence[int | None]) -> bool:
    """Tell whether a tensor can have this shape, apart from what is unknown of it."""
    sizes = [d for d in dims if d]  # beside one of 0 the others must be sane too: they may part again
    return len(dims) <= MAX_RANK and min(sizes, default=1) > 0 and prod(sizes) <= MAX_ELEMENTS


def shown(dims: Sequence[int | None]) -> str:
    """Return a shape as a sentence may repeat it."""
    return str(list(dims)) if len(dims) <= _SHOWN_DIMS else f"{list(dims[:_SHOWN_DIMS])}..."


def absurd_attribute(call: Call) -> str:
    """Return which attribute of an ONNX operator has an impossible size, or nothing."""
    if call.domain != DEFAULT_DOMAIN or call.op_type in _SENTINELS:
        return ""
    for name, value in call.attributes:
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, int) and abs(each) > _MAX_INTEGER:
                return f"attribute {name!r} is out of range, {each}"
    return ""


def check_for_onnx(call: Call) -> None:
    """Raise ValueError for what makes onnx's rules crash or fill the memory.

    Each check answers a crash that mutated models gave (onnx 1.23.2, 2026-11).
    """
    check = _CHECKS.get(call.op_type)
    if check is not None and not check(call):
        msg = f"its attributes or inputs do not fit {call.op_type}"
        raise ValueError(msg)


def _dims(call: Call, index: int) -> Sequence[int | None]:
    kind = call.inputs[index] if index < len(call.inputs) else None
    return () if kind is None or kind.dims is None else kind.dims


def _int(call: Call, name: str, default: int) -> int:
    value = call.attribute(name, default)
    return value if isinstance(value, int) else default


_CHECKS: Mapping[str, Callable[[Call], bool]] = {
    "Expand": lambda call: all((d or 0) <= MAX_RANK for d in _dims(call, 1)),
    "GatherND": lambda call: 0 <= _int(call, "batch_dims", 0) <= len(_dims(call, 0)),
    "LayerNormalization": lambda call: abs(_int(call, "axis", -1)) <= max(len(_dims(call, 0)), 1),
    "Split": lambda call: _int(call, "num_outputs", call.outputs) == call.outputs,
}
