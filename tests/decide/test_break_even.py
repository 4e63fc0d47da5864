"""Where the answer flips: each break-even, put in, makes both sides equal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feasibility.decide import Scenario, break_even, decide
from feasibility.units import Bytes, Seconds
from tests.timing_parts import device, model, network, runtime, scenario, step, tensor, unit, work

GIGA = 10**9
WORK = st.integers(10**6, 10**12).map(lambda n: 2 * n)


def shop(flops: int = 5 * GIGA, **choices: Any) -> Scenario:  # noqa: ANN401 (choices of a scenario)
    """Return a model of 15 MB whose response is 1 kB."""
    cost = model(work(flops), outputs=(tensor("y", 250),), download_bytes=15_000_000)
    return scenario(cost, client_runtime=runtime(session_s=0.5, overhead=Seconds(1e-3)), **choices)


@given(WORK)
def test_round_trip_break_even_makes_both_sides_equal(flops: int) -> None:
    """At the RTT found, the client takes exactly the RTT and the server's inference."""
    found = decide(shop(flops)).break_even.rtt
    assert found is not None
    there = decide(shop(flops, link=network(rtt_s=found.value)))
    server_s = there.window.window.value + there.server.inference.typical.value
    assert there.client.inference.typical.value == pytest.approx(server_s, rel=1e-9)


def test_round_trip_break_even_by_hand() -> None:
    """11 ms on the client less 0.1 ms on the server."""
    found = decide(shop()).break_even.rtt
    assert found is not None
    assert 0.010 + 0.001 - 0.0001 == pytest.approx(found.value)


def test_no_round_trip_is_short_enough_for_a_slower_server() -> None:
    """A server that is slower than the device alone has no break-even RTT, and the answer says so."""
    decision = decide(shop(server=device("far", unit(fp32=0.1))))
    assert decision.break_even.rtt is None
    assert any("No round trip is short enough" in reason for reason in decision.reasons)


@pytest.mark.parametrize("exponent", [1.0, 2.0])
@given(flops=WORK)
def test_client_rate_break_even_makes_both_sides_equal(exponent: float, flops: int) -> None:
    """A client of the peak found takes exactly the RTT and the server's inference."""
    rt = runtime(exponent=exponent, overhead=Seconds(1e-3))
    node = step("x", "y", "heavy", fmas=flops // 2, op_class="matmul", reads=10**8, writes=0)
    first = scenario(model(node), client_runtime=rt)
    found = decide(first).break_even.client_rate
    assert found is not None
    peer = unit(fp32=found.value / 1e12)
    there = decide(scenario(model(node), client_runtime=rt, client=device("near", peer)))
    server_s = 0.150 + there.server.inference.typical.value
    assert server_s == pytest.approx(there.client.inference.typical.value, rel=1e-6)


def test_client_rate_break_even_by_hand() -> None:
    """5 GFLOP at half the peak in 150.1 ms less 1 ms of overhead."""
    found = decide(shop()).break_even.client_rate
    assert found is not None
    assert 5 * GIGA / 0.5 / (0.150 + 0.0001 - 0.001) == pytest.approx(found.value)


def test_no_rate_is_enough_where_overhead_alone_exceeds_the_window() -> None:
    """200 ms of launches do not shrink with the peak."""
    decision = decide(scenario(model(work(1000)), client_runtime=runtime(overhead=Seconds(0.2))))
    assert decision.break_even.client_rate is None
    assert any("overhead alone take 200 ms" in reason for reason in decision.reasons)


def test_rate_changes_nothing_where_nothing_is_multiplied() -> None:
    """A model of copies has no break-even rate."""
    decision = decide(scenario(model(step("x", "y", "move"))))
    assert decision.break_even.client_rate is None
    assert any("No speed of the client changes its time" in reason for reason in decision.reasons)


def test_calls_break_even_makes_both_sides_equal() -> None:
    """N calls on the client, download included, take as long as N warm calls of the server."""
    decision = decide(shop(payload=Bytes(50_000)))
    calls = decision.break_even.calls
    assert calls is not None
    one = decision.client.inference.typical.value
    client_s = decision.client.first_call.typical.value + (calls - 1) * one
    assert client_s == pytest.approx(calls * decision.server.call.typical.value)


def test_no_number_of_calls_pays_for_a_slower_client() -> None:
    """Where each call is slower on the device, the download is never paid back."""
    decision = decide(shop(500 * GIGA))
    assert decision.break_even.calls is None
    assert any("No number of calls pays" in reason for reason in decision.reasons)


@given(st.integers(40, 5000))
def test_downlink_break_even_makes_both_sides_equal(calls: int) -> None:
    """At the downlink found, an average call takes as long on either side, slow start included."""
    first = shop(calls=calls, link=network(down_mbit=10.0))
    found = decide(first).break_even.downlink
    assert found is not None
    there = decide(replace(first, network=network(down_mbit=found.value / 1e6)))
    one = there.client.inference.typical.value
    client_s = one + (there.client.first_call.typical.value - one) / calls
    assert there.server.call.typical.value == pytest.approx(client_s, rel=1e-6)


def test_no_downlink_is_fast_enough_for_few_calls() -> None:
    """Half a second of session start alone is more than one call of the server."""
    decision = decide(shop(calls=1))
    assert decision.break_even.downlink is None
    assert any("No downlink is fast enough" in reason for reason in decision.reasons)


def test_no_downlink_is_slow_enough_where_responses_outweigh_the_download() -> None:
    """A response larger than its share of the model is the server's to carry on any link."""
    cost = model(work(1000), outputs=(tensor("y", 10**6),), download_bytes=1000)
    decision = decide(scenario(cost, calls=1000))
    assert decision.break_even.downlink is None
    assert any("No downlink is slow enough" in reason for reason in decision.reasons)


def test_a_link_that_was_asked_before_answers_as_one_that_was_not() -> None:
    """What is kept of a search changes no bit of the next: each downlink's answer is that of a first one."""
    links = [network(down_mbit=mbit) for mbit in (3.0, 10.0, 44.0, 150.0)]
    first = []
    for link in links:
        break_even._seconds_at.cache_clear()
        first.append(decide(shop(calls=300, link=link)).break_even.downlink)
    assert first == [decide(shop(calls=300, link=link)).break_even.downlink for link in reversed(links)][::-1]
    assert None not in first


@given(root=st.floats(3, 1e11))
def test_a_search_ends_where_no_float_is_between(root: float) -> None:
    """The root is found to the last bits of its logarithm, in far fewer steps than are allowed."""
    asked = list[float]()

    def above(value: float) -> float:
        asked.append(value)
        return value - root

    found = break_even._bisect(above, 1e-12, 1e12)
    assert found == pytest.approx(root, rel=1e-13)
    assert len(asked) < 70


def test_downlink_needs_a_number_of_calls() -> None:
    """Without calls there is no average to flip, and the reason says what to give."""
    decision = decide(shop())
    assert decision.break_even.downlink is None
    assert any("--calls N" in reason for reason in decision.reasons)
