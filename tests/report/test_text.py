from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from feasibility.decide.records import BreakEven, Check, Verdict
from feasibility.ir import DType, TensorSpec
from feasibility.report import text
from feasibility.report.text_cost import render_cost
from feasibility.timing.interval import Interval
from feasibility.units import BitsPerSecond, FlopsPerSecond, Seconds
from tests.samples import cost, decision

HOSTILE = "[/x]\x1b[31m\nname\u202e"
SHOWN = r"[/x]\x1b[31m\x0aname\u202e"
GIVEN_UP = "weights of 3 GB are needed, 2 GB are allowed."


def failed() -> Check:
    """Return a download that is larger than the limit."""
    return Check(
        name="download", passed=False, actual=492e6, limit=25e6, quantity_unit="bytes", message=GIVEN_UP
    )


def flips(answer: str) -> str:
    """Return what stands under the last heading."""
    return answer.partition("what would flip it\n")[2]


def test_one_verdict(golden: Callable[[str, str], None]) -> None:
    """The text of one verdict is the golden file's."""
    golden("verdict.txt", text.render(decision()))


def test_one_verdict_with_reasons(golden: Callable[[str, str], None]) -> None:
    """`--why` adds phases, checks, choices and sources."""
    golden("verdict_why.txt", text.render(decision(), why=True))


def test_several_devices(golden: Callable[[str, str], None]) -> None:
    """Several devices share the facts and take one line each."""
    server = decision(verdict=Verdict.SERVER, confidence=None, checks=(failed(),))
    golden("verdict_devices.txt", text.render_many([decision(), server]))


def test_several_models(golden: Callable[[str, str], None]) -> None:
    """Several models are told apart in their lines."""
    golden("verdict_models.txt", text.render_many([decision(), decision(cost(path="other.onnx"))]))


def test_counts_by_operator(golden: Callable[[str, str], None]) -> None:
    """The profile shows what is not counted as unknown, not as zero."""
    golden("profile_op.txt", render_cost(cost()))


def test_counts_by_node(golden: Callable[[str, str], None]) -> None:
    """`--top 1` says what the hidden lines sum to."""
    golden("profile_node.txt", render_cost(cost(), by="node", top=1))


def test_the_first_line_leads_with_the_verdict_and_says_what_is_assumed() -> None:
    """Verdict, confidence, both times and the assumed size stand before the first empty line."""
    lead = text.render(decision()).partition("\n\n")[0].replace("\n", " ")
    assert lead == (
        "client (92 % sure): m1 gpu takes 20 ms; server a100 takes 152 ms, round trip included. "
        "Assumed batch=1 (--dim NAME=N sets it)."
    )


def test_certainty_is_never_claimed() -> None:
    """A confidence that would round to 100 % is shown as more than 99 %."""
    assert text.render(decision(confidence=0.99999)).startswith("client (>99 % sure): ")


def test_a_failed_check_is_the_answer() -> None:
    """Where a limit decides, the first line says which, and only the limit can flip it."""
    answer = text.render(decision(verdict=Verdict.SERVER, confidence=None, checks=(failed(),)))
    assert answer.startswith(f"server: {GIVEN_UP}")
    assert flips(answer) == "  - the check download passing: 492 MB are needed, 25 MB are allowed\n"


def test_undecided_says_how_sure_nobody_is() -> None:
    """An undecided answer shows both times and the probability that was not enough."""
    answer = text.render(decision(verdict=Verdict.UNDECIDED, confidence=0.61))
    assert answer.startswith("undecided (no more than 61 % sure): m1 gpu takes 20 ms;")


def test_amortised_answers_name_the_calls() -> None:
    """Over 4 calls the device takes (2.02 - 0.02) / 4 + 0.02 s, and the first line says over how many."""
    base = decision()
    scenario = {**base.scenario, "calls": replace(base.scenario["calls"], value="4")}
    answer = text.render(replace(base, compared="amortised", scenario=scenario, verdict=Verdict.SERVER))
    assert answer.startswith(
        "server (92 % sure): over 4 calls, m1 gpu takes 520 ms a call, download included;\n"
    )
    assert flips(answer) == "  - client, if the calls per download were above 15\n"


def test_first_calls_and_payloads_are_named() -> None:
    """Each kind of comparison names what its times include."""
    cold = text.render(decision(compared="cold")).replace("\n", " ")
    assert "takes 2.02 s for the first call, download included; server a100 takes 600 ms for the" in cold
    payload = text.render(decision(compared="payload")).replace("\n", " ")
    assert "server a100 takes 153 ms, round trip and payload included." in payload


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.CLIENT, "server, if the round trip were below 18 ms (now 150 ms)"),
        (Verdict.SERVER, "client, if the round trip were above 18 ms (now 150 ms)"),
        (Verdict.UNDECIDED, "client, if the round trip is clearly above 18 ms (now 150 ms)"),
    ],
)
def test_flips_name_the_other_side(verdict: Verdict, words: str) -> None:
    """A break-even says who wins on its far side."""
    assert words in flips(text.render(decision(verdict=verdict)))


