"""Find batch normalisation that an exporter or an optimiser folded into convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from feasibility.cost import ModelCost, NodeCost
from feasibility.ir import Node

_CONVOLUTIONS = frozenset({"Conv", "FusedConv", "QLinearConv", "NhwcFusedConv"})
_WEIGHT = {"QLinearConv": 3}  # the input that holds it, where that is not 1
_BIAS = {"QLinearConv": 8}  # as above, where that is not 2
# How folded weights are called: PyTorch's exporter numbers the initializers that it computes, where
# it keeps the parameter's own name otherwise (torch.onnx, constant folding; 2026-11); ONNX Runtime's
# optimiser (core/optimizer/conv_bn_fusion.cc) and its quantiser keep these beginnings.
_FOLDED_NAMES = ("onnx::Conv_", "ConvBnFusion_W_")
# With one of these, a network needs no batch normalisation.
_OTHER_NORMALISATIONS = frozenset({
    "BatchNormalization", "GroupNormalization", "InstanceNormalization", "LayerNormalization",
    "RMSNormalization", "SimplifiedLayerNormalization", "SkipLayerNormalization", "GroupNorm",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """Convolutions that hold a batch normalisation, and how many elements they write.

    Certain where the names of the weights tell; else each convolution with a bias may
    hold one, as the graph has no normalisation at all.
    """

    convolutions: int
    elements: int
    is_certain: bool


def folded_normalisation(cost: ModelCost) -> Folded | None:
    """Return what is folded for certain, else what may be, else None."""
    convolutions = [n for n in cost.nodes if n.node.op_type in _CONVOLUTIONS and n.cost is not None]
    named = [n for n in convolutions if _weight(n.node).startswith(_FOLDED_NAMES)]
    if named:
        return _folded(named, is_certain=True)
    if any(n.node.op_type in _OTHER_NORMALISATIONS for n in cost.nodes):
        return None
    biased = [n for n in convolutions if n.node.has_input(_BIAS.get(n.node.op_type, 2))]
    return _folded(biased, is_certain=False) if biased else None


def _weight(node: Node) -> str:
    return node.input(_WEIGHT.get(node.op_type, 1)).name


def _folded(nodes: Sequence[NodeCost], *, is_certain: bool) -> Folded:
    elements = sum(n.runs * n.node.output(0).numel for n in nodes)
    return Folded(convolutions=len(nodes), elements=elements, is_certain=is_certain)
