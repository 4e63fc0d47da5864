"""Put nodes into execution order; files are sorted already, hostile ones are not."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import onnx

from feasibility.errors import ModelError
from feasibility.loader.attributes import subgraphs

_WITH_BODIES = frozenset({"If", "Loop", "Scan", "SequenceMap"})  # they read what their bodies do


class Reads:
    """What each node reads, looked at once: bodies in bodies are asked again at every level."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[onnx.NodeProto, set[str]]] = {}  # the node lives on, so its id does

    def of(self, node: onnx.NodeProto) -> set[str]:
        """Return every name a node reads, those its subgraphs capture included."""
        graphs = subgraphs(node)
        if not graphs:
            return {name for name in node.input if name}
        if id(node) not in self.found:
            names = {name for name in node.input if name}
            self.found[id(node)] = node, names.union(*map(self._captured, graphs.values()))
        return self.found[id(node)][1]

    def _captured(self, graph: onnx.GraphProto) -> set[str]:
        inner = set[str]().union(*map(self.of, graph.node), (o.name for o in graph.output))
        own = {given.name for given in (*graph.input, *graph.initializer)}
        return inner - own - {name for n in graph.node for name in n.output}


def in_order(
    nodes: Sequence[onnx.NodeProto], known: Callable[[str], bool], reads: Reads
) -> Sequence[onnx.NodeProto]:
    """Return the nodes so that each comes after what it reads; raise ModelError on a cycle.

    The order of the file is kept where it is valid. `known` tells which names
    exist before the first node.
    """
    if _is_sorted(nodes, known, reads):
        return nodes
    return _sorted(nodes, reads)


def _is_sorted(nodes: Sequence[onnx.NodeProto], known: Callable[[str], bool], reads: Reads) -> bool:
    seen = {""}  # an absent optional input
    for node in nodes:
        read = reads.of(node) if node.op_type in _WITH_BODIES else node.input
        if not seen.issuperset(read):
            new = [name for name in read if name not in seen]
            if not all(map(known, new)):
                return False
            seen.update(new)
        seen.update(node.output)
    return True


def _sorted(nodes: Sequence[onnx.NodeProto], reads: Reads) -> Sequence[onnx.NodeProto]:
    """Sort stably by what each node waits for (Kahn); names nobody writes do not block."""
    writer = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    waits = [{writer[name] for name in reads.of(node) if name in writer} for node in nodes]
    readers: list[list[int]] = [[] for _ in nodes]
    for index, needed in enumerate(waits):
        for other in sorted(needed):
            readers[other].append(index)
    missing = [len(needed) for needed in waits]
    ready = deque(index for index, count in enumerate(missing) if not count)
    order = []
    while ready:
        index = ready.popleft()
        order.append(nodes[index])
        for reader in readers[index]:
            missing[reader] -= 1
            if not missing[reader]:
                ready.append(reader)
    if len(order) < len(nodes):
        at = next(index for index, count in enumerate(missing) if count)
        stuck = nodes[at]
        msg = f"node {stuck.name or f'{stuck.op_type}_{at}'!r} ({stuck.op_type}) takes part in a cycle"
        raise ModelError(msg, hint="check the file with onnx.checker.check_model")
    return order
