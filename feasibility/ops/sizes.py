"""Read sizes off a node; what is not there raises FeasibilityError, never IndexError."""

from __future__ import annotations

from math import prod

from feasibility.errors import FeasibilityError
from feasibility.ir import DType, Node, TensorSpec


def size(spec: TensorSpec, axis: int) -> int:
    """Return one dimension; a negative axis counts from the end."""
    return spec.dims[_place(spec, axis)]


def size_without(spec: TensorSpec, *axes: int) -> int:
    """Return the number of elements across all dimensions but these (the rows)."""
    left_out = {_place(spec, axis) for axis in axes}
    return prod(d for axis, d in enumerate(spec.dims) if axis not in left_out)


def size_before(spec: TensorSpec, axis: int) -> int:
    """Return the number of elements across the dimensions left of `axis` (which may be the rank)."""
    rank = len(spec.dims)
    if axis == rank:
        return spec.numel
    return prod(spec.dims[: _place(spec, axis)])


def _place(spec: TensorSpec, axis: int) -> int:
    rank = len(spec.dims)
    if not -rank <= axis < rank:
        msg = f"tensor {spec.name!r} of shape {list(spec.dims)} has no axis {axis}"
        raise FeasibilityError(msg)
    return axis % rank


def positive(node: Node, name: str) -> int:
    """Return a required integer attribute that must be at least 1."""
    value = node.int(name, 0)
    if value < 1:
        raise FeasibilityError(_out_of_range(node, name, value))
    return value


def lengths(node: Node, name: str) -> tuple[int, ...]:
    """Return a required attribute of integers that must be at least 0."""
    values = node.ints(name)
    for value in values:
        if value < 0:
            raise FeasibilityError(_out_of_range(node, name, value))
    return values


def scalar(node: Node, name: str, index: int, default: int | None = None) -> int:
    """Return a scalar from the attribute or the constant input at `index`, at least 0."""
    if isinstance(node.attributes.get(name), int):
        values: tuple[int, ...] = (node.int(name, 0),)
    else:
        values = node.ints(name, None if default is None else (default,), input=index)
    if len(values) != 1 or values[0] < 0:
        raise FeasibilityError(_out_of_range(node, name, values[0] if len(values) == 1 else values))
    return values[0]


def _out_of_range(node: Node, name: str, value: object) -> str:
    return f"node {node.name!r} ({node.domain}::{node.op_type}): {name!r} is out of range, {value}"


def log2_ceil(count: int) -> int:
    """Return the smallest n with 2**n >= count (0 for counts below 2)."""
    return max(count - 1, 0).bit_length()


def running_dtype(node: Node) -> DType:
    """Return the type the arithmetic runs in: that of the first float tensor, else of the first tensor."""
    specs = [spec for spec in (*node.inputs, *node.outputs) if spec is not None]
    floats = (spec.dtype for spec in specs if spec.dtype.is_float)
    return next(floats, specs[0].dtype if specs else DType.UNDEFINED)


def known_scalar(node: Node, index: int | None) -> int | None:
    """Return the value of an input of one integer or flag, None where the graph does not fix it."""
    spec = node.inputs[index] if index is not None and index < len(node.inputs) else None
    value = spec.value if spec is not None else None
    return int(value[0]) if value is not None and len(value) == 1 and not isinstance(value[0], str) else None
