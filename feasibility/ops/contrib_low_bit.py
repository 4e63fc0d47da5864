"""Count com.microsoft's products and look-ups with weights below 8 bits.

Such weights are widened while they are read: the products run in the type of the
activations, and only the bytes shrink. `packed` says how many weights a byte tensor holds.
"""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.contrib_experts import ACTIVATIONS
from feasibility.ops.normalisation import rms_arithmetic
from feasibility.ops.quantise import DEQUANTISE
from feasibility.ops.recurrent import activation
from feasibility.ops.roles import heavy, move
from feasibility.ops.rules import Family
from feasibility.ops.sizes import positive, size, size_without

family = Family(MICROSOFT_DOMAIN)


@family.op("MatMulNBits", "MatMulBnb4")
def matmul_n_bits(node: Node) -> OpCost:
    """Product with weights of 2 to 8 bits, widened in blocks.

    Shapes:  A [..., K], B bytes that hold N x K weights, scales per block, Y [..., N]
    Count:   fmas = rows * K*N; one addition per output if bias
    Ignores: widening the weights, once per element for any number of rows; that accuracy_level 4 lets a
             runtime compute in int8
    Dtype:   of A (weights are widened)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MatMulNBits
    """
    weights = positive(node, "K") * positive(node, "N")
    bias = node.output(0).numel if node.has_input(5) else 0
    return heavy(node, fmas=size_without(node.input(0), -1) * weights, arithmetic=bias, packed={1: weights})


# the input that holds a bias; the others have none
_BIAS = {"MatMulBlockQuantizedFp4Weight": 5, "MatMulBlockQuantizedFp8Weight": 4}


@family.op("MatMulFpQ4", "MatMulPacked", "MatMulBlockQuantizedFp4Weight", "MatMulBlockQuantizedFp8Weight")
def matmul_packed(node: Node) -> OpCost:
    """Product with weights in packed blocks, widened while they are read.

    Shapes:  A [..., K], B bytes that hold N x K weights, Y [..., N]
    Count:   fmas = |Y| * K; one addition per output if bias, and the activation
    Ignores: widening and scaling the weights
    Dtype:   of A (weights are widened)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MatMulFpQ4
    """
    depth, y = size(node.input(0), -1), node.output(0)
    act, bias = activation(node, node.string("activation_type", "none"), ACTIVATIONS), _BIAS.get(node.op_type)
    has_bias = bias is not None and node.has_input(bias)
    return heavy(
        node,
        fmas=y.numel * depth,
        arithmetic=y.numel * (act.arithmetic + has_bias),
        transcendentals=y.numel * act.transcendentals,
        packed={1: depth * size(y, -1)},
    )


@family.op("MatMulNBitsMlp")
def matmul_n_bits_mlp(node: Node) -> OpCost:
    """Gate and value of a feed-forward layer, low-bit weights, after an optional normalisation.

    Shapes:  A [..., K], gate_B and up_B bytes of N x K weights, Y [..., N]
    Count:   fmas = rows * 2*K*N; per output the activation, one multiply by the gate, the biases;
             RMSNormalization of A where norm_scale is given, one addition per element where skip is
    Ignores: widening the weights
    Dtype:   of A (weights are widened)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MatMulNBitsMlp
    """
    rows, weights = size_without(node.input(0), -1), positive(node, "K") * positive(node, "N")
    y, act = rows * positive(node, "N"), activation(node, node.string("activation"), ACTIVATIONS).plus(1)
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


@family.op("GatherBlockQuantized", "GatherPacked")
def gather_blocks(node: Node) -> OpCost:
    """Look rows of a low-bit table up, and widen them.

    Shapes:  data [rows, bytes], indices of any shape, output [*indices, n]
    Count:   2 per output (zero point, scale); the indices, and of the table the bytes of the rows
    Ignores: reading the scales
    Dtype:   of output
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GatherBlockQuantized
    """
    data, indices, out = node.input(0), node.input(1), node.output(0)
    axis = node.int("gather_axis", 0)
    rows = indices.numel * data.dtype.nbytes(size_without(data, axis))
    table = size(data, axis) * (out.numel // max(indices.numel, 1))
    return move(node, arithmetic=DEQUANTISE * out.numel, reads=rows + indices.nbytes, packed={0: table})
