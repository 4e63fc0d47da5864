"""Count what com.microsoft puts around attention: positions, gates, recurrent states, padding."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.attention import PER_PAIR, linear_attention
from feasibility.ops.normalisation import rms_arithmetic
from feasibility.ops.roles import heavy, light, move
from feasibility.ops.rules import Family
from feasibility.ops.sizes import size, size_without

family = Family(MICROSOFT_DOMAIN)
family.add("LinearAttention", linear_attention)

_UNPACKED = 4  # rank of [B, N, S, H]
_BUCKET = 6  # arithmetic to find the bucket of a distance: compare, divide, scale, clamp, select, add


def _elements(node: Node, index: int) -> int:
    return node.input(index).numel if node.has_input(index) else 0


@family.op("LinearAttentionGate")
def linear_attention_gate(node: Node) -> OpCost:
    """Make the decay and the update rate of a linear attention.

    Shapes:  a, b, decay and beta [B, T, H]
    Count:   per element of a: bias, softplus (one addition, exp, log) and scale; per element of b a sigmoid
    Dtype:   of a
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.LinearAttentionGate
    """
    gate, rate = node.input(0).numel, _elements(node, 3)
    return light(node, arithmetic=3 * gate + 3 * rate, transcendentals=2 * gate + rate)


@family.op("GatedDeltaNet")
def gated_delta_net(node: Node) -> OpCost:
    """Linear attention with a gate and the delta rule, tokens first.

    Shapes:  query [T, N, E], key [T, M, E], value [T, K, F], state [B, K, F, E], output [T, max(N, K), F]
    Count:   per token E*F fmas a value head to retrieve and to update, and a head of the output to read;
             the gate multiplies the state, the rule corrects the value (2 each); an exp per decay
    Ignores: chunk-parallel forms; normalising query and key
    Dtype:   of query
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GatedDeltaNet; Yang et al. 2024,
             arXiv:2412.06464
    """
    value, features = node.input(2), size(node.input(0), -1)
    decays = _elements(node, 4)
    return heavy(
        node,
        fmas=features * (2 * value.numel + node.output(0).numel),
        arithmetic=value.numel * (features * int(decays > 0) + 2),
        transcendentals=decays,
    )


@family.op("RotaryEmbedding", "MRotaryEmbedding")
def rotary_embedding(node: Node) -> OpCost:
    """Rotate pairs of features by an angle of their position.

    Shapes:  input [B, S, N*H] or [B, N, S, H], caches [max, R/2] where R <= H features rotate
    Count:   arithmetic = tokens * heads * 3*R: four multiplies and two additions a pair; of the caches
             only the rows of the positions are read
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.RotaryEmbedding; Su et al. 2021,
             arXiv:2104.09864
    """
    x, positions, cosines = node.input(0), node.input(1), node.input(2)
    half = size(cosines, -1)
    rotating = node.int("rotary_embedding_dim", 0) or 2 * half
    head = size(x, -1) if len(x.dims) == _UNPACKED else _head_size(node, size(x, -1), 2 * half)
    pairs = x.numel // head * (rotating // 2)
    rows = 2 * cosines.dtype.nbytes(positions.numel * half)
    return light(node, arithmetic=PER_PAIR * pairs, reads=x.nbytes + positions.nbytes + rows)


def _head_size(node: Node, width: int, default: int) -> int:
    heads = node.int("num_heads", 0)
    return width // heads if heads else default


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
    Count:   6 arithmetic and a log per pair of positions for its bucket; the output is written
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
    Count:   fmas = |query| * D; one addition per query element and per gate element; two sigmoids and
             three more per query row; one multiply per output
    Dtype:   of query_layer
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GatedRelativePositionBias
    """
    query, gates, out = node.input(0).numel, size(node.input(3), 1), node.output(0)
    rows = size_without(out, -1)
    return heavy(
        node,
        fmas=query * gates,
        arithmetic=query + 2 * rows * gates + rows * (2 * 3 + 3) + out.numel,
        transcendentals=2 * rows,
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
