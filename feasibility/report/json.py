"""Render answers as JSON: the contract that `feasible schema` publishes.

SI base units, the unit in the key, nothing rounded. Adding a key never changes
`schema_version`; removing or renaming one does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

from feasibility.cost import Group, ModelCost, NodeCost, tensor_to_dict
from feasibility.errors import UsageError
from feasibility.memory import memory_at
from feasibility.views.vary import size_of

if TYPE_CHECKING:  # the records import pydantic, which `feasible profile` does without
    from feasibility.conventions import ConventionTotal, CrossCheck
    from feasibility.decide.records import Decision
    from feasibility.pipeline.records import ChainAnswer
    from feasibility.views.diff import Diff
    from feasibility.views.modules import Module

SCHEMA_VERSION = 1
SCHEMAS = ("verdict", "profile", "vary", "diff", "chain", "limits", "accuracy", "gate")


def render(decision: Decision) -> str:
    """Return one verdict as JSON."""
    return dumps(decision.to_dict())


def render_many(decisions: Sequence[Decision]) -> str:
    """Return several verdicts as one JSON object."""
    return dumps({"schema_version": SCHEMA_VERSION, "results": [d.to_dict() for d in decisions]})


def render_cost(
    cost: ModelCost,
    *,
    precision: str | None = None,
    convention: ConventionTotal | None = None,
    check: CrossCheck | None = None,
    modules: Iterable[Module] | None = None,
) -> str:
    """Return the counts of a model as JSON, every node included, and what else was asked for.

    `precision` is that of the memory need; as stored where it is None.
    """
    opinions = {"convention": convention, "cross_check": check}
    return dumps(
        cost_dict(cost, precision)
        | {"by_module": None if modules is None else [module.to_dict() for module in modules]}
        | {k: None if found is None else found.to_dict() for k, found in opinions.items()}
    )


def render_vary(dimension: str, costs: Sequence[ModelCost], *, precision: str | None = None) -> str:
    """Return the totals of a model for each size of a dimension as JSON."""
    rows = [
        {
            "value": size_of(cost, dimension),
            "totals": cost.totals.to_dict(),
            "coverage": cost.coverage.to_dict(),
            "memory": memory_at(cost, precision).to_dict(),
        }
        for cost in costs
    ]
    model = costs[0].model.to_dict()
    return dumps({"schema_version": SCHEMA_VERSION, "model": model, "dimension": dimension, "rows": rows})


def render_diff(found: Diff, *, top: int = 0) -> str:
    """Return what changed between two models as JSON; 0 is all modules and operator types."""
    shown = replace(found, modules=found.modules[: top or None], ops=found.ops[: top or None])
    return dumps(shown.to_dict())


def render_chain(answer: ChainAnswer) -> str:
    """Return the placement of a chain as JSON."""
    return dumps(answer.to_dict())


def schema(name: str) -> str:
    """Return the published JSON Schema of an answer, one of SCHEMAS."""
    return (files("feasibility.report") / "schemas" / f"{name}.json").read_text(encoding="utf-8")


def dumps(value: Mapping[str, object]) -> str:
    """Write ASCII JSON; raise UsageError for an infinity, which JSON cannot hold."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
    except ValueError:
        msg = "the answer holds a number that is too large to be written"
        raise UsageError(msg, hint="give smaller quantities, or ask for text") from None
    # the same JSON: a runner of GitHub Actions would obey `##[name]` in a log that shows it
    return text.replace("##[", "#\\u0023[")


def cost_dict(cost: ModelCost, precision: str | None = None) -> dict[str, object]:
    """Return the counts of a model as plain values, and the memory it needs at a precision."""
    unknown: Counter[tuple[str, ...]] = Counter((u.domain, u.op_type) for u in cost.coverage.unknown)
    return {
        "schema_version": SCHEMA_VERSION,
        "model": cost.model.to_dict(),
        "dims": dict(cost.dims),
        "totals": cost.totals.to_dict(),
        "coverage": cost.coverage.to_dict(),
        "memory": memory_at(cost, precision).to_dict(),
        "by_dtype": [found.to_dict() for found in cost.by_dtype],
        "by_op": [_group_dict(group, unknown[group.key]) for group in cost.by_op()],
        "nodes": [_node_dict(node) for node in cost.nodes],
    }


def _group_dict(group: Group, unknown_nodes: int) -> dict[str, object]:
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


def _node_dict(cost: NodeCost) -> dict[str, object]:
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
        "read_bytes": cost.runs * cost.read_bytes if known else None,
        "written_bytes": cost.runs * cost.written_bytes if known else None,
        "parameter_bytes": cost.parameter_bytes,
        "live_bytes": cost.live_bytes,
        "dtype": cost.cost.dtype.name.lower() if cost.cost else None,
        "outputs": [tensor_to_dict(spec) for spec in cost.node.outputs if spec is not None],
    }
