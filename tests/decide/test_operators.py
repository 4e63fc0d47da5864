"""Operators that the client's runtime does not run: who takes them, and what that costs."""

from __future__ import annotations

from datetime import date

import pytest

import feasibility as fe
from feasibility.decide.scenario import place, placements
from feasibility.profiles.support import SupportTable
from feasibility.timing.compute import Rest, inference
from feasibility.units import BytesPerSecond, Seconds
from tests.timing_parts import fact, model, runtime, step, tensor, unit, work

X, Y, Z = tensor("x", 1000), tensor("y", 1000), tensor("z", 1000)


def table(*operators: str) -> SupportTable:
    """Return a table of a runtime that runs these; a crossing takes 1 ms and 1 GB/s."""
    return SupportTable(
        id="t", name="a table", source="a test", date=date(2026, 1, 1), evidence="estimate", fallback="rt",
        sync=fact(Seconds(1e-3)), copy_bandwidth=fact(BytesPerSecond(1e9)), operators={"ai.onnx": operators},
    )  # fmt: skip


def divided() -> fe.ModelCost:
    """Return Conv, Erf, Conv: 2 GFLOP, and 1,000 floats over each border."""
    head, tail = (
        step((a,), (b,), "heavy", op_type="Conv", fmas=10**9, op_class="dense", reads=0, writes=0)
        for a, b in ((X, Y), (Z, tensor("o", 1000)))
    )
    return model(head, step((Y,), (Z,), op_type="Erf"), tail, inputs=(X,), outputs=(tensor("o", 1000),))


def test_what_falls_back_pays_its_own_time_and_two_crossings() -> None:
    """2 x 2 GFLOP at half of 1 TFLOP/s, 5 us on the CPU, and twice 1 ms and 4,000 bytes at 1 GB/s."""
    cpu = runtime(light_overhead=Seconds(5e-6))
    rest = Rest(table=table("Conv"), unit=unit("cpu"), runtime=cpu)

    time = inference(divided(), unit(), runtime(), None, rest)

    crossings_s = 2 * (1e-3 + 4 * 1000 / 1e9)
    assert crossings_s == pytest.approx(time.crossings_s) == pytest.approx(time.shares["crossings"])
    assert 2 * 2e9 / (0.5 * 1e12) + 5e-6 + crossings_s == pytest.approx(time.interval.typical.value)
    assert ["Erf"] == [group.group.head.node.op_type for group in time.rest]
    assert any("does not run Erf (1 node)" in note for note in time.notes)


def test_a_faster_unit_hurries_neither_crossings_nor_the_rest() -> None:
    """At ten times the rate only the 8 ms of convolutions shrink."""
    rest = Rest(table=table("Conv"), unit=unit("cpu"), runtime=runtime(light_overhead=Seconds(5e-6)))
    time = inference(divided(), unit(), runtime(), None, rest)

    assert time.interval.typical.value - 0.9 * 8e-3 == pytest.approx(time.at_rate(10))


def test_a_runtime_that_runs_everything_pays_nothing() -> None:
    """With Erf in the table the time is that without a table."""
    rest = Rest(table=table("Conv", "Erf"), unit=unit("cpu"), runtime=runtime())

    with_table = inference(divided(), unit(), runtime(), None, rest)

    assert inference(divided(), unit(), runtime(), None).interval == with_table.interval
    assert () == with_table.rest


def test_webgpu_falls_back_to_webassembly_of_the_same_device() -> None:
    """The rest of a phone's GPU runs on its CPU; a runtime without a table has no rest."""
    found = place("pixel-6a/gpu", "webgpu", None).rest

    assert found is not None
    assert found.runtime is not None
    assert ("webgpu", "wasm") == (found.table.id, found.runtime.id)
    assert place("m1", None, None).rest is None


def test_operators_that_nothing_runs_decide_alone() -> None:
    """ImageDecoder is in no table of WebAssembly: the client cannot run the model at all."""
    cost = model(step((X,), (Y,), op_type="ImageDecoder"), inputs=(X,), outputs=(Y,))

    answer = fe.decide(cost, client="pixel-6a/cpu", runtime="wasm")

    (check,) = [check for check in answer.checks if check.name == "operators"]
    assert (False, 1) == (check.passed, check.actual)
    assert "wasm does not run ImageDecoder (1 node); nothing else on pixel-6a takes them." == check.message
    assert (False, "server") == (answer.feasible, answer.verdict.value)


def test_every_runtime_of_every_unit_is_listed_the_default_first() -> None:
    """What --all-runtimes goes through; a unit that is named restricts it."""
    found = placements("m1")

    assert ("m1/gpu", "metal") == found[0]
    assert {("m1/cpu", "onnxruntime-cpu"), ("m1/npu", "coreml-ane"), ("m1/gpu", "webgpu")} <= set(found)
    assert {"m1/cpu"} == {unit_of for unit_of, _ in placements("m1/cpu")}


def test_the_slowest_groups_name_what_bounds_them() -> None:
    """Of two products the one of 2 GFLOP is first; arithmetic bounds it, and shares add up."""
    cost = model(work(10**6), work(2 * 10**9))

    side = fe.decide(cost, client="m1").client

    assert ("compute", "overhead") == (side.groups[0].bound, side.groups[1].bound)
    assert side.groups[0].seconds > side.groups[1].seconds
    assert side.inference.typical.value == pytest.approx(sum(group.seconds for group in side.groups))
    assert 1 == pytest.approx(sum(group.share for group in side.groups))
    assert 2 == side.group_count
