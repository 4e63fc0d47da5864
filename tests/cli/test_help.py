"""The help: it fits a terminal, ends no sentence early, and its examples work as they stand."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from feasibility.calibration import machine, run
from feasibility.calibration.networks import Probe, probes
from feasibility.cli import app  # noqa: F401 (it registers every command)
from feasibility.cli.group import app as group
from feasibility.cli.start import main

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "tests/corpus/timm/test_vit_160.onnx"
NAMES = sorted(
    command.name or command.callback.__name__ for command in group.registered_commands if command.callback
)
MODELS = ("model.onnx", "a.onnx", "b.onnx", "old.onnx", "new.onnx", "models/classifier.onnx")
BOARDS = ("board.yaml", "hardware_profiles/my-board.yaml")
FEW = {"stream", "dispatch", "matmul 197, 192-768", "depthwise 3x3, 960, 7", "residual 32-256, 64"}
CHAIN = "stages:\n  - {id: one, model: model.onnx, inputs: {x: user}}\nresult: one.y\n"

Help = Callable[..., str]


@pytest.fixture
def text(capsys: pytest.CaptureFixture[str]) -> Help:
    """Return what --help prints."""

    def show(*words: str) -> str:
        assert 0 == main([*words, "--help"])
        return capsys.readouterr().out

    return show


def examples(shown: str) -> list[str]:
    """Return the lines of a help that are commands."""
    return re.findall(r"(?m)^  (feasible .+)$", shown)


@pytest.mark.parametrize("name", ["", *NAMES])
def test_each_help_fits_a_terminal_and_shows_an_example(name: str, text: Help) -> None:
    """80 columns, and at least one command to copy, of this very name."""
    shown = text(*name.split())
    assert max(map(len, shown.splitlines())) <= 80
    of_this = [each for each in examples(shown) if each.split()[1] == name or name in {"", "check"}]
    assert of_this


def test_no_line_of_the_list_of_commands_is_cut(text: Help) -> None:
    """What a command does is a sentence that fits its line."""
    listed = text().partition("Commands:")[2]
    assert [] == [line for line in listed.splitlines() if line.endswith("...")]


def test_the_help_lists_what_belongs_to_no_model(text: Help) -> None:
    """The version and the completion of a shell are found there."""
    listed = text().partition("Without a model:")[2].partition("Commands:")[0]
    assert ["--version", "--install-completion", "--show-completion"] == re.findall(r"--[\w-]+", listed)


def test_nothing_said_is_greeted_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """A newcomer sees what to type; a script whose model is missing sees exit code 2 and no output."""
    assert 2 == main([])
    out, err = capsys.readouterr()
    assert out == ""
    assert "feasible model.onnx --device m1 --rtt 150ms" in err
    assert "feasible --help" in err
    assert max(map(len, err.splitlines())) <= 80


@pytest.fixture
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a repository with every file that the examples name, and calibrate on five small graphs."""

    def few(*, int8: bool) -> list[Probe]:
        return [probe for probe in probes(int8=int8) if probe.name in FEW]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(run, "probes", few)
    monkeypatch.setattr(run, "_TURN_S", 0.001)
    monkeypatch.setattr(machine, "LEAST_BUDGET_S", 0.2)
    monkeypatch.setattr(machine, "DEFAULT_BUDGET_S", 0.3)
    for name in MODELS:
        Path(name).parent.mkdir(exist_ok=True)
        shutil.copy(MODEL, name)
    page = (ROOT / "docs/profiles.md").read_text(encoding="utf-8")
    board = re.search(r"(?ms)^```yaml\n(.*?)^```$", page)
    assert board is not None
    for name in BOARDS:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(board[1], encoding="utf-8")
    Path("chain.yaml").write_text(CHAIN, encoding="utf-8")


def git(*words: str) -> None:
    """Run git as somebody."""
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


def prepare(name: str) -> None:
    """Run what an example needs to have been run before."""
    before = {"accuracy": ["calibrate"], "gate": ["init", *MODELS[:1]], "plot": ["init", *MODELS[:1]]}
    if name in before:
        assert 0 == main(before[name])
    if name == "plot":  # the history of the lock file
        git("init", "-q", "-b", "main")
        git("add", "-A")
        git("commit", "-q", "-m", "first")


@pytest.mark.usefixtures("_folder")
@pytest.mark.parametrize("name", ["", *NAMES])
def test_the_examples_work_as_they_stand(name: str, text: Help, capsys: pytest.CaptureFixture[str]) -> None:
    """Each example of a help ends with exit code 0, and answers."""
    found = examples(text(*name.split()))
    prepare(name)
    capsys.readouterr()
    for example in found:
        assert 0 == main(shlex.split(example)[1:]), example
        out, err = capsys.readouterr()
        assert out, example
        assert "error" not in err
