"""The verdict: founding inequality, other comparisons, checks, doubt."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feasibility.cost import ModelCost
from feasibility.decide import Check, Decision, Scenario, Verdict, decide
from feasibility.errors import ModelError, UsageError
from feasibility.profiles.models import Precision
from feasibility.units import Bytes, Seconds
from tests.timing_parts import (
    coefficients,
    device,
    fact,
    model,
    network,
    runtime,
    scenario,
    step,
    tensor,
    unit,
    work,
)

GIGA = 10**9
TEXT_ENCODER_FMAS = 6_649_251_840
CLIENT_RATE = 0.5e12  # e * P of the hand-made client: FLOP/s
SERVER_RATE = 50e12


def check(decision: Decision, name: str) -> Check:
    """Return the check of this name."""
    return next(found for found in decision.checks if found.name == name)


def test_window_of_the_founding_essay() -> None:
    """2.6 TFLOP/s for 150 ms are 390 GFLOP, 29 passes of Stable Diffusion's text encoder."""
    cost = model(work(2 * TEXT_ENCODER_FMAS))
    m1 = device("m1", unit(fp32=2.6, bandwidth_gb_per_s=68.25))
    window = decide(scenario(cost, client=m1)).window
    assert 0.150 == window.window.value
    assert 390 * GIGA == pytest.approx(window.peak.value)
    assert window.passes_at_peak is not None
    assert 29 == math.floor(window.passes_at_peak)
    assert 390 / 13.29850368 == pytest.approx(window.passes_at_peak)


def test_a100_is_120_times_an_m1_at_peak() -> None:
    """312 TFLOP/s over 2.6 TFLOP/s: the window of the one is 120 windows of the other."""
    cost = model(work(GIGA))
    m1 = decide(scenario(cost, client=device("m1", unit(fp32=2.6)))).window
    a100 = decide(scenario(cost, client=device("a100", unit(fp16=312.0)))).window
    assert 120 == pytest.approx(a100.peak / m1.peak)


def test_achievable_work_is_what_really_fits() -> None:
    """10 ms an inference make 15 passes of 5 GFLOP in a round trip of 150 ms."""
    window = decide(scenario(model(work(5 * GIGA)))).window
    assert 15 == pytest.approx(window.passes_achievable)
    assert 75 * GIGA == pytest.approx(window.achievable.value)


def test_fast_client_wins_the_founding_inequality() -> None:
    """10 ms on the device are less than 150 ms of round trip and 0.1 ms of server."""
    decision = decide(scenario(model(work(5 * GIGA))))
    assert (Verdict.CLIENT, True, "inference") == (decision.verdict, decision.feasible, decision.compared)
    assert decision.confidence is not None
    assert decision.confidence > 0.99
    assert 0.010 == pytest.approx(decision.client.inference.typical.value)
    assert 0.0001 == pytest.approx(decision.server.inference.typical.value)


def test_slow_client_loses_it() -> None:
    """1 s on the device is more than 150 ms and 10 ms."""
    decision = decide(scenario(model(work(500 * GIGA))))
    assert (Verdict.SERVER, False) == (decision.verdict, decision.feasible)
    assert decision.confidence is not None
    assert decision.confidence > 0.99


def test_close_call_is_undecided() -> None:
    """160 ms against 151.6 ms with a spread of 0.35 is not 80 % certain: that is the answer."""
    decision = decide(scenario(model(work(80 * GIGA))))
    assert (Verdict.UNDECIDED, None) == (decision.verdict, decision.feasible)
    assert decision.confidence is not None
    assert 0.5 <= decision.confidence < 0.8
    assert "The server is ahead with" in decision.reasons[0]
    assert "80 % is asked for" in decision.reasons[0]


def test_asked_confidence_decides_how_much_doubt_is_allowed() -> None:
    """The same close call is the server's when a coin toss is enough."""
    decision = decide(scenario(model(work(80 * GIGA)), confidence=0.5))
    assert Verdict.SERVER is decision.verdict


@given(st.floats(0, 2), st.floats(0, 2))
def test_longer_round_trips_never_help_the_server(one: float, other: float) -> None:
    """The client's probability grows with the RTT."""
    near, far = (_client_wins(network(rtt_s=rtt)) for rtt in sorted((one, other)))
    assert near <= far + 1e-12


def _client_wins(link: Any) -> float:  # noqa: ANN401 (a profile)
    decision = decide(scenario(model(work(80 * GIGA)), link=link, confidence=0.5))
    assert decision.confidence is not None
    return decision.confidence if decision.verdict is Verdict.CLIENT else 1 - decision.confidence


