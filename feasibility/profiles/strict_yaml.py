"""Read YAML strictly: one document, no surprises, and the place of every key and value.

The only importer of yaml. YAML 1.1 reads `1:30` as 90, `012` as 10, `no` as False,
and lets the last of two equal keys win in silence; none of that passes here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Protocol, TypeAlias

import yaml

from feasibility.errors import ProfileError
from feasibility.folders import MAX_BYTES

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover (PyYAML built without libyaml)
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MAX_DEPTH = 20  # a profile needs 6 levels; deep nesting would exhaust the C stack
MAX_QUOTE = 60  # characters of a wrong value that a message repeats
_MAX_DIGITS = 30

Location: TypeAlias = tuple[str | int, ...]

_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECIMAL = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d+)?")
_BOOLEANS = MappingProxyType({"true": True, "false": False})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line and a column, both counted from 1."""

    line: int
    column: int


START = Place(1, 1)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong at a place of a file."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a file says, where each key and value stands, and what was refused.

    A location is the path of keys and indices to a value; `()` is the whole file.
    """

    name: str
    data: Mapping[str, object]
    keys: Mapping[Location, Place]
    values: Mapping[Location, Place]
    problems: tuple[Problem, ...]

    def key_place(self, location: Location) -> Place:
        """Return where the key stands that holds this location, or the nearest one above it."""
        return self._nearest(self.keys, location)

    def value_place(self, location: Location) -> Place:
        """Return where the value at this location starts, or the nearest one above it."""
        return self._nearest(self.values, location)

    @staticmethod
    def _nearest(places: Mapping[Location, Place], location: Location) -> Place:
        known = (places[location[:end]] for end in range(len(location), -1, -1) if location[:end] in places)
        return next(known, START)


def parse(text: bytes, name: str, *, words: frozenset[str] = frozenset()) -> Document:
    """Read the bytes of a file called `name`; raise ProfileError when they are not plain YAML.

    `words` are text wherever they stand, although YAML 1.1 has another meaning for them (off).

    Duplicate keys and ambiguous values do not raise: they are among the document's
    problems, so that they can be reported with everything else that is wrong.
    """
    decoded = _decode(text, name)
    try:
        refused = tuple(_refused(decoded))
        node = None if refused else yaml.compose(decoded, Loader=_Loader)
    except yaml.YAMLError as error:
        raise report(name, [_syntax(error)]) from None
    if refused:
        raise report(name, refused)
    if not isinstance(node, yaml.MappingNode):
        raise report(name, [Problem(START, "the file must hold keys and values, like `name: ...`")])
    builder = _Builder(words=words)
    data = builder.mapping(node, ())
    return Document(
        name=name,
        data=data,
        keys=builder.keys,
        values=builder.values,
        problems=tuple(builder.problems),
    )


def report(name: str, problems: Iterable[Problem]) -> ProfileError:
    """Return the error that names every problem as `file:line:col message`, in file order."""
    shown = name if name.isprintable() else ascii(name)
    lines = (f"{shown}:{p.place.line}:{p.place.column} {p.message}" for p in sorted(set(problems)))
    return ProfileError(tuple(lines))


def quote(value: object) -> str:
    """Quote what a file says, escaped and without repeating a page of it."""
    text = repr(value)
    return text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + "..."


def _decode(text: bytes, name: str) -> str:
    """Return the file as text; it must be small, UTF-8 and without control characters."""
    if len(text) > MAX_BYTES:
        raise report(name, [Problem(START, f"the file is larger than {MAX_BYTES // 1024} KiB")])
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise report(name, [Problem(START, f"byte {error.start} is not UTF-8 text")]) from None
    control = _CONTROL.search(decoded)
    if control:
        before = decoded[: control.start()]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise report(name, [Problem(place, f"control character {control[0]!a}")])
    return decoded


def _refused(text: str) -> Iterator[Problem]:
    """Yield what a profile never needs: more documents, aliases, tags, deep nesting.

    This looks at events, before anything recursive builds a tree of them.
    """
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        place, anchor, tag = (
            _place(event.start_mark),
            getattr(event, "anchor", None),
            getattr(event, "tag", None),
        )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > MAX_DEPTH:
            yield Problem(place, f"nested deeper than {MAX_DEPTH} levels")
            return
        if isinstance(event, yaml.DocumentStartEvent) and documents > 1:
            yield Problem(place, "a second document starts here; a profile is one")
        if anchor is not None:
            yield Problem(place, f"anchors and aliases are refused ({quote(anchor)}); repeat the value")
        if tag is not None:
            yield Problem(place, f"tags are refused ({quote(tag)}); quote text instead")


class _Mark(Protocol):
    """What both parsers of PyYAML say about a position."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


def _place(mark: _Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else START


def _syntax(error: yaml.YAMLError) -> Problem:
    """Say a YAML syntax error at its place."""
    place = _place(getattr(error, "problem_mark", None))
    return Problem(place, f"this is not YAML: {getattr(error, 'problem', None) or 'unreadable'}")


@dataclass(slots=True)
class _Builder:
    """Turn composed nodes into plain values, noting places and problems on the way."""

    words: frozenset[str] = frozenset()
    keys: dict[Location, Place] = field(default_factory=dict)
    values: dict[Location, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, object]:
        self.values[location] = _place(node.start_mark)
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            key, place = self._key(key_node), _place(key_node.start_mark)
            if key is None:
                continue
            inner = (*location, key)
            if key in result:
                first = self.keys[inner].line
                self._refuse(key_node, f"key {quote(key)} is given twice (first in line {first})")
                continue
            self.keys[inner] = place
            result[key] = self._value(value_node, inner)
        return result

    def _key(self, node: yaml.Node) -> str | None:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str":
            return str(node.value)
        shown = quote(node.value) if isinstance(node, yaml.ScalarNode) else "a collection"
        self._refuse(node, f"a key must be text, not {shown}; quote it")
        return None

    def _value(self, node: yaml.Node, location: Location) -> object:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, location)
        self.values[location] = _place(node.start_mark)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*location, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _scalar(self, node: yaml.Node) -> object:
        """Read a scalar as YAML resolves it, where people would read it the same way."""
        text, kind = str(node.value), node.tag.rpartition(":")[2]
        if text in self.words:
            return text
        try:
            return _SCALARS[kind](text)
        except (KeyError, ValueError):
            self._refuse(
                node, f"{quote(text)} means something else in YAML ({kind}); quote it or write it plainly"
            )
            return None

    def _refuse(self, node: yaml.Node, message: str) -> None:
        self.problems.append(Problem(_place(node.start_mark), message))


def _number(text: str) -> int | float:
    """Read plain decimal digits; `012`, `0x1F`, `1_000`, `1:30` and `.inf` raise ValueError."""
    if not _DECIMAL.fullmatch(text) or len(text) > _MAX_DIGITS:
        raise ValueError(text)
    return float(text) if "." in text else int(text)


_SCALARS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "str": str,
        "null": lambda _: None,
        "bool": _BOOLEANS.__getitem__,
        "int": _number,
        "float": _number,
        "timestamp": date.fromisoformat,
    }
)
