"""Run `feasible gate`: formats and their files, exit codes, models that are none."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import onnx
import pytest

from tests.cli.gate_runs import FMAS, NOTHING, gate, is_one_complaint, yaml
from tests.integration.repositories import LFS_POINTER, Answer, model, run, surroundings
from tests.report.sarif_schema import valid_run
from tests.runner import commands

FORMATS = ("json", "md", "sarif", "junit", "github")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a model and a config that it holds to."""
    (tmp_path / "mlp.onnx").write_bytes(model(32))
    (tmp_path / "feasible.yaml").write_text(yaml())
    return tmp_path


OUTCOMES = {"passed": ("5k", 0), "over": ("2k", 1), "untold": ("5k", 1)}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_format_changes_the_exit_code(folder: Path, outcome: str) -> None:
    """Passed is 0 and over or untold is 1, with each pair of formats in files, each on the screen, and -q."""
    budget, code = OUTCOMES[outcome]
    (folder / "feasible.yaml").write_text(yaml(budget))
    if outcome == "untold":
        (folder / "mlp.onnx").write_bytes(b"no model")
    pairs = [tuple(f"{form}={form}" for form in two) for two in itertools.combinations(FORMATS, 2)]
    choices = [
        (),
        *((f"{form}=-",) for form in FORMATS),
        *pairs,
        tuple(f"{form}={form}.x" for form in FORMATS),
    ]
    words = [tuple(itertools.chain.from_iterable(("-o", each) for each in chosen)) for chosen in choices]
    codes = {gate(folder, *each, *quiet).code for each in words for quiet in ((), ("-q",))}
    assert codes == {code}


def test_every_format_is_written(folder: Path) -> None:
    """Each file is of its kind, and says that the budget is over."""
    (folder / "feasible.yaml").write_text(yaml("2k"))
    answer = gate(folder, *itertools.chain.from_iterable(("-o", f"{form}=r.{form}") for form in FORMATS))
    text = {form: (folder / f"r.{form}").read_text(encoding="utf-8") for form in FORMATS}
    assert answer.out.startswith("feasible gate: not passed")
    assert json.loads(text["json"])["findings"][0]["now"] == FMAS
    assert json.loads(text["sarif"])["runs"][0]["results"][0]["level"] == "error"
    assert ET.fromstring(text["junit"]).tag == "testsuites"  # noqa: S314 (our own output)
    assert "2.37 k" in text["md"]
    (command,) = commands(text["github"])
    assert (command.name, command.properties["file"], command.properties["line"]) == (
        "error",
        "feasible.yaml",
        "4",
    )


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_documents_hold_to_their_schemas(folder: Path, outcome: str) -> None:
    """JSON is what `feasible schema gate` says, and SARIF what its own schema says."""
    (folder / "feasible.yaml").write_text(yaml(OUTCOMES[outcome][0]))
    if outcome == "untold":
        (folder / "mlp.onnx").unlink()
    schema = json.loads(run(folder, "schema", "gate").out)
    jsonschema.validate(json.loads(gate(folder, "-o", "json=-").out), schema)
    valid_run(gate(folder, "-o", "sarif=-").out)


