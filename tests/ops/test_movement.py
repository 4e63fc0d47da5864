from __future__ import annotations

import pytest

from feasibility.ir import DType
from tests.ops.op_cases import Case, integers, tensor

FLOAT_BYTES, INT64_BYTES = 4, 8

VIEWS = [
    Case(op=name, i=[(2, 3)], o=[(6,)], role="view", reads=0, writes=0)
    for name in ("Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "BitCast", "Optional")
]
COPIES = [
    Case(op="Transpose", i=[(2, 3)], o=[(3, 2)], role="move"),
    Case(op="Concat", i=[(2, 3), (2, 3)], o=[(4, 3)], role="move"),
    Case(op="Split", i=[(4, 3)], o=[(2, 3), (2, 3)], role="move"),
    Case(op="Pad", i=[(2, 3)], o=[(4, 5)], role="move"),
    Case(op="Slice", i=[(100, 3)], o=[(2, 3)], role="move", reads=2 * 3 * FLOAT_BYTES),
    Case(op="CenterCropPad", i=[(2, 3), integers(4, 3)], o=[(4, 3)], reads=2 * 3 * FLOAT_BYTES),
    Case(op="Shape", i=[(2, 3)], o=[tensor(2, dtype=DType.INT64)], role="move", reads=0),
    Case(op="Size", i=[(2, 3)], o=[tensor(dtype=DType.INT64)], role="move", reads=0),
    Case(op="ConstantOfShape", i=[integers(2, 3)], o=[(2, 3)], role="move", reads=0),
    Case(op="EyeLike", i=[(3, 3)], o=[(3, 3)], role="move", reads=0),
    Case(op="Constant", i=[], o=[(3,)], role="view", reads=0, writes=0),
    Case(op="Compress", i=[(4, 3), tensor(4, dtype=DType.BOOL)], o=[(2, 3)], reads=2 * 3 * FLOAT_BYTES + 4),
]


@pytest.mark.parametrize("case", VIEWS, ids=str)
def test_a_view_moves_nothing(case: Case) -> None:
    """A new name for the same bytes costs neither arithmetic nor bytes."""
    case.check()


@pytest.mark.parametrize("case", COPIES, ids=str)
def test_a_copy_has_no_arithmetic(case: Case) -> None:
    """Moving bytes is no arithmetic, and a part is read as a part."""
    case.check()
