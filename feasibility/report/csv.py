"""Render counts as CSV: one header, exact integers, names that a spreadsheet takes as text.

Columns are called as the keys of the JSON, with the unit in the name. What is not
counted is an empty cell.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from feasibility.cost import Group, ModelCost, NodeCost
from feasibility.memory import memory_at
from feasibility.report.escape import spreadsheet
from feasibility.views.diff import Diff
from feasibility.views.modules import DEFAULT_DEPTH, Module, costliest, is_unknown, modules
from feasibility.views.vary import size_of

if TYPE_CHECKING:  # it imports pydantic, which counting does without
    from feasibility.calibration.accuracy import Accuracy

_Cell: TypeAlias = str | int | None
_SUMS = ("fmas", "arithmetic", "transcendentals", "flops", "read_bytes", "written_bytes", "parameter_bytes")
_OP_COLUMNS = ("domain", "op_type", "nodes", "unknown_nodes", *_SUMS)
_MODULE_COLUMNS = ("module", "level", "nodes", "unknown_nodes", *_SUMS)
_NODE_COLUMNS = ("name", "domain", "op_type", "runs", "role", "dtype", *_SUMS, "live_bytes")
_VARY_COLUMNS = (
    "fmas", "arithmetic", "transcendentals", "flops", "parameters", "parameter_bytes",
    "read_bytes", "written_bytes", "peak_activation_bytes",
)  # fmt: skip
_TIMING_COLUMNS = (  # as tools/fit_runtimes.py reads them
    "source", "model", "precision", "batch", "device", "unit", "runtime", "metric", "value", "predicted_ms",
)  # fmt: skip
_DIFF_COUNTS = ("nodes", *_SUMS)
_DIFF_COLUMNS = ("by", "name", *(f"{side}_{count}" for side in ("old", "new") for count in _DIFF_COUNTS))


def render_cost(cost: ModelCost, *, by: str = "op", top: int = 0, depth: int = DEFAULT_DEPTH) -> str:
    """Return one row per operator type, node or module, costliest first; nodes in the order they run."""
    return _TABLES[by](cost, top, depth)


def render_vary(dimension: str, costs: Iterable[ModelCost], *, precision: str | None = None) -> str:
    """Return one row per size of a dimension."""
    titles = (dimension, *_VARY_COLUMNS, "memory_bytes", "unknown_nodes")
    return _table(titles, (_vary_row(dimension, cost, precision) for cost in costs))


def render_diff(found: Diff, *, top: int = 0) -> str:
    """Return one row per module, and then per operator type, that changed."""
    modules = [("module", "/".join(change.key), change) for change in found.modules[: top or None]]
    ops = [("op", "::".join(change.key), change) for change in found.ops[: top or None]]
    rows = [(by, name, *_side(change.old), *_side(change.new)) for by, name, change in (*modules, *ops)]
    return _table(_DIFF_COLUMNS, rows)


def render_accuracy(found: Accuracy) -> str:
    """Return one row per model that was run, in milliseconds."""
    unit = "cpu-1t" if found.threads == 1 else "cpu-mt"
    rows = (
        (
            *("accuracy", Path(each.model).stem, each.precision, "1", found.machine, unit, found.runtime),
            *("latency_ms", f"{1e3 * each.measured_s:.6g}", f"{1e3 * each.predicted.typical.value:.6g}"),
        )
        for each in found.models
    )
    return _table(_TIMING_COLUMNS, rows)


def _table(titles: Sequence[str], rows: Iterable[Sequence[_Cell]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in (titles, *rows):
        writer.writerow([spreadsheet(cell) if isinstance(cell, str) else cell for cell in row])
    return out.getvalue()


def _by_op(cost: ModelCost, top: int, _: int) -> str:
    unknown = Counter((u.domain, u.op_type) for u in cost.coverage.unknown)
    groups = cost.by_op()[: top or None]
    return _table(_OP_COLUMNS, ((*g.key, g.nodes, unknown[g.key[0], g.key[1]], *_sums(g)) for g in groups))


def _by_module(cost: ModelCost, top: int, depth: int) -> str:
    shown = costliest(modules(cost, depth), top)
    return _table(_MODULE_COLUMNS, map(_module_row, shown))


def _module_row(found: Module) -> tuple[_Cell, ...]:
    return "/".join(found.path), found.level, found.sums.nodes, found.unknown, *_sums(found.sums)


def _by_node(cost: ModelCost, top: int, _: int) -> str:
    costly = sorted(cost.nodes, key=lambda n: (-n.flops, -n.runs * (n.read_bytes + n.written_bytes)))
    kept = set(map(id, costly[: top or None]))
    return _table(_NODE_COLUMNS, [_node_row(node) for node in cost.nodes if id(node) in kept])


def _node_row(found: NodeCost) -> tuple[_Cell, ...]:
    node, cost = found.node, found.cost
    counts: tuple[int | None, ...] = (
        found.fmas,
        found.arithmetic,
        found.transcendentals,
        found.flops,
        found.runs * found.read_bytes,
        found.runs * found.written_bytes,
    )
    return (
        *(node.name, node.domain, node.op_type, found.runs),
        cost.role if cost else None,
        cost.dtype.name.lower() if cost else None,
        *((None,) * len(counts) if is_unknown(found) else counts),
        *(found.parameter_bytes, found.live_bytes),
    )


def _vary_row(dimension: str, cost: ModelCost, precision: str | None) -> tuple[_Cell, ...]:
    totals = [getattr(cost.totals, column) for column in _VARY_COLUMNS]
    need = memory_at(cost, precision).need_bytes
    return size_of(cost, dimension), *totals, need, len(cost.coverage.unknown)


def _sums(group: Group) -> list[int]:
    return [getattr(group, count) for count in _SUMS]


def _side(group: Group | None) -> list[int | None]:
    return [None if group is None else getattr(group, count) for count in _DIFF_COUNTS]


_TABLES: Mapping[str, Callable[[ModelCost, int, int], str]] = {
    "op": _by_op,
    "node": _by_node,
    "module": _by_module,
}
