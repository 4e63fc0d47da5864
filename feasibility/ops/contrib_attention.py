"""Count com.microsoft's multi-head attention: with its projection inside, over a past, packed.

The convention is that of ONNX Attention: masks save no work, a past counts with its keys.
"""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.attention import PER_PAIR, in_place, past_keys, scored
from feasibility.ops.rules import Family
from feasibility.ops.sizes import elements, flag, given, known_scalar, positive, size, size_without

family = Family(MICROSOFT_DOMAIN)

_PACKED_QKV, _CACHE = 5, 4  # ranks of [B, S, N, 3, H] and of [B, N, L, H]
_QKV = 3


def total_keys(past: int, new: int, *, is_shared: bool, told: int | None) -> int:
    """Return past and new keys; a buffer that holds both counts as full unless its filling is known."""
    if told is not None:
        return told + new
    return past if is_shared and past else past + new


def _is_shared(node: Node) -> bool:
    return bool(flag(node, "past_present_share_buffer"))


def _projected(node: Node, *, past: int, masks: int) -> OpCost:
    """Cost attention over what one matrix of weights makes of the input."""
    x, columns, out = node.input(0), size(node.input(1), 1), size(node.output(0), -1)
    tokens, queries = size_without(x, -1), (columns - out) // 2  # Q and K are alike, V is what comes out
    told = known_scalar(node, 6) if node.op_type != "QAttention" else None
    kept, is_shared = past_keys(node, past, 3), _is_shared(node)
    keys = total_keys(kept, size(x, 1), is_shared=is_shared, told=told)
    cost = scored(
        node,
        rows=tokens * positive(node, "num_heads"),
        keys=keys,
        per_key=tokens * (queries + out),
        masks=masks + flag(node, "unidirectional"),
        fmas=x.numel * columns,
        arithmetic=tokens * (columns * given(node, 2) + _rotated(node, queries)),
        dtype=x.dtype,
    )
    return in_place(node, cost, {past: 1}, kept=kept, read=keys, new=size(x, 1)) if is_shared else cost


def _rotated(node: Node, queries: int) -> int:
    """Return what turning query and key takes per token: half of the features of both are pairs."""
    if not flag(node, "do_rotary"):
        return 0
    part = node.int("rotary_embedding_dim", 0) * positive(node, "num_heads")
    return PER_PAIR * (part or queries)


@family.op("Attention", "DecoderMaskedSelfAttention")
def attention(node: Node) -> OpCost:
    """Multi-head attention with its input projection.

    Shapes:  input [B, S, D], weights [D, 2*N*H + V], past [2, B, N, P, H], output [B, S, V]
    Count:   fmas = |input| * columns of weights + B*S*T*(N*H + V) with T = P + S keys; per score one
             multiply by the scale, one addition per mask (mask_index, attention_bias, unidirectional),
             four and an exp for softmax; one addition per projected element if bias; 6 per rotated
             pair of query and key with do_rotary. Of a shared buffer T places are read and S written
    Ignores: masks save no work; a buffer that past and present share counts as full unless
             past_sequence_length is known
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.Attention
    """
    return _projected(node, past=4, masks=given(node, 3, 5))


@family.op("QAttention")
def q_attention(node: Node) -> OpCost:
    """Multi-head attention whose projection runs in 8 bits.

    Shapes:  as Attention; weight [D, 3*N*H], past is input 8
    Count:   as Attention
    Ignores: what the scales and zero points add per projected element; that the two products behind
             the projection run in real numbers
    Dtype:   of input (8-bit products)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QAttention
    """
    return _projected(node, past=8, masks=given(node, 5))