def test_estimated_round_trip_makes_less_certain() -> None:
    """A round trip that nobody measured takes certainty from the same comparison."""
    given_rtt = decide(scenario(model(work(40 * GIGA)), confidence=0.5)).confidence
    guessed = decide(
        scenario(model(work(40 * GIGA)), link=network(evidence="estimate"), confidence=0.5)
    ).confidence
    assert given_rtt is not None
    assert guessed is not None
    assert guessed < given_rtt


def with_payload(**choices: Any) -> Scenario:  # noqa: ANN401 (choices of a scenario)
    """Return 10 ms of work with 150 kB in and 75 kB out, a download of 15 MB and a start of 1 s."""
    images = (tensor("image", 37_500),)
    masks = (tensor("mask", 18_750),)
    cost = model(work(5 * GIGA), inputs=images, outputs=masks, download_bytes=15_000_000)
    link = network(up_mbit=12.0, down_mbit=6.0)
    return scenario(cost, client_runtime=runtime(session_s=1.0), link=link, **choices)


def test_warm_call_adds_payloads_at_link_rate() -> None:
    """RTT + 150 kB up at 12 Mbit/s (0.1 s) + 75 kB down at 6 Mbit/s (0.1 s) + 0.1 ms of server."""
    decision = decide(with_payload())
    assert 0.150 + 0.1 + 0.1 + 0.0001 == pytest.approx(decision.server.call.typical.value)
    assert "inference" == decision.compared


def test_given_payload_is_sent_and_compared() -> None:
    """With a photo of 1.5 MB the call takes a second more, and calls are what is compared."""
    decision = decide(with_payload(payload=Bytes(1_500_000)))
    assert 0.150 + 1.0 + 0.1 + 0.0001 == pytest.approx(decision.server.call.typical.value)
    assert "payload" == decision.compared


def test_first_call_of_the_client_connects_downloads_and_loads() -> None:
    """3 RTT, 15 MB in slow start, 1 s of session and 10 ms of inference.

    At 6 Mbit/s the pipe holds 112,500 bytes: flights of 14,600, 29,200 and 58,400 leave it idle.
    """
    decision = decide(with_payload(cold=True))
    download = 3 * 0.150 + 3 * 0.150 + (15_000_000 - 14_600 * 7) / 750_000
    assert download + 1.0 + 0.010 == pytest.approx(decision.client.first_call.typical.value)
    assert ["connection", "round trip", "download", "load", "inference"] == [
        phase.name for phase in decision.client.phases
    ]
    assert ("cold", Verdict.SERVER) == (decision.compared, decision.verdict)


def test_phases_add_up_to_the_first_call() -> None:
    """On either side the typical parts are the whole."""
    decision = decide(with_payload())
    for side in (decision.client, decision.server):
        parts = sum(phase.seconds.typical.value for phase in side.phases)
        assert side.first_call.typical.value == pytest.approx(parts)


def test_download_is_shared_by_all_calls() -> None:
    """Few calls do not pay for the download, many do."""
    few, many = decide(with_payload(calls=2)), decide(with_payload(calls=100_000))
    assert ("amortised", Verdict.SERVER) == (few.compared, few.verdict)
    assert ("amortised", Verdict.CLIENT) == (many.compared, many.verdict)


def test_model_that_does_not_fit_leaves_the_server() -> None:
    """12 GB of weights, 1 GB of activations and 2 GB of runtime do not fit 14 GB, however fast the device."""
    cost = model(work(1000), parameter_bytes=12 * GIGA, parameters=3 * GIGA, peak_activation_bytes=GIGA)
    decision = decide(
        scenario(cost, client=device(capacity=14.0), server=device("far", unit(), capacity=80.0),
                 client_runtime=runtime(overhead_bytes=2 * GIGA))
    )  # fmt: skip
    memory = check(decision, "memory")
    assert (False, 15 * GIGA, 14 * GIGA) == (memory.passed, memory.actual, memory.limit)
    assert (Verdict.SERVER, False, None) == (decision.verdict, decision.feasible, decision.confidence)
    assert memory.message == decision.reasons[0]


def test_model_that_fits_nowhere_runs_on_neither() -> None:
    """With 40 GB needed, 14 GB here and 16 GB there no side is left."""
    cost = model(work(1000), parameter_bytes=40 * GIGA)
    decision = decide(scenario(cost, client=device(capacity=14.0)))
    assert (Verdict.NEITHER, False, None) == (decision.verdict, decision.feasible, decision.confidence)