@pytest.mark.parametrize(
    ("below", "words"), [("in", ()), ("in/deeper", ()), (".", ("--config", "in/feasible.yaml"))]
)
def test_reports_name_the_config_from_the_top(folder: Path, below: str, words: tuple[str, ...]) -> None:
    """Where the command runs changes no path of a report for others' tools."""
    (folder / "in/deeper").mkdir(parents=True)
    (folder / "in/feasible.yaml").write_text(yaml("2k"))
    (folder / "in/mlp.onnx").write_bytes(model(32))
    outs = [
        run(folder / below, "gate", *words, "-o", f"{form}=-", GITHUB_WORKSPACE=str(folder)).out
        for form in ("github", "sarif", "md", "junit")
    ]
    (command,) = commands(outs[0])
    assert command.properties["file"] == "in/feasible.yaml"
    (result,) = json.loads(outs[1])["runs"][0]["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == "in/feasible.yaml"
    assert all("in/feasible.yaml" in out for out in outs)


def test_a_document_takes_the_place_of_the_text(folder: Path) -> None:
    """JSON on standard output is alone there, so that it can be piped."""
    assert json.loads(gate(folder, "-o", "json=-").out)["passed"] is True


def test_commands_for_the_runner_stand_beside_the_text(folder: Path) -> None:
    """`github=-` comes after the text, one command per failing budget."""
    (folder / "feasible.yaml").write_text(yaml("2k"))
    out = gate(folder, "-o", "github=-").out
    assert out.startswith("feasible gate: not passed")
    assert [command.name for command in commands(out)] == ["error"]


def test_quiet_is_one_sentence(folder: Path) -> None:
    """-q leaves the first sentence, and files as they are."""
    loud = gate(folder, "-o", "json=loud")
    quiet = gate(folder, "-q", "-o", "json=quiet")
    assert loud.out.startswith(quiet.out.strip())
    assert quiet.out == "feasible gate: passed, 1 budget holds for 1 model.\n"
    assert (folder / "loud").read_bytes() == (folder / "quiet").read_bytes()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("sarife=x",), "no format 'sarife'; did you mean 'sarif'?"),
        (("=x",), "there is no format ''"),
        (("json",), "does not say which file"),
        (("json=",), "does not say which file"),
        (("json=a", "md=a"), "two formats would be written to 'a'"),
        (("json=a", "md=./a"), "two formats would be written to"),
        (("json=a", "json=a"), "two formats would be written to 'a'"),
        (("json=-", "md=-"), "json and md would both be written to standard output"),
        (("md=-", "md=-"), "would both be written to standard output"),
        (("json=no/such/a",), "there is no folder 'no/such'"),
        (("json=.",), "is a folder"),
        (("json=mlp.onnx/a",), "cannot be written"),
        ((f"json={'a' * 300}",), "cannot be written"),
        (("json=link", "md=a"), "two formats would be written to"),
    ],
)
def test_outputs_that_cannot_be_written(folder: Path, words: tuple[str, ...], part: str) -> None:
    """What cannot be written, or would be twice, is refused at once, and nothing is left."""
    (folder / "link").symlink_to("a")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.exists()}
    answer = gate(folder, *itertools.chain.from_iterable(("-o", each) for each in words))
    assert is_one_complaint(answer)
    assert part in answer.err
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.exists()} == before


@pytest.mark.parametrize(
    "today", ["yesterday", "2026-13-01", "27.11.2026", "", "2026-11-27T00:00:00", "\u0661"]
)
def test_a_day_that_is_none(folder: Path, today: str) -> None:
    """--today takes a date."""
    answer = gate(folder, "--today", today)
    assert is_one_complaint(answer)
    assert "is not a date" in answer.err


def test_a_report_goes_through_a_link(folder: Path) -> None:
    """A symbolic link stays one, and the file that it names is written."""
    (folder / "kept.json").write_text("old")
    (folder / "link.json").symlink_to("kept.json")
    assert gate(folder, "-o", "json=link.json").code == 0
    assert (folder / "link.json").is_symlink()
    assert json.loads((folder / "kept.json").read_text())["passed"] is True


def test_the_summary_of_the_step_is_appended_to(folder: Path) -> None:
    """With github the Markdown goes after what earlier steps wrote; without it nothing is written."""
    summary = folder / "summary"
    summary.write_text("before\n")
    gate(folder, "-o", "md=r.md", GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text() == "before\n"
    gate(folder, "-o", "github=-", "-o", "md=r.md", GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text() == f"before\n{(folder / 'r.md').read_text()}\n"


@pytest.mark.parametrize("name", [".", "no/such/folder"])
def test_a_summary_that_cannot_be_written_changes_no_exit_code(folder: Path, name: str) -> None:
    """Where the runner's file cannot be written that is said, and the answer stays what it is."""
    passed = gate(folder, "-o", "github=-", GITHUB_STEP_SUMMARY=name)
    (folder / "feasible.yaml").write_text(yaml("2k"))
    over = gate(folder, "-o", "github=-", GITHUB_STEP_SUMMARY=name)
    assert (passed.code, over.code) == (0, 1)
    assert "GITHUB_STEP_SUMMARY" in passed.err
    assert [command.name for command in commands(over.out)] == ["error"]


def untold(answer: Answer) -> str:
    """Return the sentence of the only model in an answer in JSON that could not be judged."""
    report = json.loads(answer.out)
    (found,) = [each for each in report["findings"] if each["fails"]]
    assert (answer.code, report["passed"]) == (1, False)
    return str(found["message"])


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("no.onnx", "no.onnx"),
        ("*.tflite", "no file matches '*.tflite'"),
        ("pointer.onnx", "LFS"),
        ("folder.onnx", "folder"),
        ("empty.onnx", "empty"),
        ("text.onnx", "text.onnx"),
        ("half.onnx", "half.onnx"),
        ("a\0b", "null byte"),
        ("", ""),
    ],
)
def test_a_model_that_cannot_be_read_is_not_passed(folder: Path, path: str, part: str) -> None:
    """Missing, unmatched, pointer, folder, empty, text and cut models fail, each with a sentence."""
    (folder / "pointer.onnx").write_text(LFS_POINTER)
    (folder / "folder.onnx").mkdir()
    (folder / "empty.onnx").touch()
    (folder / "text.onnx").write_text("hello")
    (folder / "half.onnx").write_bytes(model(32)[:1000])
    (folder / "feasible.yaml").write_text(yaml().replace("mlp.onnx", json.dumps(path), 1))
    answer = gate(folder, "-o", "json=-")
    if path:
        said = untold(answer)
        assert "cannot be judged" in said
        assert part in said
    else:
        assert is_one_complaint(answer)


