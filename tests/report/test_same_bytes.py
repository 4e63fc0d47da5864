from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "tests" / "corpus" / "resnet18_224.onnx"
CONFIG = {
    "targets": {"phone": {"device": "m1"}, "tablet": {"device": "m1", "precision": "fp16"}},
    "models": [
        {
            "path": "*.onnx",
            "budget": {"download": "1 MB", "inference": "1 ms", "parameters": "100M", "coverage": "100%"},
            "growth": {"download": {"share": "1%", "amount": "1 kB"}},
        }
    ],
    "waivers": [{"model": "*", "rule": "download", "until": "DAY", "reason": "until the next release"}],
}
FIGURES = ("roofline", "race")
FORMATS = ("json", "md", "sarif", "junit", "github")
ANSWERS = {
    "profile.json": ("profile", "model.onnx", "--by", "module", "--format", "json"),
    "profile.md": ("profile", "model.onnx", "--by", "node", "--format", "markdown"),
    "profile.csv": ("profile", "model.onnx", "--format", "csv"),
    "verdict.json": ("model.onnx", "--device", "m1", "--format", "json"),
    "verdict.md": ("model.onnx", "--device", "m1", "--format", "markdown"),
    "gate": (
        "gate",
        "--today",
        "2026-11-27",
        *(word for form in FORMATS for word in ("-o", f"{form}=gate.{form}")),
    ),
    **{kind: ("plot", kind, "model.onnx", "-o", f"{kind}.svg") for kind in FIGURES},
}
# in one process, for its start takes longer than an answer
DRIVER = """
import contextlib, json, pathlib, sys
from feasibility.cli import start
for name, words in json.loads(sys.argv[1]).items():
    with pathlib.Path(name).open("w", encoding="utf-8") as file, contextlib.redirect_stdout(file):
        assert start.main(words) == (name == "gate"), name
"""
SURROUNDINGS = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"},
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """Return what every run leaves in its folder: each in a copy of its own, both at the same time."""
    folders = [tmp_path_factory.mktemp(name) / name for name in ("one", "in-another-place")]
    started = [_start(folder, env) for folder, env in zip(folders, SURROUNDINGS, strict=True)]
    for process in started:
        _, talk = process.communicate(timeout=120)
        assert process.returncode == 0, talk.decode()
    return [{file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders]


def _start(folder: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    folder.mkdir()
    shutil.copy(MODEL, folder / "model.onnx")
    (folder / "feasible.yaml").write_text(json.dumps(CONFIG).replace('"DAY"', "2026-12-24"))
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "LC_", "LANG"))
    }
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, json.dumps(ANSWERS)],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **env},
        stderr=subprocess.PIPE,
    )


def test_every_answer_is_there(runs: list[dict[str, bytes]]) -> None:
    """Five reports of the gate, two figures and five other answers, none of them empty."""
    names = {f"gate.{form}" for form in FORMATS} | {f"{kind}.svg" for kind in FIGURES}
    names |= {name for name in ANSWERS if "." in name}
    assert len(names) == 5 + 2 + 5
    assert all(run[name] for run in runs for name in names)


def test_two_runs_are_the_same_bytes(runs: list[dict[str, bytes]]) -> None:
    """Another run, in another folder, order of hashes, time zone and language, changes no byte."""
    one, other = runs
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []
