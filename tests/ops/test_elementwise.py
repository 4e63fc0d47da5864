from __future__ import annotations

import pytest

from feasibility.ir import DType
from tests.ops.op_cases import Case, tensor

N = 2 * 3  # elements of the output

CASES = [
    Case(op="Add", i=[(2, 3), (3,)], o=[(2, 3)], arithmetic=N, role="light"),
    Case(op="Add", i=[(2, 1), (3,)], o=[(2, 3)], arithmetic=N, opset=6),
    Case(op="Relu", i=[(2, 3)], o=[(2, 3)], arithmetic=N),
    Case(op="Cast", i=[tensor(2, 3, dtype=DType.INT8)], o=[(2, 3)], role="light"),
    Case(op="Exp", i=[(2, 3)], o=[(2, 3)], transcendentals=N),
    Case(op="Pow", i=[(2, 3), ()], o=[(2, 3)], transcendentals=N),
    Case(op="Sigmoid", i=[(2, 3)], o=[(2, 3)], arithmetic=3 * N, transcendentals=N),
    Case(op="HardSwish", i=[(2, 3)], o=[(2, 3)], arithmetic=5 * N),
    Case(op="Mish", i=[(2, 3)], o=[(2, 3)], arithmetic=2 * N, transcendentals=3 * N),
    Case(op="Softplus", i=[(2, 3)], o=[(2, 3)], arithmetic=N, transcendentals=2 * N),
    Case(op="Range", i=[(), (), ()], o=[(5,)], arithmetic=2 * 5),
    Case(op="Where", i=[tensor(2, 3, dtype=DType.BOOL), (2, 3), ()], o=[(2, 3)], arithmetic=N),
    Case(op="Max", i=[(2, 3), (2, 3), (3,)], o=[(2, 3)], arithmetic=(3 - 1) * N),
    Case(op="Sum", i=[(2, 3)], o=[(2, 3)], arithmetic=0),
    Case(op="Mean", i=[(2, 3), (2, 3), (3,)], o=[(2, 3)], arithmetic=3 * N),
    Case(op="Clip", i=[(2, 3), (), ()], o=[(2, 3)], arithmetic=2 * N),
    Case(op="Clip", i=[(2, 3), None, ()], o=[(2, 3)], arithmetic=N),
    Case(op="Clip", i=[(2, 3)], o=[(2, 3)], a={"min": 0.0, "max": 6.0}, opset=6, arithmetic=2 * N),
    Case(op="Gelu", i=[(2, 3)], o=[(2, 3)], arithmetic=4 * N, transcendentals=N),
    Case(op="Gelu", i=[(2, 3)], o=[(2, 3)], a={"approximate": "tanh"}, arithmetic=8 * N, transcendentals=N),
    Case(op="Swish", i=[(2, 3)], o=[(2, 3)], arithmetic=4 * N, transcendentals=N),
    Case(op="Swish", i=[(2, 3)], o=[(2, 3)], a={"alpha": 1.702}, arithmetic=5 * N, transcendentals=N),
    Case(op="SwiGLU", i=[(2, 3), (2, 3)], o=[(2, 3)], arithmetic=5 * N, transcendentals=N),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_work_per_output_element(case: Case) -> None:
    """An elementwise operator does its table's work for each output element."""
    case.check()
