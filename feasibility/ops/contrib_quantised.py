"""Count com.microsoft's 8-bit operators: products of 8-bit tensors run in their type."""

from __future__ import annotations

from dataclasses import dataclass

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.convolution import conv_class
from feasibility.ops.elementwise import GELU, SIGMOID
from feasibility.ops.linear import matmul_integer
from feasibility.ops.normalisation import SOFTMAX_ARITHMETIC, layer_arithmetic
from feasibility.ops.quantise import (
    DEQUANTISE,
    DYNAMIC_QUANTISE,
    REQUANTISE,
    dequantize_linear,
    quantize_linear,
)
from feasibility.ops.recurrent import LSTM, layer
from feasibility.ops.roles import heavy, light
from feasibility.ops.rules import Family
from feasibility.ops.sizes import given, lengths, positive, size, size_without

family = Family(MICROSOFT_DOMAIN)

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
            arithmetic=(self.operands * DEQUANTISE + self.arithmetic + REQUANTISE) * count,
            transcendentals=self.transcendentals * count,
            dtype=node.input(self.of).dtype,
        )


ELEMENTWISE = {
    "QLinearAdd": Requantised(1, operands=2),
    "QLinearConcat": Requantised(0, of=2),
    "QLinearLeakyRelu": Requantised(2),
    "QLinearMul": Requantised(1, operands=2),
    "QLinearSigmoid": Requantised(SIGMOID.arithmetic, SIGMOID.transcendentals),
    "QLinearSoftmax": Requantised(SOFTMAX_ARITHMETIC, 1),
    "QLinearWhere": Requantised(1, of=1),
    "QOrderedGelu": Requantised(GELU.arithmetic, GELU.transcendentals),
}
for _name, _rule in ELEMENTWISE.items():
    family.add(_name, _rule)


@family.op("MulInteger")
def mul_integer(node: Node) -> OpCost:
    """Multiply 8-bit tensors into 32-bit integers.

    Shapes:  A and B broadcast to C
    Count:   per output one multiply, and one subtraction per zero point given
    Dtype:   of A
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MulInteger
    """
    return light(node, arithmetic=node.output(0).numel * (1 + given(node, 1, 3)), dtype=node.input(0).dtype)


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
    return heavy(
        node,
        fmas=y * size(a, -1),
        arithmetic=DYNAMIC_QUANTISE * a.numel + y * (1 + int(node.has_input(4))),
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
    affine = 1 + int(node.has_input(3)) + DEQUANTISE + REQUANTISE
    return light(
        node, arithmetic=layer_arithmetic(x.numel, rows, affine), transcendentals=rows, dtype=x.dtype
    )


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
        arithmetic=layer_arithmetic(out.numel, rows, 2) + out.numel * (tables * DEQUANTISE + tables - 1),
        transcendentals=rows,
        reads=node.input(0).nbytes + tables * out.numel,
    )
