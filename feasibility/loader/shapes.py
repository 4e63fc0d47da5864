"""Find the output types of one node: onnx's own rule, remembered, and ours where it has none.

onnx answers nothing for some 45 old schema versions and for domains without a
schema, and its Einsum hangs on hostile equations; those have rules here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import onnx
from onnx import defs, numpy_helper
from onnx.shape_inference import infer_node_outputs

from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN, Attribute, DType
from feasibility.loader.guard import absurd_attribute, check_for_onnx, is_possible, shown
from feasibility.loader.schema import find_schema

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


_CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})


def infer(call: Call, proto: onnx.NodeProto, opsets: Mapping[str, int]) -> Inferred:
    """Return the output types of a node; unknown ones are said, never guessed."""
    absurd = absurd_attribute(call)
    if absurd:
        return Inferred((UNKNOWN,) * call.outputs, absurd, final=True)
    found = _infer(call, proto, opsets)
    wrong = [t.dims for t in found.types if t.dims and not is_possible(t.dims)]
    if not wrong:
        return found._replace(final=all(t.shape is not None for t in found.types))
    types = (Type(t.elem, None) if t.dims in wrong else t for t in found.types)
    return Inferred(tuple(types), f"an output cannot have the shape {shown(wrong[0])}")


def _infer(call: Call, proto: onnx.NodeProto, opsets: Mapping[str, int]) -> Inferred:
    if call.domain == DEFAULT_DOMAIN and call.op_type in _CONTROL_FLOW:
        return Inferred((UNKNOWN,) * call.outputs, f"what {call.op_type} runs is decided at run time")
    own = _OWN.get((call.domain, call.op_type))
    if own is not None:
        return _by_rule(own, call)
    schema = find_schema(call.domain, call.op_type, call.opset)
    if schema is None:
        return Inferred((UNKNOWN,) * call.outputs, f"no shape rule for {call.domain}::{call.op_type}")
    if schema.has_type_and_shape_inference_function:
        return _by_onnx(schema, call, proto, opsets)
    old = _OLD.get(call.op_type)
    if old is None:
        return Inferred((UNKNOWN,) * call.outputs, f"no shape rule for {call.op_type}-{schema.since_version}")
    return _by_rule(old, call)


def _by_onnx(schema: defs.OpSchema, call: Call, proto: onnx.NodeProto, opsets: Mapping[str, int]) -> Inferred:
    """Ask onnx's C++ rule about this one node, under neutral names.

    Every output gets one, also where this node asks for none: the answer serves equal calls that do.
    """
    neutral = onnx.NodeProto(
        op_type=call.op_type,
        domain=proto.domain,
        input=[f"i{n}" if kind is not None else "" for n, kind in enumerate(call.inputs)],
        output=[f"o{n}" for n in range(call.outputs)],
        attribute=[a for a in proto.attribute if a.type not in _GRAPHS],
    )
    types = {f"i{n}": to_proto(kind) for n, kind in enumerate(call.inputs) if kind is not None}
    data = {f"i{n}": _tensor(call.inputs[n], raw) for n, raw in enumerate(call.values) if raw is not None}
    imports = _imports(tuple(opsets.items()))
    try:
        check_for_onnx(call)
        answer = infer_node_outputs(schema, neutral, types, data, opset_imports=imports)
    except _REFUSED as error:
        return Inferred((UNKNOWN,) * call.outputs, _first_line(error))
    found = [answer.get(f"o{n}") for n in range(call.outputs)]
    return Inferred(tuple(UNKNOWN if proto is None else from_proto(proto) for proto in found))


@lru_cache(maxsize=64)
def _imports(opsets: tuple[tuple[str, int], ...]) -> list[onnx.OperatorSetIdProto]:
    return [onnx.helper.make_opsetid("" if d == DEFAULT_DOMAIN else d, v) for d, v in opsets]


# what onnx raises on a node that does not fit its schema
_REFUSED = (
    onnx.checker.ValidationError,
    onnx.shape_inference.InferenceError,
    RuntimeError,
    TypeError,
    ValueError,
)
_GRAPHS = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
_MAX_REASON = 160


def _first_line(error: Exception) -> str:
    """Keep what onnx says of a node, without its own prefix, in one bounded line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text.removeprefix("[ShapeInferenceError] ").removeprefix("[TypeInferenceError] ")[:_MAX_REASON]


def _tensor(kind: Type | None, raw: bytes) -> onnx.TensorProto:
    if kind is None or kind.shape is None:
        raise ValueError
    return onnx.TensorProto(data_type=kind.elem, dims=kind.shape, raw_data=raw)


