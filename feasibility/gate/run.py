"""Run the gate: read the config, measure, find the baseline, judge; or write the lock file."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from feasibility.gate import lockfile, source
from feasibility.gate.baseline import baseline
from feasibility.gate.judge import judge
from feasibility.gate.measure import Count, measure
from feasibility.gate.records import GateReport


def run(
    config: str | os.PathLike[str] | None, count: Count, *, branch: str | None, today: date
) -> GateReport:
    """Return what the config given, or the closest one, says of its models; `count` reads one."""
    found = source.find(config)
    return judge(found, list(measure(found, count)), baseline(found, branch), today)


def update(config: str | os.PathLike[str] | None, count: Count) -> tuple[Path, int]:
    """Write the lock file beside the config; return its path and how many models it holds."""
    found = source.find(config)
    lock = lockfile.write(found, [model for _, model in measure(found, count)])
    return found.folder / source.LOCK_NAME, len(lock.models)
