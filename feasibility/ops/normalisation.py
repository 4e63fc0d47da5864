"""Count normalisations and softmax.

A mean over n elements counts n additions and one division; a variance a subtraction,
a multiply and an addition each and one division.
"""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.roles import light
from feasibility.ops.rules import Family
from feasibility.ops.sizes import positive, size, size_before, size_without

family = Family()

SOFTMAX_ARITHMETIC = 4  # per element: max, subtract, sum, divide; and one exp
_LAYER = 5  # per element: sum, subtract, square, sum of squares, times the inverse deviation
_LAYER_ROW = 4  # per row: two divisions, epsilon, reciprocal; and one sqrt
_RMS = 3  # per element: square, sum of squares, times the inverse root
_RMS_ROW = 3  # per row: one division, epsilon, reciprocal; and one sqrt
_APPLY = 2  # per element: one factor, one offset
_STATISTICS = 4  # per element: sum, subtract, square, sum of squares
_CHANNEL = 4  # per channel: epsilon, divide, times the mean, subtract from the bias; and one sqrt


def layer_arithmetic(elements: int, rows: int, affine: int) -> int:
    """Return the arithmetic of normalising rows to mean 0 and variance 1, then `affine` per element."""
    return elements * (_LAYER + affine) + rows * _LAYER_ROW


def rms_arithmetic(elements: int, rows: int) -> int:
    """Return the arithmetic of dividing rows by their root mean square and scaling them."""
    return elements * (_RMS + 1) + rows * _RMS_ROW


@family.op("BatchNormalization")
def batch_normalization(node: Node) -> OpCost:
    """Scale and shift every channel by its mean and variance.

    Shapes:  X and Y [N, C, *D], scale, B, mean and var [C]
    Count:   arithmetic = 2*|X| + 4*C, with a sqrt per channel: a factor and an offset per channel,
             then one multiply and one addition per element; in training 4*|X| more for the
             statistics of the batch
    Ignores: the update of the running statistics
    Dtype:   of X
    Source:  ONNX BatchNormalization-15; Ioffe and Szegedy 2015, arXiv:1502.03167
    """
    x, channels = node.input(0).numel, node.input(1).numel
    training = node.int("training_mode", 0) != 0 or node.has_output(1)
    per_element = _APPLY + (_STATISTICS if training else 0)
    return light(node, arithmetic=per_element * x + _CHANNEL * channels, transcendentals=channels)


@family.op("LayerNormalization")
def layer_normalization(node: Node) -> OpCost:
    """Normalise over the last axes.

    Shapes:  X and Y [*rows, *normalised]; axis says where rows end
    Count:   per element 5 arithmetic (sum, subtract, square, sum, multiply), one for Scale, one
             for B if given; per row 4 and a sqrt
    Dtype:   of X
    Source:  ONNX LayerNormalization-17; Ba et al. 2016, arXiv:1607.06450
    """
    x = node.input(0)
    rows = size_before(x, node.int("axis", -1))
    affine = 1 + int(node.has_input(2))
    return light(node, arithmetic=layer_arithmetic(x.numel, rows, affine), transcendentals=rows)


@family.op("RMSNormalization")
def rms_normalization(node: Node) -> OpCost:
    """Divide by the root mean square over the last axes.

    Shapes:  X and Y [*rows, *normalised]; axis says where rows end
    Count:   per element 4 arithmetic (square, sum, multiply, scale); per row 3 and a sqrt
    Dtype:   of X
    Source:  ONNX RMSNormalization-23; Zhang and Sennrich 2019, arXiv:1910.07467
    """
    x = node.input(0)
    rows = size_before(x, node.int("axis", -1))
    return light(node, arithmetic=rms_arithmetic(x.numel, rows), transcendentals=rows)


@family.op("InstanceNormalization")
def instance_normalization(node: Node) -> OpCost:
    """Normalise every channel of every image.

    Shapes:  X and Y [N, C, *D]; rows = N*C
    Count:   as LayerNormalization with scale and bias
    Dtype:   of X
    Source:  ONNX InstanceNormalization-22
    """
    x = node.input(0)
    rows = size(x, 0) * size(x, 1)
    return light(node, arithmetic=layer_arithmetic(x.numel, rows, 2), transcendentals=rows)


