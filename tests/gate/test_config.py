"""The config: YAML and TOML alike, the closest file alone, every problem at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from feasibility.errors import ProfileError, UsageError
from feasibility.gate import source
from feasibility.gate.records import Spot
from tests.gate import samples as s

TOML = """\
[project]
name = "shop"

[tool.feasible]
lock = "warn"

[tool.feasible.targets.phone]
device = "pixel-6a"

[[tool.feasible.models]]
path = "net.onnx"
budget = { fmas = "1M", inference = { limit = "30ms", level = "warn" } }

[tool.feasible.models.growth]
fmas = { share = "5%", amount = 10 }

[[tool.feasible.models]]
path = "b.onnx"
budget.download = "2MB"

[[tool.feasible.waivers]]
model = "net.onnx"
rule = "fmas"
until = 2026-12-31
reason = "x"
"""

TARGETED = "waivers: [{model: a, rule: growth.fmas, target: p, until: 2026-12-31, reason: x}]"
MODELS = "models: [{path: a, budget: {fmas: 1}}]\n"


def test_toml_says_the_same_as_yaml(tmp_path: Path) -> None:
    """The table [tool.feasible] reads as feasible.yaml does."""
    yaml = """\
lock: warn
targets: {phone: {device: pixel-6a}}
models:
  - path: net.onnx
    budget: {fmas: 1M, inference: {limit: 30ms, level: warn}}
    growth: {fmas: {share: 5%, amount: 10}}
  - path: b.onnx
    budget: {download: 2MB}
