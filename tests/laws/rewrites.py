"""Write a model another way that computes the same: seeded, on a copy."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from math import prod

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from onnx import TensorProto, helper, numpy_helper

Dice = random.Random
Node = onnx.NodeProto

DOMAIN = "law"  # of the functions made here
LARGEST_INLINE = 2**16  # elements: files of hundreds of megabytes are no law's business
# legal names that a parser of names may trip over
_ODD = ("{}", "a b/{}", "é{}", "{}#1", "..{}::", "%{}\t", "0{}", "{}_" + "x" * 200, "batch{}[0]", "'\"{}\\")


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy to change."""
    copy: onnx.ModelProto = onnx.ModelProto.FromString(model.SerializeToString())
    return copy


def with_nodes(model: onnx.ModelProto, nodes: Iterable[Node]) -> onnx.ModelProto:
    """Return a copy with these nodes."""
    copy = copied(model)
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


# --- names and order


def renamed(model: onnx.ModelProto, dice: Dice) -> onnx.ModelProto:
    """Give every tensor and node a new name, odd ones and none among them."""
    copy, names = copied(model), {"": ""}

    def new(name: str) -> str:
        return names.setdefault(name, dice.choice(_ODD).format(len(names)))

    graph = copy.graph
    for node in graph.node:
        node.name = new(f"node {node.name}") if dice.randrange(4) else ""
        node.input[:] = [new(name) for name in node.input]
        node.output[:] = [new(name) for name in node.output]
    for named in (*graph.initializer, *graph.input, *graph.output, *graph.value_info):
        named.name = new(named.name)
    return copy


def backwards(model: onnx.ModelProto, _: Dice) -> onnx.ModelProto:
    """Write the nodes down from last to first."""
    return with_nodes(model, reversed(model.graph.node))


def reordered(model: onnx.ModelProto, dice: Dice) -> onnx.ModelProto:
    """Put the nodes into a random order in which each comes after what it reads."""
    nodes = list(model.graph.node)
    writer = {name: index for index, node in enumerate(nodes) for name in node.output}
    waits = [{writer[name] for name in node.input if name in writer} for node in nodes]
    readers: list[list[int]] = [[] for _ in nodes]
    for index, needed in enumerate(waits):
        for other in needed:
            readers[other].append(index)
    ready, order = [index for index, needed in enumerate(waits) if not needed], []
    while ready:
        index = ready.pop(dice.randrange(len(ready)))
        order.append(nodes[index])
        for reader in readers[index]:
            waits[reader].discard(index)
            if not waits[reader]:
                ready.append(reader)
    return with_nodes(model, order)


# --- where constants are kept


def weights_as_constants(model: onnx.ModelProto, _: Dice) -> onnx.ModelProto:
    """Turn every initializer into a Constant."""
    made = [helper.make_node("Constant", [], [t.name], value=t) for t in model.graph.initializer]
    copy = with_nodes(model, [*made, *model.graph.node])
    del copy.graph.initializer[:]
    return copy


def constants_as_weights(model: onnx.ModelProto, _: Dice) -> onnx.ModelProto:
    """Turn every Constant into an initializer."""
    copy = with_nodes(model, [node for node in model.graph.node if node.op_type != "Constant"])
    for node in model.graph.node:
        if node.op_type == "Constant":
            stored = copy.graph.initializer.add()
            stored.CopyFrom(node.attribute[0].t)
            stored.name = node.output[0]
    return copy


def tensors(model: onnx.ModelProto) -> Iterable[TensorProto]:
    """Yield what the file stores."""
    yield from model.graph.initializer
    yield from (node.attribute[0].t for node in model.graph.node if node.op_type == "Constant")


def inline(model: onnx.ModelProto, dice: Dice) -> onnx.ModelProto:
    """Put numbers into the file for weights that lie beside it, except for the largest.

    Tables of integers stay: small ones decide shapes, and where they lie decides what is known.
    """
    copy, rng = copied(model), np.random.default_rng(dice.randrange(2**32))
    for tensor in tensors(copy):
        is_weight = tensor.data_location == TensorProto.EXTERNAL and tensor.data_type != TensorProto.INT64
        if is_weight and prod(tensor.dims) <= LARGEST_INLINE:
            values = rng.integers(1, 9, tuple(tensor.dims))
            kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
            tensor.CopyFrom(numpy_helper.from_array(values.astype(kind), tensor.name))
    return copy


def absent(model: onnx.ModelProto, _: Dice) -> onnx.ModelProto:
    """Leave nothing of weights but their types and shapes, not even where they lie."""
    copy = copied(model)
    for tensor in tensors(copy):
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
    return copy


# --- nodes that add nothing


def with_identities(model: onnx.ModelProto, dice: Dice) -> onnx.ModelProto:
    """Let one in eight nodes read its inputs, weights among them, through an Identity."""
    nodes: list[Node] = []
    for node in map(copied_node, model.graph.node):
        if not dice.randrange(8):
            for place, name in enumerate(node.input):
                if name:
                    node.input[place] = f"{name}/same{len(nodes)}"
                    nodes.append(helper.make_node("Identity", [name], [node.input[place]]))
        nodes.append(node)
    return with_nodes(model, nodes)


def copied_node(node: Node, suffix: str = "", kept: frozenset[str] = frozenset()) -> Node:
    """Return a copy; all but the kept tensors get a suffix."""
    copy: Node = Node.FromString(node.SerializeToString())
    if suffix:
        for names in (copy.input, copy.output):
            names[:] = [name if not name or name in kept else name + suffix for name in names]
    return copy


# --- bodies