@family.op("GroupNormalization")
def group_normalization(node: Node) -> OpCost:
    """Normalise groups of channels of every image.

    Shapes:  X and Y [N, C, *D]; rows = N*num_groups
    Count:   as LayerNormalization with scale and bias
    Dtype:   of X
    Source:  ONNX GroupNormalization-21; Wu and He 2018, arXiv:1803.08494
    """
    x = node.input(0)
    rows = size(x, 0) * positive(node, "num_groups")
    return light(node, arithmetic=layer_arithmetic(x.numel, rows, 2), transcendentals=rows)


@family.op("MeanVarianceNormalization")
def mean_variance_normalization(node: Node) -> OpCost:
    """Normalise over chosen axes without scale or bias.

    Shapes:  X and Y alike; axes default to [0, 2, 3]; rows = the sizes of the others
    Count:   as LayerNormalization without scale and bias
    Dtype:   of X
    Source:  ONNX MeanVarianceNormalization-13
    """
    x = node.input(0)
    rows = size_without(x, *node.ints("axes", (0, 2, 3)))
    return light(node, arithmetic=layer_arithmetic(x.numel, rows, 0), transcendentals=rows)


@family.op("LpNormalization")
def lp_normalization(node: Node) -> OpCost:
    """Divide by the L1 or L2 norm along one axis.

    Shapes:  X and Y alike
    Count:   per element 3 arithmetic (absolute or square, sum, divide); per row a sqrt if p is 2
    Dtype:   of X
    Source:  ONNX LpNormalization-22
    """
    x = node.input(0)
    euclidean = node.int("p", 2) != 1
    rows = size_without(x, node.int("axis", -1))
    return light(node, arithmetic=3 * x.numel, transcendentals=rows if euclidean else 0)


@family.op("LRN")
def local_response_normalization(node: Node) -> OpCost:
    """Divide by a power of the squares of neighbouring channels.

    Shapes:  X and Y [N, C, *D]
    Count:   per element size + 4 arithmetic (square, `size` additions, multiply, bias, divide) and
             a power
    Ignores: windows that stick out at the first and last channels count in full
    Dtype:   of X
    Source:  ONNX LRN-13
    """
    x = node.input(0).numel
    return light(node, arithmetic=x * (positive(node, "size") + 4), transcendentals=x)


@family.op("Softmax")
def softmax(node: Node) -> OpCost:
    """Exponentials that sum to one.

    Shapes:  X and Y alike
    Count:   per element 4 arithmetic (max, subtract, sum, divide) and an exp
    Dtype:   of X
    Source:  ONNX Softmax-13
    """
    x = node.input(0).numel
    return light(node, arithmetic=SOFTMAX_ARITHMETIC * x, transcendentals=x)


@family.op("LogSoftmax")
def log_softmax_flattened(node: Node) -> OpCost:
    """Logarithm of softmax over all axes from `axis` on, before opset 13.

    Shapes:  X and Y alike; rows = the sizes before axis (default 1)
    Count:   per element 4 arithmetic (max, subtract, sum, subtract) and an exp; per row a log
    Dtype:   of X
    Source:  ONNX LogSoftmax-11
    """
    x = node.input(0)
    rows = size_before(x, node.int("axis", 1))
    return light(node, arithmetic=SOFTMAX_ARITHMETIC * x.numel, transcendentals=x.numel + rows)


@family.op("LogSoftmax", since=13)
def log_softmax(node: Node) -> OpCost:
    """Logarithm of softmax along one axis.

    Shapes:  X and Y alike; rows = the sizes of the other axes
    Count:   per element 4 arithmetic (max, subtract, sum, subtract) and an exp; per row a log
    Dtype:   of X
    Source:  ONNX LogSoftmax-13
    """
    x = node.input(0)
    rows = size_without(x, node.int("axis", -1))
    return light(node, arithmetic=SOFTMAX_ARITHMETIC * x.numel, transcendentals=x.numel + rows)


@family.op("Hardmax")
def hardmax(node: Node) -> OpCost:
    """One where a row has its first maximum, zero elsewhere.

    Shapes:  X and Y alike
    Count:   per element 2 comparisons (find the maximum, mark it)
    Dtype:   of X
    Source:  ONNX Hardmax-13
    """
    return light(node, arithmetic=2 * node.input(0).numel)
