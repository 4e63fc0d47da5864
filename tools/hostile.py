"""Measure what `feasible profile` takes for every hostile structure of the tests.

    python -m tools.hostile

Prints seconds and peak memory of the slowest and the largest, and every structure that takes more than
10 s or 512 MB, or ends with another exit code than 0 (an exact answer) or 2 (a sentence).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.loader.structures import structures

MOST_S, MOST_BYTES = 10.0, 512_000_000
KIB = 1024


class Taken(NamedTuple):
    """What one structure took."""

    seconds: float
    peak_bytes: int
    exit_code: int
    name: str


def measure(name: str, file: Path) -> Taken:
    """Run the command on a file; the peak is that of its largest process."""
    feasible = Path(sys.executable).with_name("feasible")
    start = time.perf_counter()
    child = subprocess.Popen(
        [feasible, "profile", file, "--top", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Taken(time.perf_counter() - start, usage.ru_maxrss * KIB, child.returncode, name)


def main() -> None:
    """Run everything."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "hostile.onnx"
        for structure in structures():
            file.write_bytes(structure.data)
            found.append(measure(structure.name, file))
    slowest, largest = max(found), max(found, key=lambda taken: taken.peak_bytes)
    print(f"{len(found)} structures")
    print(f"slowest  {slowest.seconds:6.2f} s   {slowest.name}")
    print(f"largest  {largest.peak_bytes / 1e6:6.0f} MB  {largest.name}")
    for taken in found:
        if taken.seconds > MOST_S or taken.peak_bytes > MOST_BYTES or taken.exit_code not in {0, 2}:
            print(f"missed: {taken}")


if __name__ == "__main__":
    main()
