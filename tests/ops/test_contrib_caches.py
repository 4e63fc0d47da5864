from __future__ import annotations

import pytest

from feasibility.errors import FeasibilityError
from feasibility.ir import DType, TensorSpec
from tests.ops.op_cases import Case, contrib, cost_of, make_node, tensor

SCALE, CAUSAL, SOFTMAX, PAIR = 1, 1, 4, 6
RMS, RMS_ROW = 4, 3  # arithmetic of RMSNormalization per element and per row
GROUPED = {"num_heads": 4, "kv_num_heads": 2}


def int32(*shape: int, value: tuple[int, ...] | None = None) -> TensorSpec:
    """Return a tensor of int32, constant where it has a value."""
    return tensor(*shape, dtype=DType.INT32, value=value, constant=value is not None)


# B 2, S 3, 4 query heads of 8 over 2 key heads
QUERY, KEY = (2, 3, 32), (2, 3, 16)
LENGTHS = [int32(2), int32(1)]
PAGES = [(6, 16, 2, 8), (6, 16, 2, 8)]

CASES = [
    contrib(  # no past, causal by default
        "GroupQueryAttention",
        i=[QUERY, KEY, KEY, None, None, *LENGTHS],
        o=[QUERY],
        a=GROUPED,
        fmas=2 * 4 * 3 * 3 * (8 + 8),
        arithmetic=2 * 4 * 3 * 3 * (SCALE + CAUSAL + SOFTMAX),
        transcendentals=2 * 4 * 3 * 3,
        role="heavy",
        op_class="matmul",
    ),
    contrib(  # both directions, capped, biased; 3 of 4 pairs of each head turn
        "GroupQueryAttention",
        i=[QUERY, KEY, KEY, (2, 2, 5, 8), (2, 2, 5, 8), *LENGTHS, (20, 3), (20, 3), None, (1, 1, 3, 8)],
        o=[QUERY],
        a=GROUPED | {"causal": 0, "softcap": 30.0, "do_rotary": 1},
        fmas=2 * 4 * 3 * (5 + 3) * (8 + 8),
        arithmetic=2 * 4 * 3 * (5 + 3) * (SCALE + 1 + 2 + SOFTMAX) + 2 * 3 * (4 + 2) * 3 * PAIR,
        transcendentals=2 * 4 * 3 * (5 + 3) * 2,
    ),
    contrib(  # 6 heads over 3 in one row; heads of queries and keys are normalised
        "GroupQueryAttention",
        i=[(2, 5, (6 + 2 * 3) * 16), *[None] * 4, *LENGTHS, *[None] * 7, (16,), (16,)],
        o=[(2, 5, 6 * 16)],
        a={"num_heads": 6, "kv_num_heads": 3},
        fmas=2 * 6 * 5 * 5 * (16 + 16),
        arithmetic=2 * 6 * 5 * 5 * (SCALE + CAUSAL + SOFTMAX) + 2 * 5 * (6 + 3) * (16 * RMS + RMS_ROW),
        transcendentals=2 * 6 * 5 * 5,
    ),
    contrib(  # a window of 6 entries that moves on
        "GroupQueryAttention",
        i=[(2, 1, 32), (2, 1, 16), (2, 1, 16), *[(2, 2, 6, 8)] * 2, int32(2), int32(1, value=(900,))],
        o=[(2, 1, 32)],
        a=GROUPED | {"sliding_window_cache": 1, "local_window_size": 5},
        fmas=2 * 4 * 6 * (8 + 8),
        arithmetic=2 * 4 * 6 * (SCALE + CAUSAL + SOFTMAX),
        transcendentals=2 * 4 * 6,
    ),
    contrib(  # a buffer of 32, filled no one knows how far; in one row
        "SparseAttention",
        i=[(2, 1, 64), None, None, *[(2, 2, 32, 8)] * 2, int32(1, 3), int32(1, 3), int32(1), int32(2)],
        o=[(2, 1, 32)],
        a=GROUPED | {"sparse_block_size": 16, "do_rotary": 1},
        fmas=2 * 4 * 32 * (8 + 8),
        arithmetic=2 * 4 * 32 * (SCALE + 1 + SOFTMAX) + 2 * (4 + 2) * 4 * PAIR,
        transcendentals=2 * 4 * 32,
    ),
    contrib(  # two sequences: 1 new token against 9, and 4 against 2
        "PagedAttention",
        i=[(5, 32), (5, 16), (5, 16), *PAGES, int32(3, value=(0, 1, 5)), int32(2, value=(9, 2)), int32(2, 3)],
        o=[(5, 32)],
        a=GROUPED,
        fmas=(1 * (9 + 1) + 4 * (2 + 4)) * 4 * (8 + 8),
        arithmetic=(1 * (9 + 1) + 4 * (2 + 4)) * 4 * (SCALE + CAUSAL + SOFTMAX),
        transcendentals=(1 * (9 + 1) + 4 * (2 + 4)) * 4,
    ),
    contrib(  # as many keys as 3 blocks of 16 hold
        "PagedAttention",
        i=[(5, 64), None, None, *PAGES, int32(3), int32(2), int32(2, 3)],
        o=[(5, 32)],
        a=GROUPED | {"is_causal": 0},
        fmas=5 * 3 * 16 * 4 * (8 + 8),
        arithmetic=5 * 3 * 16 * 4 * (SCALE + SOFTMAX),
        transcendentals=5 * 3 * 16 * 4,
    ),
    contrib(  # latent: keys of 12 features, of which the first 8 are the value
        "PagedAttention",
        i=[(5, 4 * 12), (5, 12), None, (6, 16, 1, 12), None, int32(3), int32(2), int32(2, 3)],
        o=[(5, 4 * 8)],
        a={"num_heads": 4, "kv_num_heads": 1, "kv_cache_layout": "LATENT", "v_head_size": 8},
        fmas=5 * 3 * 16 * 4 * (12 + 8),
        arithmetic=5 * 3 * 16 * 4 * (SCALE + CAUSAL + SOFTMAX),
        transcendentals=5 * 3 * 16 * 4,
    ),
    contrib(  # 7 selected keys and a window of 2
        "DynamicSparseAttention",
        i=[QUERY, KEY, KEY, *[(2, 2, 9, 8)] * 2, (2, 2, 5, 8), None, int32(6, 7), int32(6), *LENGTHS],
        o=[QUERY],
        a=GROUPED | {"attention_mode": "local_plus_selected", "local_window_size": 2},
        fmas=2 * 3 * 4 * (7 + 2) * (8 + 8),
        arithmetic=2 * 3 * 4 * (7 + 2) * (SCALE + CAUSAL + SOFTMAX),
        transcendentals=2 * 3 * 4 * (7 + 2),
    ),
    contrib(
        "SparsePagedAttention",
        i=[(5, 64), None, None, *PAGES, int32(3), int32(2), int32(2, 3), None, int32(5, 7), int32(5)],
        o=[(5, 32)],
        a=GROUPED,
        fmas=5 * 4 * 7 * (8 + 8),
        arithmetic=5 * 4 * 7 * (SCALE + CAUSAL + SOFTMAX),
        transcendentals=5 * 4 * 7,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_grouped_attention_counts(case: Case) -> None:
    """Attention over caches counts every query head against every key, however few heads the keys have."""
    case.check()


def test_grouped_attention_equals_onnx_attention() -> None:
    """GroupQueryAttention has the multiply-adds of ONNX Attention with as many heads."""
    grouped = make_node(
        "GroupQueryAttention",
        [QUERY, KEY, KEY, (2, 2, 5, 8), (2, 2, 5, 8), *LENGTHS],
        [QUERY],
        attributes=GROUPED,
        domain="com.microsoft",
        opset=1,
    )
    standard = make_node(
        "Attention",
        [QUERY, KEY, KEY, None, (2, 2, 5, 8), (2, 2, 5, 8)],
        [QUERY],
        attributes={"q_num_heads": 4, "kv_num_heads": 2, "is_causal": 1},
    )
    assert cost_of(grouped) == cost_of(standard)


def test_heads_are_required() -> None:
    """Grouped attention without key heads says which attribute is out of range."""
    node = make_node(
        "GroupQueryAttention",
        [(2, 3, 64), None, None, None, None, *LENGTHS],
        [QUERY],
        attributes={"num_heads": 4},
        domain="com.microsoft",
        opset=1,
    )
    with pytest.raises(FeasibilityError, match="'kv_num_heads' is out of range, 0"):
        cost_of(node)
