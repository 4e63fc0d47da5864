"""Count mixtures of experts: each token runs through the few experts that its router chooses."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import MICROSOFT_DOMAIN, Node
from feasibility.ops.elementwise import GELU, SIGMOID, SWISH, PerElement
from feasibility.ops.normalisation import SOFTMAX_ARITHMETIC
from feasibility.ops.recurrent import activation
from feasibility.ops.roles import heavy
from feasibility.ops.rules import Family
from feasibility.ops.sizes import size, size_without

family = Family(MICROSOFT_DOMAIN)

_SIGMOID_ROUTER = SIGMOID.plus(1)  # per score, with the bias of the expert
ACTIVATIONS = {
    "gelu": GELU,
    "geglu": GELU.plus(1),  # one half gates the other
    "identity": PerElement(0),
    "relu": PerElement(1),
    "none": PerElement(0),
    "relu2": PerElement(2),
    "relu_squared": PerElement(2),
    "silu": SWISH,
    "swiglu": SWISH.plus(1),
}


def _experts(node: Node, *, hidden: int, inner: int, fused: int, weights: tuple[int, int, int]) -> OpCost:
    """Cost k experts per token: a product into `fused` times `inner`, one back, and a third if given.

    `weights` are the inputs that hold the three matrices of every expert.
    """
    x, scores = node.input(0), node.input(1).numel
    runs, experts = size_without(x, -1) * max(node.int("k", 1), 1), size(node.input(1), -1)
    default = "swiglu" if node.op_type == "MoEPacked" else "relu"
    act = activation(node, node.string("activation_type", default), ACTIVATIONS)
    matrix = hidden * inner
    products = dict(zip(weights, (fused * matrix, matrix, matrix), strict=True))
    used = {index: count for index, count in products.items() if node.has_input(index)}
    return heavy(
        node,
        fmas=runs * sum(used.values()),
        arithmetic=scores * SOFTMAX_ARITHMETIC + runs * (inner * act.arithmetic + 2 * hidden),
        transcendentals=scores + runs * inner * act.transcendentals,
        reads=x.nbytes + node.input(1).nbytes + _expert_bytes(node, min(runs, experts), experts),
        packed={index: experts * count for index, count in used.items()},
    )


def _expert_bytes(node: Node, chosen: int, experts: int) -> int:
    """Return the bytes of weights, scales and biases of so many experts: their first axis."""
    specs = [spec for spec in node.inputs[2:] if spec is not None and spec.dims[:1] == (experts,)]
    return sum(spec.nbytes for spec in specs) * chosen // max(experts, 1)


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
    fc1, inner = node.input(2), size(node.input(4), 2)
    return _experts(
        node, hidden=size(fc1, 2), inner=inner, fused=size(fc1, 1) // max(inner, 1), weights=(2, 4, 6)
    )


@family.op("QMoE")
def q_moe(node: Node) -> OpCost:
    """Mixture of experts with low-bit weights.

    Shapes:  as MoE, the last axis of the weights packed into bytes
    Count:   as MoE
    Ignores: unpacking and scaling the weights
    Dtype:   of input (weights are widened)
    Source:  onnxruntime docs/ContribOperators.md, com.microsoft.QMoE
    """
    rows, fused = size(node.input(2), 1), 2 if node.int("swiglu_fusion", 0) else 1
    return _experts(node, hidden=size(node.input(0), -1), inner=rows // fused, fused=fused, weights=(2, 5, 8))


@family.op("MoEPacked")
def moe_packed(node: Node) -> OpCost:
    """Mixture of experts with weights in packed blocks, gate and value apart.

    Shapes:  input [..., D], gate [E, I, bytes], up [E, I, bytes], down [E, D, bytes]
    Count:   as MoE, with two products per expert, three if up
    Ignores: unpacking and scaling the weights
    Dtype:   of input (weights are widened)
    Source:  onnxruntime 1.32 schema, com.microsoft.MoEPacked
    """
    hidden, inner = size(node.input(0), -1), size(node.input(2), 1)
    return _experts(node, hidden=hidden, inner=inner, fused=1, weights=(2, 3, 4))


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
        arithmetic=scores * _SIGMOID_ROUTER.arithmetic,
        transcendentals=scores * _SIGMOID_ROUTER.transcendentals,
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
