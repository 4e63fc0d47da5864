"""Render how predicted and measured times compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feasibility.report.layout import Column, fields, paragraph, table
from feasibility.units import Seconds

if TYPE_CHECKING:
    from feasibility.calibration.accuracy import Accuracy, Compared

_COLUMNS = (
    Column("measured", right=True),
    Column("predicted", right=True),
    Column("low", right=True),
    Column("high", right=True),
    Column("ratio", right=True),
    Column("inside"),
    Column("model"),
)


def render(found: Accuracy) -> str:
    """Return one line per model, the worst last, and the errors of all together."""
    rows = [_row(each) for each in sorted(found.models, key=lambda each: (each.error, each.model))]
    where = (
        f"{found.device}/{found.unit}, {found.runtime}, {found.threads} thread{'s' * (found.threads != 1)}"
    )
    count = len(found.models)
    totals = [
        ("median error", _percent(found.median_error)),
        ("p90 error", _percent(found.p90_error)),
        ("within 2x", _percent(found.within_twice)),
        ("ratio", f"{found.mean_ratio:.3g} (geometric mean of predicted / measured)"),
        ("intervals", f"hold {_percent(found.coverage)} of the measured times (80 % are meant)"),
    ]
    head = paragraph(f"{count} model{'s' * (count != 1)} with random weights on {where}")
    return "\n".join([*head, "", *table(list(_COLUMNS), rows), "", *fields(totals)]) + "\n"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _row(each: Compared) -> tuple[str, ...]:
    interval = each.predicted
    return (
        str(Seconds(each.measured_s)),
        str(interval.typical),
        str(interval.low),
        str(interval.high),
        f"{each.ratio:.2f}",
        "yes" if each.inside else "no",
        each.model,
    )
