"""Render answers as JSON: the contract that `feasible schema` publishes.

SI base units, the unit in the key, nothing rounded. Adding a key never changes
`schema_version`; removing or renaming one does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Literal, TypeAlias

from feasibility.cost import Coverage, Group, ModelCost, ModelRef, NodeCost, Totals
from feasibility.ir import TensorSpec

if TYPE_CHECKING:  # the records import pydantic, which `feasible profile` does without
    from feasibility.decide.records import Decision

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"

SCHEMA_VERSION = 1
SCHEMAS = ("verdict", "profile")


def render(decision: Decision) -> str:
    """Return one verdict as JSON."""
    return dumps(decision.to_dict())


def render_many(decisions: Sequence[Decision]) -> str:
    """Return several verdicts as one JSON object."""
    return dumps({"schema_version": SCHEMA_VERSION, "results": [d.to_dict() for d in decisions]})


def render_cost(cost: ModelCost) -> str:
    """Return the counts of a model as JSON, every node included."""
    return dumps(cost_dict(cost))


def schema(name: Literal["verdict", "profile"]) -> str:
    """Return the published JSON Schema of an answer."""
    return (files("feasibility.report") / "schemas" / f"{name}.json").read_text(encoding="utf-8")


def dumps(value: Json) -> str:
    """Write ASCII JSON; an infinity or NaN is a bug and raises ValueError."""
    return json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def cost_dict(cost: ModelCost) -> dict[str, Json]:
    """Return the counts of a model as plain values."""
    unknown: Counter[tuple[str, ...]] = Counter((u.domain, u.op_type) for u in cost.coverage.unknown)
    return {
        "schema_version": SCHEMA_VERSION,
        "model": model_dict(cost.model),
        "dims": dict(cost.dims),
        "totals": totals_dict(cost.totals),
        "coverage": coverage_dict(cost.coverage),
        "by_op": [_group_dict(group, unknown[group.key]) for group in cost.by_op],
        "nodes": [_node_dict(node) for node in cost.nodes],
    }


def model_dict(model: ModelRef) -> dict[str, Json]:
    """Return what names a model."""
    return {
        "path": model.path,
        "file_bytes": model.file_bytes,
        "opsets": dict(model.opsets),
        "inputs": [_tensor_dict(spec) for spec in model.inputs],
        "outputs": [_tensor_dict(spec) for spec in model.outputs],
    }


def totals_dict(totals: Totals) -> dict[str, Json]:
    """Return the exact sums of a model."""
    return {
        "fmas": totals.fmas,
        "arithmetic": totals.arithmetic,
        "transcendentals": totals.transcendentals,
        "flops": totals.flops,
        "parameters": totals.parameters,
        "embedding_parameters": totals.embedding_parameters,
        "parameter_bytes": totals.parameter_bytes,
        "download_bytes": totals.download_bytes,
        "read_bytes": totals.read_bytes,
        "written_bytes": totals.written_bytes,
        "peak_activation_bytes": totals.peak_activation_bytes,
        "peak_activation_node": totals.peak_activation_node,
    }


def coverage_dict(coverage: Coverage) -> dict[str, Json]:
    """Return how much of a model was counted."""
    return {
        "nodes": coverage.nodes,
        "counted": coverage.counted,
        "folded": coverage.folded,
        "unknown": [
            {"name": u.name, "domain": u.domain, "op_type": u.op_type, "reason": u.reason}
            for u in coverage.unknown
        ],
        "assumed": list(coverage.assumed),
    }


def _tensor_dict(spec: TensorSpec) -> dict[str, Json]:
    shape = None if spec.shape is None else list(spec.shape)
    return {"name": spec.name, "shape": shape, "dtype": spec.dtype.name}


def _group_dict(group: Group, unknown_nodes: int) -> dict[str, Json]:
    domain, op_type = group.key
    return {
        "domain": domain,
        "op_type": op_type,
        "nodes": group.nodes,
        "unknown_nodes": unknown_nodes,
        "fmas": group.fmas,
        "arithmetic": group.arithmetic,
        "transcendentals": group.transcendentals,
        "flops": group.flops,
        "read_bytes": group.read_bytes,
        "written_bytes": group.written_bytes,
        "parameter_bytes": group.parameter_bytes,
    }


def _node_dict(cost: NodeCost) -> dict[str, Json]:
    """Return one node; counts over all runs, null where nobody can tell."""
    known = cost.cost is not None or not cost.reason
    return {
        "name": cost.node.name,
        "domain": cost.node.domain,
        "op_type": cost.node.op_type,
        "runs": cost.runs,
        "role": cost.cost.role if cost.cost else None,
        "fmas": cost.fmas if known else None,
        "arithmetic": cost.arithmetic if known else None,
        "transcendentals": cost.transcendentals if known else None,
        "flops": cost.flops if known else None,
        "read_bytes": cost.runs * cost.read_bytes,
        "written_bytes": cost.runs * cost.written_bytes,
        "parameter_bytes": cost.parameter_bytes,
        "dtype": cost.cost.dtype.name if cost.cost else None,
        "outputs": [_tensor_dict(spec) for spec in cost.node.outputs if spec is not None],
    }
