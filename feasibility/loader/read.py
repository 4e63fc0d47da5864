"""Read an ONNX model without its weights; say what a file really is when it is none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from math import prod

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, EncodeError, Message

from feasibility.errors import ModelError
from feasibility.ir import DType
from feasibility.loader import files, kinds, wire

_FIRST_IR_WITH_OPSETS = 3  # before it, a model without opset_import means version 1 (onnx, IR.md)
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)  # an external tensor's declared length
_MAX_SHOWN = 40  # bytes or numbers of a model that one sentence repeats
_EXPORT_AGAIN = "export the model again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A parsed model without its weights, and how large the whole of it is."""

    proto: onnx.ModelProto
    path: str  # as given; "-" is standard input, "<bytes>" and "<ModelProto>" came from memory
    file_bytes: int
    graph_sha256: str  # of what is kept: the graph and its small tensors
    external_bytes: int  # what external data declares; each stored range once
    external_files: tuple[str, ...]  # as the model names them; never opened


def read(source: str | os.PathLike[str] | bytes | onnx.ModelProto, *, name: str | None = None) -> Source:
    """Parse a model from a path, from "-" (standard input), from bytes or from memory.

    Tensors above 8 KiB lose their values; external data is not opened; `source` is
    not changed. `name` is what to call a source that has no path. Raises ModelError.
    """
    if isinstance(source, onnx.ModelProto):
        return _from_buffer(name or "<ModelProto>", _serialized(source))
    if isinstance(source, bytes):
        return _from_buffer(name or "<bytes>", source)
    path = os.fsdecode(os.fspath(source))
    with files.opened(path) as buffer:
        return _from_buffer(path, buffer)


def _serialized(proto: onnx.ModelProto) -> bytes:
    try:
        serialized: bytes = proto.SerializeToString()
    except EncodeError:
        hint = "save it with onnx.save(model, path, save_as_external_data=True) and pass the path"
        raise ModelError("the model in memory is larger than protobuf's 2 GiB", hint=hint) from None
    return serialized


def _from_buffer(path: str, buffer: wire.Buffer) -> Source:
    proto, kept = _parsed(path, buffer)
    _check_model(path, buffer, proto)
    try:
        ranges = dict(map(_external_range, _external_tensors(proto, kept)))
    except ModelError as error:
        msg = f"{path!r} cannot be read: {error.message}"
        raise ModelError(msg, hint=error.hint) from None
    return Source(
        proto=proto,
        path=path,
        file_bytes=len(buffer),
        graph_sha256=sha256(kept).hexdigest(),
        external_bytes=sum(ranges.values()),
        external_files=tuple(sorted({location for location, *_ in ranges})),
    )


def _parsed(path: str, buffer: wire.Buffer) -> tuple[onnx.ModelProto, bytes]:
    """Strip and parse; what the stripper does not know goes to protobuf whole."""
    proto = onnx.ModelProto()
    try:
        kept = _stripped(buffer)
        proto.ParseFromString(kept)
    except DecodeError:
        problem = ModelError("it is not valid protobuf")
    except ModelError as error:
        problem = error
    else:
        return proto, kept
    sample = kinds.Sample.of(path, buffer)
    kind = kinds.by_bytes(sample)
    if kind is None and kinds.looks_like_onnx(sample):
        msg = f"{path!r} cannot be read: {problem.message}"
        raise ModelError(msg, hint=problem.hint or _EXPORT_AGAIN)
    raise _no_model(path, kind or kinds.by_name(path))


def _stripped(buffer: wire.Buffer) -> bytes:
    try:
        return wire.strip(buffer)
    except wire.NotRecognisedError:
        wire.check_graph_size(len(buffer))
        return bytes(buffer[: len(buffer)])


def _no_model(path: str, kind: kinds.Kind | None) -> ModelError:
    if kind is not None:
        return ModelError(f"{path!r} is {kind.what}", hint=kind.hint)
    return ModelError(f"{path!r} is not an ONNX model", hint="pass a file that onnx.load can read")


