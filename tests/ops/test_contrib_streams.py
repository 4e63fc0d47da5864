from __future__ import annotations

import pytest

from feasibility.ir import MICROSOFT_DOMAIN, DType
from tests.ops.op_cases import Case, tensor


def case(op: str, **fields: object) -> Case:
    """Return a row of com.microsoft, whose only version is 1."""
    return Case(op=op, domain=MICROSOFT_DOMAIN, opset=1, **fields)  # type: ignore[arg-type]


X = (2, 3, 8)  # 6 rows of 8
STREAMS = (2, 3, 4, 8)  # 6 rows of 4 branches of 8

CASES = [
    case("ScaledSiLU", i=[X], o=[X], arithmetic=48 * 5, transcendentals=48),
    case("SwiGLU", i=[(2, 3, 16)], o=[X], arithmetic=48 * (4 + 1), transcendentals=48),
    case(
        "SwiGLU",
        i=[X, X],
        o=[X],
        a={"activation_alpha": 1.702, "activation_beta": 1.0, "limit": 7.0},
        arithmetic=48 * (4 + 1 + 1 + 1 + 3),
        transcendentals=48,
    ),
    case("GatedAdd", i=[X, X, (2, 3, 1)], o=[X], arithmetic=2 * 48, role="light"),
    case(  # each of 6 gates is a product of 5 numbers through a sigmoid
        "GatedAdd",
        i=[X, X, (2, 3, 5), (5, 1)],
        o=[X],
        fmas=6 * 5,
        arithmetic=2 * 48 + 3 * 6,
        transcendentals=6,
        role="heavy",
    ),
    case(  # two heads of 4 a row: 12 norms; swish and a product
        "GatedRMSNorm",
        i=[X, (4,), X],
        o=[X],
        arithmetic=48 * 4 + 3 * 12 + 48 * (4 + 1),
        transcendentals=12 + 48,
    ),
    case(
        "GatedRMSNorm",
        i=[X, (8,), X],
        o=[X],
        a={"activation": "sigmoid"},
        arithmetic=48 * 4 + 3 * 6 + 48 * (3 + 1),
        transcendentals=6 + 48,
    ),
    case(
        "BranchwiseRMSNorm", i=[STREAMS, (8,)], o=[STREAMS], arithmetic=192 * 4 + 3 * 24, transcendentals=24
    ),
    case(  # no scale: a multiply less
        "BranchwiseRMSNorm",
        i=[(2, 3, 32)],
        o=[(2, 3, 32)],
        a={"num_branches": 4},
        arithmetic=192 * 3 + 3 * 24,
        transcendentals=24,
    ),
    case(
        "CausalConvWithState",
        i=[(2, 4, 6), (4, 1, 3), (4,)],
        o=[(2, 4, 6), (2, 4, 2)],
        a={"activation": "silu"},
        fmas=2 * 4 * 6 * 3,
        arithmetic=48 * (1 + 4),
        transcendentals=48,
        op_class="depthwise",
    ),
    case(  # the bias is the fourth input here
        "VarlenCausalConvWithState",
        i=[(7, 4), (4, 1, 3), tensor(3, dtype=DType.INT32), (4,), (2, 4, 2)],
        o=[(7, 4), (2, 4, 2)],
        fmas=7 * 4 * 3,
        arithmetic=7 * 4,
    ),
    case(  # two norms, the similarity, per row 4 and a sigmoid, one product per output
        "EngramGate",
        i=[STREAMS, STREAMS, X, (4, 8), (4, 8)],
        o=[STREAMS],
        arithmetic=2 * (192 * 4 + 3 * 24) + 2 * 192 + 24 * (4 + 3) + 192,
        transcendentals=2 * 24 + 24 * 2,
    ),
    case(
        "EngramGate",
        i=[STREAMS, STREAMS, X, (4, 8), (4, 8), (4, 8)],
        o=[STREAMS, STREAMS],
        arithmetic=3 * (192 * 4 + 3 * 24) + 2 * 192 + 24 * (4 + 3) + 192,
        transcendentals=3 * 24 + 24 * 2,
    ),
    case(  # 3-grams: 3 products and 3 exclusive ors per id, a remainder and an offset per hash
        "NGramHashMapping",
        i=[tensor(2, 5, dtype=DType.INT64)],
        o=[tensor(2, 5, 8, dtype=DType.INT64)],
        a={"max_ngram_size": 3, "n_head_per_ngram": 4},
        arithmetic=2 * 3 * 10 + 2 * 80,
    ),
    case("HyperConnectionPreMix", i=[STREAMS, (2, 3, 4)], o=[X], fmas=192),
    case(
        "HyperConnectionPreMix",
        i=[(2, 3, 32), (2, 3, 4)],
        o=[X],
        a={"num_branches": 4, "reduction_scale": 0.5},
        fmas=192,
        arithmetic=48,
    ),
    case("HyperConnectionPostMix", i=[STREAMS, X, (2, 3, 4)], o=[STREAMS], arithmetic=2 * 192),
    case(
        "HyperConnectionPostMix",
        i=[STREAMS, X, (2, 3, 4), (2, 3, 4, 4)],
        o=[STREAMS],
        fmas=192 * 4,
        arithmetic=2 * 192,
    ),
    case(  # 6 rows, 4 branches of 8, rank 5, with the block before
        "HyperConnectionLowRankMix",
        i=[(2, 3, 32), (32,), (32, 5), (5, 32), (32, 4), X, (2, 3, 4)],
        o=[X, (2, 3, 4), (2, 3, 32)],
        a={"num_branches": 4},
        fmas=6 * (32 * 5 + 5 * 32 + 32 * 4) + 192,
        arithmetic=2 * 192  # the block before
        + 192 * 4
        + 3 * 24  # 24 norms
        + 3 * 192  # gates
        + 6 * 5 * 5  # scaled swish
        + 6 * 4 * (3 + 2)  # post gates
        + 48,  # scale
        transcendentals=24 + 192 + 30 + 24,
    ),
    case(  # 3 tokens, 2 heads of 64, state 128, one group: 384 channels
        "Mamba2Verify",
        i=[
            (3, 514),
            (2, 384, 3),
            (2, 2, 128, 64),
            (384, 4),
            (384,),
            (2,),
            (2,),
            (2,),
            (128,),
            tensor(1, dtype=DType.INT32),
        ],
        o=[(3, 128), (2, 384, 3), (2, 2, 128, 64)],
        a={"heads": 2, "head_dim": 64, "d_state": 128, "n_groups": 1},
        fmas=3 * (384 * 4 + 2 * 2 * 128 * 64 + 128),
        arithmetic=3 * 384 * (1 + 4)  # bias and swish of the convolution
        + 3 * 2 * 128 * 64  # decay
        + 3 * 2 * (1 + 1 + 1 + 1)  # bias, softplus, maximum, A * dt
        + 3 * 128 * (1 + 4 + 1)  # dt * x, swish of the gate, product
        + 3 * 128 * 4
        + 3 * 3,  # norm
        transcendentals=3 * 384 + 3 * 2 * (2 + 1) + 3 * 128 + 3,
    ),
]


@pytest.mark.parametrize("row", CASES, ids=str)
def test_operators_of_model_families(row: Case) -> None:
    """Gated, recurrent and n-gram layers count as the formula in their schema says."""
    row.check()
