"""Find the most activation bytes alive at once, by liveness over the execution order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from feasibility.cost import NodeCost, PeakMemory
from feasibility.ir import TensorSpec


def peak_memory(
    nodes: Sequence[NodeCost], inputs: Iterable[TensorSpec], outputs: Iterable[TensorSpec]
) -> PeakMemory:
    """Replay the execution and return its peak.

    A tensor lives from the node that writes it to the last node that reads it; the
    model's inputs live throughout, its outputs to the end, as the caller holds them.
    A view shares its input's memory. Constants are weights, not activations; a
    tensor of unknown size is left out (coverage names its node).
    """
    buffers = _Buffers()
    for spec in inputs:
        buffers.allocate(spec)
    last_use = _last_use(nodes, buffers)
    end = len(nodes)
    last_use.update(dict.fromkeys((buffers.root(s.name) for s in (*inputs, *outputs)), end))
    dies_at: dict[int, list[str]] = {}
    for name, index in last_use.items():
        dies_at.setdefault(index, []).append(name)
    live = peak = sum(buffers.size.get(s.name, 0) for s in inputs)
    at = ""
    for index, written in enumerate(buffers.written):
        if written:
            live += sum([buffers.size[name] for name in written])
            if live > peak:
                peak, at = live, nodes[index].node.name
        if index in dies_at:
            live -= sum([buffers.size.get(name, 0) for name in dies_at[index]])
    return PeakMemory(peak_bytes=peak, node=at, sum_bytes=sum(buffers.size.values()))


class _Buffers:
    """The memory behind each tensor name: its size, and whose it is when it is a view."""

    def __init__(self) -> None:
        self.size: dict[str, int] = {}
        self.written: list[list[str]] = []
        self.owner: dict[str, str] = {}  # of each view

    def root(self, name: str) -> str:
        """Return the tensor that owns the memory."""
        return self.owner.get(name, name)

    def allocate(self, spec: TensorSpec) -> None:
        """Give a tensor memory of its own."""
        self.size[spec.name] = 0 if spec.shape is None else spec.nbytes

    def write(self, found: NodeCost) -> list[str]:
        """Place a node's outputs; return the names that need new memory."""
        node = found.node
        fresh = [s for s in node.outputs if s is not None and not s.constant]
        source = node.inputs[0] if node.inputs else None
        is_view = found.cost is not None and found.cost.role == "view"
        if is_view and source is not None and not source.constant:
            self.owner.update((s.name, self.root(source.name)) for s in fresh)
            return []
        for spec in fresh:
            self.allocate(spec)
        return [s.name for s in fresh]


def _last_use(nodes: Sequence[NodeCost], buffers: _Buffers) -> dict[str, int]:
    """Return, for each buffer, the index of the last node that touches it."""
    last: dict[str, int] = {}
    owner = buffers.owner
    for index, found in enumerate(nodes):
        node = found.node
        buffers.written.append([] if node.folded else buffers.write(found))
        if node.folded:
            continue
        for spec in (*node.inputs, *node.outputs):
            if spec is not None and not spec.constant:
                last[owner.get(spec.name, spec.name)] = index
    return last
