"""Ask a rule for each node of a walked model and add up: Model -> ModelCost."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from feasibility.cost import (
    Coverage,
    DTypeSum,
    ModelCost,
    ModelRef,
    NodeCost,
    OpCost,
    PeakMemory,
    Totals,
    Unknown,
)
from feasibility.ir import DType, Model, Node
from feasibility.memory import peak_memory
from feasibility.ops import DEFAULT, RuleSet
from feasibility.pause import collector_paused
from feasibility.profiler.blocked import unpadded
from feasibility.profiler.branches import take_costlier
from feasibility.profiler.dtypes import by_dtype
from feasibility.profiler.nodes import Answer, cost_of
from feasibility.profiler.parameters import Parameters, embedding_parameters, parameters_by_node
from feasibility.profiler.quantised import Quantised, quantised

# folded into a constant: nothing runs
_FOLDED = Answer(None)
_REPEATED = "function"  # what ir.Body calls a function that was called before
# a function that was called before: its nodes stand there already and run once more
_CALLED_AGAIN = Answer(OpCost(dtype=DType.UNDEFINED, role="view", reads=0, writes=0))


class _Step(NamedTuple):
    """A node as memory sees it."""

    node: Node
    cost: OpCost | None
    runs: int


@collector_paused()
def profile(model: Model, rules: RuleSet = DEFAULT) -> ModelCost:
    """Count every node, or name it as not counted, and sum."""
    graph, padded = unpadded(model.graph)
    found = quantised(graph)
    again = frozenset(body.owner for body in graph.bodies if body.name == _REPEATED)
    answers = _answers(found, again, rules)
    runs, choices = take_costlier(found.nodes, answers, graph.bodies)
    steps = [_Step(node, answer[0], n) for node, answer, n in zip(found.nodes, answers, runs, strict=True)]
    peak = peak_memory(steps, graph.inputs, graph.outputs, graph.bodies)
    parameters = parameters_by_node(found.nodes, answers, again)
    nodes = _costs(steps, answers, parameters, peak)
    dtypes = by_dtype(nodes, parameters)
    return ModelCost(
        model=ModelRef(
            path=model.path,
            file_bytes=model.file_bytes,
            graph_sha256=model.graph_sha256,
            external_files=model.external_files,
            opsets=model.opsets,
            inputs=graph.inputs,
            outputs=graph.outputs,
        ),
        dims=model.dims,
        totals=_totals(model, nodes, dtypes, peak, again),
        coverage=_coverage((*model.assumed, *padded, *choices), nodes),
        nodes=nodes,
        by_dtype=dtypes,
        bodies=graph.bodies,
    )


def _answers(found: Quantised, again: Container[int], rules: RuleSet) -> list[Answer]:
    """Cost each node that runs."""
    return [
        _FOLDED if node.folded else _CALLED_AGAIN if index in again else _answer(index, found, rules)
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


def _costs(
    steps: Iterable[_Step], answers: Iterable[Answer], parameters: Iterable[Parameters], peak: PeakMemory
) -> tuple[NodeCost, ...]:
    return tuple(
        [
            NodeCost(
                node=step.node,
                cost=answer.cost,
                reason=answer.reason,
                runs=step.runs,
                read_bytes=answer.read_bytes,
                written_bytes=answer.written_bytes,
                parameters=sum([p.elements for p in own]) if own else 0,
                parameter_bytes=sum([p.nbytes for p in own]) if own else 0,
                live_bytes=live_bytes,
            )
            for step, answer, own, live_bytes in zip(steps, answers, parameters, peak.live, strict=True)
        ]
    )


def _totals(
    model: Model,
    nodes: Sequence[NodeCost],
    dtypes: Sequence[DTypeSum],
    peak: PeakMemory,
    again: Container[int],
) -> Totals:
    running = [n for n in nodes if n.cost is not None and n.runs]
    return Totals(
        fmas=sum(found.fmas for found in dtypes),
        arithmetic=sum(found.arithmetic for found in dtypes),
        transcendentals=sum(found.transcendentals for found in dtypes),
        parameters=sum(found.parameters for found in dtypes),
        embedding_parameters=embedding_parameters(nodes, again),
        parameter_bytes=sum(found.parameter_bytes for found in dtypes),
        download_bytes=model.file_bytes + model.external_bytes,
        read_bytes=sum([n.runs * n.read_bytes for n in running]),
        written_bytes=sum([n.runs * n.written_bytes for n in running]),
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
