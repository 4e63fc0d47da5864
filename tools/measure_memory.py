"""Measure what running a model in ONNX Runtime adds to memory, against the peak that the walk predicts.

    pip install -e '.[measure]'
    python -m tools.measure_memory [--optimise]

For each example graph: random weights, a fresh process (Linux), the session's arena, patterns and
prepacked copies of weights switched off, one thread, the graph as it stands (or optimised). Of its
second run: the highest resident size above that before the run. The inputs stand there already, so
they are taken off the prediction. glibc is told to give memory back at once: it would keep what is
freed, and the peak would be that of its own habits.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime as ort

import feasibility as fe
from feasibility.loader.runnable import Array
from tests.runs.random_weights import feeds_of, fill, stored

RUNS = 3
KIB = 1024
MEGA = 1e6
# graphs, with sizes at which activations take some megabytes
MODELS: Mapping[str, Mapping[str, int]] = {
    "tests/corpus/resnet18_224": {},
    "tests/corpus/resnet50": {},
    "tests/corpus/mobilenet_v2": {},
    "tests/corpus/efficientnet_b0_224": {},
    "tests/corpus/regnety_004_224": {},
    "tests/corpus/densenet121_224": {},
    "tests/corpus/convnext_tiny_224": {},
    "tests/corpus/vgg16_224": {},
    "tests/corpus/vit_base_patch16_224_224": {},
    "tests/corpus/swin_tiny_patch4_window7_224_224": {},
    "tests/corpus/whisper_tiny_encoder": {},
    "tests/corpus/xtremedistil_l6_h256": {"batch": 4, "sequence": 256},
    "examples/sd_text_encoder": {},
}
GIVEN_BACK = {
    "MALLOC_MMAP_THRESHOLD_": "32768",
    "MALLOC_TRIM_THRESHOLD_": "0",
    "MALLOC_TOP_PAD_": "0",
    "MALLOC_ARENA_MAX": "1",
}


class Measured(NamedTuple):
    """What was predicted and what a run took, in bytes."""

    name: str
    predicted: int
    grown: int

    @property
    def error(self) -> float:
        """Return by which share the run differs from the prediction."""
        return self.grown / self.predicted - 1


def measure(name: str, dims: Mapping[str, int], *, optimise: bool) -> Measured:
    """Run a model in a process of its own."""
    cost = fe.profile(f"{name}.onnx", dims=dims)
    feeds = feeds_of(cost.model.inputs)
    proto = stored(name)
    fill(proto.graph.initializer)
    with tempfile.TemporaryDirectory() as folder:
        model, inputs = Path(folder) / "model.onnx", Path(folder) / "inputs.npz"
        onnx.save(proto, model)
        np.savez(inputs, **feeds)  # type: ignore[arg-type]  # numpy's stub takes its own flag for a name
        command = [sys.executable, "-m", "tools.measure_memory", "--run", str(model), str(inputs)]
        command += ["--optimise"] if optimise else []
        said = subprocess.run(command, check=True, capture_output=True, env=os.environ | GIVEN_BACK).stdout
    fed = sum(array.nbytes for array in feeds.values())
    return Measured(name, cost.totals.peak_activation_bytes - fed, json.loads(said)[1])


def run(model: str, inputs: str, *, optimise: bool) -> list[int]:
    """Return how far each of some runs raises the resident size of this process."""
    options = ort.SessionOptions()
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.disable_prepacking", "1")
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimise else level.ORT_DISABLE_ALL
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    with np.load(inputs) as found:
        feeds = {name: np.array(found[name]) for name in found.files}
    return [_growth(session, feeds) for _ in range(RUNS)]


def _growth(session: ort.InferenceSession, feeds: Mapping[str, Array]) -> int:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what earlier runs freed is nobody's
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    before = _resident("VmRSS")
    outputs = session.run(None, dict(feeds))
    peak = _resident("VmHWM")
    del outputs
    return peak - before


def _resident(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return KIB * next(int(line.split()[1]) for line in lines if line.startswith(field))


def main() -> None:
    """Measure every model, or run one in this process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--optimise", action="store_true", help="let ONNX Runtime optimise the graph first")
    parser.add_argument("--run", nargs=2, metavar=("MODEL", "INPUTS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(json.dumps(run(*arguments.run, optimise=arguments.optimise)))
        return
    found = [measure(name, dims, optimise=arguments.optimise) for name, dims in MODELS.items()]
    print(f"{'model':50}{'predicted':>12}{'measured':>12}{'error':>9}")
    for each in found:
        numbers = f"{each.predicted / MEGA:9.2f} MB{each.grown / MEGA:9.2f} MB{each.error:+9.0%}"
        print(f"{Path(each.name).name:50}{numbers}")
    print(f"median of the errors' sizes: {statistics.median(abs(each.error) for each in found):.0%}")


if __name__ == "__main__":
    main()
