from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import feasibility as fe
from feasibility.report import csv
from feasibility.report.frame import _column
from tests.report.gate_samples import FAILING
from tests.samples import cost, decision
from tests.views.counted import Row, counted

ROOT = Path(__file__).parents[2]
MODEL = counted(
    Row(name="/a/q/MatMul", fmas=6, reads=8, runs=2, weights=4),
    Row(name="/a/Add", op="Add", fmas=1),
    Row(name="/b/Fancy", op="Fancy", fmas=None),
)


def test_a_count_has_a_row_per_node() -> None:
    """Nodes stand in the order they run, sums are over all runs, and the columns are those of the CSV."""
    frame = fe.to_frame(MODEL)
    assert list(frame["name"]) == ["/a/q/MatMul", "/a/Add", "/b/Fancy"]
    assert frame.loc[0, ["runs", "fmas", "flops", "read_bytes"]].tolist() == [2, 12, 24, 16]
    assert list(frame.columns) == csv.render_cost(MODEL, by="node").split("\n", 1)[0].split(",")


def test_what_is_not_counted_is_missing() -> None:
    """A node without a rule has no counts rather than 0, and the others stay whole numbers."""
    frame = fe.to_frame(MODEL)
    assert frame["fmas"].isna().tolist() == [False, False, True]
    assert frame["fmas"].dtype == "Int64"
    assert frame["fmas"].sum() == 13


def test_counts_stay_exact() -> None:
    """2^53 + 1 is no float; a gap beside it does not round it, nor does a number beyond 64 bits fail."""
    odd = 2**53 + 1
    assert _column(pd, [odd, None])[0] == odd  # type: ignore[index]  # an array of pandas
    assert _column(pd, [2**70, None]) == [2**70, None]
    frame = fe.to_frame(counted(Row(name="a", fmas=2**70), Row(name="b", fmas=None)))
    assert frame.loc[0, "fmas"] == 2**70


def test_a_model_of_no_nodes_keeps_its_columns() -> None:
    """The columns are those of any model, above no row."""
    frame = fe.to_frame(replace(MODEL, nodes=()))
    assert frame.shape == (0, len(fe.to_frame(MODEL).columns))


def test_a_decision_is_a_row() -> None:
    """Verdict, confidence, the times compared in seconds, the download in bytes, and the break-evens."""
    (row,) = fe.to_frame(decision()).to_dict("records")
    assert (row["verdict"], row["confidence"], row["client"]) == ("client", 0.92, "m1/gpu")
    assert (row["client_typical_s"], row["server_typical_s"]) == (0.02, 0.152)
    assert (row["download_bytes"], row["break_even_rtt_s"], row["break_even_calls"]) == (9000, 0.018, 15.04)
    assert math.isnan(row["break_even_downlink_bits_per_s"])


def test_decisions_are_rows_in_their_order() -> None:
    """A list or a tuple of them gives one frame."""
    others = [decision(verdict=verdict) for verdict in fe.Verdict]
    assert list(fe.to_frame(others)["verdict"]) == ["client", "server", "neither", "undecided"]
    assert fe.to_frame(tuple(others)).equals(fe.to_frame(others))


def test_failed_checks_are_named() -> None:
    """The limits that decided stand in one cell."""
    (memory,) = decision().checks
    failed = tuple(replace(memory, name=name, passed=False) for name in ("memory", "download"))
    assert fe.to_frame(decision(checks=failed))["failed_checks"].tolist() == ["memory, download"]


def test_a_sweep_has_a_row_per_point() -> None:
    """The axes come first, quantities as SI numbers and words as they were given; then the decision."""
    found = fe.sweep(cost(), rtt=["20ms", "0.5s"], down=["8Mbit/s"], device=["m1", "m1/cpu"])
    frame = fe.to_frame(found)
    assert list(frame.columns[:3]) == ["rtt_s", "downlink_bits_per_s", "client"]
    assert frame["rtt_s"].tolist() == [0.02, 0.02, 0.5, 0.5]
    assert frame["downlink_bits_per_s"].tolist() == [8e6] * 4
    assert frame["client"].tolist() == ["m1", "m1/cpu"] * 2
    assert frame["verdict"].tolist() == [point.decision.verdict.value for point in found.points]


def test_an_axis_and_an_answer_of_one_name_keep_apart() -> None:
    """The confidence that was asked for is not the one that was found."""
    found = fe.sweep(ROOT / "examples" / "sd_text_encoder.onnx", confidence=[0.6, 0.9], device=["m1"])
    frame = fe.to_frame(found)
    assert frame["asked_confidence"].tolist() == [0.6, 0.9]
    assert frame["confidence"].tolist() == [point.decision.confidence for point in found.points]


def test_modules_are_rows() -> None:
    """A module is called by its path, the whole graph by none."""
    frame = fe.to_frame(fe.modules(MODEL, depth=0))
    assert frame["module"].tolist() == ["", "a", "a/q", "b"]
    assert frame["fmas"].tolist() == [13, 13, 12, 0]
    assert frame["unknown_nodes"].tolist() == [1, 0, 0, 1]


def test_limits_are_a_row_per_kind_of_network() -> None:
    """Each row names its device and deadline; several devices give one frame."""
    frame = fe.to_frame([fe.limits(name, deadline="30ms") for name in ("m1", "pixel-6a")])
    assert frame["device"].tolist() == ["m1"] * 3 + ["pixel-6a"] * 3
    assert set(frame["deadline_s"]) == {0.03}
    assert (frame["surely_fmas"] <= frame["hardly_fmas"]).all()


