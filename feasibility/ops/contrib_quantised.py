"""Count com.microsoft's quantised and low-bit operators.

Products of 8-bit integers run in their type. Weights below 8 bits are widened while they
are read: such products run in the type of the activations, and only the bytes shrink.
"""

from __future__ import annotations

from dataclasses import dataclass

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.convolution import conv_class
from feasibility.ops.elementwise import GELU, SIGMOID, SWISH
from feasibility.ops.linear import matmul_integer
from feasibility.ops.normalisation import SOFTMAX_ARITHMETIC, layer_arithmetic, rms_arithmetic
from feasibility.ops.quantise import REQUANTISE, dequantize_linear, quantize_linear
from feasibility.ops.recurrent import LSTM, layer
from feasibility.ops.roles import heavy, light, move
from feasibility.ops.rules import Family
from feasibility.ops.sizes import lengths, positive, size, size_without

family = Family(MICROSOFT_DOMAIN)

_DEQUANTISE = 2  # per element: subtract the zero point, scale
_WIDEN = 2  # per output of an 8-bit product that becomes real: scale, add the bias

family.add("QuantizeLinear", quantize_linear)
family.add("DequantizeLinear", dequantize_linear)
family.add("QuantizeWithOrder", quantize_linear)
family.add("DequantizeWithOrder", dequantize_linear)
family.add("MatMulInteger16", matmul_integer)


@dataclass(frozen=True, slots=True)
class Requantised:
    """A rule: dequantise each operand, do so much per output element, quantise again.

    The work runs in the type of input `of`.
    """

    arithmetic: int
    transcendentals: int = 0
    operands: int = 1
    of: int = 0

    def __call__(self, node: Node) -> OpCost:
        """Multiply by the size of the output."""
        count = node.output(0).numel
        return light(
            node,
            arithmetic=(self.operands * _DEQUANTISE + self.arithmetic + REQUANTISE) * count,
            transcendentals=self.transcendentals * count,
            dtype=node.input(self.of).dtype,
        )


ELEMENTWISE = {
    "MulInteger": Requantised(1, operands=2),
    "QLinearAdd": Requantised(1, operands=2),
    "QLinearConcat": Requantised(0, of=2),
    "QLinearLeakyRelu": Requantised(2),
    "QLinearMul": Requantised(1, operands=2),
    "QLinearSigmoid": Requantised(SIGMOID.arithmetic, SIGMOID.transcendentals),
    "QLinearSoftmax": Requantised(SOFTMAX_ARITHMETIC, 1),
    "QLinearWhere": Requantised(1, operands=2, of=1),
    "QOrderedGelu": Requantised(GELU.arithmetic, GELU.transcendentals),
}
for _name, _rule in ELEMENTWISE.items():
    family.add(_name, _rule)


def _product(node: Node, depth: int, *, b: int = 1, requantised: bool = False, bias: bool = False) -> OpCost:
    """Cost a product of 8-bit tensors that comes out real or quantised again."""
    y = node.output(0).numel
    return heavy(
        node,
        fmas=y * depth,
        arithmetic=y * ((REQUANTISE if requantised else 1) + int(bias)),
        dtype=node.input(b).dtype,
    )


@family.op("MatMulIntegerToFloat")
def matmul_integer_to_float(node: Node) -> OpCost:
    """Product of 8-bit integers that comes out real.

    Shapes:  A [..., M, K], B [..., K, N], bias [N], Y [..., M, N]
    Count:   fmas = |Y| * K; per output a scale, and an addition if bias
    Ignores: zero points, which fold into the sums of rows and columns
    Dtype:   of B (8-bit products)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MatMulIntegerToFloat
    """
    return _product(node, size(node.input(0), -1), bias=node.has_input(6))


@family.op("DynamicQuantizeMatMul")
def dynamic_quantize_matmul(node: Node) -> OpCost:
    """Quantise A over the range it has, then multiply in 8 bits; Y is real.

    Shapes:  A [..., M, K], B [..., K, N], bias [N], Y [..., M, N]
    Count:   fmas = |Y| * K; 7 per element of A as DynamicQuantizeLinear; per output a scale, and an
             addition if bias
    Ignores: zero points of B
    Dtype:   of B (8-bit products)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.DynamicQuantizeMatMul
    """
    a, y = node.input(0), node.output(0).numel
    quantised = 7 * a.numel
    return heavy(
        node,
        fmas=y * size(a, -1),
        arithmetic=quantised + y * (1 + int(node.has_input(4))),
        dtype=node.input(1).dtype,
    )


