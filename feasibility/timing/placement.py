"""Place nodes on a unit, or on the runtime that takes what the unit's runtime does not run.

`supported` are the (domain, op_type) that a runtime runs (`SupportTable.supported`):

    found = partition(cost, supported)                 parts, borders, breakers
    kept, fallen = divided(fuse(cost), supported)      groups on the unit, groups on the fallback
    crossing_seconds(found, sync_s, copy_bytes_per_s)  what going to and fro takes
    sentence(found, "webgpu")                          for the notes; empty if every node stays

Parts are what ONNX Runtime makes: it runs what is ready on one side until nothing there is,
then turns to the other. So a part is all that lies as many changes of side behind the inputs,
and shape arithmetic beside the main road divides nothing. What the fallback computes from the
inputs alone (the entry) is there before the unit starts, and handing it over is part of
handing over the inputs. Without breakers there is one part; where nothing takes the rest, any
breaker means that the model cannot run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeAlias

from feasibility.cost import ModelCost, NodeCost
from feasibility.ir import DEFAULT_DOMAIN, TensorSpec
from feasibility.timing.groups import FusedGroup, runs_at_all
from feasibility.units import Bytes

OpKind: TypeAlias = tuple[str, str]  # domain, op_type

# identity_elimination and dropout_elimination of ONNX Runtime come before placement
REMOVED = frozenset({(DEFAULT_DOMAIN, "Identity"), (DEFAULT_DOMAIN, "Dropout")})

_CALL = "function"  # what ir.Body calls a function that was called before
_UNIT, _ENTRY = 0, -1  # the first level of each side: even ones are the unit's, odd ones the fallback's
_NAMED = 3  # operator types that a sentence spells out


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Nodes that run in one go on one side."""

    on_unit: bool
    nodes: int
    first: str  # the name of the first of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """What one part hands to one of the other side, each tensor once."""

    producer: int  # places in Partitions.parts
    consumer: int
    tensors: tuple[TensorSpec, ...]
    times: int  # in one pass: more than once inside a loop
    nbytes: int  # in one pass, at stored width; an unknown shape counts nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """An operator type that the unit's runtime does not run."""

    domain: str
    op_type: str
    count: int
    first: str  # the name of the first such node


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """How a model divides: parts in the order they run, and the borders between them."""

    parts: tuple[Part, ...]
    borders: tuple[Border, ...] = ()
    breakers: tuple[Breaker, ...] = ()  # the most frequent first

    @property
    def crossings(self) -> int:
        """Return how often one pass goes from one side to the other."""
        return sum(border.times for border in self.borders)

    @property
    def copied_bytes(self) -> int:
        """Return the bytes that one pass copies from one side to the other."""
        return sum(border.nbytes for border in self.borders)


def partition(cost: ModelCost, supported: AbstractSet[OpKind]) -> Partitions:
    """Place every node that runs, and find what crosses between the two sides."""
    running = [(index, found) for index, found in enumerate(cost.nodes) if found.runs and runs_at_all(found)]
    sides = _sides(cost, running, supported)
    breakers = _breakers(found for (_, found), side in zip(running, sides, strict=True) if side == _ENTRY)
    if not breakers:
        return _whole([found for (_, found), side in zip(running, sides, strict=True) if side == _UNIT])
    placed, crossed = _walk(cost, running, sides)
    place = {level: index for index, level in enumerate(sorted(placed))}
    return Partitions(
        parts=tuple(_part(level, placed[level]) for level in place),
        borders=tuple(_border(place[p], place[c], crossed[p, c]) for p, c in sorted(crossed)),
        breakers=breakers,
    )


def divided(
    groups: Iterable[FusedGroup], supported: AbstractSet[OpKind]
) -> tuple[tuple[FusedGroup, ...], tuple[FusedGroup, ...]]:
    """Return the groups that stay on the unit and those that fall back; a mixed one is split.

    What loses the head of its group is a group of its own.
    """
    stays = supported | REMOVED
    kept: list[FusedGroup] = []
    fallen: list[FusedGroup] = []
    for group in groups:
        members = (group.head, *group.followers)
        staying = [m for m in members if (m.node.domain, m.node.op_type) in stays]
        if len(staying) == len(members):
            kept.append(group)
        else:
            kept += _pieces(group, staying)
            fallen += _pieces(group, [m for m in members if (m.node.domain, m.node.op_type) not in stays])
    return tuple(kept), tuple(fallen)


def crossing_seconds(partitions: Partitions, sync_s: float, copy_bytes_per_s: float) -> float:
    """Return what waiting at the borders and copying over them takes in one pass."""
    return partitions.crossings * sync_s + partitions.copied_bytes / copy_bytes_per_s


def sentence(partitions: Partitions, runtime: str) -> str:
    """Say what the runtime lacks and what that does to the model, without a full stop."""
    if not partitions.breakers:
        return ""
    return (
        f"{lacks(partitions, runtime)}: {_count(len(partitions.parts), 'part')}, "
        f"{_count(partitions.crossings, 'crossing')}, {Bytes(partitions.copied_bytes)} copied"
    )


