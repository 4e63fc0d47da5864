"""What a shell is offered, through the protocol of its script and through bash itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from typer.completion import get_completion_script  # type: ignore[attr-defined]  # not in its stubs

import feasibility as fe
from feasibility.cli import completion, start
from feasibility.decide.compression import METHODS
from feasibility.profiles import catalog, hosts
from feasibility.profiles.models import Precision

ROOT = Path(__file__).parents[2]
COMMANDS = ["check", "profile", "diff", "chain", "devices", "networks", "limits", "calibrate", "accuracy"]

Offer = Callable[..., list[str]]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Offer:
    """Return what completes the last word, as bash asks, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("_FEASIBLE_COMPLETE", "complete_bash")

    def complete(*words: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", "\n".join(("feasible", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        assert 0 == start.main(())
        out, err = capsys.readouterr()
        assert err == ""
        return out.split()

    return complete


def touch(*names: str) -> None:
    """Make empty files, and their folders."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def test_the_first_word_is_a_command_or_a_model(offer: Offer) -> None:
    """`check` may be left out, so its models stand beside the commands."""
    touch("a.onnx", "notes.txt")
    found = offer("")
    assert set(COMMANDS) < set(found)
    assert "a.onnx" in found
    assert "notes.txt" not in found
    assert ["profile"] == offer("prof")


def test_options_come_first_too(offer: Offer) -> None:
    """The options of `check` and those of the group are offered before any model."""
    assert ["--device"] == offer("--dev")
    assert ["--version"] == offer("--vers")
    assert ["--install-completion"] == offer("--inst")


@pytest.mark.parametrize(
    "words",
    [("model.onnx", "--device"), ("check", "model.onnx", "-d"), ("-d",), ("a.onnx", "-d", "m1", "--server")],
)
def test_devices_complete_although_no_command_is_named(words: tuple[str, ...], offer: Offer) -> None:
    """The command that is left out has the option."""
    assert ["m1-pro", "m1-ultra"] == [name for name in offer(*words, "m1-") if name in {"m1-pro", "m1-ultra"}]
    assert [*fe.devices()] == [name for name in offer(*words, "") if name != "auto"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("x.onnx", "--device", "m1/"), ["m1/gpu", "m1/cpu", "m1/npu"]),
        (("x.onnx", "--device", "m1/g"), ["m1/gpu"]),
        (("x.onnx", "--device", "macbook-air-m1/c"), ["macbook-air-m1/cpu"]),
        (("x.onnx", "--device", "=", "pixel-6a"), ["pixel-6a"]),
        (("x.onnx", "--format", "="), ["text", "json", "markdown"]),
        (("x.onnx", "--network", "lighthouse-s"), ["lighthouse-slow4g"]),
        (("x.onnx", "--runtime", "webg"), ["webgpu"]),
        (("x.onnx", "--host", "cloudflare-"), ["cloudflare-pages", "cloudflare-workers"]),
        (("x.onnx", "--precision", "fp"), ["fp16", "fp32", "fp64"]),
        (("x.onnx", "--server-precision", "b"), ["bf16"]),
        (("x.onnx", "--compress", "z"), ["zstd"]),
        (("x.onnx", "--require", ""), ["client", "server"]),
        (("profile", "x.onnx", "--by", ""), ["op", "node", "module"]),
        (("profile", "x.onnx", "--convention", "f"), ["fvcore"]),
        (("devices", ""), ["list", "show", "check"]),
        (("devices", "show", "pixel-6a"), ["pixel-6a"]),
        (("devices", "--class", "p"), ["phone"]),
        (("devices", "--sort", "fp"), ["fp32", "fp16"]),
        (("networks", "show", "star"), ["starlink"]),
        (("schema", "v"), ["verdict", "vary"]),
        (("limits", "--device", "m1/n"), ["m1/npu"]),
        (("x.onnx", "--rtt", ""), []),
        (("profil", "--device", "pixel-6a"), ["pixel-6a"]),  # mistyped, which is not the time to say
    ],
)
def test_values(words: tuple[str, ...], expected: list[str], offer: Offer) -> None:
    """Ids, units, and the values of options that have a few."""
    assert expected == offer(*words)


def test_aliases_are_offered_once_something_is_typed(offer: Offer) -> None:
    """Hundreds of product names would bury the ids."""
    assert "iphone-15-pro" not in offer("x.onnx", "-d", "")
    assert "iphone-15-pro" in offer("x.onnx", "-d", "iphone-15")


def test_own_profiles_are_offered(offer: Offer) -> None:
    """Those of the project and of the user's folder stand among the built-in ones."""
    touch("hardware_profiles/board-x.yaml", "home/feasible/hardware_profiles/board-y.yml")
    assert ["board-x", "board-y"] == offer("x.onnx", "-d", "board-")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("models/",), ["models/deep/", "models/net.onnx"]),
        (("models/d",), ["models/deep/a.onnx", "models/deep/b.onnx"]),
        (("profile", "./mo"), ["./models/deep/", "./models/net.onnx"]),
        (("diff", "models/net.onnx", "models/deep/b"), ["models/deep/b.onnx"]),
        (("chain", "c"), ["chain.yaml"]),
        (("devices", "check", "b"), ["board.yml"]),
        (("x.onnx", "-d", "./b"), ["./board.yml"]),
        (("profile", "none/"), []),
        (("profile", "loop/"), []),
    ],
)
def test_files_by_their_ending(words: tuple[str, ...], expected: list[str], offer: Offer) -> None:
    """A folder is opened where nothing else fits: a shell would end the path there with a space."""
    touch("models/net.onnx", "models/deep/a.onnx", "models/deep/b.onnx", "models/readme.md")
    touch("models/.hidden.onnx", "chain.yaml", "board.yml", "loop/x.txt")
    Path("loop/again").symlink_to("../loop")
    assert expected == offer(*words)


