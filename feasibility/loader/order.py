"""Put nodes into execution order; files are sorted already, hostile ones are not."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import onnx

from feasibility.errors import ModelError
from feasibility.loader.attributes import subgraphs

_WITH_BODIES = frozenset({"If", "Loop", "Scan", "SequenceMap"})  # they read what their bodies do


def in_order(nodes: Sequence[onnx.NodeProto], known: Callable[[str], bool]) -> Sequence[onnx.NodeProto]:
    """Return the nodes so that each comes after what it reads; raise ModelError on a cycle.

    The order of the file is kept where it is valid. `known` tells which names
    exist before the first node.
    """
    if _is_sorted(nodes, known):
        return nodes
    return _sorted(nodes)


def _is_sorted(nodes: Sequence[onnx.NodeProto], known: Callable[[str], bool]) -> bool:
    seen = {""}  # an absent optional input
    for node in nodes:
        read = reads(node) if node.op_type in _WITH_BODIES else node.input
        if not seen.issuperset(read):
            new = [name for name in read if name not in seen]
            if not all(map(known, new)):
                return False
            seen.update(new)
        seen.update(node.output)
    return True


def reads(node: onnx.NodeProto) -> set[str]:
    """Return every name a node reads, those its subgraphs capture included."""
    names = {name for name in node.input if name}
    for graph in subgraphs(node).values():
        inner = set[str]().union(*(reads(n) for n in graph.node), (o.name for o in graph.output))
        own = {given.name for given in (*graph.input, *graph.initializer)}
        names |= inner - own - {name for n in graph.node for name in n.output}
    return names


def _sorted(nodes: Sequence[onnx.NodeProto]) -> Sequence[onnx.NodeProto]:
    """Sort stably by what each node waits for (Kahn); names nobody writes do not block."""
    writer = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    waits = [{writer[name] for name in reads(node) if name in writer} for node in nodes]
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
