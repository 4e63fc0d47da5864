"""Hold the models of a repository to budgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from feasibility.api.counts import profile
from feasibility.cost import ModelCost
from feasibility.inputs import Inputs

if TYPE_CHECKING:
    from feasibility.gate.records import GateReport
    from feasibility.loader.isolate import Worker


def gate(
    config: str | PathLike[str] | None = None,
    *,
    base: str | None = None,
    today: date | None = None,
    isolated: bool | Worker = False,
) -> GateReport:
    """Judge models against the budgets of a config file.

    Left out, that is the closest feasible.yaml or pyproject.toml. `base` is the branch that
    growth is counted from, `today` the day that waivers are held against.
    Raise UsageError where there is no config, ProfileError with all its problems.
    """
    from feasibility.gate.run import run

    return run(config, _counter(isolated), branch=base, today=today or date.today())  # noqa: DTZ011 (waivers end where people are)


def update_lock(
    config: str | PathLike[str] | None = None, *, isolated: bool | Worker = False
) -> tuple[Path, int]:
    """Write what the models of a config measure to feasible.lock.json; return its path and their number."""
    from feasibility.gate.run import update

    return update(config, _counter(isolated))


def _counter(isolated: bool | Worker) -> Callable[[str, Mapping[str, int], Inputs], ModelCost]:  # noqa: FBT001 (as above)
    """Return what counts the models of a gate."""
    return lambda path, dims, inputs: profile(path, dims=dims, inputs=inputs, isolated=isolated)
