"""How predictions are held against measured times."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from feasibility.calibration.accuracy import Accuracy, Compared
from feasibility.calibration.measure import Session, Timing, turns
from feasibility.calibration.networks import LAYERS, NETWORKS, probes
from feasibility.calibration.run import measured, subject
from feasibility.errors import MeasureError, ModelError
from feasibility.loader import load
from feasibility.loader.runnable import Runnable, feeds, runnable
from feasibility.loader.sketch import Sketch
from feasibility.profiler import profile
from feasibility.report import csv, text_accuracy
from feasibility.timing.interval import Interval

ROOT = Path(__file__).parents[2]


def compared(ratio: float, measured_s: float = 0.01) -> Compared:
    """Return a model whose time was predicted so many times as long as it is, p90/p50 = 1.25."""
    typical = ratio * measured_s
    spread = math.log(1.25) / 1.2815515655446004
    return Compared(
        model=f"m{ratio}.onnx", precision="fp32", predicted=Interval.from_sigma(typical, spread),
        measured_s=measured_s, spread=0.1,
    )  # fmt: skip


def accuracy(*ratios: float) -> Accuracy:
    """Return models predicted at these ratios."""
    return Accuracy(
        device="d",
        machine="a machine",
        unit="cpu",
        runtime="onnxruntime-cpu",
        threads=2,
        models=tuple(map(compared, ratios)),
    )


def test_errors_of_five_models() -> None:
    """Ratios 0.4, 0.9, 1, 1.2 and 2.5: errors 0.6, 0.1, 0, 0.2 and 1.5."""
    found = accuracy(0.4, 0.9, 1.0, 1.2, 2.5)

    assert 0.2 == pytest.approx(found.median_error)
    assert 0.6 + 0.6 * (1.5 - 0.6) == pytest.approx(found.p90_error)  # six tenths of the way to the last
    assert 3 / 5 == found.within_twice
    assert (0.4 * 0.9 * 1.2 * 2.5) ** (1 / 5) == pytest.approx(found.mean_ratio)
    assert 3 / 5 == found.coverage  # 0.9, 1 and 1.2 lie within 1.25 times


def test_the_text_lists_the_worst_last_and_csv_has_milliseconds() -> None:
    """Two models, the one that is off by half behind the one that is right."""
    found = accuracy(1.5, 1.0)

    lines = text_accuracy.render(found).splitlines()
    rows = csv.render_accuracy(found).splitlines()

    assert ["m1.0.onnx", "m1.5.onnx"] == [line.split()[-1] for line in lines if line.endswith(".onnx")]
    assert "median error  25.0 %" in text_accuracy.render(found)
    assert rows[1].split(",")[-2:] == ["10", "15"]


def test_turns_are_worth_their_lower_quartile() -> None:
    """Of 8, 1, 2 and 4 seconds the second is typical; the middle one takes twice as long."""
    assert Timing(seconds=2, spread=1.0) == turns([8.0, 1.0, 2.0, 4.0])


def test_every_probe_is_named_once_and_counted_whole() -> None:
    """47 graphs of floats, among them at least a dozen networks; none holds an operator without a rule."""
    small = [
        p for p in probes(int8=False) if p.name in {"ghost", "pooling", "dispatch", "grouped 3x3, 256, 28"}
    ]

    assert 12 <= len(NETWORKS)
    assert not set(LAYERS) & set(NETWORKS)
    assert 47 == len(LAYERS) + len(NETWORKS) == len(list(probes(int8=False)))
    assert 31 == len(list(probes(int8=True)))
    assert [()] * 4 == [profile(load(p.model())).coverage.unknown for p in small]


def test_quantised_probes_multiply_integers() -> None:
    """A convolution between Quantize and Dequantize counts its products as int8."""
    probe = next(p for p in probes(int8=True) if p.name == "depthwise 3x3, 960, 7")
    cost = profile(load(probe.model()))

    types = {n.cost.dtype.name for n in cost.nodes if n.cost and n.cost.role == "heavy"}
    assert types in ({"INT8"}, {"UINT8"})


def test_a_sketch_runs_and_is_timed() -> None:
    """A product of 4 x 8 by 8 x 8 takes some time in both threads and one."""
    sketch = Sketch()
    model = sketch.finish(sketch.linear(sketch.input(4, 8), (8, 8)))
    cost = profile(load(model))
    session = Session(Runnable(model=model, weights={}), feeds(cost.model.inputs), threads=1)

    assert 4 * 8 * 8 == cost.fmas
    assert 0 < session.turn(0.001) < 1


def test_what_cannot_run_is_one_sentence() -> None:
    """ONNX Runtime's complaint about bytes that are no model."""
    with pytest.raises(MeasureError, match="ONNX Runtime cannot run it"):
        Session(Runnable(model=b"nothing", weights={}), {}, threads=1)


def test_absent_weights_are_drawn() -> None:
    """The example graph without its weights runs: they are 1/fan-in in variance."""
    path = str(ROOT / "tests/corpus/timm/test_vit_160.onnx")
    each = subject(path, profile(load(path)))
    weights = [array for array in each.model.weights.values() if array.ndim == 2 and array.size > 10_000]

    assert all(0.7 < array.std() * math.sqrt(array.size // array.shape[0]) < 1.3 for array in weights)
    assert 0 < measured([each], threads=1, budget_s=0.01, progress=lambda _: None)[0].seconds < 1


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    """The path and what onnx said."""
    (tmp_path / "x.onnx").write_bytes(b"\xff\xff")

    with pytest.raises(ModelError, match=r"x\.onnx' cannot be read to be run"):
        runnable(tmp_path / "x.onnx")
