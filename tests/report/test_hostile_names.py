from __future__ import annotations

import json

import pytest

from feasibility.report import gate_github, text
from feasibility.report.escape import printable
from tests.hostile_names import NAMES
from tests.report import hostile_answers as answers
from tests.report.parsers import read, read_github


@pytest.mark.parametrize("name", NAMES)
def test_there_are_many_kinds_of_names(name: str) -> None:
    """Escaping once is enough: what is shown of a name is shown as it is when it is escaped again."""
    assert len(NAMES) >= 25
    assert printable(printable(NAMES[name])) == printable(NAMES[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_text_in_every_format(name: str) -> None:
    """Strict parsers take the output; no element is active, no byte controls, no line is a command."""
    for answer, renderer in answers.ANSWERS.items():
        read(renderer(NAMES[name]), answer.rpartition(" ")[2])


def test_a_name_is_text_in_a_figure() -> None:
    """A figure is XML that only draws, whatever the longest and the wildest names are."""
    for name in (
        "nul",
        "html script",
        "html comment end",
        "mathtext",
        "bidi override",
        "lone surrogate",
        "long",
    ):
        for answer, renderer in answers.FIGURES.items():
            read(renderer(NAMES[name]), answer.rpartition(" ")[2])


@pytest.mark.parametrize("name", NAMES)
def test_json_loses_nothing_of_a_name(name: str) -> None:
    """What a program reads is the name itself, in a profile, a verdict and a report of the gate."""
    shown = NAMES[name]
    profile, verdict, gate = (
        json.loads(answers.ANSWERS[answer](shown)) for answer in ("profile json", "verdict json", "gate json")
    )
    assert profile["nodes"][0]["name"] == shown
    assert profile["nodes"][0]["op_type"] == shown
    assert verdict["reasons"] == [shown]
    assert gate["findings"][0]["target"] == shown


@pytest.mark.parametrize("name", NAMES)
def test_an_annotation_says_the_name(name: str) -> None:
    """After the runner has read it, an annotation shows the name with what is not printable written out."""
    first = read_github(gate_github.render(answers.gate(NAMES[name])))[0]
    shown = printable(NAMES[name])
    assert first.data.startswith(shown[:3000])
    assert first.properties["title"].startswith(f"feasible gate: {shown}"[:200])


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("long")])
def test_a_terminal_shows_what_a_pipe_gets(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Colours are ours alone: rich takes no markup, no emoji and no link from a name."""
    said = text.render(answers.verdict(NAMES[name]), why=True)
    text.print_coloured(said)
    assert "".join(capsys.readouterr().out.split()) == "".join(said.split())
