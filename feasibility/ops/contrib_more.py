"""Count com.microsoft's forerunners of ONNX operators, and those of single model families."""

from __future__ import annotations

from math import prod

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.convolution import conv_transpose
from feasibility.ops.elementwise import GELU, PER_ELEMENT, SIGMOID, SWISH, PerElement
from feasibility.ops.indexing import gather
from feasibility.ops.interpolate import grid_sample, weighted_sum
from feasibility.ops.linear import matmul
from feasibility.ops.normalisation import SOFTMAX_ARITHMETIC, rms_arithmetic
from feasibility.ops.pooling import max_pool
from feasibility.ops.recurrent import LSTM, layer
from feasibility.ops.roles import heavy, light, move, view
from feasibility.ops.rules import Family
from feasibility.ops.selection import unique
from feasibility.ops.signal import fft_arithmetic
from feasibility.ops.sizes import size, size_without

family = Family(MICROSOFT_DOMAIN)

_CORNERS = 4  # neighbours of a sample between pixels
_HASH = 20  # arithmetic of MurmurHash3 on one 32-bit word, its finaliser included (A. Appleby, 2011)

family.add("ConvTransposeWithDynamicPads", conv_transpose)
family.add("ExpandDims", view)
family.add("GatherND", gather)
family.add("GridSample", grid_sample)
family.add("MaxpoolWithMask", max_pool)
family.add("Pad", move)
family.add("Range", PER_ELEMENT["Range"])
family.add("SampleOp", view)
family.add("Trilu", move)
family.add("UnfoldTensor", move)
family.add("Unique", unique)

ELEMENTWISE = {
    "BiasAdd": PerElement(2),  # bias, then the residual
    "BiasSoftmax": PerElement(1 + SOFTMAX_ARITHMETIC, 1),
    "BiasSplitGelu": GELU.plus(3),  # bias on both halves, then one gates the other
    "BitmaskDropout": PerElement(0),  # at inference a copy
    "ComplexMul": PerElement(3),  # four multiplies and two additions make two numbers
    "ComplexMulConj": PerElement(3),
    "MurmurHash3": PerElement(_HASH),
    "ScaledSiLU": SWISH.plus(1),
    "SwiGLU": SWISH.plus(5),  # clamps on both halves, alpha, beta, and the product
}
for _name, _rule in ELEMENTWISE.items():
    family.add(_name, _rule)


@family.op("BiasDropout", "BitmaskBiasDropout")
def bias_dropout(node: Node) -> OpCost:
    """Add a bias and a residual; at inference nothing is dropped.

    Shapes:  data and output alike, bias [last], residual like data
    Count:   one addition per element for bias, one for residual if given
    Ignores: the mask of training
    Dtype:   of data
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.BiasDropout
    """
    return light(node, arithmetic=node.input(0).numel * (1 + int(node.has_input(2))))


@family.op("AttnLSTM")
def attn_lstm(node: Node) -> OpCost:
    """LSTM that attends to a memory in every step.

    Shapes:  X [T, B, I], W [D, 4*H, I], QW [D, H, A], MW [D, depth, A], M [B, steps, depth], AW [D, depth
             + H, out]
    Count:   as LSTM; fmas more: |M| * A a direction for the keys, once; per step B*H*A for the query,
             B*steps*(A + depth) for scores and context, B*|AW|; per score a tanh each of A and softmax
    Ignores: memory_seq_lens: every memory counts in full
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.AttnLSTM; Bahdanau et al. 2014,
             arXiv:1409.0473
    """
    hidden = size(node.input(2), 2)
    cost = layer(node, LSTM, hidden=hidden)
    memory, keys = node.input(11), node.input(9)
    directions, depth, width = keys.dims
    steps = size(node.input(0), 0) * directions
    scores = steps * size_without(memory, -1)
    batch = size(node.input(0), 1)
    mixed = node.input(13).numel // directions if node.has_input(13) else 0
    return heavy(
        node,
        fmas=cost.fmas
        + directions * memory.numel * width
        + steps * batch * (hidden * width + mixed)
        + scores * (width + depth),
        arithmetic=cost.arithmetic + scores * (width + SOFTMAX_ARITHMETIC),
        transcendentals=cost.transcendentals + scores * (width + 1),
    )


@family.op("CDist")
def cdist(node: Node) -> OpCost:
    """Distance of every row of A to every row of B.

    Shapes:  A [M, N], B [K, N], C [M, K]
    Count:   fmas = M*K*N (the product of rows); 3 arithmetic and a sqrt per distance (sqrt only for
             metric euclidean), 2 per element of A and B for their squares
    Dtype:   of A
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.CDist
    """
    a, b, c = node.input(0), node.input(1), node.output(0).numel
    roots = c if node.string("metric", "sqeuclidean") == "euclidean" else 0
    return heavy(
        node,
        fmas=c * size(a, 1),
        arithmetic=3 * c + 2 * (a.numel + b.numel),
        transcendentals=roots,
    )


