"""The commands that measure: what they say before and after."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import feasibility as fe
import feasibility.cli.app
from feasibility.calibration import machine, run
from feasibility.calibration.networks import Probe, probes
from feasibility.cli.start import main

ROOT = Path(__file__).parents[2]
MODEL = str(ROOT / "tests/corpus/timm/test_vit_160.onnx")
FEW = {"stream", "dispatch", "matmul 197, 192-768", "depthwise 3x3, 960, 7", "residual 32-256, 64"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the user's folder be empty, and time five graphs that are small."""

    def few(*, int8: bool) -> list[Probe]:
        return [probe for probe in probes(int8=int8) if probe.name in FEW]

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(run, "probes", few)
    monkeypatch.setattr(run, "_TURN_S", 0.001)
    monkeypatch.setattr(machine, "LEAST_BUDGET_S", 0.2)
    return tmp_path


def run_command(*words: str) -> int:
    """Run the command line in this process."""
    return main(list(words))


def test_calibrate_then_predict_then_try(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The profile lies in the user's folder, `auto` is it, and accuracy compares with it."""
    assert 0 == run_command("calibrate", "--time", "300ms")
    said = capsys.readouterr().out
    assert "use it with: feasible MODEL --device my-machine" in said
    assert (home / "feasible/hardware_profiles/my-machine.yaml").is_file()
    assert "measured-here" == fe.device("auto").units["cpu"].bandwidth.evidence

    assert 0 == run_command("accuracy", MODEL, "--time", "10ms", "--format", "json")
    found = json.loads(capsys.readouterr().out)
    assert [MODEL] == [each["path"] for each in found["models"]]
    assert found["models"][0]["measured_s"] > 0
    assert ("my-machine", "cpu") == (found["device"], found["unit"])


def test_too_short_a_time_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tenth of a second times nothing, and no file is written."""
    assert 2 == run_command("calibrate", "--time", "100ms")
    assert "0.1 s are too short to time anything" in capsys.readouterr().err
    assert not list(home.rglob("*.yaml"))


def test_without_calibration_the_next_step_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no my-machine yet."""
    assert home.is_dir()
    assert 2 == run_command("accuracy", MODEL)
    assert "there is no device called 'my-machine'" in capsys.readouterr().err


def test_a_missing_onnx_runtime_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence and what to install."""
    assert home.is_dir()
    for name in [name for name in sys.modules if name.startswith("feasibility.calibration")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    assert 2 == run_command("calibrate")
    assert "pip install 'feasible[measure]'" in capsys.readouterr().err
