"""Find the most activation bytes alive at once, by liveness over the execution order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Protocol, TypeAlias

from feasibility.cost import ModelCost, OpCost, PeakMemory
from feasibility.errors import UsageError
from feasibility.ir import ACTIVATION_BITS, CONVERTIBLE, WEIGHT_BITS, Body, Node, TensorSpec
from feasibility.units import BITS_PER_BYTE

_KEPT = 64  # models and precisions whose needs are kept
_BEFORE = -1  # the place of what the caller holds before the first node
_BRANCHES = ("then_branch", "else_branch")
_LOOPED = "body"
_CALLED = "function"


Size: TypeAlias = Callable[[TensorSpec], int]


class Step(Protocol):
    """What counts of a costed node here."""

    @property
    def node(self) -> Node:
        """Return what it reads and writes."""
        ...

    @property
    def cost(self) -> OpCost | None:
        """Return its cost, whose role tells a view."""
        ...

    @property
    def runs(self) -> int:
        """Return how often it runs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """The bytes that a model takes while it runs, without the runtime's own."""

    precision: str  # "stored": every tensor as the file has it
    weight_bytes: int
    activation_bytes: int  # the most alive at once

    @property
    def need_bytes(self) -> int:
        """Return weights and activations."""
        return self.weight_bytes + self.activation_bytes

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "precision": self.precision,
            "weight_bytes": self.weight_bytes,
            "activation_bytes": self.activation_bytes,
            "need_bytes": self.need_bytes,
        }


@lru_cache(maxsize=_KEPT)
def memory_at(cost: ModelCost, precision: str | None = None) -> MemoryNeed:
    """Return what a model needs at a precision (fp32, fp16, int8, ...); None: as it is stored.

    Weights and activations of 16-bit floats and wider take the width of the precision (int4: 4.5
    bits a weight, activations as fp16); integers, quantised tensors and narrow floats keep theirs.
    Raise UsageError for another precision.
    """
    if precision is None:
        stored = cost.totals
        return MemoryNeed(
            precision="stored",
            weight_bytes=stored.parameter_bytes,
            activation_bytes=stored.peak_activation_bytes,
        )
    peak_bytes = peak_at(cost, precision).peak_bytes
    return MemoryNeed(
        precision=precision, weight_bytes=weights_at(cost, precision), activation_bytes=peak_bytes
    )


def peak_at(cost: ModelCost, precision: str) -> PeakMemory:
    """Return what lives when activations of 16-bit floats and wider take the width of a precision.

    Raise UsageError for one that does not exist.
    """
    bits = ACTIVATION_BITS.get(precision)
    if bits is None:
        msg = f"there is no precision {precision!r}"
        raise UsageError(msg, hint=f"choose one of {', '.join(ACTIVATION_BITS)}")
    return peak_memory(
        cost.nodes,
        cost.model.inputs,
        cost.model.outputs,
        cost.bodies,
        lambda spec: _bytes(spec.numel, bits) if spec.dtype in CONVERTIBLE else spec.nbytes,
    )


def weights_at(cost: ModelCost, precision: str) -> int:
    """Return the bytes of the parameters where those of 16-bit floats and wider are converted."""
    bits = WEIGHT_BITS[precision]
    return sum(
        _bytes(found.parameters, bits) if found.dtype in CONVERTIBLE else found.parameter_bytes
        for found in cost.by_dtype
    )