@family.op("QGemm")
def q_gemm(node: Node) -> OpCost:
    """Gemm of 8-bit tensors, quantised again where an output scale is given.

    Shapes:  A [M, K], B [K, N], either transposed; C broadcasts to Y [M, N]
    Count:   fmas = |Y| * K; per output 5 to requantise, else a scale, and an addition if C
    Ignores: zero points, which fold into the sums of rows and columns
    Dtype:   of A (8-bit products)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QGemm
    """
    depth = size(node.input(0), 0 if node.int("transA", 0) else 1)
    return _product(node, depth, b=0, requantised=node.has_input(7), bias=node.has_input(6))


@family.op("QOrderedMatMul")
def q_ordered_matmul(node: Node) -> OpCost:
    """Product of int8 matrices in the layouts of cuBLASLt.

    Shapes:  A [B, M, K], B [K, N], bias [N], C like Y [B, M, N]
    Count:   fmas = |Y| * K; per output 5 to requantise, an addition if bias, two operations if C
    Dtype:   of A (int8 products)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QOrderedMatMul
    """
    y = node.output(0).numel
    extra = int(node.has_input(5)) + 2 * int(node.has_input(6))
    return heavy(
        node,
        fmas=y * size(node.input(0), -1),
        arithmetic=y * (REQUANTISE + extra),
        dtype=node.input(0).dtype,
    )


@family.op("GemmFloat8")
def gemm_float8(node: Node) -> OpCost:
    """Gemm of 8-bit floats.

    Shapes:  A [M, K], B [K, N], either transposed; C broadcasts to Y [M, N]
    Count:   fmas = |Y| * K; per output a scale, an addition if C, and the activation
    Dtype:   of A
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GemmFloat8
    """
    y, depth = node.output(0).numel, size(node.input(0), 0 if node.int("transA", 0) else 1)
    act = {"RELU": (1, 0), "GELU": (GELU.arithmetic, GELU.transcendentals)}.get(
        node.string("activation"), (0, 0)
    )
    return heavy(
        node,
        fmas=y * depth,
        arithmetic=y * (1 + int(node.has_input(2)) + act[0]),
        transcendentals=y * act[1],
        dtype=node.input(0).dtype,
    )


@family.op("MatMulNBits", "MatMulBnb4")
def matmul_n_bits(node: Node) -> OpCost:
    """Product with weights of 2 to 8 bits, widened in blocks.

    Shapes:  A [..., K], B bytes that hold N x K weights, scales per block, Y [..., N]
    Count:   fmas = rows * K*N; one addition per output if bias
    Ignores: widening the weights, once per element for any number of rows
    Dtype:   of A (weights are widened)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MatMulNBits
    """
    weights = positive(node, "K") * positive(node, "N")
    bias = node.output(0).numel if node.has_input(5) else 0
    return heavy(node, fmas=size_without(node.input(0), -1) * weights, arithmetic=bias, packed={1: weights})


@family.op("MatMulFpQ4", "MatMulPacked", "MatMulBlockQuantizedFp4Weight", "MatMulBlockQuantizedFp8Weight")
def matmul_packed(node: Node) -> OpCost:
    """Product with weights in packed blocks, widened while they are read.

    Shapes:  A [..., K], B bytes that hold N x K weights, Y [..., N]
    Count:   fmas = |Y| * K; one addition per output if bias
    Ignores: widening and scaling the weights
    Dtype:   of A (weights are widened)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MatMulFpQ4
    """
    depth, y = size(node.input(0), -1), node.output(0)
    bias = {"MatMulBlockQuantizedFp4Weight": 5, "MatMulBlockQuantizedFp8Weight": 4}.get(node.op_type)
    added = y.numel if bias is not None and node.has_input(bias) else 0
    return heavy(node, fmas=y.numel * depth, arithmetic=added, packed={1: depth * size(y, -1)})


