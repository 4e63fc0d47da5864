from __future__ import annotations

import pytest

from feasibility.errors import FeasibilityError
from feasibility.ir import Attribute
from tests.ops.op_cases import Case, cost_of, make_node

IMAGE, POOLED = (1, 8, 6, 6), (1, 8, 3, 3)
OUT = 8 * 3 * 3
K: dict[str, Attribute] = {"kernel_shape": (2, 2)}

CASES = [
    Case(op="MaxPool", i=[IMAGE], o=[POOLED], a=K, arithmetic=OUT * 2 * 2, role="light"),
    Case(op="AveragePool", i=[IMAGE], o=[POOLED], a=K, arithmetic=OUT * (2 * 2 + 1)),
    Case(op="LpPool", i=[IMAGE], o=[POOLED], a=K, arithmetic=OUT * 2 * 2 * 2, transcendentals=OUT),
    Case(op="LpPool", i=[IMAGE], o=[POOLED], a={**K, "p": 1}, arithmetic=OUT * 2 * 2 * 2),
    Case(
        op="LpPool",
        i=[IMAGE],
        o=[POOLED],
        a={**K, "p": 3.0},
        opset=1,
        arithmetic=OUT * 2 * 2,
        transcendentals=OUT * 2 * 2 + OUT,
    ),
    Case(op="GlobalMaxPool", i=[IMAGE], o=[(1, 8, 1, 1)], arithmetic=8 * 6 * 6),
    Case(op="GlobalAveragePool", i=[IMAGE], o=[(1, 8, 1, 1)], arithmetic=8 * 6 * 6 + 8),
    Case(op="GlobalLpPool", i=[IMAGE], o=[(1, 8, 1, 1)], arithmetic=2 * 8 * 6 * 6, transcendentals=8),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pooling_counts(case: Case) -> None:
    """Pooling counts one operation per element that a window meets."""
    case.check()


def test_negative_kernel_is_refused() -> None:
    """A hostile kernel size is one sentence, not a negative count."""
    node = make_node("MaxPool", [IMAGE], [POOLED], attributes={"kernel_shape": (-2, 2)})
    with pytest.raises(FeasibilityError, match="'kernel_shape' is out of range"):
        cost_of(node)
