"""Count com.microsoft's attention of generators: heads in groups, over caches that grow or are paged.

The convention is that of ONNX Attention: masks save no work, a past counts with its keys.
"""

from __future__ import annotations

from itertools import pairwise

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.attention import PER_PAIR, in_place, past_keys, scored
from feasibility.ops.normalisation import rms_arithmetic
from feasibility.ops.rules import Family
from feasibility.ops.sizes import flag, given, known_integers, known_scalar, positive, size, size_without

family = Family(MICROSOFT_DOMAIN)

_CACHES = {3: 1, 4: 2}  # key and value: the input, and the output that it becomes


def _prepared(node: Node, *, new: int, cosines: int, norm: int | None = None) -> int:
    """Return what it takes to normalise and to turn each head of the new queries and keys.

    `new` are new tokens, `cosines` and `norm` the inputs that hold the cache and the weights.
    """
    head = _head_size(node)
    rows = new * (positive(node, "num_heads") + positive(node, "kv_num_heads"))
    pairs = size(node.input(cosines), -1) if node.has_input(cosines) else head // 2
    turned = PER_PAIR * rows * pairs * flag(node, "do_rotary")
    return turned + (rms_arithmetic(rows * head, rows) if norm is not None and node.has_input(norm) else 0)


def _head_size(node: Node) -> int:
    """Return the features of a query head; without a key, Q, K and V stand in one row."""
    heads = positive(node, "num_heads")
    in_a_row = heads if node.has_input(1) else heads + 2 * positive(node, "kv_num_heads")
    return size(node.input(0), -1) // in_a_row


def _grouped(node: Node, *, keys: int, masks: int = 0, arithmetic: int = 0) -> OpCost:
    """Cost attention of every row that comes out to so many keys."""
    out = node.output(0)
    rows = size_without(out, -1) * positive(node, "num_heads")
    return scored(
        node,
        rows=rows,
        keys=keys,
        per_key=rows * _head_size(node) + out.numel,
        masks=masks,
        softcap=node.float("softcap", 0.0) != 0.0,
        arithmetic=arithmetic,
    )


@family.op("GroupQueryAttention")
def group_query_attention(node: Node) -> OpCost:
    """Attention whose query heads share fewer key heads, over a growing cache.

    Shapes:  query [B, S, N*H] or QKV [B, S, (N + 2*K)*H], key and value [B, L, K*H],
             past_key [B, K, P, H], output [B, S, N*H]
    Count:   fmas = T * 2*|output| with T keys: total_sequence_length, or the largest of seqlens_k + 1,
             where the graph fixes them, else P + L, and what a sliding_window_cache holds at most; per
             score as Attention with one mask if causal, two and a tanh more with softcap; 6 per pair
             of query and key with do_rotary; RMSNormalization of both with q_norm_weight. A cache that
             stays as long is a buffer: T of its places are read and L written
    Ignores: masks and local_window_size save no work; widening a quantised cache
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GroupQueryAttention; Ainslie et al.
             2023, arXiv:2305.13245
    """
    new, kept = size(node.input(1 if node.has_input(1) else 0), 1), past_keys(node, 3, 2)
    keys = _keys_of_group(node, kept, new)
    cost = _grouped(
        node,
        keys=keys,
        masks=given(node, 10) + flag(node, "causal", 1),
        arithmetic=_prepared(node, new=size_without(node.output(0), -1), cosines=7, norm=14),
    )
    is_buffer = kept > 0 and node.has_output(1) and size(node.output(1), 2) == kept
    return in_place(node, cost, _CACHES, kept=kept, read=keys, new=new) if is_buffer else cost


def _keys_of_group(node: Node, past: int, fresh: int) -> int:
    total, last = known_scalar(node, 6), known_integers(node, 5)
    told = max(last) + 1 if total is None and last else total
    keys = past + fresh if told is None else told
    return min(keys, max(past, fresh)) if flag(node, "sliding_window_cache") else keys