@family.op("QOrderedAttention")
def q_ordered_attention(node: Node) -> OpCost:
    """Multi-head attention in int8 with one weight matrix each for Q, K and V.

    Shapes:  input [B, S, D], weights [D, N*H] three times, past [2, B, N, P, H], output [B, S, N*H]
    Count:   as Attention
    Ignores: what the scales add per element
    Dtype:   of input (int8 products)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QOrderedAttention
    """
    x, columns = node.input(0), sum(size(node.input(index), 1) for index in (5, 6, 7))
    tokens = size_without(x, -1)
    return scored(
        node,
        rows=tokens * positive(node, "num_heads"),
        keys=size(x, 1) + past_keys(node, 18, 3),
        per_key=tokens * (size(node.input(5), 1) + size(node.input(7), 1)),
        masks=given(node, 17, 19) + flag(node, "unidirectional"),
        fmas=x.numel * columns,
        arithmetic=tokens * columns,
        dtype=x.dtype,
    )


@family.op("PackedAttention")
def packed_attention(node: Node) -> OpCost:
    """Attention over sequences without their padding, projection included.

    Shapes:  input [T, D], weights [D, 2*N*H + V], token_offset [B, S], output [T, V]
    Count:   as Attention, each of the T tokens with S keys
    Ignores: sequences shorter than S meet fewer keys
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.PackedAttention
    """
    x, columns, out = node.input(0), size(node.input(1), 1), size(node.output(0), -1)
    tokens = size(x, 0)
    return scored(
        node,
        rows=tokens * positive(node, "num_heads"),
        keys=size(node.input(3), 1),
        per_key=tokens * ((columns - out) // 2 + out),
        masks=given(node, 5),
        fmas=x.numel * columns,
        arithmetic=tokens * columns,
    )


@family.op("PackedMultiHeadAttention")
def packed_multi_head_attention(node: Node) -> OpCost:
    """Attention over sequences without their padding.

    Shapes:  query [T, N*H] or QKV [T, N, 3, H], value [T, V], token_offset [B, S], output [T, V]
    Count:   as MultiHeadAttention, each of the T tokens with S keys
    Ignores: sequences shorter than S meet fewer keys
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.PackedMultiHeadAttention
    """
    query, out = node.input(0), node.output(0)
    return scored(
        node,
        rows=size(query, 0) * positive(node, "num_heads"),
        keys=size(node.input(4), 1),
        per_key=(query.numel if node.has_input(1) else query.numel // _QKV) + out.numel,
        masks=given(node, 6),
        arithmetic=_biased(node, 3),
    )


def _biased(node: Node, bias: int) -> int:
    """Return one addition per element of query, key and value."""
    return elements(node, 0, 1, 2) if node.has_input(bias) else 0


@family.op("MultiHeadAttention")
def multi_head_attention(node: Node) -> OpCost:
    """Attention after its projection, self or cross, with or without a past.

    Shapes:  query [B, S, N*H], key [B, L, N*H], value [B, L, V], or QKV [B, S, N, 3, H], or KV
             [B, L, N, 2, H], or a cache [B, N, L, H]; past_key [B, N, P, H]; output [B, S, V]
    Count:   fmas = T * (|query| + |output|) with T = P + L keys; per score as Attention; one addition
             per element of query, key and value if bias. Of a shared buffer T places are read and L written
    Ignores: masks save no work; a buffer that past and present share (past_sequence_length is given)
             counts as full unless that is known
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MultiHeadAttention
    """
    query, out = node.input(0), node.output(0)
    is_packed = len(query.dims) == _PACKED_QKV
    past, new, is_shared = past_keys(node, 6, 2), _new_keys(node), node.has_input(8)
    keys = total_keys(past, new, is_shared=is_shared, told=known_scalar(node, 8))
    cost = scored(
        node,
        rows=size(query, 0) * size(query, 1) * positive(node, "num_heads"),
        keys=keys,
        per_key=(query.numel // _QKV if is_packed else query.numel) + out.numel,
        masks=given(node, 4, 5) + flag(node, "unidirectional"),
        arithmetic=_biased(node, 3),
    )
    return in_place(node, cost, {6: 1, 7: 2}, kept=past, read=keys, new=new) if is_shared else cost


def _new_keys(node: Node) -> int:
    """Return the keys that come in beside the past."""
    if not node.has_input(1):
        return size(node.input(0), 1)
    key = node.input(1)
    return size(key, 2 if len(key.dims) == _CACHE else 1)


@family.op("DecoderMaskedMultiHeadAttention")
def decoder_multi_head_attention(node: Node) -> OpCost:
    """Attention of one new token: to itself and the past, or across to a cache.

    Shapes:  query [B, 1, N*H] or QKV [B, 1, 2*N*H + V], key [B, 1, N*H] or a cache [B, N, L, H],
             past_key [B, N, P, H], output [B, 1, V]
    Count:   as MultiHeadAttention with T = P + 1 keys, or L across
    Ignores: as MultiHeadAttention
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.DecoderMaskedMultiHeadAttention
    """
    query, out = node.input(0), node.output(0)
    past, new, is_shared = past_keys(node, 5, 2), _new_keys(node), _is_shared(node)
    keys = total_keys(past, new, is_shared=is_shared, told=known_scalar(node, 7))
    cost = scored(
        node,
        rows=size_without(query, -1) * positive(node, "num_heads"),
        keys=keys,
        per_key=(query.numel if node.has_input(1) else (query.numel - out.numel) // 2) + out.numel,
        masks=given(node, 3, 4),
        arithmetic=_biased(node, 10),
    )
    return in_place(node, cost, {5: 1, 6: 2}, kept=past, read=keys, new=new) if is_shared else cost


@family.op("DecoderAttention")
def decoder_attention(node: Node) -> OpCost:
    """Attention of a decoder with its projections, sequence first.

    Shapes:  query [S, B, D], key [L, B, D], q_weight [D, D], kv_weight [D, 2*D], caches [B, N, P, H]
    Count:   fmas = |query| * D + |projected| * 2*D + T * 2*|query|. Self-attention projects the query and
             has T = S keys, P + S with a cache; static_kv projects the key and has T = L, or takes
             both from the cache and has T = P. A cache is used where use_past and has_layer_state are true
    Ignores: the padding mask saves no work; flags that are not known count as false
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.DecoderAttention, and its kernel in
             onnxruntime/contrib_ops/cuda/bert/decoder_attention.cc
    """
    query, key = node.input(0), node.input(1)
    width, across, cached = size(query, -1), bool(known_scalar(node, 8)), _is_cached(node)
    past = past_keys(node, 6, 2) if cached else 0
    source = key if across else query
    fresh, projected = (0, 0) if across and cached else (size(source, 0), source.numel)
    return scored(
        node,
        rows=size_without(query, -1) * positive(node, "num_heads"),
        keys=past + fresh,
        per_key=2 * query.numel,
        masks=given(node, 5),
        fmas=width * (query.numel + 2 * projected),
        arithmetic=query.numel + 2 * projected,
    )


def _is_cached(node: Node) -> bool:
    return bool(known_scalar(node, 9)) and bool(known_scalar(node, 10))


@family.op("LongformerAttention", "QOrderedLongformerAttention")
def longformer_attention(node: Node) -> OpCost:
    """Attention to a window around each token and to a few global ones.

    Shapes:  input and output [B, S, D], weight and global_weight [D, 3*D]
    Count:   fmas = 2 * |input| * 3*D (local and global projection) + T * 2*|input|, where the window saves
             work: T = 2*window + 1 keys, at most S; per score as Attention with one mask
    Ignores: the global tokens, which are data: each adds S keys and is one more key to all
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.LongformerAttention; Beltagy et al.
             2020, arXiv:2004.05150
    """
    x, width = node.input(0), size(node.input(0), -1)
    return scored(
        node,
        rows=size_without(x, -1) * positive(node, "num_heads"),
        keys=min(2 * positive(node, "window") + 1, size(x, 1)),
        per_key=2 * x.numel,
        masks=1,
        fmas=2 * x.numel * 3 * width,
        arithmetic=2 * 3 * x.numel,
        dtype=x.dtype,
    )
