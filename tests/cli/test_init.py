"""Run `feasible init`: what it writes holds at once, is a quarter above today, and overwrites nothing."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from onnx import TensorProto, helper

from tests.integration.repositories import LFS_POINTER, ROOT, Answer, Repository, model, run

HIDDEN = 32
MULTIPLY_ADDS = 64 * HIDDEN + HIDDEN * 10  # 2368, and as many weights
WORKFLOW = ".github/workflows/feasible.yml"
THREE = ["feasible.lock.json", "feasible.yaml", WORKFLOW]
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
ODD = [
    "a b.onnx",
    'it\'s "quoted".onnx',
    "größe 😀.onnx",
    "#hash.onnx",
    "half #hash.onnx",
    "key: value.onnx",
    "- dash.onnx",
    "-o.onnx",
    "[v2]*?.onnx",
    "{x}.onnx",
    "%25.onnx",
    "@at.onnx",
    "!tag.onnx",
    "&anchor.onnx",
    "null.onnx",
    "~.onnx",
    "back\\slash.onnx",
    "$(touch x).onnx",
    "${{ github.token }}.onnx",
    "'.onnx",
]


def init(folder: Path, *words: str) -> Answer:
    """Run the command where no repository lies above."""
    return run(folder, "init", *words, GIT_CEILING_DIRECTORIES=str(folder.parent))


def gate(folder: Path, *words: str) -> Answer:
    """Run the gate where no repository lies above."""
    return run(folder, "gate", *words, GIT_CEILING_DIRECTORIES=str(folder.parent))


def files(folder: Path) -> list[str]:
    """Return the files below a folder, without the repository's own."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if path.parts[0] != ".git")


def read(path: Path) -> Any:  # noqa: ANN401 (whatever YAML holds)
    """Read YAML as any other tool does."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one model."""
    inner = tmp_path / "project"
    inner.mkdir()
    (inner / "mlp.onnx").write_bytes(model(HIDDEN, batch="batch"))
    return inner


def test_three_files_are_written_and_hold(folder: Path) -> None:
    """Config, lock and workflow are there, are named, and the gate passes at once."""
    answer = init(folder)
    assert (answer.code, answer.err) == (0, "")
    assert files(folder) == sorted(["mlp.onnx", *THREE])
    assert all(name in answer.out for name in THREE)
    passed = gate(folder)
    assert (passed.code, passed.err) == (0, "")


def test_budgets_are_a_quarter_above_today(folder: Path) -> None:
    """Each budget is 1.25 times the number that the hand finds, rounded up to three digits."""
    init(folder, "--device", "m1", "--network", "4g")
    config = read(folder / "feasible.yaml")
    (entry,) = config["models"]
    size = (folder / "mlp.onnx").stat().st_size
    needed = 4 * MULTIPLY_ADDS + 4 * (64 + HIDDEN + HIDDEN)  # weights; x, and both sides of Relu
    budget = {
        name: entry["budget"][name] for name in ("download", "parameters", "fmas", "flops", "peak_memory")
    }
    assert budget == {
        "download": f"{math.ceil(1.25 * size / 100) / 10:g} kB",
        "parameters": "2.96 k",  # 1.25 * 2368
        "fmas": "2.96 k",
        "flops": "5.96 kFLOP",  # 1.25 * (2 * 2368 + 32 of Relu)
        "peak_memory": f"{math.ceil(1.25 * needed / 100) / 10:g} kB",
    }
    assert (entry["dims"], entry["budget"]["coverage"]) == ({"batch": 1}, "100%")
    assert config["targets"] == {"m1": {"device": "m1", "network": "4g"}}


def test_times_are_a_quarter_above_today(folder: Path) -> None:
    """The budgets of times are 1.25 times what the lock holds, and less than a step of three digits more."""
    init(folder)
    gate(folder, "-o", "json=r.json")
    (locked,) = json.loads((folder / "feasible.lock.json").read_text())["models"]
    findings = {each["rule"]: each for each in json.loads((folder / "r.json").read_text())["findings"]}
    for rule in ("inference", "first_call"):
        now = locked["targets"]["pixel-6a"][f"{rule}_s"]
        assert 1.249 * now <= findings[rule]["budget"] <= 1.263 * now


def test_a_model_that_outgrows_the_quarter_fails(folder: Path) -> None:
    """25 % more passes the budget and not the growth; half as much again passes neither."""
    init(folder)
    growth = re.compile(r"    growth:.*?(?=  - |\Z)", re.DOTALL)
    config = folder / "feasible.yaml"
    config.write_text(growth.sub("", config.read_text()) + "lock: off\n")
    codes = []
    for hidden in (HIDDEN, 40, 48):
        (folder / "mlp.onnx").write_bytes(model(hidden, batch="batch"))
        report = json.loads(gate(folder, "-o", "json=-").out)
        codes.append(next(each["fails"] for each in report["findings"] if each["rule"] == "fmas"))
    assert codes == [False, False, True]


