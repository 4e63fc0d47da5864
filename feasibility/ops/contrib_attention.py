"""Count com.microsoft's attention: with its projection inside, over caches, packed, sparse.

The convention is that of ONNX Attention: masks save no work, a past counts with its keys.
"""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.attention import PER_PAIR
from feasibility.ops.normalisation import SOFTMAX_ARITHMETIC
from feasibility.ops.roles import heavy
from feasibility.ops.rules import Family
from feasibility.ops.sizes import known_scalar, positive, size, size_without

family = Family(MICROSOFT_DOMAIN)

_PACKED_QKV, _CACHE = 5, 4  # ranks of [B, S, N, 3, H] and of [B, N, L, H]
_SCORE = 1 + SOFTMAX_ARITHMETIC  # per score: the scale, then softmax; and one exp


def _scored(  # noqa: PLR0913 (the parts of one cost)
    node: Node, *, rows: int, keys: int, per_key: int, extra: int = 0, fmas: int = 0, arithmetic: int = 0
) -> OpCost:
    """Cost the two products around `rows` x `keys` scores, each key met with `per_key` multiply-adds."""
    scores = rows * keys
    return heavy(
        node,
        fmas=fmas + keys * per_key,
        arithmetic=arithmetic + scores * (_SCORE + extra),
        transcendentals=scores,
    )


def _given(node: Node, *indices: int) -> int:
    """Return how many of these optional inputs are given."""
    return sum(node.has_input(index) for index in indices)


def _past(node: Node, index: int, axis: int, length: int | None = None) -> int:
    """Return the keys in the cache: what an input says of a shared buffer, else its size."""
    if not node.has_input(index):
        return 0
    told = known_scalar(node, length) if length is not None else None
    return size(node.input(index), axis) if told is None else told


def _projected(node: Node, *, past: int, past_length: int | None, mask: int, bias: int | None) -> OpCost:
    x, weights = node.input(0), node.input(1)
    columns, out = size(weights, 1), size(node.output(0), -1)
    queries = (columns - out) // 2  # Q and K are alike, V is as wide as what comes out
    length, tokens = size(x, 1), size_without(x, -1)
    shared = node.int("past_present_share_buffer", 0) != 0
    cached = _past(node, past, 3, past_length)
    is_whole = shared and node.has_input(past) and known_scalar(node, past_length) is None
    keys = cached if is_whole else cached + length  # a shared buffer of unknown filling counts as full
    rotated = PER_PAIR * tokens * queries if node.int("do_rotary", 0) else 0  # Q and K, half as many pairs
    biased = tokens * columns if bias is not None and node.has_input(bias) else 0
    return _scored(
        node,
        rows=tokens * positive(node, "num_heads"),
        keys=keys,
        per_key=tokens * (queries + out),
        extra=_given(node, mask, 5) if node.op_type != "QAttention" else _given(node, mask),
        fmas=x.numel * columns,
        arithmetic=biased + rotated,
    )


@family.op("Attention", "DecoderMaskedSelfAttention")
def attention(node: Node) -> OpCost:
    """Multi-head attention with its input projection.

    Shapes:  input [B, S, D], weights [D, 2*N*H + V], past [2, B, N, P, H], output [B, S, V]
    Count:   fmas = |input| * columns of weights + B*S*T*(N*H + V) with T = P + S keys; per score one
             multiply by the scale, one addition per mask and bias, four and an exp for softmax; one
             addition per projected element if bias; 3 per rotated feature with do_rotary
    Ignores: masks save no work; a buffer that past and present share counts as full unless
             past_sequence_length is known
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.Attention
    """
    return _projected(node, past=4, past_length=6, mask=3, bias=2)


