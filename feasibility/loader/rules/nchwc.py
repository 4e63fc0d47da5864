"""Shape rules of com.microsoft.nchwc: ONNX Runtime's layout with channels in blocks.

A tensor keeps four dimensions [N, C, H, W]; C is rounded up to a block. ReorderInput
goes in, ReorderOutput comes out with the true number of channels.

Source of all: onnxruntime/core/graph/contrib_ops/nchwc_schema_defs.cc (1.32); held against
optimised graphs in tests/runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feasibility.loader.rules.common import Rule, integers, known, like, number, times
from feasibility.loader.rules.windows import convolved, pooled, pooled_whole
from feasibility.loader.types import Call, Type


def _reorder_input(call: Call) -> Sequence[Type]:
    """NCHW or NHWC in; the block size is the runtime's, so C stays as it is."""
    dims = known(call, 0)
    if number(call, "channels_last", 0):
        dims = (dims[0], dims[-1], *dims[1:-1])
    return (like(call, 0, *dims),)


def _reorder_output(call: Call) -> Sequence[Type]:
    batch, _, *sizes = known(call, 0)
    channels = number(call, "channels")
    last = number(call, "channels_last", 0)
    return (like(call, 0, batch, *sizes, channels) if last else like(call, 0, batch, channels, *sizes),)


def _upsample(call: Call) -> Sequence[Type]:
    pairs = zip(known(call, 0), integers(call, "scales"), strict=True)
    return (like(call, 0, *[times(size, scale) for size, scale in pairs]),)


RULES: Mapping[str, Rule] = {
    "AveragePool": lambda call: (pooled(call, channels_last=False),),
    "Conv": lambda call: (convolved(call, 1, channels_last=False),),
    "GlobalAveragePool": lambda call: (pooled_whole(call, channels_last=False),),
    "GlobalMaxPool": lambda call: (pooled_whole(call, channels_last=False),),
    "MaxPool": lambda call: (pooled(call, channels_last=False),),
    "ReorderInput": _reorder_input,
    "ReorderOutput": _reorder_output,
    "Upsample": _upsample,
}
