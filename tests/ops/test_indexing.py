from __future__ import annotations

import pytest

from feasibility.ir import DType
from tests.ops.op_cases import Case, tensor

FLOAT_BYTES, INT64_BYTES = 4, 8
TOKENS = tensor(1, 77, dtype=DType.INT64)

CASES = [
    Case(
        op="Gather",
        i=[(49408, 768), TOKENS],
        o=[(1, 77, 768)],
        role="move",
        dtype=DType.FLOAT,
        reads=77 * 768 * FLOAT_BYTES + 77 * INT64_BYTES,
    ),
    Case(
        op="GatherElements",
        i=[(9, 9), tensor(2, 2, dtype=DType.INT64)],
        o=[(2, 2)],
        reads=2 * 2 * FLOAT_BYTES + 2 * 2 * INT64_BYTES,
    ),
    Case(
        op="GatherND",
        i=[(9, 9), tensor(5, 1, dtype=DType.INT64)],
        o=[(5, 9)],
        reads=5 * 9 * FLOAT_BYTES + 5 * INT64_BYTES,
    ),
    Case(op="ScatterND", i=[(9, 9), tensor(5, 1, dtype=DType.INT64), (5, 9)], o=[(9, 9)], role="move"),
    Case(
        op="ScatterElements",
        i=[(9, 9), tensor(2, 2, dtype=DType.INT64), (2, 2)],
        o=[(9, 9)],
        a={"reduction": "add"},
        arithmetic=2 * 2,
    ),
    Case(op="Scatter", i=[(9, 9), tensor(2, 2, dtype=DType.INT64), (2, 2)], o=[(9, 9)], opset=9),
    Case(
        op="TensorScatter",
        i=[(1, 8, 4096, 64), (1, 8, 1, 64), tensor(1, dtype=DType.INT64)],
        o=[(1, 8, 4096, 64)],
        reads=8 * 64 * FLOAT_BYTES + INT64_BYTES,
        writes=8 * 64 * FLOAT_BYTES,
    ),
    Case(op="NonZero", i=[(4, 5)], o=[tensor(2, 3, dtype=DType.INT64)], arithmetic=4 * 5),
    Case(op="Col2Im", i=[(1, 3 * 2 * 2, 9)], o=[(1, 3, 4, 4)], arithmetic=3 * 2 * 2 * 9),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_indexed_access(case: Case) -> None:
    """An index reads the rows it names, not the whole table."""
    case.check()