def _value(call: Call, index: int) -> tuple[int, ...] | None:
    """Return the integers of a known input."""
    kind = call.inputs[index] if index < len(call.inputs) else None
    raw = call.values[index] if index < len(call.values) else None
    if kind is None or raw is None:
        return None
    return tuple(int(v) for v in np.ravel(numpy_helper.to_array(_tensor(kind, raw))))


Rule: TypeAlias = Callable[[Call], Sequence[Type]]


def _by_rule(rule: Rule, call: Call) -> Inferred:
    try:
        types = tuple(rule(call))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        reason = (
            f"inputs do not fit {call.op_type}: {error}"
            if str(error)
            else f"inputs do not fit {call.op_type}"
        )
        return Inferred((UNKNOWN,) * call.outputs, reason[:_MAX_REASON])
    return Inferred((types + (UNKNOWN,) * call.outputs)[: call.outputs])


def _input(call: Call, index: int) -> Type:
    kind = call.inputs[index]
    if kind is None:
        msg = f"input {index} is missing"
        raise ValueError(msg)
    return kind


def _known(call: Call, index: int) -> Dims:
    dims = _input(call, index).dims
    if dims is None:
        msg = f"the rank of input {index} is unknown"
        raise ValueError(msg)
    return dims


def _integers(call: Call, name: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
    value = call.attribute(name, default if default is not None else ())
    if not isinstance(value, tuple) or not (value or default is not None):
        msg = f"attribute {name!r} is missing"
        raise ValueError(msg)
    return tuple(int(v) for v in value)


def _same_as_first(call: Call) -> Sequence[Type]:
    """Every output has the type of the first input."""
    return (_input(call, 0),) * call.outputs


def broadcast(*shapes: Dims) -> Dims:
    """Broadcast shapes as numpy does; an unknown dimension stays unknown beside 1."""
    rank = max((len(s) for s in shapes), default=0)
    padded = [(1,) * (rank - len(s)) + s for s in shapes]
    return tuple(_join(dims) for dims in zip(*padded, strict=True))


def _join(dims: tuple[int | None, ...]) -> int | None:
    known = {d for d in dims if d is not None and d != 1}
    if len(known) > 1:
        msg = f"{sorted(known)} do not broadcast"
        raise ValueError(msg)
    return next(iter(known)) if known else None if None in dims else 1


def _concat_1(call: Call) -> Sequence[Type]:
    axis = call.attribute("axis", 1)
    shapes = [_known(call, n) for n in range(len(call.inputs))]
    if not isinstance(axis, int):
        raise TypeError
    along = [s[axis] for s in shapes]
    total = None if None in along else sum(d for d in along if d is not None)
    dims = list(shapes[0])
    dims[axis] = total
    return (Type(_input(call, 0).elem, tuple(dims)),)


def _split_1(call: Call) -> Sequence[Type]:
    axis, dims = call.attribute("axis", 0), _known(call, 0)
    if not isinstance(axis, int):
        raise TypeError
    size = dims[axis]
    even = (size // call.outputs,) * call.outputs if size is not None else ()
    sizes = _value(call, 1) or _integers(call, "split", even)
    if size is not None and sum(sizes) != size:
        msg = f"parts of {shown(sizes)} do not make {size}"
        raise ValueError(msg)
    axis %= len(dims)
    return [Type(_input(call, 0).elem, (*dims[:axis], s, *dims[axis + 1 :])) for s in sizes]


def _reshape_1(call: Call) -> Sequence[Type]:
    source, target = _known(call, 0), _integers(call, "shape")
    dims = [source[i] if d == 0 else d for i, d in enumerate(target)]
    known = _input(call, 0).shape
    if -1 in dims:
        rest = prod(d for d in dims if d is not None and d != -1)
        dims[dims.index(-1)] = None if known is None or not rest or None in dims else prod(known) // rest
    return (Type(_input(call, 0).elem, tuple(dims)),)


def _pad_1(call: Call) -> Sequence[Type]:
    dims, pads = _known(call, 0), _integers(call, "paddings")
    sides = zip(dims, pads[: len(dims)], pads[len(dims) :], strict=True)
    return (Type(_input(call, 0).elem, tuple(None if d is None else d + a + b for d, a, b in sides)),)


def _cast_1(call: Call) -> Sequence[Type]:
    to = call.attribute("to", "")
    return (Type(DType[to].code if isinstance(to, str) else 0, _input(call, 0).dims),)


def _gemm_1(call: Call) -> Sequence[Type]:
    a, b = _known(call, 0), _known(call, 1)
    rows = a[1] if call.attribute("transA", 0) else a[0]
    columns = b[0] if call.attribute("transB", 0) else b[1]
    return (Type(_input(call, 0).elem, (rows, columns)),)


def _upsample_1(call: Call) -> Sequence[Type]:
    n, c, h, w = _known(call, 0)
    scales = (call.attribute("height_scale", 0.0), call.attribute("width_scale", 0.0))
    sizes = [
        None if d is None else int(d * s) for d, s in zip((h, w), scales, strict=True) if isinstance(s, float)
    ]
    return (Type(_input(call, 0).elem, (n, c, *sizes)),)


def _global_pool(call: Call) -> Sequence[Type]:
    dims = _known(call, 0)
    return (Type(_input(call, 0).elem, (*dims[:2], *(1,) * (len(dims) - 2))),)


def _compress(call: Call) -> Sequence[Type]:
    """How many elements pass is known only at run time."""
    return (Type(_input(call, 0).elem, None),)


def _compare(call: Call) -> Sequence[Type]:
    return (Type(DType.BOOL.code, broadcast(_known(call, 0), _known(call, 1))),)


# schema versions for which onnx has no rule; each name stands for its oldest versions
_OLD: dict[str, Rule] = {
    # before opset 7 the second operand of arithmetic is stretched to the first
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "PRelu"), _same_as_first),
    **dict.fromkeys(
        (
            "Abs", "BatchNormalization", "Ceil", "Clip", "Dropout", "Elu", "Exp", "Floor",
            "GroupNormalization", "HardSigmoid", "InstanceNormalization", "LeakyRelu", "Log", "Max",
            "Mean", "MeanVarianceNormalization", "Min", "Neg", "Reciprocal", "Relu", "Selu", "Sigmoid",
            "Sqrt", "Sum", "Tanh",
        ),
        _same_as_first,
    ),
    "Cast": _cast_1, "Compress": _compress, "Concat": _concat_1, "Gemm": _gemm_1,
    "GlobalLpPool": _global_pool, "GreaterOrEqual": _compare, "LessOrEqual": _compare, "Pad": _pad_1,
    "Reshape": _reshape_1, "Split": _split_1, "Upsample": _upsample_1,
}  # fmt: skip