@family.op("CausalConvWithState", "VarlenCausalConvWithState")
def causal_conv(node: Node) -> OpCost:
    """Depthwise convolution over time that keeps its last inputs.

    Shapes:  input [B, C, T] or [tokens, C], weight [C, 1, k], output like input
    Count:   fmas = |output| * prod(k); one addition per output if bias; 4 and an exp with silu
    Ignores: the zeros in front of the first step count as work; the copy of the state
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.CausalConvWithState
    """
    y, kernel = node.output(0).numel, prod(node.input(1).dims[2:])
    bias = 2 if node.op_type == "CausalConvWithState" else 3
    silu = int(node.string("activation", "none") != "none")
    return heavy(
        node,
        fmas=y * kernel,
        arithmetic=y * (int(node.has_input(bias)) + silu * SWISH.arithmetic),
        transcendentals=y * silu * SWISH.transcendentals,
        op_class="depthwise",
    )


@family.op("CropAndResize")
def crop_and_resize(node: Node) -> OpCost:
    """Cut regions out of images and resize them.

    Shapes:  X [N, C, H, W], rois [R, 4], Y [R, C, h, w]
    Count:   per output a weighted sum of 4 neighbours; nothing but the copy for mode nearest
    Ignores: the places of the samples, shared by all channels
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.CropAndResize
    """
    y = node.output(0)
    if node.string("mode", "bilinear") == "nearest":
        return move(node, reads=y.nbytes)
    return light(node, arithmetic=weighted_sum(_CORNERS) * y.numel, reads=_CORNERS * y.nbytes)


@family.op("DynamicTimeWarping")
def dynamic_time_warping(node: Node) -> OpCost:
    """Find the cheapest path through a matrix of costs.

    Shapes:  input [M, N] or [1, M, N], output [2, x]
    Count:   per entry two comparisons and an addition
    Ignores: the walk back along the path
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.DynamicTimeWarping; Sakoe and Chiba 1978
    """
    return light(node, arithmetic=3 * node.input(0).numel)


@family.op("GatedAdd")
def gated_add(node: Node) -> OpCost:
    """Add a tensor that a gate per row scales.

    Shapes:  X, Y and output [..., C], gate [..., 1], or [..., K] with gate_weight [K, 1]
    Count:   two per element; fmas = |gate| and a sigmoid per row where the gate is projected
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GatedAdd
    """
    out = node.output(0)
    if not node.has_input(3):
        return light(node, arithmetic=2 * out.numel)
    rows = size_without(out, -1)
    return heavy(
        node,
        fmas=node.input(2).numel,
        arithmetic=2 * out.numel + SIGMOID.arithmetic * rows,
        transcendentals=rows,
    )


@family.op("Inverse")
def inverse(node: Node) -> OpCost:
    """Invert square matrices.

    Shapes:  X and Y [..., M, M]
    Count:   fmas = M^3 per matrix: M^3/3 to factorise, 2*M^3/3 to solve for the identity
    Ignores: the search for pivots, and the divisions by them
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.Inverse; Golub and Van Loan, Matrix
             Computations, 4th ed., section 3.4
    """
    x = node.input(0)
    return heavy(node, fmas=x.numel * size(x, -1))


@family.op("IsAllFinite")
def is_all_finite(node: Node) -> OpCost:
    """Look for an element that is not finite.

    Shapes:  inputs of any shapes, output one boolean
    Count:   one comparison per element of all inputs
    Dtype:   of the first input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.IsAllFinite
    """
    return light(node, arithmetic=sum(spec.numel for spec in node.inputs if spec is not None))


@family.op("NGramHashMapping", "VarlenNGramHashMapping")
def n_gram_hash(node: Node) -> OpCost:
    """Hash the last n tokens at every place.

    Shapes:  input_ids [B, S] or [tokens], hash_ids [..., (n - 1) * heads]
    Count:   per id a multiply and an exclusive or per n-gram; per hash a remainder and an offset
    Dtype:   of input_ids
    Source:  onnxruntime 1.32 schema, com.microsoft.NGramHashMapping
    """
    shifts = 2 * node.int("max_ngram_size", 2) * node.input(0).numel
    return light(node, arithmetic=shifts + 2 * node.output(0).numel)


