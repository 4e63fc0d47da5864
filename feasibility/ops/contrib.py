"""Count operators of com.microsoft that graph optimisers put in place of several standard ones."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.convolution import conv_class, conv_fmas
from feasibility.ops.drawing import DROP, dropout
from feasibility.ops.elementwise import GELU, GELU_TANH, PER_ELEMENT, SWISH, PerElement
from feasibility.ops.linear import gemm, matmul
from feasibility.ops.normalisation import SOFTMAX_ARITHMETIC, layer_arithmetic, rms_arithmetic
from feasibility.ops.pooling import max_pool
from feasibility.ops.recurrent import ACTIVATIONS, activation
from feasibility.ops.roles import heavy, light
from feasibility.ops.rules import Family
from feasibility.ops.sizes import size, size_without

family = Family(MICROSOFT_DOMAIN)

_QUICK_GELU_ALPHA = 1.702

# what optimisers fuse behind a product: also what no recurrent layer knows
_FUSED = {
    **ACTIVATIONS,
    "": PerElement(0),
    "clip": PerElement(2),
    "gelu": GELU,
    "hardswish": PER_ELEMENT["HardSwish"],
    "quickgelu": SWISH.plus(1),
}


def fused_activation(node: Node) -> PerElement:
    """Return what the attribute `activation` of a fused operator costs per output element."""
    return activation(node, node.string("activation"), _FUSED)


family.add("Gelu", GELU)
family.add("BiasGelu", GELU.plus(1))
family.add("BiasAdd", PerElement(2))  # bias, then the residual
family.add("BiasSoftmax", PerElement(1 + SOFTMAX_ARITHMETIC, 1))
family.add("BiasSplitGelu", GELU.plus(3))  # bias on both halves, then one gates the other


@family.op("FastGelu")
def fast_gelu(node: Node) -> OpCost:
    """Gaussian error linear unit by tanh, after an optional bias.

    Shapes:  X and Y alike, bias [last]
    Count:   per element 8 arithmetic and a tanh, one more if bias
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.FastGelu
    """
    return GELU_TANH.plus(int(node.has_input(1)))(node)


@family.op("SkipLayerNormalization")
def skip_layer_normalization(node: Node) -> OpCost:
    """Add the residual, then normalise over the last axis.

    Shapes:  input, skip and Y [..., n], gamma, beta and bias [n]
    Count:   per element one addition for skip and one for bias if given, then as LayerNormalization
             with gamma, and beta if given; per row 4 arithmetic and a sqrt
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.SkipLayerNormalization
    """
    x = node.input(0)
    rows = size_without(x, -1)
    added = 1 + int(node.has_input(4))
    affine = 1 + int(node.has_input(3))
    return light(
        node,
        arithmetic=added * x.numel + layer_arithmetic(x.numel, rows, affine),
        transcendentals=rows,
    )


@family.op("SkipSimplifiedLayerNormalization")
def skip_rms_normalization(node: Node) -> OpCost:
    """Add the residual, then divide by the root mean square over the last axis.

    Shapes:  input, skip and Y [..., n], gamma and bias [n]
    Count:   per element one addition for skip and one for bias if given, then as RMSNormalization
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.SkipSimplifiedLayerNormalization
    """
    x = node.input(0)
    rows = size_without(x, -1)
    added = 1 + int(node.has_input(3))
    return light(node, arithmetic=added * x.numel + rms_arithmetic(x.numel, rows), transcendentals=rows)


@family.op("FusedMatMul", "TransposeMatMul")
def fused_matmul(node: Node) -> OpCost:
    """Y = alpha * A' @ B', either operand transposed.

    Shapes:  A [..., M, K], B [..., K, N], Y [..., M, N]; transA swaps the last two axes of A,
             transBatchA moves its first axis behind the batch
    Count:   fmas = |Y| * K; arithmetic = |Y| if alpha is not 1
    Dtype:   of A
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.FusedMatMul
    """
    y = node.output(0).numel
    swapped = 0 if node.int("transBatchA", 0) else -2
    depth = size(node.input(0), swapped if node.int("transA", 0) else -1)
    scale = y if node.float("alpha", 1.0) != 1.0 else 0
    return heavy(node, fmas=y * depth, arithmetic=scale)


@family.op("FusedGemm")
def fused_gemm(node: Node) -> OpCost:
    """Gemm followed by an activation.

    Shapes:  as Gemm
    Count:   as Gemm, and the activation per output
    Dtype:   of A
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.FusedGemm
    """
    product, act = gemm(node), fused_activation(node)
    y = node.output(0).numel
    return heavy(
        node,
        fmas=product.fmas,
        arithmetic=product.arithmetic + y * act.arithmetic,
        transcendentals=y * act.transcendentals,
    )


@family.op("FusedConv")
def fused_conv(node: Node) -> OpCost:
    """Convolution, then the sum with Z, then an activation.

    Shapes:  X [N, C, *D], W [M, C/group, *K], B [M], Z and Y [N, M, *O]
    Count:   as Conv; arithmetic = |Y| each if B and Z are given, and the activation per output
    Ignores: padding zeros count as work
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.FusedConv
    """
    w, y = node.input(1), node.output(0).numel
    act = fused_activation(node)
    return heavy(
        node,
        fmas=conv_fmas(node, w),
        arithmetic=y * (int(node.has_input(2)) + int(node.has_input(3)) + act.arithmetic),
        transcendentals=y * act.transcendentals,
        op_class=conv_class(node, w),
    )


@family.op("FusedMatMulActivation")
def fused_matmul_activation(node: Node) -> OpCost:
    """FusedMatMul followed by an activation.

    Shapes:  as FusedMatMul
    Count:   as FusedMatMul, and the activation per output
    Dtype:   of A
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.FusedMatMulActivation
    """
    product, act = fused_matmul(node), fused_activation(node)
    y = node.output(0).numel
    return heavy(
        node,
        fmas=product.fmas,
        arithmetic=product.arithmetic + y * act.arithmetic,
        transcendentals=y * act.transcendentals,
    )


@family.op("NhwcConv", "NhwcFusedConv")
def nhwc_conv(node: Node) -> OpCost:
    """Convolution with channels last, then the sum with Z, then an activation.

    Shapes:  X [N, *D, C], W [M, C/group, *K], B [M], Z and Y [N, *O, M]
    Count:   fmas = |Y| * C/group * prod(K); arithmetic = |Y| each if B and Z are given, and the
             activation per output
    Ignores: padding zeros count as work
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.NhwcFusedConv
    """
    w, y, act = node.input(1), node.output(0).numel, fused_activation(node)
    return heavy(
        node,
        fmas=y * size_without(w, 0),
        arithmetic=y * (int(node.has_input(2)) + int(node.has_input(3)) + act.arithmetic),
        transcendentals=y * act.transcendentals,
        op_class=conv_class(node, w),
    )


family.add("NhwcMaxPool", max_pool)


@family.op("EmbedLayerNormalization")
def embed_layer_normalization(node: Node) -> OpCost:
    """Look embeddings of words, positions and segments up, add and normalise them.

    Shapes:  input_ids [B, S], embeddings [rows, H], gamma and beta [H], output [B, S, H]
    Count:   per element the additions between the embeddings, then as LayerNormalization with gamma
             and beta; the rows looked up are read, not the tables
    Dtype:   of the embeddings
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.EmbedLayerNormalization
    """
    out = node.output(0)
    rows, tables = size_without(out, -1), 2 + int(node.has_input(4))
    return light(
        node,
        arithmetic=layer_arithmetic(out.numel, rows, 2) + (tables - 1) * out.numel,
        transcendentals=rows,
        reads=tables * (node.input(0).nbytes + out.nbytes),
    )


@family.op("GroupNorm", "SkipGroupNorm")
def group_norm(node: Node) -> OpCost:
    """Normalise groups of channels, after an optional sum, before an optional swish.

    Shapes:  X and Y [N, H, W, C] or [N, C, H, W], gamma and beta [C], skip like X or per channel
    Count:   per element 5 arithmetic, a factor and an offset; per group 4 and a sqrt; one addition per
             element each for skip and bias; 4 and an exp with activation 1 (swish)
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GroupNorm; Wu and He 2018,
             arXiv:1803.08494
    """
    x = node.input(0)
    rows = size(x, 0) * max(node.int("groups", 1), 1)
    added = int(node.has_input(3)) + int(node.has_input(4))
    swish = int(node.int("activation", 0) != 0)
    return light(
        node,
        arithmetic=layer_arithmetic(x.numel, rows, 2) + x.numel * (added + swish * SWISH.arithmetic),
        transcendentals=rows + x.numel * swish,
    )


@family.op("QuickGelu")
def quick_gelu(node: Node) -> OpCost:
    """Multiply x by the sigmoid of alpha * x.

    Shapes:  X and Y alike
    Count:   per element 4 arithmetic and an exp; one more where alpha (1.702 by default) is not 1
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QuickGelu
    """
    return SWISH.plus(int(node.float("alpha", _QUICK_GELU_ALPHA) != 1.0))(node)


@family.op("BiasDropout", "BitmaskBiasDropout")
def bias_dropout(node: Node) -> OpCost:
    """Add a bias and a residual, and drop at random in training.

    Shapes:  data and output alike, bias [last] or like data, residual like data
    Count:   one addition per element for bias, one for residual if given; in training as Dropout
    Dtype:   of data
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.BiasDropout
    """
    per_element = 1 + int(node.has_input(2)) + (DROP if _is_training(node, 4) else 0)
    return light(node, arithmetic=node.input(0).numel * per_element)


@family.op("BitmaskDropout")
def bitmask_dropout(node: Node) -> OpCost:
    """Pass everything on at inference; drop at random in training.

    Shapes:  data and output alike, mask of one bit per element
    Count:   as Dropout
    Dtype:   of data
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.BitmaskDropout
    """
    return dropout(node)


def _is_training(node: Node, flag: int) -> bool:
    """Tell whether a flag is given and not known to be false."""
    return node.has_input(flag) and node.input(flag).value != (0,)


@family.op("GemmFastGelu")
def gemm_fast_gelu(node: Node) -> OpCost:
    """Matrix product, then the tanh form of Gelu.

    Shapes:  X [..., M, K], W [K, N], bias [N], Y [..., M, N]
    Count:   fmas as MatMul; 8 arithmetic and a tanh per output, one more if bias
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GemmFastGelu
    """
    product, y = matmul(node), node.output(0).numel
    return heavy(node, fmas=product.fmas, arithmetic=y * (8 + int(node.has_input(2))), transcendentals=y)
