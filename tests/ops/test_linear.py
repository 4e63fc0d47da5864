from __future__ import annotations

import pytest

from feasibility.ir import DType
from tests.ops.op_cases import Case, tensor

U8, I8, I32 = DType.UINT8, DType.INT8, DType.INT32

CASES = [
    Case(op="Gemm", i=[(8, 16), (16, 32)], o=[(8, 32)], fmas=8 * 16 * 32, role="heavy", op_class="matmul"),
    Case(
        op="Gemm",
        i=[(16, 8), (32, 16), (32,)],
        o=[(8, 32)],
        a={"transA": 1, "transB": 1, "alpha": 0.5, "beta": 2.0},
        fmas=8 * 16 * 32,
        arithmetic=8 * 32 + 8 * 32 + 32,
    ),
    Case(op="MatMul", i=[(8, 16), (16, 32)], o=[(8, 32)], fmas=8 * 16 * 32),
    Case(op="MatMul", i=[(5, 1, 8, 16), (7, 16, 32)], o=[(5, 7, 8, 32)], fmas=5 * 7 * 8 * 16 * 32),
    Case(op="MatMul", i=[(16,), (16, 32)], o=[(32,)], fmas=16 * 32),
    Case(op="MatMul", i=[(16,), (16,)], o=[()], fmas=16),
    Case(
        op="MatMulInteger",
        i=[
            tensor(8, 16, dtype=U8), tensor(16, 32, dtype=I8, constant=True),
            tensor(dtype=U8), tensor(dtype=I8),
        ],
        o=[tensor(8, 32, dtype=I32)],
        fmas=8 * 16 * 32,
        arithmetic=8 * 16,
        dtype=U8,
    ),
    Case(
        op="QLinearMatMul",
        i=[
            tensor(8, 16, dtype=I8), (), tensor(dtype=I8),
            tensor(16, 32, dtype=I8, constant=True), (), tensor(dtype=I8),
            (), tensor(dtype=I8),
        ],
        o=[tensor(8, 32, dtype=I8)],
        fmas=8 * 16 * 32,
        arithmetic=5 * 8 * 32 + 8 * 16,
        dtype=I8,
    ),
    Case(op="Det", i=[(7, 3, 3)], o=[(7,)], fmas=7 * (2 * 2 + 1 * 1), arithmetic=7 * (2 + 1 + 3)),
    Case(op="AffineGrid", i=[(2, 2, 3), (4,)], o=[(2, 5, 6, 2)], fmas=2 * 5 * 6 * (2 * 3)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_matrix_products(case: Case) -> None:
    """A matrix product counts one multiply-add per output and inner index."""
    case.check()
