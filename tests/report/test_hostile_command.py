from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from feasibility.cli import start
from tests.hostile_names import FILE_NAME, IN_A_FILE, NAMES
from tests.report.parsers import asks_nothing_of_the_runner, read, shows_only_text

Run = Callable[..., str]
DIMENSION = f"::error::x\n{NAMES['html handler']} @team | `a`"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a file that is called as an attack, with one in every name that a file holds."""
    path = tmp_path_factory.mktemp("hostile") / FILE_NAME
    numbers = count()
    nodes = []
    for text in IN_A_FILE:
        source, known, strange = f"{text}{next(numbers)}", f"{text}{next(numbers)}", f"{text}{next(numbers)}"
        nodes += [
            helper.make_node("Identity", ["x"], [source], name=text),
            helper.make_node("Relu", [source], [known], name=f"/{text}/{text}/Relu"),
            helper.make_node(text or "Relu", [known], [strange], name=text, domain=text),
        ]
    shape: list[str | int | None] = [DIMENSION, 4]
    made = helper.make_graph(
        nodes,
        NAMES["workflow command"],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(nodes[1].output[0], TensorProto.FLOAT, shape)],
    )
    domains = [helper.make_opsetid(domain, 17) for domain in dict.fromkeys(["", *IN_A_FILE])]
    onnx.save(helper.make_model(made, opset_imports=domains, doc_string=DIMENSION), str(path))
    return str(path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a runner whose command answers with this code; what it says beside is harmless text."""

    def command(*words: str, code: int = 0) -> str:
        assert start.main(words) == code
        out, talk = capsys.readouterr()
        shows_only_text(talk)
        asks_nothing_of_the_runner(talk)
        return out

    return command


@pytest.mark.parametrize("by", ["op", "node", "module"])
@pytest.mark.parametrize("form", ["text", "json", "markdown", "csv"])
def test_a_profile_of_a_hostile_file(model: str, run: Run, by: str, form: str) -> None:
    """Every name of the file is text in each format of the counts."""
    out = run("profile", model, "--by", by, "--format", form, "--top", "0")
    read(out, form)
    assert len(out.splitlines()) > len(IN_A_FILE) or by == "op"


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_verdict_on_a_hostile_file(model: str, run: Run, form: str) -> None:
    """Its path, its uncounted nodes and its dimension are text in each format of the answer."""
    words = () if form != "text" else ("--why", "--verbose")
    read(run(model, "--device", "m1", "--format", form, *words), form)


@pytest.mark.parametrize("form", ["text", "json", "markdown", "csv"])
def test_sizes_of_a_hostile_dimension(model: str, run: Run, form: str) -> None:
    """A dimension's name is the head of a column."""
    read(run("profile", model, "--vary", f"{DIMENSION}=1,2", "--format", form), form)


@pytest.mark.parametrize("kind", ["roofline", "memory", "modules", "race"])
def test_a_figure_of_a_hostile_file(model: str, run: Run, kind: str, tmp_path: Path) -> None:
    """A figure is XML that only draws."""
    file = tmp_path / "figure.svg"
    run("plot", kind, model, "-o", str(file))
    read(file.read_text(encoding="utf-8"), "svg")


def test_what_is_wrong_is_said_harmlessly(run: Run, tmp_path: Path) -> None:
    """A file that is missing, one that is no model, and a device that is none are named as text."""
    bad = tmp_path / FILE_NAME
    bad.write_bytes(b"\x00")
    for words in ((str(tmp_path / "no" / FILE_NAME),), (str(bad),), (str(bad), "--device", FILE_NAME)):
        assert run(*words, code=2) == ""


def test_the_gate_on_a_hostile_file(model: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of a model, and sentences of a config, are text in every report and in the step's summary."""
    folder = Path(model).parent
    reason = " ".join(text for text in IN_A_FILE if text and max(text) <= "\uffff")  # as JSON is YAML
    config = {
        "targets": {"phone": {"device": "m1"}},
        "models": [
            {
                "path": FILE_NAME,
                "message": reason,
                "budget": {"download": "1 kB", "inference": "1 us", "flops": "1 kFLOP"},
            }
        ],
        "waivers": [{"model": "*", "rule": "download", "until": "2026-12-01", "reason": reason}],
    }
    (folder / "feasible.yaml").write_text(json.dumps(config).replace('"2026-12-01"', "2026-12-01"))
    for name in ("GITHUB_WORKSPACE", "GITHUB_BASE_REF"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary"))
    monkeypatch.chdir(folder)
    outputs = {form: folder / f"report.{form}" for form in ("json", "md", "sarif", "junit", "github")}
    words = [word for form, file in outputs.items() for word in ("-o", f"{form}={file}")]
    read(run("gate", "--today", "2026-11-27", *words, code=1), "text")
    for form, file in outputs.items():
        read(file.read_text(encoding="utf-8"), "markdown" if form == "md" else form)
    read((folder / "summary").read_text(encoding="utf-8"), "markdown")
