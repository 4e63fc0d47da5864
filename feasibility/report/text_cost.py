"""Render the counts of a model as plain text (`feasible profile`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from feasibility.cost import DTypeSum, Group, ModelCost, NodeCost, Totals, group_by
from feasibility.ir import DEFAULT_DOMAIN, TensorSpec
from feasibility.memory import memory_at
from feasibility.report import wording
from feasibility.report.layout import Column, fields, paragraph, table
from feasibility.report.text_module import module_table
from feasibility.report.wording import NOTHING
from feasibility.units import Bytes, Flops, format_count
from feasibility.views.modules import DEFAULT_DEPTH

OP_TITLES = ("nodes", "FMA", "FLOP", "read", "written", "weights", "operator")
NODE_TITLES = ("FMA", "FLOP", "traffic", "weights", "operator and node")
_UNCOUNTED = "?"
_FOLDED = " (folded)"  # a constant by now: nothing is left to run


def _numbers(*titles: str) -> list[Column]:
    return [Column(title, right=True) for title in titles]


def render_cost(
    cost: ModelCost,
    *,
    by: str = "op",
    top: int = 0,
    precision: str | None = None,
    depth: int = DEFAULT_DEPTH,
) -> str:
    """Return totals, coverage and one line per operator type, node or module, costliest first.

    `by` is "op", "node" or "module"; `top` rows are shown and the rest summed in words, 0 shows all.
    `precision` is that of the memory need; as stored where it is None. `depth` is that of the modules.
    """
    lines = [*_lead(cost), "", *fields(_facts(cost, precision)), ""]
    by_module = by == "module"
    lines += module_table(cost, depth=depth, top=top) if by_module else _TABLES[by](cost, top or None)
    return "\n".join(lines) + "\n"


def _lead(cost: ModelCost) -> list[str]:
    said = (
        f"{cost.model.path}: {wording.work(cost.totals, cost.coverage)}. {wording.assumptions(cost.coverage)}"
    )
    notes = wording.notes(cost.coverage, cost.model)
    return [*paragraph(said), *(line for note in notes for line in paragraph(note))]


def _facts(cost: ModelCost, precision: str | None) -> list[tuple[str, str]]:
    t = cost.totals
    return [
        ("FLOP", _flops(t)),
        ("parameters", f"{t.parameters:,}, of them {t.embedding_parameters:,} only looked up (embeddings)"),
        *_types(cost),
        ("download", f"{Bytes(t.download_bytes)} ({t.download_bytes:,} bytes)"),
        ("traffic", f"{Bytes(t.read_bytes)} read, {Bytes(t.written_bytes)} written, operator by operator"),
        ("memory", _memory(cost, precision)),
        ("coverage", wording.coverage_line(cost.coverage)),
        ("inputs", "; ".join(map(tensor, cost.model.inputs)) or NOTHING),
        ("outputs", "; ".join(map(tensor, cost.model.outputs)) or NOTHING),
    ]


def _flops(t: Totals) -> str:
    other = f"{t.arithmetic:,} other arithmetic + {t.transcendentals:,} exp, erf, sqrt, ..."
    return f"{t.flops:,} = 2 x {t.fmas:,} FMA + {other}"


def _types(cost: ModelCost) -> list[tuple[str, str]]:
    """Say what runs in and is stored as each element type, where there is more than one."""
    if len(cost.by_dtype) < 2:  # noqa: PLR2004
        return []
    return [("" if index else "types", _type(found)) for index, found in enumerate(cost.by_dtype)]


def _type(found: DTypeSum) -> str:
    facts = [
        (found.fmas, f"{format_count(found.fmas)} FMA"),
        (found.flops, str(Flops(found.flops))),
        (found.parameters, f"{format_count(found.parameters)} parameters in {Bytes(found.parameter_bytes)}"),
    ]
    return f"{found.dtype.name.lower()}: {', '.join(text for count, text in facts if count)}"


def _memory(cost: ModelCost, precision: str | None) -> str:
    need = memory_at(cost, precision)
    node = cost.totals.peak_activation_node
    where = f" at node {node!r}" if node and precision is None else ""
    how = "as stored" if precision is None else f"at {precision}"
    alive = f"{Bytes(need.activation_bytes)} of activations alive at most{where}"
    return f"{Bytes(need.need_bytes)} {how}: {Bytes(need.weight_bytes)} of weights and {alive}"


def tensor(spec: TensorSpec) -> str:
    """Show a tensor as `name float [1, 77]`; an unknown shape is `[?]`."""
    shape = "?" if spec.shape is None else ", ".join(map(str, spec.shape))
    return f"{spec.name} {spec.dtype.name.lower()} [{shape}]"


def operator(domain: str, op_type: str) -> str:
    """Show an operator type, with its domain where that is not ONNX's own."""
    return op_type if domain == DEFAULT_DOMAIN else f"{domain}::{op_type}"


