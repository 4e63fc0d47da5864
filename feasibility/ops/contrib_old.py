"""Count com.microsoft's forerunners of ONNX operators, and others that stand alone."""

from __future__ import annotations

from dataclasses import replace

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.convolution import conv_transpose
from feasibility.ops.elementwise import PER_ELEMENT, PerElement
from feasibility.ops.indexing import gather
from feasibility.ops.interpolate import grid_sample, weighted_sum
from feasibility.ops.normalisation import SOFTMAX_ARITHMETIC
from feasibility.ops.pooling import max_pool
from feasibility.ops.recurrent import LSTM, layer
from feasibility.ops.roles import heavy, light, move, view
from feasibility.ops.rules import Family
from feasibility.ops.selection import unique
from feasibility.ops.signal import fft_arithmetic
from feasibility.ops.sizes import size, size_without
from feasibility.units import BITS_PER_BYTE

family = Family(MICROSOFT_DOMAIN)

_CORNERS = 4  # neighbours of a sample between pixels
# MurmurHash3_x86_32 (A. Appleby, 2011): to mix in a word of 4 bytes, and to finish
_HASH_WORD, _HASH_END, _HASH_WORD_BYTES = 11, 9, 4

family.add("ComplexMul", PerElement(3))  # four multiplies and two additions make two numbers
family.add("ComplexMulConj", PerElement(3))
family.add("ExpandDims", view)
family.add("GatherND", gather)
family.add("GridSample", grid_sample)
family.add("MaxpoolWithMask", max_pool)
family.add("Pad", move)
family.add("Range", PER_ELEMENT["Range"])
family.add("SampleOp", move)
family.add("TorchEmbedding", gather)
family.add("Trilu", move)
family.add("UnfoldTensor", move)
family.add("Unique", unique)


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


@family.op("ConvTransposeWithDynamicPads")
def conv_transpose_with_dynamic_pads(node: Node) -> OpCost:
    """Transposed convolution whose pads are an input.

    Shapes:  X [N, C, *D], W [C, M/group, *K], Pads [2*r], B [M], Y [N, M, *O]
    Count:   as ConvTranspose; arithmetic = |Y| if B is given
    Ignores: products that fall into the cropped border count as work
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.ConvTransposeWithDynamicPads
    """
    product = conv_transpose(replace(node, inputs=node.inputs[:2]))
    return replace(product, arithmetic=node.output(0).numel if node.has_input(3) else 0)


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


@family.op("MurmurHash3")
def murmur_hash(node: Node) -> OpCost:
    """Hash every element.

    Shapes:  X and Y alike
    Count:   per element 11 arithmetic for each word of 4 bytes, and 9 to finish
    Ignores: the length of strings: each counts as its 8 bytes
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MurmurHash3; A. Appleby, SMHasher, 2011
    """
    x = node.input(0)
    words = max(x.dtype.bits // (BITS_PER_BYTE * _HASH_WORD_BYTES), 1)
    return light(node, arithmetic=x.numel * (_HASH_WORD * words + _HASH_END))


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
    Count:   fmas = |Y| * K as if A were dense: how many of its elements are stored is data;
             arithmetic = |Y| if alpha is not 1
    Ignores: zeros of A count as work
    Dtype:   of A
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.SparseToDenseMatMul
    """
    y, axis = node.output(0).numel, 0 if node.int("transA", 0) else 1
    scale = y if node.float("alpha", 1.0) != 1.0 else 0
    return heavy(node, fmas=y * size(node.input(0), axis), arithmetic=scale)


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
