"""Run `feasible gate` with configs that are wrong, hidden, or written in odd ways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.gate_runs import NOTHING, gate, is_one_complaint, toml, yaml
from tests.integration.repositories import model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a model and a config that it holds to."""
    (tmp_path / "mlp.onnx").write_bytes(model(32))
    (tmp_path / "feasible.yaml").write_text(yaml())
    return tmp_path


@pytest.mark.parametrize(
    ("files", "here", "code"),
    [
        ({"feasible.yaml": yaml("5k"), "pyproject.toml": toml("2k")}, ".", 0),
        ({"feasible.yaml": yaml("2k"), "pyproject.toml": toml("5k")}, ".", 1),
        ({"feasible.yaml": yaml("2k"), "in/pyproject.toml": toml("5k")}, "in", 0),
        ({"pyproject.toml": toml("2k"), "in/feasible.yaml": yaml("5k")}, "in", 0),
        ({"pyproject.toml": toml("2k"), "in/feasible.yaml": yaml("5k")}, "in/deeper", 0),
        ({"feasible.yaml": yaml("2k"), "in/pyproject.toml": "[tool.other]\na = 1\n"}, "in", 1),
        ({"feasible.yaml": yaml("2k"), "in/pyproject.toml": "tool = 3\n"}, "in", 1),
        ({"feasible.yaml": yaml("2k"), "in/pyproject.toml": "not toml"}, "in", 1),
    ],
)
def test_the_closest_config_counts_alone(tmp_path: Path, files: dict[str, str], here: str, code: int) -> None:
    """feasible.yaml comes before pyproject.toml in a folder, the closer folder first; nothing is merged."""
    (tmp_path / "in/deeper").mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).with_name("mlp.onnx").write_bytes(model(32))
    answer = gate(tmp_path / here)
    assert (answer.code, answer.err) == (code, "")
    assert "1 budget" in answer.out


def test_a_closer_config_without_the_rule_is_not_filled(tmp_path: Path) -> None:
    """What the farther file limits is not limited by the closer one."""
    (tmp_path / "in").mkdir()
    (tmp_path / "feasible.yaml").write_text(yaml("1"))
    (tmp_path / "in/feasible.yaml").write_text('models: [{path: mlp.onnx, budget: {download: "1 MB"}}]\n')
    (tmp_path / "in/mlp.onnx").write_bytes(model(32))
    answer = gate(tmp_path / "in", "-o", "json=-")
    assert [found["rule"] for found in json.loads(answer.out)["findings"]] == ["download"]


def test_no_config_is_a_sentence(tmp_path: Path) -> None:
    """Without a config the next step is `feasible init`."""
    answer = gate(tmp_path)
    assert is_one_complaint(answer)
    assert "feasible init" in answer.err


WRONG_YAML = """\
targets:
  phone: {device: pixel-6a, netwrk: 4g}
models:
  - path: mlp.onnx
    targets: [fone]
    budget:
      download: 25
      fmas: "lots"
      sice: 3
waivers:
  - {model: mlp.onnx, rule: growth.fma, until: soon, reason: ""}
"""
WRONG_TOML = """\
[tool.feasible.targets.phone]
device = "pixel-6a"
netwrk = "4g"
[[tool.feasible.models]]
path = "mlp.onnx"
targets = ["fone"]
[tool.feasible.models.budget]
download = 25
fmas = "lots"
sice = 3
[[tool.feasible.waivers]]
model = "mlp.onnx"
rule = "growth.fma"
until = "soon"
reason = ""
"""
WRONG = {
    "feasible.yaml": (
        WRONG_YAML,
        ["2:29", "5:15", "7:17", "8:13", "9:7", "11:29", "11:48", "11:62"],
    ),
    "pyproject.toml": (
        WRONG_TOML,
        ["3:1", "6:1", "8:1", "9:1", "10:1", "13:1", "14:1", "15:1"],
    ),
}
PARTS = (
    "did you mean 'network'?",
    "there is no target 'fone'; did you mean 'phone'?",
    "25 has no unit",
    "'lots' is no count",
    "unknown key 'sice'",
    "there is no rule 'growth.fma'; did you mean 'growth.fmas'?",
    "'soon' is not a date",
    "the text is empty",
)


