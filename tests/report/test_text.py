from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from feasibility.decide.records import BreakEven, Check, Compared, Phase, Verdict
from feasibility.ir import DType, TensorSpec
from feasibility.report import text, wording
from feasibility.report.text_cost import render_cost
from feasibility.timing.interval import Interval
from feasibility.units import BitsPerSecond, FlopsPerSecond, Seconds
from tests.samples import changed, cost, decision, node

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


def test_several_verdicts_are_summed_up_in_the_first_line() -> None:
    """One sentence says how often each side wins: per device, per model, or per pair of both."""
    other = cost(path="other.onnx")
    server = decision(verdict=Verdict.SERVER)
    first = {
        text.render_many(answers).partition("\n")[0]
        for answers in (
            [decision(), server, decision()],
            [decision(), decision(other, verdict=Verdict.SERVER)],
            [decision(), decision(), decision(other), decision(other)],
        )
    }
    assert first == {
        "client on 2 of 3 devices, server on 1.",
        "client for 1 of 2 models, server for 1.",
        "client in 4 of 4 cases.",
    }


def test_what_nobody_chose_is_marked_as_assumed() -> None:
    """Server, network and devices that are defaults say so; what was chosen does not."""
    base = decision()
    default = {name: replace(base.scenario["network"], value=name) for name in ("server", "client")}
    answer = changed(base, scenario={**base.scenario, **default})
    assert "\nserver     2 ms (1.28 ms to 3.13 ms) on a100 gpu, tensorrt, fp16 (assumed)\n" in text.render(
        answer
    )
    assert "\nnetwork    essay (assumed): " in text.render(answer)
    assert "\ndevices   typical ones (assumed)\n" in text.render_many([answer, answer])
    assert "fp16 (assumed)" not in text.render(base)
    assert "typical ones" not in text.render_many([base, base])


def test_a_limit_among_several_names_its_model() -> None:
    """Where several models answer, a failed check says whose it is."""
    out = decision(cost(path="large.onnx"), verdict=Verdict.SERVER, confidence=None, checks=(failed(),))
    assert f"  - large.onnx on m1/gpu: {GIVEN_UP}\n" in text.render_many([decision(), out])


def test_several_devices(golden: Callable[[str, str], None]) -> None:
    """Several devices share the facts and take one line each."""
    server = decision(verdict=Verdict.SERVER, confidence=None, checks=(failed(),))
    golden("verdict_devices.txt", text.render_many([decision(), server]))


def test_several_devices_show_the_calls_that_flip_an_average() -> None:
    """Averages over calls show the number to break even, 15, and a dash where none does."""
    base = decision(compared="amortised")
    four = changed(base, scenario={**base.scenario, "calls": replace(base.scenario["calls"], value="4")})
    none = replace(four, break_even=replace(four.break_even, calls=None))
    head, *rows = text.render_many([four, none]).splitlines()[-3:]
    assert head == "verdict  sure  client  flips at calls  on"
    assert rows == [
        f"client   92 %  520 ms              {calls}  m1/gpu metal fp32" for calls in ("15", " -")
    ]


def test_several_models(golden: Callable[[str, str], None]) -> None:
    """Several models are told apart in their lines."""
    golden("verdict_models.txt", text.render_many([decision(), decision(cost(path="other.onnx"))]))


def test_counts_by_operator(golden: Callable[[str, str], None]) -> None:
    """The profile shows what is not counted as unknown, not as zero."""
    golden("profile_op.txt", render_cost(cost()))


def test_counts_by_module() -> None:
    """Nodes are summed by the path in their names: two of 4,128 FLOP in /a, one in /b, six in all."""
    base = cost()
    spread = [replace(base.nodes[0], node=node(name, "Gemm")) for name in ("/b/q", "/a/q", "/a/k")]
    lines = render_cost(replace(base, nodes=(*base.nodes, *spread)), by="module").splitlines()
    rows = [line.split() for line in lines[-3:]]
    assert [(row[0], row[-1]) for row in rows] == [("6", "graph)"), ("2", "a"), ("1", "b")]
    assert rows[1][3:5] == ["8.26", "k"]
    assert rows[0][1] == ">=8.19"


def test_counts_by_node(golden: Callable[[str, str], None]) -> None:
    """`--top 1` says what the hidden lines sum to."""
    golden("profile_node.txt", render_cost(cost(), by="node", top=1))


