"""Shape rules for the schema versions of ai.onnx that onnx itself has none for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from feasibility.ir import DType
from feasibility.loader.guard import shown
from feasibility.loader.rules.common import Rule, broadcast, given, integers, known, same_as_first, value
from feasibility.loader.types import Call, Type


def _concat_1(call: Call) -> Sequence[Type]:
    axis = call.attribute("axis", 1)
    shapes = [known(call, n) for n in range(len(call.inputs))]
    if not isinstance(axis, int):
        raise TypeError
    along = [s[axis] for s in shapes]
    total = None if None in along else sum(d for d in along if d is not None)
    dims = list(shapes[0])
    dims[axis] = total
    return (Type(given(call, 0).elem, tuple(dims)),)


def _split_1(call: Call) -> Sequence[Type]:
    axis, dims = call.attribute("axis", 0), known(call, 0)
    if not isinstance(axis, int):
        raise TypeError
    size = dims[axis]
    even = (size // call.outputs,) * call.outputs if size is not None else ()
    sizes = value(call, 1) or integers(call, "split", even)
    if size is not None and sum(sizes) != size:
        msg = f"parts of {shown(sizes)} do not make {size}"
        raise ValueError(msg)
    axis %= len(dims)
    return [Type(given(call, 0).elem, (*dims[:axis], s, *dims[axis + 1 :])) for s in sizes]


def _reshape_1(call: Call) -> Sequence[Type]:
    source, target = known(call, 0), integers(call, "shape")
    dims = [source[i] if d == 0 else d for i, d in enumerate(target)]
    shape = given(call, 0).shape
    if -1 in dims:
        rest = prod(d for d in dims if d is not None and d != -1)
        dims[dims.index(-1)] = None if shape is None or not rest or None in dims else prod(shape) // rest
    return (Type(given(call, 0).elem, tuple(dims)),)


def _pad_1(call: Call) -> Sequence[Type]:
    dims, pads = known(call, 0), integers(call, "paddings")
    sides = zip(dims, pads[: len(dims)], pads[len(dims) :], strict=True)
    return (Type(given(call, 0).elem, tuple(None if d is None else d + a + b for d, a, b in sides)),)


def _cast_1(call: Call) -> Sequence[Type]:
    to = call.attribute("to", "")
    return (Type(DType[to].code if isinstance(to, str) else 0, given(call, 0).dims),)


def _gemm_1(call: Call) -> Sequence[Type]:
    a, b = known(call, 0), known(call, 1)
    rows = a[1] if call.attribute("transA", 0) else a[0]
    columns = b[0] if call.attribute("transB", 0) else b[1]
    return (Type(given(call, 0).elem, (rows, columns)),)


def _upsample_1(call: Call) -> Sequence[Type]:
    n, c, h, w = known(call, 0)
    scales = (call.attribute("height_scale", 0.0), call.attribute("width_scale", 0.0))
    sizes = [
        None if d is None else int(d * s) for d, s in zip((h, w), scales, strict=True) if isinstance(s, float)
    ]
    return (Type(given(call, 0).elem, (n, c, *sizes)),)


def _global_pool(call: Call) -> Sequence[Type]:
    dims = known(call, 0)
    return (Type(given(call, 0).elem, (*dims[:2], *(1,) * (len(dims) - 2))),)


def _compress(call: Call) -> Sequence[Type]:
    """How many elements pass is known only at run time."""
    return (Type(given(call, 0).elem, None),)


def _compare(call: Call) -> Sequence[Type]:
    return (Type(DType.BOOL.code, broadcast(known(call, 0), known(call, 1))),)


def _dropout(call: Call) -> Sequence[Type]:
    """Return Y, and the mask, which is BOOL from opset 10 on and of X's type before."""
    x = given(call, 0)
    return (x, Type(x.elem if call.opset < _FIRST_BOOL_MASK else DType.BOOL.code, x.dims))


def _batch_normalization(call: Call) -> Sequence[Type]:
    """Return Y, and for training statistics of each channel."""
    x, dims = given(call, 0), known(call, 0)
    return (x, *[Type(x.elem, dims[1:2])] * (call.outputs - 1))


_FIRST_BOOL_MASK = 10  # ONNX Dropout-10

# onnx's own rules for these leave out the optional outputs of some versions, which old exporters wrote
PARTIAL: Mapping[str, Rule] = {"BatchNormalization": _batch_normalization, "Dropout": _dropout}

# schema versions for which onnx has no rule; each name stands for its oldest versions
OLD: Mapping[str, Rule] = {
    # before opset 7 the second operand of arithmetic is stretched to the first
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "PRelu"), same_as_first),
    **dict.fromkeys(
        (
            "Abs", "Ceil", "Clip", "Elu", "Exp", "Floor",
            "GroupNormalization", "HardSigmoid", "InstanceNormalization", "LeakyRelu", "Log", "Max",
            "Mean", "MeanVarianceNormalization", "Min", "Neg", "Reciprocal", "Relu", "Selu", "Sigmoid",
            "Sqrt", "Sum", "Tanh",
        ),
        same_as_first,
    ),
    **PARTIAL,
    "Cast": _cast_1, "Compress": _compress, "Concat": _concat_1, "Gemm": _gemm_1,
    "GlobalLpPool": _global_pool, "GreaterOrEqual": _compare, "LessOrEqual": _compare, "Pad": _pad_1,
    "Reshape": _reshape_1, "Split": _split_1, "Upsample": _upsample_1,
}  # fmt: skip