@family.op("MatMulNBitsMlp")
def matmul_n_bits_mlp(node: Node) -> OpCost:
    """Gate and value of a feed-forward layer, low-bit weights, after an optional normalisation.

    Shapes:  A [..., K], gate_B and up_B bytes of N x K weights, Y [..., N]
    Count:   fmas = rows * 2*K*N; per output a gated activation and the biases; RMSNormalization of A
             where norm_scale is given, one addition per element where skip is
    Ignores: widening the weights
    Dtype:   of A (weights are widened)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MatMulNBitsMlp
    """
    rows, weights = size_without(node.input(0), -1), positive(node, "K") * positive(node, "N")
    y, act = rows * positive(node, "N"), SWISH.plus(1)
    biases = int(node.has_input(5)) + int(node.has_input(8))
    norm, roots = _normalised(node)
    return heavy(
        node,
        fmas=rows * 2 * weights,
        arithmetic=y * (act.arithmetic + biases) + norm,
        transcendentals=y * act.transcendentals + roots,
        packed={3: weights, 6: weights},
    )


@family.op("MatMulNBitsQkv")
def matmul_n_bits_qkv(node: Node) -> OpCost:
    """Project to queries, keys and values with low-bit weights, after a normalisation.

    Shapes:  A [..., K], q_B bytes of Nq x K weights, k_B and v_B of Nkv x K
    Count:   fmas = rows * K * (Nq + 2*Nkv); RMSNormalization of A, one addition per element where skip
             is given; one addition per output where a bias is
    Ignores: widening the weights
    Dtype:   of A (weights are widened)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MatMulNBitsQkv
    """
    rows, depth = size_without(node.input(0), -1), positive(node, "K")
    columns = {3: positive(node, "Nq"), 6: positive(node, "Nkv"), 9: positive(node, "Nkv")}
    biased = sum(n for index, n in columns.items() if node.has_input(index + 2))
    norm, roots = _normalised(node)
    return heavy(
        node,
        fmas=rows * depth * sum(columns.values()),
        arithmetic=rows * biased + norm,
        transcendentals=roots,
        packed={index: depth * n for index, n in columns.items()},
    )


def _normalised(node: Node) -> tuple[int, int]:
    """Return arithmetic and roots of the normalisation in front: skip is input 1, norm_scale input 2."""
    if not node.has_input(2):
        return 0, 0
    a = node.input(0)
    rows = size_without(a, -1)
    return rms_arithmetic(a.numel, rows) + a.numel * int(node.has_input(1)), rows


@family.op("MatMulNBitsQLoRA")
def matmul_n_bits_lora(node: Node) -> OpCost:
    """Product with low-bit weights, and with a low-rank adapter beside them.

    Shapes:  X [..., K], W bytes of N x K weights, lora_A_scales [R, blocks], Y [..., N]
    Count:   fmas = rows * (K*N + R*(K + N)); one addition per output
    Ignores: widening the weights
    Dtype:   of X (weights are widened)
    Source:  onnxruntime 1.32 schema, com.microsoft.MatMulNBitsQLoRA
    """
    rows, depth, columns = size_without(node.input(0), -1), positive(node, "K"), positive(node, "N")
    rank = size(node.input(4), 0)
    return heavy(
        node,
        fmas=rows * (depth * columns + rank * (depth + columns)),
        arithmetic=rows * columns,
        packed={1: depth * columns, 3: rank * depth, 5: columns * rank},
    )


@family.op("QLinearConv")
def q_linear_conv(node: Node) -> OpCost:
    """Convolution of quantised tensors, channels first or last.

    Shapes:  x [N, C, *D] or [N, *D, C], w [M, C/group, *K], y alike
    Count:   fmas = |y| * C/group * prod(K); 5 per output to requantise, one more if B
    Ignores: padding zeros count as work
    Dtype:   of x (8-bit products)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QLinearConv
    """
    w, y = node.input(3), node.output(0).numel
    return heavy(
        node,
        fmas=y * size_without(w, 0),
        arithmetic=y * (REQUANTISE + int(node.has_input(8))),
        op_class=conv_class(node, w),
        dtype=node.input(0).dtype,
    )


