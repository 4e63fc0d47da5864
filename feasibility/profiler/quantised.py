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
    "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "LeakyRelu", "MaxPool",
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
    seen, same = _seen_through(graph)
    ending = _ending(seen)
    types = _types(seen.nodes, narrow, ending)
    views = _views(seen, narrow, types)
    written = {s.name for n in types for s in seen.nodes[n].outputs if s is not None}
    written |= {s.name for n in views for s in seen.nodes[n].outputs if s is not None}
    retyped = {name: dtype for name, dtype in narrow.items() if name in written}
    retyped |= {name: retyped[spec.name] for name, spec in same.items() if spec.name in retyped}
    return Quantised(tuple([_retype(node, retyped) for node in graph.nodes]), types, views)


def _seen_through(graph: Graph) -> tuple[Graph, dict[str, TensorSpec]]:
    """Return the graph as if nothing stood where its Identities stand, and what each of them repeats."""
    same: dict[str, TensorSpec] = {}
    nodes = []
    for node in graph.nodes:
        read = tuple([spec if spec is None else same.get(spec.name, spec) for spec in node.inputs])
        if _is(node, "Identity") and _is_whole(node):
            same[node.output(0).name] = read[0] or node.input(0)
            nodes.append(replace(node, inputs=(), outputs=()))
        else:
            nodes.append(node if read == node.inputs else replace(node, inputs=read))
    outputs = tuple([same.get(spec.name, spec) for spec in graph.outputs])
    return replace(graph, nodes=tuple(nodes), outputs=outputs), same


def _is(node: Node, op_type: str) -> bool:
    return node.op_type == op_type and node.domain in _DOMAINS


def _dequantised(nodes: Iterable[Node]) -> dict[str, DType]:
    """Return what DQ nodes write out of 8-bit tensors, with the type of those."""
    pairs = [(node.input(0), node.output(0)) for node in nodes if _is(node, _DEQUANTISE) and _is_whole(node)]
    return {y.name: x.dtype for x, y in pairs if x.dtype in _EIGHT_BITS}


def _is_whole(node: Node) -> bool:
    """Tell whether a node reads and writes something; a broken file may have others."""
    return node.has_input(0) and node.has_output(0)


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
        index: node.output(0).dtype
        for index, node in enumerate(nodes)
        if _is(node, _QUANTISE) and _is_whole(node) and node.input(0).name in narrow
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
