"""Change a model in one seeded way that a file from a stranger may be wrong in."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import onnx
from onnx import AttributeProto, TensorProto, defs, helper

Dice: TypeAlias = random.Random
Change: TypeAlias = Callable[[onnx.ModelProto, Dice], None]

SIZES = (-(2**63), -(2**31), -2, -1, 0, 1, 2, 3, 7, 64, 1000, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1)
SMALL = (-3, -2, -1, 0, 1, 2, 3, 4, 5, 8, 16)
FLOATS = (0.0, -1.0, 0.5, 2.0, 1e-30, 1e30, float("inf"), float("-inf"), float("nan"))
TEXTS = (b"", b"NOTSET", b"SAME_UPPER", b"linear", b"ij,jk->ik", b"...", b"\xff\xfe", b"a" * 300, b"forward")
VERSIONS = (-1, 0, 1, 5, 6, 7, 9, 11, 13, 15, 18, 19, 21, 23, 99)
MICROSOFT = "com.microsoft"
DOMAINS = ("", MICROSOFT, "ai.onnx.ml", "ai.onnx.preview.training", "acme")
CONTRIB = (
    "Attention", "MultiHeadAttention", "GroupQueryAttention", "MatMulNBits", "QLinearConv", "FusedConv",
    "SkipLayerNormalization", "EmbedLayerNormalization", "NhwcMaxPool", "FusedMatMul", "QMoE", "BiasGelu",
    "LongformerAttention", "RotaryEmbedding", "GridSample", "Unique", "CropAndResize",
)  # fmt: skip
OPERATORS = sorted({s.name for s in defs.get_all_schemas()} | {*CONTRIB, "?"})


def graphs(proto: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """Yield the main graph and every graph inside its nodes."""
    pending = [proto.graph]
    while pending:
        graph = pending.pop()
        yield graph
        pending += (a.g for n in graph.node for a in n.attribute if a.type == AttributeProto.GRAPH)


def nodes(proto: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return all nodes, those of subgraphs and functions included."""
    found = [node for graph in graphs(proto) for node in graph.node]
    return found + [node for function in proto.functions for node in function.node]


def _graph(proto: onnx.ModelProto, dice: Dice) -> onnx.GraphProto:
    return dice.choice(list(graphs(proto)))


def _node(proto: onnx.ModelProto, dice: Dice) -> onnx.NodeProto:
    return dice.choice(nodes(proto))


def _names(proto: onnx.ModelProto) -> list[str]:
    return ["", *dict.fromkeys(name for node in nodes(proto) for name in (*node.input, *node.output))]


def _size(dice: Dice) -> int:
    return dice.choice(dice.choice((SIZES, SMALL)))


def _tensors(proto: onnx.ModelProto) -> list[TensorProto]:
    stored = [tensor for graph in graphs(proto) for tensor in graph.initializer]
    return stored + [a.t for n in nodes(proto) for a in n.attribute if a.type == AttributeProto.TENSOR]


