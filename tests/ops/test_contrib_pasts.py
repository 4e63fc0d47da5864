"""One new token against 1,024 past tokens meets 1,025 keys, whatever operator attends."""

from __future__ import annotations

import pytest
from onnxruntime.capi import onnxruntime_pybind11_state

from feasibility.ir import MICROSOFT_DOMAIN, DType, TensorSpec
from feasibility.ops import NOT_COUNTED
from tests.ops.op_cases import Case, Given, contrib, cost_of, make_node, tensor

CACHES = {"past", "past_key", "key_cache"}
PAST, KEYS, BUFFER = 1024, 1025, 4096
HEADS, GROUPS, HEAD = 4, 2, 8
WIDE, NARROW = HEADS * HEAD, GROUPS * HEAD
D = 10  # what a projection inside starts from
MANY = {"num_heads": HEADS}
GROUPED = MANY | {"kv_num_heads": GROUPS}
SHARED = {"past_present_share_buffer": 1}


def told(*values: int) -> TensorSpec:
    """Return a constant of int32."""
    return tensor(len(values), dtype=DType.INT32, value=values, constant=True)


def cache(length: int, heads: int = HEADS) -> list[Given]:
    """Return the cache of keys and that of values."""
    return [(1, heads, length, HEAD)] * 2


def both(length: int) -> Given:
    """Return keys and values in one cache."""
    return (2, 1, HEADS, length, HEAD)


X, TOKEN, GROUP = (1, 1, D), (1, 1, WIDE), (1, 1, NARROW)
WEIGHTS = (D, 3 * WIDE)
QUANTISED = [tensor(1, 1, D, dtype=DType.UINT8), tensor(D, 3 * WIDE, dtype=DType.INT8), (3 * WIDE,), (), ()]
ORDERED = [tensor(1, 1, D, dtype=DType.INT8), *[()] * 4, *[tensor(D, WIDE, dtype=DType.INT8)] * 3]
TRUE, FALSE = (tensor(1, dtype=DType.BOOL, value=(flag,), constant=True) for flag in (1, 0))
PAGE, PAGES = 256, 16
PAGED = [(PAGES, PAGE, GROUPS, HEAD), (PAGES, PAGE, GROUPS, HEAD)]
TABLE = tensor(1, 8, dtype=DType.INT32)
UNKNOWN = tensor(1, dtype=DType.INT32)

PROJECTED = [
    contrib("Attention", i=[X, WEIGHTS, None, None, both(PAST)], o=[TOKEN], a=MANY),
    contrib(
        "Attention",
        i=[X, WEIGHTS, None, None, both(BUFFER), None, told(PAST)],
        o=[TOKEN],
        a=MANY | SHARED,
    ),
    contrib(
        "DecoderMaskedSelfAttention",
        i=[X, WEIGHTS, (96,), None, both(PAST), None, told(PAST)],
        o=[TOKEN],
        a=MANY,
    ),
    contrib(
        "DecoderMaskedSelfAttention",
        i=[X, WEIGHTS, (96,), None, both(BUFFER), None, told(PAST)],
        o=[TOKEN],
        a=MANY | SHARED,
    ),
    contrib("QAttention", i=[*QUANTISED, None, None, None, both(PAST)], o=[TOKEN], a=MANY),
    contrib(
        "QOrderedAttention",
        i=[*ORDERED, *[()] * 3, *[(WIDE,)] * 3, *[()] * 3, None, both(PAST)],
        o=[TOKEN],
        a=MANY,
    ),
]

