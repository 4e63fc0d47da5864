from __future__ import annotations

import pytest

from feasibility.ir import DType
from tests.ops.op_cases import Case, tensor

LABELS = tensor(4, dtype=DType.INT64)
N, C = 4, 10

CASES = [
    Case(
        op="NegativeLogLikelihoodLoss",
        i=[(N, C), LABELS],
        o=[()],
        arithmetic=N * (1 + 1) + 1,
        reads=N * 4 + N * 8,
    ),
    Case(op="NegativeLogLikelihoodLoss", i=[(N, C), LABELS], o=[(N,)], a={"reduction": "none"}, arithmetic=N),
    Case(
        op="NegativeLogLikelihoodLoss",
        i=[(N, C), LABELS, (C,)],
        o=[()],
        arithmetic=N * (1 + 1 + 1 + 1) + 1,
    ),
    Case(
        op="NegativeLogLikelihoodLoss",
        i=[(N, C), LABELS, (C,)],
        o=[()],
        a={"reduction": "sum"},
        arithmetic=N * (1 + 1 + 1),
    ),
    Case(
        op="SoftmaxCrossEntropyLoss",
        i=[(N, C), LABELS],
        o=[()],
        a={"reduction": "sum"},
        arithmetic=4 * N * C + N * (1 + 1),
        transcendentals=N * C + N,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_losses(case: Case) -> None:
    """A loss counts its softmax per score and its choice per label."""
    case.check()
