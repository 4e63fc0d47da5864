"""Shape rules of com.microsoft's attention, rotations and mixtures of experts.

Source of all: the operator schemas of ONNX Runtime 1.32 (docs/ContribOperators.md); held
against runs in tests/loader/test_contrib_runs_attention.py. Letters: B batch, S sequence, L key
length, P past, N query heads, K key heads, H head size, V value width, T tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from feasibility.ir import DType
from feasibility.loader.rules.common import (
    Rule,
    given,
    has,
    integers,
    known,
    like,
    number,
    over,
    plus,
    same_as_first,
    scalar,
    times,
)  # fmt: skip
from feasibility.loader.types import UNKNOWN, Call, Dims, Type

_PACKED_RANK, _CACHE_RANK = 5, 4  # [B, S, N, 3, H] and [B, N, L, H]
_QKV = 3


def _shares_buffer(call: Call) -> bool:
    return number(call, "past_present_share_buffer", 0) != 0


def _value_width(call: Call, weights: int) -> int | None:
    sizes = integers(call, "qkv_hidden_sizes", ())
    return sizes[2] if len(sizes) == _QKV else over(known(call, weights)[1], _QKV)


def _grown(call: Call, past: int, axis: int, by: int | None) -> Type:
    """Return the type of a cache that new entries were appended to."""
    dims = list(known(call, past))
    dims[axis] = plus(dims[axis], by)
    return like(call, past, *dims)


def _projected(past: int, weights: int = 1, elem_of: int = 0) -> Rule:
    """Return the rule of attention with its projection inside: input [B, S, D], weights [D, 3 * N * H]."""

    def rule(call: Call) -> Sequence[Type]:
        batch, length, _ = known(call, 0)
        width = _value_width(call, weights)
        output = like(call, elem_of, batch, length, width)
        if has(call, past):
            present = given(call, past) if _shares_buffer(call) else _grown(call, past, axis=3, by=length)
            return (output, present)
        heads = number(call, "num_heads")
        return (output, like(call, elem_of, 2, batch, heads, length, over(width, heads)))

    return rule


def _multi_head(call: Call) -> Sequence[Type]:
    """MultiHeadAttention: query [B, S, N*H], or QKV or KV packed; keys may come as a cache [B, N, L, H]."""
    query, heads = known(call, 0), number(call, "num_heads")
    batch, length = query[0], query[1]
    head = query[4] if len(query) == _PACKED_RANK else over(query[2], heads)
    keys, width = _keys(call, length), _width(call, times(heads, head))
    value_head = over(width, heads)
    output = like(call, 0, batch, length, width)
    if has(call, 6) and has(call, 8):  # a buffer that past and present share
        total = plus(scalar(call, 8), keys)
        return (output, given(call, 6), given(call, 7), like(call, 0, batch, heads, length, total))
    total = plus(known(call, 6)[2], keys) if has(call, 6) else keys
    return (
        output,
        like(call, 0, batch, heads, total, head),
        like(call, 0, batch, heads, total, value_head),
        like(call, 0, batch, heads, length, total),
    )


def _keys(call: Call, length: int | None) -> int | None:
    """Return how many keys come in beside the past."""
    if not has(call, 1):
        return length
    key = known(call, 1)
    return key[2] if len(key) == _CACHE_RANK else key[1]


def _width(call: Call, default: int | None) -> int | None:
    """Return the width of the values: what comes out per token."""
    value = known(call, 2) if has(call, 2) else ()
    if len(value) == _CACHE_RANK:
        return times(value[1], value[3])
    return value[-1] if value else default


def _packed_multi_head(call: Call) -> Sequence[Type]:
    query = known(call, 0)
    packed = times(query[1], query[3]) if len(query) == _CACHE_RANK else query[1]
    return (like(call, 0, query[0], known(call, 2)[1] if has(call, 2) else packed),)


def _packed(call: Call) -> Sequence[Type]:
    return (like(call, 0, known(call, 0)[0], _value_width(call, 1)),)


def _decoder_multi_head(call: Call) -> Sequence[Type]:
    """DecoderMaskedMultiHeadAttention: one new token; the caches grow by it, are shared, or are the keys."""
    query, heads = known(call, 0), number(call, "num_heads")
    width = _width(call, query[2] if has(call, 1) else over(query[2], _QKV))
    output = like(call, 0, query[0], query[1], width)
    if not has(call, 5):
        return (output, UNKNOWN, UNKNOWN, like(call, 0, query[0], heads, 1, _keys(call, query[1])))
    by = 0 if _shares_buffer(call) else query[1]
    caches = [_grown(call, n, axis=2, by=by) for n in (5, 6)]
    return (output, *caches, like(call, 0, query[0], heads, 1, (caches[0].dims or ())[2]))


def _decoder(call: Call) -> Sequence[Type]:
    """DecoderAttention: sequence first, [S, B, D]; flags that are inputs say how the caches grow."""
    length, batch, width = known(call, 0)
    heads, flags = number(call, "num_heads"), [scalar(call, index) for index in (8, 9, 10)]
    static, cached = flags[0], all(flags[1:])
    fresh = 0 if static and cached else known(call, 1)[0] if static else length
    total = plus(known(call, 6)[2], fresh) if cached else fresh
    cache = like(call, 0, batch, heads, None if None in flags else total, over(width, heads))
    return (like(call, 0, length, batch, width), cache, cache)


def _heads_of_packed(call: Call) -> Dims:
    """Return the query with its own width: without a key, Q, K and V stand in one row of N + 2 K heads."""
    *lead, width = known(call, 0)
    if has(call, 1):
        return (*lead, width)
    heads, key_heads = number(call, "num_heads"), number(call, "kv_num_heads")
    return (*lead, times(heads, over(width, heads + 2 * key_heads)))


def _grouped(call: Call) -> Sequence[Type]:
    """GroupQueryAttention: an input says the total length, else it is past + new."""
    query = _heads_of_packed(call)
    batch, length, width = query
    heads, key_heads = number(call, "num_heads"), number(call, "kv_num_heads")
    past = given(call, 3) if has(call, 3) else like(call, 0, batch, key_heads, 0, over(width, heads))
    first, groups, kept, head = past.dims or (None, None, None, None)
    told, grown = scalar(call, 6), plus(kept, known(call, 1)[1] if has(call, 1) else length)
    if number(call, "sliding_window_cache", 0):
        grown = told = kept  # the window moves on and stays as wide
    cache = grown if told is None or kept is None else max(told, kept)
    present = Type(past.elem, (first, groups, cache, head))
    scores = like(call, 0, batch, heads, length, grown if told is None else told)
    return (like(call, 0, *query), present, present, scores)


def _with_caches(first: int) -> Rule:
    """Return the rule of attention over caches that are written in place."""

    def rule(call: Call) -> Sequence[Type]:
        output = _heads_of_packed(call)
        width = number(call, "v_head_size", 0)
        if width:
            output = (*output[:-1], times(number(call, "num_heads"), width))
        caches = [given(call, n) if has(call, n) else UNKNOWN for n in (first, first + 1)]
        return (like(call, 0, *output), *caches)

    return rule


def _selected(call: Call) -> Sequence[Type]:
    """DynamicSparseAttention: caches are written in place, or as long as an input says."""
    output, heads = _heads_of_packed(call), number(call, "num_heads")
    elem = DType.BFLOAT16.code if number(call, "output_bf16", 0) else given(call, 0).elem
    made = (output[0], number(call, "kv_num_heads"), scalar(call, 10), over(output[2], heads))
    caches = [given(call, n) if has(call, n) else like(call, 0, *made) for n in (3, 4)]
    return (Type(elem, output), *caches, Type(DType.INT32.code, ()))


def _linear(call: Call) -> Sequence[Type]:
    """LinearAttention: state [B, K, E, F], or one such per slot of a window."""
    batch, length, _ = known(call, 0)
    q_heads, kv_heads = number(call, "q_num_heads"), number(call, "kv_num_heads")
    key, value = over(known(call, 1)[2], kv_heads), over(known(call, 2)[2], kv_heads)
    window = number(call, "state_window", 0)
    state = ((window,) if window else ()) + (batch, kv_heads, key, value)
    heads = max(q_heads, kv_heads)
    return (
        like(call, 0, batch, length, times(heads, value)),
        given(call, 3) if has(call, 3) else like(call, 0, *state),
    )


class _DeltaNet(NamedTuple):
    """The axes of tokens, and the heads and widths of queries and values."""

    tokens: Dims
    heads: int | None
    width: int | None
    value_heads: int | None
    value_width: int | None


def _delta_net(call: Call) -> Sequence[Type]:
    """GatedDeltaNet: query [*T, N, E], value [*T, K, F], or both and the key in one; state [B, K, F, E]."""
    net = _delta_sizes(call)
    batch = net.tokens[0] if len(net.tokens) > 1 else plus(known(call, 3)[0], -1) if has(call, 3) else None
    state = (
        given(call, 6)
        if has(call, 6)
        else Type(DType.FLOAT.code, (batch, net.value_heads, net.value_width, net.width))
    )
    per_key = has(call, 4) and len(known(call, 4)) > len(net.tokens) + 1
    decays = times(net.value_heads, net.width if per_key else 1)
    factors = plus(decays, times(net.heads, net.width), times(net.value_heads, net.value_width))
    captured = times(number(call, "state_update_capacity", 0), factors)
    heads = None if None in (net.heads, net.value_heads) else max(net.heads or 0, net.value_heads or 0)
    return (
        like(call, 0, *net.tokens, heads, net.value_width),
        state,
        Type(state.elem, ((state.dims or (batch,))[0], captured)),
    )


def _delta_sizes(call: Call) -> _DeltaNet:
    if has(call, 2):
        *tokens, heads, width = known(call, 0)
        return _DeltaNet(tuple(tokens), heads, width, *known(call, 2)[-2:])
    *tokens, packed = known(call, 0)
    _, value_heads, value_width, width = known(call, 6)
    values = times(value_heads, value_width)
    both = None if packed is None or values is None else packed - values  # queries and keys
    return _DeltaNet(tuple(tokens), over(both, times(2, width)), width, value_heads, value_width)


def _rotated_pair(call: Call) -> Sequence[Type]:
    return (given(call, 1), given(call, 3))


def _relative_bias(call: Call) -> Sequence[Type]:
    return (like(call, 0, 1, known(call, 0)[1], scalar(call, 1), scalar(call, 2)),)


def _gated_relative_bias(call: Call) -> Sequence[Type]:
    batch, length = known(call, 6)[:2] if has(call, 6) else known(call, 0)[:2]
    return (like(call, 0, batch, number(call, "num_heads"), length, length),)


def _remove_padding(call: Call) -> Sequence[Type]:
    batch, length, width = known(call, 0)
    int32 = DType.INT32.code
    offsets, sums = Type(int32, (batch, length)), Type(int32, (plus(batch, 1),))
    return (like(call, 0, None, width), offsets, sums, Type(int32, (1,)))


def _restore_padding(call: Call) -> Sequence[Type]:
    return (like(call, 0, *known(call, 1), known(call, 0)[1]),)


def _norm_rotary(call: Call) -> Sequence[Type]:
    """RMSNormRotary: X [B, S, heads, stride], a slice of the last axis as wide as the scale."""
    batch, length, heads, _ = known(call, 0)
    (width,) = known(call, 1)
    elem = DType.FLOAT16 if number(call, "output_fp16", 0) else DType.BFLOAT16
    rows = (1, times(batch, length)) if number(call, "flatten_batch", 0) else (batch, length)
    normalised = Type(DType.FLOAT.code, (batch, length, heads, width))
    return (Type(elem.code, (*rows, times(heads, width))), normalised)


def _group_router(call: Call) -> Sequence[Type]:
    *lead, width = known(call, 0)
    experts = known(call, 2)[0] if has(call, 2) else width
    return (Type(DType.FLOAT.code, (times(*lead), experts)),) * 3


def _gates(call: Call) -> Sequence[Type]:
    return (given(call, 0), given(call, 3) if has(call, 3) else UNKNOWN)


RULES: Mapping[str, Rule] = {
    "Attention": _projected(past=4),
    "DecoderAttention": _decoder,
    "DecoderMaskedMultiHeadAttention": _decoder_multi_head,
    "DecoderMaskedSelfAttention": _projected(past=4),
    "DynamicSparseAttention": _selected,
    "GatedDeltaNet": _delta_net,
    "GatedRelativePositionBias": _gated_relative_bias,
    "GemmaRotaryEmbedding": _rotated_pair,
    "GroupQueryAttention": _grouped,
    "LinearAttention": _linear,
    "LinearAttentionGate": _gates,
    "LongformerAttention": same_as_first,
    "MRotaryEmbedding": same_as_first,
    "MoE": same_as_first,
    "MoEGroupRouter": _group_router,
    "MoEPacked": same_as_first,
    "MultiHeadAttention": _multi_head,
    "PackedAttention": _packed,
    "PackedMultiHeadAttention": _packed_multi_head,
    "PagedAttention": _with_caches(3),
    "QAttention": _projected(past=8, elem_of=3),
    "QMoE": same_as_first,
    "QOrderedAttention": lambda call: (like(call, 0, *known(call, 0)[:2], known(call, 7)[1]),),
    "QOrderedLongformerAttention": same_as_first,
    "RMSNormRotary": _norm_rotary,
    "RelativePositionBias": _relative_bias,
    "RemovePadding": _remove_padding,
    "RestorePadding": _restore_padding,
    "RotaryEmbedding": same_as_first,
    "SparseAttention": _with_caches(3),
    "SparsePagedAttention": _with_caches(3),
}
