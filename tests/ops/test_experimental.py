from __future__ import annotations

import pytest

from tests.ops.op_cases import Case

X = (2, 3, 8, 9)
N = 2 * 3 * 8 * 9

CASES = [
    Case(op="Affine", i=[X], o=[X], opset=9, arithmetic=2 * N, role="light"),
    Case(op="Scale", i=[X], o=[X], opset=9, arithmetic=N),
    Case(op="ImageScaler", i=[X], o=[X], opset=9, arithmetic=2 * N),
    Case(op="ScaledTanh", i=[X], o=[X], opset=9, arithmetic=2 * N, transcendentals=N),
    Case(op="ParametricSoftplus", i=[X], o=[X], opset=9, arithmetic=3 * N, transcendentals=2 * N),
    # a sigmoid (3 and 1), a tanh, and 4 to mix the new state with the old
    Case(
        op="GRUUnit",
        i=[(1, 2, 4), (1, 2, 12)],
        o=[(1, 2, 4)],
        opset=9,
        arithmetic=8 * 7,
        transcendentals=8 * 2,
    ),
    Case(op="Crop", i=[X], o=[(2, 3, 4, 5)], opset=9, role="move", reads=4 * 2 * 3 * 4 * 5),
    Case(op="MemcpyFromHost", i=[X], o=[X], opset=20, role="move"),
    Case(
        op="SimplifiedLayerNormalization",
        i=[X, (9,)],
        o=[X],
        opset=16,
        arithmetic=4 * N + 3 * (N // 9),
        transcendentals=N // 9,
    ),
]


@pytest.mark.parametrize("row", CASES, ids=str)
def test_operators_without_a_schema_of_onnx(row: Case) -> None:
    """What only ONNX Runtime knows counts as its formula says."""
    row.check()
