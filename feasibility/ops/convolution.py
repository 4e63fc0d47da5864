"""Count convolutions of any rank.

The class a convolution belongs to decides which efficiency the time model uses:
more than one group is `depthwise`, one group with a kernel of 1 is `pointwise`,
everything else `dense`.
"""

from __future__ import annotations

from math import prod

from feasibility.cost import OpClass, OpCost
from feasibility.errors import FeasibilityError
from feasibility.ir import Node, TensorSpec
from feasibility.ops.interpolate import weighted_sum
from feasibility.ops.quantise import REQUANTISE, shift
from feasibility.ops.roles import heavy
from feasibility.ops.rules import Family
from feasibility.ops.sizes import size, size_without

family = Family()


def conv_class(node: Node, weights: TensorSpec) -> OpClass:
    """Return the class of efficiency of a convolution (see the module)."""
    if node.int("group", 1) > 1:
        return "depthwise" if size(weights, 1) == 1 else "grouped"
    return "pointwise" if prod(weights.dims[2:]) == 1 else "dense"


def conv_fmas(node: Node, weights: TensorSpec) -> int:
    """Return |Y| times the weights that meet in one output: C/group * prod(K)."""
    _check_channels(node, size(weights, 1) * node.int("group", 1))
    return node.output(0).numel * size_without(weights, 0)


def _check_channels(node: Node, wanted: int) -> None:
    """Refuse weights made for another number of channels; onnx's shape inference lets them pass."""
    channels = size(node.input(0), 1)
    if channels != wanted:
        msg = f"its weights are for {wanted} channels, its input has {channels}"
        raise FeasibilityError(msg)


@family.op("Conv")
def conv(node: Node) -> OpCost:
    """Convolution, grouped or not.

    Shapes:  X [N, C, *D], W [M, C/group, *K], Y [N, M, *O]
    Count:   fmas = |Y| * C/group * prod(K); arithmetic = |Y| if bias
    Ignores: padding zeros count as work (3x3, pad 1: 0.6 % of fmas at 224x224, 18 % at 7x7)
    Dtype:   of X
    Source:  ONNX Conv-22; tests/laws compare it with a loop
    """
    w = node.input(1)
    bias = node.output(0).numel if node.has_input(2) else 0
    return heavy(node, fmas=conv_fmas(node, w), arithmetic=bias, op_class=conv_class(node, w))


@family.op("ConvTranspose")
def conv_transpose(node: Node) -> OpCost:
    """Transposed convolution: every input spreads over a kernel of outputs.

    Shapes:  X [N, C, *D], W [C, M/group, *K], Y [N, M, *O]
    Count:   fmas = |X| * M/group * prod(K); arithmetic = |Y| if bias
    Ignores: products that fall into the cropped border count as work
    Dtype:   of X
    Source:  ONNX ConvTranspose-22; tests/laws compare it with a loop
    """
    w = node.input(1)
    _check_channels(node, size(w, 0))
    return heavy(
        node,
        fmas=node.input(0).numel * size_without(w, 0),
        arithmetic=node.output(0).numel if node.has_input(2) else 0,
        op_class=conv_class(node, w),
    )


@family.op("ConvInteger")
def conv_integer(node: Node) -> OpCost:
    """Convolution of 8-bit integers into 32-bit ones.

    Shapes:  x [N, C, *D], w [M, C/group, *K], y [N, M, *O]
    Count:   fmas as Conv; arithmetic: one subtraction per element of x and w that has a zero
             point, unless it is a constant
    Ignores: padding zeros count as work
    Dtype:   of x (8-bit products)
    Source:  ONNX ConvInteger-10
    """
    w = node.input(1)
    return heavy(
        node,
        fmas=conv_fmas(node, w),
        arithmetic=shift(node, 0, 2) + shift(node, 1, 3),
        op_class=conv_class(node, w),
        dtype=node.input(0).dtype,
    )


@family.op("QLinearConv")
def qlinear_conv(node: Node) -> OpCost:
    """Convolution of quantised tensors into a quantised one.

    Shapes:  x [N, C, *D], w [M, C/group, *K], y [N, M, *O]; a scale and zero point each
    Count:   fmas as Conv; arithmetic: 5 per output to requantise, |y| if bias, one subtraction
             per element of x and w that is not a constant
    Ignores: padding zeros count as work
    Dtype:   of x (8-bit products)
    Source:  ONNX QLinearConv-10
    """
    w, y = node.input(3), node.output(0).numel
    return heavy(
        node,
        fmas=conv_fmas(node, w),
        arithmetic=y * (REQUANTISE + int(node.has_input(8))) + shift(node, 0, 2) + shift(node, 3, 5),
        op_class=conv_class(node, w),
        dtype=node.input(0).dtype,
    )


@family.op("DeformConv")
def deform_conv(node: Node) -> OpCost:
    """Convolution whose samples lie between pixels.

    Shapes:  X [N, C, *D], W [M, C/group, *K], offset [N, g*prod(K)*r, *O], Y [N, M, *O]
    Count:   fmas as Conv; arithmetic: N*C*prod(K)*prod(O) samples of 2^r weighted neighbours each,
             one multiply a sample if a mask is given, |offset| to place them, |Y| if bias
    Ignores: the weights of the neighbours, shared by all channels of a group
    Dtype:   of X
    Source:  ONNX DeformConv-22; Dai et al. 2017, arXiv:1703.06211
    """
    x, w, offset, y = node.input(0), node.input(1), node.input(2), node.output(0)
    rank = len(x.dims[2:])
    samples = size(x, 0) * size(x, 1) * prod(w.dims[2:]) * prod(y.dims[2:])
    per_sample = weighted_sum(2**rank) + int(node.has_input(4))
    return heavy(
        node,
        fmas=conv_fmas(node, w),
        arithmetic=samples * per_sample + offset.numel + (y.numel if node.has_input(3) else 0),
        op_class=conv_class(node, w),
    )