@pytest.mark.parametrize("name", THREE)
def test_nothing_is_overwritten(folder: Path, name: str) -> None:
    """Where one of the three is there, even as a link to nowhere, nothing is written."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for is_link in (False, True):
        if is_link:
            (folder / name).symlink_to("nowhere")
        else:
            (folder / name).write_text("mine")
        before = {path: (folder / path).read_bytes() for path in files(folder)}
        answer = init(folder)
        assert answer.code == 2
        assert f"{name!r} is there already" in answer.err
        assert {path: (folder / path).read_bytes() for path in files(folder)} == before
        (folder / name).unlink()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--device", "m11"), "there is no device called 'm11'"),
        (("--network", "fourg"), "network"),
        (("no.onnx",), "none of the models could be measured"),
        (("-",), "is no name that a config can hold"),
        (("b\udc80.onnx",), "is no name that a config can hold"),
        (("--device", "b\udc80.yaml"), "is no name that a config can hold"),
        (("line\nbreak.onnx",), "is no name that a config can hold"),
        (("https://example.org/m.onnx",), "none of the models could be measured"),
    ],
)
def test_what_cannot_begin_leaves_nothing(folder: Path, words: tuple[str, ...], part: str) -> None:
    """A wrong word is a sentence, and no file is left behind."""
    answer = init(folder, *words)
    assert answer.code == 2
    assert part in answer.err
    assert "failed inside" not in answer.err
    assert files(folder) == ["mlp.onnx"]


def test_a_folder_that_cannot_be_made_leaves_nothing(folder: Path) -> None:
    """A file called .github is a sentence, and no file is left behind."""
    (folder / ".github").write_text("mine")
    answer = init(folder)
    assert answer.code == 2
    assert "cannot be made" in answer.err
    assert files(folder) == [".github", "mlp.onnx"]


def test_a_device_of_ones_own(folder: Path) -> None:
    """A profile named by its path is a target, and the gate finds it."""
    (folder / "boards").mkdir()
    profile = (ROOT / "hardware_profiles/m1.yaml").read_text(encoding="utf-8")
    for name in ("mine.yaml", "a-name-that-is-longer-than-what-a-target-may-have.yaml"):
        (folder / "boards" / name).write_text(profile, encoding="utf-8")
        assert init(folder, "--device", f"./boards/{name}").code == 0
        assert gate(folder).code == 0
        for written in THREE:
            (folder / written).unlink()


def test_no_model(tmp_path: Path) -> None:
    """Without an ONNX file the command says how to name one."""
    answer = init(tmp_path)
    assert (answer.code, answer.out) == (2, "")
    assert "there is no ONNX file below this folder" in answer.err
    assert files(tmp_path) == []


def test_a_pointer_is_left_out(folder: Path) -> None:
    """A model that git LFS has not fetched is left out with a sentence; the others are taken."""
    (folder / "pointer.onnx").write_text(LFS_POINTER)
    answer = init(folder)
    assert answer.code == 0
    assert answer.err.startswith("left out: pointer.onnx: ")
    assert "LFS" in answer.err
    assert [entry["path"] for entry in read(folder / "feasible.yaml")["models"]] == ["mlp.onnx"]
    assert gate(folder).code == 0


def test_models_of_tools_are_not_looked_for(folder: Path) -> None:
    """Hidden folders and installed packages hold other people's models."""
    for place in (".venv", "node_modules", "lib/site-packages"):
        (folder / place).mkdir(parents=True)
        (folder / place / "x.onnx").write_bytes(model(HIDDEN))
    init(folder)
    assert [entry["path"] for entry in read(folder / "feasible.yaml")["models"]] == ["mlp.onnx"]


def test_odd_names_survive(folder: Path) -> None:
    """Names with spaces, quotes, other letters and YAML's own characters come back as they were."""
    for name in ODD:
        (folder / name).write_bytes(model(HIDDEN))
    answer = init(folder)
    found = [entry["path"] for entry in read(folder / "feasible.yaml")["models"]]
    assert (answer.code, answer.err) == (0, "")
    assert sorted(found) == sorted([*ODD, "mlp.onnx"])
    report = json.loads(gate(folder, "-o", "json=-").out)
    assert report["passed"] is True
    assert sorted(report["models"]) == sorted(found)


