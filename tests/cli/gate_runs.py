"""Run `feasible gate` outside any repository, on a model of 2,368 multiply-adds."""

from __future__ import annotations

from pathlib import Path

from tests.integration.repositories import Answer, run

YAML = """\
models:
  - path: mlp.onnx
    budget:
      fmas: "{fmas}"
"""
TOML = """\
[[tool.feasible.models]]
path = "mlp.onnx"
[tool.feasible.models.budget]
fmas = "{fmas}"
"""
NOTHING = "models: [{path: mlp.onnx, budget: {fmas: %s}}]\n"
FMAS = 64 * 32 + 32 * 10  # 2368


def yaml(fmas: str = "5k") -> str:
    """Return a config in YAML with a budget of multiply-adds."""
    return YAML.format(fmas=fmas)


def toml(fmas: str = "5k") -> str:
    """Return the same in TOML."""
    return TOML.format(fmas=fmas)


def gate(folder: Path, *words: str, **env: str) -> Answer:
    """Run the gate outside any repository."""
    return run(folder, "gate", *words, GIT_CEILING_DIRECTORIES=str(folder.parent), **env)


def is_one_complaint(answer: Answer) -> bool:
    """Tell whether a command ended with 2 and sentences on standard error alone, none of them a bug's."""
    lines = answer.err.splitlines()
    return (
        answer.code == 2
        and not answer.out
        and bool(lines)
        and all(line.startswith(("error: ", "hint: ")) for line in lines)
        and "failed inside" not in answer.err
        and "Traceback" not in answer.err
    )
