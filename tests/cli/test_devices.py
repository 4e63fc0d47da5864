from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from feasibility import api
from feasibility.cli import options, start
from feasibility.profiles import models
from feasibility.views import devices as views
from tests.samples import cost

Run = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).parent.parent.parent
BOARD = """\
name: "{name}"
vendor: "{vendor}"
class: {class_}
year: {year}
default_unit: cpu
units:
  cpu:
    name: "4 cores"
    kind: cpu
    peaks:
      fp32: {{value: "{fp32}", evidence: measured, source: "a bench"}}
    bandwidth: {{value: "4 GB/s", evidence: vendor, source: "data sheet"}}
    runtimes: [ncnn-cpu]
  npu:
    name: "an accelerator"
    kind: npu
    peaks:
      fp16: {{value: "1 TFLOP/s", evidence: derived, source: "half of int8"}}
      int8: {{value: "2 TOP/s", evidence: vendor, source: "data sheet", date: 2024-05-01, note: "dense"}}
    bandwidth: {{value: "4 GB/s", evidence: estimate, source: "as the CPU"}}
    runtimes: [qnn-npu]
memory:
  capacity: {{value: "{memory}", evidence: vendor, source: "data sheet"}}
aliases: [{aliases}]
"""
SLOW = {"name": "Slow board", "vendor": "Acme", "class_": "edge", "year": 2020, "fp32": "9 GFLOP/s",
        "memory": "512 MB", "aliases": "tiny-one, tiny-two"}  # fmt: skip
FAST = {"name": "=Fast phone", "vendor": "Other", "class_": "phone", "year": 2024, "fp32": "40 GFLOP/s",
        "memory": "8 GB", "aliases": "quick-one"}  # fmt: skip