def _type_of(found: NodeCost) -> tuple[str, ...]:
    return found.node.domain, found.node.op_type


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grouping:
    """How nodes are summed: by which key, and what its groups are called."""

    key: Callable[[NodeCost], tuple[str, ...]]
    title: str
    many: str
    name: Callable[..., str]


_OPS = _Grouping(key=_type_of, title="operator", many="operator types", name=operator)


def _by_group(cost: ModelCost, by: _Grouping, top: int | None) -> list[str]:
    groups, unknown = group_by(cost.nodes, by.key), _keys(cost, by, _is_unknown)
    columns = [*_numbers(*OP_TITLES[:-1]), Column(by.title)]
    lines = [(group.flops, group.key in unknown) for group in groups]
    return [*table(columns, _group_rows(cost, by)[:top]), *_rest(cost, lines, top, by.many)]


def op_rows(cost: ModelCost) -> list[tuple[str, ...]]:
    """Return the cells of each operator type, in the order of OP_TITLES; "?" is not counted."""
    return _group_rows(cost, _OPS)


def _group_rows(cost: ModelCost, by: _Grouping) -> list[tuple[str, ...]]:
    unknown, running = _keys(cost, by, _is_unknown), _keys(cost, by, lambda found: not found.node.folded)
    return [
        (
            *_group_cells(group, is_unknown=group.key in unknown),
            by.name(*group.key) + ("" if group.key in running else _FOLDED),
        )
        for group in group_by(cost.nodes, by.key)
    ]


def _keys(cost: ModelCost, by: _Grouping, test: Callable[[NodeCost], bool]) -> set[tuple[str, ...]]:
    """Return the groups that hold a node of which the test is true."""
    return {by.key(found) for found in cost.nodes if test(found)}


def _group_cells(group: Group, *, is_unknown: bool) -> tuple[str, ...]:
    """Return the sums of a group; those that some node lacks are not shown as complete."""
    cells = [format_count(group.fmas), format_count(group.flops)]
    cells += [str(Bytes(group.read_bytes)), str(Bytes(group.written_bytes))]
    if is_unknown:
        cells = [f">={cell}" if group.written_bytes else _UNCOUNTED for cell in cells]
    return (str(group.nodes), *cells, str(Bytes(group.parameter_bytes)))


def _by_node(cost: ModelCost, top: int | None) -> list[str]:
    columns = [*_numbers(*NODE_TITLES[:-1]), Column(NODE_TITLES[-1])]
    lines = [(node.flops, _is_unknown(node)) for node in _ranked(cost)]
    return [*table(columns, node_rows(cost)[:top]), *_rest(cost, lines, top, "nodes")]


def node_rows(cost: ModelCost) -> list[tuple[str, ...]]:
    """Return the cells of each node, in the order of NODE_TITLES, costliest first."""
    return [_node_row(node) for node in _ranked(cost)]


def _ranked(cost: ModelCost) -> list[NodeCost]:
    return sorted(cost.nodes, key=lambda n: (-n.flops, -n.runs * (n.read_bytes + n.written_bytes)))


def _is_unknown(node: NodeCost) -> bool:
    return node.cost is None and bool(node.reason)


def _node_row(cost: NodeCost) -> tuple[str, ...]:
    node = cost.node
    traffic = Bytes(cost.runs * (cost.read_bytes + cost.written_bytes))
    counts = [format_count(cost.fmas), format_count(cost.flops), str(traffic)]
    state = _FOLDED if node.folded else _runs(cost.runs)
    return (
        *([_UNCOUNTED] * len(counts) if _is_unknown(cost) else counts),
        str(Bytes(cost.parameter_bytes)),
        f"{operator(node.domain, node.op_type)}{state} {node.name}",
    )


def _runs(count: int) -> str:
    """Say how often a node runs, where that is not once."""
    return {0: " (not taken)", 1: ""}.get(count, f" (x{count:,})")


def _rest(cost: ModelCost, lines: Sequence[tuple[int, bool]], top: int | None, what: str) -> list[str]:
    """Sum up the lines (FLOP, whether unknown) that are not shown."""
    hidden = lines[top:] if top else []
    if not hidden:
        return []
    flops, unknown = sum(line[0] for line in hidden), sum(line[1] for line in hidden)
    share = 100 * flops / cost.totals.flops if cost.totals.flops else 0.0
    lost = f", {unknown} of them not counted" if unknown else ""
    return paragraph(f"{len(hidden)} more {what}{lost}: {Flops(flops)}, {share:.2g} % (--top 0 shows all).")


_TABLES: Mapping[str, Callable[[ModelCost, int | None], list[str]]] = {
    "op": lambda cost, top: _by_group(cost, _OPS, top),
    "node": _by_node,
}