@family.op("NGramRepeatBlock")
def n_gram_repeat_block(node: Node) -> OpCost:
    """Forbid tokens that would repeat an n-gram.

    Shapes:  input_ids [B, S], scores and scores_out [B, V]
    Count:   n comparisons per place of input_ids; the scores are copied
    Dtype:   of scores
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.NGramRepeatBlock
    """
    return light(node, arithmetic=node.input(0).numel * max(node.int("ngram_size", 1), 1))


@family.op("Rfft", "Irfft")
def real_fourier(node: Node) -> OpCost:
    """Fourier transform of real numbers along the last axis, or its inverse.

    Shapes:  real [..., n], complex [..., n/2 + 1, 2]
    Count:   half of 5 * n * ceil(log2 n) per transform; the inverse divides each output
    Ignores: twiddle factors (tables)
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.Rfft; Frigo and Johnson 2005
    """
    inverse = node.op_type == "Irfft"
    real = node.output(0) if inverse else node.input(0)
    transforms, scale = size_without(real, -1), real.numel if inverse else 0
    return light(node, arithmetic=transforms * fft_arithmetic(size(real, -1), real=True) + scale)


@family.op("SparseToDenseMatMul")
def sparse_to_dense_matmul(node: Node) -> OpCost:
    """Product of a sparse and a dense matrix.

    Shapes:  A [M, K] sparse, B [..., K, N], Y [..., M, N]
    Count:   fmas = |Y| * K as if A were dense: how many of its elements are stored is data
    Ignores: zeros of A count as work
    Dtype:   of A
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.SparseToDenseMatMul
    """
    axis = 0 if node.int("transA", 0) else 1
    return heavy(node, fmas=node.output(0).numel * size(node.input(0), axis))


@family.op("TorchEmbedding")
def torch_embedding(node: Node) -> OpCost:
    """Look rows of a table up.

    Shapes:  weight [rows, n], indices of any shape, Y [*indices, n]
    Count:   the indices and as many bytes of the table as Y has are read
    Dtype:   of weight
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.TorchEmbedding
    """
    return gather(node)


@family.op("WordConvEmbedding")
def word_conv_embedding(node: Node) -> OpCost:
    """Embed words by a convolution over their characters and a maximum.

    Shapes:  Sequence [B, words, characters], W [E, 1, window, char], C [rows, char], Y [B, words, E]
    Count:   fmas = words * characters * |W| (one window per character); a tanh, and a comparison per
             window and output
    Ignores: windows that would reach past the end of a word
    Dtype:   of W
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.WordConvEmbedding
    """
    letters, w = node.input(0).numel, node.input(1)
    windows = letters * size(w, 0)
    return heavy(
        node, fmas=letters * w.numel, arithmetic=2 * windows, transcendentals=windows, op_class="dense"
    )


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


@family.op("BranchwiseRMSNorm")
def branchwise_rms_norm(node: Node) -> OpCost:
    """Divide every branch by its root mean square.

    Shapes:  X and Y [..., C, H] or [..., C*H]
    Count:   as RMSNormalization over H
    Dtype:   of X
    Source:  onnxruntime 1.32 schema, com.microsoft.BranchwiseRMSNorm
    """
    x = node.input(0)
    branches = max(node.int("num_branches", 0), 1)
    rows = size_without(x, -1) * branches
    return light(node, arithmetic=rms_arithmetic(x.numel, rows), transcendentals=rows)


@family.op("HyperConnectionPostMix")
def hyper_connection_post_mix(node: Node) -> OpCost:
    """Mix streams and inject the output of a block.

    Shapes:  streams and output [..., C, H], stream_mix [..., C, C], post_mix [..., C]
    Count:   fmas = |streams| * C where stream_mix is given; two per element for the injection
    Dtype:   of streams
    Source:  onnxruntime 1.32 schema, com.microsoft.HyperConnectionPostMix
    """
    out = node.output(0).numel
    if not node.has_input(3):
        return light(node, arithmetic=2 * out)
    return heavy(node, fmas=out * size(node.input(3), -1), arithmetic=2 * out)


@family.op("EngramGate")
def engram_gate(node: Node) -> OpCost:
    """Gate a value by the similarity of normalised keys and queries.

    Shapes:  key, query and output [B, S, C, H], value [B, S, H]
    Count:   two RMSNormalizations, a multiply and an addition per element for the similarity, a sigmoid
             and three more per row, one multiply per output
    Dtype:   of key
    Source:  onnxruntime 1.32 schema, com.microsoft.EngramGate
    """
    key = node.input(0)
    rows = size_without(key, -1)
    norms = 2 * rms_arithmetic(key.numel, rows)
    return light(
        node,
        arithmetic=norms + 3 * key.numel + rows * (SIGMOID.arithmetic + 3),
        transcendentals=rows * (2 + 2),
    )