def einsum_dims(equation: str, shapes: Sequence[Dims]) -> Dims:
    """Return the output shape of an Einsum; raise ValueError on an equation that is not one."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        msg = f"{len(terms)} terms for {len(shapes)} inputs"
        raise ValueError(msg)
    sizes: dict[str, int | None] = {}
    ellipsis: list[Dims] = []
    for term, dims in zip(terms, shapes, strict=True):
        ellipsis.append(_label(term, dims, sizes))
    output = right if arrow else _implicit_output(left)
    head, dots, tail = output.partition("...")
    batch = broadcast(*ellipsis) if dots else ()
    return (*(sizes[c] for c in head), *batch, *(sizes[c] for c in tail))


def _label(term: str, dims: Dims, sizes: dict[str, int | None]) -> Dims:
    """Match a term's letters with a shape; return what the ellipsis covers."""
    head, dots, tail = term.partition("...")
    covered = len(dims) - len(head) - len(tail)
    if (head + tail and not (head + tail).isalpha()) or covered < 0 or (covered and not dots):
        msg = f"term {term[:64]!r} does not fit a rank of {len(dims)}"
        raise ValueError(msg)
    letters = (*zip(head, dims, strict=False), *zip(tail, dims[len(head) + covered :], strict=True))
    for letter, size in letters:
        sizes[letter] = _join((sizes.get(letter, 1), size))
    return dims[len(head) : len(head) + covered]


def _implicit_output(left: str) -> str:
    """Without an arrow: the ellipsis, then the letters that occur once, sorted (ONNX Einsum-12)."""
    letters = left.replace(",", "").replace("...", "")
    once = sorted(c for c in set(letters) if letters.count(c) == 1)
    return ("..." if "..." in left else "") + "".join(once)


def _einsum(call: Call) -> Sequence[Type]:
    equation = call.attribute("equation", "")
    shapes = [_known(call, n) for n in range(len(call.inputs))]
    if not isinstance(equation, str):
        raise TypeError
    return (Type(_input(call, 0).elem, einsum_dims(equation, shapes)),)


def _skip_layer_normalization(call: Call) -> Sequence[Type]:
    """Y, mean and inverse deviation over the last axis, and the sum of input, skip and bias."""
    first = _input(call, 0)
    statistics = Type(DType.FLOAT.code, None if first.dims is None else (*first.dims[:-1], 1))
    return (first, statistics, statistics, first)


_OWN: dict[tuple[str, str], Rule] = {
    (DEFAULT_DOMAIN, "Einsum"): _einsum,
    (MICROSOFT_DOMAIN, "SkipLayerNormalization"): _skip_layer_normalization,
    (MICROSOFT_DOMAIN, "SkipSimplifiedLayerNormalization"): _skip_layer_normalization,
    (MICROSOFT_DOMAIN, "QuickGelu"): _same_as_first,
}
