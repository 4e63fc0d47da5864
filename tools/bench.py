"""Measure speed as ratios in one run: whole processes on files of 400 MB and more.

    python tools/bench.py [--runs N]

It writes two models with inline random weights into a temporary folder (1.1 GB), times
each command as a whole process in turn (A B C A B C ...), and prints medians, the
ratio to `python -c "import onnx"` in the same run, and peak memory of the process tree.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

ROOT = Path(__file__).resolve().parents[1]
BIG_GRAPHS = (ROOT / "examples" / "sd_text_encoder.onnx", ROOT / "tests" / "corpus" / "vgg16_224.onnx")
BASELINE = "import onnx"
KIB = 1024
ONNX_TOOL = """
import numpy, onnx, onnx_tool
model = onnx_tool.Model({name!r})
inputs = {{}}
for value in onnx.load({name!r}, load_external_data=False).graph.input:
    kind = value.type.tensor_type
    dtype = numpy.int64 if kind.elem_type == 7 else numpy.float32
    inputs[value.name] = numpy.ones([d.dim_value or 1 for d in kind.shape.dim], dtype)
model.graph.shape_infer(inputs)
model.graph.profile()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One whole process: wall seconds, CPU seconds of it and its children, peak resident bytes."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def write_inline_weights(path: Path, target: Path) -> None:
    """Write a copy of a graph whose weights are inside the file, random but seeded."""
    proto = onnx.load(path, load_external_data=False)
    random = np.random.default_rng(0)
    for tensor in proto.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
            nbytes = prod(tensor.dims) * dtype.itemsize
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
            # small positive numbers whatever the type: the values do not matter, NaN might
            tensor.raw_data = random.integers(0, 60, nbytes, np.uint8).tobytes()
    target.write_bytes(proto.SerializeToString())


def run(command: Sequence[str]) -> Run:
    """Run a command to its end and account for it and everything it started."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stderr = child.stderr.read() if child.stderr else b""
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.perf_counter() - start
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{stderr.decode(errors='replace')}")
    child.returncode = 0
    return Run(wall_s=wall_s, cpu_s=usage.ru_utime + usage.ru_stime, peak_bytes=usage.ru_maxrss * KIB)


def commands(model: Path) -> Mapping[str, list[str]]:
    """Return what is compared, by name."""
    python = sys.executable
    feasible = str(Path(python).with_name("feasible"))
    name = str(model)
    return {
        BASELINE: [python, "-c", "import onnx"],
        "feasible --help": [feasible, "--help"],
        "feasible profile": [feasible, "profile", name],
        "feasible check": [feasible, name, "--device", "m1", "--rtt", "150ms"],
        "onnx.load + infer_shapes": [
            python,
            "-c",
            f"import onnx; onnx.shape_inference.infer_shapes(onnx.load({name!r}))",
        ],
        "onnx-tool": [python, "-c", ONNX_TOOL.format(name=name)],
    }


def whole_processes(model: Path, runs: int) -> None:
    """Time every command on one file, in turn, and print the table."""
    compared = commands(model)
    found: dict[str, list[Run]] = {name: [] for name in compared}
    for turn in range(runs + 1):
        for name, command in compared.items():
            result = run(command)
            if turn:  # the first turn warms the file cache
                found[name].append(result)
    base_s = statistics.median(r.wall_s for r in found[BASELINE])
    print(f"\n{model.name}, {model.stat().st_size / 1e6:.0f} MB, weights inline, median of {runs}")
    print(f"{'whole process':28}{'wall s':>9}{'cpu s':>9}{'x import onnx':>15}{'peak MB':>9}")
    for name, results in found.items():
        wall_s = statistics.median(r.wall_s for r in results)
        cpu_s = statistics.median(r.cpu_s for r in results)
        peak = max(r.peak_bytes for r in results) / 1e6
        print(f"{name:28}{wall_s:9.3f}{cpu_s:9.3f}{wall_s / base_s:15.2f}{peak:9.0f}")


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="counted runs of each command")
    parser.add_argument("--write", nargs=2, type=Path, metavar=("GRAPH", "MODEL"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        write_inline_weights(*arguments.write)
        return
    with tempfile.TemporaryDirectory() as folder:
        for graph in BIG_GRAPHS:
            model = Path(folder) / graph.name
            # in a process of its own: what this one has held would count as its children's peak
            subprocess.run([sys.executable, __file__, "--write", str(graph), str(model)], check=True)
            whole_processes(model, arguments.runs)
            model.unlink()


if __name__ == "__main__":
    main()