def _types(proto: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    return [v for graph in graphs(proto) for v in (*graph.input, *graph.output, *graph.value_info)]


def dims_of_a_tensor(proto: onnx.ModelProto, dice: Dice) -> None:
    """Change, add or drop a dimension of a stored tensor."""
    tensor = dice.choice(_tensors(proto))
    _edit(tensor.dims, dice)


def _edit(numbers: Any, dice: Dice) -> None:  # noqa: ANN401 (protobuf's list of numbers)
    """Change, add or drop one number."""
    if not numbers or not dice.randrange(4):
        numbers.append(_size(dice))
    elif not dice.randrange(3):
        del numbers[dice.randrange(len(numbers))]
    else:
        numbers[dice.randrange(len(numbers))] = _size(dice)


def values_of_a_tensor(proto: onnx.ModelProto, dice: Dice) -> None:
    """Give a stored tensor other numbers, right or too few."""
    tensor = dice.choice(_tensors(proto))
    count = dice.choice((0, 1, 2, 3, 4, 8))
    if dice.randrange(2):
        tensor.dims[:] = [count]
    tensor.CopyFrom(
        TensorProto(
            name=tensor.name,
            dims=tensor.dims,
            data_type=TensorProto.INT64,
            int64_data=[_size(dice) for _ in range(count)],
        )
    )


def type_of_a_tensor(proto: onnx.ModelProto, dice: Dice) -> None:
    """Call a stored tensor's elements something else."""
    dice.choice(_tensors(proto)).data_type = dice.choice((*range(26), -1, 99, 2**31 - 1))


def declared_dims(proto: onnx.ModelProto, dice: Dice) -> None:
    """Change what an input, an output or a value is declared to be."""
    dims = dice.choice(_types(proto)).type.tensor_type.shape.dim
    if not dims or not dice.randrange(4):
        dims.add().dim_value = _size(dice)
    elif not dice.randrange(4):
        del dims[dice.randrange(len(dims))]
    elif not dice.randrange(4):
        dice.choice(dims).dim_param = dice.choice(("n", "seq", "n + 1", "(" * 300, "n / 0", "é"))
    else:
        dice.choice(dims).dim_value = _size(dice)


def declared_type(proto: onnx.ModelProto, dice: Dice) -> None:
    """Declare another element type, a sequence, an optional, or nothing."""
    value = dice.choice(_types(proto))
    elem = dice.choice((*range(26), -1, 99))
    tensor = helper.make_tensor_type_proto(elem, [_size(dice) for _ in range(dice.randrange(5))])
    value.type.CopyFrom(
        dice.choice(
            (
                tensor,
                helper.make_sequence_type_proto(tensor),
                helper.make_optional_type_proto(tensor),
                helper.make_map_type_proto(TensorProto.INT64, tensor),
                onnx.TypeProto(),
            )
        )
    )


def attribute_value(proto: onnx.ModelProto, dice: Dice) -> None:
    """Change one number or text of an attribute."""
    attribute = _attribute(proto, dice)
    if attribute is None:
        return
    change = _VALUES.get(attribute.type)
    if change is not None:
        change(attribute, dice)


def _attribute(proto: onnx.ModelProto, dice: Dice) -> AttributeProto | None:
    found = [attribute for node in nodes(proto) for attribute in node.attribute]
    return dice.choice(found) if found else None


_VALUES: Mapping[int, Callable[[AttributeProto, Dice], None]] = {
    AttributeProto.INT: lambda a, dice: setattr(a, "i", _size(dice)),
    AttributeProto.FLOAT: lambda a, dice: setattr(a, "f", dice.choice(FLOATS)),
    AttributeProto.STRING: lambda a, dice: setattr(a, "s", dice.choice(TEXTS)),
    AttributeProto.INTS: lambda a, dice: _edit(a.ints, dice),
    AttributeProto.FLOATS: lambda a, dice: a.floats.append(dice.choice(FLOATS)),
    AttributeProto.STRINGS: lambda a, dice: a.strings.append(dice.choice(TEXTS)),
}


def attribute_type(proto: onnx.ModelProto, dice: Dice) -> None:
    """Say that an attribute holds something else than it does."""
    attribute = _attribute(proto, dice)
    if attribute is not None:
        attribute.type = dice.choice(AttributeProto.AttributeType.values())


def attribute_dropped(proto: onnx.ModelProto, dice: Dice) -> None:
    """Take an attribute away."""
    node = _node(proto, dice)
    if node.attribute:
        del node.attribute[dice.randrange(len(node.attribute))]


def attribute_added(proto: onnx.ModelProto, dice: Dice) -> None:
    """Give a node an attribute that its operator, or another one, has."""
    node = _node(proto, dice)
    schemas = [s for s in defs.get_all_schemas_with_history() if s.name == node.op_type and s.attributes]
    names = sorted(dice.choice(schemas).attributes) if schemas else ["axis", "axes", "perm", "group"]
    value: Any = dice.choice(
        (
            _size(dice),
            [_size(dice) for _ in range(dice.randint(1, 4))],
            dice.choice(TEXTS),
            dice.choice(FLOATS),
        )
    )
    node.attribute.append(helper.make_attribute(dice.choice(names), value))


def operator(proto: onnx.ModelProto, dice: Dice) -> None:
    """Name another operator."""
    node = _node(proto, dice)
    node.op_type = dice.choice(OPERATORS)
    node.domain = MICROSOFT if node.op_type in CONTRIB else node.domain


def domain(proto: onnx.ModelProto, dice: Dice) -> None:
    """Put an operator into another domain."""
    _node(proto, dice).domain = dice.choice(DOMAINS)


def read_another(proto: onnx.ModelProto, dice: Dice) -> None:
    """Let a node read something else, nothing, or one thing more."""
    node, name = _node(proto, dice), dice.choice(_names(proto))
    if not node.input or not dice.randrange(4):
        node.input.append(name)
    else:
        node.input[dice.randrange(len(node.input))] = name


def input_dropped(proto: onnx.ModelProto, dice: Dice) -> None:
    """Let a node read less."""
    node = _node(proto, dice)
    if node.input:
        del node.input[dice.randrange(len(node.input))]


def output_changed(proto: onnx.ModelProto, dice: Dice) -> None:
    """Let a node write more, less, or under a name that is taken."""
    node = _node(proto, dice)
    choice = dice.randrange(3)
    if choice == 0 or not node.output:
        node.output.append(dice.choice((f"more{dice.randrange(99)}", "", *_names(proto)[:3])))
    elif choice == 1:
        del node.output[dice.randrange(len(node.output))]
    else:
        node.output[dice.randrange(len(node.output))] = dice.choice(_names(proto))


def node_dropped(proto: onnx.ModelProto, dice: Dice) -> None:
    """Take a node away."""
    graph = _graph(proto, dice)
    if graph.node:
        del graph.node[dice.randrange(len(graph.node))]


def node_twice(proto: onnx.ModelProto, dice: Dice) -> None:
    """Write a node a second time, as it is or under new output names."""
    graph = _graph(proto, dice)
    if not graph.node:
        return
    copy = onnx.NodeProto.FromString(dice.choice(graph.node).SerializeToString())
    if dice.randrange(3):
        copy.output[:] = [f"{name}_again" for name in copy.output]
    graph.node.append(copy)


def node_moved(proto: onnx.ModelProto, dice: Dice) -> None:
    """Write a node at another place."""
    graph = _graph(proto, dice)
    if graph.node:
        kept = list(graph.node)
        dice.shuffle(kept) if dice.randrange(2) else kept.append(kept.pop(dice.randrange(len(kept))))
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
        del graph.node[:]
        graph.node.extend(copies)


def version(proto: onnx.ModelProto, dice: Dice) -> None:
    """Import another version of an operator set, one more, or none."""
    choice = dice.randrange(5)
    if choice == 0:
        proto.opset_import.append(helper.make_opsetid(dice.choice(DOMAINS), dice.choice(VERSIONS)))
    elif choice == 1 and proto.opset_import:
        del proto.opset_import[dice.randrange(len(proto.opset_import))]
    elif proto.opset_import:
        dice.choice(proto.opset_import).version = dice.choice(VERSIONS)


def input_stored(proto: onnx.ModelProto, dice: Dice) -> None:
    """Fix the value of a graph input: what reads it is shape arithmetic now."""
    if not proto.graph.input:
        return
    value = dice.choice(proto.graph.input)
    kind = value.type.tensor_type
    dims = [min(max(d.dim_value, 0), 4) for d in kind.shape.dim]
    count = 1
    for size in dims:
        count *= size
    if count > 1024:
        return
    elem = kind.elem_type if kind.elem_type in (1, 6, 7, 9, 11) else TensorProto.INT64
    vals = [dice.choice(SMALL) if elem != TensorProto.BOOL else dice.randrange(2) for _ in range(count)]
    proto.graph.initializer.append(helper.make_tensor(value.name, elem, dims, vals))


def all_inputs_stored(proto: onnx.ModelProto, dice: Dice) -> None:
    """Fix the values of all graph inputs."""
    for value in list(proto.graph.input):
        single = onnx.ModelProto()
        single.graph.input.append(value)
        input_stored(single, dice)
        proto.graph.initializer.extend(single.graph.initializer)


CHANGES: Sequence[Change] = (
    dims_of_a_tensor, values_of_a_tensor, type_of_a_tensor, declared_dims, declared_type, attribute_value,
    attribute_value, attribute_value, attribute_type, attribute_dropped, attribute_added, attribute_added,
    operator, domain, read_another, input_dropped, output_changed, node_dropped, node_twice, node_moved,
    version, input_stored, all_inputs_stored,
)  # fmt: skip


def mutate(proto: onnx.ModelProto, dice: Dice) -> bytes:
    """Return a serialized copy with one to three changes; a few get flipped bytes besides."""
    copy = onnx.ModelProto.FromString(proto.SerializeToString())
    for _ in range(dice.randint(1, 3)):
        change = dice.choice(CHANGES)
        try:
            change(copy, dice)
        except (IndexError, ValueError, TypeError, OverflowError):
            continue
    data: bytes = copy.SerializeToString()
    return flipped(data, dice) if not dice.randrange(10) else data


def flipped(data: bytes, dice: Dice) -> bytes:
    """Return the bytes with one to four of them changed, dropped or doubled."""
    out = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(out))
        choice = dice.randrange(4)
        if choice == 0:
            del out[at]
        elif choice == 1:
            out.insert(at, dice.randrange(256))
        elif choice == 2:
            out[at] = dice.randrange(256)
        else:
            out[at] ^= 1 << dice.randrange(8)
    return bytes(out)
