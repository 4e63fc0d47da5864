"""Evaluate shape arithmetic: the value of a small tensor whose inputs are all known.

numpy does the arithmetic directly. onnx's own reference operators give the same
values (the tests compare them) but take 0.6 times `import onnx` to import
(measured 2026-11-22, onnx 1.23.2), too much for a command that answers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from math import prod
from typing import Any, TypeAlias

import numpy as np
import onnx

from feasibility.ir import Attribute, DType, TensorSpec

MAX_ELEMENTS = 1024  # of one folded tensor: shape arithmetic is small
MAX_NUMBERS = 64  # of one stored tensor of a type that weights have: scales, not weights
MODEL_BUDGET = 1 << 20  # inputs that folding looks at in one model: seconds, whatever their sizes
_MAX_RANK = 64

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Attributes: TypeAlias = Mapping[str, Attribute]
Evaluate: TypeAlias = Callable[[Sequence[Array | None], Attributes], Array | tuple[Array, ...]]


# little-endian types whose raw bytes numpy reads as they are, 8 times faster than to_array
_PLAIN = {
    dtype.code: np.dtype(code)
    for dtype, code in (
        (DType.FLOAT, "<f4"), (DType.DOUBLE, "<f8"), (DType.INT32, "<i4"), (DType.INT64, "<i8"),
        (DType.BOOL, "?"), (DType.INT8, "<i1"), (DType.UINT8, "<u1"),
    )
}  # fmt: skip

_NO_ARITHMETIC = frozenset({DType.STRING.code, DType.COMPLEX64.code, DType.COMPLEX128.code})


def constant(tensor: onnx.TensorProto) -> Array | None:
    """Return the value of a small tensor that the file carries inline, else None.

    Weights have none, so that a model costs the same wherever they lie.
    """
    return numbers(tensor, _most(tensor.data_type))


def numbers(tensor: onnx.TensorProto, most: int = MAX_ELEMENTS) -> Array | None:
    """Return the value of a tensor of so many elements at most that the file carries inline, else None."""
    dims = tuple(tensor.dims)
    if len(dims) > _MAX_RANK or min(dims, default=0) < 0 or prod(dims) > most:
        return None
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.data_type in _NO_ARITHMETIC:
        return None
    plain = _PLAIN.get(tensor.data_type)
    try:
        if plain is not None and tensor.HasField("raw_data"):
            return np.frombuffer(tensor.raw_data, plain).reshape(dims)
        return onnx.numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError):
        return None


def _most(code: int) -> int:
    """Return how many elements of a type may be shape arithmetic."""
    dtype = DType.from_code(code)
    return MAX_NUMBERS if dtype.is_float or dtype.is_quantised else MAX_ELEMENTS


# what numpy and the rules raise on inputs that do not fit; such a node is left to run time
_REFUSED = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)


def evaluate(
    op_type: str, inputs: Sequence[Array | None], attributes: Attributes
) -> tuple[Array, ...] | None:
    """Return the outputs of an allow-listed operator, None when it cannot or must not be evaluated.

    Call it under `quiet()`: numpy warns about infinities that shape arithmetic may well hold.
    """
    rule = _RULES.get(op_type)
    if rule is None:
        return None
    try:
        result = rule(inputs, attributes)
    except _REFUSED:
        return None
    outputs = result if isinstance(result, tuple) else (result,)
    if any(o.size > MAX_ELEMENTS or o.dtype == object for o in outputs):
        return None
    return outputs


def quiet() -> AbstractContextManager[object]:
    """Keep numpy silent; entering costs as much as an evaluation, so a walk does it once."""
    return np.errstate(all="ignore")


def _ints(
    attributes: Attributes, name: str, inputs: Sequence[Array | None], index: int
) -> tuple[int, ...] | None:
    """Read integers from the attribute or, in later opsets, the input."""
    value = attributes.get(name)
    if isinstance(value, tuple):
        return tuple(int(v) for v in value)
    given = inputs[index] if index < len(inputs) else None
    return None if given is None else tuple(int(v) for v in np.atleast_1d(given))


def _int(attributes: Attributes, name: str, default: int) -> int:
    value = attributes.get(name, default)
    if not isinstance(value, int):
        raise TypeError(name)
    return value


def _arrays(inputs: Sequence[Array | None]) -> list[Array]:
    return [a for a in inputs if a is not None]


def _first(inputs: Sequence[Array | None]) -> Array:
    first = inputs[0]
    if first is None:
        raise TypeError
    return first


def _spread(arrays: Sequence[Array]) -> Sequence[Array]:
    """Return arrays to broadcast; refuse those that make something large of small ones."""
    if any(a.ndim > 1 for a in arrays):
        _bounded(np.broadcast_shapes(*[a.shape for a in arrays]))
    return arrays


def _unary(function: Callable[[Array], Any]) -> Evaluate:
    return lambda inputs, _: np.asarray(function(_first(inputs)))


def _binary(function: Callable[[Array, Array], Any]) -> Evaluate:
    def rule(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
        a, b = _spread(_arrays(inputs))
        if attributes.get("axis") is not None:  # the broadcast of opsets before 7
            raise ValueError
        return np.asarray(function(a, b))

    return rule


def _variadic(function: Any) -> Evaluate:  # noqa: ANN401 (a numpy ufunc)
    def rule(inputs: Sequence[Array | None], _: Attributes) -> Array:
        arrays = _spread(_arrays(inputs))
        total = arrays[0]
        for other in arrays[1:]:
            total = function(total, other)
        return np.asarray(total)

    return rule


def _divide(a: Array, b: Array) -> Array:
    """Divide; integers truncate towards zero (ONNX Div-7)."""
    if not np.issubdtype(a.dtype, np.integer):
        return np.asarray(a / b)
    if not b.all():
        raise ZeroDivisionError
    return np.asarray(np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b)), dtype=a.dtype)


def _mod(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    a, b = _spread(_arrays(inputs))
    if np.issubdtype(b.dtype, np.integer) and not b.all():
        raise ZeroDivisionError
    return np.asarray(np.fmod(a, b) if _int(attributes, "fmod", 0) == 1 else np.mod(a, b))


def numpy_type(code: int) -> np.dtype[Any]:
    """Return numpy's type for an ONNX element type code; raise KeyError when there is none."""
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(code))


