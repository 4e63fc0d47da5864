from __future__ import annotations

import pytest

from tests.ops.op_cases import Case, integers

IN, OUT = 2 * 3 * 5, 2 * 5
KEPT = integers(1)

CASES = [
    Case(op="ReduceSum", i=[(2, 3, 5), KEPT], o=[(2, 1, 5)], arithmetic=IN, role="light"),
    Case(op="ReduceSum", i=[(2, 3, 5)], o=[(2, 5)], a={"axes": (1,), "keepdims": 0}, opset=11, arithmetic=IN),
    Case(op="ReduceMean", i=[(2, 3, 5), KEPT], o=[(2, 1, 5)], arithmetic=IN + OUT),
    Case(op="ReduceMax", i=[(2, 3, 5), KEPT], o=[(2, 1, 5)], arithmetic=IN),
    Case(op="ReduceL1", i=[(2, 3, 5), KEPT], o=[(2, 1, 5)], arithmetic=2 * IN),
    Case(op="ReduceL2", i=[(2, 3, 5), KEPT], o=[(2, 1, 5)], arithmetic=2 * IN, transcendentals=OUT),
    Case(op="ReduceLogSum", i=[(2, 3, 5), KEPT], o=[(2, 1, 5)], arithmetic=IN, transcendentals=OUT),
    Case(op="ReduceLogSumExp", i=[(2, 3, 5), KEPT], o=[(2, 1, 5)], arithmetic=IN, transcendentals=IN + OUT),
    Case(op="ReduceSumSquare", i=[(2, 3, 5), KEPT], o=[(2, 1, 5)], arithmetic=2 * IN),
    Case(op="ArgMax", i=[(2, 3, 5)], o=[(1, 3, 5)], arithmetic=IN),
    Case(op="CumSum", i=[(2, 3, 5), ()], o=[(2, 3, 5)], arithmetic=IN),
    Case(op="ReduceSum", i=[(2, 3, 5)], o=[(1, 1, 1)], arithmetic=IN),
    Case(op="ReduceSum", i=[(2, 3, 5)], o=[(2, 3, 5)], a={"noop_with_empty_axes": 1}, arithmetic=0),
    Case(
        op="ReduceSumSquare",
        i=[(2, 3, 5), integers()],
        o=[(2, 3, 5)],
        a={"noop_with_empty_axes": 1},
        arithmetic=IN,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reductions(case: Case) -> None:
    """A reduction counts one operation per element, and its finish per result."""
    case.check()
