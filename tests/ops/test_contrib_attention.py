from __future__ import annotations

from itertools import product

import pytest

from feasibility.errors import FeasibilityError
from feasibility.ir import DType, TensorSpec
from tests.ops.op_cases import Case, contrib, cost_of, make_node, tensor

SOFTMAX, SCALE, PAIR = 4, 1, 6
TWO = {"num_heads": 2}


def flag(*, value: bool) -> TensorSpec:
    """Return a constant of one boolean."""
    return tensor(1, dtype=DType.BOOL, value=(int(value),), constant=True)


INT32 = tensor(2, dtype=DType.INT32)
# B 2, S 3, D 10, N 2 heads of 4, so Q and K 8 wide, and V 12
PROJECTION = 2 * 3 * 10 * (8 + 8 + 12)

CASES = [
    contrib(
        "Attention",
        i=[(2, 3, 10), (10, 28), (28,), tensor(2, 3, dtype=DType.INT32), (2, 2, 2, 5, 4)],
        o=[(2, 3, 12), (2, 2, 2, 8, 4)],
        a=TWO | {"qkv_hidden_sizes": (8, 8, 12), "unidirectional": 1},
        fmas=PROJECTION + 2 * 3 * (5 + 3) * (8 + 12),
        arithmetic=2 * 3 * 28 + 2 * 2 * 3 * (5 + 3) * (SCALE + 2 + SOFTMAX),  # bias; mask and causal
        transcendentals=2 * 2 * 3 * (5 + 3),
        role="heavy",
        op_class="matmul",
        dtype=DType.FLOAT,
    ),
    contrib(  # 4 of 8 features of 2 query heads and of 2 key heads turn: 2 pairs each
        "Attention",
        i=[(2, 3, 10), (10, 48)],
        o=[(2, 3, 16)],
        a=TWO | {"do_rotary": 1, "rotary_embedding_dim": 4},
        fmas=2 * 3 * 10 * 48 + 2 * 3 * 3 * (16 + 16),
        arithmetic=2 * 3 * (2 + 2) * 2 * PAIR + 2 * 2 * 3 * 3 * (SCALE + SOFTMAX),
        transcendentals=2 * 2 * 3 * 3,
    ),
    contrib(  # all 8 features turn: 4 pairs
        "Attention",
        i=[(2, 3, 10), (10, 48)],
        o=[(2, 3, 16)],
        a=TWO | {"do_rotary": 1},
        fmas=2 * 3 * 10 * 48 + 2 * 3 * 3 * (16 + 16),
        arithmetic=2 * 3 * (2 + 2) * 4 * PAIR + 2 * 2 * 3 * 3 * (SCALE + SOFTMAX),
        transcendentals=2 * 2 * 3 * 3,
    ),
    contrib(  # a buffer for 9, of which nobody knows how many are there: all count
        "Attention",
        i=[(2, 1, 10), (10, 24), None, None, (2, 2, 2, 9, 4), None, INT32],
        o=[(2, 1, 8), (2, 2, 2, 9, 4)],
        a=TWO | {"past_present_share_buffer": 1},
        fmas=2 * 1 * 10 * 24 + 2 * 1 * 9 * (8 + 8),
        arithmetic=2 * 2 * 9 * (SCALE + SOFTMAX),
        transcendentals=2 * 2 * 9,
    ),
    contrib(
        "QAttention",
        i=[
            tensor(2, 3, 8, dtype=DType.UINT8), tensor(8, 24, dtype=DType.INT8), (24,), (), (),
            None, None, None, (2, 2, 2, 5, 4),
        ],
        o=[(2, 3, 8), (2, 2, 2, 8, 4)],
        a=TWO,
        fmas=2 * 3 * 8 * 24 + 2 * 3 * (5 + 3) * (8 + 8),
        arithmetic=2 * 3 * 24 + 2 * 2 * 3 * (5 + 3) * (SCALE + SOFTMAX),
        transcendentals=2 * 2 * 3 * (5 + 3),
        dtype=DType.UINT8,
    ),
    contrib(
        "QOrderedAttention",
        i=[
            tensor(2, 3, 10, dtype=DType.INT8), *[()] * 4, *[tensor(10, 8, dtype=DType.INT8)] * 3, *[()] * 3,
            *[(8,)] * 3, *[()] * 3,
        ],
        o=[tensor(2, 3, 8, dtype=DType.INT8)],
        a=TWO,
        fmas=2 * 3 * 10 * 24 + 2 * 3 * 3 * (8 + 8),
        arithmetic=2 * 3 * 24 + 2 * 2 * 3 * 3 * (SCALE + SOFTMAX),
        transcendentals=2 * 2 * 3 * 3,
        dtype=DType.INT8,
    ),
    contrib(  # 7 tokens of sequences up to 4 long
        "PackedAttention",
        i=[(7, 10), (10, 28), (28,), tensor(2, 4, dtype=DType.INT32), INT32, (1, 1, 4, 4)],
        o=[(7, 12)],
        a=TWO | {"qkv_hidden_sizes": (8, 8, 12)},
        fmas=7 * 10 * 28 + 7 * 4 * (8 + 12),
        arithmetic=7 * 28 + 7 * 2 * 4 * (SCALE + 1 + SOFTMAX),
        transcendentals=7 * 2 * 4,
    ),
    contrib(
        "PackedMultiHeadAttention",
        i=[(7, 8), (7, 8), (7, 12), (28,), tensor(2, 4, dtype=DType.INT32), INT32],
        o=[(7, 12)],
        a=TWO,
        fmas=7 * 4 * (8 + 12),
        arithmetic=7 * 28 + 7 * 2 * 4 * (SCALE + SOFTMAX),
        transcendentals=7 * 2 * 4,
    ),
    contrib(
        "PackedMultiHeadAttention",
        i=[(7, 2, 3, 4), None, None, (24,), tensor(2, 4, dtype=DType.INT32), INT32, (1, 1, 4, 4)],
        o=[(7, 8)],
        a=TWO,
        fmas=7 * 4 * (8 + 8),
        arithmetic=7 * 24 + 7 * 2 * 4 * (SCALE + 1 + SOFTMAX),
        transcendentals=7 * 2 * 4,
    ),
    contrib(  # across: 3 queries, 5 keys
        "MultiHeadAttention",
        i=[(2, 3, 8), (2, 5, 8), (2, 5, 12), (28,)],
        o=[(2, 3, 12)],
        a=TWO,
        fmas=2 * 3 * 5 * (8 + 12),
        arithmetic=2 * (3 * 8 + 5 * 8 + 5 * 12) + 2 * 2 * 3 * 5 * (SCALE + SOFTMAX),
        transcendentals=2 * 2 * 3 * 5,
    ),
    contrib(  # Q, K and V in one tensor
        "MultiHeadAttention",
        i=[(2, 3, 2, 3, 4), None, None, (24,)],
        o=[(2, 3, 8)],
        a=TWO | {"unidirectional": 1},
        fmas=2 * 3 * 3 * (8 + 8),
        arithmetic=2 * 3 * 24 + 2 * 2 * 3 * 3 * (SCALE + 1 + SOFTMAX),
        transcendentals=2 * 2 * 3 * 3,
    ),
    contrib(  # K and V in one tensor
        "MultiHeadAttention",
        i=[(2, 3, 8), (2, 5, 2, 2, 4), None, (24,), tensor(2, 5, dtype=DType.INT32), (1, 1, 3, 5)],
        o=[(2, 3, 8)],
        a=TWO,
        fmas=2 * 3 * 5 * (8 + 8),
        arithmetic=2 * (3 * 8 + 5 * 16) + 2 * 2 * 3 * 5 * (SCALE + 2 + SOFTMAX),
        transcendentals=2 * 2 * 3 * 5,
    ),
    contrib(  # keys and values that were cached, padded
        "MultiHeadAttention",
        i=[(2, 3, 8), (2, 2, 5, 4), (2, 2, 5, 4), None, tensor(2, 5, dtype=DType.INT32)],
        o=[(2, 3, 8)],
        a=TWO,
        fmas=2 * 3 * 5 * (8 + 8),
        arithmetic=2 * 2 * 3 * 5 * (SCALE + 1 + SOFTMAX),
        transcendentals=2 * 2 * 3 * 5,
    ),
    contrib(  # a buffer for 9, filled no one knows how far
        "MultiHeadAttention",
        i=[*[(2, 1, 8)] * 3, None, None, None, (2, 2, 9, 4), (2, 2, 9, 4), INT32],
        o=[(2, 1, 8)],
        a=TWO,
        fmas=2 * 9 * (8 + 8),
        arithmetic=2 * 2 * 9 * (SCALE + SOFTMAX),
        transcendentals=2 * 2 * 9,
    ),
    contrib(  # one token across to 7 cached keys
        "DecoderMaskedMultiHeadAttention",
        i=[(3, 1, 8), (3, 2, 7, 4), (3, 2, 7, 4), tensor(3, 7, dtype=DType.INT32)],
        o=[(3, 1, 8)],
        a=TWO | {"past_present_share_buffer": 1},
        fmas=3 * 7 * (8 + 8),
        arithmetic=3 * 2 * 7 * (SCALE + 1 + SOFTMAX),
        transcendentals=3 * 2 * 7,
    ),
    contrib(  # Q, K and V in one row, and a bias
        "DecoderMaskedMultiHeadAttention",
        i=[(2, 1, 28), None, None, None, None, (2, 2, 6, 4), (2, 2, 6, 6), None, None, None, (28,)],
        o=[(2, 1, 12), (2, 2, 7, 4), (2, 2, 7, 6)],
        a=TWO,
        fmas=2 * 7 * (8 + 12),
        arithmetic=2 * 28 + 2 * 2 * 7 * (SCALE + SOFTMAX),
        transcendentals=2 * 2 * 7,
    ),
    contrib(  # 8 tokens, window of 3 to either side: 7 keys each; local and global projections
        "LongformerAttention",
        i=[(2, 8, 6), (6, 18), (18,), (2, 8), (6, 18), (18,), tensor(2, 8, dtype=DType.INT32)],
        o=[(2, 8, 6)],
        a=TWO | {"window": 3},
        fmas=2 * (2 * 8 * 6 * 18) + 2 * 8 * 7 * (6 + 6),
        arithmetic=2 * (2 * 8 * 18) + 2 * 8 * 2 * 7 * (SCALE + 1 + SOFTMAX),
        transcendentals=2 * 8 * 2 * 7,
    ),
    contrib(  # a window wider than the sequence
        "LongformerAttention",
        i=[(2, 8, 6), (6, 18), (18,), (2, 8), (6, 18), (18,), tensor(2, 8, dtype=DType.INT32)],
        o=[(2, 8, 6)],
        a=TWO | {"window": 64},
        fmas=2 * (2 * 8 * 6 * 18) + 2 * 8 * 8 * (6 + 6),
        arithmetic=2 * (2 * 8 * 18) + 2 * 8 * 2 * 8 * (SCALE + 1 + SOFTMAX),
        transcendentals=2 * 8 * 2 * 8,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_attention_counts(case: Case) -> None:
    """Fused attention counts its projection, both products over every key, and the work on each score."""
    case.check()


def decoder(*, static: bool, past: bool, state: bool) -> Case:
    """Return a DecoderAttention: 3 queries, 5 keys, a cache of 7, batch 2, 8 features."""
    flags = [flag(value=value) for value in (static, past, state, False)]
    cache = (2, 2, 7, 4)
    return contrib(
        "DecoderAttention",
        i=[(3, 2, 8), (5, 2, 8), (8, 8), (8, 16), (24,), None, cache, cache, *flags],
        o=[(3, 2, 8), None, None],
        a=TWO,
    )


@pytest.mark.parametrize(
    ("static", "past", "state", "projected", "keys"),
    [
        (False, False, True, 3, 3),  # itself
        (False, True, False, 3, 3),  # no state to take the past from
        (False, True, True, 3, 7 + 3),  # itself and the past
        (True, False, True, 5, 5),  # across
        (True, True, True, 0, 7),  # across to what was projected before
    ],
)
def test_decoder_attention(*, static: bool, past: bool, state: bool, projected: int, keys: int) -> None:
    """DecoderAttention projects and meets what its flags say."""
    case = decoder(static=static, past=past, state=state)
    cost = cost_of(make_node(case.op, case.i, case.o, attributes=case.a, domain=case.domain, opset=1))
    assert cost.fmas == 3 * 2 * 8 * 8 + projected * 2 * 8 * 16 + 3 * 2 * keys * (8 + 8)
    assert cost.transcendentals == 3 * 2 * 2 * keys
    assert cost.arithmetic == 3 * 2 * 8 + projected * 2 * 16 + 3 * 2 * 2 * keys * (SCALE + SOFTMAX)


def test_unknown_flags_count_as_false() -> None:
    """DecoderAttention with flags that only the data knows attends to itself."""
    unknown = tensor(1, dtype=DType.BOOL)
    cache = (2, 2, 7, 4)
    node = make_node(
        "DecoderAttention",
        [(3, 2, 8), (5, 2, 8), (8, 8), (8, 16), (24,), None, cache, cache, *[unknown] * 4],
        [(3, 2, 8)],
        attributes=TWO,
        domain="com.microsoft",
        opset=1,
    )
    assert cost_of(node).fmas == 3 * 2 * 8 * 8 + 3 * 2 * 8 * 16 + 3 * 2 * 3 * (8 + 8)


def test_fused_attention_equals_its_parts() -> None:
    """Attention has the multiply-adds of three projections and two batched products."""
    fused = make_node(
        "Attention", [(2, 5, 12), (12, 24)], [(2, 5, 8)], attributes=TWO, domain="com.microsoft", opset=1
    )
    parts = [
        *[make_node("MatMul", [(2, 5, 12), (12, 8)], [(2, 5, 8)])] * 3,
        make_node("MatMul", [(2, 2, 5, 4), (2, 2, 4, 5)], [(2, 2, 5, 5)]),
        make_node("MatMul", [(2, 2, 5, 5), (2, 2, 5, 4)], [(2, 2, 5, 4)]),
    ]
    assert cost_of(fused).fmas == sum(cost_of(part).fmas for part in parts)


def test_multi_head_attention_equals_a_loop() -> None:
    """MultiHeadAttention has as many multiply-adds as the loops that define it."""
    batch, heads, queries, past, new, head, value = 2, 2, 3, 4, 5, 6, 7
    count = 0
    for _ in product(range(batch), range(heads), range(queries), range(past + new)):
        count += head  # the score of a key
        count += value  # its share of the output
    node = make_node(
        "MultiHeadAttention",
        [
            (batch, queries, heads * head), (batch, new, heads * head), (batch, new, heads * value),
            None, None, None, (batch, heads, past, head), (batch, heads, past, value),
        ],
        [(batch, queries, heads * value)],
        attributes=TWO,
        domain="com.microsoft",
        opset=1,
    )  # fmt: skip
    assert cost_of(node).fmas == count


def test_an_unknown_axis_of_the_weights_is_an_error() -> None:
    """Attention without heads says which attribute is out of range."""
    node = make_node("Attention", [(2, 5, 12), (12, 24)], [(2, 5, 8)], domain="com.microsoft", opset=1)
    with pytest.raises(FeasibilityError, match="'num_heads' is out of range, 0"):
        cost_of(node)
