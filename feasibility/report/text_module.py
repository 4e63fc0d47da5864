"""Render the tree of modules as a table (`feasible profile --by module`)."""

from __future__ import annotations

from collections.abc import Sequence

from feasibility.cost import ModelCost
from feasibility.report.escape import printable
from feasibility.report.layout import Column, paragraph, table
from feasibility.report.wording import NOTHING
from feasibility.units import Bytes, Flops, format_count
from feasibility.views.modules import Module, costliest, modules

TITLES = ("nodes", "FMA", "FLOP", "share", "moved", "weights", "module")
WHOLE = "(whole graph)"
_NO_MODULES = "The names of the nodes tell no modules; --by op and --by node say more."
UNCOUNTED = "?"
_INDENT = "  "


def module_table(cost: ModelCost, *, depth: int, top: int = 0) -> list[str]:
    """Return one line per module, children indented under their parent, and how many are left out."""
    found = modules(cost, depth)
    shown = costliest(found, top)
    columns = [*(Column(title, right=True) for title in TITLES[:-1]), Column(TITLES[-1])]
    lines = table(columns, [(*_cells(module, cost), _indented(module)) for module in shown])
    if len(found) == 1:
        return [*lines, *paragraph(_NO_MODULES)]
    hidden = len(found) - len(shown)
    many = "module" if hidden == 1 else "modules"
    return lines + (paragraph(f"{hidden} more {many} (--top 0 shows all).") if hidden else [])


def module_line(found: Module) -> str:
    """Return one line about a module; what is not counted is said."""
    sums = found.sums
    nodes = f"{sums.nodes} nodes" + (f" ({found.unknown} not counted)" if found.unknown else "")
    work = f"{format_count(sums.fmas)} FMA, {Flops(sums.flops)}, {Bytes(sums.parameter_bytes)} of weights"
    return printable(f"{path_text(found.path)}: {nodes}, {work}")


def module_rows(cost: ModelCost, *, depth: int, top: int = 0) -> list[tuple[str, ...]]:
    """Return the cells of each module, in the order of TITLES, its path in full."""
    shown = costliest(modules(cost, depth), top)
    return [(*_cells(module, cost), path_text(module.path)) for module in shown]


def path_text(path: Sequence[str]) -> str:
    """Show the path of a module; the one without a path is the whole graph."""
    return "/".join(path) or WHOLE


def _indented(module: Module) -> str:
    """Show the scopes below the parent's, under it."""
    own = module.path[-1:] if module.level > 1 else module.path
    return _INDENT * module.level + path_text(own)


def _cells(module: Module, cost: ModelCost) -> tuple[str, ...]:
    sums = module.sums
    moved = sums.read_bytes + sums.written_bytes
    counts = [format_count(sums.fmas), format_count(sums.flops), str(Bytes(moved))]
    if module.unknown:
        counts = [f">={cell}" if sums.flops or moved else UNCOUNTED for cell in counts]
    share = _share(sums.flops, cost.totals.flops)
    return (str(sums.nodes), *counts[:2], share, *counts[2:], str(Bytes(sums.parameter_bytes)))


def _share(flops: int, total: int) -> str:
    return f"{100 * flops / total:.1f} %" if total else NOTHING
