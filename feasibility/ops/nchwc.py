"""Count com.microsoft.nchwc: what ONNX Runtime writes where it keeps channels in blocks.

Channels are rounded up to a block there, and weights with them. The padding is no work that
anybody asked for: profiler/blocked.py takes it away before these rules are asked.
"""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import NCHWC_DOMAIN, Node
from feasibility.ops.contrib import fused_activation
from feasibility.ops.convolution import conv_class
from feasibility.ops.interpolate import resize
from feasibility.ops.pooling import average_pool, global_average_pool, global_max_pool, max_pool
from feasibility.ops.roles import heavy, light, move
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
    """Convolution in blocks of channels, then a sum, then an activation; or a batch normalisation.

    Shapes:  X [N, C, *D], W [M, C/group, *K], B [M], Sum and Y [N, M, *O]
    Count:   fmas = |Y| * C/group * prod(K); arithmetic = |Y| each if B and Sum are given, and the
             activation per output. A batch normalisation, written as a convolution of 1x1 and one channel
             a group, is told by its lack of kernel_shape: a multiply per output in place of the fmas
    Ignores: padding zeros count as work
    Dtype:   of X
    Source:  onnxruntime core/graph/contrib_ops/nchwc_schema_defs.cc, core/optimizer/nchwc_transformer.cc
    """
    w, y, act = node.input(1), node.output(0).numel, fused_activation(node)
    per_output = int(node.has_input(2)) + int(node.has_input(3)) + act.arithmetic
    if _is_batch_normalization(node):
        return light(node, arithmetic=y * (1 + per_output), transcendentals=y * act.transcendentals)
    return heavy(
        node,
        fmas=y * size_without(w, 0),
        arithmetic=y * per_output,
        transcendentals=y * act.transcendentals,
        op_class=conv_class(node, w),
    )


def _is_batch_normalization(node: Node) -> bool:
    """Tell what a BatchNormalization became: exporters give any other Conv its kernel_shape."""
    depthwise = node.int("group", 1) > 1 and size_without(node.input(1), 0) == 1
    return depthwise and "kernel_shape" not in node.attributes
