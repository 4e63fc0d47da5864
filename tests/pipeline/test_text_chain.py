from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from feasibility.pipeline import ChainAnswer
from feasibility.report import json as views
from feasibility.report.layout import WIDTH
from feasibility.report.text_chain import render_chain, render_chain_short
from tests.pipeline.chain_parts import GIGA, TWO, X, Y, Z, cost, placed, two
from tests.report.test_report_json import strict
from tests.timing_parts import device, unit


@pytest.fixture
def mixed(tmp_path: Path) -> ChainAnswer:
    """Return a chain that stays, then goes: an image is slow to send back, and quick to work on."""
    text = f"name: {'a chain of two ' * 9}\n{TWO}"
    costs = [cost(GIGA, (Y,), (X,)), cost(1000 * GIGA, (X,), (X,))]
    return placed(tmp_path, text.replace("x: user", "y: user").replace("y: first.y", "x: first.x").replace(
        "second.z", "second.x"), costs)  # fmt: skip


@pytest.fixture
def nothing(tmp_path: Path) -> ChainAnswer:
    """Return a chain that no placement is allowed for: a secret of 3 GB, and a server of 1 GB."""
    text = TWO.replace("inputs: {y", "secret: true\n    inputs: {y")
    heavy = cost(GIGA, (Y,), (Z,), parameter_bytes=3 * GIGA, parameters=3 * GIGA // 4)
    return placed(tmp_path, text, [cost(GIGA), heavy], server=device("far", unit(fp32=100.0), app=1.0))


def test_text_has_eighty_columns(mixed: ChainAnswer) -> None:
    """No line is wider than 80 characters, and none ends in blanks."""
    lines = render_chain(mixed).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert all(line == line.rstrip() for line in lines)


def test_first_line_says_where_and_how_long(mixed: ChainAnswer) -> None:
    """The answer begins with the placement and its time; -q ends there."""
    assert mixed.best is not None
    text = render_chain(mixed)
    said = f"first on the client; second on the server: {mixed.best.total} a run"
    assert " ".join(text.split()).startswith(said)
    assert " ".join(text.split()).startswith(render_chain_short(mixed).strip())
    assert render_chain_short(mixed).count("\n") == 1


def test_each_cut_is_a_line(tmp_path: Path) -> None:
    """What crosses is shown with its request, way, bytes and time: 40 B up, 1.2 kB down."""
    lines = render_chain(placed(tmp_path, TWO, two(1000 * GIGA, 1000 * GIGA))).splitlines()
    rows = [" ".join(line.split()) for line in lines]
    assert "1 up 40 B 16 us first.x float [10]" in rows  # 40 B / 2.5 MB/s
    assert "1 down 1.2 kB 64 us second.z float [3, 100]" in rows  # 1,200 B / 18.75 MB/s


def test_a_move_says_time_bytes_work_and_download(tmp_path: Path) -> None:
    """Moving the first stage: 236,544 bytes at 20 Mbit/s are 94.6 ms, and its GFLOP leave the server."""
    text = " ".join(render_chain(placed(tmp_path, TWO, two(GIGA, 1000 * GIGA))).split())
    assert "first on the client: " in text
    assert "first.y float [77, 768] goes up: 237 kB, 94.6 ms." in text
    assert "first.x goes up no more: 40 B, 16 us." in text
    assert "It takes 1 GFLOP (0.1 % of the chain) off the server" in text
    assert "second on the client: " in text


def test_a_move_that_asks_twice_says_so(tmp_path: Path) -> None:
    """A stage that leaves the middle of the server splits one request into two."""
    rows = "".join(
        f"  - {{id: {name}, model: {name}.onnx, inputs: {{y: {source}}}}}\n"
        for name, source in (("a", "user"), ("b", "a.y"), ("c", "b.y"))
    )
    answer = placed(tmp_path, f"stages:\n{rows}result: c.y\n", [cost(1000 * GIGA, (Y,), (Y,))] * 3)
    assert "The server is asked 2 times, not once." in " ".join(render_chain(answer).split())


def test_a_move_that_is_not_allowed_says_why(tmp_path: Path) -> None:
    """A secret stage stays where it is, for the reason that the file gives."""
    text = TWO.replace("inputs: {y", "secret: true\n    inputs: {y")
    said = " ".join(render_chain(placed(tmp_path, text, two(1000 * GIGA, 1000 * GIGA))).split())
    assert "- not allowed: second on the client: its weights must not be shipped (secret)." in said
    assert "not: 2 s 20 ms second" in said


def test_no_placement_gives_reasons_and_no_tables_of_one(nothing: ChainAnswer) -> None:
    """Where nothing is allowed the text says so first, then why, and compares nothing as best."""
    text = render_chain(nothing)
    assert text.startswith("No placement is allowed")
    assert "why\n  - " in text
    assert "best" not in text
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize("name", ["mixed", "nothing"])
def test_json_is_what_the_schema_says(name: str, request: pytest.FixtureRequest) -> None:
    """Every key of an answer is described, and none is missing."""
    answer: ChainAnswer = request.getfixturevalue(name)
    parsed = json.loads(views.render_chain(answer))
    Draft202012Validator(strict(json.loads(views.schema("chain")))).validate(parsed)
    assert parsed == answer.to_dict()