def test_nodes_without_arithmetic_are_ranked_by_their_traffic() -> None:
    """Among nodes of no FLOP, 3 runs of 200 bytes come before one of 500, and that before one of 450."""
    base = cost()
    copies = [
        replace(
            base.nodes[0],
            node=node(name, "Gather"),
            cost=None,
            runs=runs,
            read_bytes=read,
            written_bytes=written,
        )
        for name, runs, read, written in (("c", 1, 450, 0), ("b", 1, 200, 300), ("a", 3, 100, 100))
    ]
    lines = render_cost(replace(base, nodes=tuple(copies)), by="node").splitlines()[-3:]
    assert [line.split()[-1] for line in lines] == ["a", "b", "c"]


def test_the_first_line_leads_with_the_verdict_and_says_what_is_assumed() -> None:
    """Verdict, confidence, times, assumed sizes and download stand before the first empty line."""
    lead = text.render(decision()).partition("\n\n")[0].replace("\n", " ")
    assert lead == (
        "client (92 % sure): m1 gpu takes 20 ms, server a100 152 ms with round trip. "
        "Assumed batch=1 (--dim NAME=N sets it). The download of 9 kB pays off from call 16 on."
    )


def test_certainty_is_never_claimed() -> None:
    """A confidence that would round to 100 % is shown as more than 99 %."""
    assert text.render(decision(confidence=0.99999)).startswith("client (>99 % sure): ")


@pytest.mark.parametrize(
    ("share", "shown"), [(0.796, "79 %"), (0.29, "29 %"), (0.8, "80 %"), (0.994, "99 %"), (None, "-")]
)
def test_a_share_is_rounded_down(share: float | None, shown: str) -> None:
    """A confidence that misses what was asked never looks as if it reached it."""
    assert shown == wording.percent(share)


def test_a_failed_check_is_the_answer() -> None:
    """Where a limit decides, the first line says which, and only the limit can flip it."""
    answer = text.render(decision(verdict=Verdict.SERVER, confidence=None, checks=(failed(),)))
    assert answer.startswith(f"server (a limit decides): {GIVEN_UP}")
    assert flips(answer) == "  - the times would decide, if the download were 25 MB or less (now 492 MB)\n"
    assert "unsure     nothing that a time could change: a limit decides\n" in answer


def test_a_limit_without_numbers_is_named_too() -> None:
    """A failed check that has no bytes still says that it, and no time, decides."""
    check = replace(failed(), name="policy", actual=None, limit=None)
    answer = text.render(decision(verdict=Verdict.SERVER, confidence=None, checks=(check,)))
    assert flips(answer) == "  - the times would decide, if policy kept to its limit\n"


@pytest.mark.parametrize(
    ("confidence", "server_ms", "words"),
    [
        (0.61, 2, "undecided (client ahead, only 61 % sure): m1 gpu takes 20 ms,"),
        (0.61, -140, "undecided (server ahead, only 61 % sure): m1 gpu takes 20 ms,"),
        (0.503, 2, "undecided (too close to call): m1 gpu takes 20 ms,"),
    ],
)
def test_undecided_says_who_is_ahead(confidence: float, server_ms: float, words: str) -> None:
    """An undecided answer shows the faster side (20 ms against 150 ms + server) and how sure that is."""
    base = decision(verdict=Verdict.UNDECIDED, confidence=confidence)
    server = replace(base.server, inference=Interval.exact(server_ms / 1000))
    assert text.render(changed(base, server=server)).startswith(words)


def test_amortised_answers_name_the_calls() -> None:
    """Over 4 calls the device takes (2.02 - 0.02) / 4 + 0.02 s, and the first line says over how many."""
    base = decision()
    scenario = {**base.scenario, "calls": replace(base.scenario["calls"], value="4")}
    answer = text.render(changed(base, compared="amortised", scenario=scenario, verdict=Verdict.SERVER))
    assert answer.startswith(
        "server (92 % sure): over 4 calls, m1 gpu takes 520 ms a call with its share of\nthe download, "
    )
    assert flips(answer) == "  - client, if a download served 16 calls or more\n"


