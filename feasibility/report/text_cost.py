"""Render the counts of a model as plain text (`feasible profile`)."""

from __future__ import annotations

from collections.abc import Sequence

from feasibility.cost import Group, ModelCost, NodeCost, Totals
from feasibility.ir import DEFAULT_DOMAIN, TensorSpec
from feasibility.report import wording
from feasibility.report.layout import Column, fields, paragraph, table
from feasibility.report.wording import NOTHING
from feasibility.units import Bytes, Flops, format_count

OP_TITLES = ("nodes", "FMA", "FLOP", "read", "written", "weights", "operator")
_UNCOUNTED = "?"
_FOLDED = " (folded)"  # a constant by now: nothing is left to run


def _numbers(*titles: str) -> list[Column]:
    return [Column(title, right=True) for title in titles]


def render_cost(cost: ModelCost, *, by: str = "op", top: int = 0) -> str:
    """Return totals, coverage and one line per operator type or node, costliest first.

    `by` is "op" or "node"; `top` rows are shown and the rest summed in words, 0 shows all.
    """
    lines = [*_lead(cost), "", *fields(_facts(cost)), ""]
    lines += _TABLES[by](cost, top or None)
    return "\n".join(lines) + "\n"


def _lead(cost: ModelCost) -> list[str]:
    said = (
        f"{cost.model.path}: {wording.work(cost.totals, cost.coverage)}. {wording.assumptions(cost.coverage)}"
    )
    notes = wording.notes(cost.coverage, cost.model)
    return [*paragraph(said), *(line for note in notes for line in paragraph(note))]


def _facts(cost: ModelCost) -> list[tuple[str, str]]:
    t = cost.totals
    return [
        ("FLOP", _flops(t)),
        ("parameters", f"{t.parameters:,}, of them {t.embedding_parameters:,} only looked up (embeddings)"),
        ("download", f"{Bytes(t.download_bytes)} ({t.download_bytes:,} bytes)"),
        ("traffic", f"{Bytes(t.read_bytes)} read, {Bytes(t.written_bytes)} written, operator by operator"),
        ("activations", _activations(cost)),
        ("coverage", wording.coverage_line(cost.coverage)),
        ("inputs", "; ".join(map(tensor, cost.model.inputs)) or NOTHING),
        ("outputs", "; ".join(map(tensor, cost.model.outputs)) or NOTHING),
    ]


def _flops(t: Totals) -> str:
    other = f"{t.arithmetic:,} other arithmetic + {t.transcendentals:,} exp, erf, sqrt, ..."
    return f"{t.flops:,} = 2 x {t.fmas:,} FMA + {other}"


def _activations(cost: ModelCost) -> str:
    t = cost.totals
    where = f" at node {t.peak_activation_node!r}" if t.peak_activation_node else ""
    return f"{Bytes(t.peak_activation_bytes)} alive at most{where}"


def tensor(spec: TensorSpec) -> str:
    """Show a tensor as `name float [1, 77]`; an unknown shape is `[?]`."""
    shape = "?" if spec.shape is None else ", ".join(map(str, spec.shape))
    return f"{spec.name} {spec.dtype.name.lower()} [{shape}]"


def operator(domain: str, op_type: str) -> str:
    """Show an operator type, with its domain where that is not ONNX's own."""
    return op_type if domain == DEFAULT_DOMAIN else f"{domain}::{op_type}"


def _by_op(cost: ModelCost, top: int | None) -> list[str]:
    unknown = _unknown_types(cost)
    lines = [(group.flops, group.key in unknown) for group in cost.by_op]
    columns = [*_numbers(*OP_TITLES[:-1]), Column(OP_TITLES[-1])]
    return [*table(columns, op_rows(cost)[:top]), *_rest(cost, lines, top, "operator types")]


def op_rows(cost: ModelCost) -> list[tuple[str, ...]]:
    """Return the cells of each operator type, in the order of OP_TITLES; "?" is not counted."""
    unknown, ran = _unknown_types(cost), {_type_of(node) for node in cost.nodes if not node.node.folded}
    return [
        _group_row(group, is_unknown=group.key in unknown, is_folded=group.key not in ran)
        for group in cost.by_op
    ]


def _type_of(cost: NodeCost) -> tuple[str, ...]:
    return cost.node.domain, cost.node.op_type


def _unknown_types(cost: ModelCost) -> set[tuple[str, ...]]:
    return {(u.domain, u.op_type) for u in cost.coverage.unknown}


def _group_row(group: Group, *, is_unknown: bool, is_folded: bool) -> tuple[str, ...]:
    """Return the sums of an operator type; those that some node lacks are not shown as complete."""
    cells = [format_count(group.fmas), format_count(group.flops)]
    cells += [str(Bytes(group.read_bytes)), str(Bytes(group.written_bytes))]
    if is_unknown:
        cells = [f">={cell}" if group.written_bytes else _UNCOUNTED for cell in cells]
    name = operator(*group.key) + (_FOLDED if is_folded else "")
    return (str(group.nodes), *cells, str(Bytes(group.parameter_bytes)), name)


def _by_node(cost: ModelCost, top: int | None) -> list[str]:
    ranked = sorted(cost.nodes, key=lambda n: (-n.flops, -n.runs * (n.read_bytes + n.written_bytes)))
    columns = [*_numbers("FMA", "FLOP", "traffic", "weights"), Column("operator and node")]
    rest = _rest(cost, [(node.flops, _is_unknown(node)) for node in ranked], top, "nodes")
    return [*table(columns, [_node_row(node) for node in ranked[:top]]), *rest]


def _is_unknown(node: NodeCost) -> bool:
    return node.cost is None and bool(node.reason)


def _node_row(cost: NodeCost) -> tuple[str, ...]:
    node = cost.node
    traffic = Bytes(cost.runs * (cost.read_bytes + cost.written_bytes))
    counts = [format_count(cost.fmas), format_count(cost.flops), str(traffic)]
    state = _FOLDED if node.folded else f" (x{cost.runs})" if cost.runs > 1 else ""
    return (
        *([_UNCOUNTED] * len(counts) if _is_unknown(cost) else counts),
        str(Bytes(cost.parameter_bytes)),
        f"{operator(node.domain, node.op_type)}{state} {node.name}",
    )


def _rest(cost: ModelCost, lines: Sequence[tuple[int, bool]], top: int | None, what: str) -> list[str]:
    """Sum up the lines (FLOP, whether unknown) that are not shown."""
    hidden = lines[top:] if top else []
    if not hidden:
        return []
    flops, unknown = sum(line[0] for line in hidden), sum(line[1] for line in hidden)
    share = 100 * flops / cost.totals.flops if cost.totals.flops else 0.0
    lost = f", {unknown} of them not counted" if unknown else ""
    return paragraph(f"{len(hidden)} more {what}{lost}: {Flops(flops)}, {share:.2g} % (--top 0 shows all).")


_TABLES = {"op": _by_op, "node": _by_node}
