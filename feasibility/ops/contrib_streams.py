"""Count com.microsoft's operators of single model families: gated, recurrent and n-gram layers.

Their formulas stand in the schemas of ONNX Runtime 1.32 (docs/ContribOperators.md).
"""

from __future__ import annotations

from math import prod

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.elementwise import PER_ELEMENT, SIGMOID, SWISH
from feasibility.ops.normalisation import rms_arithmetic
from feasibility.ops.roles import heavy, light
from feasibility.ops.rules import Family
from feasibility.ops.sizes import positive, size, size_without

family = Family(MICROSOFT_DOMAIN)

_CLAMPS = 3  # one bound on the gate, two on the other half
_TAPS = 4  # of the convolution in Mamba2Verify
_SOFTPLUS = PER_ELEMENT["Softplus"]

family.add("ScaledSiLU", SWISH.plus(1))


@family.op("SwiGLU")
def swiglu(node: Node) -> OpCost:
    """Multiply one half by the swish of the other, both clamped.

    Shapes:  gate and up like Y, or both halves in gate [..., 2*n]
    Count:   per output 4 arithmetic and an exp (swish) and a multiply; one more each where
             activation_alpha is not 1 and activation_beta not 0; 3 where limit is above 0
    Dtype:   of gate
    Source:  onnxruntime 1.32 schema, com.microsoft.SwiGLU
    """
    alpha = int(node.float("activation_alpha", 1.0) != 1.0)
    beta = int(node.float("activation_beta", 0.0) != 0.0)
    clamps = _CLAMPS * int(node.float("limit", 0.0) > 0)
    return SWISH.plus(1 + alpha + beta + clamps)(node)


@family.op("GatedAdd")
def gated_add(node: Node) -> OpCost:
    """Add a tensor that a gate per row scales.

    Shapes:  X, Y and output [..., C], gate [..., 1], or [..., K] with gate_weight [K, 1]
    Count:   two per element; fmas = |gate| and a sigmoid per row where the gate is projected
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GatedAdd
    """
    out = node.output(0)
    if not node.has_input(3):
        return light(node, arithmetic=2 * out.numel)
    rows = size_without(out, -1)
    return heavy(
        node,
        fmas=node.input(2).numel,
        arithmetic=2 * out.numel + SIGMOID.arithmetic * rows,
        transcendentals=rows,
    )


@family.op("GatedRMSNorm")
def gated_rms_norm(node: Node) -> OpCost:
    """Divide groups by their root mean square, then scale by an activated gate.

    Shapes:  X, gate and Y [..., H*C], scale [C]
    Count:   as RMSNormalization over C; per element a swish (4 and an exp; sigmoid: 3 and an exp) and a
             multiply
    Dtype:   of X
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.GatedRMSNorm
    """
    x = node.input(0)
    rows = x.numel // max(size(node.input(1), 0), 1)
    act = SIGMOID if node.string("activation", "silu") == "sigmoid" else SWISH
    return light(
        node,
        arithmetic=rms_arithmetic(x.numel, rows) + x.numel * (act.arithmetic + 1),
        transcendentals=rows + x.numel,
    )


@family.op("BranchwiseRMSNorm")
def branchwise_rms_norm(node: Node) -> OpCost:
    """Divide every branch by its root mean square.

    Shapes:  X and Y [..., C, H], or [..., C*H] with num_branches C; scale of either, or [H]
    Count:   as RMSNormalization over H; one arithmetic less per element without scale
    Dtype:   of X
    Source:  onnxruntime 1.32 schema, com.microsoft.BranchwiseRMSNorm
    """
    x = node.input(0)
    rows = size_without(x, -1) * max(node.int("num_branches", 0), 1)
    unscaled = 0 if node.has_input(1) else x.numel
    return light(node, arithmetic=rms_arithmetic(x.numel, rows) - unscaled, transcendentals=rows)


@family.op("CausalConvWithState", "VarlenCausalConvWithState")
def causal_conv(node: Node) -> OpCost:
    """Depthwise convolution over time that keeps its last inputs.

    Shapes:  input [B, C, T] or [tokens, C], weight [C, 1, k], output like input
    Count:   fmas = |output| * prod(k); one addition per output if bias; 4 and an exp with silu
    Ignores: the zeros in front of the first step count as work; the copy of the state
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.CausalConvWithState
    """
    y, kernel = node.output(0).numel, prod(node.input(1).dims[2:])
    bias = 2 if node.op_type == "CausalConvWithState" else 3
    silu = int(node.string("activation", "none") != "none")
    return heavy(
        node,
        fmas=y * kernel,
        arithmetic=y * (int(node.has_input(bias)) + silu * SWISH.arithmetic),
        transcendentals=y * silu * SWISH.transcendentals,
        op_class="depthwise",
    )


@family.op("EngramGate")
def engram_gate(node: Node) -> OpCost:
    """Gate a value by the similarity of normalised keys and queries.

    Shapes:  key, query and output [B, S, C, H], value [B, S, H]
    Count:   two RMSNormalizations, a multiply and an addition per element for the similarity; per row 4
             arithmetic (scale, absolute value, maximum, sign) and a sqrt, and a sigmoid; one multiply per
             output; another RMSNormalization if gated_value_normed is asked for
    Dtype:   of key
    Source:  onnxruntime 1.32 schema, com.microsoft.EngramGate
    """
    key = node.input(0)
    rows, norms = size_without(key, -1), 2 + int(node.has_output(1))
    per_row = 4 + SIGMOID.arithmetic
    return light(
        node,
        arithmetic=norms * rms_arithmetic(key.numel, rows) + 3 * key.numel + rows * per_row,
        transcendentals=rows * (norms + 2),
    )


