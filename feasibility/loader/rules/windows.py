"""Find what sliding windows write: convolution and pooling, channels first or last."""

from __future__ import annotations

from collections.abc import Sequence

from feasibility.loader.rules.common import integers, known, like, number
from feasibility.loader.types import Call, Dims, Type

_SAME = frozenset({"SAME_UPPER", "SAME_LOWER"})


def slide(call: Call, sizes: Dims, kernel: Sequence[int | None]) -> Dims:
    """Return the output sizes of a window that slides over spatial axes (ONNX Conv-22, MaxPool-22)."""
    rank = len(sizes)
    strides, dilations = integers(call, "strides", (1,) * rank), integers(call, "dilations", (1,) * rank)
    pads = integers(call, "pads", (0,) * 2 * rank)
    auto = call.attribute("auto_pad", "NOTSET")
    if auto in _SAME:
        return tuple(None if d is None else -(-d // s) for d, s in zip(sizes, strides, strict=True))
    if auto == "VALID":
        pads = (0,) * 2 * rank
    ceil = number(call, "ceil_mode", 0)
    places = zip(sizes, kernel, strides, dilations, pads[:rank], pads[rank:], strict=True)
    return tuple(
        None if d is None or k is None else _steps(d + before + after - dilation * (k - 1) - 1, s, ceil) + 1
        for d, k, s, dilation, before, after in places
    )


def _steps(room: int, stride: int, ceil: int) -> int:
    return -(-room // stride) if ceil else room // stride


def spatial(dims: Dims, *, channels_last: bool) -> Dims:
    """Return the sizes of the spatial axes."""
    return dims[1:-1] if channels_last else dims[2:]


def image(batch: int | None, channels: int | None, sizes: Dims, *, channels_last: bool) -> Dims:
    """Put a shape together again."""
    return (batch, *sizes, channels) if channels_last else (batch, channels, *sizes)


def convolved(call: Call, weights: int, *, channels_last: bool, elem_of: int = 0) -> Type:
    """Return the type of a convolution; weights are [M, C/group, *K] in either layout."""
    x, w = known(call, 0), known(call, weights)
    sizes = slide(call, spatial(x, channels_last=channels_last), w[2:])
    return like(call, elem_of, *image(x[0], w[0], sizes, channels_last=channels_last))


def pooled(call: Call, *, channels_last: bool) -> Type:
    """Return the type of a pooling with `kernel_shape`."""
    x = known(call, 0)
    sizes = slide(call, spatial(x, channels_last=channels_last), integers(call, "kernel_shape"))
    channels = x[-1] if channels_last else x[1]
    return like(call, 0, *image(x[0], channels, sizes, channels_last=channels_last))


def pooled_whole(call: Call, *, channels_last: bool) -> Type:
    """Return the type of a pooling over all of an image."""
    x = known(call, 0)
    ones = (1,) * (len(x) - 2)
    channels = x[-1] if channels_last else x[1]
    return like(call, 0, *image(x[0], channels, ones, channels_last=channels_last))
