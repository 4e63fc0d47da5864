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
    return "\n".join([*paragraph(title), "", *body, "", *paragraph(weights)]) + "\n"


def _row(fit: Fit) -> tuple[str, ...]:
    surely, probably, hardly = (
        _NONE if fmas is None else f"{format_count(int(fmas))} FMA"
        for fmas in (fit.surely, fit.probably, fit.hardly)
    )
    return fit.kind, surely, probably, hardly, fit.bound
