from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feasibility import api
from feasibility.cli import start
from feasibility.cost import ModelCost
from feasibility.errors import ModelError
from tests.timing_parts import model, work

Run = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "figures.md"
_COMMAND = re.compile(r"(?m)^```\n(feasible plot .*)\n```$")
_TEXT = re.compile(r"<!-- (.*?) -->")  # what matplotlib writes beside the outlines of each text


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace reading by a model of one product, and record what was asked."""
    asked: list[dict[str, Any]] = []

    def profile(path: str, **choices: Any) -> ModelCost:  # noqa: ANN401 (whatever the command passes)
        if path == "broken.onnx":
            raise ModelError("broken")
        asked.append({"path": path, **choices})
        return model(work(10**9), download_bytes=10**6)

    monkeypatch.setattr(start, "_start_worker", lambda _: None)
    monkeypatch.setattr(api, "profile", profile)
    return asked


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str],
    read: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    """Return a runner of `plot` in an empty folder that gives exit code, output and talk."""
    assert not read
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[int, str, str]:
        code = start.main(["plot", *words])
        return code, *capsys.readouterr()

    return command


def test_a_figure_is_written_and_named(run: Run, tmp_path: Path, read: list[dict[str, Any]]) -> None:
    """One line on standard output says what the file shows; --dim reaches the reader."""
    code, out, err = run("roofline", "m.onnx", "-d", "m1/cpu", "--dim", "n=2", "-o", "r.svg")
    assert (code, err) == (0, "")
    assert out == "r.svg: Roofline: m.onnx on m1 cpu, onnxruntime-cpu, fp32\n"
    assert [each.name for each in tmp_path.iterdir()] == ["r.svg"]
    assert (tmp_path / "r.svg").read_bytes().startswith(b"<?xml")
    assert read[0]["dims"] == {"n": 2}


def test_the_ending_says_the_format(run: Run, tmp_path: Path) -> None:
    """A .PNG is one."""
    assert run("race", "m.onnx", "--calls", "7", "-o", "r.PNG")[0] == 0
    assert (tmp_path / "r.PNG").read_bytes().startswith(b"\x89PNG")


def test_a_dash_writes_svg_to_standard_output(run: Run, tmp_path: Path) -> None:
    """Nothing but the figure is written, and no file."""
    code, out, err = run("history", "--rtt", "20ms", "-o", "-")
    assert (code, err) == (0, "")
    assert out.startswith("<?xml")
    assert out.endswith("</svg>\n")
    assert not list(tmp_path.iterdir())


def test_choices_reach_the_figure(run: Run) -> None:
    """The rows of 0 are all, depth goes down, and a precision is drawn."""
    assert (
        "fp16"
        in run("modules", "m.onnx", "--top", "0", "--depth", "1", "--precision", "fp16", "-o", "m.svg")[1]
    )
    assert "on m1" in run("memory", "m.onnx", "-d", "m1", "-o", "m.svg")[1]
    assert ", as stored, needs" in run("memory", "m.onnx", "--precision", "as-stored", "-o", "m.svg")[1]


def test_a_map_takes_spans(run: Run) -> None:
    """Both axes may be named, first calls or averages are compared, and a single value is refused."""
    spans = ("--rtt", "10ms..20ms", "--down", "1Mbit/s..2Mbit/s")
    assert "the first call on either side" in run("crossover", "m.onnx", *spans, "-o", "-")[1]
    assert (
        "the average call on either side" in run("crossover", "m.onnx", "--calls", "9", *spans, "-o", "-")[1]
    )
    assert run("crossover", "m.onnx", *spans, "-o", "c.svg")[1] == (
        "c.svg: m.onnx, m1 gpu against a100: server everywhere, for the first call; "
        "--calls N shares the download\n"
    )
    code, _, err = run("crossover", "m.onnx", "--rtt", "10ms", "-o", "c.svg")
    assert (code, err) == (
        2,
        "error: --rtt 10ms is one value, and a map is over many\nhint: like --rtt 5ms..1s\n",
    )


def test_the_help_says_what_a_map_compares(run: Run) -> None:
    """Who asks for a map without a number of calls gets one of first calls."""
    out = " ".join(run("--help")[1].split())
    assert "crossover compares first calls, download included, unless --calls N shares the download." in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("rooflin", "m.onnx", "-o", "r.svg"),
            "error: there is no figure 'rooflin'\nhint: did you mean roofline?\n",
        ),
        (
            ("x", "m.onnx", "-o", "r.svg"),
            "error: there is no figure 'x'\nhint: one of roofline, race, crossover",
        ),
        (("race", "-o", "r.svg"), "error: race needs a model\nhint: like: feasible plot race model.onnx"),
        (("race", "m.onnx", "-o", "r.pdf"), "error: 'r.pdf' ends in '.pdf', and figures are .svg or .png\n"),
        (
            ("race", "broken.onnx", "-o", "no/r.svg"),
            "error: 'no/r.svg' cannot be written: there is no folder 'no'\n",
        ),
        (("history", "m.onnx", "-o", "r.svg"), "error: history is of chips, and 'm.onnx' is named\n"),
        (("history", "--calls", "3", "-o", "r.svg"), "error: --calls does not go with history\n"),
        (("roofline", "m.onnx", "--rtt", "9ms", "-o", "r.svg"), "error: --rtt does not go with roofline\n"),
        (("memory", "m.onnx", "--top", "0", "-o", "r.svg"), "error: --top does not go with memory\n"),
        (
            ("memory", "m.onnx", "--runtime", "metal", "-o", "r.svg"),
            "error: a runtime is given, and no device\n",
        ),
        (("race", "m.onnx"), "error: missing option '-o' / '--out'\n"),
        (("race", "broken.onnx", "-o", "r.svg"), "error: broken\n"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(
    words: tuple[str, ...], said: str, run: Run, tmp_path: Path
) -> None:
    """Exit code 2, nothing on standard output, and a figure that was there stays as it was."""
    (tmp_path / "r.svg").write_text("before")
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith(said)
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]


def commands() -> list[list[str]]:
    """Return the words of each command on the page of figures."""
    return [shlex.split(found)[1:] for found in _COMMAND.findall(PAGE.read_text(encoding="utf-8"))]


def test_the_page_shows_every_figure() -> None:
    """Each command writes a file of docs/figures that the page embeds."""
    page = PAGE.read_text(encoding="utf-8")
    files = [words[-1].removeprefix("docs/") for words in commands()]
    assert sorted(files) == sorted(f"figures/{file.name}" for file in (ROOT / "docs" / "figures").iterdir())
    assert [file for file in files if f"]({file})" not in page] == []


@pytest.mark.parametrize("words", commands(), ids=lambda words: words[1])
def test_the_figures_of_the_page_are_those_of_today(
    words: list[str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every sentence in a figure of docs/figures is what its command draws now (--regenerate draws anew)."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(ROOT / "nobody"))  # no profiles of the reader's own
    if request.config.getoption("--regenerate"):
        assert start.main(words) == 0
    assert start.main([*words[:-1], "-"]) == 0
    assert sentences(Path(words[-1]).read_text(encoding="utf-8")) == sentences(capsys.readouterr().out)


def sentences(svg: str) -> list[str]:
    """Return the texts of a figure but for ticks, which are matplotlib's choice."""
    return [text for text in _TEXT.findall(svg) if " " in text]
