"""Count attention and what models put around it: caches, rotations, short convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from feasibility.cost import OpCost
from feasibility.errors import FeasibilityError
from feasibility.ir import DType, Node
from feasibility.ops.elementwise import SWISH
from feasibility.ops.normalisation import SOFTMAX_ARITHMETIC
from feasibility.ops.roles import heavy, light
from feasibility.ops.rules import Family
from feasibility.ops.sizes import flag, given, known_integers, positive, size, size_without

family = Family()

_PACKED_RANK = 3  # [batch, sequence, heads * head size]
PER_PAIR = 6  # a rotation: four multiplies and two additions


def scored(  # noqa: PLR0913 (the parts of one cost)
    node: Node,
    *,
    rows: int,
    keys: int,
    per_key: int,
    masks: int = 0,
    softcap: bool = False,
    fmas: int = 0,
    arithmetic: int = 0,
    dtype: DType | None = None,
) -> OpCost:
    """Cost the two products around `rows` x `keys` scores, and what else the operator does.

    `rows` are query positions over all heads. A key meets `per_key` multiply-adds: |Q| before the
    softmax, |Y| behind it. A score is scaled, masked by one addition each, capped and normalised.
    """
    scores = rows * keys
    return heavy(
        node,
        fmas=fmas + keys * per_key,
        arithmetic=arithmetic + scores * (1 + masks + 2 * softcap + SOFTMAX_ARITHMETIC),
        transcendentals=scores * (1 + softcap),
        dtype=dtype,
    )


def in_place(  # noqa: PLR0913 (sizes of one cache)
    node: Node, cost: OpCost, caches: Mapping[int, int], *, kept: int, read: int, new: int
) -> OpCost:
    """Return the cost over caches that are written where they lie.

    `caches` maps their inputs to their outputs. Of the `kept` places in each, so many are read
    and the new ones written.
    """
    stored = {index: node.input(index) for index in caches if node.has_input(index)}
    inputs = {
        spec.name: spec.nbytes for n, spec in enumerate(node.inputs) if spec is not None and n not in stored
    }
    outputs = [
        spec.nbytes for n, spec in enumerate(node.outputs) if spec is not None and n not in caches.values()
    ]
    whole = sum(spec.nbytes for spec in stored.values())
    return replace(
        cost,
        reads=sum(inputs.values()) + whole * min(read, kept) // max(kept, 1),
        writes=sum(outputs) + whole * min(new, kept) // max(kept, 1),
    )


@family.op("Attention")
def attention(node: Node) -> OpCost:
    """Scaled dot-product attention, any number of key and value heads.

    Shapes:  Q [B, H, L, E], K [B, G, S', E], V [B, G, S', F], Y [B, H, L, F], or packed
             [B, L, H * E] ...; past_key [B, G, P, E]
    Count:   fmas = B*H*L*S*(E + F), written S * (|Q| + |Y|), with S = P + S' keys, or the longest of
             nonpad_kv_seqlen where the graph fixes it; per score: one multiply by the scale, one
             addition per mask (attn_mask, is_causal), two and a tanh for softcap, four and an exp for
             softmax
    Ignores: masks and windows save no work (a causal mask counts in full); scores stay on chip unless
             the fourth output asks for them
    Dtype:   of Q
    Source:  ONNX Attention-25
    """
    return scored(
        node,
        rows=_query_rows(node),
        keys=_keys(node),
        per_key=node.input(0).numel + node.output(0).numel,
        masks=given(node, 3) + flag(node, "is_causal"),
        softcap=node.float("softcap", 0.0) != 0.0,
    )


def _keys(node: Node) -> int:
    """Return past and new keys; a cache that is filled in part says how far."""
    filled = known_integers(node, 6)
    return max(filled) if filled else size(node.input(1), -2) + past_keys(node, 4)


def past_keys(node: Node, index: int, axis: int = -2) -> int:
    """Return the length of an optional cache."""
    return size(node.input(index), axis) if node.has_input(index) else 0


def _query_rows(node: Node) -> int:
    """Return batch x query heads x query length, whichever way Q is packed."""
    q = node.input(0)
    heads = positive(node, "q_num_heads") if len(q.dims) == _PACKED_RANK else 1
    return size_without(q, -1) * heads


# Whether a gate decays the state, and whether v is corrected by what the state predicts.
_UPDATE_RULES = {
    "linear": (False, False),
    "gated": (True, False),
    "delta": (False, True),
    "gated_delta": (True, True),
}


@family.op("LinearAttention")
def linear_attention(node: Node) -> OpCost:
    """Attention through a running state instead of a matrix of scores.

    Shapes:  query [B, T, H * E], key [B, T, G * E], value [B, T, G * F], state [B, G, E, F],
             Y [B, T, max(H, G) * F]
    Count:   per token, E*F fmas for each head that comes out (read the state) and each of the G
             key heads (add k v'), and E*F more a key head for the delta rules (what the
             state predicts). arithmetic: a gate multiplies the state (E*F a key head),
             a delta rule corrects v (2 * |value|), the scale |Y|. exp once per decay
    Ignores: chunk-parallel forms, which do more work in fewer steps
    Dtype:   of query
    Source:  ONNX LinearAttention-27
    """
    key, value, y = node.input(1), node.input(2), node.output(0)
    features = size(value, -1) // positive(node, "kv_num_heads")
    gated, delta = update_rule(node)
    return heavy(
        node,
        fmas=features * (max(node.input(0).numel, key.numel) + key.numel * (1 + delta)),
        arithmetic=features * key.numel * gated + 2 * value.numel * delta + y.numel,
        transcendentals=node.input(4).numel if gated else 0,
    )


def update_rule(node: Node) -> tuple[bool, bool]:
    """Return whether a gate decays the state, and whether the delta rule corrects v."""
    name = node.string("update_rule", "gated_delta")
    if name not in _UPDATE_RULES:
        msg = f"node {node.name!r} ({node.op_type}): no update rule is called {name!r}"
        raise FeasibilityError(msg)
    return _UPDATE_RULES[name]


@family.op("CausalConvWithState")
def causal_conv_with_state(node: Node) -> OpCost:
    """Depthwise convolution over time that keeps its last inputs.

    Shapes:  X [B, C, T], W [C, 1, k], Y [B, C, T]
    Count:   fmas = |Y| * k; arithmetic = |Y| if bias; activation silu: 4 arithmetic and an exp
    Ignores: the zeros in front of the first step count as work
    Dtype:   of X
    Source:  ONNX CausalConvWithState-27
    """
    y = node.output(0).numel
    silu = int(node.string("activation", "none") != "none")
    return heavy(
        node,
        fmas=y * size(node.input(1), 2),
        arithmetic=y * (int(node.has_input(2)) + silu * SWISH.arithmetic),
        transcendentals=y * silu * SWISH.transcendentals,
        op_class="depthwise",
    )


@family.op("RotaryEmbedding")
def rotary_embedding(node: Node) -> OpCost:
    """Rotate pairs of features by an angle of their position.

    Shapes:  X [B, H, T, E] or [B, T, H * E]; caches [..., R/2] where R <= E features rotate
    Count:   arithmetic = B*T*H * 3*R: four multiplies and two additions a pair; with
             position_ids only the rows they name are read from the caches
    Dtype:   of X
    Source:  ONNX RotaryEmbedding-23; Su et al. 2021, arXiv:2104.09864
    """
    x, cosines = node.input(0), node.input(1)
    heads = positive(node, "num_heads") if len(x.dims) == _PACKED_RANK else 1
    pairs = size_without(x, -1) * heads * size(cosines, -1)
    return light(node, arithmetic=PER_PAIR * pairs, reads=_rotary_reads(node))


def _rotary_reads(node: Node) -> int | None:
    if not node.has_input(3):
        return None
    cosines, positions = node.input(1), node.input(3)
    rows = 2 * cosines.dtype.nbytes(positions.numel * size(cosines, -1))
    return node.input(0).nbytes + positions.nbytes + rows
