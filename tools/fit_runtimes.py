"""Fit the constants of runtimes to published or own timings, and try them on families held out.

    python -m tools.fit_runtimes torch-compile-cpu --timings timings.csv --graphs FOLDER...

A timings file has the columns source, model, input_shape, precision, batch, device, unit, runtime,
metric (latency_ms or img_per_s) and value; `feasible accuracy --format csv` writes such a file. A row is
used if a graph of its name (MODEL_SIZE.onnx, MODEL.onnx) lies in one of the folders, and its device in
tools/fit_devices.csv. For each cell (device, unit, runtime, precision) and for all of them together: median
and p90 error, share within 2x and coverage of the 80 % interval, each model being predicted by constants
fitted without its family, beside FLOP over a fitted share of the peak alone. Then the constants, as a
profile has them.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import feasibility as fe
from feasibility.calibration import fit as fitting
from feasibility.calibration.fit import CLASSES, OVERHEADS, TERMS, TRAFFIC, Row
from feasibility.profiles.models import MAX_EFFICIENCY, Precision
from feasibility.timing.compute import widths_of
from feasibility.timing.groups import FUSING, Fusion
from feasibility.timing.kernels import PLAIN, Kernels
from feasibility.timing.loads import loads
from feasibility.units import Seconds

FOLDS = 10
LEAST_SIGMA = 0.12  # measured on the same runtime (docs/time.md)
GIGA = 1e9


Form = Mapping[str, tuple[str, ...]]  # what is added up for each term that is fitted

SUMMED: Form = {"dense": CLASSES, "activations": TRAFFIC, "overhead": ("overhead", "light_overhead")}
ON_CHIP: Form = {term: parts for term, parts in SUMMED.items() if term != "activations"}  # nothing is moved
MATMUL_APART: Form = {  # half precision on an NPU: its products of matrices are another matter
    "dense": tuple(name for name in CLASSES if name != "matmul"),
    "matmul": ("matmul",),
    "activations": TRAFFIC,
    "overhead": ("overhead",),
}


class Place(NamedTuple):
    """Where a row was timed: peak and bandwidth that the constants are shares of."""

    device: str
    peak_flops_per_s: float
    bandwidth_bytes_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which rows a runtime is fitted to, and how it runs a graph."""

    source: str
    runtime: str  # pattern of the column
    units: tuple[str, ...]
    precisions: Mapping[str, Precision]
    devices: str = ""  # pattern of the cell: of which devices the constants are
    fusion: Fusion = FUSING
    kernels: Kernels = PLAIN
    batched: bool = False  # by hundreds of images: what a batch pays once cannot be told from it
    forms: Mapping[str, Form] = field(default_factory=dict)  # by column: too few models a cell for every term

    @property
    def terms(self) -> tuple[str, ...]:
        """Return the terms that are fitted, of one precision where these differ."""
        for form in self.forms.values():
            return tuple(form)
        return (*CLASSES, "activations", "light") if self.batched else TERMS

    def of(self, precision: str) -> Selection:
        """Return the rows of one precision alone."""
        forms = {precision: self.forms[precision]} if precision in self.forms else {}
        return replace(self, precisions={precision: self.precisions[precision]}, forms=forms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One timing, what its model asks for, and whose family it is of."""

    model: str
    family: str
    cell: str
    row: Row


# --- where rows were timed


@cache
def places() -> Mapping[tuple[str, str], Place]:
    """Return the devices of timings, by device and unit, from the table beside this file."""
    file = Path(__file__).with_name("fit_devices.csv")
    with file.open(encoding="utf-8", newline="") as stream:
        return {
            (row["device"], row["unit"]): Place(
                row["device"], GIGA * float(row["gflop_per_s"]), GIGA * float(row["gb_per_s"])
            )
            for row in csv.DictReader(stream)
        }


SELECTIONS: Mapping[str, Selection] = {
    "torch-compile-cpu": Selection(
        source="timm",
        runtime=r"torch.*compile",
        units=("cpu-mt",),
        precisions={"fp32": "fp32"},
        fusion=Fusion(attention=True),
    ),
    "torch-compile-cuda": Selection(
        source="timm",
        runtime=r"torch.*dynamo",
        units=("gpu",),
        precisions={"fp16": "fp16"},
        fusion=Fusion(attention=True),
        batched=True,
        kernels=Kernels(block=16),
    ),
    "torch-eager-cuda": Selection(
        source="timm",
        runtime=r"torch.*amp n(chw|hwc)$",
        units=("gpu",),
        precisions={"fp16": "fp16"},
        fusion=Fusion(light=False, attention=True),
        batched=True,
        kernels=Kernels(block=8),
    ),
    "onnxruntime-cpu": Selection(
        source="accuracy",
        runtime="onnxruntime-cpu",
        units=("cpu-mt", "cpu-1t"),
        precisions={"fp32": "fp32", "int8": "int8"},
        kernels=Kernels(block=16),
    ),
    "wasm": Selection(
        source="wasm",
        runtime="wasm",
        units=("cpu-1t", "cpu-mt"),
        precisions={"fp32": "fp32"},
        forms={"fp32": SUMMED},
    ),
    "ncnn-cpu": Selection(
        source="ncnn",
        runtime="ncnn",
        units=("cpu-1t", "cpu-4t"),
        precisions={"auto": "fp16"},
        kernels=Kernels(winograd=3.0),
    ),
    "ncnn-vulkan": Selection(
        source="ncnn",
        runtime="ncnn-vulkan",
        devices=r"Adreno \(TM\)|Mali|Jetson|Station",
        units=("gpu",),
        precisions={"auto": "fp16"},
    ),
    "ncnn-vulkan-pc": Selection(
        source="ncnn",
        runtime="ncnn-vulkan",
        devices="Apple|AMD|Intel|NVIDIA|RTX|Tesla|X1-85",
        units=("gpu",),
        precisions={"auto": "fp16"},
    ),
    "qnn-npu": Selection(
        source="aihub",
        runtime=r"qnn_dlc|tflite|onnx",
        units=("npu",),
        precisions={"float": "fp16", "w8a16": "int8", "w8a8": "int8"},
        forms={"float": MATMUL_APART, "w8a16": ON_CHIP, "w8a8": SUMMED},
    ),
}


# --- samples


def samples(selection: Selection, timings: Sequence[Path], folders: Sequence[Path]) -> Iterator[Sample]:
    """Yield what can be used of the files, each model's family beside it."""
    families = _families(folders)
    for timing in timings:
        with timing.open(encoding="utf-8", newline="") as stream:
            for line in csv.DictReader(stream):
                graph = _graph(line, folders) if _is_meant(selection, line) else None
                sample = graph and _sample(selection, line, graph, families)
                if sample:
                    yield sample


def _is_meant(selection: Selection, line: Mapping[str, str]) -> bool:
    return (
        line["source"] == selection.source
        and line["unit"] in selection.units
        and line["precision"] in selection.precisions
        and line["metric"] in {"latency_ms", "img_per_s"}
        and re.fullmatch(selection.runtime, line["runtime"]) is not None
    )


def _graph(line: Mapping[str, str], folders: Sequence[Path]) -> Path | None:
    """Return the graph of a row: by name and size, else by name."""
    name = line["model"].replace("/", "__")
    size = (line.get("input_shape") or "").split("x")[0]
    names = [f"{name}_{size}.onnx", f"{name}.onnx"]
    return next((folder / each for each in names for folder in folders if (folder / each).is_file()), None)


def _sample(
    selection: Selection, line: Mapping[str, str], graph: Path, families: Mapping[str, str]
) -> Sample | None:
    precision = selection.precisions[line["precision"]]
    named = (line["device"], line.get("chip", ""))  # a laptop may have two GPUs
    place = next((places()[name, line["unit"]] for name in named if (name, line["unit"]) in places()), None)
    if place is None:
        return None
    batch, value = int(line["batch"] or 1), float(line["value"])
    seconds = value / 1e3 if line["metric"] == "latency_ms" else batch / value
    cell = " ".join((place.device, line["unit"], line["runtime"], line["precision"]))
    if not re.search(selection.devices, cell):
        return None
    return Sample(
        model=graph.stem,
        family=families.get(line["model"]) or families.get(graph.stem) or _family(graph.stem),
        cell=cell,
        row=Row(_amounts(graph, precision, selection, place, batch), seconds),
    )


def _amounts(
    graph: Path, precision: Precision, selection: Selection, place: Place, batch: int
) -> dict[str, float]:
    """Return what a batch asks for: weights are read and kernels started once for all of it."""
    asked = loads(_cost(graph), widths_of(precision), selection.fusion, selection.kernels)
    one = fitting.amounts(asked, place.peak_flops_per_s, place.bandwidth_bytes_per_s)
    once = {"weights", *OVERHEADS}
    found = {term: amount if term in once else batch * amount for term, amount in one.items()}
    for form in selection.forms.values():
        return {term: math.fsum(found[part] for part in parts) for term, parts in form.items()}
    if selection.batched:
        found["activations"] += found["weights"]
    return found


@cache
def _cost(graph: Path) -> fe.ModelCost:
    return fe.profile(graph)


def _families(folders: Sequence[Path]) -> dict[str, str]:
    """Read families.csv (model, family) of each folder that has one."""
    found: dict[str, str] = {}
    for folder in folders:
        file = folder / "families.csv"
        if file.is_file():
            with file.open(encoding="utf-8", newline="") as stream:
                found |= {row["model"]: row["family"] for row in csv.DictReader(stream)}
    return found


def _family(name: str) -> str:
    """Return the letters that a name starts with, apart from what tells training recipes."""
    plain = re.sub(r"^(tf_|legacy_|nf_|eca_|ese_|gc_)+", "", name)
    letters = re.match(r"[a-z]+", plain.lower())
    return letters.group(0) if letters else plain


# --- trying out


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How constants do on families that they were not fitted to."""

    name: str
    n: int
    median: float
    p90: float
    twice: float
    coverage: float
    baseline: float  # median error of FLOP over a fitted share of the peak, held out too
    sigma: float

    def __str__(self) -> str:
        return (
            f"{self.name[:52]:52} {self.n:5} {100 * self.median:6.1f} {100 * self.p90:6.1f} "
            f"{100 * self.twice:6.1f} {100 * self.coverage:6.1f} {100 * self.baseline:8.1f} {self.sigma:6.3f}"
        )


HEADER = (
    f"{'cell':52} {'n':>5} {'med %':>6} {'p90 %':>6} {'<2x %':>6} {'in %':>6} {'F only %':>8} {'sigma':>6}"
)


def trial(name: str, found: Sequence[Sample], terms: Sequence[str], key: str = "family") -> Trial:
    """Predict every sample by constants that were fitted without its family (or model, or cell)."""
    parts = _parts(found, key)
    errors = [_held_out(found, part, terms, key) for part in parts]
    flat = [error for part in errors for error in part]
    plain = [e for part in parts for e in _held_out(found, part, CLASSES[:1], key, pooled=True)]
    inside = 0
    for index, part in enumerate(errors):
        others = [abs(e) for other, each in enumerate(errors) if other != index for e in each]
        width = fitting.quantile(others, 0.8) if others else math.inf
        inside += sum(abs(e) <= width for e in part)
    off = [abs(math.expm1(e)) for e in flat]
    return Trial(
        name=name,
        n=len(flat),
        median=fitting.quantile(off, 0.5),
        p90=fitting.quantile(off, 0.9),
        twice=sum(abs(e) <= math.log(2) for e in flat) / len(flat),
        coverage=inside / len(flat),
        baseline=fitting.quantile([abs(math.expm1(e)) for e in plain], 0.5),
        sigma=max(LEAST_SIGMA, fitting.quantile([abs(e) for e in flat], 0.8) / fitting.Z_P80),
    )


def anchored(found: Sequence[Sample], terms: Sequence[str], anchor: str) -> str:
    """Predict each cell by constants of the others, scaled by one timing of a model there."""
    off = []
    for part in _parts(found, "cell"):
        mine = [sample for sample in found if sample.cell in part]
        errors = dict(zip((s.model for s in mine), _held_out(found, part, terms, "cell"), strict=True))
        scale = errors.pop(anchor, None)
        off += [abs(math.expm1(error - scale)) for error in errors.values()] if scale is not None else []
    if not off:
        return f"no cell has a timing of {anchor}"
    return (
        f"cells held out, after one timing of {anchor}: median {100 * fitting.quantile(off, 0.5):.1f} %, "
        f"p90 {100 * fitting.quantile(off, 0.9):.1f} %, n {len(off)}"
    )


def _parts(found: Sequence[Sample], key: str) -> list[set[str]]:
    names = sorted({getattr(sample, key) for sample in found})
    if key != "family":
        return [{name} for name in names]
    random.Random(0).shuffle(names)  # noqa: S311 (the same folds at each run)
    return [part for part in (set(names[at::FOLDS]) for at in range(FOLDS)) if part]


def _held_out(
    found: Sequence[Sample], part: set[str], terms: Sequence[str], key: str, *, pooled: bool = False
) -> list[float]:
    """Return ln(predicted / measured) of the samples of a part: families, models or cells."""
    rows = [_pooled(s.row) if pooled else s.row for s in found]
    own = [getattr(s, key) in part for s in found]
    rest = [row for row, mine in zip(rows, own, strict=True) if not mine]
    mine = [row for row, mine in zip(rows, own, strict=True) if mine]
    if not rest or not mine:
        return []
    constants = fitting.fit(rest, terms)
    return [fitting.error(row, constants) for row in mine]


def _pooled(row: Row) -> Row:
    """Put all FLOP into one term."""
    return row._replace(amounts={CLASSES[0]: math.fsum(row.amounts.get(name, 0.0) for name in CLASSES)})


# --- what a profile has


def block(constants: Mapping[str, float], found: Trial, n: int) -> str:
    """Return the constants as YAML; what was not fitted is left for its own source."""
    share = {
        term: min(MAX_EFFICIENCY, 1 / value)
        for term, value in constants.items()
        if value and term not in OVERHEADS
    }
    light = share.get("light", MAX_EFFICIENCY)
    moved: dict[str, float] = {name: share[name] for name in ("weights", "activations") if name in share}
    lines = [
        f"efficiency: {_inline({name: share[name] for name in CLASSES if name in share})}",
        f"bandwidth_share: {_inline(moved)}",
        f"light_bandwidth_share: {light:.3g}" if light < MAX_EFFICIENCY else "light_bandwidth_share: null",
        *(f'{term}: "{Seconds(_at_least(constants[term]))}"' for term in OVERHEADS if term in constants),
        f"sigma: {found.sigma:.2g}",
        f"n: {n}",
    ]
    return "\n".join(f"    {line}" for line in lines)


def _inline(values: Mapping[str, float]) -> str:
    return "{" + ", ".join(f"{name}: {value:.3g}" for name, value in values.items()) + "}"


def _at_least(seconds: float) -> float:
    return seconds if seconds > 1e-9 else 0.0  # noqa: PLR2004 (no operator takes less than a nanosecond)


def main() -> None:
    """Fit one runtime, and print how well it does and what to write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runtime", choices=sorted(SELECTIONS))
    parser.add_argument("--timings", type=Path, nargs="+", required=True)
    parser.add_argument("--graphs", type=Path, nargs="+", required=True)
    parser.add_argument("--unit", help="use the rows of this unit alone, like cpu-1t")
    parser.add_argument("--rows", help="use the rows of this runtime alone, a pattern")
    parser.add_argument("--devices", help="use the rows of these devices alone, a pattern")
    parser.add_argument("--precision", help="use the rows of this precision alone, like w8a8")
    parser.add_argument("--anchor", help="try devices held out after one timing of this model there")
    parser.add_argument("--held-out", choices=("family", "model"), default="family", help="what is left out")
    parser.add_argument("--cells", action="store_true", help="print the constants of each cell too")
    given = parser.parse_args()
    selection = SELECTIONS[given.runtime]
    if given.unit:
        selection = replace(selection, units=(given.unit,))
    if given.rows:
        selection = replace(selection, runtime=given.rows)
    if given.devices:
        selection = replace(selection, devices=given.devices)
    each = [selection.of(name) for name in selection.precisions if given.precision in {None, name}]
    tables = [(one, list(samples(one, given.timings, given.graphs))) for one in each]
    if not any(found for _, found in tables):
        raise SystemExit("no row of the timings has a graph and a device")
    for one, found in tables:
        if found:
            print(HEADER)
            _report(found, one.terms, given.held_out, cells=given.cells)
            if given.anchor:
                print(anchored(found, one.terms, given.anchor))


def _report(found: Sequence[Sample], terms: Sequence[str], key: str, *, cells: bool) -> None:
    by_cell: dict[str, list[Sample]] = {}
    for sample in found:
        by_cell.setdefault(sample.cell, []).append(sample)
    done = {name: trial(name, mine, terms, key) for name, mine in by_cell.items()}
    for each in done.values():
        print(each)
    together = trial(f"all cells together, held out by {key}", found, terms, key)
    print(together)
    if len(by_cell) > 1:
        print(trial("all cells together, held out by cell", found, terms, "cell"))
        print(_medians(done.values()))
    for name, mine in by_cell.items() if cells else ():
        print(f"\n{name}:\n{block(fitting.fit([s.row for s in mine], terms), done[name], len(mine))}")
    print(f"\nall:\n{block(fitting.fit([s.row for s in found], terms), together, len(found))}")


def _medians(found: Iterable[Trial]) -> str:
    each = list(found)
    middle = fitting.quantile([one.median for one in each], 0.5)
    return f"median over {len(each)} cells of the median error: {100 * middle:.1f} %"


if __name__ == "__main__":
    main()
