"""Count the channels that convolution kernels compute beside those that are wanted.

Kernels on vector units take 4, 8 or 16 channels at once and pad what is left over: with a block of
16, a convolution from 18 to 36 channels does the work of one from 32 to 48. A first layer of few
channels is read as it lies (ONNX Runtime, onnxruntime/core/optimizer/nchwc_transformer.cc).
"""

from __future__ import annotations

from feasibility.cost import NodeCost, OpClass
from feasibility.ir import TensorSpec

_CONVOLUTIONS: frozenset[OpClass | None] = frozenset({"dense", "pointwise", "depthwise", "grouped"})
_FEWEST_AXES = 3  # of a convolution's weights: target channels, source channels, one axis of places


def padded_share(head: NodeCost, block: int) -> float:
    """Return how many times its multiply-adds a convolution computes; 1 for other operators."""
    if block == 1 or head.cost is None or head.cost.op_class not in _CONVOLUTIONS:
        return 1.0
    weights = next((spec for spec in head.node.inputs if spec and _are_weights(spec)), None)
    if weights is None or weights.shape is None:
        return 1.0
    group = head.node.int("group", 1)
    target, source = max(1, weights.shape[0] // group), weights.shape[1]
    if group > 1 and source == 1:
        return _padded(weights.shape[0], block)
    share = _padded(target, block)
    return share if group == 1 and source < block else share * _padded(source, block)


def _are_weights(spec: TensorSpec) -> bool:
    return (
        spec.constant and spec.shape is not None and len(spec.shape) >= _FEWEST_AXES and 0 not in spec.shape
    )


def _padded(channels: int, block: int) -> float:
    return -(-channels // block) * block / channels
