"""Write networks in ncnn's text form as ONNX graphs without weights, for counting.

    python tools/ncnn_graphs.py TIMINGS.csv PARAM_FOLDER OUT_FOLDER

For each model with source=ncnn in the timings, PARAM_FOLDER/MODEL.param (of ncnn's benchmark/) becomes
OUT_FOLDER/MODEL.onnx, at the size that input_shape names. Tensors over 1 KiB point to a file that does
not exist. MODEL_int8 is written from MODEL.param, in float: what its precision changes is for who
fits. Layers that rearrange boxes at the end (Yolov3DetectionOutput) are left out.

The form: github.com/Tencent/ncnn/wiki/param-and-model-file-structure; what the numbered
parameters mean: docs/developer-guide/operators.md in that repository.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import onnx
from onnx import TensorProto, helper

MAGIC = "7767517"
OPSET = 20  # Gelu
INLINE_BYTES = 1024
ARRAYS = -23300  # array parameter n has the key -23300 - n
SAME_UPPER, SAME_LOWER = -233, -234  # as a padding
REST = -233  # as a size: an even share of what is left
END = -233  # as the end of a slice: up to the last
IMAGE = 3  # axes: channels, height, width

Shape = tuple[int, ...]  # without the batch, outermost first
Value = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One line of a .param file."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    params: Mapping[int, Value]

    def get(self, key: int, default: int = 0) -> int:
        """Return an integer parameter."""
        return int(self.params[key][0]) if key in self.params else default

    def real(self, key: int, default: float = 0.0) -> float:
        """Return a floating point parameter."""
        return self.params[key][0] if key in self.params else default

    def several(self, key: int) -> tuple[int, ...]:
        """Return an array parameter of integers."""
        return tuple(int(value) for value in self.params.get(key, ()))


class ParamError(ValueError):
    """A .param file that is not understood."""


def parse(text: str) -> Iterator[Layer]:
    """Yield the layers of a .param file."""
    magic, _counts, *lines = text.strip().splitlines()
    if magic.strip() != MAGIC:
        message = f"line 1: {magic!r} is not {MAGIC}, so this is no .param file of ncnn"
        raise ParamError(message)
    for line in lines:
        kind, name, ins, outs, *rest = line.split()
        first, last = int(ins), int(ins) + int(outs)
        yield Layer(
            kind=kind,
            name=name,
            inputs=tuple(rest[:first]),
            outputs=tuple(rest[first:last]),
            params=dict(map(_param, rest[last:])),
        )


def _param(text: str) -> tuple[int, Value]:
    key, _, value = text.partition("=")
    numbers = tuple(map(float, value.split(",")))
    return (ARRAYS - int(key), numbers[1:]) if int(key) <= ARRAYS else (int(key), numbers)


@dataclass(kw_only=True)
class Net:
    """A graph under construction, and the shape of each of its tensors."""

    input_shape: Shape
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # tensors that are others under a second name
    inputs: list[str] = field(default_factory=list)
    absent_bytes: int = 0

    def reads(self, layer: Layer) -> list[str]:
        """Return the tensors that a layer reads."""
        return [self.names.get(name, name) for name in layer.inputs]

    def weight(self, name: str, dims: Sequence[int]) -> str:
        """Return a float tensor with no values, or with zeros if it is small."""
        tensor = TensorProto(name=name, dims=dims, data_type=TensorProto.FLOAT)
        size = 4 * math.prod(dims)
        if size > INLINE_BYTES:
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (("location", "absent"), ("offset", self.absent_bytes), ("length", size)):
                tensor.external_data.add(key=key, value=str(value))
            self.absent_bytes += size
        else:
            tensor.raw_data = bytes(size)
        self.weights.append(tensor)
        return name

    def constant(self, name: str, values: Sequence[int]) -> str:
        """Return a tensor whose values matter: sizes and bounds."""
        self.weights.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
        return name

    def node(self, op: str, inputs: Sequence[str], output: str, shape: Shape, **attributes: object) -> str:
        """Add a node with one output of the shape given."""
        node = helper.make_node(op, inputs, [output], name=output)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        self.shapes[output] = shape
        return output

    def reshape(self, x: str, output: str, shape: Shape) -> str:
        """Add a Reshape to a shape that has a batch of one in front."""
        dims = self.constant(f"{output}/dims", (1, *shape))
        return self.node("Reshape", (x, dims), output, shape)

    def transpose(self, x: str, output: str, perm: Sequence[int]) -> str:
        """Add a Transpose that leaves the batch where it is."""
        shape = tuple(self.shapes[x][axis] for axis in perm)
        return self.node("Transpose", (x,), output, shape, perm=(0, *(axis + 1 for axis in perm)))


class Window(NamedTuple):
    """How a kernel moves over height and width."""

    kernel: Shape
    stride: Shape
    dilation: Shape
    pads: Shape  # top, left, bottom, right

    def sizes(self, shape: Shape, *, up: bool = False) -> Shape:
        """Return height and width of what comes out, rounded down or up."""
        reach = [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        around = (self.pads[0] + self.pads[2], self.pads[1] + self.pads[3])
        over = [n + p - r for n, p, r in zip(shape[-2:], around, reach, strict=True)]
        return tuple((-(-o // s) if up else o // s) + 1 for o, s in zip(over, self.stride, strict=True))


def _pair(layer: Layer, key: int, default: int = 1) -> Shape:
    """Return (height, width) of a parameter whose height, ten numbers on, is its width unless given."""
    width = layer.get(key, default)
    return (layer.get(key + 10, width), width)


def _window(layer: Layer) -> Window:
    """Return the window of a convolution."""
    left = layer.get(4)
    top = layer.get(14, left)
    pads = (top, left, layer.get(16, top), layer.get(15, left))
    return Window(_pair(layer, 1), _pair(layer, 3), _pair(layer, 2), pads)


def _same(window: Window, shape: Shape) -> Window:
    """Return a window whose padding is said as SAME with the padding in numbers, for this input."""
    if window.pads[1] not in (SAME_UPPER, SAME_LOWER):
        return window
    need = [
        max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        for n, s, k, d in zip(shape[-2:], window.stride, window.kernel, window.dilation, strict=True)
    ]
    less, more = [n // 2 for n in need], [n - n // 2 for n in need]
    pads = (*less, *more) if window.pads[1] == SAME_UPPER else (*more, *less)
    return window._replace(pads=pads)


_ACTIVATIONS = ("", "Relu", "LeakyRelu", "Clip", "Sigmoid", "Mish", "HardSwish")  # by parameter 9


def _fused(layer: Layer) -> str:
    """Return the name under which a result goes on: its own, or that before the activation."""
    return layer.outputs[0] + ("/linear" if layer.get(9) else "")


def _close(net: Net, layer: Layer, x: str) -> None:
    """Add the activation that is part of a layer."""
    if x != layer.outputs[0]:
        net.node(_ACTIVATIONS[layer.get(9)], (x,), layer.outputs[0], net.shapes[x])


def _input(net: Net, layer: Layer) -> None:
    net.inputs.append(layer.outputs[0])
    net.shapes[layer.outputs[0]] = net.input_shape


def _alias(net: Net, layer: Layer) -> None:
    """Split copies nothing, Dropout does nothing when inferring, and Quantize is a matter of precision."""
    (x,) = net.reads(layer)
    net.names.update(dict.fromkeys(layer.outputs, x))
    net.shapes.update(dict.fromkeys(layer.outputs, net.shapes[x]))


def _end(_net: Net, _layer: Layer) -> None:
    """Write nothing: what the layer reads is the output."""


def _memory(net: Net, layer: Layer) -> None:
    shape = tuple(layer.get(key) for key in (2, 1, 0) if key in layer.params)
    net.shapes[net.weight(layer.outputs[0], (1, *shape))] = shape


def _image(net: Net, x: str, output: str) -> str:
    """Return a tensor as channels, height and width: a vector has one pixel."""
    shape = net.shapes[x]
    return x if len(shape) == IMAGE else net.reshape(x, f"{output}/image", (*shape, 1, 1))


def _convolution(net: Net, layer: Layer) -> None:
    x = _image(net, net.reads(layer)[0], layer.outputs[0])
    channels, groups = layer.get(0), layer.get(7, 1) if layer.kind.endswith("DepthWise") else 1
    window = _same(_window(layer), net.shapes[x])
    each = layer.get(6) // (channels * math.prod(window.kernel))
    inputs = [x, net.weight(f"{layer.name}/weight", (channels, each, *window.kernel))]
    if layer.get(5):
        inputs.append(net.weight(f"{layer.name}/bias", (channels,)))
    shape = (channels, *window.sizes(net.shapes[x]))
    _close(net, layer, net.node("Conv", inputs, _fused(layer), shape, group=groups, **_moves(window)))


def _moves(window: Window) -> dict[str, Shape]:
    return {
        "kernel_shape": window.kernel,
        "strides": window.stride,
        "dilations": window.dilation,
        "pads": window.pads,
    }


def _deconvolution(net: Net, layer: Layer) -> None:
    (x,) = net.reads(layer)
    channels, groups = layer.get(0), layer.get(7, 1) if layer.kind.endswith("DepthWise") else 1
    window = _window(layer)
    inputs = [x, net.weight(f"{layer.name}/weight", (net.shapes[x][0], channels // groups, *window.kernel))]
    if layer.get(5):
        inputs.append(net.weight(f"{layer.name}/bias", (channels,)))
    around = (window.pads[0] + window.pads[2], window.pads[1] + window.pads[3])
    spread = zip(net.shapes[x][1:], *window[:3], around, strict=True)
    shape = (channels, *((n - 1) * s + d * (k - 1) + 1 - p for n, k, s, d, p in spread))
    _close(
        net, layer, net.node("ConvTranspose", inputs, _fused(layer), shape, group=groups, **_moves(window))
    )


def _inner_product(net: Net, layer: Layer) -> None:
    (x,) = net.reads(layer)
    out, name = layer.get(0), layer.name
    width = layer.get(2) // out
    rows = net.shapes[x][:-1] if net.shapes[x][-1] == width else ()
    if not rows and len(net.shapes[x]) > 1:
        x = net.node("Flatten", (x,), f"{layer.outputs[0]}/flat", (width,))
    product = f"{layer.outputs[0]}/product" if layer.get(1) else _fused(layer)
    x = net.node("MatMul", (x, net.weight(f"{name}/weight", (width, out))), product, (*rows, out))
    if layer.get(1):
        x = net.node("Add", (x, net.weight(f"{name}/bias", (out,))), _fused(layer), (*rows, out))
    _close(net, layer, x)


def _pooling(net: Net, layer: Layer) -> None:
    x = _image(net, net.reads(layer)[0], layer.outputs[0])
    op = ("MaxPool", "AveragePool")[layer.get(0)]
    if layer.get(4):
        channels = net.shapes[x][0]
        pooled = net.node(f"Global{op}", (x,), f"{layer.outputs[0]}/pixel", (channels, 1, 1))
        net.reshape(pooled, layer.outputs[0], (channels,))
        return
    window, up = _pool_window(layer, net.shapes[x]), layer.get(5) == 0
    attributes = {key: value for key, value in _moves(window).items() if key != "dilations"}
    shape = (net.shapes[x][0], *window.sizes(net.shapes[x], up=up))
    net.node(op, (x,), layer.outputs[0], shape, ceil_mode=int(up), **attributes)


def _pool_window(layer: Layer, shape: Shape) -> Window:
    left = layer.get(3)
    top = layer.get(13, left)
    pads = (top, left, layer.get(15, top), layer.get(14, left))
    mode = layer.get(5)  # 0 rounds up, 1 down
    same = {2: (SAME_UPPER,) * 4, 3: (SAME_LOWER,) * 4}
    return _same(Window(_pair(layer, 1), _pair(layer, 2), (1, 1), same.get(mode, pads)), shape)


def _plain(op: str, **attributes: object) -> Callable[[Net, Layer], None]:
    """Return what writes a layer as one operator that keeps the shape."""

    def emit(net: Net, layer: Layer) -> None:
        (x,) = net.reads(layer)
        net.node(op, (x,), layer.outputs[0], net.shapes[x], **attributes)

    return emit


def _relu(net: Net, layer: Layer) -> None:
    _plain("LeakyRelu" if layer.real(0) else "Relu")(net, layer)


def _swish(net: Net, layer: Layer) -> None:
    (x,) = net.reads(layer)
    gate = net.node("Sigmoid", (x,), f"{layer.outputs[0]}/gate", net.shapes[x])
    net.node("Mul", (x, gate), layer.outputs[0], net.shapes[x])


def _lrn(net: Net, layer: Layer) -> None:
    _plain("LRN", size=layer.get(1, 5))(net, layer)


def _softmax(net: Net, layer: Layer) -> None:
    _plain("Softmax", axis=layer.get(0) + 1)(net, layer)


def _binary(net: Net, layer: Layer) -> None:
    op = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow")[layer.get(0)]
    if layer.get(1):
        inputs = [*net.reads(layer), net.weight(f"{layer.name}/scalar", (1,))]
        shape = net.shapes[inputs[0]]
    else:
        inputs = _aligned(net, layer)
        shape = tuple(map(max, *(net.shapes[x] for x in inputs)))
    net.node(op, inputs, layer.outputs[0], shape)


def _aligned(net: Net, layer: Layer) -> list[str]:
    """Return both tensors with as many axes: one with fewer meets the outer axes of the other."""
    inputs = net.reads(layer)
    most = max(len(net.shapes[x]) for x in inputs)
    return [
        x
        if len(net.shapes[x]) == most
        else net.reshape(x, f"{layer.outputs[0]}/{x}", (*net.shapes[x], *(1,) * (most - len(net.shapes[x]))))
        for x in inputs
    ]


def _eltwise(net: Net, layer: Layer) -> None:
    op = ("Mul", "Add", "Max")[layer.get(0)]
    x, *others = net.reads(layer)
    for index, other in enumerate(others, 1):
        output = layer.outputs[0] if index == len(others) else f"{layer.outputs[0]}/{index}"
        x = net.node(op, (x, other), output, net.shapes[x])


def _concat(net: Net, layer: Layer) -> None:
    inputs, axis = net.reads(layer), layer.get(0)
    shape = list(net.shapes[inputs[0]])
    shape[axis] = sum(net.shapes[x][axis] for x in inputs)
    net.node("Concat", inputs, layer.outputs[0], tuple(shape), axis=axis + 1)


def _slice(net: Net, layer: Layer) -> None:
    (x,) = net.reads(layer)
    axis = layer.get(1)
    sizes, left, parts = [], net.shapes[x][axis], len(layer.outputs)
    for index, size in enumerate(layer.several(0)):
        sizes.append(left // (parts - index) if size == REST else size)
        left -= sizes[-1]
    dims = net.constant(f"{layer.name}/sizes", sizes)
    net.nodes.append(helper.make_node("Split", (x, dims), layer.outputs, name=layer.name, axis=axis + 1))
    shape = net.shapes[x]
    for name, size in zip(layer.outputs, sizes, strict=True):
        net.shapes[name] = (*shape[:axis], size, *shape[axis + 1 :])


def _crop(net: Net, layer: Layer) -> None:
    (x,) = net.reads(layer)
    shape, axes = list(net.shapes[x]), layer.several(11) or (2, 1, 0)
    starts = layer.several(9) or tuple(layer.get(key) for key in (0, 1, 2))
    ends = layer.several(10) or tuple(s + layer.get(k) for s, k in zip(starts, (3, 4, 5), strict=True))
    for axis, start, end in zip(axes, starts, ends, strict=True):
        shape[axis] = (shape[axis] if end == END else end) - start
    stops = [start + shape[axis] for axis, start in zip(axes, starts, strict=True)]
    bounds = {"starts": starts, "ends": stops, "axes": [axis + 1 for axis in axes]}
    inputs = [net.constant(f"{layer.name}/{key}", values) for key, values in bounds.items()]
    net.node("Slice", (x, *inputs), layer.outputs[0], tuple(shape))


def _shuffle(net: Net, layer: Layer) -> None:
    (x,) = net.reads(layer)
    name, groups, shape = layer.outputs[0], layer.get(0, 1), net.shapes[x]
    folds = (groups, shape[0] // groups)
    folded = net.reshape(x, f"{name}/folded", (*(folds[::-1] if layer.get(1) else folds), *shape[1:]))
    turned = net.transpose(folded, f"{name}/turned", (1, 0, *range(2, len(shape) + 1)))
    net.reshape(turned, name, shape)


def _reshape(net: Net, layer: Layer) -> None:
    (x,) = net.reads(layer)
    keys = [key for key in (2, 1, 0) if layer.get(key, REST) != REST]
    old = net.shapes[x]
    sizes = [layer.get(key) or old[len(old) - 1 - key] for key in keys]
    rest = math.prod(old) // math.prod(size for size in sizes if size > 0)
    net.reshape(x, layer.outputs[0], tuple(rest if size < 0 else size for size in sizes))


# Axes by order type: of height and width, and of channels, height and width.
_ORDERS = ((0, 1), (1, 0))
_ORDERS_OF_IMAGES = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def _permute(net: Net, layer: Layer) -> None:
    (x,) = net.reads(layer)
    orders = _ORDERS_OF_IMAGES if len(net.shapes[x]) == IMAGE else _ORDERS
    net.transpose(x, layer.outputs[0], orders[layer.get(0)])


def _interp(net: Net, layer: Layer) -> None:
    (x,) = net.reads(layer)
    channels, *sizes = net.shapes[x]
    asked = (layer.get(3), layer.get(4))
    scales = (layer.real(1, 1.0), layer.real(2, 1.0))
    out = tuple(a or int(n * s) for a, n, s in zip(asked, sizes, scales, strict=True))
    dims = net.constant(f"{layer.name}/sizes", (1, channels, *out))
    mode = ("nearest", "nearest", "linear", "cubic")[layer.get(0)]
    net.node("Resize", (x, "", "", dims), layer.outputs[0], (channels, *out), mode=mode)


def _layer_norm(net: Net, layer: Layer) -> None:
    (x,) = net.reads(layer)
    size = (layer.get(0),)
    inputs = [x, *(net.weight(f"{layer.name}/{part}", size) for part in ("scale", "bias"))]
    net.node("LayerNormalization", inputs, layer.outputs[0], net.shapes[x], axis=-1)


def _gather(net: Net, layer: Layer) -> None:
    x, indices = net.reads(layer)
    axis, shape = layer.get(0), net.shapes[x]
    flat = net.constant(f"{layer.name}/indices", (0,) * math.prod(net.shapes[indices]))
    net.weights[:] = [weight for weight in net.weights if weight.name != indices]
    net.node(
        "Gather",
        (x, flat),
        layer.outputs[0],
        (*shape[:axis], *net.shapes[indices], *shape[axis + 1 :]),
        axis=axis + 1,
    )


def _linear(net: Net, x: str, name: str, size: int) -> str:
    shape = (*net.shapes[x][:-1], size)
    weight = net.weight(f"{name}/weight", (net.shapes[x][-1], size))
    product = net.node("MatMul", (x, weight), f"{name}/product", shape)
    return net.node("Add", (product, net.weight(f"{name}/bias", (size,))), name, shape)


def _attention(net: Net, layer: Layer) -> None:
    inputs, name, size, heads = net.reads(layer), layer.outputs[0], layer.get(0), layer.get(1)
    orders = {"query": (1, 0, 2), "key": (1, 2, 0), "value": (1, 0, 2)}
    parts = []
    for part, x in zip(orders, (inputs * 3)[:3] if len(inputs) == 1 else inputs, strict=True):
        projected = _linear(net, x, f"{name}/{part}", size)
        split = net.reshape(projected, f"{name}/{part}/heads", (net.shapes[x][0], heads, size // heads))
        parts.append(net.transpose(split, f"{name}/{part}/turned", orders[part]))
    query, key, value = parts
    tokens, others = net.shapes[query][1], net.shapes[key][2]
    scaled = net.node("Mul", (query, net.weight(f"{name}/scale", (1,))), f"{name}/scaled", net.shapes[query])
    scores = net.node("MatMul", (scaled, key), f"{name}/scores", (heads, tokens, others))
    shares = net.node("Softmax", (scores,), f"{name}/shares", (heads, tokens, others), axis=-1)
    mixed = net.node("MatMul", (shares, value), f"{name}/mixed", (heads, tokens, size // heads))
    joined = net.reshape(net.transpose(mixed, f"{name}/back", (1, 0, 2)), f"{name}/joined", (tokens, size))
    net.names[name] = _linear(net, joined, f"{name}/out", size)


LAYERS: Mapping[str, Callable[[Net, Layer], None]] = {
    "BinaryOp": _binary,
    "Clip": _plain("Clip"),
    "Concat": _concat,
    "Convolution": _convolution,
    "ConvolutionDepthWise": _convolution,
    "Crop": _crop,
    "Deconvolution": _deconvolution,
    "DeconvolutionDepthWise": _deconvolution,
    "Dequantize": _alias,
    "Dropout": _alias,
    "Eltwise": _eltwise,
    "GELU": _plain("Gelu"),
    "Gather": _gather,
    "HardSigmoid": _plain("HardSigmoid"),
    "HardSwish": _plain("HardSwish"),
    "InnerProduct": _inner_product,
    "Input": _input,
    "Interp": _interp,
    "LRN": _lrn,
    "LayerNorm": _layer_norm,
    "MemoryData": _memory,
    "Mish": _plain("Mish"),
    "MultiHeadAttention": _attention,
    "Noop": _end,
    "Permute": _permute,
    "Pooling": _pooling,
    "Quantize": _alias,
    "ReLU": _relu,
    "Requantize": _alias,
    "Reshape": _reshape,
    "ShuffleChannel": _shuffle,
    "Sigmoid": _plain("Sigmoid"),
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _alias,
    "Swish": _swish,
    "Yolov3DetectionOutput": _end,
}


def convert(text: str, name: str, height: int, width: int) -> onnx.ModelProto:
    """Return the graph of a .param file, for one RGB image."""
    net = Net(input_shape=(3, height, width))
    for layer in parse(text):
        if layer.kind not in LAYERS:
            message = f"{name}: layer {layer.name} is a {layer.kind}, for which LAYERS has no row"
            raise ParamError(message)
        LAYERS[layer.kind](net, layer)
    graph = helper.make_graph(
        net.nodes,
        name,
        [_info(net, x) for x in net.inputs],
        [_info(net, x) for x in _outputs(net)],
        net.weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def _outputs(net: Net) -> list[str]:
    """Return what no node reads, in order."""
    read = {x for node in net.nodes for x in node.input}
    return [x for node in net.nodes for x in node.output if x not in read]


def _info(net: Net, x: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(x, TensorProto.FLOAT, (1, *net.shapes[x]))


def sizes(timings: Path) -> dict[str, tuple[int, int]]:
    """Return height and width of the input of each ncnn model in a timings file."""
    with timings.open(newline="", encoding="utf-8") as file:
        shapes = {row["model"]: row["input_shape"] for row in csv.DictReader(file) if row["source"] == "ncnn"}
    found = {}
    for model, shape in shapes.items():
        height, width = map(int, shape.split("x"))
        found[model] = (height, width)
    return found


def main() -> None:
    """Write the graphs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("timings", "params", "out"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for model, (height, width) in sorted(sizes(args.timings).items()):
        path = args.params / f"{model.removesuffix('_int8')}.param"
        if not path.exists():
            print(f"{model}: {path} is missing; its text is in ncnn's benchmark folder")
            continue
        graph = convert(path.read_text(encoding="utf-8"), model, height, width)
        onnx.save(graph, args.out / f"{model}.onnx")


if __name__ == "__main__":
    main()