@pytest.mark.parametrize("dim", ["größe", "a b", "😀", "#1", ": ", 'quo"te', "x\u2028y"])
def test_odd_dimensions_survive(folder: Path, dim: str) -> None:
    """The name of a free dimension, which is the model's, comes back as it was."""
    (folder / "mlp.onnx").write_bytes(model(HIDDEN, batch=dim))
    answer = init(folder)
    assert (answer.code, answer.err) == (0, "")
    assert gate(folder).code == 0


def test_names_are_written_from_here_and_once(folder: Path) -> None:
    """./mlp.onnx, its full path and the name again are one model."""
    assert init(folder, "./mlp.onnx", str(folder / "mlp.onnx"), "mlp.onnx").code == 0
    assert [entry["path"] for entry in read(folder / "feasible.yaml")["models"]] == ["mlp.onnx"]


def is_safe(workflow: dict[Any, Any]) -> bool:
    """Tell whether a workflow pins its actions, reads only, and runs nothing that it pastes in."""
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    return (
        workflow["permissions"] == {"contents": "read"}
        and all(PINNED.fullmatch(step["uses"]) for step in steps if "uses" in step)
        and not any("${{" in step.get("run", "") for step in steps)
        and all("permissions" not in job for job in workflow["jobs"].values())
        and workflow[True] == {"pull_request": None}  # YAML 1.1 reads `on` as true
    )


def test_the_workflow_is_safe_for_forks(folder: Path) -> None:
    """It runs on pull_request, may only read, pins actions by commit, and fetches the whole history."""
    init(folder)
    workflow = read(folder / WORKFLOW)
    steps = workflow["jobs"]["gate"]["steps"]
    assert is_safe(workflow)
    assert steps[0]["with"] == {"fetch-depth": 0, "persist-credentials": False}
    assert steps[-1]["run"] == "feasible gate --out github=-"


@pytest.mark.parametrize("name", ["net", "my net: #1", "größe", 'quo"te'])
def test_a_folder_of_a_repository(tmp_path: Path, name: str) -> None:
    """From a folder below, the workflow lies at the top and runs where the config is."""
    repository = Repository.begin(tmp_path)
    repository.write({f"ml/{name}/mlp.onnx": model(HIDDEN)})
    repository.commit()
    here = tmp_path / "ml" / name
    answer = run(here, "init")
    step = read(tmp_path / WORKFLOW)["jobs"]["gate"]["steps"][-1]
    assert (answer.code, answer.err) == (0, "")
    assert step["working-directory"] == f"ml/{name}"
    assert files(here) == ["feasible.lock.json", "feasible.yaml", "mlp.onnx"]
    repository.git("checkout", "--quiet", "-b", "gate")
    repository.commit()
    assert run(here, "gate").code == 0


def test_a_folder_that_yaml_cannot_name_leaves_nothing(tmp_path: Path) -> None:
    """A folder whose name is not UTF-8 is a sentence, and no file is left behind."""
    repository = Repository.begin(tmp_path)
    repository.write({"net\udc80/mlp.onnx": model(HIDDEN)})
    answer = run(tmp_path / "net\udc80", "init")
    assert answer.code == 2
    assert "is no name that a config can hold" in answer.err
    assert files(tmp_path) == ["net\udc80/mlp.onnx"]


def test_a_model_outside_the_repository_is_refused(tmp_path: Path) -> None:
    """What CI does not have is no model of the repository; one in another folder of it is."""
    repository = Repository.begin(tmp_path / "repository")
    repository.write({"models/mlp.onnx": model(HIDDEN), "ci/keep": ""})
    (tmp_path / "x.onnx").write_bytes(model(HIDDEN))
    here = repository.folder / "ci"
    answer = run(here, "init", "../../x.onnx")
    assert answer.code == 2
    assert "outside the repository" in answer.err
    assert run(here, "init", "../models/mlp.onnx").code == 0
    assert run(here, "gate").code == 0


def test_too_many_models(folder: Path) -> None:
    """More than 50 models are to be named."""
    for index in range(50):
        (folder / f"{index}.onnx").symlink_to("mlp.onnx")
    answer = init(folder)
    assert answer.code == 2
    assert "51 ONNX files" in answer.err


def test_a_model_without_work(folder: Path) -> None:
    """A model of no weights and no arithmetic has budgets of nothing, which hold."""
    spec = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    same = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [spec], [same])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "mlp.onnx").write_bytes(made.SerializeToString())
    answer = init(folder)
    assert (answer.code, answer.err) == (0, "")
    assert gate(folder).code == 0
