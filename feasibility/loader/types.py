"""Hold what shape rules know of values and calls, and convert ONNX types."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import onnx

from feasibility.ir import Attribute

Dims: TypeAlias = tuple[int | None, ...]
Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


# float inputs whose value decides a shape; all others are shape inputs only as integers
FLOAT_SHAPE_INPUTS = frozenset({"Resize", "Upsample", "Range"})


class Type(NamedTuple):
    """What is known of a value: element type code and dims, or an opaque sequence, map or optional.

    `elements` are the types of what a sequence holds, in order, where that is known.
    """

    elem: int
    dims: Dims | None
    opaque: bytes = b""
    elements: tuple[Type, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Return the shape when every dimension is known."""
        return None if self.dims is None or None in self.dims else cast("tuple[int, ...]", self.dims)


UNKNOWN = Type(0, None)


def is_open(kind: Type) -> bool:
    """Tell whether the shape of a tensor is not fully known; a sequence has none."""
    return kind.shape is None and not kind.opaque


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


def agreed(types: Sequence[Type]) -> Type:
    """Keep what all types share."""
    if not types:
        return UNKNOWN
    shared = types[0]
    for kind in types[1:]:
        if kind != shared:
            shared = _both(shared, kind)
    return shared


def _both(a: Type, b: Type) -> Type:
    if a.opaque and b.opaque and a.opaque != b.opaque:
        inner = agreed([element_of(a), element_of(b)])
        return UNKNOWN if inner == UNKNOWN else sequence_of(inner)
    return Type(a.elem or b.elem, _shared(a.dims, b.dims), a.opaque or b.opaque)


def _shared(a: Dims | None, b: Dims | None) -> Dims | None:
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple([x if x == y else None for x, y in zip(a, b, strict=True)])


def sequence_of(kind: Type, elements: tuple[Type, ...] | None = None) -> Type:
    """Return the type of a sequence of such tensors."""
    proto = onnx.helper.make_sequence_type_proto(to_proto(kind))
    return Type(0, None, proto.SerializeToString(), elements)


def element_of(sequence: Type) -> Type:
    """Return the type that all tensors of a sequence share, UNKNOWN where it is none."""
    proto = onnx.TypeProto.FromString(sequence.opaque)
    return from_proto(proto.sequence_type.elem_type) if proto.HasField("sequence_type") else UNKNOWN


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
