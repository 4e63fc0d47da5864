"""Calibrate this machine and try predictions on it, with a bar for people who wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from feasibility import api
from feasibility.cli import answers, progress
from feasibility.cli.options import PlainFormat
from feasibility.cli.output import put_text
from feasibility.units import Seconds

if TYPE_CHECKING:
    from feasibility.loader.isolate import Worker

_MEASURED = "my-machine"


def calibrate(out: str | None, models: Sequence[str], limit: str | None) -> None:
    """Write the profile of this machine and say how to use it."""
    seconds = None if limit is None else Seconds.parse(limit).value
    with progress.bar("measuring this machine") as tell:
        device = api.calibrate(out, models=models, seconds=seconds, progress=tell)
    unit = device.units[device.default_unit]
    rates = ", ".join(f"{fact.value} {name}" for name, fact in unit.peaks.items())
    place = device.origin if out else f"the user's folder as {_MEASURED}"
    put_text(
        f"{device.name}: {rates}, {unit.bandwidth.value}; written to {place}\n"
        f"use it with: feasible MODEL --device {out or _MEASURED}\n"
        f"try it with: feasible accuracy --device {out or _MEASURED} MODEL...\n"
    )


def accuracy(
    models: Sequence[str], device: str, each: str | None, form: PlainFormat, worker: Worker | None
) -> None:
    """Write predicted and measured times side by side."""
    seconds = 1.0 if each is None else Seconds.parse(each).value
    costs = answers.read_all(models, answers.Sizes(), worker)
    with progress.bar("running models") as tell:
        found = api.accuracy(costs, device, seconds_each=seconds, progress=tell)
    from feasibility.report import csv, json, text_accuracy

    views: dict[PlainFormat, Callable[[], str]] = {
        PlainFormat.TEXT: lambda: text_accuracy.render(found),
        PlainFormat.JSON: lambda: json.dumps(found.to_dict()),
        PlainFormat.CSV: lambda: csv.render_accuracy(found),
    }
    put_text(views[form]())