def test_devices_are_rows() -> None:
    """Every device that is known has a row, with Apple's 2.6 TFLOP/s for the M1."""
    frame = fe.to_frame([fe.device(name) for name in fe.devices()]).set_index("id")
    assert list(frame.index) == list(fe.devices())
    assert frame.loc["m1", "fp32_flops_per_s"] == 2.6e12
    assert frame.loc["m1", "units"].split(", ")[0] == "gpu"


def test_several_counts_are_a_row_of_totals_each() -> None:
    """What `vary` returns: sizes, then sums of 13 and 2 * 13 FMA, and how many nodes they lack."""
    sizes = (
        counted(Row(name="a", fmas=13), Row(name="b", fmas=None), n=1),
        counted(Row(name="a", fmas=26), n=2),
    )
    frame = fe.to_frame(sizes)
    assert list(frame.columns[:3]) == ["model", "n", "fmas"]
    assert frame[["n", "fmas", "flops", "unknown_nodes"]].to_numpy().tolist() == [
        [1, 13, 26, 1],
        [2, 26, 52, 0],
    ]
    assert len(fe.to_frame(sizes[:1])) == 1  # a list of one is one, and not its nodes


def test_a_dimension_called_as_a_sum_is_another_column() -> None:
    """A hostile name hides nothing."""
    frame = fe.to_frame([counted(Row(name="a", fmas=13), fmas=4, model=5)])
    assert frame.loc[0, ["model", "dim fmas", "dim model", "fmas"]].tolist() == ["model.onnx", 4, 5, 13]


def test_networks_are_rows() -> None:
    """The essay's link: 150 ms, 150 and 20 Mbit/s; what a link does not say is missing."""
    frame = fe.to_frame([fe.network(name) for name in fe.networks()]).set_index("id")
    numbers = ["rtt_s", "downlink_bits_per_s", "uplink_bits_per_s"]
    assert frame.loc["essay", numbers].tolist() == [0.15, 150e6, 20e6]
    assert frame["cdn_rtt_s"].isna().any()
    assert list(fe.to_frame(fe.network("wifi"))["id"]) == ["wifi"]


def test_points_are_rows() -> None:
    """Points that are picked from a sweep keep their labels beside their decisions."""
    found = fe.sweep(cost(), rtt=["20ms", "0.5s"], device=["m1", "m1/cpu"])
    frame = fe.to_frame(point for point in found.points if point.labels[1] == "m1/cpu")
    assert frame[["axis_1", "axis_2"]].to_numpy().tolist() == [["20 ms", "m1/cpu"], ["500 ms", "m1/cpu"]]
    assert frame["client_typical_s"].tolist() == fe.to_frame(found)["client_typical_s"][1::2].tolist()


def test_any_iterable_is_a_list() -> None:
    """A generator, a set's view and a map are read once."""
    others = {verdict: decision(verdict=verdict) for verdict in fe.Verdict}
    assert fe.to_frame(each for each in others.values()).equals(fe.to_frame(list(others.values())))
    assert fe.to_frame(others.values()).equals(fe.to_frame(list(others.values())))


def test_a_gate_is_a_row_per_finding() -> None:
    """Rule, outcome, numbers and line; reasons are one cell, and a waiver is its last day and its reason."""
    report = FAILING
    frame = fe.to_frame(report)
    assert frame["rule"].tolist() == [found.rule for found in report.findings]
    assert frame["line"].tolist() == [found.spot.line for found in report.findings]
    assert frame["fixes"].tolist() == ["; ".join(found.fixes) for found in report.findings]
    assert frame["fails"].sum() == len(report.failures)
    waived = frame[frame["outcome"] == "waived"].to_dict("records")
    exemptions = [found.exemption for found in report.findings if found.outcome == "waived"]
    assert [(row["waived_until"], row["waiver_reason"]) for row in waived] == [
        (each.until, each.reason) for each in exemptions if each
    ]
    assert waived
    assert fe.to_frame(replace(report, findings=())).columns.tolist() == frame.columns.tolist()


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "a list of nothing makes no frame"),
        (None, "NoneType makes no frame"),
        ("model.onnx", "str makes no frame"),
        ({}, "dict makes no frame"),
        (b"model", "bytes makes no frame"),
        ([[decision()]], "a list of list makes no frame"),
        ([fe.sweep(cost(), rtt=["1ms"])], "a list of Sweep makes no frame"),
        ([decision(), 1], "a list of Decision and int makes no frame"),
        (count(), "a list of int makes no frame"),
    ],
)
def test_what_makes_no_frame_is_said(found: Any, message: str) -> None:  # noqa: ANN401 (anything)
    """The error names the kind, and the hint those that do."""
    with pytest.raises(fe.UsageError, match=message) as raised:
        fe.to_frame(found)
    assert (raised.value.hint or "").startswith(
        "one of ModelCost, Sweep, GateReport, or a list of one of Decision, "
    )


def test_without_pandas_the_command_to_install_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing pandas is one sentence with the next step."""
    monkeypatch.setattr(sys, "meta_path", [_NoPandas(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "pandas")
    with pytest.raises(fe.UsageError, match="pandas, which holds a frame, is not installed") as raised:
        fe.to_frame(decision())
    assert raised.value.hint == "pip install 'feasible[notebook]'"


class _NoPandas:
    """A finder for an environment without pandas."""

    def find_spec(self, name: str, *_: object) -> None:
        """Refuse pandas as Python does, and leave the rest to others."""
        if name == "pandas":
            msg = "No module named 'pandas'"
            raise ModuleNotFoundError(msg, name=name)


def test_pandas_loads_when_a_frame_is_asked_for() -> None:
    """A sweep does without it."""
    code = (
        "import sys, feasibility as fe\n"
        "fe.sweep('examples/sd_text_encoder.onnx', rtt=['1ms'])\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"