def type_code(array: Array) -> int:
    """Return the ONNX element type code of an array; UNDEFINED when there is none."""
    code = _CODES.get(array.dtype)
    if code is None:
        try:
            code = int(onnx.helper.np_dtype_to_tensor_dtype(array.dtype))
        except (KeyError, ValueError):
            code = DType.UNDEFINED.code
        _CODES[array.dtype] = code
    return code


_CODES: dict[np.dtype[Any], int] = {}  # asking onnx takes 2 us


def _power(a: Array, b: Array) -> Array:
    """Raise to a power; the result has the type of the base (ONNX Pow-15)."""
    return np.asarray(np.power(a, b), dtype=a.dtype)


def _cast(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    to = attributes.get("to")
    code = DType[to].code if isinstance(to, str) else to
    if not isinstance(code, int) or DType.from_code(code) in {DType.STRING, DType.UNDEFINED}:
        raise TypeError
    return _first(inputs).astype(numpy_type(code))


def _cast_like(inputs: Sequence[Array | None], _: Attributes) -> Array:
    data, target = _arrays(inputs)
    return data.astype(target.dtype)


def _slice(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    data = _first(inputs)
    starts = _ints(attributes, "starts", inputs, 1)
    ends = _ints(attributes, "ends", inputs, 2)
    if starts is None or ends is None:
        raise ValueError
    axes = _ints(attributes, "axes", inputs, 3) or tuple(range(len(starts)))
    steps = _ints({}, "steps", inputs, 4) or (1,) * len(starts)
    index = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # a backward slice that runs past the first element ends at None in Python
        stop = None if step < 0 and end < -data.shape[axis] else end
        index[axis] = slice(start, stop, step)
    return data[tuple(index)]


def _squeeze(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    return np.squeeze(_first(inputs), axis=_ints(attributes, "axes", inputs, 1))


def _unsqueeze(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    return np.expand_dims(_first(inputs), axis=_ints(attributes, "axes", inputs, 1) or ())


def _reshape(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    data, shape = _first(inputs), _ints(attributes, "shape", inputs, 1)
    if shape is None:
        raise ValueError
    keep_zero = _int(attributes, "allowzero", 0)
    return data.reshape([d if d or keep_zero else data.shape[i] for i, d in enumerate(shape)])


def _transpose(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    return np.transpose(_first(inputs), _ints(attributes, "perm", (), 0))


def _gather(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    data, indices = _arrays(inputs)
    axis = _int(attributes, "axis", 0)
    _bounded((data.size // max(data.shape[axis], 1), indices.size))
    return np.take(data, indices.astype(np.int64), axis=axis)


def _range(inputs: Sequence[Array | None], _: Attributes) -> Array:
    first = _first(inputs)
    start, limit, delta = (a.reshape(-1)[0].item() for a in _arrays(inputs))
    if not delta or abs((limit - start) / delta) > MAX_ELEMENTS:
        raise ValueError
    return np.asarray(np.arange(start, limit, delta), dtype=first.dtype)


def _bounded(shape: Sequence[int]) -> tuple[int, ...]:
    """Refuse to make a tensor that is not small."""
    numel = 1
    for dim in shape:
        numel *= dim
        if not 0 <= numel <= MAX_ELEMENTS:
            raise ValueError
    return tuple(shape)


def _constant_of_shape(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    shape = _bounded([int(d) for d in _first(inputs)])
    fill = attributes.get("value")
    if not isinstance(fill, TensorSpec):
        return np.zeros(shape, np.float32)
    if fill.value is None:
        raise ValueError
    return np.full(shape, fill.value[0], numpy_type(fill.dtype.code))


def _expand(inputs: Sequence[Array | None], _: Attributes) -> Array:
    data, shape = _arrays(inputs)
    return np.broadcast_to(data, _bounded(np.broadcast_shapes(data.shape, tuple(int(d) for d in shape))))


def _tile(inputs: Sequence[Array | None], _: Attributes) -> Array:
    data, repeats = _arrays(inputs)
    _bounded([a * int(b) for a, b in zip(data.shape, repeats, strict=True)])
    return np.tile(data, tuple(int(r) for r in repeats))


def _concat(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    arrays = _arrays(inputs)
    _bounded((sum(a.size for a in arrays),))
    return np.concatenate(arrays, axis=_int(attributes, "axis", 1))


def _split(inputs: Sequence[Array | None], attributes: Attributes) -> tuple[Array, ...]:
    data, axis = _first(inputs), _int(attributes, "axis", 0)
    sizes = _ints(attributes, "split", inputs, 1)
    if sizes is None and "num_outputs" in attributes:
        sizes = _even(data.shape[axis], _int(attributes, "num_outputs", 1))
    if sizes is None or min(sizes) < 0 or sum(sizes) != data.shape[axis]:
        raise ValueError
    return tuple(np.split(data, np.cumsum(sizes)[:-1], axis=axis))


def _even(size: int, parts: int) -> tuple[int, ...]:
    """Return equal lengths, of which the last is shorter where they do not fit (ONNX Split-18)."""
    _bounded((parts,))
    longest = -(-size // parts)
    return (*(longest,) * (parts - 1), size - longest * (parts - 1))


def _reduce(function: Callable[..., Any]) -> Evaluate:
    def rule(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
        data, axes = _first(inputs), _ints(attributes, "axes", inputs, 1)
        if not axes and _int(attributes, "noop_with_empty_axes", 0):
            return data
        keep = bool(_int(attributes, "keepdims", 1))
        return np.asarray(function(data, axis=axes or None, keepdims=keep), dtype=data.dtype)

    return rule


def _scatter_nd(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    data, indices, updates = _arrays(inputs)
    if attributes.get("reduction", "none") != "none":
        raise ValueError
    out = data.copy()
    out[tuple(np.moveaxis(indices, -1, 0))] = updates
    return out


def _clip(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    data = _first(inputs)
    for index, name, bound in ((1, "min", np.maximum), (2, "max", np.minimum)):
        given, limit = attributes.get(name), inputs[index] if index < len(inputs) else None
        if isinstance(given, float):  # before opset 11
            limit = np.asarray(given, data.dtype)
        if limit is not None:
            data = np.asarray(bound(*_spread((data, limit))))
    return data


def _one_hot(inputs: Sequence[Array | None], attributes: Attributes) -> Array:
    indices, depth, values = _arrays(inputs)
    size, axis = int(depth.reshape(-1)[0]), _int(attributes, "axis", -1)
    _bounded([*indices.shape, size])
    _bounded([size])  # no index at all makes the product 0
    # a negative index counts from the end; one outside of both ranges is hot nowhere
    hot = np.expand_dims(np.where(indices < 0, indices + size, indices), axis) == np.arange(size).reshape(
        [-1 if n == axis % (indices.ndim + 1) else 1 for n in range(indices.ndim + 1)]
    )
    return np.asarray(np.where(hot, values[1], values[0]))


def _where(inputs: Sequence[Array | None], _: Attributes) -> Array:
    condition, a, b = _spread(_arrays(inputs))
    return np.where(condition, a, b)


def _non_zero(inputs: Sequence[Array | None], _: Attributes) -> Array:
    return np.array(np.nonzero(np.atleast_1d(_first(inputs))), dtype=np.int64)


_RULES: dict[str, Evaluate] = {
    "Abs": _unary(np.abs), "Add": _binary(np.add), "And": _binary(np.logical_and), "Cast": _cast,
    "CastLike": _cast_like, "Ceil": _unary(np.ceil), "Clip": _clip, "Concat": _concat,
    "ConstantOfShape": _constant_of_shape, "Div": _binary(_divide), "Equal": _binary(np.equal),
    "Exp": _unary(np.exp), "Expand": _expand, "Floor": _unary(np.floor), "Gather": _gather,
    "Greater": _binary(np.greater), "GreaterOrEqual": _binary(np.greater_equal),
    "Identity": _unary(np.asarray), "Less": _binary(np.less), "LessOrEqual": _binary(np.less_equal),
    "Log": _unary(np.log), "Max": _variadic(np.maximum), "Min": _variadic(np.minimum), "Mod": _mod,
    "Mul": _binary(np.multiply), "Neg": _unary(np.negative), "NonZero": _non_zero,
    "Not": _unary(np.logical_not), "OneHot": _one_hot, "Or": _binary(np.logical_or),
    "Pow": _binary(_power), "Range": _range, "Reciprocal": _unary(np.reciprocal),
    "ReduceMax": _reduce(np.max), "ReduceMin": _reduce(np.min), "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum), "Relu": _unary(lambda a: a.clip(0)), "Reshape": _reshape,
    "Round": _unary(np.rint), "ScatterND": _scatter_nd,
    "Sign": _unary(np.sign), "Slice": _slice, "Split": _split, "Sqrt": _unary(np.sqrt),
    "Squeeze": _squeeze, "Sub": _binary(np.subtract), "Sum": _variadic(np.add), "Tile": _tile,
    "Transpose": _transpose, "Unsqueeze": _unsqueeze, "Where": _where, "Xor": _binary(np.logical_xor),
}  # fmt: skip
