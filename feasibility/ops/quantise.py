"""Count the change between real numbers and small integers."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.roles import light
from feasibility.ops.rules import Family

family = Family()

REQUANTISE = 5  # per output of an integer product: scale, round, add zero point, clamp at both ends
DEQUANTISE = 2  # per element: subtract the zero point, scale
_QUANTISE = 4  # scale, round, clamp at both ends
_MIN_AND_MAX = 2
DYNAMIC_QUANTISE = _MIN_AND_MAX + _QUANTISE + 1  # per element: find the range, quantise with a zero point


def shift(node: Node, tensor: int, zero_point: int) -> int:
    """Count the subtraction of a zero point from a tensor; weights are shifted ahead of time."""
    if not node.has_input(zero_point) or node.input(tensor).constant:
        return 0
    return node.input(tensor).numel


@family.op("QuantizeLinear")
def quantize_linear(node: Node) -> OpCost:
    """Round real numbers to integers.

    Shapes:  x and y alike; scale and zero point a scalar, an axis or blocks
    Count:   per element 4 arithmetic (scale, round, two clamps), 5 with a zero point
    Dtype:   of x
    Source:  ONNX QuantizeLinear-28
    """
    return light(node, arithmetic=node.input(0).numel * (_QUANTISE + int(node.has_input(2))))


@family.op("DequantizeLinear")
def dequantize_linear(node: Node) -> OpCost:
    """Turn integers into real numbers.

    Shapes:  x and y alike; scale and zero point a scalar, an axis or blocks
    Count:   per element 1 arithmetic (scale), 2 with a zero point
    Dtype:   of the scale
    Source:  ONNX DequantizeLinear-28
    """
    return light(node, arithmetic=node.input(0).numel * (1 + int(node.has_input(2))))


@family.op("DynamicQuantizeLinear")
def dynamic_quantize_linear(node: Node) -> OpCost:
    """Round real numbers to integers over the range they have.

    Shapes:  x and y alike, y_scale and y_zero_point scalars
    Count:   per element 7 arithmetic: two comparisons for the range, then as QuantizeLinear
             with a zero point
    Ignores: the few operations on the two scalars
    Dtype:   of x
    Source:  ONNX DynamicQuantizeLinear-11
    """
    return light(node, arithmetic=node.input(0).numel * DYNAMIC_QUANTISE)
