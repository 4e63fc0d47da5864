"""Read action.yml as GitHub does, and run its script as a runner would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from feasibility.cli.starting import PINS
from tests.integration.repositories import ROOT, Repository, config, model, surroundings
from tests.runner import commands

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
JUDGE = next(step for step in STEPS if step.get("id") == "gate")
# a runner's `shell: bash` (docs.github.com, workflow syntax, 2026-11)
BASH = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")


@dataclass(frozen=True)
class Ran:
    """How a step ended, its log, and the outputs that a runner reads from its file."""

    code: int
    log: str
    outputs: dict[str, str]
    left: list[str]  # in the folder for temporary files


def read_outputs(text: str) -> dict[str, str]:
    """Read the file of GITHUB_OUTPUT as the runner does (actions/runner, FileCommandManager.cs, 2026-11)."""
    found, lines = {}, iter(text.split("\n"))
    for line in lines:
        name, equals, value = line.partition("=")
        key, begins, end = line.partition("<<")
        if equals and (not begins or len(name) < len(key)):
            found[name] = value
        elif begins:
            found[key] = "\n".join(iter(lines.__next__, end))
    return found


def judge(folder: Path, below: str = ".", **inputs: str) -> Ran:
    """Run the script of the step that judges, with this environment's command first on PATH."""
    temporary, output = folder.parent / "runner temp", folder.parent / "output"
    temporary.mkdir(exist_ok=True)
    output.write_text("")
    given = {"CONFIG": "", "BASE": "", "TMPDIR": str(temporary), "GITHUB_OUTPUT": str(output)} | inputs
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    script = folder.parent / "step.sh"
    script.write_text(JUDGE["run"])
    done = subprocess.run(
        [*BASH, script],
        cwd=folder / below,
        env=surroundings(**given, PATH=path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    left = [found.name for found in temporary.iterdir()]
    return Ran(done.returncode, done.stdout.decode(), read_outputs(output.read_text(encoding="utf-8")), left)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository whose model passes."""
    repository = Repository.begin(tmp_path_factory.mktemp("action") / "kept")
    repository.write({"feasible.yaml": config(), "mlp.onnx": model(32)})
    repository.gate("--update")
    repository.commit()
    return repository


def test_inner_actions_are_pinned() -> None:
    """Each action that is used is named by the 40 digits of a commit, the ones that `init` writes too."""
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name) for name in used)
    pins = {f"{name}@{pin.split()[0]}" for name, pin in PINS.items()}
    assert set(used) <= pins


def test_nothing_is_pasted_into_a_script() -> None:
    """No `run` holds an expression: inputs come through the environment, where they are no code."""
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert scripts
    assert not any("${{" in script for script in scripts)
    assert set(JUDGE["env"].values()) == {"${{ inputs.config }}", "${{ inputs.base }}"}


def test_it_needs_no_secret_and_no_token() -> None:
    """Neither is named anywhere in the file, and every step says its shell."""
    text = json.dumps(ACTION)
    assert not re.search(r"\$\{\{[^}]*secrets", text)
    assert "github.token" not in text
    assert "GITHUB_TOKEN" not in text
    assert all(step["shell"] == "bash" for step in STEPS if "run" in step)
    assert ACTION["runs"]["using"] == "composite"


def test_inputs_and_outputs_lead_somewhere() -> None:
    """Every output comes from the step that judges, and every input is used."""
    assert {name: each["value"] for name, each in ACTION["outputs"].items()} == {
        name: f"${{{{ steps.gate.outputs.{name} }}}}" for name in ("verdict", "json", "comment-body")
    }
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(STEPS)))
    assert used == set(ACTION["inputs"])


def test_a_gate_that_passes(kept: Repository) -> None:
    """Verdict, JSON and the comment come out, nothing is left, and the step succeeds."""
    ran = judge(kept.folder)
    assert (ran.code, ran.outputs["verdict"], ran.left) == (0, "passed", [])
    assert json.loads(ran.outputs["json"])["passed"] is True
    kept.gate("-o", f"md={kept.folder.parent / 'r.md'}")
    assert ran.outputs["comment-body"].strip() == (kept.folder.parent / "r.md").read_text().strip()
    assert commands(ran.log) == []


def test_a_gate_that_fails(kept: Repository, tmp_path: Path) -> None:
    """A budget that is over fails the step, with a command for the line and the whole report."""
    copy = kept.copy(tmp_path / "copy")
    copy.write({"feasible.yaml": config("2k")})
    ran = judge(copy.folder)
    assert (ran.code, ran.outputs["verdict"], ran.left) == (1, "failed", [])
    assert json.loads(ran.outputs["json"])["passed"] is False
    assert "feasible-gate" in ran.outputs["comment-body"]
    assert [command.name for command in commands(ran.log)] == ["error"]


def test_a_gate_that_cannot_answer(kept: Repository, tmp_path: Path) -> None:
    """A config that is wrong is an error: outputs are empty, and the sentence is in the log."""
    copy = kept.copy(tmp_path / "copy")
    copy.write({"feasible.yaml": "models: 3\n"})
    ran = judge(copy.folder)
    assert (ran.code, ran.outputs, ran.left) == (2, {"verdict": "error", "json": "", "comment-body": ""}, [])
    assert "error: feasible.yaml:1:" in ran.log


def test_inputs_are_words_and_no_code(kept: Repository, tmp_path: Path) -> None:
    """A config and a base with blanks, quotes and substitutions stay names."""
    copy = kept.copy(tmp_path / "copy")
    odd = '$(touch pwned) `touch pwned`; touch pwned #".yaml'
    copy.write({odd: config("2k")})
    copy.git("branch", "release/$(touch)")
    ran = judge(copy.folder, CONFIG=odd, BASE="release/$(touch)")
    report = json.loads(ran.outputs["json"])
    assert (ran.code, report["config"]) == (1, odd)
    assert "release/$(touch)" in report["baseline"]
    assert not (copy.folder / "pwned").exists()


def test_a_config_in_another_folder(kept: Repository, tmp_path: Path) -> None:
    """The working folder decides which config is the closest."""
    copy = kept.copy(tmp_path / "copy")
    copy.write({"in/feasible.yaml": config("2k").partition("    growth:")[0], "in/mlp.onnx": model(32)})
    ran = judge(copy.folder, "in", GITHUB_WORKSPACE=str(copy.folder))
    (command,) = commands(ran.log)
    assert ran.code == 1
    assert command.properties["file"] == "in/feasible.yaml"  # the runner names files from the top


HOSTILE = [
    "x\nend-0123\nverdict=passed\n.onnx",
    "x\njson<<end\n{}\nend\n.onnx",
    "x\n::set-output name=verdict::passed\n.onnx",
    "x\r::error::forged\r.onnx",
    "<!-- feasible-gate -->.onnx",
]


@pytest.fixture(scope="module")
def forged(kept: Repository, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Return what comes of models whose names look like outputs and commands."""
    copy = kept.copy(tmp_path_factory.mktemp("forged") / "copy")
    copy.write(dict.fromkeys(HOSTILE, model(32)))
    entry = '{path: "*.onnx", budget: {fmas: 1}, message: "a\\nverdict=x"}'
    copy.write({"feasible.yaml": f"models: [{entry}]\nlock: off\n"})
    return judge(copy.folder)


def test_a_name_cannot_forge_an_output(forged: Ran) -> None:
    """Names with line breaks and the ends of values change no output."""
    assert (forged.code, sorted(forged.outputs)) == (1, ["comment-body", "json", "verdict"])
    assert forged.outputs["verdict"] == "failed"
    assert set(json.loads(forged.outputs["json"])["models"]) == {*HOSTILE, "mlp.onnx"}


def test_a_name_cannot_forge_a_command(forged: Ran) -> None:
    """The runner reads one error per model in the log, all of them ours."""
    found = commands(forged.log)
    assert [command.name for command in found] == ["error"] * len([*HOSTILE, "mlp.onnx"])
    assert all(command.properties["title"].startswith("feasible gate: fmas") for command in found)


def test_the_end_of_a_value_is_new_each_time(kept: Repository) -> None:
    """Nobody who has seen a run knows the line that ends a value in the next one."""
    ends = set()
    for _ in range(2):
        judge(kept.folder)
        ends |= set(re.findall(r"<<(.+)", (kept.folder.parent / "output").read_text()))
    assert len(ends) == 2
    assert all(re.fullmatch(r"end-[0-9a-f]{32}", end) for end in ends)