@family.op("QAttention")
def q_attention(node: Node) -> OpCost:
    """Multi-head attention on quantised tensors, projection included.

    Shapes:  as Attention; weight [D, 3*N*H], past is input 8
    Count:   as Attention
    Ignores: what the scales and zero points add per projected element
    Dtype:   of input (8-bit products)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QAttention
    """
    cost = _projected(node, past=8, past_length=None, mask=5, bias=2)
    return heavy(
        node,
        fmas=cost.fmas,
        arithmetic=cost.arithmetic,
        transcendentals=cost.transcendentals,
        dtype=node.input(0).dtype,
    )


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
    tokens, heads = size_without(x, -1), positive(node, "num_heads")
    keys = size(x, 1) + _past(node, 18, 3)
    scores = tokens * heads * keys
    return heavy(
        node,
        fmas=x.numel * columns + keys * tokens * (size(node.input(5), 1) + size(node.input(7), 1)),
        arithmetic=tokens * columns + scores * (_SCORE + _given(node, 17, 19)),
        transcendentals=scores,
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
    tokens, keys = size(x, 0), size(node.input(3), 1)
    return _scored(
        node,
        rows=tokens * positive(node, "num_heads"),
        keys=keys,
        per_key=tokens * ((columns - out) // 2 + out),
        extra=_given(node, 5),
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
    width = query.numel if node.has_input(1) else query.numel // 3
    keys, rows = size(node.input(4), 1), size(query, 0) * positive(node, "num_heads")
    biased = width + (_elements(node, 1) + _elements(node, 2) if node.has_input(1) else 2 * width)
    return _scored(
        node,
        rows=rows,
        keys=keys,
        per_key=width + out.numel,
        extra=_given(node, 6),
        arithmetic=biased if node.has_input(3) else 0,
    )


def _elements(node: Node, index: int) -> int:
    return node.input(index).numel if node.has_input(index) else 0


@family.op("MultiHeadAttention")
def multi_head_attention(node: Node) -> OpCost:
    """Attention after its projection, self or cross, with or without a past.

    Shapes:  query [B, S, N*H], key [B, L, N*H], value [B, L, V], or QKV [B, S, N, 3, H], or KV
             [B, L, N, 2, H], or a cache [B, N, L, H]; past_key [B, N, P, H]; output [B, S, V]
    Count:   fmas = T * (|query| + |output|) with T = P + L keys; per score as Attention; one addition
             per element of query, key and value if bias
    Ignores: masks save no work; a shared buffer counts as full unless past_sequence_length is known
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MultiHeadAttention
    """
    query, out = node.input(0), node.output(0)
    packed = len(query.dims) == _PACKED_QKV
    width = query.numel // 3 if packed else query.numel
    length = size(query, 1)
    fresh = _key_length(node, length)
    told = known_scalar(node, 8) if node.has_input(8) else None
    is_whole = node.has_input(8) and told is None
    keys = _past(node, 6, 2, 8 if node.has_input(8) else None) + (0 if is_whole else fresh)
    biased = query.numel + _elements(node, 1) + _elements(node, 2)
    return _scored(
        node,
        rows=size(query, 0) * length * positive(node, "num_heads"),
        keys=keys,
        per_key=width + out.numel,
        extra=_given(node, 4, 5),
        arithmetic=biased if node.has_input(3) else 0,
    )


def _key_length(node: Node, default: int) -> int:
    if not node.has_input(1):
        return default
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
    width = query.numel if node.has_input(1) else (query.numel - out.numel) // 2
    if node.has_input(1) and len(node.input(1).dims) == _CACHE:
        keys = size(node.input(1), 2)
    else:
        told = known_scalar(node, 7) if node.has_input(7) else None
        shared = node.int("past_present_share_buffer", 0) != 0
        keys = _past(node, 5, 2, 7 if node.has_input(7) else None) + int(not shared or told is not None)
    biased = query.numel + _elements(node, 1) + _elements(node, 2)
    return _scored(
        node,
        rows=size_without(query, -1) * positive(node, "num_heads"),
        keys=keys,
        per_key=width + out.numel,
        extra=_given(node, 3, 4),
        arithmetic=biased if node.has_input(10) else 0,
    )


@family.op("DecoderAttention")
def decoder_attention(node: Node) -> OpCost:
    """Attention of a decoder with its projections, sequence first.

    Shapes:  query [S, B, D], key [L, B, D], q_weight [D, D], kv_weight [D, 2*D], caches [B, N, P, H]
    Count:   fmas = |query| * D + |key| * 2*D + T * 2*|query|; T = L keys, P + S with use_past, P across
             with use_past; across with use_past keys and values are not projected again
    Ignores: the padding mask saves no work; flags that are not known count as false
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.DecoderAttention
    """
    query, key, width = node.input(0), node.input(1), size(node.input(0), -1)
    across, cached = (bool(known_scalar(node, index)) for index in (8, 9))
    past = _past(node, 6, 2) if cached else 0
    source = query if cached and not across else key
    projected = 0 if across and cached else source.numel
    keys = past if across and cached else past + size(source, 0)
    return _scored(
        node,
        rows=size_without(query, -1) * positive(node, "num_heads"),
        keys=keys,
        per_key=2 * query.numel,
        extra=_given(node, 5),
        fmas=query.numel * width + projected * 2 * width,
        arithmetic=query.numel + 2 * projected,
    )


@family.op("GroupQueryAttention")
def group_query_attention(node: Node) -> OpCost:
    """Attention whose query heads share fewer key heads, over a growing cache.

    Shapes:  query [B, S, N*H] or QKV [B, S, (N + 2*K)*H], key and value [B, L, K*H],
             past_key [B, K, P, H], output [B, S, N*H]
    Count:   fmas = T * 2*|output| with T keys: total_sequence_length, or seqlens_k + 1, where the graph
             fixes them, else P + L; per score as Attention, two and a tanh more with softcap;
             3 per feature of query and key with do_rotary
    Ignores: masks and local_window_size save no work; quantised caches
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GroupQueryAttention; Ainslie et al.
             2023, arXiv:2305.13245
    """
    out = node.output(0)
    heads, key_heads = positive(node, "num_heads"), positive(node, "kv_num_heads")
    head, tokens = size(out, -1) // heads, size_without(out, -1)
    fresh = size(node.input(1), 1) if node.has_input(1) else size(out, 1)
    keys = _total(node, 6, 5)
    keys = _past(node, 3, 2) + fresh if keys is None else keys
    scores, softcap = tokens * heads * keys, int(node.float("softcap", 0.0) != 0.0)
    rotated = size(out, 0) * (size(out, 1) * heads + fresh * key_heads) * head
    return heavy(
        node,
        fmas=keys * 2 * out.numel,
        arithmetic=scores * (_SCORE + _given(node, 10) + 2 * softcap)
        + (PER_PAIR * rotated // 2 if node.int("do_rotary", 0) else 0),
        transcendentals=scores * (1 + softcap),
    )


def _total(node: Node, total: int, last: int) -> int | None:
    """Return the length of keys that an input fixes: the total, or the index of the last one."""
    told = known_scalar(node, total) if node.has_input(total) else None
    if told is not None:
        return told
    ends = node.inputs[last] if last < len(node.inputs) else None
    values = [v for v in (ends.value or ()) if isinstance(v, int)] if ends is not None else []
    return max(values) + 1 if values else None


@family.op("SparseAttention")
def sparse_attention(node: Node) -> OpCost:
    """Attend in groups, and skip blocks of keys.

    Shapes:  as GroupQueryAttention; past_key [B, K, max, H]
    Count:   as GroupQueryAttention with T = total_sequence_length where it is known, else the whole cache
    Ignores: the blocks that its mask leaves out count as work: which they are is data
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.SparseAttention
    """
    told = known_scalar(node, 7)
    keys = size(node.input(3), 2) if told is None else told
    return _over_keys(node, keys)


def _over_keys(node: Node, keys: int) -> OpCost:
    """Cost attention of every output row to so many keys."""
    out = node.output(0)
    rows = size_without(out, -1) * positive(node, "num_heads")
    return _scored(node, rows=rows, keys=keys, per_key=2 * out.numel)


@family.op("PagedAttention")
def paged_attention(node: Node) -> OpCost:
    """Attention of packed tokens over a cache in blocks.

    Shapes:  query [T, N*H], key_cache [blocks, block, K, H], block_table [B, blocks per sequence]
    Count:   as GroupQueryAttention, each token with as many keys as its block table can hold
    Ignores: sequences that fill less of it meet fewer keys
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.PagedAttention
    """
    return _over_keys(node, size(node.input(7), 1) * size(node.input(3), 1))


@family.op("DynamicSparseAttention", "SparsePagedAttention")
def selected_attention(node: Node) -> OpCost:
    """Attention to keys that another operator selected, and to a window of recent ones.

    Shapes:  query [B, S, N*H] or [T, N*H], selected_indices [tokens, n]
    Count:   as GroupQueryAttention with n + local_window_size keys per token
    Ignores: rows that select fewer
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.DynamicSparseAttention
    """
    selected = node.input(7 if node.op_type == "DynamicSparseAttention" else 9)
    return _over_keys(node, size(selected, -1) + max(node.int("local_window_size", -1), 0))


@family.op("LongformerAttention", "QOrderedLongformerAttention")
def longformer_attention(node: Node) -> OpCost:
    """Attention to a window around each token and to a few global ones.

    Shapes:  input and output [B, S, D], weight and global_weight [D, 3*D]
    Count:   fmas = 2 * |input| * 3*D (local and global projection) + |input| * 2 * (2*window + 1) keys, at
             most S; per score as Attention
    Ignores: the global tokens, which are data
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.LongformerAttention; Beltagy et al.
             2020, arXiv:2004.05150
    """
    x, width = node.input(0), size(node.input(0), -1)
    keys = min(2 * positive(node, "window") + 1, size(x, 1))
    scores = size_without(x, -1) * positive(node, "num_heads") * keys
    return heavy(
        node,
        fmas=2 * x.numel * 3 * width + keys * 2 * x.numel,
        arithmetic=2 * 3 * x.numel + scores * (_SCORE + 1),
        transcendentals=scores,
        dtype=x.dtype,
    )
