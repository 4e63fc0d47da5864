"""What a pass of calibration measures and fits, with timings that are made up."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from feasibility.calibration import accuracy, fit, run
from feasibility.calibration.fit import TERMS, Row
from feasibility.calibration.measure import Session, Timing
from feasibility.calibration.run import STREAM, Subject
from feasibility.cost import ModelCost
from feasibility.loader import load
from feasibility.loader.runnable import Runnable, feeds
from feasibility.loader.sketch import Sketch
from feasibility.profiler import profile
from feasibility.timing.loads import AS_STORED, loads
from tests.timing_parts import model, step, tensor

NO_MODEL = Runnable(model=b"", weights={})


def product(name: str, rows: int) -> ModelCost:
    """Return A[rows,64] @ B[64,64]."""
    ins, out = (tensor("a", rows, 64), tensor("b", 64, 64)), (tensor(name, rows, 64),)
    return model(step(ins, out, "heavy", op_type="MatMul", fmas=rows * 64 * 64, op_class="matmul"))


def subject(name: str, cost: ModelCost, *, network: bool = False) -> Subject:
    """Return something to time that is never run."""
    return Subject(name=name, cost=cost, model=NO_MODEL, network=network)


def stream() -> Subject:
    """Return the probe that tells the bandwidth: 1,000 floats read and written."""
    add = step((tensor("x", 1000),), (tensor("y", 1000),), op_type="Abs", arithmetic=1000)
    return subject(STREAM, model(add))


def fitted(*subjects: tuple[Subject, float]) -> run.Fitted:
    """Fit made-up seconds, the stream's of 8 us beside them."""
    each = [(stream(), 8e-6), *subjects]
    timed = [Timing(seconds=seconds, spread=0.0) for _, seconds in each]
    return run._fitted([one for one, _ in each], timed, "fp32", 1)


def test_the_peak_is_the_fastest_rate_and_the_bandwidth_that_of_the_stream() -> None:
    """2 x 256 x 64 x 64 operations in 1 ms beside fewer a second; 2 x 4,000 bytes in 8 us."""
    network = subject("n", product("n", 64), network=True)
    found = fitted((subject("m", product("m", 256)), 1e-3), (network, 1e-3), (network, 1e-3))

    assert 2 * 256 * 64 * 64 / 1e-3 == pytest.approx(found.peak_flops_per_s)
    assert 2 * 4000 / 8e-6 == pytest.approx(found.bandwidth_bytes_per_s)


def test_networks_count_more_than_layers() -> None:
    """Four layers take 4 ms, two networks of the same work 2 ms: the fit lies by the networks."""
    layers = [(subject(f"l{i}", product("l", 256)), 4e-3) for i in range(4)]
    networks = [(subject(f"n{i}", product("n", 256), network=True), 2e-3) for i in range(2)]
    found = fitted(*layers, *networks)
    asked = fit.amounts(
        loads(product("n", 256), AS_STORED), found.peak_flops_per_s, found.bandwidth_bytes_per_s
    )

    assert 2e-3 == pytest.approx(fit.predict(asked, found.constants), rel=0.2)


def test_a_turn_is_the_mean_of_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that moves on by a second at each look, three runs take three seconds, one each."""
    sketch = Sketch()
    drawn = sketch.finish(sketch.linear(sketch.input(4, 8), (8, 8)))
    session = Session(Runnable(model=drawn, weights={}), feeds(profile(load(drawn)).model.inputs), threads=1)
    looks = iter(range(10))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(looks)))

    assert 1.0 == session.turn(0.0)


def test_models_that_fill_memory_are_timed_one_after_another() -> None:
    """Of 1.2 GB each, two do not fit into 2 GB."""
    cost = product("m", 4)
    heavy = replace(cost, totals=replace(cost.totals, parameter_bytes=1_200_000_000))

    batches = list(accuracy._batches([subject("a", heavy), subject("b", heavy)]))

    assert [["a"], ["b"]] == [[each.name for each in batch] for batch in batches]


def test_the_spread_holds_eighty_percent() -> None:
    """Ten predictions, off by 1 to 10 hundredths in ln: 80 % lie within 8.2, 1.2816 sigmas."""
    rows = [
        Row(dict.fromkeys(TERMS, 0.0) | {"dense": 2.718281828459045 ** (i / 100)}, 1.0) for i in range(1, 11)
    ]

    assert 0.082 / 1.2815515655446004 == pytest.approx(fit.spread(rows, dict.fromkeys(TERMS, 1.0)))
