"""Know what a node writes without computing it: constants, shapes of known types, aliases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import TypeAlias

import numpy as np
import onnx

from feasibility.ir import Attribute, DType, TensorSpec
from feasibility.loader import attributes as attribute_reader
from feasibility.loader import fold
from feasibility.loader.guard import is_possible
from feasibility.loader.scope import Tensor, Visit
from feasibility.loader.types import UNKNOWN, Type

Attributes: TypeAlias = Mapping[str, Attribute]
Outputs: TypeAlias = list[Tensor | None]
Rule: TypeAlias = Callable[[Visit, Attributes], Outputs | None]

_A = onnx.AttributeProto
_CONSTANT_DTYPES = {
    ("value_float", _A.FLOAT): DType.FLOAT,
    ("value_floats", _A.FLOATS): DType.FLOAT,
    ("value_int", _A.INT): DType.INT64,
    ("value_ints", _A.INTS): DType.INT64,
    ("value_string", _A.STRING): DType.STRING,
    ("value_strings", _A.STRINGS): DType.STRING,
}


def _constant(at: Visit, _: Attributes) -> Outputs | None:
    """Record the value of a Constant, whichever attribute holds it."""
    if at.inputs or not at.node.attribute:
        return None
    attribute = at.node.attribute[0]
    if attribute.type == _A.TENSOR:
        return [at.scope.define_constant(at.node.output[0], attribute.t)]
    if attribute.type == _A.SPARSE_TENSOR:
        return [at.scope.define_sparse(at.node.output[0], attribute.sparse_tensor)]
    dtype = _CONSTANT_DTYPES.get((attribute.name, attribute.type))
    if dtype is None:
        return None
    value = attribute_reader.read([attribute])[attribute.name]
    dims = (len(value),) if isinstance(value, tuple) else ()
    numeric = dtype is not DType.STRING and prod(dims) <= fold.MAX_ELEMENTS
    array = np.array(value, fold.numpy_type(dtype.code)) if numeric else None
    return [at.scope.define(at.node.output[0], Type(dtype.code, dims), array, is_constant=True)]


def _identity(at: Visit, _: Attributes) -> Outputs | None:
    """Follow an Identity of a constant: exporters share weights this way."""
    if len(at.inputs) != 1 or at.inputs[0] is None or not at.inputs[0].spec.constant:
        return None
    at.scope.bind(at.node.output[0], at.inputs[0])
    return [at.inputs[0]]


def _shape(at: Visit, attributes: Attributes) -> Outputs | None:
    """Know the Shape of a known type, or the part of it that is asked for."""
    dims = at.inputs[0].type.dims if at.inputs and at.inputs[0] is not None else None
    start, end = attributes.get("start", 0), attributes.get("end")
    if dims is None or not isinstance(start, int) or not isinstance(end, int | None):
        return None
    asked = dims[start:end]
    if None in asked:
        return None
    return [
        at.scope.define(at.node.output[0], Type(DType.INT64.code, (len(asked),)), np.array(asked, np.int64))
    ]


def _size(at: Visit, _: Attributes) -> Outputs | None:
    shape = at.inputs[0].type.shape if at.inputs and at.inputs[0] is not None else None
    if shape is None:
        return None
    return [_scalar(at, DType.INT64, prod(shape))]


def _constant_of_shape(at: Visit, attributes: Attributes) -> Outputs | None:
    """Know that a large filled tensor is a constant, though not what is in it."""
    target = at.inputs[0].array if at.inputs and at.inputs[0] is not None else None
    if target is None or target.dtype.kind != "i":
        return None
    dims = tuple(target.reshape(-1).tolist())
    if prod(dims) <= fold.MAX_ELEMENTS or not is_possible(dims):
        return None
    fill = attributes.get("value")
    elem = fill.dtype.code if isinstance(fill, TensorSpec) else DType.FLOAT.code
    return [at.scope.define(at.node.output[0], Type(elem, dims), is_constant=True)]


def _sequence_length(at: Visit, _: Attributes) -> Outputs | None:
    elements = at.inputs[0].type.elements if at.inputs and at.inputs[0] is not None else None
    return None if elements is None else [_scalar(at, DType.INT64, len(elements))]


def _has_element(at: Visit, _: Attributes) -> Outputs | None:
    """Know that an absent input is empty, and that a tensor or a sequence is not."""
    tensor = at.inputs[0] if at.inputs else None
    if tensor is None:
        return [_scalar(at, DType.BOOL, 0)]
    is_optional = onnx.TypeProto.FromString(tensor.type.opaque).HasField("optional_type")
    return None if is_optional or tensor.type == UNKNOWN else [_scalar(at, DType.BOOL, 1)]


def _scalar(at: Visit, dtype: DType, number: int) -> Tensor:
    array = np.array(number, fold.numpy_type(dtype.code))
    return at.scope.define(at.node.output[0], Type(dtype.code, ()), array)


KNOWN: Mapping[str, Rule] = {
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Identity": _identity,
    "OptionalHasElement": _has_element,
    "SequenceLength": _sequence_length,
    "Shape": _shape,
    "Size": _size,
}
