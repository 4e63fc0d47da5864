"""Render what fits into a deadline as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feasibility.report.layout import Column, paragraph, table
from feasibility.units import format_count

if TYPE_CHECKING:  # the records import pydantic
    from feasibility.decide.limits import Fit, Limits

_NONE = "none"


def render(found: Limits) -> str:
    """Return a line per kind of network, then the weights that fit."""
    title = (
        f"What {found.device} {found.unit} runs in {found.deadline} with {found.runtime}, {found.precision}: "
        "networks grown in proportion, load and download apart."
    )
    columns = [
        Column("like"),
        Column("surely", right=True),
        Column("probably", right=True),
        Column("hardly", right=True),
        Column("bound by"),
    ]
    widths = ", ".join(f"{format_count(count)} as {name}" for name, count in found.parameters.items())
    weights = f"{found.weight_bytes} of weights ({found.limited_by}): {widths} parameters."
    body = table(columns, [_row(fit) for fit in found.fits])
    notes = ["", *paragraph(" ".join(found.notes))] if found.notes else []
    return "\n".join([*paragraph(title), *notes, "", *body, "", *paragraph(weights)]) + "\n"


def render_short(found: Limits) -> str:
    """Return one line: what probably fits of each kind of network, the weights, and what was replaced."""
    fits = ", ".join(f"{fit.kind} {_fmas(fit.probably)}" for fit in found.fits)
    where = f"{found.device} {found.unit}, {found.runtime}, {found.precision}"
    said = f"{where}: in {found.deadline} probably {fits}; {found.weight_bytes} of weights."
    return " ".join([said, *found.notes])


def _row(fit: Fit) -> tuple[str, ...]:
    return fit.kind, _fmas(fit.surely), _fmas(fit.probably), _fmas(fit.hardly), fit.bound


def _fmas(count: float | None) -> str:
    return _NONE if count is None else f"{format_count(int(count))} FMA"