def test_first_calls_and_payloads_are_named() -> None:
    """Each kind of comparison names what its times include."""
    cold = text.render(decision(compared="cold")).replace("\n", " ")
    assert "takes 2.02 s for the first call with download and load, server a100 600 ms." in cold
    payload = text.render(decision(compared="payload")).replace("\n", " ")
    assert "server a100 153 ms with round trip and payload." in payload


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.CLIENT, "server, if the round trip were below 18 ms (now 150 ms)"),
        (Verdict.SERVER, "client, if the round trip were above 18 ms (now 150 ms)"),
        (Verdict.UNDECIDED, "even, if the round trip were 18 ms (now 150 ms); more favours the client"),
    ],
)
def test_flips_name_the_other_side(verdict: Verdict, words: str) -> None:
    """A break-even says who wins on its far side."""
    assert words in flips(text.render(decision(verdict=verdict)))


def test_break_evens_that_do_not_exist_are_left_out() -> None:
    """A null break-even makes no line."""
    nothing = BreakEven(rtt=None, downlink=None, payload=None, calls=None, client_rate=None)
    assert "what would flip it" not in text.render(decision(break_even=nothing))


def test_the_round_trip_that_flips_a_call_leaves_its_payload_in() -> None:
    """A call of 153 ms holds 3 ms besides its round trip: even at 20 - 3 ms; none where that is below 0."""
    assert "server, if the round trip were below 17 ms" in flips(text.render(decision(compared="payload")))
    base = decision(compared="payload")
    slow = replace(base.server, call=Interval.exact(0.150 + 0.025))
    assert "round trip" not in flips(text.render(changed(base, server=slow)))


@pytest.mark.parametrize(
    ("compared", "verdict", "words"),
    [
        ("inference", Verdict.CLIENT, "server, if a download served fewer than 16 calls (--calls N)"),
        ("inference", Verdict.SERVER, "counted, the client is ahead from call 16 on (--calls N)"),
        ("cold", Verdict.SERVER, "client, if a download served 16 calls or more (--calls N)"),
        ("amortised", Verdict.UNDECIDED, "even, if a download served 15 calls; more favours the client"),
    ],
)
def test_calls_that_pay_for_the_download(compared: Compared, verdict: Verdict, words: str) -> None:
    """A break-even of 15.04 calls is passed at the 16th."""
    base = decision(compared=compared, verdict=verdict)
    scenario = {**base.scenario, "calls": replace(base.scenario["calls"], value="15")}
    assert words in flips(text.render(changed(base, scenario=scenario))).replace("\n    ", " ")


def test_a_download_that_pays_at_once_flips_nothing() -> None:
    """Where the first call already pays for it, no smaller number of calls is left to name."""
    even = replace(decision().break_even, calls=0.4)
    assert "fewer than" not in text.render(decision(break_even=even))


def test_a_downlink_flips_an_amortised_answer() -> None:
    """The break-even downlink is shown where the download is compared."""
    even = BreakEven(
        rtt=Seconds(1),
        downlink=BitsPerSecond(90e6),
        payload=None,
        calls=None,
        client_rate=FlopsPerSecond(1e12),
    )
    base = decision()
    scenario = {**base.scenario, "calls": replace(base.scenario["calls"], value="4")}
    answer = text.render(changed(base, compared="amortised", scenario=scenario, break_even=even))
    assert flips(answer) == "  - server, if the downlink were below 90 Mbit/s\n"


def test_uncounted_work_is_the_largest_assumption() -> None:
    """A node without a rule is named in the lead and under `unsure`, and the counts say at least."""
    answer = text.render(decision(cost()))
    assert "Not counted: 'fancy' (com.acme::Fancy): no cost rule." in answer.partition("\n\n")[0]
    assert "model.onnx: at least 2.05 k FMA" in answer
    assert "unsure     Not counted: 'fancy'" in answer
    assert "client (92 % sure): m1 gpu takes at least 20 ms, server a100 at least 152 ms" in answer


def test_undecided_for_uncounted_work_says_how_much_there_is() -> None:
    """Where nobody can tell, the first line gives the nodes and the flip is to count them."""
    answer = text.render(decision(cost(), verdict=Verdict.UNDECIDED, confidence=None))
    assert answer.startswith("undecided (1 of 3 nodes are not counted): m1 gpu takes at least 20 ms,")
    assert flips(answer).startswith("  - either side, once the uncounted nodes are counted: ")


def narrow(answer: str) -> str:
    """Return the two lines that name the largest doubt and what to do about it."""
    return answer.partition("\nunsure ")[2].partition("\n\n")[0]


def test_the_less_certain_side_is_what_to_narrow() -> None:
    """A server time of seconds beside a client of milliseconds is the one to measure."""
    assert "time one inference on m1 (the client wins below 152 ms)" in narrow(text.render(decision()))
    slow = replace(decision().server, inference=Interval.from_sigma(3.0, 0.7))
    assert "time one inference on a100" in narrow(text.render(decision(server=slow)))


