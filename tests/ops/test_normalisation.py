from __future__ import annotations

import pytest

from tests.ops.op_cases import Case

X = 2 * 3 * 4 * 4  # elements of [2, 3, 4, 4]
SHAPE = (2, 3, 4, 4)

CASES = [
    Case(
        op="BatchNormalization",
        i=[SHAPE, (3,), (3,), (3,), (3,)],
        o=[SHAPE],
        arithmetic=2 * X + 4 * 3,
        transcendentals=3,
        role="light",
    ),
    Case(
        op="BatchNormalization",
        i=[SHAPE, (3,), (3,), (3,), (3,)],
        o=[SHAPE, (3,), (3,)],
        a={"training_mode": 1},
        arithmetic=(2 + 4) * X + 4 * 3,
        transcendentals=3,
    ),
    Case(
        op="LayerNormalization",
        i=[(2, 77, 768), (768,), (768,)],
        o=[(2, 77, 768)],
        arithmetic=2 * 77 * 768 * (5 + 1 + 1) + 2 * 77 * 4,
        transcendentals=2 * 77,
    ),
    Case(
        op="LayerNormalization",
        i=[(2, 77, 768), (77, 768)],
        o=[(2, 77, 768)],
        a={"axis": 1},
        arithmetic=2 * 77 * 768 * (5 + 1) + 2 * 4,
        transcendentals=2,
    ),
    Case(
        op="RMSNormalization",
        i=[(2, 77, 768), (768,)],
        o=[(2, 77, 768)],
        arithmetic=2 * 77 * 768 * 4 + 2 * 77 * 3,
        transcendentals=2 * 77,
    ),
    Case(
        op="InstanceNormalization",
        i=[SHAPE, (3,), (3,)],
        o=[SHAPE],
        arithmetic=X * (5 + 2) + 2 * 3 * 4,
        transcendentals=2 * 3,
    ),
    Case(
        op="GroupNormalization",
        i=[(2, 6, 4), (6,), (6,)],
        o=[(2, 6, 4)],
        a={"num_groups": 3},
        arithmetic=2 * 6 * 4 * (5 + 2) + 2 * 3 * 4,
        transcendentals=2 * 3,
    ),
    Case(op="MeanVarianceNormalization", i=[SHAPE], o=[SHAPE], arithmetic=X * 5 + 3 * 4, transcendentals=3),
    Case(op="LpNormalization", i=[(2, 5)], o=[(2, 5)], arithmetic=3 * 2 * 5, transcendentals=2),
    Case(op="LpNormalization", i=[(2, 5)], o=[(2, 5)], a={"p": 1}, arithmetic=3 * 2 * 5),
    Case(op="LRN", i=[SHAPE], o=[SHAPE], a={"size": 5}, arithmetic=X * (5 + 4), transcendentals=X),
    Case(op="Softmax", i=[(2, 5)], o=[(2, 5)], arithmetic=4 * 2 * 5, transcendentals=2 * 5),
    Case(op="LogSoftmax", i=[(2, 3, 5)], o=[(2, 3, 5)], arithmetic=4 * 30, transcendentals=30 + 2 * 3),
    Case(  # before opset 13 everything from axis 1 on is one row
        op="LogSoftmax", i=[(2, 3, 5)], o=[(2, 3, 5)], opset=11, arithmetic=4 * 30, transcendentals=30 + 2
    ),
    Case(op="Hardmax", i=[(2, 5)], o=[(2, 5)], arithmetic=2 * 2 * 5),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_normalisations(case: Case) -> None:
    """A normalisation counts its work per element and per row."""
    case.check()
