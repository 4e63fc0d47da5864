from __future__ import annotations

import pytest

from feasibility.ir import MICROSOFT_DOMAIN, DType
from tests.ops.op_cases import Case, integers, tensor


def case(op: str, **fields: object) -> Case:
    """Return a row of com.microsoft, whose only version is 1."""
    return Case(op=op, domain=MICROSOFT_DOMAIN, opset=1, **fields)  # type: ignore[arg-type]


CASES = [
    case(  # an LSTM of 4 steps, batch 2; 3 steps of memory 7 wide, attention 5 wide, mixed to 6
        "AttnLSTM",
        i=[
            (4, 2, 10),
            (1, 4 * 8, 10),
            (1, 4 * 8, 8),
            None,
            None,
            None,
            None,
            None,
            (1, 8, 5),
            (1, 7, 5),
            (1, 5),
            (2, 3, 7),
            None,
            (1, 7 + 8, 6),
        ],
        o=[(4, 1, 2, 8)],
        fmas=4 * 2 * (32 * 10 + 32 * 8)  # gates
        + 2 * 3 * 7 * 5  # keys, once
        + 4 * 2 * (8 * 5 + 15 * 6)  # query and mixture, each step
        + 4 * 2 * 3 * (5 + 7),  # scores and context
        arithmetic=4 * 2 * 8 * (3 * 3 + 4) + 4 * 2 * 3 * (5 + 4),
        transcendentals=4 * 2 * 8 * 5 + 4 * 2 * 3 * (5 + 1),
    ),
    case("CDist", i=[(5, 4), (7, 4)], o=[(5, 7)], fmas=5 * 7 * 4, arithmetic=3 * 35 + 2 * (20 + 28)),
    case(
        "CDist",
        i=[(5, 4), (7, 4)],
        o=[(5, 7)],
        a={"metric": "euclidean"},
        fmas=5 * 7 * 4,
        arithmetic=3 * 35 + 2 * (20 + 28),
        transcendentals=35,
    ),
    case("ComplexMul", i=[(3, 2), (3, 2)], o=[(3, 2)], arithmetic=3 * (4 + 2)),  # 3 complex products
    case(  # the third input is pads, no bias
        "ConvTransposeWithDynamicPads",
        i=[(1, 4, 5, 5), (4, 2, 3, 3), integers(1, 1, 1, 1)],
        o=[(1, 2, 5, 5)],
        fmas=5 * 5 * 4 * 2 * 9,
        op_class="dense",
    ),
    case(
        "ConvTransposeWithDynamicPads",
        i=[(1, 4, 5, 5), (4, 2, 3, 3), integers(1, 1, 1, 1), (2,)],
        o=[(1, 2, 5, 5)],
        fmas=5 * 5 * 4 * 2 * 9,
        arithmetic=2 * 5 * 5,
    ),
    case(  # 4 neighbours: 4 multiplies, 3 additions
        "CropAndResize",
        i=[(2, 3, 8, 8), (4, 4), integers(0, 1, 1, 0), integers(5, 6)],
        o=[(4, 3, 5, 6)],
        arithmetic=4 * 3 * 5 * 6 * 7,
        reads=4 * (4 * 3 * 5 * 6) * 4,
    ),
    case(
        "CropAndResize",
        i=[(2, 3, 8, 8), (4, 4), integers(0, 1, 1, 0), integers(5, 6)],
        o=[(4, 3, 5, 6)],
        a={"mode": "nearest"},
        role="move",
        reads=4 * (4 * 3 * 5 * 6),
    ),
    case("DynamicTimeWarping", i=[(5, 6)], o=[tensor(2, 10, dtype=DType.INT32)], arithmetic=3 * 30),
    case("ExpandDims", i=[(2, 3), integers(0)], o=[(1, 2, 3)], role="view"),
    case("Inverse", i=[(2, 6, 6)], o=[(2, 6, 6)], fmas=2 * 6**3),
    case("IsAllFinite", i=[(2, 6), (3,)], o=[tensor(dtype=DType.BOOL)], arithmetic=12 + 3),
    case(
        "MurmurHash3",
        i=[tensor(4, dtype=DType.INT32)],
        o=[tensor(4, dtype=DType.UINT32)],
        arithmetic=4 * (11 + 9),
    ),
    case(
        "MurmurHash3",
        i=[tensor(4, dtype=DType.INT64)],
        o=[tensor(4, dtype=DType.UINT32)],
        arithmetic=4 * (2 * 11 + 9),
    ),
    case(
        "NGramRepeatBlock",
        i=[tensor(2, 5, dtype=DType.INT64), (2, 100)],
        o=[(2, 100)],
        a={"ngram_size": 3},
        arithmetic=3 * 2 * 5,
    ),
    case("Rfft", i=[(3, 16)], o=[(3, 9, 2)], arithmetic=3 * (5 * 16 * 4 // 2)),
    case("Irfft", i=[(3, 9, 2)], o=[(3, 16)], arithmetic=3 * (5 * 16 * 4 // 2) + 3 * 16),
    case("SparseToDenseMatMul", i=[(4, 5), (5, 6)], o=[(4, 6)], fmas=4 * 5 * 6),
    case(
        "SparseToDenseMatMul",
        i=[(5, 4), (5, 6)],
        o=[(4, 6)],
        a={"transA": 1, "alpha": 2.0},
        fmas=4 * 5 * 6,
        arithmetic=4 * 6,
    ),
    case(  # a window per letter: 2 words of 7 letters, 6 filters of 3 letters of 5 numbers
        "WordConvEmbedding",
        i=[tensor(2, 7, dtype=DType.INT32), (6, 1, 3, 5), (6,), (100, 5)],
        o=[(2, 6)],
        fmas=2 * 7 * 6 * 3 * 5,
        arithmetic=2 * (2 * 7 * 6),
        transcendentals=2 * 7 * 6,
    ),
    case(
        "TorchEmbedding", i=[(1000, 8), integers(1, 2, 3)], o=[(3, 8)], role="move", reads=3 * 8 * 4 + 3 * 8
    ),
    case("GatherND", i=[(4, 5, 6), tensor(2, 2, dtype=DType.INT64)], o=[(2, 6)], role="move", reads=48 + 32),
    case("GridSample", i=[(1, 3, 8, 8), (1, 4, 4, 2)], o=[(1, 3, 4, 4)], arithmetic=48 * 7 + 4 * 32),
    case(
        "MaxpoolWithMask", i=[(1, 2, 8, 8)], o=[(1, 2, 4, 4)], a={"kernel_shape": (2, 2)}, arithmetic=32 * 4
    ),
    case("Pad", i=[(2, 3), integers(1, 0, 0, 0)], o=[(3, 3)], role="move"),
    case("Range", i=[(), (), ()], o=[(9,)], arithmetic=2 * 9),
    case("Trilu", i=[(4, 4)], o=[(4, 4)], role="move"),
    case("UnfoldTensor", i=[(9,)], o=[(6, 4)], role="move"),
    case("Unique", i=[(8,)], o=[(8,)], arithmetic=8 * 3),
]


@pytest.mark.parametrize("row", CASES, ids=str)
def test_forerunners_and_others(row: Case) -> None:
    """Operators that ONNX got later, and those that stand alone, count as their formula says."""
    row.check()
