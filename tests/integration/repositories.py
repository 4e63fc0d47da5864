"""Build a repository of git with small ONNX models, and run the command in it.

A model is x[batch, 64] -> MatMul 64 x hidden -> Relu -> MatMul hidden x 10, so that one row
costs 64 * hidden + hidden * 10 multiply-adds, and its weights are as many numbers of 4 bytes.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from feasibility.cli import start
from feasibility.ir import Model
from feasibility.loader import load
from feasibility.ops import RuleSet

ROOT = Path(__file__).parents[2]
INPUTS, CLASSES = 64, 10
LFS_POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    f"oid sha256:{'0' * 64}\n"
    "size 123456\n"
)  # git-lfs, docs/spec.md
_CLEARED = ("GITHUB_", "GIT_", "PRE_COMMIT", "FEASIBLE_")  # what CI and hooks say of another repository
_SETTLED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2026-11-01T12:00:00Z",
    "GIT_COMMITTER_DATE": "2026-11-01T12:00:00Z",
}

CONFIG = """\
targets:
  phone: {device: pixel-6a, network: 4g}
models:
  - path: mlp.onnx
    budget:
      fmas: {fmas}
    growth:
      fmas: {share: "5%", amount: "100"}
"""


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Return the output with its line breaks undone, to look for sentences in."""
        return " ".join(self.out.split())


def fmas(hidden: int) -> int:
    """Return the multiply-adds of one row, by hand."""
    return INPUTS * hidden + hidden * CLASSES


def config(budget_fmas: str = "5k", more: str = "") -> str:
    """Return a config with a budget and a growth limit of mlp.onnx, and more lines."""
    return CONFIG.replace("{fmas}", f'"{budget_fmas}"', 1) + more


def surroundings(**changes: str) -> dict[str, str]:
    """Return the environment without what CI or a hook set, with a settled author, and with the changes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_CLEARED)}
    return {**kept, **_SETTLED, **changes}


def model(hidden: int, *, batch: int | str = 1, op_type: str = "Relu", domain: str = "") -> bytes:
    """Return the bytes of a two-layer network whose nodes are named as torch names them."""
    weights = [
        helper.make_tensor(name, TensorProto.FLOAT, shape, bytes(4 * shape[0] * shape[1]), raw=True)
        for name, shape in (("w1", (INPUTS, hidden)), ("w2", (hidden, CLASSES)))
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["a"], name="/encoder/fc1/MatMul"),
        helper.make_node(op_type, ["a"], ["b"], name="/encoder/act/Act", domain=domain),
        helper.make_node("MatMul", ["b", "w2"], ["y"], name="/head/fc2/MatMul"),
    ]
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, CLASSES])],
        weights,
        value_info=[helper.make_tensor_value_info("b", TensorProto.FLOAT, [batch, hidden])],
    )
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    made: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    content: bytes = made.SerializeToString()
    return content


@dataclass(frozen=True)
class Repository:
    """A folder under git, whose main branch is called main."""

    folder: Path

    @classmethod
    def begin(cls, folder: Path) -> Repository:
        """Start an empty repository."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder)
        made.git("init", "--quiet", "--initial-branch=main")
        return made

    def git(self, *words: str, **env: str) -> str:
        """Run git here and return what it wrote."""
        done = subprocess.run(
            ["git", *words], cwd=self.folder, env=surroundings(**env), capture_output=True, check=True
        )
        return done.stdout.decode()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files, with their folders."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def copy(self, folder: Path) -> Repository:
        """Return a copy to change."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Repository(folder)

    def commit(self) -> None:
        """Commit everything that lies here."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")

    def gate(self, *words: str, below: str = ".", **env: str) -> Answer:
        """Run `feasible gate` in this process."""
        return run(self.folder / below, "gate", *words, **env)


def run(folder: Path, *words: str, **env: str) -> Answer:
    """Run the command in a folder, in this process, and read models in it too."""
    out, err = io.StringIO(), io.StringIO()
    wanted = surroundings(**env)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in set(os.environ) - set(wanted):
            patch.delenv(name)
        for name, value in wanted.items():
            patch.setenv(name, value)
        patch.setattr(start, "_start_worker", lambda _: _Reader())
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = start.main(words)
    return Answer(int(code), out.getvalue(), err.getvalue())


class _Reader:
    """Read models in this process: a test has none to protect from hostile files."""

    def load(
        self, path: str, dims: Mapping[str, int] | None = None, *, rules: RuleSet | None = None
    ) -> Model:
        """Return the walked model, as the child would."""
        return load(path, dims=dims, rules=rules)

    def close(self) -> None:
        """End nothing."""