TERMS = """\
    threads: 3
    coefficients:
      ncnn-cpu:
        fp32:
          efficiency: {dense: 0.5, pointwise: 0.25, depthwise: 0.125, matmul: 0.75}
          bandwidth_share: {weights: 0.4, activations: 0.3}
          light_bandwidth_share: null
          overhead: "2 us"
          light_overhead: "1 us"
          constant: "3 us"
          sigma: 0.05
          n: 57
          evidence: measured-here
          source: "57 timings by hand"
          date: 2026-11-27
  npu:
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a runner of `feasible devices` that gives exit code, output and talk."""

    def command(*words: str) -> tuple[int, str, str]:
        code = start.main(("devices", *words))
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def boards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand where two devices are known and none is built in."""
    folder = tmp_path / "hardware_profiles"
    folder.mkdir()
    for name, fields in (("slow", SLOW), ("fast", FAST)):
        (folder / f"{name}.yaml").write_text(BOARD.format(**fields), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    runtimes = tmp_path / "built in" / "hardware_profiles" / "runtimes"
    runtimes.parent.mkdir(parents=True)
    runtimes.symlink_to(ROOT / "hardware_profiles" / "runtimes")
    built_in = (tmp_path / "built in").joinpath
    monkeypatch.setattr("feasibility.folders.built_in_folder", lambda folder: built_in(*folder))
    return folder


def ids(output: str) -> list[str]:
    """Return the first word of each row of a text table."""
    return [line.split()[0] for line in output.splitlines()[1:] if line[0] != " "]


@pytest.mark.usefixtures("boards")
def test_a_pipe_gets_the_whole_table(run: Run) -> None:
    """Every column, one line a device, the weakest evidence of peak and bandwidth, nothing cut."""
    code, out, err = run()
    head, fast, slow, *footer = out.splitlines()
    assert (code, err) == (0, "")
    assert head.split() == [
        "id", "class", "year", "units", "fp32", "fp16", "int8", "bandwidth", "memory", "evidence", "name",
    ]  # fmt: skip
    assert re.split(r"  +", slow) == [
        "slow", "edge", "2020", "cpu npu", "9 GFLOP/s", "-", "-", "4 GB/s", "512 MB", "vendor", "Slow board",
    ]  # fmt: skip
    assert fast.startswith("fast  phone")
    assert "auto is this machine: --device auto" in " ".join(footer)
    assert all(line.startswith("  ") for line in footer)


@pytest.mark.usefixtures("boards")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--search", "tiny"), ["slow"]),
        (("list", "PHONE"), ["fast"]),
        (("list", "board", "--search", "slow 4"), ["slow"]),
        (("--class", "phone"), ["fast"]),
        (("--vendor", "acme"), ["slow"]),
        (("--unit", "npu"), ["fast/npu", "slow/npu"]),
        (("--unit", "cpu"), ["fast", "slow"]),
        (("--sort", "id"), ["fast", "slow"]),
        (("--sort", "fp32"), ["fast", "slow"]),
        (("--sort", "memory"), ["fast", "slow"]),
        (("--sort", "year"), ["fast", "slow"]),
        (("--sort", "bandwidth", "--unit", "cpu"), ["fast", "slow"]),
    ],
)
def test_what_is_asked_for_is_listed(words: tuple[str, ...], found: list[str], run: Run) -> None:
    """A word is looked for in ids, names, makers, aliases and units; all words have to be there."""
    code, out, _ = run(*words)
    assert (code, ids(out)) == (0, found)


@pytest.mark.usefixtures("boards")
def test_a_search_shows_the_names_that_it_met(run: Run) -> None:
    """Where an alias matched and the row does not show it, it is named below."""
    assert "  slow: tiny-one, tiny-two\n" in run("--search", "tiny")[1]
    assert "tiny" not in run("--search", "slow")[1]


def test_numbers_are_sorted_from_the_largest_and_missing_ones_come_last() -> None:
    """By rate, not by its text; equal ones and those without a rate by id."""

    def row(id_: str, rate: float | None) -> Any:  # noqa: ANN401 (a row of which one rate counts)
        peaks = {} if rate is None else {"int8": rate}
        device = type("Device", (), {"id": id_, "default_unit": "cpu"})
        return type("Row", (), {"name": id_, "device": device, "peak": lambda _, p: peaks.get(p)})()

    rows = [row("none", None), row("b", 9e9), row("most", 1.1e12), row("a", 9e9)]
    assert [found.name for found in views.ordered(rows, "int8")] == ["most", "a", "b", "none"]


@pytest.mark.usefixtures("boards")
def test_programs_get_si_units(run: Run) -> None:
    """JSON and CSV hold the same rows: floats in FLOP/s, bytes, what is missing null or empty."""
    expected: dict[str, object] = {
        "id": "slow", "name": "Slow board", "vendor": "Acme", "class": "edge", "year": 2020,
        "units": ["cpu", "npu"], "unit": "npu", "fp32_flops_per_s": None, "fp16_flops_per_s": 1e12,
        "int8_ops_per_s": 2e12, "bandwidth_bytes_per_s": 4e9, "memory_bytes": 512_000_000,
        "evidence": "estimate", "aliases": ["tiny-one", "tiny-two"],
    }  # fmt: skip
    answer = json.loads(run("--unit", "npu", "--format", "json")[1])
    assert answer["schema_version"] == 1
    assert answer["devices"][1] == expected
    rows = list(csv.DictReader(io.StringIO(run("--unit", "npu", "--format", "csv")[1])))
    assert rows[1] == {
        key: "" if value is None else " ".join(value) if isinstance(value, list) else str(value)
        for key, value in expected.items()
    }
    assert rows[0]["name"] == "'=Fast phone"  # no spreadsheet computes it


@pytest.mark.usefixtures("boards")
def test_markdown_is_one_table(run: Run) -> None:
    """A head, a rule and a row per device."""
    lines = run("--format", "markdown")[1].splitlines()
    assert lines[1] == "|" + " --- |" * 11
    assert lines[2].startswith("| `fast` | `phone` | `2024` | `cpu npu` | `40 GFLOP/s` | `-` |")
    assert len(lines) == 4


@pytest.mark.usefixtures("boards")
@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ("iphone",),
            "'iphone' is not list, show or check",
            "show it: feasible devices show iphone; search: feasible devices --search iphone",
        ),
        (("list", "nothing"), "no device matches search 'nothing'", "list all with: feasible devices"),
        (
            ("--class", "mcu", "--vendor", "acme"),
            "no device matches class 'mcu', vendor 'acme'",
            "list all with: feasible devices",
        ),
        (
            ("show", "slow", "--format", "json"),
            "options of the list do not go with show",
            "like: feasible devices show slow",
        ),
        (("check",), "check needs to know which one", "like: check m1"),
        (
            ("show", "tiny-on"),
            "there is no device called 'tiny-on'",
            "did you mean 'tiny-one'? list all with: feasible devices",
        ),
    ],
)
def test_wrong_usage_is_one_sentence_and_the_next_step(
    words: tuple[str, ...], message: str, hint: str, run: Run
) -> None:
    """Exit code 2, nothing on standard output."""
    assert run(*words) == (2, "", f"error: {message}\nhint: {hint}\n")


@pytest.mark.usefixtures("boards")
def test_show_tells_every_number_with_its_source(run: Run) -> None:
    """Date, note, aliases and runtimes too, by id and by alias; int8 counts OP."""
    out = run("show", "slow")[1]
    for line in (
        "slow: Slow board, Acme, edge, 2020\n",
        "also called      tiny-one, tiny-two\n",
        "cpu              4 cores (default); runtimes ncnn-cpu\n",
        "cpu fp32         9 GFLOP/s, measured: a bench\n",
        "npu int8         2 TOP/s, vendor, 2024-05-01: data sheet (dense)\n",
        "npu bandwidth    4 GB/s, estimate: as the CPU\n",
        "memory capacity  512 MB, vendor: data sheet\n",
        "from             ./hardware_profiles/slow.yaml\n",
    ):
        assert line in out
    assert "from             ./hardware_profiles/slow.yaml, called 'tiny-two'\n" in run("show", "tiny-two")[1]


def test_show_tells_what_calibration_found(boards: Path, run: Run) -> None:
    """Each term of the coefficients, and once for all of them evidence, date, timings and spread."""
    file = boards / "slow.yaml"
    text = file.read_text(encoding="utf-8").replace("  npu:\n", TERMS, 1)
    file.write_text(text, encoding="utf-8")
    out = " ".join(run("show", "slow")[1].split())
    how = "measured-here, 2026-11-27, 57 timings, sigma 0.05: 57 timings by hand"
    assert "cpu 4 cores (default); runtimes ncnn-cpu; measured on 3 of its threads " in out
    assert f"cpu ncnn-cpu fp32 coefficients of its own, in place of the runtime's; {how} " in out
    for words in (
        "dense 0.5, pointwise 0.25, depthwise 0.125, matmul 0.75",
        "bandwidth share weights 0.4, activations 0.3",
        "light bandwidth share light operators are fused and free",
        "overhead 2 us light overhead 1 us constant 3 us exponent 1",
    ):
        assert words in out


def test_check_names_all_problems_at_once(boards: Path, run: Run) -> None:
    """Aliases, runtimes and units of a file of one's own, and a fine one is said to be fine."""
    file = boards / "slow.yaml"
    assert run("check", str(file)) == (0, f"{file}: device slow is fine\n", "")
    wrong = file.read_text(encoding="utf-8").replace("[ncnn-cpu]", "[ncn-cpu]").replace("tiny-two", "Tiny")
    file.write_text(wrong, encoding="utf-8")
    code, _, err = run("check", str(file))
    assert code == 2
    assert [line.partition("slow.yaml:")[2] for line in err.splitlines()] == [
        "13:16 there is no runtime 'ncn-cpu'; did you mean 'ncnn-cpu'?",
        "24:21 'Tiny' is no alias; write lower-case words and digits, like iphone-15-pro",
    ]


