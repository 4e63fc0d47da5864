"""Read how many channels a convolution in blocks has: zeros fill its bias up to the block.

ONNX Runtime converts channels by fours and rounds them up to 8 or 16
(onnxruntime/core/optimizer/nchwc_transformer.cc), so up to 12 zeros at the end are padding.
Weights are not looked at; a bias of up to 1,024 elements is known to the walk anyway.
"""

from __future__ import annotations

import numpy as np

from feasibility.loader.known import Attributes
from feasibility.loader.scope import Visit

_BIAS = 2
_BLOCK, _ALIGNED = 16, 4


def with_channels(at: Visit, attributes: Attributes) -> Attributes:
    """Return the attributes of a node of com.microsoft.nchwc, with `channels` where the bias tells them."""
    bias = at.inputs[_BIAS] if at.op_type == "Conv" and len(at.inputs) > _BIAS else None
    if bias is None or bias.array is None or bias.array.ndim != 1:
        return attributes
    filled = np.flatnonzero(bias.array)
    channels = int(filled[-1]) + 1 if filled.size else 0
    if bias.array.size - channels >= _BLOCK:
        return attributes  # a bias of zeros tells nothing
    return {**attributes, "channels": -(-channels // _ALIGNED) * _ALIGNED}
