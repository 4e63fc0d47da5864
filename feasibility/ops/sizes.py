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
    first = None
    for spec in (*node.inputs, *node.outputs):
        if spec is not None:
            if spec.dtype.is_float:
                return spec.dtype
            first = first or spec.dtype
    return first or DType.UNDEFINED


def given(node: Node, *indices: int) -> int:
    """Return how many of these optional inputs are given."""
    return sum(node.has_input(index) for index in indices)


def elements(node: Node, *indices: int) -> int:
    """Return the number of elements of optional inputs, 0 where they are not given."""
    return sum(node.input(index).numel for index in indices if node.has_input(index))


def flag(node: Node, name: str, default: int = 0) -> int:
    """Return 1 where an attribute that switches something on is set, else 0."""
    return int(node.int(name, default) != 0)


def known_integers(node: Node, index: int) -> tuple[int, ...] | None:
    """Return the integers or flags of an optional input, None where the graph does not fix them."""
    spec = node.inputs[index] if index < len(node.inputs) else None
    if spec is None or spec.value is None:
        return None
    return tuple(int(v) for v in spec.value if not isinstance(v, str))


def known_scalar(node: Node, index: int) -> int | None:
    """Return the integer or flag of an optional input, None where the graph does not fix it."""
    values = known_integers(node, index)
    return values[0] if values is not None and len(values) == 1 else None
