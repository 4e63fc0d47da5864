from __future__ import annotations

import pytest

from feasibility.ir import DType
from tests.ops.op_cases import Case, tensor

U8 = DType.UINT8
SMALL = tensor(2, 3, dtype=U8)
ZERO = tensor(dtype=U8)

CASES = [
    Case(op="QuantizeLinear", i=[(2, 3), (), ZERO], o=[SMALL], arithmetic=6 * 5, dtype=DType.FLOAT),
    Case(op="QuantizeLinear", i=[(2, 3), ()], o=[SMALL], arithmetic=6 * 4),
    Case(op="DequantizeLinear", i=[SMALL, (), ZERO], o=[(2, 3)], arithmetic=6 * 2, dtype=DType.FLOAT),
    Case(op="DequantizeLinear", i=[SMALL, ()], o=[(2, 3)], arithmetic=6),
    Case(op="DynamicQuantizeLinear", i=[(2, 3)], o=[SMALL, (), ZERO], arithmetic=6 * (2 + 5)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_quantisation(case: Case) -> None:
    """Quantising counts scale, round, shift and both clamps of every element."""
    case.check()
