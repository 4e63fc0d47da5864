"""Time models in ONNX Runtime Web (WASM, headless Chromium) and, in turn, in ONNX Runtime itself.

    pip install -e '.[measure]' && npm install --prefix tools/wasm    # and a Chromium, Node 20 or later
    python -m tools.measure_wasm MODEL.onnx... [--threads 1 2] [--seconds 2] -o timings.csv

Weights that are not there are random, and so are inputs. Turns of both alternate, so that a slower
machine slows both; the figure to look at is their ratio. A turn is the lower quartile of its runs, and a
time the lower quartile of the turns, as `feasible calibrate` has it. What fails is named on stderr.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import onnx
from onnx import numpy_helper

import feasibility as fe
from feasibility.calibration.measure import VERSION, Session
from feasibility.loader.runnable import Array, Runnable, feeds, runnable
from feasibility.timing.compute import stored_precision

WASM = Path(__file__).parent / "wasm"
ROUNDS = 5
LIMIT_S = 120.0  # for a model with one number of threads
GOODBYE_S = 10.0  # for the browser to close
MS = 1e3
DIGITS = 4
LONGEST = 400  # characters of a complaint
PAGE, NATIVE = "wasm", "onnxruntime-cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model that is complete, and what its rows say of it."""

    name: str
    model: bytes
    inputs: Mapping[str, Array]
    precision: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the first input."""
        found: tuple[int, ...] = next(iter(self.inputs.values())).shape
        return found


class Timed(NamedTuple):
    """A model in one runtime: how long loading took, and a run in each turn."""

    session_ms: float
    turns_ms: Sequence[float]
    versions: str

    @property
    def ms(self) -> float:
        """Return the lower quartile: whatever else runs on the machine only adds."""
        return quartile(self.turns_ms)


class Row(NamedTuple):
    """A line of the file; `value` is the lower quartile of the turns, in milliseconds."""

    source: str
    model: str
    input_shape: str
    precision: str
    batch: int
    device: str
    unit: str
    runtime: str
    metric: str
    value: float
    threads: int
    session_ms: float
    min_ms: float
    median_ms: float
    turns: int
    versions: str


class Browser:
    """A page with one model in it, behind tools/wasm/driver.mjs."""

    def __init__(self, folder: Path, threads: int, chromium: str) -> None:
        command = ["node", str(WASM / "driver.mjs"), str(folder), str(threads), chromium]
        self._driver = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._late = False
        self._limit = threading.Timer(LIMIT_S, self._stop)
        self._limit.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        self._limit.cancel()
        if kind:
            self._driver.terminate()  # the driver then closes its browser
        try:
            self._driver.communicate(timeout=GOODBYE_S)
        except subprocess.TimeoutExpired:
            self._driver.kill()

    def answer(self, seconds: float | None = None) -> dict[str, Any]:
        """Return what the page says next, after a turn of so many seconds if given."""
        if seconds is not None and self._driver.stdin:
            print(seconds, file=self._driver.stdin, flush=True)
        line = self._driver.stdout.readline() if self._driver.stdout else ""
        said: dict[str, Any] = json.loads(line or '{"error": "the browser did not start"}')
        if self._late:
            msg = f"ONNX Runtime Web was not done after {LIMIT_S:.0f} s; try fewer --seconds"
            raise fe.MeasureError(msg)
        if "error" in said:
            msg = f"ONNX Runtime Web cannot run it: {' '.join(said['error'].split())[:LONGEST]}"
            raise fe.MeasureError(msg)
        return said

    def _stop(self) -> None:
        self._late = True
        self._driver.terminate()


def quartile(values: Sequence[float]) -> float:
    """Return the lower quartile, one of the values."""
    return sorted(values)[len(values) // 4]


def subject(path: Path) -> Subject:
    """Read a model and fill in what it needs to be run."""
    cost = fe.profile(path)
    return Subject(
        name=path.stem,
        model=complete(runnable(path)),
        inputs=feeds(cost.model.inputs),
        precision=stored_precision(cost),
    )


def complete(found: Runnable) -> bytes:
    """Return a model with its weights inside it; protobuf refuses more than 2 GiB."""
    proto = onnx.load_from_string(found.model)
    for tensor in proto.graph.initializer:
        if tensor.name in found.weights:
            tensor.CopyFrom(numpy_helper.from_array(found.weights[tensor.name], tensor.name))
    whole: bytes = proto.SerializeToString()
    return whole


@contextmanager
def folder_of(model: Subject) -> Iterator[Path]:
    """Write a model and its inputs where the page's server finds them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(model.model)
        listed = []
        for number, (each, array) in enumerate(model.inputs.items()):
            file = f"{number}.bin"
            (folder / file).write_bytes(array.tobytes())
            listed.append({"name": each, "type": array.dtype.name, "dims": array.shape, "file": file})
        (folder / "inputs.json").write_text(json.dumps(listed))
        yield folder


