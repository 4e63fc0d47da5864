"""Calibrate this machine, and tell how well its profile predicts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from feasibility.calibration import written
from feasibility.calibration.accuracy import Accuracy, compared
from feasibility.calibration.measure import VERSION
from feasibility.calibration.run import Progress, calibrate, subject
from feasibility.calibration.written import Origin
from feasibility.cost import ModelCost
from feasibility.errors import UsageError
from feasibility.folders import user_folder
from feasibility.profiles import catalog, here
from feasibility.profiles.models import DeviceProfile

RUNTIME = written.RUNTIME
DEFAULT_BUDGET_S = 75.0  # of timing; drawing and counting the graphs comes on top
LEAST_BUDGET_S = 5.0


def default_path() -> Path:
    """Return where `--device my-machine` and `--device auto` look for it."""
    home = user_folder()
    if home is None:
        raise UsageError(
            "no home folder is known to keep the profile in", hint="name a file: -o my-machine.yaml"
        )
    return home / "hardware_profiles" / f"{catalog.MY_MACHINE}.yaml"


def calibrate_here(
    path: Path | None, *, anchors: Sequence[str], budget_s: float, progress: Progress
) -> DeviceProfile:
    """Time this machine and write its profile; return it as read back from the file."""
    if budget_s < LEAST_BUDGET_S:
        msg = f"{budget_s:g} s are too short to time anything"
        raise UsageError(msg, hint=f"give at least {LEAST_BUDGET_S:g} s")
    target = default_path() if path is None else path
    written.check_target(target)
    fitted = list(calibrate(_threads(), anchors=anchors, budget_s=budget_s, progress=progress))
    origin = Origin(
        machine=here.this_machine(),
        day=datetime.now(UTC).date(),
        versions=f"ONNX Runtime {VERSION}",
        anchors=len(anchors),
    )
    return written.write(target, fitted, origin)


def accuracy_here(
    costs: Sequence[ModelCost], device: DeviceProfile, unit: str, *, seconds_each: float, progress: Progress
) -> Accuracy:
    """Run models on this machine beside what the profile predicts for one of its units."""
    found = device.units[unit]
    threads = found.threads or _threads()
    rows = compared(
        [subject(cost.model.path, cost) for cost in costs],
        found,
        catalog.runtime(RUNTIME),
        threads=threads,
        seconds_each=seconds_each,
        progress=progress,
    )
    return Accuracy(
        device=device.id, machine=device.name, unit=unit, runtime=RUNTIME, threads=threads, models=rows
    )


def _threads() -> int:
    """Return how many processors this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return len(allowed(0)) if allowed else os.cpu_count() or 1
