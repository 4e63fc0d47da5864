"""Write small graphs: the layers that a network is made of, with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from feasibility.loader.runnable import Array, drawn

_OPSET = 17  # the first with LayerNormalization
_IR_VERSION = 8  # the one of that opset (onnx, docs/docsgen/source/repo-docs/Versioning.md)
_SCALE = 0.05  # of quantised tensors: which number it is does not matter to time


class Sketch:
    """A graph in the making. Layers take the name of what they read and return what they write."""

    def __init__(self, *, int8: bool = False) -> None:
        """Start empty; with `int8`, products read quantised tensors (QuantizeLinear, DequantizeLinear)."""
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._int8 = int8

    def input(self, *shape: int) -> str:
        """Add an input of floats."""
        name = f"input{len(self._inputs)}"
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def op(self, op_type: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401 (whatever onnx takes)
        """Add a node of one output."""
        name = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(op_type, inputs, [name], name=name, **attributes))
        return name

    def weight(self, *shape: int) -> str:
        """Add a float initializer."""
        return self._constant(drawn(TensorProto.FLOAT, shape))

    def shape(self, *sizes: int) -> str:
        """Add an int64 initializer, as Reshape takes."""
        return self._constant(np.array(sizes, np.int64))

    def scalar(self, value: float) -> str:
        """Add a float initializer of one number."""
        return self._constant(np.array(value, np.float32))

    def conv(self, x: str, channels: tuple[int, int], kernel: int, *, stride: int = 1, group: int = 1) -> str:
        """Add a convolution from and to so many channels, padded to keep the size, with a bias."""
        source, target = channels
        weight = self._quantised_weight((target, source // group, kernel, kernel))
        read, bias, pad = self._quantised(x), self.weight(target), kernel // 2
        sizes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4, "group": group}
        return self._quantised(self.op("Conv", read, weight, bias, **sizes))

    def patches(self, x: str, channels: tuple[int, int], size: int) -> str:
        """Add a convolution of patches that lie side by side."""
        weight = self._quantised_weight((channels[1], channels[0], size, size))
        bias = self.weight(channels[1])
        return self.op("Conv", self._quantised(x), weight, bias, kernel_shape=[size] * 2, strides=[size] * 2)

    def linear(self, x: str, sizes: tuple[int, int]) -> str:
        """Add a product with a weight matrix and a bias."""
        product = self.op("MatMul", self._quantised(x), self._quantised_weight(sizes))
        return self.op("Add", product, self.weight(sizes[1]))

    def product(self, a: str, b: str) -> str:
        """Add a product of two activations."""
        return self.op("MatMul", self._quantised(a), self._quantised(b))

    def norm(self, x: str, width: int) -> str:
        """Add a layer normalisation over the last axis."""
        return self.op("LayerNormalization", x, self.weight(width), self.weight(width), axis=-1)

    def gelu(self, x: str) -> str:
        """Add x * (1 + erf(x / sqrt 2)) / 2, as exporters write it."""
        half, one, root = (self.scalar(value) for value in (0.5, 1.0, 2**0.5))
        inner = self.op("Add", self.op("Erf", self.op("Div", x, root)), one)
        return self.op("Mul", self.op("Mul", x, inner), half)

    def ones(self, *shape: int) -> str:
        """Add a float initializer of ones."""
        return self._constant(np.ones(shape, np.float32))

    def resized(self, x: str, factor: int) -> str:
        """Repeat the places of images so many times."""
        scales = self._constant(np.array([1, 1, factor, factor], np.float32))
        return self.op("Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric")

    def reshape(self, x: str, sizes: Sequence[int]) -> str:
        """Add a reshape."""
        return self.op("Reshape", x, self.shape(*sizes))

    def finish(self, *outputs: str) -> bytes:
        """Return the serialized model."""
        made = [onnx.ValueInfoProto(name=name) for name in outputs]
        graph = helper.make_graph(self._nodes, "probe", self._inputs, made, self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
        model.ir_version = _IR_VERSION
        return bytes(model.SerializeToString())

    def _constant(self, value: Array) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(value, name))
        return name

    def _quantised(self, x: str) -> str:
        """Pass a tensor through eight bits, where the graph is one of integers."""
        if not self._int8:
            return x
        scale, zero = self._constant(np.array(_SCALE, np.float32)), self._constant(np.array(128, np.uint8))
        return self.op("DequantizeLinear", self.op("QuantizeLinear", x, scale, zero), scale, zero)

    def _quantised_weight(self, shape: tuple[int, ...]) -> str:
        if not self._int8:
            return self.weight(*shape)
        values = np.clip(drawn(TensorProto.FLOAT, shape) * 100, -127, 127).astype(np.int8)
        scale, zero = self._constant(np.array(_SCALE, np.float32)), self._constant(np.array(0, np.int8))
        return self.op("DequantizeLinear", self._constant(values), scale, zero)
