from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feasibility import api
from feasibility.cli import start
from feasibility.errors import UsageError

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "stable_diffusion" / "chain.yaml")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a runner that gives exit code, output and talk."""

    def command(*words: str) -> tuple[int, str, str]:
        code = start.main(words)
        return code, *capsys.readouterr()

    return command


def test_the_example_is_answered(run: Run) -> None:
    """The command of the README places every stage and exits with 0."""
    code, out, err = run("chain", EXAMPLE, "--device", "m1", "--server", "a100", "--rtt", "150ms")
    assert (0, "") == (code, err)
    assert out.startswith("everything on the server: ")
    assert "text_encoder.last_hidden_state float [1, 77, 768] goes up: 237 kB, 94.6 ms." in " ".join(
        out.split()
    )


def test_quiet_prints_the_placement_only(run: Run) -> None:
    """-q leaves the first sentence."""
    _, out, _ = run("chain", EXAMPLE, "-q")
    assert out.endswith("(Stable Diffusion 1.5, one image of 512 x 512).\n")


def test_json_says_who_chose_what(run: Run) -> None:
    """The answer for programs holds the sides, and what came from the command line."""
    _, out, _ = run("chain", EXAMPLE, "--format", "json", "--rtt", "20ms", "-d", "m1/cpu")
    answer = json.loads(out)
    assert ["server"] * 3 == answer["best"]["sides"]
    assert {"value": "20 ms", "origin": "command line"} == answer["scenario"]["rtt"]
    assert {"value": "m1/cpu", "origin": "command line"} == answer["scenario"]["client"]


def test_every_choice_reaches_the_api(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options arrive as given."""
    asked: dict[str, Any] = {}

    def chain(path: str, **choices: Any) -> None:  # noqa: ANN401 (whatever the command passes)
        asked.update(choices, path=path)
        raise UsageError("enough")

    monkeypatch.setattr(api, "chain", chain)
    monkeypatch.setattr(start, "_start_worker", lambda _: None)
    given = {
        "runtime": "wasm", "precision": "int8", "network": "4g", "rtt": "150ms", "down": "9Mbit/s",
        "up": "1Mbit/s", "server": "t4", "server_precision": "fp32",
    }  # fmt: skip
    options = [word for name, value in given.items() for word in ("--" + name.replace("_", "-"), value)]
    assert 2 == run("chain", "c.yaml", "-d", "m1/cpu", *options)[0]
    expected = given | {"path": "c.yaml", "client": "m1/cpu", "origin": "command line", "isolated": True}
    assert asked == expected


def test_a_bad_file_is_refused_with_all_its_problems(run: Run, tmp_path: Path) -> None:
    """Each problem is a line with its place, and the exit code is 2."""
    file = tmp_path / "bad.yaml"
    file.write_text("stages:\n  - id: a\n    model: m.onnx\n    repeat: 3\nresult: b.y\n", encoding="utf-8")
    code, out, err = run("chain", str(file))
    assert (2, "") == (code, out)
    assert err.splitlines() == [
        f"error: {file}:4:5 unknown key 'repeat'; did you mean 'repeats'?",
        f"error: {file}:5:9 there is no stage 'b'; write STAGE.output",
    ]


@pytest.mark.parametrize("model", ["missing.onnx", "folder", "noise.onnx", '"-"'])
def test_a_model_that_cannot_be_read_is_one_sentence(model: str, run: Run, tmp_path: Path) -> None:
    """A stage's model is read in the child as any other: no traceback, exit code 2."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "noise.onnx").write_bytes(b"\xff" * 100)
    file = tmp_path / "chain.yaml"
    file.write_text(f"stages:\n  - {{id: a, model: {model}}}\nresult: a.y\n", encoding="utf-8")
    code, out, err = run("chain", str(file))
    assert (2, "") == (code, out)
    assert err.startswith("error: ")
    assert "bug" not in err


def test_dims_that_a_model_lacks_are_refused(run: Run, tmp_path: Path) -> None:
    """A dimension that the graph does not have is said with the stage that binds it."""
    folder = Path(EXAMPLE).parent
    text = Path(EXAMPLE).read_text(encoding="utf-8").replace("repeats: 100", "dims: {nobody: 3} #")
    for old in ("../sd_text_encoder.onnx", "sd_unet.onnx", "sd_vae_decoder.onnx"):
        text = text.replace(f"model: {old}", f"model: {(folder / old).resolve()}")
    file = tmp_path / "chain.yaml"
    file.write_text(text, encoding="utf-8")
    code, _, err = run("chain", str(file))
    assert 2 == code
    assert err.startswith("error: stage 'unet': the model has no free dimension 'nobody'")
