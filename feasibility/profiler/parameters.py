"""Tell which constants are parameters, and count each once."""

from __future__ import annotations

from collections.abc import Iterable

from feasibility.cost import NodeCost, OpCost
from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN, DType, Node, TensorSpec

# float inputs that say where elements go, not what they are worth
_SHAPE_INPUTS = frozenset({("Resize", 1), ("Resize", 2), ("Upsample", 1)})
# folded nodes that hand on what the file stores; all others make something new
STORED = frozenset({"Constant", "Identity"})
# operators that look rows of a table up
_LOOK_UPS = frozenset({
    (DEFAULT_DOMAIN, "Gather"),
    (MICROSOFT_DOMAIN, "GatherBlockQuantized"),
    (MICROSOFT_DOMAIN, "GatherPacked"),
})  # fmt: skip
# operators whose int32 inputs are biases of quantised products
_INT32_BIAS = frozenset({"QLinearConv", "DequantizeLinear"})


def parameters_of(node: Node, cost: OpCost | None, derived: set[str]) -> list[TensorSpec]:
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


def elements(spec: TensorSpec, node: Node, cost: OpCost | None) -> int:
    """Return how many parameters a tensor holds: more than its elements where several share a byte."""
    if cost is None or not cost.packed:
        return spec.numel
    indices = [
        index for index, given in enumerate(node.inputs) if given is not None and given.name == spec.name
    ]
    return next((cost.packed[index] for index in indices if index in cost.packed), spec.numel)


def _is_parameter_type(dtype: DType, node: Node) -> bool:
    return dtype.is_float or dtype.is_quantised or (dtype is DType.INT32 and node.op_type in _INT32_BIAS)


def embedding_parameters(nodes: Iterable[NodeCost]) -> int:
    """Count the parameters that nothing but Gather and its kin read: looked up, not multiplied."""
    tables: dict[str, int] = {}
    others: set[str] = set()
    for found in nodes:
        is_gather = (found.node.domain, found.node.op_type) in _LOOK_UPS
        for index, spec in enumerate(found.node.inputs):
            if spec is None or not spec.constant or found.node.folded:
                continue
            if is_gather and index == 0 and _is_parameter_type(spec.dtype, found.node):
                tables[spec.name] = elements(spec, found.node, found.cost) if spec.shape is not None else 0
            else:
                others.add(spec.name)
    return sum(count for name, count in tables.items() if name not in others)