def test_server_without_memory_leaves_the_client() -> None:
    """A slow device that fits the model beats a server that does not."""
    cost = model(work(10**15), parameter_bytes=20 * GIGA)
    decision = decide(scenario(cost, client=device(capacity=64.0)))
    assert (Verdict.CLIENT, True, None) == (decision.verdict, decision.feasible, decision.confidence)
    assert check(decision, "server_memory").passed is False


@pytest.mark.parametrize(
    ("pool", "pools", "limit_gb", "words"),
    [
        ("app", {"app": 4.0, "browser": 2.0}, 4, "an app may use 4 GB."),
        ("browser", {"app": 4.0, "browser": 2.0}, 2, "a browser tab may use 2 GB."),
        ("browser", {"app": 4.0}, 4, "an app may use 4 GB (no limit of a browser tab is known)."),
        ("browser", {}, 16, "it has 16 GB (no limit of a browser tab is known)."),
        ("app", {"browser": 2.0}, 16, "it has 16 GB (no limit of an app is known)."),
    ],
)
def test_memory_limit_is_that_of_the_runtimes_pool(
    pool: str, pools: dict[str, float], limit_gb: int, words: str
) -> None:
    """A browser tab is not an app; an unknown limit is said, and the next wider one stands in."""
    decision = decide(scenario(model(work(1000)), client=device(**pools), client_runtime=runtime(pool=pool)))  # type: ignore[arg-type]
    memory = check(decision, "memory")
    assert limit_gb * GIGA == memory.limit
    assert memory.message.endswith(words)


def test_asked_precision_shrinks_the_weights_in_memory() -> None:
    """2 billion parameters stored as fp32 take 4 GB at fp16; 4-bit ones stay; an output has 2 bytes."""
    stored = model(work(1000), parameters=2 * GIGA, parameter_bytes=8 * GIGA)
    quantised = model(work(1000), parameters=2 * GIGA, parameter_bytes=1 * GIGA)
    rows: list[tuple[ModelCost, Precision | None]] = [(stored, None), (stored, "fp16"), (quantised, "fp16")]
    needs = [check(decide(scenario(cost, client_precision=asked)), "memory").actual for cost, asked in rows]
    assert [8 * GIGA, 4 * GIGA + 2, 1 * GIGA + 2] == needs


@pytest.mark.parametrize("asked", [None, "fp32"])
def test_unit_without_fp32_holds_the_weights_as_it_runs_them(asked: Precision | None) -> None:
    """A Neural Engine runs fp32 models in fp16: 2 billion parameters take 4 of its 5 GB, an output 2 B."""
    cost = model(work(1000), parameters=2 * GIGA, parameter_bytes=8 * GIGA)
    engine = device("near", unit("npu", fp16=1.0), app=5.0)
    memory = check(decide(scenario(cost, client=engine, client_precision=asked)), "memory")
    assert (True, 4 * GIGA + 2) == (memory.passed, memory.actual)


def test_download_is_not_judged_without_a_limit() -> None:
    """Nobody gave a limit: the check says how long 15 MB take, and does not block."""
    decision = decide(with_payload())
    found = check(decision, "download")
    assert (None, 15_000_000, None) == (found.passed, found.actual, found.limit)
    assert "15 MB take 20.8 s to download over link; no limit is given." == found.message
    assert Verdict.CLIENT is decision.verdict


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [(25 * 2**20, Verdict.CLIENT), (13_000_000, Verdict.CLIENT), (12_999_999, Verdict.SERVER)],
)
def test_download_limit_decides_alone(limit: int, verdict: Verdict) -> None:
    """13 MB fit a host that takes 25 MiB a file, and do not fit one that takes a byte too few."""
    cost = model(work(1000), download_bytes=13_000_000)
    assert verdict is decide(scenario(cost, max_download=Bytes(limit))).verdict


@pytest.mark.parametrize(
    ("asked", "fetched", "verdict"),
    [
        (None, 52_040_000, Verdict.SERVER),
        ("fp16", 26_040_000, Verdict.CLIENT),
        ("int8", 13_040_000, Verdict.CLIENT),
    ],
)
def test_asked_precision_shrinks_the_download(
    asked: Precision | None, fetched: int, verdict: Verdict
) -> None:
    """13 M float parameters beside 40 kB of graph: 52 MB as stored, 13 MB at int8, which 25 MiB take."""
    cost = model(work(1000), parameters=13_000_000, parameter_bytes=52_000_000, download_bytes=52_040_000)
    decision = decide(scenario(cost, max_download=Bytes(25 * 2**20), client_precision=asked))
    found = check(decision, "download")
    assert (fetched, verdict) == (found.actual, decision.verdict)
    assert (asked is not None) == (f"(weights as {asked})" in found.message)


