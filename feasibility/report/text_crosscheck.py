"""Render second opinions as text (`feasible profile --cross-check` and `--convention`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from feasibility.report.layout import Column, bullets, paragraph, table
from feasibility.report.text_cost import operator
from feasibility.units import format_count

if TYPE_CHECKING:  # nobody who asks for no second opinion should pay for it
    from feasibility.conventions.cross_check import CrossCheck, Row
    from feasibility.conventions.records import ConventionTotal, OpKey

TITLES = ("FMA", "other", "onnx-tool", "more", "operator: why")
_SAME = "same"


def render_cross_check(check: CrossCheck, *, top: int = 0) -> str:
    """Return both totals, a line per operator type (0 shows all), and what to know about them."""
    lines = paragraph(summary(check))
    if check.rows:
        columns = [*(Column(title, right=True) for title in TITLES[:-1]), Column(TITLES[-1])]
        lines += ["", *table(columns, rows(check)[: top or None]), *_rest(check, top)]
    return "\n".join([*lines, *bullets("Notes:", check.notes)]) + "\n"


def summary(check: CrossCheck) -> str:
    """Say in one or two sentences how far onnx-tool's total is from ours."""
    if not check.rows:
        return "No second opinion."
    share = 100 * (check.theirs - check.ours) / check.ours if check.ours else 0.0
    said = (
        f"onnx-tool {check.version} counts {check.theirs:,} instructions (it calls them MACs) where we count "
        f"{check.ours:,} operations, a multiply-add being one: {share:+.1f} %. "
    )
    lost = [operator(row.domain, row.op_type) for row in check.unexplained]
    if not lost:
        return said + "The conventions explain every difference."
    return said + f"The conventions do not explain: {', '.join(lost)}."


def rows(check: CrossCheck) -> list[tuple[str, ...]]:
    """Return the cells of each operator type, in the order of TITLES."""
    return [_cells(row) for row in check.rows]


def _cells(row: Row) -> tuple[str, ...]:
    more = f"{'+' if row.difference > 0 else ''}{_signed(row.difference)}"
    return (
        format_count(row.fmas),
        format_count(row.other),
        format_count(row.theirs),
        more,
        f"{operator(row.domain, row.op_type)}: {row.why or _SAME}",
    )


def _signed(count: int) -> str:
    return f"-{format_count(-count)}" if count < 0 else format_count(count)


def _rest(check: CrossCheck, top: int) -> list[str]:
    hidden = check.rows[top:] if top else ()
    if not hidden:
        return []
    more = sum(row.difference for row in hidden)
    return paragraph(f"{len(hidden)} more operator types: {more:+,} (--top 0 shows all).")


def render_convention(found: ConventionTotal) -> str:
    """Return a tool's total and what to know about it, as text."""
    first, *others = sentences(found)
    lines = [line for text in others for line in paragraph(text, first="  ", indent="  ")]
    return "\n".join([*paragraph(first), *lines]) + "\n"


def sentences(found: ConventionTotal) -> list[str]:
    """Say what a tool would count, and what its convention leaves out or sees otherwise."""
    said = [f"As {found.tool} counts: {found.total:,} {found.unit}."]
    if found.folded_convolutions:
        said.append(_folding(found))
    if found.left_out:
        said.append(f"Multiply-adds that it does not count: {_listed(found.left_out)}.")
    if found.unknown:
        said.append(f"{found.unknown} nodes of unknown size are left out.")
    return [*said, f"Source: {found.source}."]


def _folding(found: ConventionTotal) -> str:
    many = f"{found.folded_convolutions} convolution" + "s" * (found.folded_convolutions > 1)
    where = (
        f"Batch normalisation is folded into {many} (the names of the weights tell)"
        if found.is_folding_certain
        else f"No normalisation in the graph: it is folded into the {many} with a bias, or absent"
    )
    if not found.folded:
        return f"{where}; {found.tool} counts none for it either way."
    much = "" if found.is_folding_certain else "up to "
    return (
        f"{where}; on the network before folding {found.tool} counts {much}{found.folded:,} more, "
        f"{found.unfolded_total:,} in all."
    )


def _listed(counts: Mapping[OpKey, int]) -> str:
    return ", ".join(f"{operator(*key)} {count:,}" for key, count in counts.items())
