"""Calibrate this machine and try predictions on it, with a bar for people who wait."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from feasibility import api
from feasibility.cli import answers
from feasibility.cli.options import PlainFormat
from feasibility.cli.output import put_text, talk
from feasibility.units import Seconds

if TYPE_CHECKING:
    from feasibility.loader.isolate import Worker

_STEPS = 1000
_MEASURED = "my-machine"


def calibrate(out: str | None, models: Sequence[str], limit: str | None) -> None:
    """Write the profile of this machine and say how to use it."""
    seconds = None if limit is None else Seconds.parse(limit).value
    with _bar("measuring") as progress:
        device = api.calibrate(out, models=models, seconds=seconds, progress=progress)
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
    costs = [answers.read(path, answers.Sizes(), worker) for path in answers.once(models)]
    with _bar("running") as progress:
        found = api.accuracy(costs, device, seconds_each=seconds, progress=progress)
    from feasibility.report import csv, json, text_accuracy

    views: dict[PlainFormat, Callable[[], str]] = {
        PlainFormat.TEXT: lambda: text_accuracy.render(found),
        PlainFormat.JSON: lambda: json.dumps(found.to_dict()),
        PlainFormat.CSV: lambda: csv.render_accuracy(found),
    }
    put_text(views[form]())


@contextmanager
def _bar(label: str) -> Iterator[Callable[[float], None]]:
    """Show a bar on standard error where a person watches it, else one line."""
    if sys.stderr is None or not sys.stderr.isatty():
        talk(f"{label} ...")
        yield lambda _: None
        return
    with typer.progressbar(length=_STEPS, label=label, file=sys.stderr) as bar:
        yield lambda share: bar.update(max(0, round(_STEPS * share) - bar.pos))
