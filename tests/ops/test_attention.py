from __future__ import annotations

import pytest

from feasibility.ir import DType
from tests.ops.op_cases import Case, integers, tensor

FLOAT_BYTES, INT64_BYTES = 4, 8
SOFTMAX, SCALE = 4, 1

CASES = [
    Case(  # B 2, H 3, L 4, S 6, E 8, F 10
        op="Attention",
        i=[(2, 3, 4, 8), (2, 3, 6, 8), (2, 3, 6, 10)],
        o=[(2, 3, 4, 10)],
        fmas=2 * 3 * 4 * 6 * (8 + 10),
        arithmetic=2 * 3 * 4 * 6 * (SCALE + SOFTMAX),
        transcendentals=2 * 3 * 4 * 6,
        role="heavy",
        op_class="matmul",
    ),
    Case(  # packed, grouped: 4 query heads share 2 key heads; 5 past keys
        op="Attention",
        i=[(2, 3, 4 * 8), (2, 3, 2 * 8), (2, 3, 2 * 8), (3, 8), (2, 2, 5, 8), (2, 2, 5, 8)],
        o=[(2, 3, 4 * 8), (2, 2, 8, 8), (2, 2, 8, 8)],
        a={"q_num_heads": 4, "kv_num_heads": 2, "is_causal": 1, "softcap": 30.0},
        fmas=2 * 4 * 3 * (5 + 3) * (8 + 8),
        arithmetic=2 * 4 * 3 * (5 + 3) * (SCALE + SOFTMAX + 2 + 2),
        transcendentals=2 * 4 * 3 * (5 + 3) * (1 + 1),
    ),
    Case(  # a window on both sides and a mask; a window saves no work
        op="Attention",
        i=[(2, 3, 4, 8), (2, 3, 6, 8), (2, 3, 6, 10), (4, 6)],
        o=[(2, 3, 4, 10)],
        a={"left_window_size": 1, "right_window_size": 1},
        fmas=2 * 3 * 4 * 6 * (8 + 10),
        arithmetic=2 * 3 * 4 * 6 * (SCALE + 1 + SOFTMAX),
        transcendentals=2 * 3 * 4 * 6,
    ),
    Case(  # of a cache of 6 keys the longest sequence fills 5
        op="Attention",
        opset=24,
        i=[(2, 3, 1, 8), (2, 3, 6, 8), (2, 3, 6, 8), None, None, None, integers(5, 3)],
        o=[(2, 3, 1, 8)],
        fmas=2 * 3 * 1 * 5 * (8 + 8),
        arithmetic=2 * 3 * 1 * 5 * (SCALE + SOFTMAX),
        transcendentals=2 * 3 * 1 * 5,
    ),
    Case(  # which the data alone knows: all 6
        op="Attention",
        opset=24,
        i=[(2, 3, 1, 8), (2, 3, 6, 8), (2, 3, 6, 8), None, None, None, tensor(2, dtype=DType.INT64)],
        o=[(2, 3, 1, 8)],
        fmas=2 * 3 * 1 * 6 * (8 + 8),
        arithmetic=2 * 3 * 1 * 6 * (SCALE + SOFTMAX),
        transcendentals=2 * 3 * 1 * 6,
    ),
    Case(  # B 1, T 5, H 4, G 2, E 3, F 7
        op="LinearAttention",
        i=[(1, 5, 4 * 3), (1, 5, 2 * 3), (1, 5, 2 * 7)],
        o=[(1, 5, 4 * 7), (1, 2, 3, 7)],
        a={"q_num_heads": 4, "kv_num_heads": 2, "update_rule": "linear"},
        fmas=5 * (2 * 3 * 7 + 4 * 3 * 7),
        arithmetic=5 * 4 * 7,
    ),
    Case(
        op="LinearAttention",
        i=[(1, 5, 4 * 3), (1, 5, 2 * 3), (1, 5, 2 * 7), (1, 2, 3, 7), (1, 5, 2), (1, 5, 2)],
        o=[(1, 5, 4 * 7), (1, 2, 3, 7)],
        a={"q_num_heads": 4, "kv_num_heads": 2},  # gated_delta
        fmas=5 * (2 * 2 * 3 * 7 + 4 * 3 * 7),
        arithmetic=5 * (2 * 3 * 7 + 2 * 2 * 7 + 4 * 7),
        transcendentals=5 * 2,
    ),
    Case(
        op="CausalConvWithState",
        i=[(2, 6, 10), (6, 1, 4), (6,), (2, 6, 3)],
        o=[(2, 6, 10), (2, 6, 3)],
        a={"activation": "silu"},
        fmas=2 * 6 * 10 * 4,
        arithmetic=2 * 6 * 10 * (1 + 4),
        transcendentals=2 * 6 * 10,
        op_class="depthwise",
    ),
    Case(  # 16 features a head, all rotate: 8 pairs of 6 operations
        op="RotaryEmbedding",
        i=[(2, 3, 5, 16), (2, 5, 8), (2, 5, 8)],
        o=[(2, 3, 5, 16)],
        arithmetic=2 * 3 * 5 * 8 * 6,
        role="light",
    ),
    Case(  # packed, 4 of 16 features rotate; rows of a table of 4096 positions
        op="RotaryEmbedding",
        i=[(2, 5, 3 * 16), (4096, 2), (4096, 2), tensor(2, 5, dtype=DType.INT64)],
        o=[(2, 5, 3 * 16)],
        a={"num_heads": 3, "rotary_embedding_dim": 4},
        arithmetic=2 * 5 * 3 * 2 * 6,
        reads=2 * 5 * 3 * 16 * FLOAT_BYTES + 2 * 5 * INT64_BYTES + 2 * (2 * 5 * 2 * FLOAT_BYTES),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_attention_counts(case: Case) -> None:
    """Attention counts both of its products over every query head and every key."""
    case.check()
