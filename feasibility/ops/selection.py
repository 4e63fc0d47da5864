"""Count sorting and selection: estimates, since the number of comparisons depends on the data."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.roles import light
from feasibility.ops.rules import Family
from feasibility.ops.sizes import log2_ceil, size

family = Family()

# Overlap of two boxes: 4 max or min, 2 differences, 2 clamps, 1 product, 2 for the union, divide, compare.
_IOU = 13
_INDICES = 3  # batch, class, box


@family.op("TopK")
def top_k(node: Node) -> OpCost:
    """Find the k largest along an axis.

    Shapes:  X [..., n, ...], Values and Indices [..., k, ...]
    Count:   arithmetic = |X| * ceil(log2(k + 1)) comparisons: each element meets a heap of k
    Ignores: elements that a heap rejects after one comparison
    Dtype:   of X
    Source:  ONNX TopK-24; Knuth, The Art of Computer Programming 3, section 5.2.3
    """
    k = size(node.output(0), node.int("axis", -1))
    return light(node, arithmetic=node.input(0).numel * log2_ceil(k + 1))


@family.op("Unique")
def unique(node: Node) -> OpCost:
    """List the distinct elements or slices.

    Shapes:  X of any shape; the outputs depend on the data
    Count:   arithmetic = |X| * ceil(log2(n)) comparisons to sort n elements (or n slices of X along
             axis, compared to their end)
    Dtype:   of X
    Source:  ONNX Unique-28; Knuth, The Art of Computer Programming 3, section 5.3.1
    """
    x = node.input(0)
    n = size(x, node.int("axis", 0)) if "axis" in node.attributes else x.numel
    return light(node, arithmetic=x.numel * log2_ceil(n))


@family.op("NonMaxSuppression")
def non_max_suppression(node: Node) -> OpCost:
    """Keep the best boxes that overlap little.

    Shapes:  boxes [N, B, 4], scores [N, C, B], Y [n, 3] with an n that depends on the data
    Count:   an upper bound, per image and class: B comparisons with the score threshold,
             B * ceil(log2 B) to sort, and 13 arithmetic for each of B boxes against each of the
             m that may be selected; m = max_output_boxes_per_class, B where that is not constant
    Ignores: boxes that drop out early; Y is taken as m boxes per class
    Dtype:   of boxes
    Source:  ONNX NonMaxSuppression-11
    """
    boxes, scores = node.input(0), node.input(1)
    per_class = size(scores, 2)
    classes = size(scores, 0) * size(scores, 1)
    selected = _most_selected(node, per_class)
    work = per_class * (1 + log2_ceil(per_class) + selected * _IOU)
    return light(
        node,
        arithmetic=classes * work,
        reads=boxes.nbytes + scores.nbytes,
        writes=classes * selected * _INDICES * node.output(0).dtype.nbytes(1),
    )


def _most_selected(node: Node, boxes: int) -> int:
    if not node.has_input(2):
        return 0
    value = node.input(2).value
    limit = value[0] if value else boxes
    return min(max(limit, 0), boxes) if isinstance(limit, int) else boxes
