"""Convert node attributes from protobuf into plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import onnx

from feasibility.ir import Attribute, DType, TensorSpec, Value
from feasibility.loader.fold import Array, constant

MAX_VALUE = 64  # elements of a constant that rules get to see: axes, pads, sizes, scales
_A = onnx.AttributeProto


def value_of(array: Array | None) -> Value | None:
    """Return a small array as a flat tuple, else None."""
    if array is None or array.size > MAX_VALUE or array.dtype == object:
        return None
    return tuple(array.reshape(-1).tolist())


def constant_spec(name: str, tensor: onnx.TensorProto, array: Array | None) -> TensorSpec:
    """Describe a tensor of the file."""
    dims = tuple(tensor.dims)
    shape = dims if min(dims, default=0) >= 0 else None
    dtype = DType.from_code(tensor.data_type)
    return TensorSpec(name=name, dtype=dtype, shape=shape, value=value_of(array), constant=True)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


_CONVERT: Mapping[int, Callable[[onnx.AttributeProto], Attribute]] = {
    _A.INT: lambda a: a.i,
    _A.FLOAT: lambda a: a.f,
    _A.STRING: lambda a: _text(a.s),
    _A.INTS: lambda a: tuple(a.ints),
    _A.FLOATS: lambda a: tuple(a.floats),
    _A.STRINGS: lambda a: tuple(_text(s) for s in a.strings),
    _A.TENSOR: lambda a: constant_spec(a.t.name, a.t, constant(a.t)),
}


def read(attributes: Iterable[onnx.AttributeProto]) -> dict[str, Attribute]:
    """Return the attributes that are values; graphs and types are the walk's business."""
    return {a.name: convert(a) for a in attributes if (convert := _CONVERT.get(a.type)) is not None}


def subgraphs(node: onnx.NodeProto) -> dict[str, onnx.GraphProto]:
    """Return the graphs that a control-flow node holds, by attribute."""
    return {a.name: a.g for a in node.attribute if a.type == _A.GRAPH}


def bind_references(node: onnx.NodeProto, given: Mapping[str, onnx.AttributeProto]) -> onnx.NodeProto:
    """Return a function's node with its attribute references replaced by the call's attributes."""
    bound = onnx.NodeProto()
    bound.CopyFrom(node)
    del bound.attribute[:]
    for attribute in node.attribute:
        source = given.get(attribute.ref_attr_name) if attribute.ref_attr_name else attribute
        if source is None:
            continue
        kept = bound.attribute.add()
        kept.CopyFrom(source)
        kept.name, kept.ref_attr_name = attribute.name, ""
        if kept.type == _A.GRAPH:
            nodes = [bind_references(inner, given) for inner in kept.g.node]
            del kept.g.node[:]
            kept.g.node.extend(nodes)
    return bound