def test_uncounted_work_takes_the_client_its_lead() -> None:
    """However certain the counted part: an operator without a rule could take any time."""
    cost = model(work(5 * GIGA), step("y", "z", None, reason="no cost rule", op_type="Fancy"))
    decision = decide(scenario(cost))
    assert (Verdict.UNDECIDED, None, None) == (decision.verdict, decision.feasible, decision.confidence)
    assert decision.reasons[0].startswith("The client is ahead by 140 ms on what is counted;")
    assert decision.reasons[1].startswith("Not counted: 'z' (ai.onnx::Fancy)")


def test_uncounted_work_leaves_a_faster_server_its_lead() -> None:
    """More work costs a slower client more than the server that is ahead already."""
    cost = model(work(500 * GIGA), step("y", "z", None, reason="no cost rule"))
    assert Verdict.SERVER is decide(scenario(cost)).verdict


def test_uncounted_work_could_cost_a_slower_server_its_lead() -> None:
    """A server of less bandwidth than the client may lose on what nobody counted."""
    cost = model(work(500 * GIGA), step("y", "z", None, reason="no cost rule"))
    narrow = device("far", unit(fp32=100.0, bandwidth_gb_per_s=50.0))
    assert Verdict.UNDECIDED is decide(scenario(cost, server=narrow)).verdict


def test_hostile_names_are_shortened() -> None:
    """A name of a megabyte does not fill the answer."""
    cost = model(work(1000), step("y", "z" * 10**6, None, reason="no cost rule", op_type="T" * 10**6))
    assert max(map(len, decide(scenario(cost)).reasons)) < 500


def test_assumptions_are_said() -> None:
    """A peak that another precision lent appears among the reasons."""
    rt = runtime({"fp16": coefficients()})
    decision = decide(scenario(model(work(1000)), client_runtime=rt, client_precision="fp16"))
    assert "On near: the unit has no fp16 peak: fp32's rate is used." in decision.reasons


def test_every_profile_is_among_the_sources() -> None:
    """Peak, bandwidth, memory, coefficients and link name their evidence and source."""
    sources = decide(scenario(model(work(1000)))).sources
    for words in (
        "device near, gpu fp32 peak 1 TFLOP/s: vendor",
        "runtime rt, fp32",
        "network link, rtt 150 ms",
    ):
        assert any(source.startswith(words) for source in sources), words


def test_model_without_work_is_free() -> None:
    """A model that only renames its input runs on the device in no time."""
    decision = decide(scenario(model(step("x", "y", "view"))))
    assert Verdict.CLIENT is decision.verdict
    assert (None, None) == (decision.window.passes_at_peak, decision.window.passes_achievable)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"calls": 3, "cold": True}, "compares averages"),
        ({"calls": 0}, "calls 0 is not"),
        ({"confidence": 0.2}, "confidence 0.2 is not"),
        ({"confidence": math.nan}, "confidence nan is not"),
    ],
)
def test_impossible_scenarios_are_refused(choices: dict[str, Any], words: str) -> None:
    """A comparison that cannot be made ends in one sentence."""
    with pytest.raises(UsageError, match=words):
        decide(scenario(model(work(1000)), **choices))


def test_runtime_must_fit_the_unit() -> None:
    """A runtime for CPUs on a GPU is refused, not guessed."""
    with pytest.raises(UsageError, match="runtime 'rt' does not run on near/gpu, a gpu"):
        decide(scenario(model(work(1000)), client_runtime=runtime(kinds=("cpu",))))


def test_sizes_beyond_any_clock_are_refused() -> None:
    """Dimensions of a hostile model whose product no float holds end in one sentence."""
    with pytest.raises(ModelError, match=r"model 'm.onnx' declares sizes so large"):
        decide(scenario(model(work(10**400))))
    with pytest.raises(ModelError, match="sizes so large"):
        decide(scenario(model(work(1000), download_bytes=10**400)))


def test_cold_answer_counts_name_lookup_and_radio() -> None:
    """DNS of 20 ms and a radio asleep for 260 ms come before both first calls."""
    plain = decide(scenario(model(work(1000)), cold=True))
    link = network(dns=fact(Seconds(0.02), "given"), wake_up=fact(Seconds(0.26), "given"))
    slow = decide(scenario(model(work(1000)), cold=True, link=link))
    for before, after in ((plain.client, slow.client), (plain.server, slow.server)):
        assert 0.28 == pytest.approx((after.first_call.typical - before.first_call.typical).value)