def both(model: Subject, threads: int, seconds: float, chromium: str) -> dict[str, Timed]:
    """Time a model in the page and outside, turn by turn."""
    each_s = seconds / ROUNDS
    with folder_of(model) as folder, Browser(folder, threads, chromium) as browser:
        started = browser.answer()
        if started["threads"] != threads:
            msg = f"ONNX Runtime Web took {started['threads']} threads where {threads} were asked for"
            raise fe.MeasureError(msg)
        native = Session(Runnable(model=model.model, weights={}), model.inputs, threads=threads)
        turns: dict[str, list[float]] = {NATIVE: [], PAGE: []}
        for _ in range(ROUNDS):
            turns[NATIVE].append(MS * native.turn(each_s))
            turns[PAGE].append(quartile(browser.answer(each_s)["runs_ms"]))
    page = f"onnxruntime-web {web_version()}, Chromium {started['chromium']}"
    return {
        PAGE: Timed(started["session_ms"], turns[PAGE], page),
        NATIVE: Timed(MS * native.start_s, turns[NATIVE], f"onnxruntime {VERSION}"),
    }


def web_version() -> str:
    """Return the version of the package that the page loads."""
    package = json.loads((WASM / "node_modules" / "onnxruntime-web" / "package.json").read_text())
    return str(package["version"])


def cpu_name() -> str:
    """Return what Linux calls the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def row(model: Subject, threads: int, runtime: str, timed: Timed) -> Row:
    """Return a line of the file."""
    return Row(
        source="wasm",
        model=model.name,
        input_shape="x".join(map(str, model.shape)),
        precision=model.precision,
        batch=model.shape[0] if model.shape else 1,
        device=cpu_name(),
        unit="cpu-1t" if threads == 1 else "cpu-mt",
        runtime=runtime,
        metric="latency_ms",
        value=round(timed.ms, DIGITS),
        threads=threads,
        session_ms=round(timed.session_ms, 1),
        min_ms=round(min(timed.turns_ms), DIGITS),
        median_ms=round(statistics.median(timed.turns_ms), DIGITS),
        turns=len(timed.turns_ms),
        versions=timed.versions,
    )


def rows(path: Path, arguments: argparse.Namespace) -> Iterator[Row]:
    """Yield a model's rows; a sentence on stderr where it fails, and the next number of threads."""
    try:
        model = subject(path)
    except (fe.FeasibilityError, ValueError) as error:  # onnx's "too large" is a ValueError
        print(f"{path.stem}: {error}", file=sys.stderr)
        return
    for threads in arguments.threads:
        begin = time.perf_counter()
        try:
            found = both(model, threads, arguments.seconds, arguments.chromium)
        except fe.MeasureError as error:
            print(f"{path.stem}, {threads} threads: {error}", file=sys.stderr)
            continue
        yield from (row(model, threads, runtime, timed) for runtime, timed in found.items())
        report(model.name, threads, found, time.perf_counter() - begin)


def report(name: str, threads: int, found: Mapping[str, Timed], took_s: float) -> None:
    """Print one line."""
    page, native = found[PAGE], found[NATIVE]
    times = f"{page.ms:10.2f} ms{native.ms:10.2f} ms{page.ms / native.ms:7.2f} x"
    print(f"{name:40}{threads:3}{times}{page.session_ms:9.0f} ms{took_s:7.1f} s", flush=True)


def main() -> None:
    """Time every model and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--seconds", type=float, default=2.0, help="of runs, per model, threads and runtime")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    if not (WASM / "node_modules").is_dir():
        sys.exit(f"{WASM / 'node_modules'} is not there: run npm install --prefix {WASM}")
    print(f"{'model':37}threads{'WASM':>11}{'native':>13}{'ratio':>9}{'session':>12}{'took':>9}")
    with arguments.output.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        for path in arguments.models:
            writer.writerows(rows(path, arguments))


if __name__ == "__main__":
    main()
