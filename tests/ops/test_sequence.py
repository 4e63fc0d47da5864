from __future__ import annotations

import pytest

from feasibility.ir import DType
from tests.ops.op_cases import Case, tensor, unknown

LIST = unknown(DType.UNDEFINED)
POSITION = tensor(dtype=DType.INT64)
SIX_FLOATS = 6 * 4

CASES = [
    Case(op="SequenceEmpty", i=[], o=[LIST], reads=0, writes=0),
    Case(op="SequenceErase", i=[LIST, POSITION], o=[LIST], reads=0, writes=0),
    Case(op="SequenceLength", i=[LIST], o=[POSITION], reads=0, writes=8),
    Case(op="SequenceConstruct", i=[(2, 3), (6,)], o=[LIST], reads=2 * SIX_FLOATS, writes=2 * SIX_FLOATS),
    Case(op="SequenceInsert", i=[LIST, (2, 3)], o=[LIST], reads=SIX_FLOATS, writes=SIX_FLOATS),
    Case(op="SequenceAt", i=[LIST, POSITION], o=[(2, 3)], reads=SIX_FLOATS, writes=SIX_FLOATS),
    Case(op="ConcatFromSequence", i=[LIST], o=[(2, 3)], reads=SIX_FLOATS, writes=SIX_FLOATS),
    Case(op="SplitToSequence", i=[(2, 3)], o=[LIST], reads=SIX_FLOATS, writes=SIX_FLOATS),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_sequences(case: Case) -> None:
    """What goes into or comes out of a sequence is copied once; the rest stays."""
    case.check()