def test_one_model_that_cannot_be_read_does_not_hide_the_others(folder: Path) -> None:
    """The others of a glob are judged, in the order of their names."""
    (folder / "a.onnx").write_text(LFS_POINTER)
    (folder / "feasible.yaml").write_text(yaml().replace("mlp.onnx", '"*.onnx"'))
    findings = json.loads(gate(folder, "-o", "json=-").out)["findings"]
    assert [(each["model"], each["outcome"]) for each in findings] == [
        ("a.onnx", "untold"),
        ("mlp.onnx", "passed"),
    ]


@pytest.mark.parametrize("level", ["warn", "off"])
def test_an_unreadable_model_fails_whatever_its_levels(folder: Path, level: str) -> None:
    """No level makes a model pass that nobody can read."""
    (folder / "mlp.onnx").unlink()
    (folder / "feasible.yaml").write_text(NOTHING % f"{{limit: 9k, level: {level}}}")
    assert "cannot be judged" in untold(gate(folder, "-o", "json=-"))


@pytest.mark.parametrize(
    ("budget", "code"),
    [
        ('{fmas: "9k"}', 1),
        ('{download: "1 MB"}', 1),
        ('{fmas: "9k", coverage: "66%"}', 0),
        ('{fmas: "9k", coverage: "67%"}', 1),
        ('{fmas: {limit: "9k", level: "off"}}', 1),
    ],
)
def test_an_operator_that_nobody_knows(folder: Path, budget: str, code: int) -> None:
    """com.acme::Fancy leaves 2 of 3 nodes counted, which fails unless so much coverage is accepted."""
    (folder / "mlp.onnx").write_bytes(model(32, op_type="Fancy", domain="com.acme"))
    (folder / "feasible.yaml").write_text(f"models: [{{path: mlp.onnx, budget: {budget}}}]\n")
    answer = gate(folder)
    assert (answer.code, answer.err) == (code, "")
    if "coverage" not in budget:
        assert "com.acme::Fancy" in answer.out


def test_the_budget_itself_is_within_it(folder: Path) -> None:
    """A budget is the most that passes: 2368 passes, 2367 does not."""
    codes = []
    for budget in (FMAS, FMAS - 1):
        (folder / "feasible.yaml").write_text(yaml(str(budget)))
        codes.append(gate(folder).code)
    assert codes == [0, 1]


@pytest.mark.parametrize(("level", "code"), [("error", 1), ("warn", 0), ("off", 0)])
def test_levels(folder: Path, level: str, code: int) -> None:
    """Only an error fails; what is off is not there."""
    (folder / "feasible.yaml").write_text(NOTHING % f'{{limit: 1, level: "{level}"}}')
    answer = gate(folder, "-o", "json=-")
    assert answer.code == code
    assert len(json.loads(answer.out)["findings"]) == (level != "off")


def test_the_lock_is_not_written_of_what_cannot_be_measured(folder: Path) -> None:
    """--update with an unreadable model leaves the lock as it is."""
    gate(folder, "--update")
    before = (folder / "feasible.lock.json").read_bytes()
    (folder / "mlp.onnx").write_text(LFS_POINTER)
    answer = gate(folder, "--update")
    assert is_one_complaint(answer)
    assert (folder / "feasible.lock.json").read_bytes() == before
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_the_lock_holds_numbers_and_no_weights(folder: Path) -> None:
    """The lock says 2368 multiply-adds, 9472 bytes of weights by module, and the hash of the graph."""
    gate(folder, "--update")
    (locked,) = json.loads((folder / "feasible.lock.json").read_text())["models"]
    assert locked["numbers"]["fmas"] == FMAS
    assert locked["numbers"]["parameters"] == FMAS
    assert sum(each["parameter_bytes"] for each in locked["modules"].values()) == 4 * FMAS
    assert len(locked["graph_sha256"]) == 64


