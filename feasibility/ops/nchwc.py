"""Count com.microsoft.nchwc: what ONNX Runtime writes where it keeps channels in blocks.

Channels are rounded up to a block there, and weights with them: the file no longer says how
many were asked for, so the padding counts, as it is computed.
"""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import NCHWC_DOMAIN, Node
from feasibility.ops.contrib import fused_activation
from feasibility.ops.convolution import conv_class
from feasibility.ops.interpolate import resize
from feasibility.ops.pooling import average_pool, global_average_pool, global_max_pool, max_pool
from feasibility.ops.roles import heavy, move
from feasibility.ops.rules import Family
from feasibility.ops.sizes import size_without

family = Family(NCHWC_DOMAIN)
family.add("AveragePool", average_pool)
family.add("GlobalAveragePool", global_average_pool)
family.add("GlobalMaxPool", global_max_pool)
family.add("MaxPool", max_pool)
family.add("ReorderInput", move)
family.add("ReorderOutput", move)
family.add("Upsample", resize)


@family.op("Conv")
def conv(node: Node) -> OpCost:
    """Convolution in blocks of channels, then a sum, then an activation.

    Shapes:  X [N, C, *D], W [M, C/group, *K], B [M], Sum and Y [N, M, *O]
    Count:   as Conv; arithmetic = |Y| each if B and Sum are given, and the activation per output
    Ignores: padding zeros count as work, those of channels rounded up to a block too
    Dtype:   of X
    Source:  onnxruntime/core/graph/contrib_ops/nchwc_schema_defs.cc
    """
    w, y, act = node.input(1), node.output(0).numel, fused_activation(node)
    return heavy(
        node,
        fmas=y * size_without(w, 0),
        arithmetic=y * (int(node.has_input(2)) + int(node.has_input(3)) + act.arithmetic),
        transcendentals=y * act.transcendentals,
        op_class=conv_class(node, w),
    )
