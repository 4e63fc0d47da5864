"""What calibration writes is a profile like any other."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from feasibility.calibration import written
from feasibility.calibration.fit import TERMS
from feasibility.calibration.run import Fitted
from feasibility.errors import ProfileError
from feasibility.profiles.models import Precision
from feasibility.timing.compute import inference
from feasibility.units import Bytes
from tests.timing_parts import device, fact, model, runtime, unit, work

DAY = date(2026, 11, 27)


def fitted(precision: Precision = "fp32", threads: int = 2, **constants: float) -> Fitted:
    """Return e = 1/2, b = 1/4, 10 us an operator, at 200 GFLOP/s and 30 GB/s."""
    terms = dict.fromkeys(TERMS, 2.0) | {"weights": 4.0, "activations": 4.0, "light": 4.0}
    terms |= {"overhead": 1e-5, "light_overhead": 0.0, "constant": 0.0} | constants
    return Fitted(
        precision=precision,
        threads=threads,
        peak_flops_per_s=200e9,
        bandwidth_bytes_per_s=30e9,
        channel_block=16,
        constants=terms,
        sigma=0.11,
        spread=0.04,
        n=45,
    )


def origin() -> written.Origin:
    """Return a machine that was calibrated with one model of its user's."""
    machine = device("auto", unit("cpu"))
    machine = machine.model_copy(
        update={"memory": machine.memory.model_copy(update={"app": fact(Bytes(2**33))})}
    )
    return written.Origin(machine=machine, day=DAY, versions="ONNX Runtime 1.32.0", anchors=1)


def test_the_file_reads_back_with_every_constant(tmp_path: Path) -> None:
    """Peaks, bandwidth, shares, overheads, block and sigma are those that were fitted."""
    found = written.write(tmp_path / "my-machine.yaml", [fitted(), fitted(threads=1)], origin())

    terms = found.units["cpu"].coefficients["onnxruntime-cpu"]["fp32"]
    assert ("my-machine", 200e9, 30e9) == (
        found.id, found.units["cpu"].peaks["fp32"].value.value, found.units["cpu"].bandwidth.value.value
    )  # fmt: skip
    assert {0.5} == set(terms.efficiency.values())
    assert (0.25, 0.25, 0.25) == (
        terms.bandwidth_share.weights, terms.bandwidth_share.activations, terms.light_bandwidth_share
    )  # fmt: skip
    assert pytest.approx(1e-5) == terms.overhead.value
    assert (0, 16, 0.11, 45) == (terms.constant.value, terms.channel_block, terms.sigma, terms.n)
    assert ("measured-here", DAY) == (terms.evidence, terms.date)
    assert [2, 1] == [found.units[name].threads for name in ("cpu", "cpu-1-thread")]
    assert 2**33 == found.memory.app.value.value if found.memory.app else None


def test_sources_say_what_was_timed_where_and_with_what(tmp_path: Path) -> None:
    """Graphs, precision, threads, version, and the user's own models."""
    found = written.write(tmp_path / "m.yaml", [fitted(), fitted(threads=1)], origin())

    assert (
        "feasible calibrate: 45 graphs and 1 models of the user's, fp32, 2 threads, ONNX Runtime 1.32.0"
        == found.units["cpu"].coefficients["onnxruntime-cpu"]["fp32"].source
    )


def test_the_machine_s_own_constants_take_the_runtime_s_place(tmp_path: Path) -> None:
    """1 GFLOP at half of 200 GFLOP/s takes 10 ms and 10 us, with a sigma of 0.11."""
    found = written.write(tmp_path / "m.yaml", [fitted(), fitted(threads=1)], origin()).units["cpu"]
    rt = runtime(kinds=("cpu",)).model_copy(update={"id": "onnxruntime-cpu"})

    time = inference(model(work(10**9)), found, rt, None)

    assert 1e9 / (0.5 * 200e9) + 1e-5 == pytest.approx(time.interval.typical.value, rel=1e-5)
    assert 0.11 == pytest.approx(time.interval.sigma)


def test_free_and_tiny_terms_are_written_as_a_profile_can_say_them(tmp_path: Path) -> None:
    """Light traffic that costs nothing is null, a share is at most 3, a picosecond is nothing."""
    free = fitted(light=0.0, depthwise=1 / 3, overhead=1e-12, grouped=1000.0)

    terms = written.write(tmp_path / "m.yaml", [free, fitted(threads=1)], origin()).units["cpu"].coefficients
    found = terms["onnxruntime-cpu"]["fp32"]

    assert (None, 0) == (found.light_bandwidth_share, found.overhead.value)
    assert (3, 0.001) == (found.efficiency["depthwise"], found.efficiency["grouped"])


def test_a_profile_that_cannot_be_read_replaces_none(tmp_path: Path) -> None:
    """The file that was there stays, and no draft is left."""
    (tmp_path / "m.yaml").write_text("before", encoding="utf-8")

    with pytest.raises(ProfileError):
        written.write(tmp_path / "m.yaml", [fitted(overhead=99.0, matmul=1e9)] * 2, origin())

    assert {"m.yaml": "before"} == {
        file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()
    }