def lacks(partitions: Partitions, runtime: str) -> str:
    """Say which operators the runtime does not run, the most frequent ones by name."""
    names = [breaker.op_type for breaker in partitions.breakers]
    others = len(names) - _NAMED
    named = ", ".join(names[:_NAMED]) + (f" and {others} more" if others > 0 else "")
    nodes = _count(sum(breaker.count for breaker in partitions.breakers), "node")
    return f"{runtime} does not run {named} ({nodes})"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


# where a tensor was written (the level), itself, and how often in one pass
_Source: TypeAlias = tuple[int, TensorSpec, int]
# by the levels on both sides of a border: each tensor by name, and how often it crosses
_Crossed: TypeAlias = dict[tuple[int, int], dict[str, tuple[TensorSpec, int]]]


def _sides(
    cost: ModelCost, running: Iterable[tuple[int, NodeCost]], supported: AbstractSet[OpKind]
) -> list[int | None]:
    """Return the first level of each node's side; None hands on what it reads, wherever that is."""
    calls = {body.owner for body in cost.bodies if body.name == _CALL}  # their nodes stand elsewhere
    stays = supported - REMOVED
    return [
        _UNIT
        if (kind := (found.node.domain, found.node.op_type)) in stays
        else (None if kind in REMOVED or index in calls else _ENTRY)
        for index, found in running
    ]


def _walk(
    cost: ModelCost, running: Iterable[tuple[int, NodeCost]], sides: Iterable[int | None]
) -> tuple[dict[int, list[NodeCost]], _Crossed]:
    """Put each node behind all that it reads, as soon as its side is on, and note what crosses."""
    handed_out = _handed_out(cost)
    made: dict[str, _Source] = {}
    placed: dict[int, list[NodeCost]] = {}
    crossed: _Crossed = {}
    for (index, found), side in zip(running, sides, strict=True):
        node = found.node
        reads = node.inputs + handed_out[index] if index in handed_out else node.inputs
        sources = [source for spec in reads if spec is not None and (source := made.get(spec.name))]
        if side is None:
            made.update({spec.name: sources[0] for spec in node.outputs if spec is not None and sources})
            continue
        level = side
        for at, _, _ in sources:
            if at > level:
                level = at + (at - level) % 2  # the next level of its side
        placed.setdefault(level, []).append(found)
        for spec in node.outputs:
            if spec is not None:
                made[spec.name] = (level, spec, found.runs)
        for source in sources:
            if source[0] != level and (source[0] - level) % 2 and source[0] != _ENTRY:
                _cross(crossed, source, level, found.runs)
    return placed, crossed


def _handed_out(cost: ModelCost) -> dict[int, tuple[TensorSpec | None, ...]]:
    """Return what the bodies of a loop or branch hand to it, by its place among the nodes."""
    found: dict[int, tuple[TensorSpec | None, ...]] = {}
    for body in cost.bodies:
        found[body.owner] = found.get(body.owner, ()) + body.results
    return found


def _cross(crossed: _Crossed, source: _Source, level: int, runs: int) -> None:
    """Note a tensor that is read on the other side: as often as both its ends run."""
    produced, spec, written = source
    tensors = crossed.setdefault((produced, level), {})
    _, before = tensors.get(spec.name, (spec, 0))
    tensors[spec.name] = (spec, max(before, min(written, runs)))


def _whole(nodes: Sequence[NodeCost]) -> Partitions:
    return Partitions(parts=(_part(_UNIT, nodes),) if nodes else ())


def _part(level: int, nodes: Sequence[NodeCost]) -> Part:
    return Part(on_unit=level % 2 == 0, nodes=len(nodes), first=nodes[0].node.name)


def _border(producer: int, consumer: int, tensors: Mapping[str, tuple[TensorSpec, int]]) -> Border:
    return Border(
        producer=producer,
        consumer=consumer,
        tensors=tuple(spec for spec, _ in tensors.values()),
        times=max(times for _, times in tensors.values()),
        nbytes=sum(times * spec.nbytes for spec, times in tensors.values() if spec.shape is not None),
    )


def _breakers(lacking: Iterable[NodeCost]) -> tuple[Breaker, ...]:
    """Return what is not supported, the most frequent first, ties in execution order."""
    first: dict[OpKind, str] = {}
    counts: Counter[OpKind] = Counter()
    for found in lacking:
        kind = (found.node.domain, found.node.op_type)
        first.setdefault(kind, found.node.name)
        counts[kind] += 1
    return tuple(
        Breaker(domain=kind[0], op_type=kind[1], count=count, first=first[kind])
        for kind, count in counts.most_common()
    )


def _pieces(group: FusedGroup, members: Sequence[NodeCost]) -> Iterator[FusedGroup]:
    """Yield what one side gets of a group; a view alone is nothing to run."""
    if members and members[0] is group.head:
        yield FusedGroup(head=group.head, followers=tuple(members[1:]))
    else:
        yield from (FusedGroup(head=m) for m in members if m.cost is not None and m.cost.role != "view")
