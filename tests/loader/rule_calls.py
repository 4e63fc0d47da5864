"""Ask shape rules about calls of which less and less is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import helper

from feasibility.ir import MICROSOFT_DOMAIN
from feasibility.loader import attributes
from feasibility.loader.rules import OWN
from feasibility.loader.types import UNKNOWN, Call, Dims, Type
from tests.loader.one_node import Given, OneNode, Stored


def call_of(case: OneNode) -> Call:
    """Return a case as its shape rule sees it: integers of constants are known."""
    node = case.model().graph.node[0]
    return Call(
        MICROSOFT_DOMAIN,
        case.op,
        1,
        tuple(attributes.read(node.attribute).items()),
        tuple(_type(given) for given in case.i),
        tuple(_value(given) for given in case.i),
        len(case.names),
    )


def _type(given: Given) -> Type | None:
    if isinstance(given, Stored):
        return Type(helper.np_dtype_to_tensor_dtype(given.values.dtype), given.values.shape)
    return None if given is None else Type(given.dtype.code, given.shape)


def _value(given: Given) -> bytes | None:
    is_integer = isinstance(given, Stored) and np.issubdtype(given.values.dtype, np.signedinteger)
    return given.values.tobytes() if isinstance(given, Stored) and is_integer else None


def answer(call: Call) -> list[Type]:
    """Return what the rule says of every output."""
    types = list(OWN[call.domain, call.op_type](call))
    return (types + [UNKNOWN] * call.outputs)[: call.outputs]


def less_known(call: Call) -> Iterator[Call]:
    """Yield the call with one dimension or one value forgotten, then with all of them."""
    for index, kind in enumerate(call.inputs):
        if call.values[index] is None:  # what has a value has a shape
            for axis in range(len(kind.dims or ()) if kind is not None else 0):
                yield call._replace(inputs=_forget(call.inputs, index, axis))
        else:
            values = [None if n == index else value for n, value in enumerate(call.values)]
            yield call._replace(values=tuple(values))
    nothing = [None if k is None else Type(k.elem, (None,) * len(k.dims or ())) for k in call.inputs]
    yield call._replace(inputs=tuple(nothing), values=(None,) * len(call.values))


def _forget(kinds: tuple[Type | None, ...], index: int, axis: int) -> tuple[Type | None, ...]:
    def without(kind: Type | None) -> Type | None:
        dims = None if kind is None or kind.dims is None else kind.dims
        return kind if kind is None or dims is None else Type(kind.elem, _open(dims, axis))

    return tuple(without(kind) if n == index else kind for n, kind in enumerate(kinds))


def _open(dims: Dims, axis: int) -> Dims:
    return tuple(None if n == axis else size for n, size in enumerate(dims))


def agree(vague: Dims | None, full: Dims | None) -> bool:
    """Tell whether every size that is still known is right."""
    if vague is None or full is None:
        return vague is None
    return len(vague) == len(full) and all(v in {None, f} for v, f in zip(vague, full, strict=True))
