"""Ask a rule for each node of a walked model and add up: Model -> ModelCost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from feasibility.cost import Coverage, ModelCost, ModelRef, NodeCost, OpCost, PeakMemory, Totals, Unknown
from feasibility.ir import DType, Graph, Model, Node
from feasibility.memory import peak_memory
from feasibility.ops import DEFAULT, RuleSet
from feasibility.profiler.blocked import unpadded
from feasibility.profiler.branches import take_costlier
from feasibility.profiler.nodes import Answer, cost_of
from feasibility.profiler.parameters import STORED, elements, embedding_parameters, parameters_of
from feasibility.profiler.quantised import Quantised, quantised

# a function that was called before: its nodes stand there already and run once more
_CALLED_AGAIN = Answer(OpCost(dtype=DType.UNDEFINED, role="view", reads=0, writes=0))


def profile(model: Model, rules: RuleSet = DEFAULT) -> ModelCost:
    """Count every node, or name it as not counted, and sum."""
    graph, padded = unpadded(model.graph)
    nodes, choices = take_costlier(_costs(graph, rules), graph.bodies)
    peak = peak_memory(nodes, graph.inputs, graph.outputs, graph.bodies)
    nodes = [_alive(n, live) for n, live in zip(nodes, peak.live, strict=True)]
    return ModelCost(
        model=ModelRef(
            path=model.path,
            file_bytes=model.file_bytes,
            opsets=model.opsets,
            inputs=graph.inputs,
            outputs=graph.outputs,
        ),
        dims=model.dims,
        totals=_totals(model, nodes, peak),
        coverage=_coverage((*model.assumed, *padded, *choices), nodes),
        nodes=tuple(nodes),
    )


def _costs(graph: Graph, rules: RuleSet) -> list[NodeCost]:
    """Cost each node; give each parameter to the first node that reads it, so that it counts once."""
    found = quantised(graph)
    derived = {
        spec.name
        for node in found.nodes
        if node.folded and node.op_type not in STORED
        for spec in node.outputs
        if spec is not None
    }
    again = {body.owner for body in graph.bodies if body.name == "function"}
    seen: set[str] = set()
    return [
        NodeCost(node=node, cost=None)
        if node.folded
        else _counted(node, _CALLED_AGAIN if index in again else _answer(index, found, rules), derived, seen)
        for index, node in enumerate(found.nodes)
    ]


def _answer(index: int, found: Quantised, rules: RuleSet) -> Answer:
    """Ask the rule, then let a product between quantised tensors run in their type."""
    node = found.nodes[index]
    if index in found.views:
        return Answer(OpCost(dtype=found.views[index], role="view", reads=0, writes=0))
    answer = cost_of(node, rules)
    dtype = found.types.get(index)
    if dtype is None or answer.cost is None:
        return answer
    return answer._replace(cost=replace(answer.cost, dtype=dtype))


def _counted(node: Node, answer: Answer, derived: set[str], seen: set[str]) -> NodeCost:
    fresh = [s for s in parameters_of(node, answer.cost, derived) if s.name not in seen]
    seen.update([s.name for s in fresh])
    return NodeCost(
        node=node,
        cost=answer.cost,
        reason=answer.reason,
        runs=node.runs,
        read_bytes=answer.read_bytes,
        written_bytes=answer.written_bytes,
        parameters=sum([elements(s, node, answer.cost) for s in fresh]),
        parameter_bytes=sum([s.nbytes for s in fresh]),
    )


def _alive(n: NodeCost, live_bytes: int) -> NodeCost:
    """Return a node with the bytes alive while it runs (dataclasses.replace takes twice as long)."""
    return NodeCost(
        node=n.node,
        cost=n.cost,
        reason=n.reason,
        runs=n.runs,
        read_bytes=n.read_bytes,
        written_bytes=n.written_bytes,
        parameters=n.parameters,
        parameter_bytes=n.parameter_bytes,
        live_bytes=live_bytes,
    )


def _totals(model: Model, nodes: Sequence[NodeCost], peak: PeakMemory) -> Totals:
    return Totals(
        fmas=sum(n.fmas for n in nodes),
        arithmetic=sum(n.arithmetic for n in nodes),
        transcendentals=sum(n.transcendentals for n in nodes),
        parameters=sum(n.parameters for n in nodes),
        embedding_parameters=embedding_parameters(nodes),
        parameter_bytes=sum(n.parameter_bytes for n in nodes),
        download_bytes=model.file_bytes + model.external_bytes,
        read_bytes=sum(n.runs * n.read_bytes for n in nodes),
        written_bytes=sum(n.runs * n.written_bytes for n in nodes),
        peak_activation_bytes=peak.peak_bytes,
        peak_activation_node=peak.node,
    )


def _coverage(assumed: tuple[str, ...], nodes: Sequence[NodeCost]) -> Coverage:
    unknown = tuple(
        Unknown(name=n.node.name, domain=n.node.domain, op_type=n.node.op_type, reason=n.reason)
        for n in nodes
        if n.cost is None and not n.node.folded
    )
    folded = sum(n.node.folded for n in nodes)
    return Coverage(
        nodes=len(nodes),
        counted=len(nodes) - folded - len(unknown),
        folded=folded,
        unknown=unknown,
        assumed=assumed,
    )
