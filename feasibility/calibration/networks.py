"""The graphs that calibration times: single layers, and small whole networks made of them.

Sizes are those that image and language models have; together they vary channels, resolution,
kernel and stride so that the terms of the time formula can be told apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from feasibility.loader.sketch import Sketch


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A graph to time, by name; `build` draws it and returns its output."""

    name: str
    build: Callable[[Sketch], str]
    network: bool = False  # a whole network, not a layer repeated
    int8: bool = False

    def model(self) -> bytes:
        """Return the serialized graph."""
        sketch = Sketch(int8=self.int8)
        return sketch.finish(self.build(sketch))


def probes(*, int8: bool) -> Iterator[Probe]:
    """Yield the graphs of floats, or those of integers: layers first, then networks."""
    for network, builders in ((False, LAYERS), (True, NETWORKS)):
        for name, build in builders.items():
            if not int8 or name.startswith(_QUANTISABLE):
                yield Probe(name=name, build=build, network=network, int8=int8)


# what quantised models are made of; the stream tells the bandwidth
_QUANTISABLE = ("conv", "pointwise", "depthwise", "matmul", "residual", "inverted", "transformer", "stream")
_DEPTH = 4  # layers of a probe: one alone would measure the session's own start and end


def _repeated(
    layer: Callable[[Sketch, str], str], *shape: int, depth: int = _DEPTH
) -> Callable[[Sketch], str]:
    """Return a chain of the same layer, which keeps the shape."""

    def build(s: Sketch) -> str:
        x = s.input(*shape)
        for _ in range(depth):
            x = layer(s, x)
        return x

    return build


def _conv(channels: int, size: int, kernel: int, group: int = 1) -> Callable[[Sketch], str]:
    return _repeated(
        lambda s, x: s.op("Relu", s.conv(x, (channels, channels), kernel, group=group)),
        1,
        channels,
        size,
        size,
    )


def _pointwise(narrow: int, wide: int, size: int) -> Callable[[Sketch], str]:
    """Return pairs of 1x1 convolutions that widen and narrow."""

    def layer(s: Sketch, x: str) -> str:
        return s.conv(s.op("Relu", s.conv(x, (narrow, wide), 1)), (wide, narrow), 1)

    return _repeated(layer, 1, narrow, size, size, depth=2)


def _matmul(rows: int, narrow: int, wide: int) -> Callable[[Sketch], str]:
    return _repeated(
        lambda s, x: s.linear(s.linear(x, (narrow, wide)), (wide, narrow)), 1, rows, narrow, depth=2
    )


def _attention_product(heads: int, rows: int, width: int) -> Callable[[Sketch], str]:
    def layer(s: Sketch, x: str) -> str:
        scores = s.product(x, s.op("Transpose", x, perm=[0, 1, 3, 2]))
        return s.product(s.op("Softmax", scores, axis=-1), x)

    return _repeated(layer, 1, heads, rows, width, depth=2)


def _light(layer: Callable[[Sketch, str], str], *shape: int) -> Callable[[Sketch], str]:
    return _repeated(layer, *shape, depth=8)


# --- blocks of networks


def _residual(
    widths: tuple[int, ...], size: int, blocks: int, *, neck: int = 1, group: int = 1
) -> Callable[[Sketch], str]:
    """Return stages of residual blocks: two 3x3, or with `neck` > 1 a bottleneck of 1x1, 3x3, 1x1."""

    def block(s: Sketch, x: str, source: int, target: int, stride: int) -> str:
        inner = target // neck
        if neck == 1:
            y = s.op("Relu", s.conv(x, (source, inner), 3, stride=stride))
            y = s.conv(y, (inner, target), 3)
        else:
            y = s.op("Relu", s.conv(x, (source, inner), 1))
            y = s.op("Relu", s.conv(y, (inner, inner), 3, stride=stride, group=group))
            y = s.conv(y, (inner, target), 1)
        skip = x if (source, stride) == (target, 1) else s.conv(x, (source, target), 1, stride=stride)
        return s.op("Relu", s.op("Add", y, skip))

    def build(s: Sketch) -> str:
        x = s.op("Relu", s.conv(s.input(1, 3, 2 * size, 2 * size), (3, widths[0]), 7, stride=2))
        x = s.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        source = widths[0]
        for stage, target in enumerate(widths):
            for index in range(blocks):
                x = block(s, x, source, target, 2 if stage and not index else 1)
                source = target
        return _head(s, x, source)

    return build


