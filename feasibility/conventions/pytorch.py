"""Count as torchvision's table of models and as fvcore do: one multiply-add is one FLOP."""

from __future__ import annotations

from math import prod

from feasibility.conventions.records import Formula, Tool
from feasibility.cost import NodeCost
from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN, NCHWC_DOMAIN

_DOMAINS = frozenset({DEFAULT_DOMAIN, MICROSOFT_DOMAIN, NCHWC_DOMAIN})
# Operators that were convolutions, linear layers and matrix products in PyTorch, fused or quantised since.
# Attention that an optimiser fused stood there as products; ai.onnx's own Attention comes from PyTorch's
# fused function, and recurrent layers from its own kernels: neither tool has an entry for those.
_PRODUCTS = (
    "Conv", "ConvInteger", "ConvTranspose", "FusedConv", "NhwcFusedConv", "NhwcConv", "QLinearConv",
    "Gemm", "FusedGemm", "GemmFastGelu", "QGemm", "MatMul", "FusedMatMul", "FusedMatMulActivation",
    "MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "QLinearMatMul", "MatMulNBits",
    "MatMulBnb4", "TransposeMatMul", "Einsum", "Attention", "MultiHeadAttention", "PackedAttention",
    "PackedMultiHeadAttention", "DecoderMaskedMultiHeadAttention", "GroupQueryAttention", "QAttention",
)  # fmt: skip
_FUSED_IN_PYTORCH = (DEFAULT_DOMAIN, "Attention")
_SPATIAL_RANK = 4  # fvcore knows the two-dimensional forms only


def _fmas(found: NodeCost) -> int:
    """Count the multiply-adds of one run; 0 for what was one fused function in PyTorch."""
    if found.cost is None or (found.node.domain, found.node.op_type) == _FUSED_IN_PYTORCH:
        return 0
    return found.cost.fmas


def _matmul(found: NodeCost) -> int:
    """Count |A| * N, which leaves out a batch that only B has."""
    a, b = found.node.input(0).dims, found.node.input(1).dims
    return prod(a) * b[-1] if min(len(a), len(b)) > 1 else _fmas(found)


def _written(found: NodeCost) -> int:
    return found.node.output(0).numel


def _normalisation(found: NodeCost) -> int:
    return 5 * _written(found)


def _batch_normalisation(found: NodeCost) -> int:
    return (5 if found.node.int("training_mode", 0) else 2) * _written(found)


def _adaptive_average(found: NodeCost) -> int:
    x = found.node.input(0)
    return x.numel if len(x.dims) == _SPATIAL_RANK else 0


def _resize(found: NodeCost) -> int:
    each = {"nearest": 1, "linear": 4}.get(found.node.string("mode", "nearest"), 0)
    y = found.node.output(0)
    return each * y.numel if len(y.dims) == _SPATIAL_RANK else 0


def _sampled(found: NodeCost) -> int:
    return 4 * _written(found)


_MULTIPLY_ADDS = Formula(_fmas, "its multiply-adds, bias left out")
_FIVE = Formula(_normalisation, "5 per element")
_RESIZED = Formula(_resize, "per output element 1 (nearest) or 4 (linear), of images")

TORCHVISION = Tool(
    name="torchvision",
    unit="multiply-adds",
    formulas=dict.fromkeys(_PRODUCTS, _MULTIPLY_ADDS),
    domains=_DOMAINS,
    constants=False,
    unfolded=0,
    source="pytorch/vision, test/common_extended_utils.py, flop_mapping and get_ops (read 2026-11-26)",
)
FVCORE = Tool(
    name="fvcore",
    unit="FLOP, a multiply-add being one",
    formulas=dict.fromkeys(_PRODUCTS, _MULTIPLY_ADDS)
    | {
        "MatMul": Formula(_matmul, "elements of A times columns of B"),
        "BatchNormalization": Formula(_batch_normalisation, "2 per element, 5 in training"),
        "LayerNormalization": _FIVE,
        "SkipLayerNormalization": _FIVE,
        "GroupNormalization": _FIVE,
        "GroupNorm": _FIVE,
        "InstanceNormalization": _FIVE,
        "GlobalAveragePool": Formula(_adaptive_average, "1 per input element, of images"),
        "Resize": _RESIZED,
        "Upsample": _RESIZED,
        "GridSample": Formula(_sampled, "4 per output element"),
    },
    domains=_DOMAINS,
    constants=False,
    unfolded=2,
    source="facebookresearch/fvcore, fvcore/nn/flop_count.py and jit_handles.py (read 2026-11-26)",
)
