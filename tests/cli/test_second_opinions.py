from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from feasibility.cli import options, start
from feasibility.conventions import TOOLS
from feasibility.errors import ExitCode
from feasibility.loader import crosscheck
from feasibility.loader.crosscheck import Opinion

MODEL = str(Path(__file__).parents[1] / "corpus" / "resnet18_224.onnx")
FMAS = 1_814_073_344  # tests/test_profiler.py; torchvision publishes 1.814
Profile = Callable[..., str]


@pytest.fixture
def profile(capsys: pytest.CaptureFixture[str]) -> Profile:
    """Return `feasible profile MODEL ...`, which must answer and say nothing else."""

    def command(*words: str) -> str:
        assert start.main(["profile", MODEL, *words]) == ExitCode.ANSWERED
        out, talk = capsys.readouterr()
        assert talk == ""
        return out

    return command


def test_options_name_the_conventions_there_are() -> None:
    """`--convention` takes exactly the tools that can be counted as."""
    assert [tool.value for tool in options.Tool] == list(TOOLS)


def test_text_adds_what_was_asked(profile: Profile) -> None:
    """The usual answer comes first and unchanged; the convention and the cross-check follow."""
    usual = profile()
    both = profile("--convention", "torchvision", "--cross-check")
    assert both.startswith(usual)
    assert f"As torchvision counts: {FMAS:,} multiply-adds." in both
    assert "conventions explain every difference." in " ".join(both.split())
    assert "GlobalAveragePool: 1 per input and 4 for" in both


def test_json_holds_both(profile: Profile) -> None:
    """`convention` and `cross_check` are objects where asked, else null."""
    usual = json.loads(profile("--format", "json"))
    both = json.loads(profile("--format", "json", "--convention", "torchvision", "--cross-check"))
    assert (usual["convention"], usual["cross_check"]) == (None, None)
    assert both["convention"]["total"] == FMAS
    assert sum(row["fmas"] for row in both["cross_check"]["rows"]) == FMAS


def test_markdown_adds_a_list_and_a_table(profile: Profile) -> None:
    """Each second opinion stands under a title of its own."""
    said = profile("--format", "markdown", "--convention", "fvcore", "--cross-check")
    assert "\n\n**Second opinion**\n" in said
    assert "\n\n**onnx-tool**\n" in said


def test_a_failure_of_onnx_tool_is_a_note(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command answers as ever when onnx-tool gives no count."""
    monkeypatch.setattr(crosscheck, "ask", lambda *_: Opinion(failure="it took more than 60 s"))
    said = profile("--cross-check")
    assert said.endswith("No second opinion.\nNotes:\n  - onnx-tool gives no count: it took more than 60 s\n")


def test_standard_input_cannot_be_cross_checked() -> None:
    """A piped model is read once; the second reading is refused in a sentence."""
    done = subprocess.run(
        [sys.executable, "-m", "feasibility.cli", "profile", "-", "--cross-check"],
        input=Path(MODEL).read_bytes(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (ExitCode.BAD_INPUT, b"")
    assert b"reads the model file again, and '-' is none" in done.stderr


def test_nobody_pays_for_what_was_not_asked() -> None:
    """Without the options, neither the conventions nor the asking of onnx-tool is loaded."""
    code = (
        "import sys; from feasibility.cli.start import main\n"
        f"main(['profile', {MODEL!r}])\n"
        "found = [n for n in sys.modules if 'crosscheck' in n or 'conventions' in n]\n"
        "sys.stderr.write(' '.join(sorted(found)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "feasibility.report.text_crosscheck"
