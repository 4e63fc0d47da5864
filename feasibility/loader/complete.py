"""Complete what inference left open: by what the file declares, by bounds, by assumed sizes."""

from __future__ import annotations

from typing import Protocol

from feasibility.ir import DType
from feasibility.loader.bounds import bound
from feasibility.loader.dims import default_size
from feasibility.loader.guard import is_possible
from feasibility.loader.scope import Visit
from feasibility.loader.types import FLOAT_SHAPE_INPUTS, UNKNOWN, Call, Inferred, Type, is_open

_INTEGERS = frozenset({DType.INT32.code, DType.INT64.code})  # what sizes, axes and indices are


class Walker(Protocol):
    """The walk, as far as sizes that the data decides need it."""

    def given(self, name: str) -> int | None:
        """Return what `--dim NAME=N` says of such a size."""
        ...

    def choose(self, name: str, default: int, *, at_most: bool = False) -> int:
        """Return the size of that name: as given, else the default, said so."""
        ...


def completed(walker: Walker, call: Call, inferred: Inferred, at: Visit) -> Inferred:
    """Return the types of a node's outputs with every dimension that can be told or assumed."""
    outputs = at.node.output
    types = tuple(
        kind if kind.shape is not None else _as_declared(kind, at.scope.declared.get(output, UNKNOWN))
        for kind, output in zip(inferred.types, outputs, strict=True)
    )
    if inferred.problem:
        return Inferred(types, inferred.problem)
    types = tuple(
        kind if kind.shape is not None or not output else _assumed(walker, kind, output, at)
        for kind, output in zip(_bounded(walker, call, types, at), outputs, strict=True)
    )
    unknown = any(is_open(kind) for kind in types)
    return Inferred(types, "the size of an output depends on the data" if unknown else "")


def _as_declared(inferred: Type, declared: Type) -> Type:
    """Fill what inference left open with what the file declares."""
    if inferred.opaque or declared.opaque:
        return inferred if inferred.opaque else declared
    elem = inferred.elem or declared.elem
    dims = declared.dims if inferred.dims is None else inferred.dims
    if inferred.dims is not None and declared.dims is not None and len(inferred.dims) == len(declared.dims):
        dims = tuple(d if i is None else i for i, d in zip(inferred.dims, declared.dims, strict=True))
    return Type(elem, dims if dims is None or is_possible(dims) else inferred.dims)


def _bounded(walker: Walker, call: Call, types: tuple[Type, ...], at: Visit) -> tuple[Type, ...]:
    """Fill in the most elements that an operator can find in its data."""
    name = f"{at.name}.size"
    found = bound(call, types, walker.given(name))
    if found is None:
        return types
    walker.choose(name, found.size, at_most=True)
    return found.types


def _assumed(walker: Walker, kind: Type, output: str, at: Visit) -> Type:
    """Give dimensions that the data decides the size that a free dimension of that name would have."""
    if kind.dims is None or not _depends_on_data(at):
        return kind
    name = at.scope.prefix + output
    stated = tuple(f"{name}[{n}]" if size is None else size for n, size in enumerate(kind.dims))
    dims = tuple(
        walker.choose(size, default_size("", axis, stated)) if isinstance(size, str) else size
        for axis, size in enumerate(stated)
    )
    return Type(kind.elem, dims if is_possible(dims) else kind.dims)


def _depends_on_data(at: Visit) -> bool:
    """Tell whether an input that may decide a shape has a value that only the data knows."""
    first = 1 if at.op_type in FLOAT_SHAPE_INPUTS - {"Range"} else 0
    return any(
        tensor is not None
        and tensor.array is None
        and (tensor.type.elem in _INTEGERS or at.op_type in FLOAT_SHAPE_INPUTS)
        for tensor in at.inputs[first:]
    )