@family.op("SparseAttention")
def sparse_attention(node: Node) -> OpCost:
    """Attend in groups, and skip blocks of keys.

    Shapes:  as GroupQueryAttention; past_key [B, K, max, H]
    Count:   as GroupQueryAttention with T = total_sequence_length where it is known, else the whole cache;
             T of its places are read and S written
    Ignores: the blocks that its mask leaves out count as work: which they are is data
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.SparseAttention
    """
    told, kept = known_scalar(node, 7), past_keys(node, 3, 2)
    keys = kept if told is None else told
    prepared = _prepared(node, new=size_without(node.output(0), -1), cosines=9)
    cost = _grouped(node, keys=keys, masks=1, arithmetic=prepared)
    return in_place(node, cost, _CACHES, kept=kept, read=keys, new=size(node.output(0), 1))


@family.op("PagedAttention")
def paged_attention(node: Node) -> OpCost:
    """Attention of packed tokens over a cache in blocks.

    Shapes:  query [T, N*H] or QKV [T, (N + 2*K)*H], key_cache [blocks, block, K, H], block_table
             [B, blocks per sequence], output [T, N*V]
    Count:   as GroupQueryAttention; each token meets the past and the new tokens of its sequence, where
             past_seqlens and cumulative_sequence_length are known, else as many as the block table can
             hold; so many places of the cache are read, and one a token written
    Ignores: masks and local_window_size save no work; widening a quantised cache
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.PagedAttention
    """
    out, heads, tokens = node.output(0), positive(node, "num_heads"), size(node.input(0), 0)
    places, pairs = _paged(node, tokens)
    cost = scored(
        node,
        rows=heads,
        keys=pairs,
        per_key=heads * _head_size(node) + size(out, -1),
        masks=flag(node, "is_causal", 1),
        softcap=node.float("softcap", 0.0) != 0.0,
        arithmetic=_prepared(node, new=tokens, cosines=8, norm=12),
    )
    return in_place(node, cost, _CACHES, kept=_pool(node), read=places, new=tokens)


def _pool(node: Node) -> int:
    """Return the places of all blocks."""
    return size(node.input(3), 0) * size(node.input(3), 1)


def _paged(node: Node, tokens: int) -> tuple[int, int]:
    """Return the keys of all sequences, and the pairs of a token and a key of its sequence."""
    ends, past = known_integers(node, 5), known_integers(node, 6)
    if ends is None or past is None:
        most = size(node.input(7), 1) * size(node.input(3), 1)
        return size(node.input(7), 0) * most, tokens * most
    new = [end - start for start, end in pairwise(ends)]
    totals = [kept + fresh for kept, fresh in zip(past, new, strict=True)]
    return sum(totals), sum(fresh * total for fresh, total in zip(new, totals, strict=True))


@family.op("DynamicSparseAttention")
def dynamic_sparse_attention(node: Node) -> OpCost:
    """Attention to keys that another operator selected, and to a window of recent ones.

    Shapes:  query as in GroupQueryAttention, selected_indices [B*S, n], output [B, S, N*H]
    Count:   as GroupQueryAttention, where the selection saves work: n keys per token, and
             local_window_size more with local_plus_selected; so many places of the cache are read
    Ignores: rows that select fewer; widening a quantised cache
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.DynamicSparseAttention
    """
    tokens, keys, kept = size_without(node.output(0), -1), _selected_keys(node, 7), past_keys(node, 3, 2)
    prepared = _prepared(node, new=tokens, cosines=11, norm=14)
    cost = _grouped(node, keys=keys, masks=1, arithmetic=prepared)
    length = size(node.output(0), 1)
    return in_place(node, cost, _CACHES, kept=kept, read=length * keys, new=length) if kept else cost


@family.op("SparsePagedAttention")
def sparse_paged_attention(node: Node) -> OpCost:
    """Attention over a cache in blocks to keys that another operator selected.

    Shapes:  query and caches as in PagedAttention, selected_indices [T, n], output [T, N*H]
    Count:   as DynamicSparseAttention
    Ignores: as DynamicSparseAttention
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.SparsePagedAttention
    """
    tokens, keys = size(node.input(0), 0), _selected_keys(node, 9)
    prepared = _prepared(node, new=tokens, cosines=14, norm=17)
    cost = _grouped(node, keys=keys, masks=1, arithmetic=prepared)
    return in_place(node, cost, _CACHES, kept=_pool(node), read=tokens * keys, new=tokens)


def _selected_keys(node: Node, selected: int) -> int:
    is_local = node.string("attention_mode", "selected_only") == "local_plus_selected"
    return size(node.input(selected), -1) + (max(node.int("local_window_size", -1), 0) if is_local else 0)