@pytest.mark.parametrize(
    "name",
    ["a b.onnx", "$(id).onnx", "`id`.onnx", "a;b.onnx", "a'b.onnx", 'a"b.onnx', "\\$(id).onnx", "a\nb.onnx"],
)
def test_names_that_a_shell_would_evaluate_are_left_to_it(name: str, offer: Offer) -> None:
    """The script of zsh evaluates what it is offered, that of bash splits it."""
    touch(name, "plain.onnx")
    assert ["plain.onnx"] == offer("profile", "")


@pytest.mark.parametrize("folder", ["hardware_profiles", "home/feasible/hardware_profiles"])
def test_broken_profiles_do_not_disturb(folder: str, offer: Offer) -> None:
    """Nothing is parsed, so nothing can be wrong; names that are no ids are not offered."""
    touch(f"{folder}/$(id).yaml", f"{folder}/.draft.yaml", f"{folder}/notes.txt", f"{folder}/bro-ken.yaml")
    Path(f"{folder}/bro-ken.yaml").write_bytes(b"\xff\x00: [\nunits:\n\tx")
    assert ["bro-ken"] == offer("x.onnx", "-d", "bro-")
    assert [] == offer("x.onnx", "-d", "bro-ken/")
    assert "auto" in offer("x.onnx", "-d", "")


def test_lists_are_those_of_the_program() -> None:
    """What is listed without loading a profile is what loading would find."""
    assert [*catalog.device_ids()] == completion.devices("")[1:]
    assert [*catalog.network_ids()] == completion.networks("")
    assert [*catalog.runtime_ids()] == completion.runtimes()
    assert [*hosts.host_ids()] == completion.hosts()
    assert sorted(METHODS) == completion.methods()
    assert sorted((*get_args(Precision), "as-stored")) == completion.precisions()


def test_units_and_aliases_are_those_of_the_profiles() -> None:
    """The look at the text finds what parsing finds, for every device."""
    offered = completion.devices("x")
    for device in catalog.devices():
        assert [f"{device.id}/{unit}" for unit in device.units] == completion.devices(f"{device.id}/")
        assert set(device.aliases) <= set(offered)


def test_zsh_and_fish_ask_in_their_own_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their scripts pass the line, and get their own forms."""
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "feasible x.onnx --device pixel-6a")
    monkeypatch.setenv("_FEASIBLE_COMPLETE", "complete_zsh")
    assert 0 == start.main(())
    assert "_arguments '*: :((\"pixel-6a\"))'\n" == capsys.readouterr().out

    monkeypatch.setenv("_FEASIBLE_COMPLETE", "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert 0 == start.main(())
    assert "pixel-6a\n" == capsys.readouterr().out


def test_completing_starts_no_child_and_loads_typer_only() -> None:
    """A key must not wait for onnx, pydantic or rich."""
    words = "feasible\nx.onnx\n--device\nm1/"
    code = (
        "import subprocess, sys\n"
        "subprocess.Popen = None\n"
        "from feasibility.cli.start import main\n"
        "code = main()\n"
        "print(code, sorted({'onnx', 'pydantic', 'rich', 'yaml', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"_FEASIBLE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "m1/gpu\nm1/cpu\nm1/npu\n0 []\n" == done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("model.onnx", "--device", "pixel-6a"), ["pixel-6a"]),
        (("examples/sd",), ["examples/sd_text_encoder.onnx"]),
        (("model.onnx", "--device", "=", "m1/g"), ["m1/gpu"]),
    ],
)
def test_bash_completes_with_the_script_that_is_shown(
    words: tuple[str, ...], expected: list[str], tmp_path: Path
) -> None:
    """The script of --show-completion runs in a real bash."""
    program = tmp_path / "feasible"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m feasibility.cli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = f"""
source <(SHELL=bash feasible --show-completion)
COMP_WORDS=(feasible {" ".join(words)}) COMP_CWORD={len(words)}
_feasible_completion feasible
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert expected == done.stdout.split()
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_the_script_of_each_shell_asks_this_program(shell: str) -> None:
    """The variable of the scripts is the one that the command looks at before all else."""
    script = get_completion_script(prog_name="feasible", complete_var=start._COMPLETING, shell=shell)
    assert re.search(rf"{start._COMPLETING}\W*complete_{shell}", script)
