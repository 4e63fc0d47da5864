from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import feasibility as fe
from feasibility.report import csv
from feasibility.report.frame import _column
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


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([], "a list of nothing makes no frame"),
        (None, "NoneType makes no frame"),
        ("model.onnx", "str makes no frame"),
        ([MODEL, MODEL], "a list of ModelCost makes no frame"),
        ([decision(), 1], "a list of Decision and int makes no frame"),
    ],
)
def test_what_makes_no_frame_is_said(found: Any, message: str) -> None:  # noqa: ANN401 (anything)
    """The error names the kind, and the hint those that do."""
    with pytest.raises(fe.UsageError, match=message) as raised:
        fe.to_frame(found)
    assert "ModelCost, Sweep, Decision" in (raised.value.hint or "")


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
