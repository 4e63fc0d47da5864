from __future__ import annotations

import pytest

from feasibility.ir import DType
from tests.ops.op_cases import Case, tensor

U8, I8, I32 = DType.UINT8, DType.INT8, DType.INT32

CASES = [
    Case(  # the first convolution of ResNet-50
        op="Conv",
        i=[(1, 3, 224, 224), (64, 3, 7, 7), (64,)],
        o=[(1, 64, 112, 112)],
        fmas=64 * 112 * 112 * 3 * 7 * 7,
        arithmetic=64 * 112 * 112,
        role="heavy",
        op_class="dense",
    ),
    Case(
        op="Conv",
        i=[(1, 64, 56, 56), (256, 64, 1, 1)],
        o=[(1, 256, 56, 56)],
        fmas=256 * 56 * 56 * 64,
        op_class="pointwise",
    ),
    Case(
        op="Conv",
        i=[(1, 32, 56, 56), (32, 1, 3, 3)],
        o=[(1, 32, 56, 56)],
        a={"group": 32},
        fmas=32 * 56 * 56 * 3 * 3,
        op_class="depthwise",
    ),
    Case(op="Conv", i=[(1, 80, 3000), (384, 80, 3)], o=[(1, 384, 3000)], fmas=384 * 3000 * 80 * 3),
    Case(
        op="ConvTranspose",
        i=[(1, 8, 5, 5), (8, 4, 2, 2), (4,)],
        o=[(1, 4, 10, 10)],
        a={"strides": (2, 2)},
        fmas=8 * 5 * 5 * 4 * 2 * 2,
        arithmetic=4 * 10 * 10,
        op_class="dense",
    ),
    Case(
        op="ConvInteger",
        i=[tensor(1, 3, 8, 8, dtype=U8), tensor(4, 3, 3, 3, dtype=I8), tensor(dtype=U8), tensor(dtype=I8)],
        o=[tensor(1, 4, 6, 6, dtype=I32)],
        fmas=4 * 6 * 6 * 3 * 3 * 3,
        arithmetic=3 * 8 * 8 + 4 * 3 * 3 * 3,
        dtype=U8,
    ),
    Case(
        op="QLinearConv",
        i=[
            tensor(1, 3, 8, 8, dtype=U8), (), tensor(dtype=U8),
            tensor(4, 3, 3, 3, dtype=I8, constant=True), (), tensor(dtype=I8),
            (), tensor(dtype=U8), tensor(4, dtype=I32),
        ],
        o=[tensor(1, 4, 6, 6, dtype=U8)],
        fmas=4 * 6 * 6 * 3 * 3 * 3,
        arithmetic=(5 + 1) * 4 * 6 * 6 + 3 * 8 * 8,
        dtype=U8,
    ),
    Case(
        op="DeformConv",
        i=[(1, 3, 8, 8), (4, 3, 2, 2), (1, 2 * 2 * 2, 7, 7), (4,), (1, 2 * 2, 7, 7)],
        o=[(1, 4, 7, 7)],
        fmas=4 * 7 * 7 * 3 * 2 * 2,
        arithmetic=3 * 2 * 2 * 7 * 7 * (4 + 3 + 1) + 2 * 2 * 2 * 7 * 7 + 4 * 7 * 7,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_convolutions(case: Case) -> None:
    """A convolution counts one multiply-add per output and weight of its group."""
    case.check()
