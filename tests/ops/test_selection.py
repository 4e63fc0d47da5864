from __future__ import annotations

import pytest

from feasibility.ir import DType, TensorSpec
from tests.ops.op_cases import Case, tensor, unknown

I64, INT64_BYTES, FLOAT_BYTES = DType.INT64, 8, 4
IOU = 13


def at_most(boxes: int) -> TensorSpec:
    """Return the constant max_output_boxes_per_class."""
    return tensor(1, dtype=I64, value=(boxes,), constant=True)


CASES = [
    Case(op="TopK", i=[(2, 1000), at_most(5)], o=[(2, 5), tensor(2, 5, dtype=I64)], arithmetic=2 * 1000 * 3),
    Case(op="TopK", i=[(2, 1000)], o=[(2, 1), tensor(2, 1, dtype=I64)], a={"k": 1}, opset=9, arithmetic=2000),
    Case(op="Unique", i=[(3, 8)], o=[unknown()], arithmetic=24 * 5),
    Case(op="Unique", i=[(3, 8)], o=[unknown()], a={"axis": 1}, arithmetic=24 * 3),
    Case(  # 2 images, 3 classes, 16 boxes: threshold, 4 rounds of sorting, 5 selected
        op="NonMaxSuppression",
        i=[(2, 16, 4), (2, 3, 16), at_most(5)],
        o=[unknown(I64)],
        arithmetic=2 * 3 * 16 * (1 + 4 + 5 * IOU),
        reads=(2 * 16 * 4 + 2 * 3 * 16) * FLOAT_BYTES,
        writes=2 * 3 * 5 * 3 * INT64_BYTES,
    ),
    Case(  # a limit that the graph computes: all boxes may be selected
        op="NonMaxSuppression",
        i=[(1, 16, 4), (1, 1, 16), tensor(1, dtype=I64)],
        o=[unknown(I64)],
        arithmetic=16 * (1 + 4 + 16 * IOU),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_selection_estimates(case: Case) -> None:
    """Sorting and selection count comparisons that suffice whatever the data."""
    case.check()