@pytest.mark.parametrize("name", WRONG)
def test_all_that_is_wrong_is_said_at_once(folder: Path, name: str) -> None:
    """Each problem of a config has its line and column, in the order of the file."""
    text, places = WRONG[name]
    (folder / "feasible.yaml").unlink()
    (folder / name).write_text(text)
    answer = gate(folder)
    said = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert is_one_complaint(answer)
    for line, place, part in zip(said, places, PARTS, strict=True):
        assert line.startswith(f"error: {name}:{place} ")
        assert part in line


BAD_YAML = {
    "empty": "",
    "null": "null\n",
    "text": "models\n",
    "list": "- models\n",
    "models a text": "models: mlp.onnx\n",
    "models a record": "models: {path: mlp.onnx}\n",
    "models of lists": "models: [[mlp.onnx]]\n",
    "models null": "models:\n",
    "no models": "models: []\n",
    "no budget": "models: [{path: mlp.onnx}]\n",
    "path a list": "models: [{path: [a], budget: {fmas: 1}}]\n",
    "dims wrong": "models: [{path: mlp.onnx, dims: {batch: many}, budget: {fmas: 1}}]\n",
    "dims zero": "models: [{path: mlp.onnx, dims: {batch: 0}, budget: {fmas: 1}}]\n",
    "inputs wrong": "models: [{path: mlp.onnx, inputs: {x: 1}, budget: {fmas: 1}}]\n",
    "targets a text": "models: [{path: mlp.onnx, targets: phone, budget: {fmas: 1}}]\n",
    "target null": "targets: {a: }\nmodels: [{path: mlp.onnx, budget: {fmas: 1}}]\n",
    "target a list": "targets: {a: [b]}\nmodels: [{path: mlp.onnx, budget: {fmas: 1}}]\n",
    "target's name": "targets: {'a/b': {device: m1}}\nmodels: [{path: mlp.onnx, budget: {fmas: 1}}]\n",
    "budget a list": "models: [{path: mlp.onnx, budget: [fmas]}]\n",
    "limit a list": NOTHING % "[1]",
    "limit a record without one": NOTHING % "{level: warn}",
    "limit negative": NOTHING % "-1",
    "limit a truth": NOTHING % "true",
    "limit a float": NOTHING % "1.5",
    "limit octal": NOTHING % "012",
    "limit infinite": NOTHING % ".inf",
    "level unknown": NOTHING % "{limit: 1, level: fatal}",
    "growth bare": "models: [{path: mlp.onnx, growth: {fmas: 5%}}]\n",
    "growth without an amount": "models: [{path: mlp.onnx, growth: {fmas: {share: 5%}}}]\n",
    "share a bare number": "models: [{path: mlp.onnx, growth: {fmas: {share: 5.5, amount: 1}}}]\n",
    "coverage a bare number": "models: [{path: mlp.onnx, budget: {coverage: 0.5}}]\n",
    "coverage of 200 %": "models: [{path: mlp.onnx, budget: {coverage: 200%}}]\n",
    "inference without a target": "models: [{path: mlp.onnx, budget: {inference: 3 ms}}]\n",
    "verdict unknown": "targets: {a: {device: m1}}\nmodels: [{path: mlp.onnx, budget: {verdict: both}}]\n",
    "device unknown": "targets: {a: {device: m11}}\nmodels: [{path: mlp.onnx, budget: {fmas: 1}}]\n",
    "device a file that is not there": (
        "targets: {a: {device: no.yaml}}\nmodels: [{path: mlp.onnx, budget: {fmas: 1}}]\n"
    ),
    "waivers a record": NOTHING % "9k" + "waivers: {}\n",
    "waiver without a reason": NOTHING % "9k" + "waivers: [{model: a, rule: fmas, until: 2026-12-31}]\n",
    "waiver without an end": NOTHING % "9k" + "waivers: [{model: a, rule: fmas, reason: x}]\n",
    "waiver of no such day": (
        NOTHING % "9k" + "waivers: [{model: a, rule: fmas, until: 2026-02-30, reason: x}]\n"
    ),
    "lock unknown": NOTHING % "9k" + "lock: maybe\n",
    "baseline a number": NOTHING % "9k" + "baseline: 3\n",
    "twice": NOTHING % "9k" + NOTHING % "9k",
    "no YAML": "models: [\n",
    "tab": "models:\n\t- path: mlp.onnx\n",
    "alias": "models: &a [*a]\n",
    "tag": "models: !!python/object:os.system [x]\n",
    "merge key": "models: [{<<: {path: mlp.onnx}, budget: {fmas: 1}}]\n",
    "two documents": NOTHING % "9k" + "---\na: 1\n",
    "deep": "models: " + "[" * 5000 + "]" * 5000 + "\n",
    "deep records": "models: " + "{a: " * 5000 + "}" * 5000 + "\n",
    "300 kB": NOTHING % "9k" + "#" * 300_000 + "\n",
    "NUL": "models: \0\n",
    "Latin-1": b"# \xe9\nmodels: []\n",
    "UTF-16": (NOTHING % "9k").encode("utf-16"),
    "numeric keys": "models: [{1: 2}]\n3: 4\n",
}
BAD_TOML = {
    "no TOML": "[tool.feasible]\nmodels = \n",
    "a text": '[tool]\nfeasible = "x"\n',
    "a list": "[tool]\nfeasible = [1]\n",
    "empty": "[tool.feasible]\n",
    "models a record": '[tool.feasible.models]\npath = "mlp.onnx"\n',
    "dates": "[tool.feasible]\nmodels = 2026-01-01\n",
    "times": '[[tool.feasible.waivers]]\nmodel = "a"\nrule = "fmas"\nuntil = 07:32:00\nreason = "x"\n',
    "not a number": (
        '[[tool.feasible.models]]\npath = "mlp.onnx"\ngrowth = {fmas = {share = nan, amount = "1"}}\n'
    ),
    "infinite": (
        '[[tool.feasible.models]]\npath = "mlp.onnx"\ngrowth = {fmas = {share = inf, amount = "1"}}\n'
    ),
    "infinite frames": (
        '[tool.feasible.targets.a]\ndevice = "m1"\nfps = inf\n'
        '[[tool.feasible.models]]\npath = "mlp.onnx"\nbudget = {fmas = "9k"}\n'
    ),
    "twice": "[tool.feasible]\na = 1\na = 2\n",
    "deep": "[tool.feasible]\nmodels = " + "[" * 20_000 + "]" * 20_000 + "\n",
    "a huge number": "[tool.feasible]\nmodels = " + "1" * 5000 + "\n",
    "a huge number before": "x = " + "1" * 5000 + "\n" + toml(),
    "300 kB": toml() + "#" * 300_000 + "\n",
    "300 kB before": "#" * 300_000 + "\n" + toml(),
    "NUL": "[tool.feasible]\nmodels = '\0'\n",
    "Latin-1": b"[tool.feasible]\n# \xe9\n",
    "BOM": b"\xef\xbb\xbf[tool.feasible]\nmodels = 1\n",
}
BAD = [
    *(pytest.param("feasible.yaml", text, id=f"yaml: {name}") for name, text in BAD_YAML.items()),
    *(pytest.param("pyproject.toml", text, id=f"toml: {name}") for name, text in BAD_TOML.items()),
]