def _head(s: Sketch, x: str, width: int) -> str:
    pooled = s.op("Flatten", s.op("GlobalAveragePool", x), axis=1)
    return s.op("Gemm", pooled, s.weight(width, 1000), s.weight(1000))


def _inverted(  # noqa: PLR0913 (all that such networks differ in)
    widths: tuple[int, ...],
    size: int,
    blocks: int,
    *,
    expand: int,
    kernel: int = 3,
    act: str = "Clip",
    gate: bool = False,
) -> Callable[[Sketch], str]:
    """Return stages of inverted residuals: 1x1 up, depthwise, perhaps a gate, 1x1 down."""

    def active(s: Sketch, x: str) -> str:
        if act == "Silu":
            return s.op("Mul", x, s.op("Sigmoid", x))
        if act == "Clip":
            return s.op("Clip", x, s.scalar(0.0), s.scalar(6.0))
        return s.op(act, x)

    def gated(s: Sketch, x: str, width: int, inner: int) -> str:
        pooled = s.op("GlobalAveragePool", x)
        squeezed = s.op("Relu", s.conv(pooled, (width, inner), 1))
        return s.op("Mul", x, s.op("Sigmoid", s.conv(squeezed, (inner, width), 1)))

    def block(s: Sketch, x: str, source: int, target: int, stride: int) -> str:
        wide = source * expand
        y = active(s, s.conv(x, (source, wide), 1))
        y = active(s, s.conv(y, (wide, wide), kernel, stride=stride, group=wide))
        if gate:
            y = gated(s, y, wide, max(8, source // 4))
        y = s.conv(y, (wide, target), 1)
        return s.op("Add", y, x) if (source, stride) == (target, 1) else y

    def build(s: Sketch) -> str:
        x = active(s, s.conv(s.input(1, 3, 2 * size, 2 * size), (3, widths[0]), 3, stride=2))
        source = widths[0]
        for target in widths:
            for index in range(blocks):
                x = block(s, x, source, target, 1 if index else 2)
                source = target
        return _head(s, active(s, s.conv(x, (source, 4 * source), 1)), 4 * source)

    return build


def _transformer(
    width: int, heads: int, rows: int, blocks: int, *, windows: int = 1
) -> Callable[[Sketch], str]:
    """Return encoder blocks before which patches are embedded; `windows` attend apart from each other."""

    def heads_of(s: Sketch, x: str) -> str:
        split = s.reshape(x, (windows, rows // windows, heads, width // heads))
        return s.op("Transpose", split, perm=[0, 2, 1, 3])

    def attention(s: Sketch, x: str) -> str:
        q, k, v = (heads_of(s, s.linear(x, (width, width))) for _ in range(3))
        scores = s.product(q, s.op("Transpose", k, perm=[0, 1, 3, 2]))
        weights = s.op("Softmax", s.op("Mul", scores, s.scalar(0.125)), axis=-1)
        mixed = s.op("Transpose", s.product(weights, v), perm=[0, 2, 1, 3])
        return s.linear(s.reshape(mixed, (1, rows, width)), (width, width))

    def block(s: Sketch, x: str) -> str:
        x = s.op("Add", x, attention(s, s.norm(x, width)))
        hidden = s.gelu(s.linear(s.norm(x, width), (width, 4 * width)))
        return s.op("Add", x, s.linear(hidden, (4 * width, width)))

    def build(s: Sketch) -> str:
        side = round(rows**0.5)
        image = s.patches(s.input(1, 3, 16 * side, 16 * side), (3, width), 16)
        x = s.op("Transpose", s.reshape(image, (1, width, rows)), perm=[0, 2, 1])
        for _ in range(blocks):
            x = block(s, x)
        return s.linear(s.norm(x, width), (width, 1000))

    return build


def _convnext(widths: tuple[int, ...], size: int, blocks: int) -> Callable[[Sketch], str]:
    """Return blocks of a 7x7 depthwise convolution and two products on channels that lie last."""

    def block(s: Sketch, x: str, width: int) -> str:
        y = s.op("Transpose", s.conv(x, (width, width), 7, group=width), perm=[0, 2, 3, 1])
        y = s.gelu(s.linear(s.norm(y, width), (width, 4 * width)))
        y = s.op("Transpose", s.linear(y, (4 * width, width)), perm=[0, 3, 1, 2])
        return s.op("Add", x, y)

    def build(s: Sketch) -> str:
        x = s.patches(s.input(1, 3, 4 * size, 4 * size), (3, widths[0]), 4)
        source = widths[0]
        for stage, target in enumerate(widths):
            x = s.patches(x, (source, target), 2) if stage else x
            source = target
            for _ in range(blocks):
                x = block(s, x, target)
        return _head(s, x, source)

    return build


def _ghost(widths: tuple[int, ...], size: int, blocks: int) -> Callable[[Sketch], str]:
    """Return bottlenecks that make half their channels by a cheap depthwise convolution (GhostNet)."""

    def ghost(s: Sketch, x: str, source: int, target: int) -> str:
        half = target // 2
        first = s.op("Relu", s.conv(x, (source, half), 1))
        return s.op("Concat", first, s.op("Relu", s.conv(first, (half, half), 3, group=half)), axis=1)

    def block(s: Sketch, x: str, source: int, target: int, stride: int) -> str:
        wide = 3 * source
        y = ghost(s, x, source, wide)
        if stride > 1:
            y = s.conv(y, (wide, wide), 3, stride=stride, group=wide)
        y = s.op("Slice", ghost(s, y, wide, target + 8), s.shape(0), s.shape(target), s.shape(1))
        return s.op("Add", x, y) if (source, stride) == (target, 1) else y

    def build(s: Sketch) -> str:
        x = s.op("Relu", s.conv(s.input(1, 3, 2 * size, 2 * size), (3, widths[0]), 3, stride=2))
        source = widths[0]
        for target in widths:
            for index in range(blocks):
                x = block(s, x, source, target, 1 if index else 2)
                source = target
        return _head(s, x, source)

    return build


def _branches(widths: tuple[int, ...], size: int, blocks: int) -> Callable[[Sketch], str]:
    """Return branches at several resolutions that are summed after resizing (HRNet)."""

    def branch(s: Sketch, x: str, width: int) -> str:
        for _ in range(blocks):
            y = s.conv(s.op("Relu", s.conv(x, (width, width), 3)), (width, width), 3)
            x = s.op("Relu", s.op("Add", x, y))
        return x

    def build(s: Sketch) -> str:
        x = s.op("Relu", s.conv(s.input(1, 3, 2 * size, 2 * size), (3, widths[0]), 3, stride=2))
        heads = [x]
        for narrow, wide in itertools.pairwise(widths):
            heads.append(s.op("Relu", s.conv(heads[-1], (narrow, wide), 3, stride=2)))
        ends = [branch(s, each, width) for each, width in zip(heads, widths, strict=True)]
        total = ends[0]
        for index, end in enumerate(ends[1:], 1):
            narrowed = s.conv(end, (widths[index], widths[0]), 1)
            total = s.op("Relu", s.op("Add", total, s.resized(narrowed, 2**index)))
        return _head(s, total, widths[0])

    return build


def _pooling(width: int, size: int, blocks: int) -> Callable[[Sketch], str]:
    """Return blocks that mix places by pooling, with a normalisation over everything (PoolFormer)."""

    def norm(s: Sketch, x: str) -> str:
        flat = s.op("InstanceNormalization", s.reshape(x, (1, 1, -1)), s.ones(1), s.ones(1))
        scaled = s.op("Mul", s.reshape(flat, (1, width, size, size)), s.weight(width, 1, 1))
        return s.op("Add", scaled, s.weight(width, 1, 1))

    def block(s: Sketch, x: str) -> str:
        y = norm(s, x)
        pooled = s.op("AveragePool", y, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=0)
        x = s.op("Add", x, s.op("Mul", s.op("Sub", pooled, y), s.weight(width, 1, 1)))
        hidden = s.gelu(s.conv(norm(s, x), (width, 4 * width), 1))
        return s.op("Add", x, s.op("Mul", s.conv(hidden, (4 * width, width), 1), s.weight(width, 1, 1)))

    def build(s: Sketch) -> str:
        x = s.patches(s.input(1, 3, 8 * size, 8 * size), (3, width), 8)
        for _ in range(blocks):
            x = block(s, x)
        return _head(s, x, width)

    return build


def _dense(growth: int, size: int, layers: int) -> Callable[[Sketch], str]:
    """Return layers that each read everything before them, joined (DenseNet)."""

    def build(s: Sketch) -> str:
        x, width = (
            s.op("Relu", s.conv(s.input(1, 3, 2 * size, 2 * size), (3, 2 * growth), 3, stride=2)),
            2 * growth,
        )
        for _ in range(layers):
            y = s.op("Relu", s.conv(x, (width, 4 * growth), 1))
            x, width = s.op("Concat", x, s.conv(y, (4 * growth, growth), 3), axis=1), width + growth
        return _head(s, x, width)

    return build


LAYERS: dict[str, Callable[[Sketch], str]] = {
    "conv 3x3, 64, 56": _conv(64, 56, 3),
    "conv 3x3, 256, 14": _conv(256, 14, 3),
    "conv 3x3, 512, 7": _conv(512, 7, 3),
    "conv 3x3, 32, 112": _conv(32, 112, 3),
    "pointwise 64-256, 56": _pointwise(64, 256, 56),
    "pointwise 24-144, 56": _pointwise(24, 144, 56),
    "pointwise 96-576, 14": _pointwise(96, 576, 14),
    "pointwise 512-2048, 7": _pointwise(512, 2048, 7),
    "depthwise 3x3, 96, 112": _conv(96, 112, 3, 96),
    "depthwise 5x5, 240, 28": _conv(240, 28, 5, 240),
    "depthwise 3x3, 960, 7": _conv(960, 7, 3, 960),
    "grouped 3x3, 256, 28": _conv(256, 28, 3, 32),
    "grouped 3x3, 256, 14, wide": _conv(256, 14, 3, 4),
    "matmul 197, 768-3072": _matmul(197, 768, 3072),
    "matmul 197, 192-768": _matmul(197, 192, 768),
    "matmul 49, 512-2048": _matmul(49, 512, 2048),
    "matmul 1, 2048-1000": _matmul(1, 2048, 1000),
    "products of heads 12, 197, 64": _attention_product(12, 197, 64),
    "products of heads 192, 49, 32": _attention_product(192, 49, 32),
    "softmax": _light(lambda s, x: s.op("Softmax", x, axis=-1), 1, 12, 197, 197),
    "layer norm": _light(lambda s, x: s.norm(x, 768), 1, 197, 768),
    "gelu": _light(lambda s, x: s.gelu(x), 1, 197, 3072),
    "silu": _light(lambda s, x: s.op("Mul", x, s.op("Sigmoid", x)), 1, 144, 56, 56),
    "add": _light(lambda s, x: s.op("Add", x, s.op("Abs", x)), 1, 256, 56, 56),
    "stream": _light(lambda s, x: s.op("Add", x, s.op("Abs", x)), 1, 4 * 2**20),
    "copies": _light(lambda s, x: s.op("Relu", s.op("Transpose", x, perm=[0, 2, 1])), 1, 784, 784),
    "dispatch": _repeated(lambda s, x: s.op("Abs", s.op("Neg", x)), 1, 64, 28, 28, depth=30),
}

NETWORKS: dict[str, Callable[[Sketch], str]] = {
    "residual 64-512, 112": _residual((64, 128, 256, 512), 112, 2),
    "residual 32-256, 64": _residual((32, 64, 128, 256), 64, 2),
    "residual bottleneck": _residual((256, 512, 1024, 2048), 80, 2, neck=4),
    "residual grouped": _residual((128, 256, 512), 80, 2, neck=2, group=16),
    "residual grouped, odd widths": _residual((104, 208, 416), 56, 3, neck=2, group=13),
    "inverted relu6": _inverted((16, 24, 32, 96, 160), 112, 3, expand=6),
    "inverted hard swish, gated": _inverted(
        (16, 24, 40, 80, 160), 112, 3, expand=4, kernel=5, act="HardSwish", gate=True
    ),
    "inverted silu, gated": _inverted((24, 32, 56, 112, 192), 120, 3, expand=6, act="Silu", gate=True),
    "inverted, odd widths": _inverted((18, 27, 39, 61, 106), 112, 3, expand=6, act="Silu", gate=True),
    "ghost": _ghost((16, 24, 40, 80, 160), 112, 3),
    "transformer 192": _transformer(192, 3, 196, 6),
    "transformer 768": _transformer(768, 12, 196, 2),
    "transformer 384, 64 rows": _transformer(384, 6, 64, 6),
    "transformer 256, 128 rows": _transformer(256, 8, 144, 6),
    "transformer 96, windows": _transformer(96, 3, 3136, 2, windows=64),
    "convnext": _convnext((80, 160, 320), 56, 2),
    "dense": _dense(32, 56, 6),
    "dense, small": _dense(32, 14, 24),
    "branches": _branches((18, 36, 72), 56, 2),
    "pooling": _pooling(128, 28, 4),
}
