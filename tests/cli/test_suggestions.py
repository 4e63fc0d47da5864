"""A word that is nearly another one: the answer says which was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from feasibility.cli import start
from feasibility.cli.start import main

ROOT = Path(__file__).parents[2]
MODEL = "examples/sd_text_encoder.onnx"


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in the repository, without profiles of one's own."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    """Return the error and the hint of a command that fails with 2 and without output."""
    assert 2 == main(list(words))
    out, err = capsys.readouterr()
    assert out == ""
    [error, hint] = err.splitlines()
    return error.removeprefix("error: "), hint.removeprefix("hint: ")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ((MODEL, "--device", "m11"), "did you mean 'm1'? list all with: feasible devices"),
        (
            (MODEL, "--device", "iphone-15-por"),
            "did you mean 'iphone-15-pro'? list all with: feasible devices",
        ),
        ((MODEL, "--device", "m1/gpuu"), "did you mean 'gpu'? its units: gpu, cpu, npu"),
        ((MODEL, "--server", "a1000"), "did you mean 'a100'? list all with: feasible devices"),
        ((MODEL, "--network", "4gg"), "did you mean '4g'? list all with: feasible networks"),
        ((MODEL, "--runtime", "wgpu"), "did you mean 'webgpu'? "),
        ((MODEL, "--host", "cloudflare-page"), "did you mean 'cloudflare-pages'? "),
        ((MODEL, "--precision", "int88"), "did you mean 'int8'? one of fp64, fp32, "),
        ((MODEL, "--server-precision", "pf16"), "did you mean 'fp16'? one of fp64, fp32, "),
        (("limits", "--device", "m11", "--deadline", "1s"), "did you mean 'm1'? "),
        (("devices", "show", "pixel-6aa"), "did you mean 'pixel-6a'? "),
        (("networks", "show", "starlnk"), "did you mean 'starlink'? "),
        (("examples/sd_text_encodr.onnx",), f"did you mean '{MODEL}'?"),
        (("diff", MODEL, "examples/sd_text_encodr.onnx"), f"did you mean '{MODEL}'?"),
    ],
)
def test_names_of_things(words: tuple[str, ...], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Devices by id and alias, units, servers, links, runtimes, hosts, precisions, files."""
    assert told(capsys, *words)[1].startswith(hint)


@pytest.mark.parametrize(
    ("words", "near"),
    [
        ((MODEL, "--format", "jsn"), "json"),
        ((MODEL, "--format", "JSON"), "json"),
        (("profile", MODEL, "--by", "modul"), "module"),
        ((MODEL, "--require", "clint"), "client"),
        (("devices", "--sort", "fp23"), "fp32"),
        (("devices", "--class", "phnoe"), "phone"),
        (("devices", "--unit", "gpuu"), "gpu"),
        (("schema", "verdit"), "verdict"),
        (("profile", MODEL, "--convention", "torchvison"), "torchvision"),
        ((MODEL, "--devic", "m1"), "--device"),
        (("profile", MODEL, "--percision", "fp16"), "--precision"),
        (("--versoin",), "--version"),
    ],
)
def test_values_and_options(words: tuple[str, ...], near: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The few values that an option takes, and options, those of the group among them."""
    assert f"did you mean {near}?" == told(capsys, *words)[1]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("plto",), "did you mean: feasible plot"),
        (("check-profile", "x.yaml"), "did you mean: feasible check-profiles"),
        (("help",), "did you mean: feasible --help"),
        (("version",), "did you mean: feasible --version"),
        (("devices", "shwo", "m1"), "did you mean: feasible devices show m1"),
        (("devices", "lst"), "did you mean: feasible devices list"),
        (("networks", "shwo"), "did you mean: feasible networks show"),
        (("show", "m1"), "did you mean: feasible devices show"),
        (("devices", "m1"), "show it: feasible devices show m1; search: feasible devices --search m1"),
        (("networks", "list", "4g"), "one of them: feasible networks show 4g"),
    ],
)
def test_commands_and_actions(words: tuple[str, ...], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What follows is a command that can be typed."""
    assert hint == told(capsys, *words)[1]


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("list", "pixle"), "pixel"),
        (("--search", "ifone"), "iphone"),
        (("--search", "iphnoe 15"), "iphone-15"),
        (("--vendor", "Aple"), "apple"),
    ],
)
def test_searches_that_find_nothing(
    words: tuple[str, ...], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The words of ids and aliases, and makers, are what is compared."""
    assert f"did you mean {near!r}? list all with: feasible devices" == told(capsys, "devices", *words)[1]


def test_a_search_that_two_conditions_empty_is_not_guessed_at(capsys: pytest.CaptureFixture[str]) -> None:
    """Either of them may be the wrong one."""
    assert (
        "list all with: feasible devices" == told(capsys, "devices", "--vendor", "apple", "--class", "mcu")[1]
    )


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ((MODEL, "--by", "op"), "it belongs to: feasible profile"),
        (("profile", MODEL, "--strict"), "it belongs to: feasible check"),
        ((MODEL, "--zzzzzz"), "feasible --help lists commands and options"),
        (("profile",), "like: feasible profile model.onnx --by module --top 10"),
        (
            ("limits", "--device", "m1"),
            "like: feasible limits --device pixel-6a --deadline 30ms --max-download 25MB",
        ),
        ((MODEL, "--calls", "many"), "feasible --help lists commands and options"),
    ],
)
def test_the_next_step(words: tuple[str, ...], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whose option it is, an example of what is missing, else where everything is listed."""
    assert hint == told(capsys, *words)[1]


@pytest.mark.parametrize("word", ["x" * 100_000, "--" + "x" * 100_000])
def test_a_long_word_is_compared_quickly(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the beginning of a word is compared, so that no input keeps the program busy."""
    assert told(capsys, MODEL, word)[0]
    assert told(capsys, MODEL, "--format", word)[0]


def test_a_hostile_word_is_shown_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """A word with an escape sequence cannot colour the terminal."""
    for words in ((MODEL, "--\x1b[31m"), ("devices", "\x1b[31m"), ("networks", "list", "\x1b[31m")):
        assert "\x1b" not in " ".join(told(capsys, *words))


def test_only_commands_that_read_a_model_start_the_child() -> None:
    """Catalogs, schemas, limits and questions of a shell wait for no onnx."""
    for words in (
        ["limits"],
        ["devices"],
        ["networks"],
        ["schema"],
        ["check-profiles"],
        ["--show-completion"],
    ):
        assert start._start_worker(words) is None