def test_break_evens_that_do_not_exist_are_left_out() -> None:
    """A null break-even makes no line."""
    nothing = BreakEven(rtt=None, downlink=None, calls=None, client_rate=None)
    assert "what would flip it" not in text.render(decision(break_even=nothing))


def test_a_downlink_flips_an_amortised_answer() -> None:
    """The break-even downlink is shown where the download is compared."""
    even = BreakEven(
        rtt=Seconds(1), downlink=BitsPerSecond(90e6), calls=None, client_rate=FlopsPerSecond(1e12)
    )
    base = decision()
    scenario = {**base.scenario, "calls": replace(base.scenario["calls"], value="4")}
    answer = text.render(replace(base, compared="amortised", scenario=scenario, break_even=even))
    assert flips(answer) == "  - server, if the downlink were below 90 Mbit/s\n"


def test_uncounted_work_is_the_largest_assumption() -> None:
    """A node without a rule is named in the lead and under `unsure`, and the counts say at least."""
    answer = text.render(decision(cost()))
    assert "Not counted: 'fancy' (com.acme::Fancy): no cost rule." in answer.partition("\n\n")[0]
    assert "model.onnx: at least 2.05 k FMA" in answer
    assert "unsure     Not counted: 'fancy'" in answer


def test_the_less_certain_side_is_what_to_narrow() -> None:
    """A server time of seconds beside a client of milliseconds is the one to measure."""
    slow = replace(decision().server, inference=Interval.from_sigma(3.0, 0.7))
    assert "time one inference on the server" in text.render(decision(server=slow)).replace("\n", " ")


def test_exact_times_leave_the_sizes_as_the_assumption() -> None:
    """Where both times are known exactly, the assumed dimension is named."""
    exact = Interval.exact(0.02)
    client, server = decision().client, decision().server
    answer = text.render(
        decision(client=replace(client, inference=exact), server=replace(server, inference=exact))
    )
    assert "unsure     batch=1" in answer
    assert "client     20 ms on m1 gpu" in answer


@pytest.mark.parametrize("name", ["past_key_values.0.key", "model/past_0", "cache_k", "kv_cache", "past"])
def test_a_cache_input_is_one_pass(name: str) -> None:
    """A model that takes a past or a cache is not priced per token, and says so."""
    inputs = (TensorSpec(name=name, dtype=DType.FLOAT, shape=(1, 8)),)
    for answer in (text.render(decision(cost(inputs=inputs))), render_cost(cost(inputs=inputs))):
        assert "One forward pass, not tokens per second" in answer.partition("\n\n")[0]


@pytest.mark.parametrize("name", ["pasture", "input_ids", "cached_image_size_pastel"])
def test_other_inputs_are_not_a_cache(name: str) -> None:
    """A word that only resembles past makes no note."""
    inputs = (TensorSpec(name=name, dtype=DType.FLOAT, shape=(1, 8)),)
    assert "tokens per second" not in text.render(decision(cost(inputs=inputs)))


@pytest.mark.parametrize("view", [text.render, render_cost])
def test_hostile_names_are_shown_escaped(view: Callable[..., str]) -> None:
    """Markup, escapes, newlines and overrides in a path or a node's name are only text."""
    model = cost(path=HOSTILE, gemm=HOSTILE)
    answer = view(decision(model)) if view is text.render else view(model, by="node")
    assert SHOWN in answer.replace("\n", "").replace("  ", "")
    assert all(line.isprintable() for line in answer.splitlines())


@pytest.mark.parametrize(
    "answer",
    [
        text.render(decision(), why=True),
        text.render_many([decision(), decision(cost(path="p" * 200))]),
        render_cost(cost(gemm="n" * 200), by="node"),
    ],
)
def test_answers_fit_80_columns_in_ascii(answer: str) -> None:
    """No line is longer than 80 columns, and our own words are plain ASCII."""
    assert max(map(len, answer.splitlines())) <= 80
    assert answer.isascii()


def test_the_short_form_is_the_lead_alone() -> None:
    """`--quiet` prints the verdict and what is assumed; several models are named."""
    assert text.render_short([decision()]) == text.render(decision()).partition("\n\n")[0] + "\n"
    several = text.render_short([decision(), decision(cost(path="other.onnx"))])
    assert several.count("client (92 % sure)") == 2
    assert "other.onnx:\n" in several


def test_a_terminal_gets_the_same_text_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colour adds escapes around the verdict and changes no character of the text."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    answer = text.render(decision(cost(path="[/x] [red]m[/red].onnx")), why=True)
    text.print_coloured(answer)
    shown = terminal.getvalue()
    assert "\x1b[1;32mclient\x1b[0m" in shown
    assert answer == strip_colour(shown)


def strip_colour(shown: str) -> str:
    """Remove SGR sequences."""
    pieces = shown.split("\x1b[")
    return pieces[0] + "".join(piece.partition("m")[2] for piece in pieces[1:])
