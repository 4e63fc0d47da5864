"""Hold README.md and docs/ to what the program does."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import feasibility as fe
from feasibility.errors import ExitCode
from feasibility.gate import source
from feasibility.gate.config import Budget
from feasibility.loader import files, isolate, wire

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
_CONSOLE = re.compile(r"(?ms)^```console\n\$ (?P<command>[^\n]+)\n(?P<output>.*?)^```$")
_TOUR = re.compile(r"(?ms)^```console tour\n(?P<steps>.*?)^```$")
_STEP = re.compile(r"(?m)^\$ (?P<command>[^\n]+)\n(?P<output>(?:(?!\$ ).*\n)*)")
_PYTHON = re.compile(r"(?ms)^```python\n(?P<code>.*?)^```$")
_LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#]+)")


def run(command: str) -> str:
    """Run a command of the README from the repository's folder, piped."""
    words = shlex.split(command)
    assert words[0] == "feasible"
    done = subprocess.run(
        [sys.executable, "-m", "feasibility.cli", *words[1:]],
        cwd=ROOT,
        env=os.environ | {"XDG_CONFIG_HOME": str(ROOT / "nobody")},  # no profiles of the reader's own
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "essay.md"], ids=lambda page: page.name)
def test_outputs_are_what_the_commands_print(page: Path, request: pytest.FixtureRequest) -> None:
    """Every console block holds exactly what its command prints today."""
    text = page.read_text(encoding="utf-8")
    found = list(_CONSOLE.finditer(text))
    assert found
    if request.config.getoption("--regenerate"):
        fresh = _CONSOLE.sub(lambda m: f"```console\n$ {m['command']}\n{run(m['command'])}```", text)
        page.write_text(fresh, encoding="utf-8")
        return
    for block in found:
        assert run(block["command"]) == block["output"]


def follow(commands: list[str], folder: Path) -> list[str]:
    """Run the commands of a tour one after the other, the examples at hand; return what each says."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    env = os.environ | {"PATH": path, "XDG_CONFIG_HOME": str(ROOT / "nobody")}
    return [
        subprocess.run(
            ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False
        ).stdout
        for command in commands
    ]


def test_the_tour_of_the_readme_goes_as_it_says(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """From the first budgets to a gate that fails and to the change that it proposes, in one folder."""
    text = README.read_text(encoding="utf-8")
    steps = [step for block in _TOUR.finditer(text) for step in _STEP.finditer(block["steps"])]
    said = follow([step["command"] for step in steps], tmp_path)
    if request.config.getoption("--regenerate"):
        outputs = iter(said)
        fresh = _TOUR.sub(
            lambda block: (
                "```console tour\n"
                + _STEP.sub(lambda step: f"$ {step['command']}\n{next(outputs)}", block["steps"])
                + "```"
            ),
            text,
        )
        README.write_text(fresh, encoding="utf-8")
        return
    assert said == [step["output"] for step in steps]
    assert [
        line for output in said for line in output.splitlines() if line.startswith("feasible gate: ")
    ] == [
        "feasible gate: passed, 10 budgets hold for 1 model.",
        "feasible gate: not passed, 1 of 10 budgets is over",
        "feasible gate: passed, 10 budgets hold for 1 model.",
    ]


def test_intervals_in_the_prose_of_the_readme_are_those_that_are_printed() -> None:
    """What "How to read it" quotes stands in a console block."""
    text = README.read_text(encoding="utf-8")
    printed = " ".join(block["output"] for block in _CONSOLE.finditer(text))
    quoted = re.findall(r"\*\*([\d.]+ \w+ \([^)]* to [^)]*\))\*\*", text)

    assert quoted
    assert [] == [interval for interval in quoted if interval not in printed]


def gate_config() -> str:
    """Return the config that docs/gate.md shows."""
    shown = re.search(r"(?ms)^```yaml\n(.*?)^```$", (ROOT / "docs" / "gate.md").read_text(encoding="utf-8"))
    assert shown is not None
    return shown[1]


@pytest.fixture
def _reader(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand where a reader stands: the examples, a model of one's own, and the board of docs/profiles.md."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "model.onnx").symlink_to(ROOT / "examples" / "sd_text_encoder.onnx")
    board = re.search(
        r"(?ms)^```yaml\n(.*?)^```$", (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")
    )
    assert board is not None
    (tmp_path / "board.yaml").write_text(board[1], encoding="utf-8")
    (tmp_path / "feasible.yaml").write_text(gate_config(), encoding="utf-8")


def blocks(page: Path) -> list[str]:
    """Return the Python of a page, block by block."""
    return [found["code"] for found in _PYTHON.finditer(page.read_text(encoding="utf-8"))]


@pytest.mark.usefixtures("_reader")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: str(page.name))
def test_python_in_the_pages_runs(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The Python blocks of a page run in order; the README's print the count of the essay's model."""
    names: dict[str, object] = {}
    for code in blocks(page):
        exec(compile(code, page.name, "exec", dont_inherit=True), names)  # noqa: S102 (our own page)
    assert page != README or "6649251840" in capsys.readouterr().out


