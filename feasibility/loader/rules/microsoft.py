"""Shape rules of com.microsoft: fused operators that graph optimisers put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feasibility.ir import DType
from feasibility.loader.rules.common import Rule, given, same_as_first
from feasibility.loader.types import Call, Type


def _skip_layer_normalization(call: Call) -> Sequence[Type]:
    """Y, mean and inverse deviation over the last axis, and the sum of input, skip and bias."""
    first = given(call, 0)
    statistics = Type(DType.FLOAT.code, None if first.dims is None else (*first.dims[:-1], 1))
    return (first, statistics, statistics, first)


RULES: Mapping[str, Rule] = {
    "QuickGelu": same_as_first,
    "SkipLayerNormalization": _skip_layer_normalization,
    "SkipSimplifiedLayerNormalization": _skip_layer_normalization,
}
