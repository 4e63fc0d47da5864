"""Drop the weights from an ONNX file without parsing it: protobuf bytes in, fewer protobuf bytes out.

A protobuf message is a row of fields: a tag (field number and wire type), then the
content; a message inside a message is a field with a length. So whoever knows which
fields lead to tensors can step over the rest. What is dropped is never read: files come in
small windows, not as a memory map, of which Linux 6.18 made 486 of 503 MB resident (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from types import MappingProxyType
from typing import Protocol, TypeAlias

from feasibility.errors import ModelError


class Buffer(Protocol):
    """Bytes that can be sliced: bytes, a view of them, or a file."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes | bytearray | memoryview: ...


# A field's tag, where it starts, where its content starts, where it ends.
Place: TypeAlias = tuple[int, int, int, int]

# A payload up to this size stays, because shapes are computed from small tensors (design, section 3).
KEEP_PAYLOAD_BYTES = 8 * 1024
# The largest graph accepted, in bytes without weights. The largest of 219 real ones takes 1.7 MB (2026-11);
# forests of ai.onnx.ml keep their trees in attributes, which stay, and need up to a hundred times that. The
# bytes and what protobuf makes of them must fit the memory that isolate.py allows.
MAX_GRAPH_BYTES = 128 * 1024**2
# Fields that may be looked at: a graph of 1,000,000 nodes needs about 3,000,000; they take a few seconds.
MAX_FIELDS = 4_000_000
# Messages inside messages: protobuf's own limit (its default recursion limit in every language, 2026).
MAX_DEPTH = 100

VARINT, I64, LEN, I32 = 0, 1, 2, 5  # wire types; 3 and 4 are the abandoned groups
_FIXED_BYTES = MappingProxyType({I64: 8, I32: 4})
_WINDOW_BYTES = 4 * 1024  # looked at in one go; large weights cost two of these
_HEAD_BYTES = 10 + 10  # a tag and a length or a number, at most
_CHUNK_BYTES = 1024**2  # copied in one go
_WIRE_BITS = 3
_WIRE_TYPE = 0b111  # the bits of a tag that hold it
_MAX_TAG = 2**32 - 1  # 29 bits of field number, 3 of wire type
_LAST_VARINT_SHIFT = 63  # ten bytes of seven bits
_CONTINUES = 0x80  # this bit of a varint's byte says that another byte follows
_SEVEN_BITS = 0x7F  # and these are its part of the number


class NotRecognisedError(ModelError):
    """Bytes that this reader does not understand; a full protobuf parser has to judge them."""


class CutShortError(ModelError):
    """The file ends before its own content does."""


def tag_of(number: int, wire_type: int) -> int:
    """Return what stands before a field's content."""
    return number << _WIRE_BITS | wire_type


