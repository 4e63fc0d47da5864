"""Offer what shape rules share: reading a call, and broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import onnx
from onnx import numpy_helper

from feasibility.loader.types import Call, Dims, Type

Rule: TypeAlias = Callable[[Call], Sequence[Type]]


def tensor(kind: Type | None, raw: bytes) -> onnx.TensorProto:
    """Return the value of a known input as onnx takes it."""
    if kind is None or kind.shape is None:
        raise ValueError
    return onnx.TensorProto(data_type=kind.elem, dims=kind.shape, raw_data=raw)


def value(call: Call, index: int) -> tuple[int, ...] | None:
    """Return the integers of a known input."""
    kind = call.inputs[index] if index < len(call.inputs) else None
    raw = call.values[index] if index < len(call.values) else None
    if kind is None or raw is None:
        return None
    return tuple(int(v) for v in np.ravel(numpy_helper.to_array(tensor(kind, raw))))


def given(call: Call, index: int) -> Type:
    """Return the type of a required input; raise ValueError when it is missing."""
    kind = call.inputs[index]
    if kind is None:
        msg = f"input {index} is missing"
        raise ValueError(msg)
    return kind


def known(call: Call, index: int) -> Dims:
    """Return the dims of a required input; raise ValueError when its rank is unknown."""
    dims = given(call, index).dims
    if dims is None:
        msg = f"the rank of input {index} is unknown"
        raise ValueError(msg)
    return dims


def integers(call: Call, name: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """Return an attribute of integers; raise ValueError when it is missing and has no default."""
    value = call.attribute(name, default if default is not None else ())
    if not isinstance(value, tuple) or not (value or default is not None):
        msg = f"attribute {name!r} is missing"
        raise ValueError(msg)
    return tuple(int(v) for v in value)


def same_as_first(call: Call) -> Sequence[Type]:
    """Every output has the type of the first input."""
    return (given(call, 0),) * call.outputs


def broadcast(*shapes: Dims) -> Dims:
    """Broadcast shapes as numpy does; an unknown dimension stays unknown beside 1."""
    rank = max((len(s) for s in shapes), default=0)
    padded = [(1,) * (rank - len(s)) + s for s in shapes]
    return tuple(join(dims) for dims in zip(*padded, strict=True))


def join(dims: tuple[int | None, ...]) -> int | None:
    """Return the size that broadcast sizes make; raise ValueError when they do not fit."""
    known = {d for d in dims if d is not None and d != 1}
    if len(known) > 1:
        msg = f"{sorted(known)} do not broadcast"
        raise ValueError(msg)
    return next(iter(known)) if known else None if None in dims else 1


def has(call: Call, index: int) -> bool:
    """Tell whether an optional input is given."""
    return index < len(call.inputs) and call.inputs[index] is not None


def like(call: Call, index: int, *dims: int | None) -> Type:
    """Return the element type of an input with other dims."""
    return Type(given(call, index).elem, dims)


def number(call: Call, name: str, default: int | None = None) -> int:
    """Return an integer attribute; raise ValueError when it is missing and has no default."""
    found = call.attribute(name, -1 if default is None else default)
    if not isinstance(found, int) or (default is None and name not in dict(call.attributes)):
        msg = f"attribute {name!r} is missing"
        raise ValueError(msg)
    return found


def scalar(call: Call, index: int) -> int | None:
    """Return the value of a known input of one integer."""
    found = value(call, index) if has(call, index) else None
    return found[0] if found is not None and len(found) == 1 else None


def times(*sizes: int | None) -> int | None:
    """Multiply sizes; unknown where one is."""
    total = 1
    for size in sizes:
        if size is None:
            return None
        total *= size
    return total


def plus(*sizes: int | None) -> int | None:
    """Add sizes; unknown where one is."""
    return None if None in sizes else sum(size for size in sizes if size is not None)


def over(size: int | None, divisor: int | None) -> int | None:
    """Divide a size; unknown where either is, or where nothing divides."""
    return None if size is None or not divisor else size // divisor


def matmul_dims(a: Dims, b: Dims) -> Dims:
    """Return the shape of a product as numpy.matmul makes it; raise ValueError where it does not fit."""
    left, right = ((1, *a) if len(a) == 1 else a), ((*b, 1) if len(b) == 1 else b)
    if left[-1] is not None and right[-2] is not None and left[-1] != right[-2]:
        msg = f"{left[-1]} columns do not meet {right[-2]} rows"
        raise ValueError(msg)
    rows = () if len(a) == 1 else (left[-2],)
    columns = () if len(b) == 1 else (right[-1],)
    return (*broadcast(left[:-2], right[:-2]), *rows, *columns)