def _check_model(path: str, buffer: wire.Buffer, proto: onnx.ModelProto) -> None:
    """Refuse what is no model, or none that can be costed."""
    if not proto.HasField("graph") or not (proto.ir_version or proto.opset_import):
        raise _no_model(path, kinds.by_bytes(kinds.Sample.of(path, buffer)) or kinds.by_name(path))
    if not proto.graph.node:
        msg = f"the graph of {path!r} has no nodes, so there is nothing to run"
        raise ModelError(msg, hint=_EXPORT_AGAIN)
    if proto.ir_version >= _FIRST_IR_WITH_OPSETS and not proto.opset_import:
        msg = f"{path!r} does not say which operator set it uses (opset_import is missing)"
        raise ModelError(msg, hint=_EXPORT_AGAIN)


_Range = tuple[str, str, str]  # location, offset and length; or location, "" and the tensor's name
_LOCATION_KEY = onnx.StringStringEntryProto(key="location").SerializeToString()
_A = onnx.AttributeProto


def _external_tensors(proto: onnx.ModelProto, kept: bytes) -> Iterable[onnx.TensorProto]:
    """Find every tensor that lies outside the file; looking at all attributes takes longer than parsing."""
    external = onnx.TensorProto.EXTERNAL
    weights = [t for t in proto.graph.initializer if t.data_location == external]
    # each external tensor spells this key in the file: no more of them than weights, no others
    return weights if kept.count(_LOCATION_KEY) == len(weights) else _all_external_tensors(proto)


def _all_external_tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Look wherever a model may hold a tensor."""
    bodies: list[onnx.GraphProto | onnx.FunctionProto] = [proto.graph, *proto.functions]
    bodies += (g for info in proto.training_info for g in (info.initialization, info.algorithm))
    tensors: list[onnx.TensorProto] = []
    while bodies:
        body = bodies.pop()
        if isinstance(body, onnx.GraphProto):
            tensors += body.initializer
            for sparse in body.sparse_initializer:
                tensors += (sparse.values, sparse.indices)
        for node in body.node:
            for attribute in node.attribute:
                if attribute.type == _A.TENSOR:  # thousands of Constants
                    tensors.append(attribute.t)
                elif attribute.type not in _PLAIN:
                    tensors += (attribute.t, *attribute.tensors)
                    bodies += (attribute.g, *attribute.graphs)
                    for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                        tensors += (sparse.values, sparse.indices)
    return (t for t in tensors if t.data_location == onnx.TensorProto.EXTERNAL)


_PLAIN = frozenset({_A.INT, _A.INTS, _A.FLOAT, _A.FLOATS, _A.STRING, _A.STRINGS})


def check_text(source: Source) -> None:
    """Raise ModelError when a model holds text that is not UTF-8; protobuf hands that out as bytes.

    It looks at every message, which takes longer than reading the model: the walk asks only
    when something went wrong.
    """
    pending: list[Message] = [source.proto]
    while pending:
        for field, value in pending.pop().ListFields():
            many = value if field.is_repeated else (value,)
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                pending += many
            elif field.type == FieldDescriptor.TYPE_STRING and bytes in map(type, many):
                shown = next(text for text in many if isinstance(text, bytes))[:_MAX_SHOWN]
                msg = f"{source.path!r} cannot be read: it holds text that is not UTF-8, {shown!r}"
                raise ModelError(msg, hint=_EXPORT_AGAIN)


def _external_range(tensor: onnx.TensorProto) -> tuple[_Range, int]:
    """Return where an external tensor says it lies, and its bytes: as declared, else dims x width."""
    said = {str(entry.key): str(entry.value) for entry in tensor.external_data}
    location, length = said.get("location", ""), said.get("length", "")
    if _LENGTH.fullmatch(length):
        return (location, said.get("offset", "0"), length), int(length)
    dtype = DType.from_code(tensor.data_type)
    if dtype is DType.UNDEFINED or min(tensor.dims, default=0) < 0:
        msg = f"the external tensor {tensor.name!r} has no length, and its size is unknown ({_size(tensor)})"
        raise ModelError(msg, hint=_EXPORT_AGAIN)
    return (location, "", tensor.name), dtype.nbytes(prod(tensor.dims))


def _size(tensor: onnx.TensorProto) -> str:
    return f"element type {tensor.data_type}, dims {list(tensor.dims)[:_MAX_SHOWN]}"