def run_of(nodes: Sequence[Node], dice: Dice) -> tuple[int, int]:
    """Choose some neighbouring nodes, at most a quarter."""
    size = dice.randint(1, max(len(nodes) // 4, 1))
    start = dice.randrange(len(nodes) - size + 1)
    return start, start + size


def crossing(model: onnx.ModelProto, start: int, stop: int) -> tuple[list[str], list[str]]:
    """Return what some nodes read from outside, and what they write for others."""
    nodes = model.graph.node
    inside = {name for node in nodes[start:stop] for name in node.output}
    read = dict.fromkeys(name for node in nodes[start:stop] for name in node.input if name)
    needed = {name for node in (*nodes[:start], *nodes[stop:]) for name in node.input}
    needed |= {value.name for value in model.graph.output}
    written = dict.fromkeys(name for node in nodes[start:stop] for name in node.output if name in needed)
    return [name for name in read if name not in inside], list(written)


def in_branches(model: onnx.ModelProto, dice: Dice) -> onnx.ModelProto:
    """Move some neighbouring nodes into the branch of an If whose condition is always the same."""
    start, stop = run_of(model.graph.node, dice)
    _, written = crossing(model, start, stop)
    taken = dice.randrange(2)
    values = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in written]
    body = helper.make_graph(list(model.graph.node[start:stop]), "taken", [], values)
    other = helper.make_graph(
        [helper.make_node("Constant", [], [name], value_floats=[0.0] * 9) for name in written],
        "other",
        [],
        values,
    )
    chosen = (
        {"then_branch": body, "else_branch": other} if taken else {"then_branch": other, "else_branch": body}
    )
    node = helper.make_node("If", ["law/condition"], written, name="law/if", **chosen)
    copy = with_nodes(model, [*model.graph.node[:start], node, *model.graph.node[stop:]])
    copy.graph.initializer.append(helper.make_tensor("law/condition", TensorProto.BOOL, [], [taken]))
    return copy


def function_of(model: onnx.ModelProto, start: int, stop: int, name: str) -> onnx.FunctionProto:
    """Return some neighbouring nodes as a function of what they read."""
    read, written = crossing(model, start, stop)
    places = {tensor: f"in{index}" for index, tensor in enumerate(read)}
    nodes = list(map(copied_node, model.graph.node[start:stop]))
    for node in nodes:
        node.input[:] = [places.get(tensor, tensor) for tensor in node.input]
    return helper.make_function(DOMAIN, name, list(places.values()), written, nodes, list(model.opset_import))


def in_a_function(model: onnx.ModelProto, dice: Dice) -> onnx.ModelProto:
    """Move some neighbouring nodes into a function that is called once."""
    start, stop = run_of(model.graph.node, dice)
    read, written = crossing(model, start, stop)
    call = helper.make_node("F", read, written, domain=DOMAIN)
    copy = with_nodes(model, [*model.graph.node[:start], call, *model.graph.node[stop:]])
    copy.functions.append(function_of(model, start, stop, "F"))
    copy.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    return copy


def twice(model: onnx.ModelProto) -> onnx.ModelProto:
    """Run all nodes twice on the same inputs and weights, the second time under other names."""
    read, written = crossing(model, 0, len(model.graph.node))
    kept = frozenset(read)
    again = [copied_node(node, "/again", kept) for node in model.graph.node]
    copy = with_nodes(model, [*model.graph.node, *again])
    copy.graph.output.extend(_untyped(name + "/again") for name in written)
    return copy


def called_twice(model: onnx.ModelProto) -> onnx.ModelProto:
    """Run all nodes as a function that is called twice on the same inputs and weights."""
    read, written = crossing(model, 0, len(model.graph.node))
    outputs = (written, [f"{name}/again" for name in written])
    calls = [helper.make_node("F", read, names, domain=DOMAIN) for names in outputs]
    copy = with_nodes(model, calls)
    copy.functions.append(function_of(model, 0, len(model.graph.node), "F"))
    copy.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    copy.graph.output.extend(map(_untyped, outputs[1]))
    return copy


def _untyped(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None)


# --- what a file says besides


def declared(model: onnx.ModelProto, _: Dice) -> onnx.ModelProto:
    """Write down every shape that onnx can infer."""
    found: onnx.ModelProto = onnx.shape_inference.infer_shapes(model, data_prop=True)
    return found


def undeclared(model: onnx.ModelProto, _: Dice) -> onnx.ModelProto:
    """Leave out what the file says of shapes between inputs and outputs."""
    copy = copied(model)
    del copy.graph.value_info[:]
    return copy


_LEN = 2  # protobuf's wire type of messages
_BITS = 7  # of a number that one byte holds
_MESSAGES = 3  # deep: the model, its graph, and the nodes and tensors of that


def scrambled(message: Message, dice: Dice, depth: int = _MESSAGES) -> bytes:
    """Serialize the fields of a message in any order; the order within a repeated field says something."""
    parts = []
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            head = _number(field.number << 3 | _LEN)
            inner = [
                scrambled(each, dice, depth - 1) if depth else each.SerializeToString()
                for each in (value if field.is_repeated else (value,))
            ]
            parts.append(b"".join(head + _number(len(content)) + content for content in inner))
        else:
            alone = type(message)()
            if field.is_repeated:
                getattr(alone, field.name).extend(value)
            else:
                setattr(alone, field.name, value)
            parts.append(alone.SerializeToString())
    dice.shuffle(parts)
    return b"".join(parts)


def _number(value: int) -> bytes:
    """Write a number as protobuf does."""
    out = bytearray()
    while value >> _BITS:
        out.append(value & 0x7F | 0x80)
        value >>= _BITS
    return bytes([*out, value])
