"""Count matrix products."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.quantise import REQUANTISE, shift
from feasibility.ops.roles import heavy
from feasibility.ops.rules import Family
from feasibility.ops.sizes import size, size_without

family = Family()


@family.op("Gemm")
def gemm(node: Node) -> OpCost:
    """Y = alpha * A @ B + beta * C.

    Shapes:  A [M, K] (transposed [K, M] with transA), B [K, N], C broadcasts to Y [M, N]
    Count:   fmas = M*N*K; arithmetic = |Y| if C is given, |Y| if alpha is not 1,
             |C| if C is given and beta is not 1
    Dtype:   of A
    Source:  ONNX Gemm-13
    """
    y, has_c = node.output(0).numel, node.has_input(2)
    scale = y if node.float("alpha", 1.0) != 1.0 else 0
    bias = y if has_c else 0
    scale_c = node.input(2).numel if has_c and node.float("beta", 1.0) != 1.0 else 0
    depth = size(node.input(0), 0 if node.int("transA", 0) else 1)
    return heavy(node, fmas=y * depth, arithmetic=scale + bias + scale_c)


@family.op("MatMul")
def matmul(node: Node) -> OpCost:
    """Matrix product as numpy.matmul does it, with broadcast batches.

    Shapes:  A [..., M, K], B [..., K, N], Y [..., M, N]; one-dimensional A or B is a vector
    Count:   fmas = |Y| * K
    Dtype:   of A
    Source:  ONNX MatMul-13
    """
    return heavy(node, fmas=node.output(0).numel * size(node.input(0), -1))


@family.op("MatMulInteger")
def matmul_integer(node: Node) -> OpCost:
    """Matrix product of 8-bit integers into 32-bit ones.

    Shapes:  A [..., M, K], B [..., K, N], Y [..., M, N]
    Count:   fmas = |Y| * K; arithmetic: one subtraction per element of A and B that has a zero
             point, unless it is a constant
    Dtype:   of A (8-bit products)
    Source:  ONNX MatMulInteger-10
    """
    return heavy(
        node,
        fmas=node.output(0).numel * size(node.input(0), -1),
        arithmetic=shift(node, 0, 2) + shift(node, 1, 3),
        dtype=node.input(0).dtype,
    )


@family.op("QLinearMatMul")
def qlinear_matmul(node: Node) -> OpCost:
    """Matrix product of quantised tensors into a quantised one.

    Shapes:  a [..., M, K], b [..., K, N], y [..., M, N]; a scale and zero point each
    Count:   fmas = |y| * K; arithmetic: 5 per output to requantise, one subtraction per element
             of a and b that is not a constant
    Dtype:   of a (8-bit products)
    Source:  ONNX QLinearMatMul-21
    """
    y = node.output(0).numel
    return heavy(
        node,
        fmas=y * size(node.input(0), -1),
        arithmetic=REQUANTISE * y + shift(node, 0, 2) + shift(node, 3, 5),
        dtype=node.input(0).dtype,
    )


@family.op("Det")
def det(node: Node) -> OpCost:
    """Eliminate to get the determinant.

    Shapes:  X [..., M, M], Y [...]
    Count:   per matrix (M-1)*M*(2M-1)/6 fmas below the pivots, M*(M-1)/2 divisions and M
             multiplies along the diagonal
    Ignores: the search for pivots
    Dtype:   of X
    Source:  ONNX Det-22; Golub and Van Loan, Matrix Computations, 4th ed., section 3.2
    """
    x = node.input(0)
    m, matrices = size(x, -1), size_without(x, -1, -2)
    return heavy(
        node,
        fmas=matrices * ((m - 1) * m * (2 * m - 1) // 6),
        arithmetic=matrices * (m * (m - 1) // 2 + m),
    )


@family.op("AffineGrid")
def affine_grid(node: Node) -> OpCost:
    """Map a regular grid by one affine matrix per image.

    Shapes:  theta [N, r, r + 1], grid [N, *out, r]
    Count:   fmas = |grid| * (r + 1)
    Ignores: the regular grid itself, which depends on the sizes alone
    Dtype:   of theta
    Source:  ONNX AffineGrid-20
    """
    return heavy(node, fmas=node.output(0).numel * size(node.input(0), -1))
