from __future__ import annotations

import pytest

from feasibility.ir import DType
from tests.ops.op_cases import Case, contrib, tensor

FLOAT_BYTES, INT64_BYTES = 4, 8
PAIR = 6  # four multiplies and two additions
SIGMOID = 3  # and an exp
IDS = tensor(2, 5, dtype=DType.INT64)

CASES = [
    contrib(  # B 2, T 5, 4 heads that come out, 2 key heads; E 3, F 7: as in ai.onnx
        "LinearAttention",
        i=[(2, 5, 4 * 3), (2, 5, 2 * 3), (2, 5, 2 * 7), None, (2, 5, 2 * 3), (2, 5, 2)],
        o=[(2, 5, 4 * 7), (2, 2, 3, 7)],
        a={"q_num_heads": 4, "kv_num_heads": 2},
        fmas=2 * 5 * (2 * 2 * 3 * 7 + 4 * 3 * 7),
        arithmetic=2 * 5 * (2 * 3 * 7 + 2 * 2 * 7 + 4 * 7),
        transcendentals=2 * 5 * 2 * 3,
    ),
    contrib(  # fewer query heads than key heads: one output per key head
        "LinearAttention",
        i=[(2, 5, 2 * 3), (2, 5, 4 * 3), (2, 5, 4 * 7)],
        o=[(2, 5, 4 * 7), (2, 4, 3, 7)],
        a={"q_num_heads": 2, "kv_num_heads": 4, "update_rule": "linear"},
        fmas=2 * 5 * (4 * 3 * 7 + 4 * 3 * 7),
        arithmetic=2 * 5 * 4 * 7,
    ),
    contrib(
        "LinearAttentionGate",
        i=[(2, 5, 4), (4,), (4,), (2, 5, 4)],
        o=[(2, 5, 4), (2, 5, 4)],
        arithmetic=2 * 5 * 4 * (3 + SIGMOID),
        transcendentals=2 * 5 * 4 * (2 + 1),
        role="light",
    ),
    contrib(
        "LinearAttentionGate",
        i=[(2, 5, 4), (4,), (4,)],
        o=[(2, 5, 4)],
        arithmetic=2 * 5 * 4 * 3,
        transcendentals=2 * 5 * 4 * 2,
    ),
    contrib(  # T 6, N 2 query heads, K 4 value heads, E 4, F 3: retrieve, update, read; a decay per feature
        "GatedDeltaNet",
        i=[(6, 2, 4), (6, 2, 4), (6, 4, 3), None, (6, 4, 4), (6, 4)],
        o=[(6, 4, 3), (1, 4, 3, 4)],
        fmas=6 * 4 * (4 * 3) * 3,
        arithmetic=6 * (4 * 3 * 4 + 2 * 4 * 3 + 4 * 3),
        transcendentals=6 * 4 * 4,
        role="heavy",
    ),
    contrib(  # the same in one row
        "GatedDeltaNet",
        i=[(6, 2 * 2 * 4 + 4 * 3), None, None, None, (6, 4), (6, 4), (1, 4, 3, 4)],
        o=[(6, 4, 3), (1, 4, 3, 4)],
        fmas=6 * 4 * (4 * 3) * 3,
        arithmetic=6 * (4 * 3 * 4 + 2 * 4 * 3 + 4 * 3),
        transcendentals=6 * 4,
    ),
    contrib(  # neither gate nor delta: update and read
        "GatedDeltaNet",
        i=[(6, 2, 4), (6, 2, 4), (6, 4, 3)],
        o=[(6, 4, 3), (1, 4, 3, 4)],
        a={"update_rule": "linear"},
        fmas=6 * 4 * (4 * 3) * 2,
        arithmetic=6 * 4 * 3,
    ),
    contrib(  # 3 heads of 16, all 8 pairs turn; a row of both tables a token
        "RotaryEmbedding",
        i=[(2, 5, 3 * 16), IDS, (4096, 8), (4096, 8)],
        o=[(2, 5, 3 * 16)],
        arithmetic=2 * 5 * 3 * 8 * PAIR,
        reads=2 * 5 * 3 * 16 * FLOAT_BYTES + 2 * 5 * INT64_BYTES + 2 * (2 * 5 * 8 * FLOAT_BYTES),
        role="light",
    ),
    contrib(  # 4 of 16 features turn; one base position
        "RotaryEmbedding",
        i=[(2, 3, 5, 16), tensor(1, dtype=DType.INT64), (4096, 2), (4096, 2)],
        o=[(2, 3, 5, 16)],
        arithmetic=2 * 5 * 3 * 2 * PAIR,
        reads=2 * 5 * 3 * 16 * FLOAT_BYTES + INT64_BYTES + 2 * (2 * 5 * 2 * FLOAT_BYTES),
    ),
    contrib(  # 4 of 16 features turn, tables for all of them
        "RotaryEmbedding",
        i=[(2, 5, 3 * 16), IDS, (4096, 8), (4096, 8)],
        o=[(2, 5, 3 * 16)],
        a={"num_heads": 3, "rotary_embedding_dim": 4},
        arithmetic=2 * 5 * 3 * 2 * PAIR,
    ),
    contrib(
        "MRotaryEmbedding",
        i=[(2, 5, 3 * 16), tensor(3, 2, 5, dtype=DType.INT64), (4096, 8), (4096, 8)],
        o=[(2, 5, 3 * 16)],
        a={"num_heads": 3, "mrope_section": (4, 2, 2)},
        arithmetic=2 * 5 * 3 * 8 * PAIR,
        reads=2 * 5 * 3 * 16 * FLOAT_BYTES + 3 * 2 * 5 * INT64_BYTES + 2 * (2 * 5 * 8 * FLOAT_BYTES),
    ),
    contrib(
        "GemmaRotaryEmbedding",
        i=[(2, 5, 8), *[(2, 4, 5, 8)] * 4],
        o=[(2, 4, 5, 8), (2, 4, 5, 8)],
        arithmetic=2 * (2 * 4 * 5 * 8) * 3,
        transcendentals=2 * 5 * 8 * 2,
    ),
    contrib(  # 4 heads of 8: normalise (4 an element, 3 a row), then turn 3 pairs
        "RMSNormRotary",
        i=[(2, 5, 4, 8), (8,), IDS, (20, 3), (20, 3)],
        o=[(2, 5, 32)],
        a={"rotary_embedding_dim": 6},
        arithmetic=2 * 5 * 4 * (8 * 4 + 3 + 3 * PAIR),
        transcendentals=2 * 5 * 4,
    ),
    contrib(
        "RelativePositionBias",
        i=[(32, 4), tensor(1, dtype=DType.INT64), tensor(1, dtype=DType.INT64)],
        o=[(1, 4, 6, 9)],
        a={"max_distance": 128},
        arithmetic=6 * 9 * 6,
        transcendentals=6 * 9,
    ),
    contrib(  # B 2, S 6, 2 heads of 4, 8 gates
        "GatedRelativePositionBias",
        i=[(2, 6, 8), (8,), (1, 2, 6, 6), (4, 8), (8,), (1, 2, 1, 1)],
        o=[(2, 2, 6, 6)],
        a={"num_heads": 2},
        fmas=2 * 6 * 2 * 4 * 8,
        arithmetic=2 * 6 * 8 + 2 * 2 * 6 * (2 * 8 + 2 * SIGMOID + 4) + 2 * 2 * 6 * 6,
        transcendentals=2 * 2 * 6 * 2,
        role="heavy",
    ),
    contrib(  # 5 of 8 tokens stay
        "RemovePadding",
        i=[(2, 4, 8), tensor(2, dtype=DType.INT32)],
        o=[
            (5, 8),
            tensor(2, 4, dtype=DType.INT32),
            tensor(3, dtype=DType.INT32),
            tensor(1, dtype=DType.INT32),
        ],
        role="move",
        reads=5 * 8 * FLOAT_BYTES,
    ),
    contrib(
        "RestorePadding",
        i=[(5, 8), tensor(2, 4, dtype=DType.INT32)],
        o=[(2, 4, 8)],
        role="move",
        reads=5 * 8 * FLOAT_BYTES,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_stands_around_attention(case: Case) -> None:
    """Rotations, gates, recurrent states and padding count what a hand counts."""
    case.check()