def test_a_link_that_nobody_measured_is_what_to_narrow() -> None:
    """An estimated round trip is wider than the times; a call or a download where those are compared."""
    trip = Phase(name="round trip", seconds=Interval.from_sigma(0.15, 0.7))
    base = decision(server=replace(decision().server, phases=(trip,), call=Interval.from_sigma(0.2, 0.7)))
    assert "measure it: --rtt TIME" in narrow(text.render(base))
    assert "measure the link: --rtt, --down, --up" in narrow(text.render(changed(base, compared="payload")))
    fetch = Phase(name="download", seconds=Interval.from_sigma(2.0, 0.7))
    base = changed(base, client=replace(base.client, phases=(fetch,)))
    assert "measure the link: --down RATE" in narrow(text.render(changed(base, compared="cold")))


@pytest.mark.parametrize(("calls", "words"), [("4", "--down RATE"), ("1000", "--rtt, --down, --up")])
def test_a_download_shared_by_many_calls_is_no_large_doubt(calls: str, words: str) -> None:
    """2 s of download weigh 0.5 s on each of 4 calls, more than a call's 0.2 s; 2 ms on each of 1,000."""
    fetch = Phase(name="download", seconds=Interval.from_sigma(2.0, 0.7))
    base = decision(compared="amortised")
    base = changed(
        base,
        client=replace(base.client, phases=(fetch,)),
        server=replace(base.server, call=Interval.from_sigma(0.2, 0.7)),
        scenario={**base.scenario, "calls": replace(base.scenario["calls"], value=calls)},
    )
    assert words in narrow(text.render(base))


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
    """`--quiet` prints the verdict and what is assumed, one line each; several models are named."""
    short = text.render_short([decision()])
    assert short.split() == text.render(decision()).partition("\n\n")[0].split()
    assert short.count("\n") == 1
    several = text.render_short([decision(), decision(cost(path="other.onnx"))])
    assert several.count("client (92 % sure)") == 2
    assert several.splitlines()[1].startswith("other.onnx: client (92 % sure)")


def test_a_terminal_gets_the_same_text_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colour adds escapes around the verdict and changes no character of the text."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    answer = text.render(decision(cost(path="[/x] [red]m[/red].onnx")), why=True)
    text.print_coloured(answer)
    shown = terminal.getvalue()
    assert shown.startswith("\x1b[1;32mclient\x1b[0m (")
    assert "\n\x1b[36mclient\x1b[0m     20 ms" in shown
    assert answer == strip_colour(shown)
    terminal.truncate(0)
    terminal.seek(0)
    text.print_coloured(text.render_many([decision(), decision()]))
    assert "\n\x1b[1;32mclient\x1b[0m   92 %" in terminal.getvalue()


def test_a_narrow_terminal_breaks_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 40 columns every line fits, and no word is broken or lost."""
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    answer = text.render(decision(), why=True)
    text.print_coloured(answer)
    shown = strip_colour(terminal.getvalue())
    assert max(map(len, shown.splitlines())) <= 40
    assert answer.split() == shown.split()


def strip_colour(shown: str) -> str:
    """Remove SGR sequences."""
    pieces = shown.split("\x1b[")
    return pieces[0] + "".join(piece.partition("m")[2] for piece in pieces[1:])


def test_assumptions_without_end_are_counted() -> None:
    """Fifty are said, the rest are a number: a file may hold a million branches."""
    said = wording.assumptions(replace(cost().coverage, assumed=tuple(f"d{n}=1" for n in range(1050))))
    assert "d49=1 (--dim NAME=N sets it); and 1,000 more (--format json lists them)." in said
    assert "d50=1" not in said


def test_what_fails_everywhere_is_said_once() -> None:
    """A policy bars every device alike; a device's own limit is named by it."""
    offline = replace(failed(), name="offline", message="No server is in reach.")
    own = replace(failed(), name="memory", message="Too little memory.")
    both = [
        decision(checks=(offline,), confidence=None),
        decision(
            client=replace(decision().client, device="pixel-6a"), checks=(offline, own), confidence=None
        ),
    ]
    lines = text.render_many(both).splitlines()

    assert ["  - No server is in reach.", "  - pixel-6a/gpu: Too little memory."] == lines[-2:]
