from __future__ import annotations

import pytest

from feasibility.ir import MICROSOFT_DOMAIN, DType
from tests.ops.op_cases import Case, tensor

HIDDEN = (1, 77, 768)
IDS = tensor(1, 77, dtype=DType.INT32)
X, ROWS = 77 * 768, 77


def case(op: str, **fields: object) -> Case:
    """Return a row of com.microsoft, whose only version is 1."""
    return Case(op=op, domain=MICROSOFT_DOMAIN, opset=1, **fields)  # type: ignore[arg-type]


CASES = [
    case("QuickGelu", i=[HIDDEN], o=[HIDDEN], arithmetic=5 * X, transcendentals=X, role="light"),
    case("QuickGelu", i=[HIDDEN], o=[HIDDEN], a={"alpha": 1.0}, arithmetic=4 * X, transcendentals=X),
    case("FastGelu", i=[HIDDEN], o=[HIDDEN], arithmetic=8 * X, transcendentals=X),
    case("BiasAdd", i=[HIDDEN, (768,), HIDDEN], o=[HIDDEN], arithmetic=2 * X),
    case("BiasSoftmax", i=[HIDDEN, HIDDEN], o=[HIDDEN], arithmetic=(1 + 4) * X, transcendentals=X),
    case(  # 2 * 384 biased, half of them through Gelu, then a product
        "BiasSplitGelu",
        i=[HIDDEN, (768,)],
        o=[(1, 77, 384)],
        arithmetic=X + 77 * 384 * (4 + 1),
        transcendentals=77 * 384,
    ),
    case("BiasDropout", i=[HIDDEN, (768,)], o=[HIDDEN, HIDDEN], arithmetic=X),
    case("BiasDropout", i=[HIDDEN, (768,), HIDDEN], o=[HIDDEN], arithmetic=2 * X),
    case(  # a draw of 20, a comparison, a choice and a multiply in training
        "BitmaskBiasDropout",
        i=[HIDDEN, (768,), HIDDEN, (), tensor(dtype=DType.BOOL)],
        o=[HIDDEN, (1848,)],
        arithmetic=X * (2 + 20 + 3),
    ),
    case("BitmaskDropout", i=[HIDDEN], o=[HIDDEN], role="view"),
    case(  # three tables, then gamma and beta
        "EmbedLayerNormalization",
        i=[IDS, IDS, (30000, 768), (512, 768), (2, 768), (768,), (768,)],
        o=[HIDDEN, None],
        arithmetic=X * (2 + 5 + 2) + 4 * ROWS,
        transcendentals=ROWS,
        reads=3 * (77 * 4 + X * 4),
    ),
    case(
        "EmbedLayerNormalization",
        i=[IDS, None, (30000, 768), (512, 768), None, (768,), (768,)],
        o=[HIDDEN, None],
        arithmetic=X * (1 + 5 + 2) + 4 * ROWS,
        transcendentals=ROWS,
        reads=2 * (77 * 4 + X * 4),
    ),
    case(  # 32 groups, swish behind
        "GroupNorm",
        i=[(2, 8, 8, 320), (320,), (320,)],
        o=[(2, 8, 8, 320)],
        a={"groups": 32, "activation": 1},
        arithmetic=2 * 64 * 320 * (5 + 2 + 4) + 4 * 2 * 32,
        transcendentals=2 * 32 + 2 * 64 * 320,
    ),
    case(
        "SkipGroupNorm",
        i=[(2, 8, 8, 320), (320,), (320,), (2, 320), (320,)],
        o=[(2, 8, 8, 320), (2, 8, 8, 320)],
        a={"groups": 32, "activation": 0},
        arithmetic=2 * 64 * 320 * (2 + 5 + 2) + 4 * 2 * 32,
        transcendentals=2 * 32,
    ),
    case(
        "GemmFastGelu",
        i=[(8, 16), (16, 32), (32,)],
        o=[(8, 32)],
        fmas=8 * 16 * 32,
        arithmetic=8 * 32 * (1 + 8),
        transcendentals=8 * 32,
    ),
    case(
        "FusedMatMulActivation",
        i=[(8, 16), (16, 32)],
        o=[(8, 32)],
        a={"activation": "Relu", "alpha": 0.5},
        fmas=8 * 16 * 32,
        arithmetic=8 * 32 * (1 + 1),
    ),
    case("TransposeMatMul", i=[(16, 8), (16, 32)], o=[(8, 32)], a={"transA": 1}, fmas=8 * 16 * 32),
    case(  # channels last: C is the last axis, the weights stay [M, C/group, *K]
        "NhwcConv",
        i=[(1, 8, 8, 4), (6, 2, 3, 3), (6,)],
        o=[(1, 6, 6, 6)],
        a={"group": 2},
        fmas=6 * 6 * 6 * 2 * 9,
        arithmetic=6 * 6 * 6,
        op_class="grouped",
    ),
    case(
        "NhwcFusedConv",
        i=[(1, 8, 8, 4), (6, 4, 1, 1), None, (1, 8, 8, 6)],
        o=[(1, 8, 8, 6)],
        a={"activation": "HardSwish"},
        fmas=64 * 6 * 4,
        arithmetic=64 * 6 * (1 + 5),
        op_class="pointwise",
    ),
    case("NhwcMaxPool", i=[(1, 8, 8, 4)], o=[(1, 4, 4, 4)], a={"kernel_shape": (2, 2)}, arithmetic=64 * 4),
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
