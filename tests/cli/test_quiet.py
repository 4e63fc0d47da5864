"""-q: one line for a script, however long it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from feasibility.cli.start import main

ROOT = Path(__file__).parents[2]
MODEL = "examples/sd_text_encoder.onnx"
SMALL = "tests/corpus/timm/test_vit_160.onnx"


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def line(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the only line that a command writes."""
    assert 0 == main(list(words))
    out, err = capsys.readouterr()
    assert err == ""
    [only] = out.splitlines()
    return only


def test_a_profile_is_its_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """What the essay counts (6.65 G FMA), parameters, bytes, and the size that was assumed."""
    assert (
        f"{MODEL}: 6.65 G FMA, 13.3 GFLOP a pass; 123 M parameters (492 MB as stored). "
        "Assumed batch=1 (--dim NAME=N sets it)."
    ) == line(capsys, "profile", MODEL, "-q")


def test_a_profile_without_assumptions_ends_with_its_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is assumed where every size is given."""
    assert line(capsys, "profile", MODEL, "-q", "--dim", "batch=2").endswith(" (492 MB as stored).")


def test_a_diff_is_the_change_of_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    """Both names, and what the work was and is."""
    said = line(capsys, "diff", MODEL, SMALL, "--quiet")
    assert said.startswith(f"{MODEL} -> {SMALL}: 13.3 GFLOP to 77.5 MFLOP a pass, -13.3 GFLOP (-99.4 %)")
    assert "nothing changed" in line(capsys, "diff", SMALL, SMALL, "-q")


def test_limits_are_what_probably_fits(capsys: pytest.CaptureFixture[str]) -> None:
    """The middle column of the table, and the bytes of the weights that are allowed."""
    asked = ("limits", "--device", "pixel-6a", "--deadline", "30ms", "--max-download", "50MB")
    said = line(capsys, *asked, "-q")
    assert 0 == main([*asked, "--format", "json"])
    fits = json.loads(capsys.readouterr().out)["fits"]
    assert said.startswith("pixel-6a cpu, ncnn-cpu, fp16: in 30 ms probably MobileNetV2 ")
    assert said.endswith("; 50 MB of weights.")
    assert all(f"{fit['kind']} " in said for fit in fits)


def test_nothing_that_fits_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """A microsecond is less than one operator of a transformer takes."""
    said = line(capsys, "limits", "--device", "pixel-6a", "--deadline", "1us", "-q")
    assert ", ViT-B/16 none; " in said


@pytest.mark.parametrize("command", [("profile", SMALL), ("diff", SMALL, SMALL)])
def test_programs_get_all(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """-q is about words: JSON is the same with it."""
    assert 0 == main([*command, "--format", "json"])
    whole = capsys.readouterr().out
    assert 0 == main([*command, "--format", "json", "-q"])
    assert whole == capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--by", "node"), "--by does not go with --quiet"),
        (("--top", "3"), "--top does not go with --quiet"),
        (("--cross-check",), "--cross-check does not go with --quiet"),
        (("--convention", "fvcore"), "--convention does not go with --quiet"),
        (("--vary", "batch=1,2"), "--quiet does not go with --vary"),
    ],
)
def test_what_needs_more_lines_is_refused(
    options: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that would say nothing is no silent one."""
    assert 2 == main(["profile", MODEL, "-q", *options])
    assert capsys.readouterr().err.startswith(f"error: {sentence}\n")


def test_a_name_with_a_line_break_stays_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file cannot forge a second line."""
    model = tmp_path / "a\nclient (99 % sure).onnx"
    model.write_bytes((ROOT / SMALL).read_bytes())
    assert "a\\x0aclient (99 % sure).onnx: " in line(capsys, "profile", str(model), "-q")