def _tags(wire_type: int, **numbers: int) -> dict[int, str]:
    """Name fields of one wire type by their tag."""
    return {tag_of(number, wire_type): name for name, number in numbers.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The fields of one message type that matter here, by tag; all others are stepped over."""

    name: str
    once: Mapping[int, str]  # fields that may occur once
    children: Mapping[int, str] = field(default_factory=dict)  # tag -> message type that can hold a tensor
    payload: Mapping[int, str] = field(default_factory=dict)  # the values of a tensor
    unpacked: Mapping[int, str] = field(default_factory=dict)  # numbers that may come as one field each


def _children(**fields: tuple[int, str]) -> dict[int, str]:
    """Map the tag of each field to the message type that it holds."""
    return {tag_of(number, LEN): message for number, message in fields.values()}


_TENSOR_NUMBERS = (
    _tags(I32, float_data=4)
    | _tags(VARINT, int32_data=5, int64_data=7, uint64_data=11)
    | _tags(I64, double_data=10)
)

# Field numbers of onnx-ml.proto, onnx 1.23.2 (2026-11); a test holds them to the installed onnx.
MESSAGES: Mapping[str, Message] = MappingProxyType(
    {
        message.name: message
        for message in (
            Message(
                name="ModelProto",
                once=_tags(VARINT, ir_version=1, model_version=5)
                | _tags(LEN, producer_name=2, producer_version=3, domain=4, doc_string=6, graph=7),
                children=_children(
                    graph=(7, "GraphProto"),
                    training_info=(20, "TrainingInfoProto"),
                    functions=(25, "FunctionProto"),
                ),
            ),
            Message(
                name="TrainingInfoProto",
                once=_tags(LEN, initialization=1, algorithm=2),
                children=_children(initialization=(1, "GraphProto"), algorithm=(2, "GraphProto")),
            ),
            Message(
                name="FunctionProto",
                once=_tags(LEN, name=1, doc_string=8, domain=10, overload=13),
                children=_children(node=(7, "NodeProto"), attribute_proto=(11, "AttributeProto")),
            ),
            Message(
                name="GraphProto",
                once=_tags(LEN, name=2, doc_string=10),
                children=_children(
                    node=(1, "NodeProto"),
                    initializer=(5, "TensorProto"),
                    sparse_initializer=(15, "SparseTensorProto"),
                ),
            ),
            Message(
                name="NodeProto",
                once=_tags(LEN, name=3, op_type=4, doc_string=6, domain=7, overload=8),
                children=_children(attribute=(5, "AttributeProto")),
            ),
            Message(
                name="AttributeProto",
                once=_tags(VARINT, i=3, type=20)
                | _tags(I32, f=2)
                | _tags(LEN, name=1, s=4, t=5, g=6, doc_string=13, tp=14, ref_attr_name=21, sparse_tensor=22),
                children=_children(
                    t=(5, "TensorProto"),
                    g=(6, "GraphProto"),
                    tensors=(10, "TensorProto"),
                    graphs=(11, "GraphProto"),
                    sparse_tensor=(22, "SparseTensorProto"),
                    sparse_tensors=(23, "SparseTensorProto"),
                ),
                unpacked=_tags(I32, floats=7) | _tags(VARINT, ints=8),
            ),
            Message(
                name="SparseTensorProto",
                once=_tags(LEN, values=1, indices=2),
                children=_children(values=(1, "TensorProto"), indices=(2, "TensorProto")),
                unpacked=_tags(VARINT, dims=3),
            ),
            Message(
                name="TensorProto",
                once=_tags(VARINT, data_type=2, data_location=14)
                | _tags(LEN, segment=3, name=8, raw_data=9, doc_string=12),
                payload=_TENSOR_NUMBERS
                | _tags(
                    LEN,
                    float_data=4,
                    int32_data=5,
                    string_data=6,
                    int64_data=7,
                    raw_data=9,
                    double_data=10,
                    uint64_data=11,
                ),
                unpacked=_TENSOR_NUMBERS | _tags(VARINT, dims=1),
            ),
        )
    }
)

# One number of a repeated field by wire type. A row of them is crossed by one regular expression, far faster
# than field by field; possessive (++), so that it neither backtracks nor remembers.
_NUMBER = MappingProxyType(
    {VARINT: rb"[\x80-\xff]{0,9}[\x00-\x7f]", I32: rb"[\x00-\xff]{4}", I64: rb"[\x00-\xff]{8}"}
)


def _row(tag: int) -> re.Pattern[bytes]:
    """Match a row of unpacked numbers that all carry this tag (which must fit one byte)."""
    return re.compile(rb"(?:" + re.escape(bytes([tag])) + _NUMBER[tag & _WIRE_TYPE] + rb")++")


_ROWS = MappingProxyType({m.name: {tag: _row(tag) for tag in m.unpacked} for m in MESSAGES.values()})
_NO_ROWS: Mapping[int, re.Pattern[bytes]] = MappingProxyType({})


def strip(buffer: Buffer) -> bytes:
    """Return the serialized ModelProto without the payload of tensors above 8 KiB.

    Dims, types, names and external_data stay; so does every unknown field. Raises
    NotRecognisedError for what only a full parser can judge, ModelError for a
    file that is damaged or hostile. Takes time in proportion to the fields walked,
    never to the bytes dropped.
    """
    cutter = _Cutter(buffer)
    cutter.message(MESSAGES["ModelProto"], 0, len(buffer), 0)
    return cutter.result()


def check_graph_size(kept_bytes: int) -> None:
    """Refuse a graph that is too large even without its weights."""
    if kept_bytes > MAX_GRAPH_BYTES:
        msg = f"the graph takes {kept_bytes:,} bytes without its weights; the limit is {MAX_GRAPH_BYTES:,}"
        raise ModelError(
            msg, hint="save large tensors as external data; text and number attributes cannot be dropped"
        )


def fields(
    buffer: Buffer, start: int, end: int, rows: Mapping[int, re.Pattern[bytes]] = _NO_ROWS
) -> Iterator[Place]:
    """Yield the place of each field of a message; raise ModelError where one does not fit.

    A row of unpacked numbers named in `rows` comes as one field, or as a few.
    """
    window, base, at = b"", start, start
    while at < end:
        if at - base + _HEAD_BYTES > len(window) and base + len(window) < end:
            window, base = bytes(buffer[at : min(at + _WINDOW_BYTES, end)]), at
        try:
            place = _field(window, at - base, base, rows)
        except IndexError:  # the window ends inside a number only where the message does
            raise _overrun(buffer, at, end + 1, end) from None
        if place[3] > end:
            raise _overrun(buffer, at, place[3], end)
        yield place
        at = place[3]


def _field(window: bytes, begin: int, base: int, rows: Mapping[int, re.Pattern[bytes]]) -> Place:
    """Read the head of one field, or a row of numbers; `base` is where the window lies."""
    row = rows.get(window[begin])
    if row and (match := row.match(window, begin)):
        return window[begin], base + begin, base + begin, base + match.end()
    tag, content = _varint(window, begin)
    if not 2**_WIRE_BITS <= tag <= _MAX_TAG:
        msg = f"byte {base + begin:,} holds no field number"
        raise NotRecognisedError(msg)
    size, start = _size(window, content, tag & _WIRE_TYPE)
    return tag, base + begin, base + start, base + start + size


def _size(window: bytes, at: int, wire_type: int) -> tuple[int, int]:
    """Return how long a field's content is, and where it starts."""
    if wire_type == LEN:
        return _varint(window, at)
    if wire_type == VARINT:
        return _varint(window, at)[1] - at, at
    size = _FIXED_BYTES.get(wire_type)
    if size is None:
        msg = f"a field has wire type {wire_type}"
        raise NotRecognisedError(msg)
    return size, at


def _varint(window: bytes, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte; return it and where it ends; IndexError where it does not."""
    byte = window[at]
    if byte < _CONTINUES:
        return byte, at + 1
    value = shift = 0
    while byte >= _CONTINUES:
        value |= (byte & _SEVEN_BITS) << shift
        shift += 7
        at += 1
        if shift > _LAST_VARINT_SHIFT:
            raise NotRecognisedError("a number is longer than ten bytes")
        byte = window[at]
    return value | byte << shift, at + 1


def _overrun(buffer: Buffer, begin: int, stop: int, end: int) -> ModelError:
    """Say that a field goes on past the end of what holds it."""
    if end == len(buffer):
        msg = f"the file is cut short at byte {end:,}: its field at byte {begin:,} goes on to byte {stop:,}"
        return CutShortError(msg, hint="download or export the file again")
    msg = f"the field at byte {begin:,} goes on to byte {stop:,}, past the end of its parent at {end:,}"
    return ModelError(msg, hint="the file is damaged; download or export it again")


class _Cutter:
    """One walk over one buffer: remembers what to keep, then joins it once."""

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        self.kept: list[slice | bytes] = []
        self.position = 0  # everything before it is decided
        self.fields = 0

    def result(self) -> bytes:
        """Join what is kept; raise ModelError when that is too large."""
        self._keep(len(self.buffer))
        check_graph_size(sum(len(p) if isinstance(p, bytes) else p.stop - p.start for p in self.kept))
        out = BytesIO()
        for piece in self.kept:
            if isinstance(piece, bytes):
                out.write(piece)
            else:
                for start in range(piece.start, piece.stop, _CHUNK_BYTES):
                    out.write(self.buffer[start : min(start + _CHUNK_BYTES, piece.stop)])
        return out.getvalue()

    def message(self, message: Message, start: int, end: int, depth: int) -> int:
        """Walk one message; return how many bytes shorter it gets."""
        if depth > MAX_DEPTH:
            msg = f"messages are nested deeper than {MAX_DEPTH} levels at byte {start:,}"
            raise ModelError(msg)
        removed = 0
        seen: set[int] = set()
        payload = _Payload()
        for place in fields(self.buffer, start, end, _ROWS[message.name]):
            tag, begin, content, stop = place
            self._count(begin)
            if tag in message.once:
                _refuse_twice(message, tag, begin, seen)
            if tag in message.payload:
                payload.add(begin, content, stop)
            # What is smaller cannot hold a payload to drop: most nodes are stepped over whole.
            elif stop - content > KEEP_PAYLOAD_BYTES and (child := message.children.get(tag)):
                removed += self._child(MESSAGES[child], place, depth + 1)
        return removed + self._drop(payload)

    def _child(self, message: Message, place: Place, depth: int) -> int:
        """Walk a message inside another and write its new length."""
        tag, begin, content, stop = place
        self._keep(begin)
        header = len(self.kept)
        self.kept.append(b"")
        self.position = content
        removed = self.message(message, content, stop, depth)
        self._keep(stop)
        new_header = _encode(tag) + _encode(stop - content - removed)
        self.kept[header] = new_header
        # Its own header shrinks with it, which shortens the parent too.
        return removed + (content - begin) - len(new_header)

    def _drop(self, payload: _Payload) -> int:
        """Leave out the payload of one tensor unless it is small."""
        if payload.nbytes <= KEEP_PAYLOAD_BYTES:
            return 0
        for begin, stop in payload.spans:
            self._keep(begin)
            self.position = stop
        return sum(stop - begin for begin, stop in payload.spans)

    def _keep(self, until: int) -> None:
        """Keep everything from the position on."""
        if until > self.position:
            self.kept.append(slice(self.position, until))
        self.position = until

    def _count(self, begin: int) -> None:
        self.fields += 1
        if self.fields > MAX_FIELDS:
            msg = (
                f"the graph has more than {MAX_FIELDS:,} fields up to byte {begin:,}; no real one comes near"
            )
            raise ModelError(msg)


class _Payload:
    """Where the values of one tensor lie; neighbouring fields are one span."""

    __slots__ = ("nbytes", "spans")

    def __init__(self) -> None:
        self.nbytes = 0
        self.spans: list[tuple[int, int]] = []

    def add(self, begin: int, content: int, stop: int) -> None:
        """Add a field; a row of unpacked numbers counts with its tags."""
        self.nbytes += stop - content
        if self.spans and self.spans[-1][1] == begin:
            begin = self.spans.pop()[0]
        self.spans.append((begin, stop))


def _refuse_twice(message: Message, tag: int, begin: int, seen: set[int]) -> None:
    """Refuse a singular field that comes again: parsers disagree on what it means."""
    if tag in seen:
        msg = f"the field {message.once[tag]!r} of one {message.name} is given twice, again at byte {begin:,}"
        raise ModelError(msg, hint="export the model again; joined files are not a model")
    seen.add(tag)


def _encode(value: int) -> bytes:
    """Write a number with seven bits a byte."""
    out = bytearray()
    while value >= _CONTINUES:
        out.append(value & _SEVEN_BITS | _CONTINUES)
        value >>= 7
    out.append(value)
    return bytes(out)
