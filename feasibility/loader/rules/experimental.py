"""Shape rules of ai.onnx operators that ONNX Runtime knows and ONNX does not, or not that early.

Fused normalisations of models below opset 17, and experimental operators that ONNX dropped with
opset 10. Source of all: the operator schemas of ONNX Runtime 1.32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feasibility.ir import DType
from feasibility.loader.rules.common import (
    Rule,
    given,
    has,
    integers,
    known,
    like,
    number,
    plus,
    same_as_first,
    value,
)
from feasibility.loader.types import Call, Type


def _normalized(call: Call) -> Sequence[Type]:
    """Y like X, and statistics with the normalised axes reduced to 1."""
    dims, axis = known(call, 0), number(call, "axis", -1)
    rows = dims[: axis if axis >= 0 else len(dims) + axis]
    statistics = Type(number(call, "stash_type", DType.FLOAT.code), (*rows, *(1,) * (len(dims) - len(rows))))
    return (given(call, 0), statistics, statistics)


def _crop(call: Call) -> Sequence[Type]:
    """Cut to `scale` = [height, width], else by `border` = [left, top, right, bottom]."""
    batch, channels, height, width = known(call, 0)
    left, top, right, bottom = integers(call, "border")
    size = integers(call, "scale", ()) or (plus(height, -top, -bottom), plus(width, -left, -right))
    return (like(call, 0, batch, channels, *size),)


def _dynamic_slice(call: Call) -> Sequence[Type]:
    dims = list(known(call, 0))
    starts, ends = value(call, 1), value(call, 2)
    axes = value(call, 3) if has(call, 3) else tuple(range(len(starts or ())))
    if starts is None or ends is None or axes is None:
        return (like(call, 0, *[None] * len(dims)),)
    for axis, start, end in zip(axes, starts, ends, strict=True):
        size = dims[axis]
        dims[axis] = None if size is None else len(range(size)[start:end])
    return (like(call, 0, *dims),)


def _given_tensor_fill(call: Call) -> Sequence[Type]:
    if not has(call, 0):
        return (Type(DType.FLOAT.code, integers(call, "shape")),)
    shape = value(call, 0) if number(call, "input_as_shape", 0) else known(call, 0)
    extra = integers(call, "extra_shape", ())
    return (Type(DType.FLOAT.code, None if shape is None else (*shape, *extra)),)


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(
        (
            "Affine", "GRUUnit", "ImageScaler", "MemcpyFromHost", "MemcpyToHost", "ParametricSoftplus",
            "Scale", "ScaledTanh", "ThresholdedRelu",
        ),
        same_as_first,
    ),
    "Crop": _crop,
    "DynamicSlice": _dynamic_slice,
    "GivenTensorFill": _given_tensor_fill,
    "LayerNormalization": _normalized,
    "SimplifiedLayerNormalization": _normalized,
}  # fmt: skip