@family.op("QLinearAveragePool")
def q_linear_average_pool(node: Node) -> OpCost:
    """Mean of every window of a quantised tensor.

    Shapes:  X [N, C, *D] or [N, *D, C], Y alike, kernel_shape K
    Count:   arithmetic = |Y| * (prod(K) additions + 1 division + 5 to requantise)
    Ignores: padding counts as work
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QLinearAveragePool
    """
    kernel = 1
    for length in lengths(node, "kernel_shape"):
        kernel *= length
    return light(node, arithmetic=node.output(0).numel * (kernel + 1 + REQUANTISE), dtype=node.input(0).dtype)


@family.op("QLinearGlobalAveragePool", "QLinearReduceMean")
def q_linear_mean(node: Node) -> OpCost:
    """Mean of a quantised tensor over some axes.

    Shapes:  X of any shape, Y with those axes 1 or gone
    Count:   arithmetic = |X| additions + |Y| * (1 division + 5 to requantise)
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QLinearReduceMean
    """
    x = node.input(0)
    return light(node, arithmetic=x.numel + node.output(0).numel * (1 + REQUANTISE), dtype=x.dtype)


@family.op("ReduceSumInteger")
def reduce_sum_integer(node: Node) -> OpCost:
    """Sum of 8-bit integers over some axes.

    Shapes:  data of any shape, reduced with those axes 1 or gone
    Count:   arithmetic = |data| additions
    Dtype:   of data
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.ReduceSumInteger
    """
    return light(node, arithmetic=node.input(0).numel, dtype=node.input(0).dtype)


@family.op("QOrderedLayerNormalization")
def q_ordered_layer_normalization(node: Node) -> OpCost:
    """Layer normalisation of an int8 tensor.

    Shapes:  X and Y [*rows, n], scale and B [n]
    Count:   as LayerNormalization, 2 per element to dequantise and 5 to requantise
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QOrderedLayerNormalization
    """
    x = node.input(0)
    rows = size_without(x, -1)
    affine = 1 + int(node.has_input(3)) + _DEQUANTISE + REQUANTISE
    return light(
        node, arithmetic=layer_arithmetic(x.numel, rows, affine), transcendentals=rows, dtype=x.dtype
    )


@family.op("GatherBlockQuantized", "GatherPacked")
def gather_blocks(node: Node) -> OpCost:
    """Look rows of a low-bit table up, and widen them.

    Shapes:  data [rows, bytes], indices of any shape, output [*indices, n]
    Count:   2 per output (zero point, scale); the indices, and of the table the bytes of the rows
    Dtype:   of output
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GatherBlockQuantized
    """
    data, indices, out = node.input(0), node.input(1), node.output(0)
    rows = indices.numel * data.dtype.nbytes(size_without(data, 0))  # looked up along the first axis
    return move(node, arithmetic=_DEQUANTISE * out.numel, reads=rows + indices.nbytes)


@family.op("DynamicQuantizeLSTM")
def dynamic_quantize_lstm(node: Node) -> OpCost:
    """LSTM with 8-bit weights and activations quantised at run time.

    Shapes:  X [T, B, I], W [D, I, 4*H], R [D, H, 4*H]
    Count:   as LSTM: fmas = T*B * (|W| + |R|), the activations and states per unit
    Ignores: quantising the inputs and states of every step
    Dtype:   of W (8-bit products)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.DynamicQuantizeLSTM
    """
    return layer(node, LSTM, hidden=positive(node, "hidden_size"), dtype=node.input(1).dtype)


@family.op("QEmbedLayerNormalization")
def q_embed_layer_normalization(node: Node) -> OpCost:
    """Look quantised embeddings up, add and normalise them.

    Shapes:  input_ids [B, S], embeddings [rows, H], layernorm_out [B, S, H]
    Count:   per element 2 to dequantise each embedding, the additions between them, then as
             LayerNormalization with scale and bias; the rows looked up are read, not the tables
    Dtype:   of the scales
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QEmbedLayerNormalization
    """
    out = node.output(0)
    rows = size_without(out, -1)
    tables = 2 + int(node.has_input(4))
    return light(
        node,
        arithmetic=layer_arithmetic(out.numel, rows, 2) + out.numel * (tables * _DEQUANTISE + tables - 1),
        transcendentals=rows,
        reads=node.input(0).nbytes + tables * out.numel,
    )
