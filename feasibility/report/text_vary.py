"""Render the counts of a model over a dimension (`feasible profile --vary`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from feasibility.cost import ModelCost
from feasibility.memory import memory_at
from feasibility.report import wording
from feasibility.report.layout import Column, paragraph, table
from feasibility.units import Bytes, format_count
from feasibility.views.vary import size_of

_Cell = Callable[[ModelCost], str]


def render_vary(dimension: str, costs: Sequence[ModelCost], *, precision: str | None = None) -> str:
    """Return one line per size of the dimension: work, traffic, memory; parameters where they change."""
    lines = [line for said in sentences(dimension, costs, precision) for line in paragraph(said)]
    rows = vary_rows(dimension, costs, precision)
    columns = [Column(title, right=True) for title in _aligned(rows)[0]]
    return "\n".join([*lines, "", *table(columns, _aligned(rows)[1:])]) + "\n"


def sentences(dimension: str, costs: Sequence[ModelCost], precision: str | None = None) -> Iterator[str]:
    """Say what varies, what stays, what was assumed for all sizes, and what is not counted."""
    first, values = costs[0], [format(size_of(cost, dimension), ",") for cost in costs]
    span = values[0] if len(values) == 1 else f"{values[0]} to {values[-1]}, {len(values)} values"
    stays = "" if _parameters_change(costs) else f" Parameters: {_parameters(first)}, at every size."
    yield f"{first.model.path}: {dimension} = {span}.{stays}"
    how = "as stored" if precision is None else f"at {precision}"
    yield f"Moved is read and written; memory is the weights {how} and the most activations alive at once."
    yield from filter(None, [_assumed(costs), *_notes(dimension, costs)])


def vary_rows(
    dimension: str, costs: Sequence[ModelCost], precision: str | None = None
) -> list[tuple[str, ...]]:
    """Return the titles, and the cells of each size under them."""
    columns: dict[str, _Cell] = {
        "FMA": lambda cost: format_count(cost.totals.fmas),
        "FLOP": lambda cost: format_count(cost.totals.flops),
        "FLOP in full": lambda cost: format(cost.totals.flops, ","),
        "moved": lambda cost: str(Bytes(cost.totals.read_bytes + cost.totals.written_bytes)),
        "activations": lambda cost: str(Bytes(memory_at(cost, precision).activation_bytes)),
        "memory": lambda cost: str(Bytes(memory_at(cost, precision).need_bytes)),
    }
    if _parameters_change(costs):
        columns["parameters"] = lambda cost: format_count(cost.totals.parameters)
    cells = [tuple(_least(cost) + cell(cost) for cell in columns.values()) for cost in costs]
    values = [format(size_of(cost, dimension), ",") for cost in costs]
    return [(dimension, *columns), *((value, *row) for value, row in zip(values, cells, strict=True))]


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Pad the last column to the right edge: a table leaves it as it is."""
    width = max(len(row[-1]) for row in rows)
    return [(*row[:-1], row[-1].rjust(width)) for row in rows]


def _least(cost: ModelCost) -> str:
    return ">=" if cost.coverage.unknown else ""


def _parameters_change(costs: Sequence[ModelCost]) -> bool:
    return len({cost.totals.parameters for cost in costs}) > 1


def _parameters(cost: ModelCost) -> str:
    return f"{format_count(cost.totals.parameters)} ({Bytes(cost.totals.parameter_bytes)} as stored)"


def _assumed(costs: Sequence[ModelCost]) -> str:
    """Return what was assumed for every size alike, as one sentence, or nothing."""
    shared = set.intersection(*(set(cost.coverage.assumed) for cost in costs))
    assumed = tuple(said for said in costs[0].coverage.assumed if said in shared)
    return wording.assumptions(replace(costs[0].coverage, assumed=assumed))


def _notes(dimension: str, costs: Sequence[ModelCost]) -> Iterator[str]:
    """Say what must be known of the sizes, and of which ones where not of all."""
    said: dict[str, list[str]] = {}
    for cost in costs:
        for note in wording.notes(cost.coverage, cost.model):
            said.setdefault(note, []).append(format(size_of(cost, dimension), ","))
    for note, values in said.items():
        yield note if len(values) == len(costs) else f"With {dimension} = {'; '.join(values)}: {note}"