@family.op("NGramHashMapping", "VarlenNGramHashMapping")
def n_gram_hash(node: Node) -> OpCost:
    """Hash the last n tokens at every place.

    Shapes:  input_ids [B, S] or [tokens], hash_ids [..., (n - 1) * heads]
    Count:   per id a multiply and an exclusive or per n-gram; per hash a remainder and an offset
    Dtype:   of input_ids
    Source:  onnxruntime 1.32 schema, com.microsoft.NGramHashMapping
    """
    shifts = 2 * node.int("max_ngram_size", 2) * node.input(0).numel
    return light(node, arithmetic=shifts + 2 * node.output(0).numel)


@family.op("HyperConnectionPreMix")
def hyper_connection_pre_mix(node: Node) -> OpCost:
    """Reduce streams to one, weighted by gates.

    Shapes:  streams [..., C, H] or [..., C*H], pre_mix a gate per stream or element, output [..., H]
    Count:   fmas = |streams|; arithmetic = |output| if reduction_scale is not 1
    Dtype:   of streams
    Source:  onnxruntime 1.32 schema, com.microsoft.HyperConnectionPreMix
    """
    scale = node.output(0).numel if node.float("reduction_scale", 1.0) != 1.0 else 0
    return heavy(node, fmas=node.input(0).numel, arithmetic=scale)


@family.op("HyperConnectionPostMix")
def hyper_connection_post_mix(node: Node) -> OpCost:
    """Mix streams and inject the output of a block.

    Shapes:  streams and output [..., C, H], stream_mix [..., C, C], post_mix [..., C]
    Count:   fmas = |streams| * C where stream_mix is given; two per element for the injection
    Dtype:   of streams
    Source:  onnxruntime 1.32 schema, com.microsoft.HyperConnectionPostMix
    """
    out = node.output(0).numel
    if not node.has_input(3):
        return light(node, arithmetic=2 * out)
    return heavy(node, fmas=out * size(node.input(3), -1), arithmetic=2 * out)


@family.op("HyperConnectionLowRankMix")
def hyper_connection_low_rank_mix(node: Node) -> OpCost:
    """Mix streams, normalise them, and reduce them by the gates of a small network.

    Shapes:  streams [..., C*H], down_weight [C*H, R], up_weight [R, C*H], inject_weight [C*H, C],
             pre_output [..., H], post_gate [..., C]
    Count:   fmas per row = |down_weight| + |up_weight| + |inject_weight| + C*H (the reduction); per element
             of streams as RMSNormalization over H, a sigmoid, and two more with the block before; per R
             a swish and a scale; per post_gate a sigmoid and two; per pre_output a scale
    Dtype:   of streams
    Source:  onnxruntime 1.32 schema, com.microsoft.HyperConnectionLowRankMix
    """
    x, down = node.input(0), node.input(2)
    rows, branches = size_without(x, -1), positive(node, "num_branches")
    hidden, gates, norms = rows * size(down, 1), rows * branches, rows * branches
    weights = sum(node.input(n).numel for n in (2, 3, 4))
    mixed = 2 * x.numel if node.has_input(5) else 0
    return heavy(
        node,
        fmas=rows * weights + x.numel,
        arithmetic=mixed
        + rms_arithmetic(x.numel, norms)
        + SIGMOID.arithmetic * x.numel
        + (SWISH.arithmetic + 1) * hidden
        + (SIGMOID.arithmetic + 2) * gates
        + x.numel // branches,
        transcendentals=norms + x.numel + hidden + gates,
    )


@family.op("Mamba2Verify")
def mamba2_verify(node: Node) -> OpCost:
    """Causal convolution, selective state space and gated normalisation of R tokens.

    Shapes:  projection [R, width], conv_weight [channels, 4] or [channels, 1, 4], D and dt_bias [heads],
             ssm_state [slots, heads, d_state, head_dim], Y [R, heads*head_dim]
    Count:   per token fmas = 4 * channels + 2 * heads*d_state*head_dim + |Y|/R: the taps, the update and the
             readout of the state, the skip. Per channel a bias and a swish; per state a multiply by its
             decay; per head a bias, softplus, maximum, multiply and exp; per output dt * x, a swish, a
             multiply, and as RMSNormalization over groups
    Ignores: snapshots that are copied
    Dtype:   of projection
    Source:  onnxruntime 1.32 schema, com.microsoft.Mamba2Verify; Dao and Gu 2024, arXiv:2405.21060
    """
    y, tokens, heads = node.output(0).numel, size(node.input(0), 0), node.input(7).numel
    channels, states = size(node.input(3), 0), size_without(node.input(2), 0)
    rows = tokens * positive(node, "n_groups")
    per_head = _SOFTPLUS.arithmetic + 3
    return heavy(
        node,
        fmas=tokens * (_TAPS * channels + 2 * states) + y,
        arithmetic=tokens * (channels * (1 + SWISH.arithmetic) + states + heads * per_head)
        + y * (2 + SWISH.arithmetic)
        + rms_arithmetic(y, rows),
        transcendentals=tokens * (channels + heads * (_SOFTPLUS.transcendentals + 1)) + y + rows,
    )
