"""Hold what shape rules know of values and calls, and convert ONNX types."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import onnx

from feasibility.ir import Attribute

Dims: TypeAlias = tuple[int | None, ...]
Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


class Type(NamedTuple):
    """What is known of a value: element type code and dims, or an opaque sequence, map or optional."""

    elem: int
    dims: Dims | None
    opaque: bytes = b""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Return the shape when every dimension is known."""
        return None if self.dims is None or None in self.dims else cast("tuple[int, ...]", self.dims)


UNKNOWN = Type(0, None)


class Call(NamedTuple):
    """One node as shape rules see it; hashable, so that equal calls are inferred once."""

    domain: str
    op_type: str
    opset: int
    attributes: tuple[tuple[str, Attribute], ...]
    inputs: tuple[Type | None, ...]
    values: tuple[bytes | None, ...]  # raw bytes of known integer inputs
    outputs: int

    def attribute(self, name: str, default: Attribute) -> Attribute:
        """Return an attribute or its default."""
        return dict(self.attributes).get(name, default)


class Inferred(NamedTuple):
    """The output types of a call, and why they are not all known."""

    types: tuple[Type, ...]
    problem: str = ""
    final: bool = False  # complete, or so wrong that no declared shape can stand in


def from_proto(proto: onnx.TypeProto) -> Type:
    """Convert a type; negative dimensions become unknown before anything native sees them."""
    if proto.WhichOneof("value") != "tensor_type":
        return Type(0, None, proto.SerializeToString())
    tensor = proto.tensor_type
    if not tensor.HasField("shape"):
        return Type(tensor.elem_type, None)
    return Type(tensor.elem_type, tuple(_dim(d) for d in tensor.shape.dim))


def _dim(dim: onnx.TensorShapeProto.Dimension) -> int | None:
    return dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else None


@lru_cache(maxsize=4096)
def to_proto(kind: Type) -> onnx.TypeProto:
    """Convert back for onnx's rules; the result is shared, nobody may change it."""
    if kind.opaque:
        opaque: onnx.TypeProto = onnx.TypeProto.FromString(kind.opaque)
        return opaque
    return onnx.helper.make_tensor_type_proto(kind.elem, kind.dims)
