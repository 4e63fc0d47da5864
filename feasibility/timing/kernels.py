"""Say how much of a convolution's arithmetic a kernel does: more where it pads, less where it transforms.

Kernels on vector units take 4, 8 or 16 channels at once and pad what is left over: with a block of
16, a convolution from 18 to 36 channels does the work of one from 32 to 48. A first layer of few
channels is read as it lies (ONNX Runtime, onnxruntime/core/optimizer/nchwc_transformer.cc).
Winograd's transform saves multiplications of 3x3 convolutions with stride 1 (Lavin and Gray,
arXiv 1509.09308: F(4x4, 3x3) does 36 for 144), less what the transform itself costs.
"""

from __future__ import annotations

from typing import NamedTuple

from feasibility.cost import NodeCost, OpClass
from feasibility.ir import TensorSpec

_CONVOLUTIONS: frozenset[OpClass | None] = frozenset({"dense", "pointwise", "depthwise", "grouped"})
_FEWEST_AXES = 3  # of a convolution's weights: target channels, source channels, one axis of places
_FEWEST_CHANNELS = 16  # below, transforming costs more than it saves (ncnn, convolution_arm.cpp)


class Kernels(NamedTuple):
    """How the kernels of a runtime compute convolutions."""

    block: int = 1  # channels that they fill up to
    winograd: float = 1.0  # how many times less a 3x3 convolution with stride 1 takes


PLAIN = Kernels()


def computed_share(head: NodeCost, kernels: Kernels) -> float:
    """Return how many times its multiply-adds an operator computes; 1 where it is no convolution."""
    if kernels == PLAIN or head.cost is None or head.cost.op_class not in _CONVOLUTIONS:
        return 1.0
    weights = next((spec for spec in head.node.inputs if spec and _are_weights(spec)), None)
    if weights is None or weights.shape is None:
        return 1.0
    saved = kernels.winograd if _is_winograd(head, weights.shape) else 1.0
    return _padded_share(head.node.int("group", 1), weights.shape, kernels.block) / saved


def _is_winograd(head: NodeCost, shape: tuple[int, ...]) -> bool:
    """Tell whether this is a dense 3x3 convolution with stride and dilation 1 and enough channels."""
    attributes = head.node.attributes
    steps = {*_ints(attributes.get("strides")), *_ints(attributes.get("dilations"))}
    return (
        head.cost is not None
        and head.cost.op_class == "dense"
        and shape[2:] == (3, 3)
        and steps <= {1}
        and min(shape[:2]) >= _FEWEST_CHANNELS
    )


def _ints(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()


def _padded_share(group: int, shape: tuple[int, ...], block: int) -> float:
    target, source = max(1, shape[0] // group), shape[1]
    if group > 1 and source == 1:
        return _padded(shape[0], block)
    share = _padded(target, block)
    return share if group == 1 and source < block else share * _padded(source, block)


def _are_weights(spec: TensorSpec) -> bool:
    return (
        spec.constant and spec.shape is not None and len(spec.shape) >= _FEWEST_AXES and 0 not in spec.shape
    )


def _padded(channels: int, block: int) -> float:
    return -(-channels // block) * block / channels
