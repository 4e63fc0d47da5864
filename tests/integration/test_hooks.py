"""Run the hooks of .pre-commit-hooks.yaml with pre-commit, as a repository that uses them does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.repositories import ROOT, Repository, config, model, surroundings

HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
}
BIN = Path(sys.executable).parent
TAKEN = {
    "feasible-gate": [
        "model.onnx",
        "models/a b.onnx",
        "model.onnx.data",
        "model.onnx_data",
        "feasible.yaml",
        "ci/feasible.yaml",
        "feasible.lock.json",
        "ci/feasible.lock.json",
        "pyproject.toml",
        "packages/a/pyproject.toml",
    ],
    "feasible-profiles": [
        "hardware_profiles/m1.yaml",
        "hardware_profiles/m1.yml",
        "hardware_profiles/runtimes/metal.yaml",
        "network_profiles/4g.yaml",
        "network_profiles/hosts/github-pages.yaml",
        "perf/hardware_profiles/board.yaml",
    ],
}
LEFT = {
    "feasible-gate": [
        "README.md",
        "model.onnx.md",
        "infeasible.yaml",
        "feasible.yaml.bak",
        "feasible.yml",
        "my-pyproject.toml",
        "package.lock.json",
    ],
    "feasible-profiles": [
        "m1.yaml",
        "my_hardware_profiles/m1.yaml",
        "hardware_profiles.yaml",
        "hardware_profiles/README.md",
        "hardware_profiles/m1.yaml.orig",
    ],
}


@pytest.mark.parametrize("name", TAKEN)
def test_the_files_that_a_hook_looks_at(name: str) -> None:
    """Models, configs and locks start the gate, profiles in their folders the check, and nothing else."""
    pattern = re.compile(HOOKS[name]["files"])
    assert [path for path in TAKEN[name] if not pattern.search(path)] == []
    assert [path for path in LEFT[name] if pattern.search(path)] == []


def test_what_the_hooks_run() -> None:
    """Two hooks, in an environment of their own, run commands that there are."""
    assert {name: (hook["entry"], hook["language"]) for name, hook in HOOKS.items()} == {
        "feasible-gate": ("feasible gate", "python"),
        "feasible-profiles": ("feasible check-profiles", "python"),
    }
    assert HOOKS["feasible-gate"]["pass_filenames"] is False


def test_pre_commit_reads_the_manifest() -> None:
    """pre-commit itself finds nothing wrong with the file."""
    subprocess.run([BIN / "pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml"], check=True)


@dataclass(frozen=True)
class Project:
    """A repository that uses the hooks, and where pre-commit keeps its own."""

    repository: Repository
    home: Path

    def env(self) -> dict[str, str]:
        """Return the surroundings: this environment's commands first on PATH."""
        path = os.pathsep.join((str(BIN), os.environ["PATH"]))
        return {"PATH": path, "PRE_COMMIT_HOME": str(self.home)}

    def commit(self) -> tuple[int, str]:
        """Stage everything and commit it, which runs the hooks; return the exit code and what they said."""
        self.repository.git("add", "--all")
        done = subprocess.run(
            ["git", "commit", "--message", "change"],
            cwd=self.repository.folder,
            env=surroundings(**self.env()),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return done.returncode, done.stdout.decode()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a repository with the hooks installed, its gate and profiles committed."""
    place = tmp_path_factory.mktemp("hooks")
    project = Project(Repository.begin(place / "kept"), place / "home")
    local = [{**hook, "language": "system"} for hook in HOOKS.values()]  # nothing is installed for a test
    project.repository.write(
        {
            ".pre-commit-config.yaml": yaml.safe_dump({"repos": [{"repo": "local", "hooks": local}]}),
            "feasible.yaml": config(),
            "mlp.onnx": model(32),
            "network_profiles/mine.yaml": (ROOT / "network_profiles/4g.yaml").read_text(encoding="utf-8"),
        }
    )
    project.repository.gate("--update")
    subprocess.run(
        [BIN / "pre-commit", "install"],
        cwd=project.repository.folder,
        env=surroundings(**project.env()),
        capture_output=True,
        check=True,
    )
    return project


@pytest.fixture
def project(installed: Project, tmp_path: Path) -> Project:
    """Return a copy of it to change."""
    shutil.copytree(installed.repository.folder, tmp_path / "copy")
    return Project(Repository(tmp_path / "copy"), installed.home)


def test_a_commit_that_holds_to_everything(project: Project) -> None:
    """Both hooks pass, and the commit is made."""
    code, said = project.commit()
    assert code == 0
    assert re.findall(r"(feasible \w+)\.+(\w+)", said) == [
        ("feasible gate", "Passed"),
        ("feasible profiles", "Passed"),
    ]
    assert project.repository.git("status", "--porcelain") == ""


def test_a_commit_over_a_budget_and_with_a_wrong_profile(project: Project) -> None:
    """Both hooks fail with their exit codes and reasons, and no commit is made."""
    profile = project.repository.folder / "network_profiles/mine.yaml"
    profile.write_text(profile.read_text(encoding="utf-8").replace('"60 ms"', "60", 1), encoding="utf-8")
    project.repository.write({"mlp.onnx": model(96)})
    code, said = project.commit()
    assert code == 1
    assert re.findall(r"- hook id: (\S+)\n- exit code: (\d)", said) == [
        ("feasible-gate", "1"),
        ("feasible-profiles", "2"),
    ]
    assert "fmas" in said
    assert "error: network_profiles/mine.yaml:4:10 60 has no unit" in said
    assert project.repository.git("rev-list", "--all", "--count") == "0\n"


def test_a_commit_of_something_else(project: Project) -> None:
    """Once the gate is committed, a change of other files starts neither hook."""
    project.commit()
    project.repository.write({"README.md": "words"})
    code, said = project.commit()
    assert (code, said.count("(no files to check)Skipped")) == (0, 2)


def test_a_commit_in_another_worktree(project: Project) -> None:
    """Growth on a branch is told from main, in a linked worktree with git's own variables set."""
    project.commit()
    folder = project.repository.folder.parent / "linked"
    project.repository.git("worktree", "add", "--quiet", "-b", "wide", str(folder))
    linked = Project(Repository(folder), project.home)
    linked.repository.write({"mlp.onnx": model(64)})
    linked.repository.gate("--update")
    code, said = linked.commit()
    assert code == 1
    assert "growth.fmas" in said
    assert "where HEAD and main meet" in said