def _bytes(elements: int, bits: int | Fraction) -> int:
    return -int(-elements * bits // BITS_PER_BYTE)


def _stored(spec: TensorSpec) -> int:
    return spec.nbytes


def peak_memory(
    nodes: Sequence[Step],
    inputs: Iterable[TensorSpec],
    outputs: Iterable[TensorSpec],
    bodies: Iterable[Body] = (),
    size: Size = _stored,
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
    plan = _plan(nodes, inputs, outputs, bodies, size)
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
    nodes: Sequence[Step],
    inputs: Iterable[TensorSpec],
    outputs: Iterable[TensorSpec],
    bodies: Iterable[Body],
    size: Size,
) -> _Plan:
    """Give every tensor its birth and its death."""
    given, found, buffers = tuple(inputs), tuple(bodies), _Buffers(size)
    for spec in given:
        buffers.allocate(spec, _BEFORE)
    held = sum(buffers.size.values())
    _execute(nodes, found, buffers)
    _hold(nodes, found, buffers)
    last = buffers.last
    last.update(dict.fromkeys([buffers.root(spec.name) for spec in (*given, *outputs)], len(nodes)))
    again = {body.owner: body for body in found if body.name == _CALLED}
    plan = _Plan(held=held, total=sum(buffers.size.values()), again=again)
    for name, nbytes in buffers.size.items():
        birth = buffers.birth[name]
        if birth != _BEFORE:
            plan.born[birth] = plan.born.get(birth, 0) + nbytes
            end = last.get(name, birth)
            plan.dead[end] = plan.dead.get(end, 0) + nbytes
    return plan


class _Buffers:
    """The memory behind each tensor name: its size, its life, and whose it is when it is a view."""

    def __init__(self, measure: Size) -> None:
        self.measure = measure
        self.size: dict[str, int] = {}
        self.birth: dict[str, int] = {}
        self.last: dict[str, int] = {}  # the last node that touches it
        self.owner: dict[str, str] = {}  # of each view

    def root(self, name: str) -> str:
        """Return the tensor that owns the memory; a constant owns none."""
        return self.owner.get(name, name)

    def allocate(self, spec: TensorSpec, index: int) -> None:
        """Give a tensor memory of its own."""
        self.size[spec.name] = 0 if spec.shape is None else self.measure(spec)
        self.birth[spec.name] = self.last[spec.name] = index

    def share(self, spec: TensorSpec, source: TensorSpec, index: int) -> None:
        """Let a tensor be another name for what lies at its source."""
        root = self.owner[spec.name] = self.root(source.name)
        self.last[root] = index

    def touch(self, specs: Iterable[TensorSpec | None], index: int) -> None:
        """Note that a node reads tensors."""
        owner, last = self.owner, self.last
        for spec in specs:
            if spec is not None and not spec.constant:
                last[owner.get(spec.name, spec.name)] = index

    def hold(self, name: str, index: int) -> None:
        """Let a tensor live at least until a node."""
        self.last[name] = max(self.last.get(name, index), index)


def _execute(nodes: Sequence[Step], bodies: Sequence[Body], buffers: _Buffers) -> None:
    """Place everything that the nodes write, in order, and note what they read."""
    entering: dict[int, list[TensorSpec]] = {}
    for body in bodies:
        if body.start < body.stop:
            entering.setdefault(body.start, []).extend(body.inputs)
    handed = _handed_on(nodes, bodies)
    for index, found in enumerate(nodes):
        for spec in entering.get(index, ()):
            buffers.allocate(spec, index)
        node = found.node
        if node.folded or not found.runs:
            continue
        buffers.touch(node.inputs, index)
        is_view = found.cost is not None and found.cost.role == "view"
        sources = handed.get(index, node.inputs[:1] * len(node.outputs)) if is_view else ()
        for place, written in enumerate(node.outputs):
            if written is None or written.constant:
                continue
            source = sources[place] if place < len(sources) else None
            if source is None:
                buffers.allocate(written, index)
            else:
                buffers.share(written, source, index)


def _handed_on(nodes: Sequence[Step], bodies: Iterable[Body]) -> dict[int, tuple[TensorSpec | None, ...]]:
    """Return what is not a view of a node's first input.

    The outputs of an If are other names for what the branch that counts results in; a
    function that is called again writes anew.
    """
    found: dict[int, tuple[TensorSpec | None, ...]] = {}
    for body in bodies:
        runs = body.start == body.stop or any(node.runs for node in nodes[body.start : body.stop])
        if body.name == _CALLED:
            found[body.owner] = ()
        elif body.name in _BRANCHES and runs:
            found[body.owner] = body.results
    return found


def _hold(nodes: Sequence[Step], bodies: Iterable[Body], buffers: _Buffers) -> None:
    """Let results live until their body's node, and what a loop reads from outside until the loop ends."""
    for body in bodies:
        for spec in body.results:
            if spec is not None and not spec.constant:
                buffers.hold(buffers.root(spec.name), body.owner)
        if body.name == _LOOPED:
            inputs = (spec for node in nodes[body.start : body.stop] for spec in node.node.inputs)
            for name in {buffers.root(spec.name) for spec in inputs if spec is not None}:
                if buffers.birth.get(name, body.start) < body.start:
                    buffers.hold(name, body.owner)
