"""Write the timings that ncnn's README has of one more model, for devices that a timings file holds.

    python tools/ncnn_timings.py README.md TIMINGS.csv MODEL > MORE.csv

README.md is benchmark/README.md of github.com/Tencent/ncnn. Its headings name devices in ways of their
own; a block of it is taken for the device that has the same averages of at least four other models.
A device whose name stands for several machines or runs is left out.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

LINE = re.compile(r"\s*(?P<model>[\w.-]+)\s+min =\s*[\d.]+\s+max =\s*[\d.]+\s+avg =\s*(?P<avg>[\d.]+)")
ENOUGH = 4  # equal averages, to a hundredth of a millisecond, that tell a device
CLOSE_MS = 0.006
DEVICE = ("device", "chip", "unit", "runtime")

Averages = Mapping[str, float]  # milliseconds by model


def blocks(text: str) -> Iterator[Averages]:
    """Yield the averages of each run of benchncnn in the README."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        if match := LINE.match(line):
            found[match["model"]] = float(match["avg"])
        elif found:
            yield found
            found = {}
    if found:
        yield found


def more(readme: str, rows: Sequence[Mapping[str, str]], model: str) -> Iterator[dict[str, str]]:
    """Yield a row of the model for each device that a block can be told to be of."""
    runs = [block for block in blocks(readme) if model in block]
    by_device: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in rows:
        by_device.setdefault(tuple(row[name] for name in DEVICE), []).append(row)
    for mine in by_device.values():
        if len({row["model"] for row in mine}) < len(mine):
            continue
        run = max(runs, key=lambda each: _equal(each, mine), default={})
        if _equal(run, mine) >= ENOUGH:
            yield {**mine[0], "model": model, "params": "", "gmacs": "", "note": "", "value": str(run[model])}


def _equal(run: Averages, rows: Sequence[Mapping[str, str]]) -> int:
    return sum(abs(run.get(row["model"], -1.0) - float(row["value"])) < CLOSE_MS for row in rows)


def main(readme: str, timings: str, model: str) -> None:
    """Write the rows as CSV."""
    with Path(timings).open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["source"] == "ncnn"]
    out = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]))
    out.writeheader()
    out.writerows(more(Path(readme).read_text(encoding="utf-8"), rows, model))


if __name__ == "__main__":
    main(*sys.argv[1:])