@pytest.mark.parametrize(("name", "content"), BAD)
def test_a_config_that_is_wrong_is_a_sentence(folder: Path, name: str, content: str | bytes) -> None:
    """Whatever a config holds, it is refused with sentences that name the file."""
    (folder / "feasible.yaml").unlink()
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    answer = gate(folder)
    assert is_one_complaint(answer), answer
    assert f"error: {name}:" in answer.err
    assert len(answer.err) < 2000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("feasible.yaml", b"\xef\xbb\xbf" + yaml().encode()),
        ("feasible.yaml", yaml().replace("\n", "\r\n").encode()),
        ("pyproject.toml", toml().replace("\n", "\r\n").encode()),
        ("feasible.yaml", ("# größe 😀\n" + yaml()).encode()),
    ],
    ids=["BOM", "CRLF", "TOML with CRLF", "not ASCII"],
)
def test_what_editors_leave_is_read(folder: Path, name: str, content: bytes) -> None:
    """A byte order mark, Windows line ends and other letters are no mistakes."""
    (folder / "feasible.yaml").unlink()
    (folder / name).write_bytes(content)
    answer = gate(folder)
    assert (answer.code, answer.err) == (0, "")


def test_a_config_that_is_no_file(folder: Path) -> None:
    """A folder, a missing file and a device file are refused as configs."""
    for name in (".", "no.yaml", "mlp.onnx"):
        assert is_one_complaint(gate(folder, "--config", name))
