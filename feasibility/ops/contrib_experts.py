"""Count mixtures of experts: each token runs through the few experts that its router chooses."""

from __future__ import annotations

from collections.abc import Sequence

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node, TensorSpec
from feasibility.ops.elementwise import GELU, SWISH, PerElement
from feasibility.ops.normalisation import SOFTMAX_ARITHMETIC
from feasibility.ops.roles import heavy
from feasibility.ops.rules import Family
from feasibility.ops.sizes import size, size_without

family = Family(MICROSOFT_DOMAIN)

_SIGMOID_ROUTER = 4  # per score: a sigmoid, and the bias of the expert
_ACTIVATIONS = {
    "gelu": GELU,
    "geglu": GELU.plus(1),  # one half gates the other
    "identity": PerElement(0),
    "relu": PerElement(1),
    "relu2": PerElement(2),
    "silu": SWISH,
    "swiglu": SWISH.plus(1),
}


def _experts(node: Node, *, hidden: int, inner: int, matrices: int, weights: Sequence[TensorSpec]) -> OpCost:
    """Cost k experts per token, each of so many hidden x inner products."""
    x, scores = node.input(0), node.input(1).numel
    tokens = size_without(x, -1)
    runs, experts = tokens * max(node.int("k", 1), 1), size(weights[0], 0)
    act = _ACTIVATIONS.get(node.string("activation_type", "relu"), SWISH)
    chosen = min(runs, experts)
    return heavy(
        node,
        fmas=runs * hidden * inner * matrices,
        arithmetic=scores * SOFTMAX_ARITHMETIC + runs * (inner * act.arithmetic + 2 * hidden),
        transcendentals=scores + runs * inner * act.transcendentals,
        reads=x.nbytes + node.input(1).nbytes + sum(w.nbytes for w in weights) * chosen // max(experts, 1),
    )


def _given(node: Node, *indices: int) -> list[TensorSpec]:
    return [node.input(index) for index in indices if node.has_input(index)]


@family.op("MoE")
def moe(node: Node) -> OpCost:
    """Mixture of experts with real weights.

    Shapes:  input [tokens, D], router_probs [tokens, E], fc1 [E, f*I, D] with f = 2 where gate and value
             are one matrix, fc2 [E, D, I], fc3 [E, I, D] where they are two
    Count:   fmas = tokens * k * D*I * (f + 1 + 1 if fc3); a softmax over the router's scores; the
             activation per inner element, bias and weighting 2 per output of an expert; of the
             weights only those of at most tokens * k experts are read
    Ignores: the search for the k largest scores
    Dtype:   of input
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.MoE; Shazeer et al. 2017, arXiv:1701.06538
    """
    fc1, fc2 = node.input(2), node.input(4)
    inner = size(fc2, 2)
    matrices = size(fc1, 1) // max(inner, 1) + 1 + int(node.has_input(6))
    return _experts(node, hidden=size(fc1, 2), inner=inner, matrices=matrices, weights=_given(node, 2, 4, 6))


@family.op("QMoE")
def q_moe(node: Node) -> OpCost:
    """Mixture of experts with low-bit weights.

    Shapes:  as MoE, the last axis of the weights packed into bytes
    Count:   as MoE
    Ignores: unpacking and scaling the weights
    Dtype:   of input (weights are widened)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QMoE
    """
    rows, hidden = size(node.input(2), 1), size(node.input(0), -1)
    fused = 2 if node.int("swiglu_fusion", 0) else 1
    matrices = fused + 1 + int(node.has_input(8))
    return _experts(
        node, hidden=hidden, inner=rows // fused, matrices=matrices, weights=_given(node, 2, 5, 8)
    )


@family.op("MoEPacked")
def moe_packed(node: Node) -> OpCost:
    """Mixture of experts with weights in packed blocks, gate and value apart.

    Shapes:  input [..., D], gate [E, I, bytes], up [E, I, bytes], down [E, D, bytes]
    Count:   as MoE, with two products per expert, three if up
    Ignores: unpacking and scaling the weights
    Dtype:   of input (weights are widened)
    Source:  onnxruntime 1.32 schema, com.microsoft.MoEPacked
    """
    matrices = 2 + int(node.has_input(3))
    hidden, inner = size(node.input(0), -1), size(node.input(2), 1)
    return _experts(node, hidden=hidden, inner=inner, matrices=matrices, weights=_given(node, 2, 3, 4))


@family.op("MoEGroupRouter")
def moe_group_router(node: Node) -> OpCost:
    """Score experts by a sigmoid, in groups.

    Shapes:  logits [tokens, E], or activations [tokens, D] and projection_weight [E, D]
    Count:   fmas = tokens * E * D where it projects; per score a sigmoid and the expert's bias
    Ignores: the choice of groups and experts
    Dtype:   of logits
    Source:  onnxruntime 1.32 schema, com.microsoft.MoEGroupRouter
    """
    x, projects = node.input(0), node.has_input(2)
    experts = size(node.input(2), 0) if projects else size(x, -1)
    scores = size_without(x, -1) * experts
    return heavy(
        node,
        fmas=scores * size(x, -1) if projects else 0,
        arithmetic=scores * _SIGMOID_ROUTER,
        transcendentals=scores,
    )


@family.op("RouterGateUpProj")
def router_gate_up(node: Node) -> OpCost:
    """Project to the router's logits and to a gated expert at once.

    Shapes:  X [..., K], W [K, router + 2*I], outputs [..., router] and [..., I]
    Count:   fmas = rows * |W|; a gated activation per element of the second output
    Dtype:   of X
    Source:  onnxruntime 1.32 schema, com.microsoft.RouterGateUpProj
    """
    activated = node.output(1).numel
    act = SWISH.plus(1)
    return heavy(
        node,
        fmas=size_without(node.input(0), -1) * node.input(1).numel,
        arithmetic=activated * act.arithmetic,
        transcendentals=activated * act.transcendentals,
    )
