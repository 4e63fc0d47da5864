"""Tell which constants are parameters, and count each once."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from feasibility.cost import NodeCost, OpCost
from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN, DType, Node, TensorSpec
from feasibility.profiler.nodes import Answer
from feasibility.units import BITS_PER_BYTE

# float inputs that say where elements go, not what they are worth
_SHAPE_INPUTS = frozenset({("Resize", 1), ("Resize", 2), ("Upsample", 1)})
# folded nodes that hand on what the file stores; all others make something new
_STORED = frozenset({"Constant", "Identity"})
# operators that look rows of a table up
_LOOK_UPS = frozenset({
    (DEFAULT_DOMAIN, "Gather"),
    (MICROSOFT_DOMAIN, "GatherBlockQuantized"),
    (MICROSOFT_DOMAIN, "GatherPacked"),
})  # fmt: skip
# operators whose int32 inputs are biases of quantised products
_INT32_BIAS = frozenset({"QLinearConv", "DequantizeLinear"})


# what several weights in one byte are called: bits of each -> type
_PACKED = {4: DType.UINT4, 2: DType.UINT2}


class Parameter(NamedTuple):
    """A tensor of parameters: how many, in how many bytes, of which type."""

    elements: int
    nbytes: int
    dtype: DType


Parameters = Sequence[Parameter]


def parameters_by_node(
    nodes: Sequence[Node], answers: Sequence[Answer], again: Container[int] = ()
) -> list[Parameters]:
    """Give each parameter to the first node that reads it, so that it counts once.

    `again` are the places of functions that are called again: what reads there stands elsewhere.
    """
    derived = {
        spec.name
        for node in nodes
        if node.folded and node.op_type not in _STORED
        for spec in node.outputs
        if spec is not None
    }
    seen: set[str] = set()
    return [
        () if node.folded or place in again else _fresh(node, answer.cost, derived, seen)
        for place, (node, answer) in enumerate(zip(nodes, answers, strict=True))
    ]


def _fresh(node: Node, cost: OpCost | None, derived: set[str], seen: set[str]) -> Parameters:
    if True not in [spec is not None and spec.constant for spec in node.inputs]:
        return ()
    fresh = [spec for spec in _parameters_of(node, cost, derived) if spec.name not in seen]
    seen.update([spec.name for spec in fresh])
    return [_parameter(spec, node, cost) for spec in fresh]


def _parameter(spec: TensorSpec, node: Node, cost: OpCost | None) -> Parameter:
    count = _elements(spec, node, cost)
    bits = 0 if count == spec.numel else spec.nbytes * BITS_PER_BYTE // count
    return Parameter(count, spec.nbytes, _PACKED.get(bits, spec.dtype))


def _parameters_of(node: Node, cost: OpCost | None, derived: set[str]) -> list[TensorSpec]:
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


def _elements(spec: TensorSpec, node: Node, cost: OpCost | None) -> int:
    """Return how many parameters a tensor holds: more than its elements where several share a byte."""
    if cost is None or not cost.packed:
        return spec.numel
    indices = [
        index for index, given in enumerate(node.inputs) if given is not None and given.name == spec.name
    ]
    return next((cost.packed[index] for index in indices if index in cost.packed), spec.numel)


def _is_parameter_type(dtype: DType, node: Node) -> bool:
    return dtype.is_float or dtype.is_quantised or (dtype is DType.INT32 and node.op_type in _INT32_BIAS)


def embedding_parameters(nodes: Iterable[NodeCost], again: Container[int] = ()) -> int:
    """Count the parameters that only Gather and its kin read: looked up, not multiplied; `again` as above."""
    tables: dict[str, int] = {}
    others: set[str] = set()
    for place, found in enumerate(nodes):
        node = found.node
        if node.folded or place in again:
            continue
        is_gather = (node.domain, node.op_type) in _LOOK_UPS
        for index, spec in enumerate(node.inputs):
            if spec is None or not spec.constant:
                continue
            if is_gather and index == 0 and _is_parameter_type(spec.dtype, node):
                tables[spec.name] = _elements(spec, node, found.cost) if spec.shape is not None else 0
            else:
                others.add(spec.name)
    return sum(count for name, count in tables.items() if name not in others)
