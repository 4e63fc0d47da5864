"""Write protobuf by hand: an encoder of a few lines that shares nothing with the code under test."""

from __future__ import annotations


def varint(value: int, *, pad: int = 0) -> bytes:
    """Encode an unsigned number; `pad` adds bytes that mean nothing."""
    groups = []
    while True:
        groups.append(value % 128)
        value //= 128
        if not value:
            break
    groups += [0] * pad
    return bytes([group + 128 for group in groups[:-1]] + [groups[-1]])


def number(field: int, value: int) -> bytes:
    """Encode a field of wire type 0."""
    return varint(field * 8) + varint(value)


def fixed64(field: int, content: bytes) -> bytes:
    """Encode a field of wire type 1."""
    return varint(field * 8 + 1) + content


def block(field: int, *content: bytes) -> bytes:
    """Encode a field of wire type 2: bytes, text or a message."""
    joined = b"".join(content)
    return varint(field * 8 + 2) + varint(len(joined)) + joined


def fixed32(field: int, content: bytes) -> bytes:
    """Encode a field of wire type 5."""
    return varint(field * 8 + 5) + content


# Field numbers as onnx-ml.proto gives them.
def model(*graph: bytes, ir_version: int = 9) -> bytes:
    """Encode a ModelProto of opset 17 around the fields of a graph."""
    return number(1, ir_version) + block(7, *graph) + block(8, number(2, 17))


def node(*fields: bytes, op_type: bytes = b"Relu") -> bytes:
    """Encode a GraphProto.node that reads x and writes y."""
    return block(1, block(1, b"x"), block(2, b"y"), block(4, op_type), *fields)


def tensor(*fields: bytes, dims: tuple[int, ...] = (4,), data_type: int = 1, name: bytes = b"w") -> bytes:
    """Encode the content of a TensorProto; `fields` come between its type and its name."""
    return b"".join(number(1, dim) for dim in dims) + number(2, data_type) + b"".join(fields) + block(8, name)


def initializer(
    *fields: bytes, dims: tuple[int, ...] = (4,), data_type: int = 1, name: bytes = b"w"
) -> bytes:
    """Encode a GraphProto.initializer."""
    return block(5, tensor(*fields, dims=dims, data_type=data_type, name=name))


SMALL_MODEL = model(node(), block(2, b"g"), block(11, block(1, b"x")), block(12, block(1, b"y")))
