"""Read how many channels a convolution in blocks has: zeros fill its bias up to the block.

ONNX Runtime converts channels by fours and rounds them up to 8 or 16
(onnxruntime/core/optimizer/nchwc_transformer.cc), so up to 12 zeros at the end are padding.
A bias of up to 1,024 elements is read, the one place where the numbers of a weight are.
"""

from __future__ import annotations

import numpy as np

from feasibility.loader.fold import numbers
from feasibility.loader.known import Attributes
from feasibility.loader.scope import Visit

_BIAS = 2
_BLOCK, _ALIGNED = 16, 4


def with_channels(at: Visit, attributes: Attributes) -> Attributes:
    """Return the attributes of a node of com.microsoft.nchwc, with `channels` where the bias tells them."""
    given = at.inputs[_BIAS] if at.op_type == "Conv" and len(at.inputs) > _BIAS else None
    bias = None if given is None or given.stored is None else numbers(given.stored)
    if bias is None or bias.ndim != 1:
        return attributes
    filled = np.flatnonzero(bias)
    channels = int(filled[-1]) + 1 if filled.size else 0
    if bias.size - channels >= _BLOCK:
        return attributes  # a bias of zeros tells nothing
    return {**attributes, "channels": -(-channels // _ALIGNED) * _ALIGNED}