def test_choices_are_those_of_the_profiles() -> None:
    """The words that the options take are the ones that files may say."""
    assert tuple(options.DeviceClass) == get_args(models.DeviceClass)
    assert tuple(options.UnitKind) == get_args(models.UnitKind)
    assert tuple(options.DeviceSort) == views.SORTS


def test_an_answer_for_auto_says_that_it_is_this_machine(run: Run) -> None:
    """`sources` names it, as for no other device."""
    decision = api.decide(cost(), client="auto")
    assert any(source.startswith("device auto (this machine), cpu fp32 peak") for source in decision.sources)
    assert "from             (this machine)\n" in run("show", "auto")[1]


def on_terminal(columns: int, cwd: Path, *words: str) -> list[str]:
    """Run the command on a pseudo-terminal and return its lines without colour."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "NO_COLOR"}}
    child = subprocess.Popen(
        [sys.executable, "-m", "feasibility.cli", "devices", *words],
        cwd=cwd,
        env=env | {"TERM": "xterm", "PYTHONPATH": str(ROOT)},
        stdout=theirs,
    )
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # Linux ends a pseudo-terminal so
        while chunk := os.read(ours, 65536):
            written += chunk
    os.close(ours)
    assert child.wait() == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", written.decode()).splitlines()


def test_on_a_terminal_the_table_fits_and_the_least_important_goes_first(boards: Path) -> None:
    """In 80 columns numbers are short and no line wraps: id, rates and evidence stay."""
    for number in range(3):
        text = (boards / "slow.yaml").read_text(encoding="utf-8").replace("tiny", f"tiny-{number}")
        (boards / f"a-board-with-a-long-name-{number}.yaml").write_text(text, encoding="utf-8")
    wide, narrow = (on_terminal(columns, boards.parent, "--vendor", "acme") for columns in (200, 80))

    assert "4 GB/s" in wide[1]
    assert len(wide[0].split()) == 11
    assert max(map(len, narrow)) <= 80
    assert ["id", "fp32", "fp16", "int8", "B/s", "evidence"] == [
        title for title in narrow[0].split() if title not in {"class", "year", "units", "memory", "name"}
    ]
    names = [f"a-board-with-a-long-name-{number}" for number in range(3)]
    assert [*names, "slow"] == ids("\n".join(filter(None, narrow)))


def test_as_many_devices_as_there_are_come_in_time(tmp_path: Path) -> None:
    """115 files, some of them a project's: the process takes less than 1.5 s of CPU."""
    folder = tmp_path / "hardware_profiles"
    folder.mkdir()
    source = (ROOT / "hardware_profiles" / "m1.yaml").read_text(encoding="utf-8")
    mine = max(1, 115 - len(list((ROOT / "hardware_profiles").glob("*.yaml"))))
    for number in range(mine):
        (folder / f"board-{number}.yaml").write_text(re.sub("(?m)^aliases:.*$", "", source), encoding="utf-8")
    command = [sys.executable, "-m", "feasibility.cli", "devices"]
    before = os.times()
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=True
    )
    after = os.times()
    assert done.stdout.count(b"\nboard-") == mine
    used_s = after.children_user + after.children_system - before.children_user - before.children_system
    assert used_s < 1.5
