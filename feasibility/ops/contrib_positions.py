"""Count what com.microsoft puts around attention: positions, gates, recurrent states, padding."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.attention import PER_PAIR, linear_attention, update_rule
from feasibility.ops.elementwise import SIGMOID
from feasibility.ops.normalisation import rms_arithmetic
from feasibility.ops.roles import heavy, light, move
from feasibility.ops.rules import Family
from feasibility.ops.sizes import elements, size, size_without

family = Family(MICROSOFT_DOMAIN)
family.add("LinearAttention", linear_attention)

_UNPACKED = 4  # rank of [B, N, S, H]
_GATE = 4  # gate_u * (gate_r * eco_a - 1) + 2
_BUCKET = 6  # arithmetic to find the bucket of a distance


@family.op("LinearAttentionGate")
def linear_attention_gate(node: Node) -> OpCost:
    """Make the decay and the update rate of a linear attention.

    Shapes:  a, b, decay and beta [B, T, H]
    Count:   per element of a: bias, softplus (one addition, exp, log) and scale; per element of b a sigmoid
    Dtype:   of a
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.LinearAttentionGate
    """
    gate, rate = node.input(0).numel, elements(node, 3)
    return light(
        node,
        arithmetic=3 * gate + SIGMOID.arithmetic * rate,
        transcendentals=2 * gate + SIGMOID.transcendentals * rate,
    )


@family.op("GatedDeltaNet")
def gated_delta_net(node: Node) -> OpCost:
    """Linear attention with a gate and the delta rule, tokens first.

    Shapes:  query [*T, N, E], key [*T, M, E], value [*T, K, F], or all three in one row, state
             [B, K, F, E], output [*T, max(N, K), F]
    Count:   per token E*F fmas a value head to update, as many to retrieve with a delta rule, and a head
             of the output to read; the gate multiplies the state, the rule corrects the value (2 each);
             the scale per output; an exp per decay
    Ignores: chunk-parallel forms; normalising query and key; what makes the gates
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GatedDeltaNet; Yang et al. 2024,
             arXiv:2412.06464
    """
    out, decays = node.output(0), elements(node, 4)
    width, values = _delta_sizes(node)
    gated, delta = update_rule(node)
    return heavy(
        node,
        fmas=width * (values * (1 + delta) + out.numel),
        arithmetic=values * (width * gated + 2 * delta) + out.numel,
        transcendentals=decays * gated,
    )


def _delta_sizes(node: Node) -> tuple[int, int]:
    """Return E, and the values of all tokens; packed, the state tells both."""
    if node.has_input(2):
        return size(node.input(0), -1), node.input(2).numel
    state, tokens = node.input(6), size_without(node.input(0), -1)
    return size(state, 3), tokens * size(state, 1) * size(state, 2)


@family.op("RotaryEmbedding", "MRotaryEmbedding")
def rotary_embedding(node: Node) -> OpCost:
    """Rotate pairs of features by an angle of their position.

    Shapes:  input [B, S, N*H] or [B, N, S, H], caches [max, R/2] where R <= H features rotate
    Count:   arithmetic = tokens * heads * 3*R: four multiplies and two additions a pair; of the caches
             one row a token is read
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.RotaryEmbedding; Su et al. 2021,
             arXiv:2104.09864
    """
    x, positions, cosines = node.input(0), node.input(1), node.input(2)
    half = size(cosines, -1)
    heads = x.numel // _head_size(node, 2 * half)  # of all tokens
    pairs = heads * (node.int("rotary_embedding_dim", 0) // 2 or half)
    rows = 2 * cosines.dtype.nbytes(_tokens(node) * half)
    return light(node, arithmetic=PER_PAIR * pairs, reads=x.nbytes + positions.nbytes + rows)


def _head_size(node: Node, default: int) -> int:
    x, heads = node.input(0), node.int("num_heads", 0)
    if len(x.dims) == _UNPACKED:
        return size(x, -1)
    return size(x, -1) // heads if heads else default


def _tokens(node: Node) -> int:
    x = node.input(0)
    return size(x, 0) * size(x, 2 if len(x.dims) == _UNPACKED else 1)


@family.op("GemmaRotaryEmbedding")
def gemma_rotary_embedding(node: Node) -> OpCost:
    """Rotate queries and keys whose halves are swapped already.

    Shapes:  emb [B, S, H], q, q_rot, k, k_rot [B, N, S, H]
    Count:   per element of q and k two multiplies and an addition; a sine and a cosine per element of emb
    Dtype:   of emb
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GemmaRotaryEmbedding
    """
    rotated = node.input(1).numel + node.input(3).numel
    return light(node, arithmetic=3 * rotated, transcendentals=2 * node.input(0).numel)


@family.op("RMSNormRotary")
def rms_norm_rotary(node: Node) -> OpCost:
    """Divide heads by their root mean square, then rotate them.

    Shapes:  X [B, S, heads, stride], scale [width], cosine [rows, R/2], Y [B, S, heads*width]
    Count:   as RMSNormalization over width, then 3 per rotated feature
    Dtype:   of X
    Source:  onnxruntime 1.32 schema, com.microsoft.RMSNormRotary
    """
    y, width = node.output(0).numel, size(node.input(1), 0)
    rows = y // width
    rotated = PER_PAIR * rows * size(node.input(3), -1)
    return light(node, arithmetic=rms_arithmetic(y, rows) + rotated, transcendentals=rows)


@family.op("RelativePositionBias")
def relative_position_bias(node: Node) -> OpCost:
    """Look a learned bias up for every distance of query and key.

    Shapes:  bias_table [buckets, N], output [1, N, S, L]
    Count:   6 arithmetic and a log per pair of positions for its bucket (compare, divide, scale, clamp,
             select, add)
    Ignores: copying a bias to each head: bytes, no arithmetic
    Dtype:   of bias_table
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.RelativePositionBias
    """
    out = node.output(0)
    pairs = size(out, 2) * size(out, 3)
    return light(node, arithmetic=_BUCKET * pairs, transcendentals=pairs)


@family.op("GatedRelativePositionBias")
def gated_relative_position_bias(node: Node) -> OpCost:
    """Scale a relative position bias by gates made of the query.

    Shapes:  query_layer [B, S, N*H], weight [H, D], output [B, N, S, S]
    Count:   fmas = |query| * D; one addition per query element, two per gate element (bias, sum), two
             sigmoids and four more per row of the output; one multiply per output
    Dtype:   of query_layer
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GatedRelativePositionBias
    """
    query, gates, out = node.input(0).numel, size(node.input(3), 1), node.output(0)
    rows = size_without(out, -1)
    return heavy(
        node,
        fmas=query * gates,
        arithmetic=query + rows * (2 * gates + 2 * SIGMOID.arithmetic + _GATE) + out.numel,
        transcendentals=2 * rows * SIGMOID.transcendentals,
    )


@family.op("RemovePadding", "RestorePadding")
def padding(node: Node) -> OpCost:
    """Take padding tokens out of a batch, or put them back.

    Shapes:  [B, S, D] and [T, D]
    Count:   a copy: as many bytes read as are written
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.RemovePadding
    """
    return move(node, reads=min(node.input(0).nbytes, node.output(0).nbytes))
