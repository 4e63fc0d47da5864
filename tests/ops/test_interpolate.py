from __future__ import annotations

import pytest

from feasibility.errors import FeasibilityError
from tests.ops.op_cases import Case, cost_of, make_node

OUT = 1 * 3 * 8 * 8
BILINEAR, BICUBIC = 4 + 3, 16 + 15  # multiplies and additions of one weighted sum

CASES = [
    Case(op="Resize", i=[(1, 3, 4, 4)], o=[(1, 3, 8, 8)], role="move"),
    Case(op="Resize", i=[(1, 3, 4, 4)], o=[(1, 3, 8, 8)], a={"mode": "linear"}, arithmetic=OUT * BILINEAR),
    Case(op="Resize", i=[(1, 3, 4, 4)], o=[(1, 3, 8, 8)], a={"mode": "cubic"}, arithmetic=OUT * BICUBIC),
    Case(  # one axis only: two taps
        op="Resize", i=[(1, 3, 4, 8)], o=[(1, 3, 8, 8)], a={"mode": "linear"}, arithmetic=OUT * 3
    ),
    Case(  # 4x smaller with antialias: 8 taps an axis
        op="Resize",
        i=[(1, 3, 32, 32)],
        o=[(1, 3, 8, 8)],
        a={"mode": "linear", "antialias": 1},
        arithmetic=OUT * (2 * 64 - 1),
    ),
    Case(
        op="Upsample",
        i=[(1, 3, 4, 4)],
        o=[(1, 3, 8, 8)],
        a={"mode": "bilinear"},
        opset=1,
        arithmetic=OUT * BILINEAR,
    ),
    Case(
        op="GridSample",
        i=[(1, 3, 4, 4), (1, 8, 8, 2)],
        o=[(1, 3, 8, 8)],
        arithmetic=OUT * BILINEAR + 8 * 8 * 2 * 4,
    ),
    Case(
        op="GridSample",
        i=[(1, 3, 4, 4), (1, 8, 8, 2)],
        o=[(1, 3, 8, 8)],
        a={"mode": "nearest"},
        arithmetic=8 * 8 * 2 * 4,
    ),
    Case(
        op="RoiAlign",
        i=[(1, 3, 32, 32), (5, 4), (5,)],
        o=[(5, 3, 7, 7)],
        a={"sampling_ratio": 2},
        arithmetic=5 * 3 * 7 * 7 * (2 * 2 * (BILINEAR + 1) + 1),
    ),
    Case(  # adaptive sampling, a region as large as the image: ceil(32 / 7) = 5 samples an axis
        op="RoiAlign",
        i=[(1, 3, 32, 32), (5, 4), (5,)],
        o=[(5, 3, 7, 7)],
        a={"mode": "max"},
        arithmetic=5 * 3 * 7 * 7 * (5 * 5 * (BILINEAR + 1)),
    ),
    Case(op="MaxRoiPool", i=[(1, 3, 32, 32), (5, 5)], o=[(5, 3, 7, 7)], arithmetic=5 * 3 * 32 * 32),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_interpolation(case: Case) -> None:
    """Reading between pixels counts one weighted sum of neighbours per output."""
    case.check()


def test_unknown_mode_is_not_free() -> None:
    """A mode that nobody knows is refused, never counted as zero."""
    node = make_node("Resize", [(1, 3, 4, 4)], [(1, 3, 8, 8)], attributes={"mode": "lanczos"})
    with pytest.raises(FeasibilityError, match="'lanczos'"):
        cost_of(node)