waivers: [{model: net.onnx, rule: fmas, until: 2026-12-31, reason: x}]
"""
    written = source.read(s.write(tmp_path, TOML, "pyproject.toml"))
    assert written.config == source.read(s.write(tmp_path, yaml)).config


@pytest.mark.parametrize(
    ("location", "line", "column"),
    [
        (("models", 0, "path"), 11, 1),
        (("models", 0, "budget", "fmas"), 12, 12),
        (("models", 0, "budget", "inference"), 12, 25),
        (("models", 0, "growth", "fmas"), 15, 1),
        (("models", 1, "budget", "download"), 19, 1),
        (("waivers", 0), 21, 1),
        (("lock",), 5, 1),
    ],
)
def test_toml_has_lines(location: tuple[str | int, ...], line: int, column: int, tmp_path: Path) -> None:
    """A budget in pyproject.toml stands in its line, inside inline tables too."""
    found = source.read(s.write(tmp_path, TOML, "pyproject.toml"))
    assert found.spot(*location) == Spot(line=line, column=column)


def test_the_closest_file_is_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file further up is not looked at; in one folder feasible.yaml comes first."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    yaml = "models: [{path: up.onnx, budget: {fmas: 1M}}]"
    s.write(tmp_path, yaml)
    monkeypatch.chdir(inner)
    assert source.find().config.models[0].path == "up.onnx"
    s.write(inner.parent, '[tool.other]\nx = 1\n[project]\nname = "x"\n', "pyproject.toml")
    assert source.find().config.models[0].path == "up.onnx"  # that one says nothing of us
    s.write(inner.parent, TOML, "pyproject.toml")
    assert source.find().config.models[0].path == "net.onnx"
    s.write(inner.parent, yaml.replace("up", "same"))
    assert source.find().config.models[0].path == "same.onnx"


def test_no_config_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is judged without one, and the next step is named."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"there is no feasible\.yaml") as raised:
        source.find()
    assert raised.value.hint == "write one with: feasible init"


def test_a_path_starts_from_the_folder_of_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same model is found from wherever the gate is run."""
    s.save(tmp_path / "net.onnx")
    s.budget(tmp_path, "fmas: 1M")
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    report = s.judged(source.find().path)
    assert (report.passed, report.config) == (True, "../feasible.yaml")


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("models: []", "models is empty"),
        ("model: []", "unknown key 'model'; did you mean 'models'?"),
        ("models: [{path: a.onnx}]", "'a.onnx' has no budget and no growth"),
        ("models: [{path: a.onnx, budget: {fmas: 1M}, dims: {n: 0}}]", "0 must be at least 1"),
        ("models: [{path: a.onnx, budget: {download: 25}}]", "25 has no unit"),
        ("models: [{path: a.onnx, budget: {fmas: 25MB}}]", "'25MB' is no count"),
        ("models: [{path: a.onnx, budget: {flops: 25}}]", "25 has no unit"),
        ("models: [{path: a.onnx, budget: {downlod: 25MB}}]", "did you mean 'download'?"),
        ("models: [{path: a.onnx, budget: {coverage: 120%}}]", "must be at most 1"),
        ("models: [{path: a.onnx, budget: {coverage: 0.9}}]", "0.9"),
        ("models: [{path: a.onnx, budget: {inference: 1s}}]", "inference needs a target"),
        ("models: [{path: a.onnx, budget: {fmas: {limit: 1, level: fatal}}}]", "is not one of"),
        ("models: [{path: a.onnx, growth: {fmas: {share: 5%}}}]", "key 'amount' is missing"),
        ("models: [{path: a.onnx, growth: {verdict: client}}]", "unknown key 'verdict'"),
        ("models: [{path: a.onnx, targets: [phone], budget: {fmas: 1}}]", "there is no target 'phone'"),
        ("targets: {phone: {device: m1, fps: 0}}\nmodels: [{path: a, budget: {fmas: 1}}]", "more than 0"),
        ("targets: {'a/b': {device: m1}}\nmodels: [{path: a, budget: {fmas: 1}}]", "'a/b' is no name"),
        (
            f"{MODELS}waivers: [{{model: a, rule: fma, until: 2026-12-31, reason: x}}]",
            "there is no rule 'fma'; did you mean 'fmas'?",
        ),
        (
            f"{MODELS}waivers: [{{model: a, rule: fmas, until: soon, reason: x}}]",
            "'soon' is not a date",
        ),
        (
            f"targets: {{p: {{device: m1}}}}\n{MODELS}{TARGETED}",
            "growth.fmas is the same on every target; leave target out",
        ),
        (
            f"{MODELS}waivers: [{{model: a, rule: fmas, until: 2026-12-31}}]",
            "key 'reason' is missing",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(yaml: str, said: str, tmp_path: Path) -> None:
    """Each problem is one line: file, line, column, what, and what would be right."""
    path = s.write(tmp_path, yaml)
    with pytest.raises(ProfileError) as raised:
        source.read(path)
    assert any(said in problem for problem in raised.value.problems), raised.value.problems
    assert all(problem.startswith(f"{path}:") for problem in raised.value.problems)


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    """Three mistakes are three lines, in the order of the file."""
    path = s.write(
        tmp_path,
        "targets: {phone: {devic: m1}}\nmodels:\n  - {path: a, budget: {fmas: x}}\nwaivers: [{rule: 3}]\n",
    )
    with pytest.raises(ProfileError) as raised:
        source.read(path)
    lines = [int(problem.split(":")[1]) for problem in raised.value.problems]
    assert lines == sorted(lines)
    assert {1, 3, 4} == set(lines)


def test_a_target_that_does_not_exist_is_a_problem_of_the_config(tmp_path: Path) -> None:
    """A device nobody knows is not a model over budget: the file is wrong, at the target's line."""
    s.save(tmp_path / "net.onnx")
    config = s.budget(tmp_path, "inference: 1s")
    config.write_text(config.read_text().replace("pixel-6a", "pixel-6b"))
    with pytest.raises(ProfileError) as raised:
        s.judged(config)
    assert f"{config}:2:3 target 'phone': there is no device called 'pixel-6b'" in raised.value.problems[0]


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[tool.feasible\n", ":1:"),
        ("[tool.feasible]\nmodels = 3\n", ":2:1 3 should be a list"),
        ("[tool]\nx = 1\n", "there is no table [tool.feasible]"),
        ('[tool.feasible]\nmodels = [{path = "a", budget = {fmas = "x"}}]\n', "'x' is no count"),
    ],
)
def test_toml_problems_have_places_too(toml: str, said: str, tmp_path: Path) -> None:
    """Bad TOML, and good TOML that says something wrong."""
    with pytest.raises(ProfileError) as raised:
        source.read(s.write(tmp_path, toml, "pyproject.toml"))
    assert any(said in problem for problem in raised.value.problems), raised.value.problems


def test_a_table_that_is_not_looked_at_is_said(tmp_path: Path) -> None:
    """feasible.yaml comes before [tool.feasible] beside it, and the report says so."""
    s.save(tmp_path / "net.onnx")
    config = s.budget(tmp_path, "fmas: 1M")
    s.write(tmp_path, TOML, "pyproject.toml")
    assert any("[tool.feasible] in pyproject.toml" in note for note in s.judged(config).notes)
