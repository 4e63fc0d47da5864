from __future__ import annotations

import pytest

from feasibility.ir import DType, TensorSpec
from tests.ops.op_cases import Case, tensor

DRAW = 10 * (2 + 4 + 2) // 4  # ten rounds make four numbers


def flag(*value: bool) -> TensorSpec:
    """Return training_mode, constant where a value is given."""
    return tensor(dtype=DType.BOOL, value=value or None)


CASES = [
    Case(op="RandomUniform", i=[], o=[(2, 3)], arithmetic=6 * (DRAW + 2)),
    Case(op="RandomNormal", i=[], o=[(2, 3)], arithmetic=6 * (DRAW + 4), transcendentals=6 * 2),
    Case(op="RandomUniformLike", i=[(2, 3)], o=[(2, 3)], arithmetic=6 * (DRAW + 2), reads=0),
    Case(
        op="RandomNormalLike", i=[(2, 3)], o=[(2, 3)], arithmetic=6 * (DRAW + 4), transcendentals=12, reads=0
    ),
    Case(op="Bernoulli", i=[(2, 3)], o=[(2, 3)], arithmetic=6 * (DRAW + 1)),
    Case(
        op="Multinomial",
        i=[(2, 1000)],
        o=[(2, 5)],
        arithmetic=2 * 1000 + 2 * 5 * (DRAW + 1 + 10),
        transcendentals=2 * 1000,
    ),
    Case(op="Dropout", i=[(2, 3)], o=[(2, 3)], role="view", reads=0, writes=0),
    Case(op="Dropout", i=[(2, 3), (), flag(False)], o=[(2, 3)], role="view"),
    Case(op="Dropout", i=[(2, 3)], o=[(2, 3), tensor(2, 3, dtype=DType.BOOL)], role="light"),
    Case(op="Dropout", i=[(2, 3), (), flag(True)], o=[(2, 3)], arithmetic=6 * (DRAW + 3)),
    Case(op="Dropout", i=[(2, 3), (), flag()], o=[(2, 3)], arithmetic=6 * (DRAW + 3)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_random_numbers(case: Case) -> None:
    """A random number counts one draw of the documented generator; dropout is free at inference."""
    case.check()