BARE = [
    Case(  # [B, H, L, E]
        op="Attention", i=[*[(1, HEADS, 1, HEAD)] * 3, None, *cache(PAST)], o=[(1, HEADS, 1, HEAD)]
    ),
    Case(  # packed, grouped
        op="Attention",
        i=[TOKEN, GROUP, GROUP, None, *cache(PAST, GROUPS)],
        o=[TOKEN],
        a={"q_num_heads": HEADS, "kv_num_heads": GROUPS},
    ),
    Case(  # a cache that an input says to be filled in part
        op="Attention",
        i=[TOKEN, (1, BUFFER, NARROW), (1, BUFFER, NARROW), None, None, None, told(KEYS)],
        o=[TOKEN],
        a={"q_num_heads": HEADS, "kv_num_heads": GROUPS},
    ),
    contrib("MultiHeadAttention", i=[*[TOKEN] * 3, None, None, None, *cache(PAST)], o=[TOKEN], a=MANY),
    contrib(
        "MultiHeadAttention",
        i=[*[TOKEN] * 3, None, None, None, *cache(BUFFER), told(PAST)],
        o=[TOKEN],
        a=MANY,
    ),
    contrib(
        "DecoderMaskedMultiHeadAttention", i=[*[TOKEN] * 3, None, None, *cache(PAST)], o=[TOKEN], a=MANY
    ),
    contrib(
        "DecoderMaskedMultiHeadAttention",
        i=[*[TOKEN] * 3, None, None, *cache(BUFFER), told(PAST)],
        o=[TOKEN],
        a=MANY | SHARED,
    ),
    contrib(  # lengths from the caches
        "GroupQueryAttention",
        i=[TOKEN, GROUP, GROUP, *cache(PAST, GROUPS), UNKNOWN, UNKNOWN],
        o=[TOKEN],
        a=GROUPED,
    ),
    contrib(  # from total_sequence_length
        "GroupQueryAttention",
        i=[TOKEN, GROUP, GROUP, *cache(BUFFER, GROUPS), UNKNOWN, told(KEYS)],
        o=[TOKEN],
        a=GROUPED,
    ),
    contrib(  # from seqlens_k, which is one less
        "GroupQueryAttention",
        i=[(1, 1, WIDE + 2 * NARROW), None, None, *cache(BUFFER, GROUPS), told(PAST), UNKNOWN],
        o=[TOKEN],
        a=GROUPED,
    ),
    contrib(
        "SparseAttention",
        i=[TOKEN, GROUP, GROUP, *cache(BUFFER, GROUPS), UNKNOWN, UNKNOWN, told(KEYS), UNKNOWN],
        o=[TOKEN],
        a=GROUPED | {"sparse_block_size": 16},
    ),
    contrib(
        "PagedAttention",
        i=[(1, WIDE), (1, NARROW), (1, NARROW), *PAGED, told(0, 1), told(PAST), TABLE],
        o=[(1, WIDE)],
        a=GROUPED,
    ),
    contrib(  # 1,024 that another operator selected, and a window of one
        "SparsePagedAttention",
        i=[
            (1, WIDE), (1, NARROW), (1, NARROW), *PAGED, UNKNOWN, UNKNOWN, UNKNOWN, None,
            tensor(1, PAST, dtype=DType.INT32),
        ],
        o=[(1, WIDE)],
        a=GROUPED | {"attention_mode": "local_plus_selected", "local_window_size": 1},
    ),
    contrib(
        "DynamicSparseAttention",
        i=[TOKEN, GROUP, GROUP, *cache(BUFFER, GROUPS), None, None, tensor(1, KEYS, dtype=DType.INT32)],
        o=[TOKEN],
        a=GROUPED | {"local_window_size": 7},  # which selected_only, the default, does not look at
    ),
]  # fmt: skip


def fmas(case: Case) -> int:
    """Return the multiply-adds of a case."""
    node = make_node(case.op, case.i, case.o, attributes=case.a, opset=case.opset, domain=case.domain)
    return cost_of(node).fmas


@pytest.mark.parametrize("case", PROJECTED, ids=str)
def test_projected(case: Case) -> None:
    """With a projection inside, every one of 1,025 keys meets both products."""
    assert fmas(case) == D * 3 * WIDE + KEYS * (WIDE + WIDE)


@pytest.mark.parametrize("case", BARE, ids=str)
def test_bare(case: Case) -> None:
    """Without one, 1,025 keys meet every query head, however few heads the keys have."""
    assert fmas(case) == KEYS * (WIDE + WIDE)


def test_sequence_first() -> None:
    """DecoderAttention puts the sequence first and projects with one matrix and another twice as wide."""
    inputs = [(1, 1, WIDE), (1, 1, WIDE), (WIDE, WIDE), (WIDE, 2 * WIDE), (3 * WIDE,), None]
    case = contrib(
        "DecoderAttention",
        i=[*inputs, *cache(PAST), FALSE, TRUE, TRUE, FALSE],
        o=[(1, 1, WIDE)],
        a=MANY,
    )
    assert fmas(case) == WIDE * 3 * WIDE + KEYS * (WIDE + WIDE)


def with_a_past() -> set[str]:
    """Return the operators of com.microsoft that ONNX Runtime gives a cache of keys."""
    return {
        schema.name
        for schema in onnxruntime_pybind11_state.get_all_operator_schema()
        if schema.domain == MICROSOFT_DOMAIN and CACHES & {value.name for value in schema.inputs}
    }


def test_every_operator_with_a_past_is_here() -> None:
    """No counted operator that takes a past is left out."""
    named = {case.op for case in (*PROJECTED, *BARE) if case.domain == MICROSOFT_DOMAIN}
    counted = {name for name in with_a_past() if (MICROSOFT_DOMAIN, name) not in NOT_COUNTED}
    assert counted == named | {"DecoderAttention"}
