"""Find what runs in 8 bits between DequantizeLinear and QuantizeLinear (the QDQ form).

A runtime computes there on the integers themselves. So the tensors in between take
the type of the quantised ones, products meet the 8-bit peak, and the Q and DQ nodes
around them are other names for the same bytes. This is one pass before the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN, DType, Graph, Node, TensorSpec

_DOMAINS = frozenset({DEFAULT_DOMAIN, MICROSOFT_DOMAIN})
_QUANTISE, _DEQUANTISE = "QuantizeLinear", "DequantizeLinear"
_EIGHT_BITS = frozenset({DType.INT8, DType.UINT8})
# products: both operands must be quantised, the result may stay wide (the accumulator)
_PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
# what runtimes have 8-bit kernels for, or fuse into a product in front
# (onnxruntime/core/optimizer/qdq_transformer/selectors_actions, 2026-11)
_WITH_KERNELS = frozenset({
    "Add", "ArgMax", "AveragePool", "Clip", "Concat", "DepthToSpace", "Expand", "Flatten", "Gather",
    "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "MaxPool",
    "Mul", "Pad", "ReduceMean", "Relu", "Reshape", "Resize", "Sigmoid", "Slice", "Softmax", "SpaceToDepth",
    "Split", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze", "Where",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quantised:
    """The nodes with the types that they run in; which run in 8 bits; which Q and DQ are views."""

    nodes: tuple[Node, ...]
    types: Mapping[int, DType] = field(default_factory=dict)
    views: Mapping[int, DType] = field(default_factory=dict)


def quantised(graph: Graph) -> Quantised:
    """Return the graph as a runtime with 8-bit kernels runs it."""
    narrow = _dequantised(graph.nodes)
    if not narrow:
        return Quantised(graph.nodes)
    ending = _ending(graph)
    types = _types(graph.nodes, narrow, ending)
    views = _views(graph, narrow, types)
    written = {s.name for n in types for s in graph.nodes[n].outputs if s is not None}
    written |= {s.name for n in views for s in graph.nodes[n].outputs if s is not None}
    retyped = {name: dtype for name, dtype in narrow.items() if name in written}
    return Quantised(tuple([_retype(node, retyped) for node in graph.nodes]), types, views)


def _is(node: Node, op_type: str) -> bool:
    return node.op_type == op_type and node.domain in _DOMAINS


def _dequantised(nodes: Iterable[Node]) -> dict[str, DType]:
    """Return what DQ nodes write out of 8-bit tensors, with the type of those."""
    pairs = ((node.inputs[0], node.outputs[0]) for node in nodes if _is(node, _DEQUANTISE) and node.inputs)
    return {y.name: x.dtype for x, y in pairs if x is not None and y is not None and x.dtype in _EIGHT_BITS}


def _ending(graph: Graph) -> set[str]:
    """Return the tensors that end in Q nodes alone, directly or behind operators with kernels."""
    wide = {spec.name for spec in graph.outputs}  # read by something that wants real numbers
    ending: set[str] = set()
    read: set[str] = set()
    for node in reversed(graph.nodes):
        outputs = [spec.name for spec in node.outputs if spec is not None]
        ends = bool(outputs) and all(name in read and name not in wide for name in outputs)
        if ends:
            ending.update(outputs)
        inputs = [spec.name for spec in node.inputs if spec is not None]
        read.update(inputs)
        if not (_is(node, _QUANTISE) or (ends and node.op_type in _WITH_KERNELS)):
            wide.update(inputs)
    return ending


def _types(nodes: Iterable[Node], narrow: dict[str, DType], ending: set[str]) -> dict[int, DType]:
    """Return which nodes run in 8 bits; add what they write to `narrow`."""
    types: dict[int, DType] = {}
    for index, node in enumerate(nodes):
        if node.folded or node.domain not in _DOMAINS or not _is_fed(node, narrow):
            continue
        ends = all(spec is None or spec.name in ending for spec in node.outputs)
        if ends or node.op_type in _PRODUCTS:
            types[index] = DType.INT8
        if ends:
            narrow.update({spec.name: DType.INT8 for spec in node.outputs if spec is not None})
    return types


def _is_fed(node: Node, narrow: Mapping[str, DType]) -> bool:
    """Tell whether all data that an operator works on is quantised; constants beside it are settings."""
    if node.op_type in _PRODUCTS:
        return all(spec is not None and spec.name in narrow for spec in node.inputs[:2])
    floats = [spec for spec in node.inputs if spec is not None and spec.dtype.is_float and not spec.constant]
    return node.op_type in _WITH_KERNELS and bool(floats) and all(spec.name in narrow for spec in floats)


def _views(graph: Graph, narrow: Mapping[str, DType], types: Mapping[int, DType]) -> dict[int, DType]:
    """Return the Q nodes behind and the DQ nodes in front of what runs in 8 bits, with their type."""
    nodes, wide = graph.nodes, {spec.name for spec in graph.outputs}
    views = {
        index: node.outputs[0].dtype
        for index, node in enumerate(nodes)
        if _is(node, _QUANTISE) and node.inputs[0] and node.outputs[0] and node.inputs[0].name in narrow
    }
    for index, node in enumerate(nodes):
        if index not in types and index not in views:
            wide.update([spec.name for spec in node.inputs if spec is not None])
    for index, node in enumerate(nodes):
        written = node.outputs[0] if _is(node, _DEQUANTISE) and node.outputs else None
        if written is not None and written.name in narrow and written.name not in wide:
            views[index] = narrow[written.name]
    return views


def _retype(node: Node, types: Mapping[str, DType]) -> Node:
    """Return a node whose tensors have the types that they run in."""
    if not any(spec is not None and spec.name in types for spec in (*node.inputs, *node.outputs)):
        return node
    return replace(node, inputs=_retyped(node.inputs, types), outputs=_retyped(node.outputs, types))


def _retyped(specs: Iterable[TensorSpec | None], types: Mapping[str, DType]) -> tuple[TensorSpec | None, ...]:
    return tuple([replace(s, dtype=types[s.name]) if s is not None and s.name in types else s for s in specs])
