"""Measure this machine, and run models beside what was predicted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from feasibility.api.counts import NO_FILE, Source, counted
from feasibility.cost import ModelCost
from feasibility.errors import UsageError

if TYPE_CHECKING:
    from feasibility.calibration.accuracy import Accuracy
    from feasibility.profiles.models import DeviceProfile


def calibrate(
    path: str | PathLike[str] | None = None,
    *,
    models: Sequence[str] = (),
    seconds: float | None = None,
    progress: Callable[[float], None] | None = None,
) -> DeviceProfile:
    """Measure this machine with ONNX Runtime and write its profile, `my-machine` of the user's folder.

    It times some 45 generated graphs in turns, with all threads and with one, as floats and as
    int8, in about `seconds` (75), and `models` (files) as well; `progress` is told the share that is done.
    Needs `pip install 'feasible[measure]'`. Raise MeasureError for what cannot be run.
    """
    with _measuring():
        from feasibility.calibration import machine
    return machine.calibrate_here(
        None if path is None else Path(path),
        anchors=models,
        budget_s=machine.DEFAULT_BUDGET_S if seconds is None else seconds,
        progress=progress or _silent,
    )


def accuracy(
    models: Sequence[ModelCost | Source],
    device: str | DeviceProfile = "my-machine",
    *,
    seconds_each: float = 1.0,
    progress: Callable[[float], None] | None = None,
) -> Accuracy:
    """Run models on this machine with random weights, beside what a device's profile predicts.

    A device is an id, "id/unit" or a profile, whose CPU this machine's is. Raise UsageError for
    models that did not come from a file, MeasureError for one that cannot be run.
    """
    with _measuring():
        from feasibility.calibration import machine
    from feasibility.decide.scenario import place

    costs = [counted(model, None, None) for model in models]
    for cost in costs:
        if cost.model.path in NO_FILE:
            msg = f"a run reads the model file again, and {cost.model.path!r} is none"
            raise UsageError(msg, hint="write the model to a file and name that")
    found = place(device, machine.RUNTIME, None)
    return machine.accuracy_here(
        costs, found.device, found.unit, seconds_each=seconds_each, progress=progress or _silent
    )


@contextmanager
def _measuring() -> Iterator[None]:
    """Turn a missing ONNX Runtime into UsageError."""
    try:
        yield
    except ImportError as error:
        if error.name != "onnxruntime":
            raise
        msg = "ONNX Runtime, which measures, is not installed"
        raise UsageError(msg, hint="pip install 'feasible[measure]'") from None


def _silent(_: float) -> None:
    """Tell nobody."""
