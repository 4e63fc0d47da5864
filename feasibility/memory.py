"""Find the most activation bytes alive at once, by liveness over the execution order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from feasibility.cost import NodeCost, PeakMemory
from feasibility.ir import Body, TensorSpec

_BEFORE = -1  # the place of what the caller holds before the first node
_BRANCHES = ("then_branch", "else_branch")
_LOOPED = "body"
_CALLED = "function"


def peak_memory(
    nodes: Sequence[NodeCost],
    inputs: Iterable[TensorSpec],
    outputs: Iterable[TensorSpec],
    bodies: Iterable[Body] = (),
) -> PeakMemory:
    """Replay the execution and return its peak.

    A tensor lives from the node that writes it to the last node that reads it; the
    model's inputs live throughout, its outputs to the end, as the caller holds them.
    A view shares its input's memory. Constants are weights, not activations; a
    tensor of unknown size is left out (coverage names its node).

    One iteration of a loop stands for all: what its body reads from outside lives until
    the loop ends, its states and slices from its start. A function that is called again
    needs at that place, on top, what its first call needed.
    """
    plan = _plan(nodes, inputs, outputs, bodies)
    live = plan.held
    alive: list[int] = []
    for index in range(len(nodes)):
        live += plan.born.get(index, 0)
        alive.append(live + plan.called(index, alive))
        live -= plan.dead.get(index, 0)
    peak = max(alive, default=0)
    at = alive.index(peak) if peak > plan.held else None
    return PeakMemory(
        peak_bytes=max(peak, plan.held),
        node="" if at is None else nodes[at].node.name,
        sum_bytes=plan.total,
        live=tuple(alive),
    )


@dataclass(slots=True)
class _Plan:
    """When memory is taken and given back: bytes by node."""

    held: int  # by the caller, before the first node
    total: int
    born: dict[int, int] = field(default_factory=dict)
    dead: dict[int, int] = field(default_factory=dict)
    again: dict[int, Body] = field(default_factory=dict)  # repeated calls, by their node
    measured: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)  # of the nodes of a call

    def called(self, index: int, alive: Sequence[int]) -> int:
        """Return what the nodes of a repeated call need beside what it reads and writes.

        What the first call was the last to read comes on top where this call is not.
        """
        body = self.again.get(index)
        if body is None or body.start == body.stop:
            return 0
        place = (body.start, body.stop)
        if place not in self.measured:
            self.measured[place] = self._measure(*place, alive)
        most, grown = self.measured[place]
        written = self.born.get(index, 0)
        read_last = max(written - grown, 0)
        return max(most - written + max(read_last - self.dead.get(index, 0), 0), 0)

    def _measure(self, start: int, stop: int, alive: Sequence[int]) -> tuple[int, int]:
        """Return by how much nodes raised what lives, at most and in the end."""
        before = alive[start] - self.born.get(start, 0)
        grown = sum(self.born.get(n, 0) - self.dead.get(n, 0) for n in range(start, stop))
        return max(alive[start:stop]) - before, grown


def _plan(
    nodes: Sequence[NodeCost],
    inputs: Iterable[TensorSpec],
    outputs: Iterable[TensorSpec],
    bodies: Iterable[Body],
) -> _Plan:
    """Give every tensor its birth and its death."""
    given, found, buffers = tuple(inputs), tuple(bodies), _Buffers()
    for spec in given:
        buffers.allocate(spec, _BEFORE)
    held = sum(buffers.size.values())
    _execute(nodes, found, buffers)
    last = _last_use(nodes, found, buffers)
    last.update(dict.fromkeys([buffers.root(spec.name) for spec in (*given, *outputs)], len(nodes)))
    again = {body.owner: body for body in found if body.name == _CALLED}
    plan = _Plan(held=held, total=sum(buffers.size.values()), again=again)
    for name, size in buffers.size.items():
        birth = buffers.birth[name]
        if birth != _BEFORE:
            plan.born[birth] = plan.born.get(birth, 0) + size
            end = last.get(name, birth)
            plan.dead[end] = plan.dead.get(end, 0) + size
    return plan


class _Buffers:
    """The memory behind each tensor name: its size, since when, and whose it is when it is a view."""

    def __init__(self) -> None:
        self.size: dict[str, int] = {}
        self.birth: dict[str, int] = {}
        self.owner: dict[str, str] = {}  # of each view

    def root(self, name: str) -> str:
        """Return the tensor that owns the memory; a constant owns none."""
        return self.owner.get(name, name)

    def allocate(self, spec: TensorSpec, index: int) -> None:
        """Give a tensor memory of its own."""
        self.size[spec.name] = 0 if spec.shape is None else spec.nbytes
        self.birth[spec.name] = index

    def write(self, index: int, outputs: Iterable[TensorSpec | None], sources: Sequence[TensorSpec]) -> None:
        """Place what a node writes: in memory of its own, or where its sources lie."""
        fresh = [spec for spec in outputs if spec is not None and not spec.constant]
        for spec, source in zip_longest(fresh, sources[: len(fresh)]):
            if source is None:
                self.allocate(spec, index)
            else:
                self.owner[spec.name] = self.root(source.name)


def _execute(nodes: Sequence[NodeCost], bodies: Sequence[Body], buffers: _Buffers) -> None:
    """Place everything that the nodes write, in order."""
    entering = {body.start: body.inputs for body in bodies if body.start < body.stop}
    shared: dict[int, Sequence[TensorSpec]] = {index: _viewed(found) for index, found in enumerate(nodes)}
    shared |= {body.owner: () for body in bodies if body.name == _CALLED}
    shared |= _results(nodes, bodies)
    for index, found in enumerate(nodes):
        for spec in entering.get(index, ()):
            buffers.allocate(spec, index)
        if found.runs and not found.node.folded:
            buffers.write(index, found.node.outputs, shared[index])


def _viewed(found: NodeCost) -> Sequence[TensorSpec]:
    """Return what the outputs of a view are views of: its first input."""
    source = found.node.inputs[0] if found.node.inputs else None
    is_view = found.cost is not None and found.cost.role == "view"
    return [source] * len(found.node.outputs) if is_view and source is not None else []


def _results(nodes: Sequence[NodeCost], bodies: Iterable[Body]) -> dict[int, list[TensorSpec]]:
    """Return, for each If, what the branch that counts hands to it: its outputs are other names for that."""
    found: dict[int, list[TensorSpec]] = {}
    for body in bodies:
        runs = any(node.runs for node in nodes[body.start : body.stop]) or body.start == body.stop
        if body.name in _BRANCHES and runs and None not in body.results:
            found[body.owner] = [spec for spec in body.results if spec is not None]
    return found


def _last_use(nodes: Sequence[NodeCost], bodies: Iterable[Body], buffers: _Buffers) -> dict[str, int]:
    """Return, for each buffer, the index of the last node that touches it."""
    last: dict[str, int] = {}
    for index, found in enumerate(nodes):
        if found.runs and not found.node.folded:
            last.update(dict.fromkeys(_touched(found, buffers), index))
    for body in bodies:
        for spec in body.results:
            if spec is not None:
                _extend(last, buffers.root(spec.name), body.owner)
        if body.name == _LOOPED:  # what it reads from outside is read again in the next iteration
            for found in nodes[body.start : body.stop]:
                for name in _touched(found, buffers):
                    if buffers.birth.get(name, body.start) < body.start:
                        _extend(last, name, body.owner)
    return last


def _touched(found: NodeCost, buffers: _Buffers) -> list[str]:
    specs = (*found.node.inputs, *found.node.outputs)
    return [buffers.root(spec.name) for spec in specs if spec is not None and not spec.constant]


def _extend(last: dict[str, int], name: str, index: int) -> None:
    last[name] = max(last.get(name, index), index)