@pytest.mark.usefixtures("_reader")
def test_the_device_of_the_profiles_page_is_fine() -> None:
    """The YAML that a reader copies loads without a problem, and a model runs on it."""
    assert fe.decide("model.onnx", client="board.yaml").client.device == "board"


@pytest.mark.usefixtures("_reader")
def test_the_config_of_the_gate_page_is_fine() -> None:
    """What a reader copies has no problem, and every rule there is stands in the page."""
    config = source.find().config
    budget, growth = config.models[0].budget, config.models[0].growth
    assert all(getattr(budget, name) is not None for name in Budget.model_fields)
    assert growth.download is not None
    rows = re.findall(r"(?m)^\| (`.*?) \|", (ROOT / "docs" / "gate.md").read_text(encoding="utf-8"))
    assert set(Budget.model_fields) <= set(re.findall(r"`(\w+)`", " ".join(rows)))


def test_limits_in_the_security_page_are_those_of_the_code() -> None:
    """The table of limits says what the constants say."""
    limits = {
        "graph without its weights": f"{wire.MAX_GRAPH_BYTES // 2**20} MiB",
        "protobuf fields looked at": f"{wire.MAX_FIELDS // 10**6} million",
        "messages inside messages": str(wire.MAX_DEPTH),
        "standard input": f"{-(-files.MAX_PIPED_BYTES // 2**30)} GiB",
        "memory of the child process": f"{isolate.MEMORY_LIMIT_BYTES // 2**20} MiB of its own",
        "time of the child process": (
            f"{isolate.CPU_LIMIT_S} s of CPU, {isolate.WALL_LIMIT_S:.0f} s by the clock"
        ),
    }
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"(?m)^\| ([a-z ]+) \| ([^|]+) \| [^|]+ \|$", text.partition("## Limits")[2]))
    assert limits == {name: told[name] for name in limits}


def test_the_catalog_in_the_changelog_is_counted_right() -> None:
    """The changelog names as many devices, runtimes and networks as there are."""
    said = f"{len(fe.devices())} devices, {len(fe.runtimes())} runtimes and {len(fe.networks())} networks"
    assert said in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_first_two_commands_are_demo_and_test() -> None:
    """A reader meets `make demo` and `make test` before any other command."""
    block = re.search(r"(?ms)^```\n(.*?)^```$", README.read_text(encoding="utf-8"))
    assert block is not None
    assert [line.split()[:2] for line in block[1].splitlines()] == [["make", "demo"], ["make", "test"]]
    assert block.start() < README.read_text(encoding="utf-8").index("```console")


def test_demo_in_the_makefile_is_the_command_of_the_readme() -> None:
    """`make demo` runs the command whose output the README shows."""
    shown = _CONSOLE.search(README.read_text(encoding="utf-8"))
    assert shown is not None
    assert f"$(BIN)/{shown['command']}" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_exit_codes_in_the_readme_are_all_of_them() -> None:
    """The table of exit codes lists each code of the program, and no other."""
    rows = re.findall(r"(?m)^\| (\d+) \|", README.read_text(encoding="utf-8"))
    assert [int(row) for row in rows] == [code.value for code in ExitCode]


def test_medians_in_the_readme_are_those_of_the_accuracy_page() -> None:
    """What the README says of held-out families spans the table's medians, to the percent."""
    page = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    table = page.partition("## Runtimes, families held out")[2].partition("\n## ")[0]
    rows = [row.split("|") for row in re.findall(r"(?m)^\| .* % \|$", table)]
    ours, alone = ([float(row[at].strip(" %")) for row in rows] for at in (4, 8))
    said = (
        f"by {min(alone):.0f} to {max(alone):.0f} % (medians), "
        f"this formula by {min(ours):.0f} to {max(ours):.0f} %"
    )
    assert len(rows) == 11
    assert said in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_links_lead_to_files(page: Path) -> None:
    """Every relative link of a page leads to a file of the repository."""
    for match in _LINK.finditer(page.read_text(encoding="utf-8")):
        assert (page.parent / match["path"]).exists(), match["path"]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: str(page.name))
def test_rates_are_written_flop_per_second(page: Path) -> None:
    """No page writes FLOPS, which could be a count or a rate."""
    assert re.search(r"FLOPS\b", page.read_text(encoding="utf-8")) is None
