from __future__ import annotations

import pytest

from feasibility.ir import MICROSOFT_DOMAIN
from tests.ops.op_cases import Case

HIDDEN = (1, 77, 768)
X, ROWS = 77 * 768, 77


def case(op: str, **fields: object) -> Case:
    """Return a row of com.microsoft, whose only version is 1."""
    return Case(op=op, domain=MICROSOFT_DOMAIN, opset=1, **fields)  # type: ignore[arg-type]


CASES = [
    case("QuickGelu", i=[HIDDEN], o=[HIDDEN], arithmetic=5 * X, transcendentals=X, role="light"),
    case("Gelu", i=[HIDDEN], o=[HIDDEN], arithmetic=4 * X, transcendentals=X),
    case("BiasGelu", i=[HIDDEN, (768,)], o=[HIDDEN], arithmetic=5 * X, transcendentals=X),
    case("FastGelu", i=[HIDDEN, (768,)], o=[HIDDEN], arithmetic=9 * X, transcendentals=X),
    case(  # residual, then gamma and beta
        "SkipLayerNormalization",
        i=[HIDDEN, HIDDEN, (768,), (768,)],
        o=[HIDDEN, None, None, HIDDEN],
        arithmetic=X * (1 + 5 + 2) + 4 * ROWS,
        transcendentals=ROWS,
    ),
    case(  # gamma only, and a bias before the sum
        "SkipLayerNormalization",
        i=[HIDDEN, HIDDEN, (768,), None, (768,)],
        o=[HIDDEN],
        arithmetic=X * (2 + 5 + 1) + 4 * ROWS,
        transcendentals=ROWS,
    ),
    case(
        "SkipSimplifiedLayerNormalization",
        i=[HIDDEN, HIDDEN, (768,)],
        o=[HIDDEN],
        arithmetic=X * (1 + 4) + 3 * ROWS,
        transcendentals=ROWS,
    ),
    case(
        "FusedMatMul",
        i=[(2, 16, 8), (2, 16, 32)],
        o=[(2, 8, 32)],
        a={"transA": 1, "alpha": 0.125},
        fmas=2 * 8 * 16 * 32,
        arithmetic=2 * 8 * 32,
    ),
    case(  # K first, then the batch
        "FusedMatMul",
        i=[(16, 2, 8), (2, 16, 32)],
        o=[(2, 8, 32)],
        a={"transA": 1, "transBatchA": 1},
        fmas=2 * 8 * 16 * 32,
    ),
    case(
        "FusedGemm",
        i=[(8, 16), (16, 32), (32,)],
        o=[(8, 32)],
        a={"activation": "Sigmoid"},
        fmas=8 * 16 * 32,
        arithmetic=8 * 32 * (1 + 3),
        transcendentals=8 * 32,
    ),
    case(
        "FusedConv",
        i=[(1, 3, 8, 8), (4, 3, 3, 3), (4,), (1, 4, 6, 6)],
        o=[(1, 4, 6, 6)],
        a={"activation": "Relu"},
        fmas=4 * 6 * 6 * 3 * 3 * 3,
        arithmetic=4 * 6 * 6 * (1 + 1 + 1),
        op_class="dense",
    ),
]


@pytest.mark.parametrize("row", CASES, ids=str)
def test_fused_operators(row: Case) -> None:
    """A fused operator counts what its parts would count."""
    row.check()
