from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from feasibility.cli import start
from feasibility.views import vary

CORPUS = Path(__file__).parents[1] / "corpus"
BERT = str(CORPUS / "xtremedistil_l6_h256.onnx")
INT8 = str(CORPUS / "xtremedistil_int8_dyn.onnx")
RESNET = str(CORPUS / "resnet18_224.onnx")
RESNET_FMAS = 1_814_073_344  # tests/test_profiler.py; torchvision publishes 1.814
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a runner that gives exit code, output and talk."""

    def command(*words: str) -> tuple[int, str, str]:
        code = start.main(words)
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def answer(run: Run) -> Callable[..., str]:
    """Return a runner whose command must answer and say nothing else."""

    def command(*words: str) -> str:
        code, out, talk = run(*words)
        assert (code, talk) == (0, "")
        return out

    return command


def test_input_binds_by_position(answer: Callable[..., str]) -> None:
    """Two images are twice the multiply-adds, in `profile` and behind the verdict of `check`."""
    said = json.loads(answer("profile", RESNET, "--input", "x=2x3x224x224", "--format", "json"))
    assert (said["totals"]["fmas"], said["coverage"]["assumed"]) == (2 * RESNET_FMAS, [])
    verdict = json.loads(answer(RESNET, "-d", "m1", "--input", "x=2x3x224x224", "--format", "json"))
    assert verdict["totals"]["fmas"] == 2 * RESNET_FMAS


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--input", "z=1"), "error: the model has no input 'z'\nhint: its inputs are 'x'\n"),
        (("--input", "x=1x3"), "error: input 'x' has 4 dimensions, not 2\nhint: "),
        (("--input", "input"), "error: --input 'input' is not a name and sizes with x between them\nhint: "),
        (("--input", "x=1x9x9x9"), "error: input 'x' has the size 3 along axis 1, not 9\nhint: "),
        (("--vary", "width=1..2"), "error: the model has no free dimension 'width'\nhint: "),
        (("--vary", "batch"), "error: --vary 'batch' is not a name and values\nhint: "),
        (("--vary", "batch=1..99:1"), "error: a dimension takes 1 to 64 values at a time, not 99\nhint: "),
        (("--vary", "batch=1..2", "--dim", "batch=1"), "error: 'batch' cannot both be 1 and vary\nhint: "),
        (("--vary", "batch=1..2", "--by", "op"), "error: --by does not go with --vary\n"),
        (("--vary", "batch=1..2", "--top", "0"), "error: --top does not go with --vary\n"),
        (("--vary", "batch=1..2", "--cross-check"), "error: --cross-check does not go with --vary\n"),
        (
            ("--format", "csv", "--convention", "fvcore"),
            "error: --convention does not go with --format csv\n",
        ),
        (("--by", "node", "--depth", "0"), "error: --depth is of modules\nhint: add --by module\n"),
        (("--depth", "1"), "error: --depth is of modules\nhint: add --by module\n"),
    ],
)
def test_what_does_not_fit_is_one_sentence(words: tuple[str, ...], sentence: str, run: Run) -> None:
    """Wrong names, shapes and values, and options that say nothing together, end with exit code 2."""
    code, out, talk = run("profile", RESNET, *words)
    assert (code, out) == (2, "")
    assert talk.startswith(sentence)
    assert len(talk.splitlines()) <= 2


def test_standard_input_does_not_vary(run: Run) -> None:
    """A piped model is read once."""
    code, out, talk = run("profile", "-", "--vary", "batch=1,2")
    assert (code, out) == (2, "")
    assert talk.startswith("error: standard input can be read only once")


@pytest.mark.parametrize("form", ["text", "json", "markdown", "csv"])
def test_by_module_in_each_format(form: str, answer: Callable[..., str]) -> None:
    """Every format names a stage of the network; depth 1 does not go into its blocks."""
    said = answer("profile", RESNET, "--by", "module", "--depth", "1", "--format", form)
    tree = said.partition('"by_module"')[2].partition('"convention"')[0] if form == "json" else said
    assert "layer4" in tree
    assert "layer4.1" not in tree


def test_json_has_modules_where_asked(answer: Callable[..., str]) -> None:
    """The whole graph comes first with all multiply-adds; `--top` cuts the tree where it is given."""
    whole = json.loads(answer("profile", RESNET, "--by", "module", "--format", "json"))["by_module"]
    two = json.loads(answer("profile", RESNET, "--by", "module", "--top", "2", "--format", "json"))[
        "by_module"
    ]
    assert whole[0]["fmas"] == RESNET_FMAS
    assert len(whole) > len(two) == 2
    assert json.loads(answer("profile", RESNET, "--format", "json"))["by_module"] is None


def test_programs_get_every_row_and_people_twenty(answer: Callable[..., str]) -> None:
    """CSV has all 69 nodes; text has 20 and says how many it leaves out."""
    table = list(csv.DictReader(answer("profile", RESNET, "--by", "node", "--format", "csv").splitlines()))
    assert len(table) == 69
    assert sum(int(row["fmas"]) for row in table) == RESNET_FMAS
    assert "\n49 more nodes: " in answer("profile", RESNET, "--by", "node")


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("text", "       4  7.26 G"),
        ("json", '      "value": 4,'),
        ("markdown", "| `4` | `7.26 G` |"),
        ("csv", f"4,{4 * RESNET_FMAS},"),
    ],
)
def test_over_a_dimension_in_each_format(form: str, line: str, answer: Callable[..., str]) -> None:
    """Four images are 4 x 1.814 G multiply-adds, whichever way it is written."""
    said = answer("profile", RESNET, "--vary", "batch=1..4", "--format", form)
    assert line in said or line.lstrip() in said


def test_over_a_dimension_by_position(answer: Callable[..., str]) -> None:
    """A dimension of an input varies like one with a name."""
    said = answer("profile", BERT, "--vary", "input_ids[1]=8,16", "--dim", "batch=1", "--format", "csv")
    rows = list(csv.DictReader(said.splitlines()))
    assert [row["input_ids[1]"] for row in rows] == ["8", "16"]


def test_verbose_says_each_size(run: Run) -> None:
    """Standard error names every size that was counted."""
    talk = run("profile", RESNET, "--vary", "batch=1,2", "-v")[2]
    assert [line.partition(": ")[0] for line in talk.splitlines()] == [
        f"read {RESNET} with batch={size}" for size in (1, 2)
    ]


def test_as_many_values_as_there_may_be(answer: Callable[..., str]) -> None:
    """The limit itself is allowed."""
    said = answer("profile", RESNET, "--vary", f"batch=1..{vary.MAX_VALUES}:1", "--format", "csv")
    assert len(said.splitlines()) == 1 + vary.MAX_VALUES


@pytest.mark.parametrize("form", ["text", "json", "markdown", "csv"])
def test_diff_in_each_format(form: str, answer: Callable[..., str]) -> None:
    """Quantisation brings MatMulInteger, and changes the encoder at depth 1."""
    said = answer("diff", BERT, INT8, "--depth", "1", "--dim", "sequence=8", "--format", form)
    assert "MatMulInteger" in said
    assert "bert" in said


def test_diff_of_a_model_and_itself(answer: Callable[..., str]) -> None:
    """Nothing changed, and that is an answer."""
    said = " ".join(answer("diff", RESNET, RESNET, "--input", "x=1x3x224x224").split())
    assert "nothing changed in what they cost, " in said


def test_diff_shows_as_many_rows_as_asked(answer: Callable[..., str]) -> None:
    """`--top 1` leaves one module and one operator type."""
    said = json.loads(answer("diff", BERT, INT8, "--top", "1", "--format", "json"))
    assert (len(said["modules"]), len(said["ops"])) == (1, 1)


def test_diff_reads_standard_input_once(run: Run) -> None:
    """`-` cannot be both models."""
    assert run("diff", "-", "-")[:2] == (2, "")


def test_diff_needs_two_models(run: Run) -> None:
    """One model alone is wrong usage."""
    assert run("diff", RESNET)[2].startswith("error: missing argument 'NEW'")