def test_an_update_twice_writes_the_same_bytes(folder: Path) -> None:
    """The lock is deterministic."""
    gate(folder, "--update")
    before = (folder / "feasible.lock.json").read_bytes()
    gate(folder, "--update")
    assert (folder / "feasible.lock.json").read_bytes() == before


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Let children be interrupted even under a shell's background job, which ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_ends_with_130_and_writes_nothing(folder: Path) -> None:
    """An interrupt while git is asked ends with 130, without a word and without a file."""
    (folder / "bin").mkdir()
    slow = folder / "bin/git"
    slow.write_text("#!/bin/sh\n: > started\nexec sleep 60\n")
    slow.chmod(0o755)
    path = os.pathsep.join((str(slow.parent), os.environ["PATH"]))
    child = subprocess.Popen(
        [sys.executable, "-m", "feasibility.cli", "gate", "-o", "json=r.json"],
        cwd=folder,
        env=surroundings(PATH=path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    with child:
        while not list(folder.glob("**/started")) and child.poll() is None:
            time.sleep(0.02)
        os.killpg(child.pid, signal.SIGINT)
        assert child.communicate(timeout=30)[0] == b""
    assert child.returncode == 130
    assert not (folder / "r.json").exists()


def process(folder: Path, *words: str, script: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process, or a shell script with the command in $0."""
    command = [sys.executable, "-m", "feasibility.cli"]
    started = ["sh", "-c", f"{' '.join(command)} {script}"] if script else [*command, *words]
    return subprocess.run(
        started, cwd=folder, env=surroundings(**env), capture_output=True, text=True, check=False
    )


def test_a_link_to_standard_output_stays(folder: Path) -> None:
    """A report for what /dev/stdout is, a link to the output of the process, goes into that file."""
    (folder / "out").symlink_to("/dev/fd/1")  # not /dev/stdout itself: root could lose it
    done = process(folder, script="gate -q -o json=out > kept")
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "out").is_symlink()
    assert json.loads((folder / "kept").read_text())["passed"] is True


def test_a_pipe_is_written_to(folder: Path) -> None:
    """A report for a link to a pipe goes through it, and the link stays."""
    (folder / "out").symlink_to("/dev/fd/1")
    done = process(folder, "gate", "-q", "-o", "json=out")
    assert (done.returncode, done.stderr) == (0, "")
    document, _, text = done.stdout.partition("feasible gate: ")
    assert json.loads(document)["passed"] is True
    assert text.startswith("passed")
    assert (folder / "out").is_symlink()


@pytest.mark.parametrize(
    "file",
    [
        "mlp.onnx",
        "./mlp.onnx",
        "feasible.yaml",
        "feasible.lock.json",
        "board.yaml",
        "weights.bin",
        "link.onnx",
    ],
)
def test_a_report_replaces_nothing_that_is_judged(file: str, folder: Path) -> None:
    """A model, its weights, the config, the lock and a device of one's own stay as they are."""
    board = (Path(__file__).parents[2] / "hardware_profiles" / "m1.yaml").read_text()
    files = {"board.yaml": board, "feasible.lock.json": "{}", "weights.bin": "weights"}
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "link.onnx").symlink_to("mlp.onnx")
    beside(folder / "mlp.onnx", "weights.bin")
    (folder / "feasible.yaml").write_text("targets: {board: {device: board.yaml}}\nlock: off\n" + yaml())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    answer = gate(folder, "-o", f"json={file}")
    assert is_one_complaint(answer)
    assert "would replace what is judged" in answer.err
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def beside(path: Path, location: str) -> None:
    """Let a model have its first matrix in a file of its own."""
    made = onnx.load(path)
    matrix = made.graph.initializer[0]
    nbytes = len(matrix.raw_data)
    matrix.ClearField("raw_data")
    matrix.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("length", str(nbytes))):
        matrix.external_data.add(key=key, value=value)
    path.write_bytes(made.SerializeToString())
