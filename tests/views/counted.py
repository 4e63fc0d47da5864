"""Count models by hand: nodes with given names and costs, summed here and not by the product."""

from __future__ import annotations

from dataclasses import dataclass, replace

from feasibility.cost import ModelCost, NodeCost, OpCost, Totals, Unknown
from feasibility.ir import DType
from tests.samples import cost, node


@dataclass(frozen=True, kw_only=True)
class Row:
    """A node: `fmas` and `reads` are of one run; `fmas` None is a node without a rule."""

    name: str
    op: str = "MatMul"
    fmas: int | None = 0
    reads: int = 0
    weights: int = 0
    runs: int = 1


def counted(*rows: Row, path: str = "model.onnx", **dims: int) -> ModelCost:
    """Return the counts of a model with these nodes."""
    nodes = tuple(map(_node_cost, rows))
    unknown = tuple(
        Unknown(name=r.name, domain="ai.onnx", op_type=r.op, reason="no cost rule")
        for r in rows
        if r.fmas is None
    )
    base = cost(path=path, unknown=unknown, nodes=len(rows), counted=len(rows) - len(unknown), folded=0)
    return replace(base, nodes=nodes, dims=dims, totals=_totals(rows), by_dtype=())


def _node_cost(row: Row) -> NodeCost:
    known = row.fmas is not None
    return NodeCost(
        node=node(row.name, row.op),
        cost=OpCost(fmas=row.fmas or 0, dtype=DType.FLOAT, role="heavy") if known else None,
        reason="" if known else "no cost rule",
        runs=row.runs,
        read_bytes=row.reads,
        parameters=row.weights // 4,
        parameter_bytes=row.weights,
    )


def _totals(rows: tuple[Row, ...]) -> Totals:
    weights = sum(row.weights for row in rows)
    return replace(
        cost().totals,
        fmas=sum(row.runs * (row.fmas or 0) for row in rows),
        arithmetic=0,
        read_bytes=sum(row.runs * row.reads for row in rows),
        written_bytes=0,
        parameters=weights // 4,
        parameter_bytes=weights,
    )
