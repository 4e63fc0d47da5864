"""Count operators that read between the pixels: resizing, sampling, regions of interest."""

from __future__ import annotations

from math import prod

from feasibility.cost import OpCost
from feasibility.errors import FeasibilityError
from feasibility.ir import Node
from feasibility.ops.roles import light, move
from feasibility.ops.rules import Family
from feasibility.ops.sizes import size, size_without

family = Family()

_TAPS = {"nearest": 1, "linear": 2, "bilinear": 2, "cubic": 4, "bicubic": 4}  # per axis
_DENORMALISE = 4  # per coordinate: ((x + 1) * size - 1) / 2
_BILINEAR = 4  # taps in a plane


def weighted_sum(taps: int) -> int:
    """Return the arithmetic of one weighted sum: a multiply per tap and the additions between.

    A single tap is a copy.
    """
    return 2 * taps - 1 if taps > 1 else 0


def _taps(node: Node, default: str) -> int:
    mode = node.string("mode", default)
    if mode not in _TAPS:
        msg = f"node {node.name!r} ({node.op_type}): no interpolation is called {mode!r}"
        raise FeasibilityError(msg)
    return _TAPS[mode]


@family.op("Resize", "Upsample")
def resize(node: Node) -> OpCost:
    """Change the size of an image.

    Shapes:  X and Y of the same rank; the axes that differ in size are interpolated
    Count:   arithmetic = |Y| * (2 * taps - 1), taps = 2 (linear) or 4 (cubic) per resized axis, and
             in / out times as many where antialias shrinks; nearest: none, a copy
    Ignores: the weights of the taps, shared by all channels
    Dtype:   of X
    Source:  ONNX Resize-19, Upsample-10
    """
    taps = _taps(node, "nearest")
    if taps == 1:
        return move(node)
    x, y = node.input(0), node.output(0)
    antialias = node.int("antialias", 0) != 0
    window = prod(
        -(-taps * before // after) if antialias and before > after > 0 else taps
        for before, after in zip(x.dims, y.dims, strict=False)
        if before != after
    )
    return light(node, arithmetic=y.numel * weighted_sum(window))


@family.op("GridSample")
def grid_sample(node: Node) -> OpCost:
    """Read an image at the places a grid names.

    Shapes:  X [N, C, *D], grid [N, *O, r], Y [N, C, *O]
    Count:   arithmetic = |Y| * (2 * taps^r - 1) with 2 (linear) or 4 (cubic) taps, none for nearest,
             and 4 per coordinate of the grid
    Ignores: the weights of the taps, shared by all channels
    Dtype:   of X
    Source:  ONNX GridSample-22
    """
    grid = node.input(1)
    window = _taps(node, "linear") ** len(node.input(0).dims[2:])
    return light(node, arithmetic=node.output(0).numel * weighted_sum(window) + _DENORMALISE * grid.numel)


@family.op("RoiAlign")
def roi_align(node: Node) -> OpCost:
    """Pool regions whose samples lie between pixels.

    Shapes:  X [N, C, H, W], rois [R, 4], Y [R, C, h, w]
    Count:   arithmetic per sample: 4 weighted neighbours and one to accumulate; per output
             sampling_ratio^2 samples, and one division where the mode is avg
    Ignores: with sampling_ratio 0 the number of samples depends on the data: the bound for a region
             as large as the image is counted, ceil(H/h) * ceil(W/w)
    Dtype:   of X
    Source:  ONNX RoiAlign-22; He et al. 2017, arXiv:1703.06870
    """
    y = node.output(0)
    average = int(node.string("mode", "avg") == "avg")
    samples = _samples_per_bin(node)
    return light(node, arithmetic=y.numel * (samples * (weighted_sum(_BILINEAR) + 1) + average))


def _samples_per_bin(node: Node) -> int:
    ratio = node.int("sampling_ratio", 0)
    if ratio > 0:
        return ratio**2
    x, y = node.input(0), node.output(0)
    return prod(-(-size(x, axis) // max(size(y, axis), 1)) for axis in (2, 3))


@family.op("MaxRoiPool")
def max_roi_pool(node: Node) -> OpCost:
    """Take the maximum over the bins of each region.

    Shapes:  X [N, C, H, W], rois [R, 5], Y [R, C, h, w]
    Count:   arithmetic = R * C*H*W comparisons, the bound for regions as large as the image
    Ignores: how large the regions are, which depends on the data
    Dtype:   of X
    Source:  ONNX MaxRoiPool-22
    """
    return light(node, arithmetic=size(node.input(1), 0) * size_without(node.input(0), 0))
