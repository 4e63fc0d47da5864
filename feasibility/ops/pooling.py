"""Count pooling: windows that slide, or the whole image.

Accumulating n elements counts n operations (it starts from a neutral element).
"""

from __future__ import annotations

from math import prod

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.roles import light
from feasibility.ops.rules import Family
from feasibility.ops.sizes import lengths

family = Family()


def _window(node: Node) -> int:
    """Return the elements that windows meet: outputs times kernel."""
    return node.output(0).numel * prod(lengths(node, "kernel_shape"))


@family.op("MaxPool")
def max_pool(node: Node) -> OpCost:
    """Maximum of every window.

    Shapes:  X [N, C, *D], Y [N, C, *O], kernel_shape K
    Count:   arithmetic = |Y| * prod(K) comparisons
    Ignores: padding counts as work
    Dtype:   of X
    Source:  ONNX MaxPool-22; tests/laws compare it with a loop
    """
    return light(node, arithmetic=_window(node))


@family.op("AveragePool")
def average_pool(node: Node) -> OpCost:
    """Mean of every window.

    Shapes:  X [N, C, *D], Y [N, C, *O], kernel_shape K
    Count:   arithmetic = |Y| * (prod(K) additions + 1 division)
    Ignores: padding counts as work
    Dtype:   of X
    Source:  ONNX AveragePool-22
    """
    return light(node, arithmetic=_window(node) + node.output(0).numel)


@family.op("LpPool")
def lp_pool(node: Node) -> OpCost:
    """Lp norm of every window.

    Shapes:  X [N, C, *D], Y [N, C, *O], kernel_shape K
    Count:   per element of a window 2 arithmetic (absolute value or square, sum) with p = 1 or 2, else
             a power and one addition; per output a root unless p = 1
    Ignores: padding counts as work
    Dtype:   of X
    Source:  ONNX LpPool-22
    """
    return _norm(node, _window(node))


@family.op("GlobalMaxPool")
def global_max_pool(node: Node) -> OpCost:
    """Maximum of every channel.

    Shapes:  X [N, C, *D], Y [N, C, 1, ...]
    Count:   arithmetic = |X| comparisons
    Dtype:   of X
    Source:  ONNX GlobalMaxPool-22
    """
    return light(node, arithmetic=node.input(0).numel)


@family.op("GlobalAveragePool")
def global_average_pool(node: Node) -> OpCost:
    """Mean of every channel.

    Shapes:  X [N, C, *D], Y [N, C, 1, ...]
    Count:   arithmetic = |X| additions + |Y| divisions
    Dtype:   of X
    Source:  ONNX GlobalAveragePool-22
    """
    return light(node, arithmetic=node.input(0).numel + node.output(0).numel)


@family.op("GlobalLpPool")
def global_lp_pool(node: Node) -> OpCost:
    """Lp norm of every channel.

    Shapes:  X [N, C, *D], Y [N, C, 1, ...]
    Count:   as LpPool with a window of the whole channel
    Dtype:   of X
    Source:  ONNX GlobalLpPool-22
    """
    return _norm(node, node.input(0).numel)


def _norm(node: Node, elements: int) -> OpCost:
    order = node.attributes.get("p", 2)  # a float before opset 2
    by_power = order not in (1, 2)
    return light(
        node,
        arithmetic=elements * (1 if by_power else 2),
        transcendentals=elements * by_power + node.output(0).numel * (order != 1),
    )
