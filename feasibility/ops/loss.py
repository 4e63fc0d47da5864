"""Count losses, which training graphs hold."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.normalisation import SOFTMAX_ARITHMETIC
from feasibility.ops.roles import light
from feasibility.ops.rules import Family

family = Family()


def _pick(node: Node) -> int:
    """Count what is done with the entry of each label: negate, weigh, add up (and divide)."""
    weighted = int(node.has_input(2))
    reduced = int(node.string("reduction", "mean") != "none")
    mean = int(node.string("reduction", "mean") == "mean")
    per_label = 1 + weighted + reduced + weighted * mean
    return per_label * node.input(1).numel + mean


@family.op("NegativeLogLikelihoodLoss")
def negative_log_likelihood_loss(node: Node) -> OpCost:
    """Take the negative entry of each label.

    Shapes:  X [N, C, *D], target [N, *D], Y [N, *D] or a scalar
    Count:   per label: negate, one multiply if weighted, one addition if reduced, one more for the sum of
             the weights of a weighted mean; one division for a mean
    Dtype:   of X
    Source:  ONNX NegativeLogLikelihoodLoss-22
    """
    return light(node, arithmetic=_pick(node), reads=_labelled_bytes(node))


def _labelled_bytes(node: Node) -> int:
    """Return the bytes read: one entry of X per label, the labels, the weights."""
    x, labels = node.input(0), node.input(1)
    weights = node.input(2).nbytes if node.has_input(2) else 0
    return x.dtype.nbytes(labels.numel) + labels.nbytes + weights


@family.op("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy_loss(node: Node) -> OpCost:
    """Log-softmax over the classes, then the negative entry of each label.

    Shapes:  scores [N, C, *D], labels [N, *D], Y [N, *D] or a scalar
    Count:   per score 4 arithmetic and an exp, per label a log; then as NegativeLogLikelihoodLoss
    Dtype:   of scores
    Source:  ONNX SoftmaxCrossEntropyLoss-13
    """
    scores, labels = node.input(0).numel, node.input(1).numel
    return light(
        node,
        arithmetic=SOFTMAX_ARITHMETIC * scores + _pick(node),
        transcendentals=scores + labels,
    )
