"""Ask a rule for each node of a walked model and add up: Model -> ModelCost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from feasibility.cost import Coverage, ModelCost, ModelRef, NodeCost, OpCost, Totals, Unknown
from feasibility.errors import FeasibilityError
from feasibility.ir import DEFAULT_DOMAIN, DType, Model, Node, TensorSpec
from feasibility.memory import peak_memory
from feasibility.ops import DEFAULT, NOT_COUNTED, RuleSet

# float inputs that say where elements go, not what they are worth
_SHAPE_INPUTS = frozenset({("Resize", 1), ("Resize", 2), ("Upsample", 1)})
# folded nodes that hand on what the file stores; all others make something new
_STORED = frozenset({"Constant", "Identity"})
# operators whose int32 inputs are biases of quantised products
_INT32_BIAS = frozenset({"QLinearConv", "DequantizeLinear"})
_MAX_COUNT = 2**100  # of one node: an Einsum of many small tensors has no bound of its own


def profile(model: Model, rules: RuleSet = DEFAULT) -> ModelCost:
    """Count every node, or name it as not counted, and sum."""
    nodes = _costs(model.graph.nodes, rules)
    return ModelCost(
        model=ModelRef(
            path=model.path,
            file_bytes=model.file_bytes,
            opsets=model.opsets,
            inputs=model.graph.inputs,
            outputs=model.graph.outputs,
        ),
        dims=model.dims,
        totals=_totals(model, nodes),
        coverage=_coverage(model, nodes),
        nodes=tuple(nodes),
    )


def _costs(nodes: Sequence[Node], rules: RuleSet) -> list[NodeCost]:
    """Cost each node; give each parameter to the first node that reads it, so that it counts once."""
    derived = {
        spec.name
        for node in nodes
        if node.folded and node.op_type not in _STORED
        for spec in node.outputs
        if spec is not None
    }
    seen: set[str] = set()
    found = []
    for node in nodes:
        if node.folded:
            found.append(NodeCost(node=node, cost=None))
            continue
        answer = _cost(node, rules)
        fresh = [s for s in _parameters(node, answer.cost, derived) if s.name not in seen]
        seen.update([s.name for s in fresh])
        found.append(
            NodeCost(
                node=node,
                cost=answer.cost,
                reason=answer.reason,
                read_bytes=answer.read_bytes,
                written_bytes=answer.written_bytes,
                parameters=sum([s.numel for s in fresh]),
                parameter_bytes=sum([s.nbytes for s in fresh]),
            )
        )
    return found


class _Answer(NamedTuple):
    """What a rule said of one node, or why there is no cost."""

    cost: OpCost | None
    reason: str = ""
    read_bytes: int = 0
    written_bytes: int = 0


def _cost(node: Node, rules: RuleSet) -> _Answer:
    """Ask the rule; what cannot be counted says why."""
    rule = rules.find(node.domain, node.op_type, node.opset)
    if rule is None:
        return _Answer(None, NOT_COUNTED.get((node.domain, node.op_type)) or "no cost rule for this operator")
    try:
        cost = rule(node)
        read, written = _bytes(cost.reads, cost, node.inputs), _bytes(cost.writes, cost, node.outputs)
    except FeasibilityError as error:
        return _Answer(None, node.problem or error.message)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return _Answer(None, node.problem or "its inputs do not fit the operator")
    counts = (cost.fmas, cost.arithmetic, cost.transcendentals, read, written)
    if min(counts) < 0 or max(counts) > _MAX_COUNT:
        return _Answer(None, "its attributes do not fit the operator")
    if cost.role == "heavy" and not cost.fmas and _is_emptied(node):
        return _Answer(None, "its output is empty though none of its inputs is")
    return _Answer(cost, "", read, written)


def _is_emptied(node: Node) -> bool:
    """Tell whether a node makes nothing out of something, as a kernel larger than its input does."""
    sizes = [spec.shape for spec in node.inputs if spec is not None]
    return 0 in (node.output(0).shape or ()) and not any(0 in (shape or ()) for shape in sizes)


def _bytes(stated: int | None, cost: OpCost, specs: Iterable[TensorSpec | None]) -> int:
    """Return what a rule states, else the bytes of the distinct tensors; views move nothing."""
    if cost.role == "view":
        return 0
    if stated is not None:
        return stated
    total, seen = 0, set()
    for spec in specs:
        if spec is not None and spec.name not in seen:
            seen.add(spec.name)
            total += spec.nbytes
    return total


def _parameters(node: Node, cost: OpCost | None, derived: set[str]) -> list[TensorSpec]:
    """Return the parameters a node reads.

    They are float or quantised constants of the file. What folding made counts only
    where linear algebra reads it: a weight that the graph builds itself.
    """
    heavy = cost is not None and cost.role == "heavy"
    found = [
        spec
        for index, spec in enumerate(node.inputs)
        if spec is not None
        and spec.constant
        and spec.shape is not None
        and _is_parameter_type(spec.dtype, node)
        and (heavy or spec.name not in derived)
        and (node.op_type, index) not in _SHAPE_INPUTS
    ]
    return found if len(found) < 2 else list({spec.name: spec for spec in found}.values())  # noqa: PLR2004


def _is_parameter_type(dtype: DType, node: Node) -> bool:
    return dtype.is_float or dtype.is_quantised or (dtype is DType.INT32 and node.op_type in _INT32_BIAS)


def _embedding_parameters(nodes: Iterable[NodeCost]) -> int:
    """Count the parameters that nothing but Gather reads: looked up, not multiplied."""
    tables: dict[str, TensorSpec] = {}
    others: set[str] = set()
    for found in nodes:
        is_gather = found.node.op_type == "Gather" and found.node.domain == DEFAULT_DOMAIN
        for index, spec in enumerate(found.node.inputs):
            if spec is None or not spec.constant or found.node.folded:
                continue
            if is_gather and index == 0 and _is_parameter_type(spec.dtype, found.node):
                tables[spec.name] = spec
            else:
                others.add(spec.name)
    return sum(spec.numel for name, spec in tables.items() if name not in others and spec.shape is not None)


def _totals(model: Model, nodes: Sequence[NodeCost]) -> Totals:
    peak = peak_memory(nodes, model.graph.inputs, model.graph.outputs)
    return Totals(
        fmas=sum(n.fmas for n in nodes),
        arithmetic=sum(n.arithmetic for n in nodes),
        transcendentals=sum(n.transcendentals for n in nodes),
        parameters=sum(n.parameters for n in nodes),
        embedding_parameters=_embedding_parameters(nodes),
        parameter_bytes=sum(n.parameter_bytes for n in nodes),
        download_bytes=model.file_bytes + model.external_bytes,
        read_bytes=sum(n.runs * n.read_bytes for n in nodes),
        written_bytes=sum(n.runs * n.written_bytes for n in nodes),
        peak_activation_bytes=peak.peak_bytes,
        peak_activation_node=peak.node,
    )


def _coverage(model: Model, nodes: Sequence[NodeCost]) -> Coverage:
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
        assumed=model.assumed,
    )
