"""Describe a graph in ONNX's own words: frozen records without protobuf in them.

The loader makes them, every later room reads them. A domain is written out
("ai.onnx", never ""), and every shape is either fully known or None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from math import prod
from types import MappingProxyType
from typing import NoReturn, TypeAlias

from feasibility.errors import FeasibilityError, UnknownShapeError
from feasibility.units import BITS_PER_BYTE

DEFAULT_DOMAIN = "ai.onnx"
ML_DOMAIN = "ai.onnx.ml"
MICROSOFT_DOMAIN = "com.microsoft"
NCHWC_DOMAIN = "com.microsoft.nchwc"

Int: TypeAlias = int
Float: TypeAlias = float
Value: TypeAlias = tuple[int | float | str, ...]


_WIDEST_QUANTISED = 16  # bits: int16 activations exist, int32 ones are accumulators


class DType(Enum):
    """Element types of onnx.TensorProto.DataType: (code in the file, bits per element)."""

    UNDEFINED = (0, 0)
    FLOAT = (1, 32)
    UINT8 = (2, 8)
    INT8 = (3, 8)
    UINT16 = (4, 16)
    INT16 = (5, 16)
    INT32 = (6, 32)
    INT64 = (7, 64)
    STRING = (8, 64)
    BOOL = (9, 8)
    FLOAT16 = (10, 16)
    DOUBLE = (11, 64)
    UINT32 = (12, 32)
    UINT64 = (13, 64)
    COMPLEX64 = (14, 64)
    COMPLEX128 = (15, 128)
    BFLOAT16 = (16, 16)
    FLOAT8E4M3FN = (17, 8)
    FLOAT8E4M3FNUZ = (18, 8)
    FLOAT8E5M2 = (19, 8)
    FLOAT8E5M2FNUZ = (20, 8)
    UINT4 = (21, 4)
    INT4 = (22, 4)
    FLOAT4E2M1 = (23, 4)
    FLOAT8E8M0 = (24, 8)
    UINT2 = (25, 2)
    INT2 = (26, 2)
    FLOAT6E2M3 = (27, 6)
    FLOAT6E3M2 = (28, 6)

    __hash__ = object.__hash__  # members are one of a kind; Enum's own hashes the name, in Python

    def __init__(self, code: int, bits: int) -> None:
        """Keep what is asked for all the time as plain attributes.

        `bits` is the stored width of one element; `is_float` covers complex numbers;
        `is_quantised` names the integers that hold quantised weights or activations.
        """
        self.code = code
        self.bits = bits
        self.is_float = "FLOAT" in self.name or self.name in {"DOUBLE", "COMPLEX64", "COMPLEX128"}
        self.is_quantised = "INT" in self.name and 0 < bits <= _WIDEST_QUANTISED

    def nbytes(self, numel: int) -> int:
        """Return the bytes that `numel` packed elements take, rounded up."""
        return -(-numel * self.bits // BITS_PER_BYTE)

    @classmethod
    def from_code(cls, code: int) -> DType:
        """Return the type for a code of the file; an unknown code is UNDEFINED."""
        return _BY_CODE.get(code, cls.UNDEFINED)


_BY_CODE = {member.code: member for member in DType}

# what a model may be run at, in bits of one element. int4 is for weights alone: 32 of them share a
# scale of 16 bits (llama.cpp's Q4_0), and products and activations stay in fp16
ACTIVATION_BITS: Mapping[str, int] = {"fp64": 64, "fp32": 32, "fp16": 16, "bf16": 16, "int8": 8, "int4": 16}
WEIGHT_BITS: Mapping[str, Fraction] = {
    **{name: Fraction(bits) for name, bits in ACTIVATION_BITS.items()}, "int4": Fraction(32 * 4 + 16, 32)
}  # fmt: skip
# the types that a precision replaces; integers and narrow floats are what the file makes them
CONVERTIBLE = frozenset({DType.DOUBLE, DType.FLOAT, DType.FLOAT16, DType.BFLOAT16})


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One tensor: name, element type, shape, and its value where the graph fixes a small one."""

    name: str
    dtype: DType
    shape: tuple[int, ...] | None
    value: Value | None = None
    constant: bool = False  # an initializer, a Constant, or folded from those

    @property
    def dims(self) -> tuple[int, ...]:
        """Return the shape; raise UnknownShapeError when a dimension is unknown."""
        if self.shape is None:
            msg = f"the shape of tensor {self.name!r} is unknown"
            raise UnknownShapeError(msg, hint="bind its free dimensions with --dim NAME=N")
        return self.shape

    @property
    def numel(self) -> int:
        """Return the number of elements."""
        return prod(self.dims if self.shape is None else self.shape)

    @property
    def nbytes(self) -> int:
        """Return the bytes of the tensor at its stored width; asked for all the time."""
        shape = self.dims if self.shape is None else self.shape
        return -(-prod(shape) * self.dtype.bits // BITS_PER_BYTE)


Attribute: TypeAlias = int | float | str | TensorSpec | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]
_NO_ATTRIBUTES: Mapping[str, Attribute] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operator call with the specs of everything it reads and writes.

    An absent optional input or output is None. `opset` is the version that the
    model imports for `domain`.
    """

    name: str
    domain: str
    op_type: str
    opset: int
    inputs: tuple[TensorSpec | None, ...]
    outputs: tuple[TensorSpec | None, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=lambda: _NO_ATTRIBUTES)
    folded: bool = False  # its outputs are constants that no runtime computes again
    problem: str = ""  # why the shapes of its outputs are not all known
    runs: int = 1  # how often it runs in one pass: bodies of loops, functions that are called again
    scopes: tuple[str, ...] = ()  # modules that its exporter says it is in, outermost first

    def has_input(self, index: Int) -> bool:
        """Tell whether the optional input is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def has_output(self, index: Int) -> bool:
        """Tell whether the optional output is asked for."""
        return index < len(self.outputs) and self.outputs[index] is not None

    def input(self, index: Int) -> TensorSpec:
        """Return a required input; raise FeasibilityError when the node lacks it."""
        return self._required(self.inputs, index, "input")

    def output(self, index: Int) -> TensorSpec:
        """Return a required output; raise FeasibilityError when the node lacks it."""
        return self._required(self.outputs, index, "output")

    def _required(self, specs: tuple[TensorSpec | None, ...], index: Int, what: str) -> TensorSpec:
        spec = specs[index] if index < len(specs) else None
        if spec is None:
            msg = f"node {self.name!r} ({self.domain}::{self.op_type}) lacks {what} {index}"
            raise FeasibilityError(msg)
        return spec

    def string(self, name: str, default: str = "") -> str:
        """Return a string attribute."""
        value = self.attributes.get(name, default)
        return value if isinstance(value, str) else self._mistyped(name, value)

    def int(self, name: str, default: Int) -> Int:
        """Return an integer attribute."""
        value = self.attributes.get(name, default)
        return value if isinstance(value, Int) else self._mistyped(name, value)

    def float(self, name: str, default: Float) -> Float:
        """Return a float attribute."""
        value = self.attributes.get(name, default)
        return value if isinstance(value, Float) else self._mistyped(name, value)

    def ints(
        self,
        name: str,
        default: tuple[Int, ...] | None = None,
        *,
        input: Int | None = None,  # noqa: A002
    ) -> tuple[Int, ...]:
        """Return integers from the attribute or, where this opset moved them, the constant input.

        Raise UnknownShapeError when they come from an input whose value the graph
        does not fix, FeasibilityError when they are missing and have no default.
        """
        if name in self.attributes:
            return self._whole(name, self.attributes[name])
        if input is not None and self.has_input(input):
            return self._whole(name, self._known_value(input))
        if default is None:
            msg = f"node {self.name!r} ({self.domain}::{self.op_type}) lacks {name!r}"
            raise FeasibilityError(msg)
        return default

    def _known_value(self, index: Int) -> Value:
        spec = self.input(index)
        if spec.value is None:
            msg = (
                f"node {self.name!r} ({self.op_type}) needs the value of {spec.name!r}, which is not constant"
            )
            raise UnknownShapeError(msg)
        return spec.value

    def _whole(self, name: str, value: object) -> tuple[Int, ...]:
        if not isinstance(value, tuple):
            return self._mistyped(name, value)
        return tuple(v if isinstance(v, Int) else self._mistyped(name, value) for v in value)

    def _mistyped(self, name: str, value: object) -> NoReturn:
        msg = f"node {self.name!r} ({self.domain}::{self.op_type}): {name!r} has the wrong type, {value!r}"
        raise FeasibilityError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What an If, Loop or Scan node runs: the nodes of a slice that ends before that node.

    `inputs` come to life when the body starts (carried states, slices); `results` are
    what it hands to its node.
    """

    name: str  # the attribute that holds it: body, then_branch, else_branch
    owner: int  # the index of its node in Graph.nodes
    start: int
    stop: int
    inputs: tuple[TensorSpec, ...] = ()
    results: tuple[TensorSpec | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes in execution order; functions, bodies of loops and branches stand in line."""

    nodes: tuple[Node, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    bodies: tuple[Body, ...] = ()  # inner ones before the outer one that holds them


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A walked model: where it came from, what was bound and assumed, and its graph."""

    path: str
    file_bytes: int
    external_bytes: int  # declared by external data, never opened
    external_files: tuple[str, ...]  # where it lies, as the model says; never looked for
    graph_sha256: str  # of the file without the tensors above 8 KiB
    opsets: Mapping[str, int]
    dims: Mapping[str, int]  # every free dimension that was bound, by name
    assumed: tuple[str, ...]  # a sentence for each size that nobody gave
    graph: Graph
