"""The smallest change that puts a model on the client."""

from __future__ import annotations

from dataclasses import replace

import pytest

from feasibility.cost import ModelCost
from feasibility.decide import Policy, decide
from feasibility.decide.scenario import Choices, build
from feasibility.profiles import catalog
from feasibility.profiles.hosts import host
from feasibility.units import Bytes, Seconds
from tests.timing_parts import model, network, scenario, tensor, work

FLOATS = 10_000_000  # of weights: 40 MB stored, 20 as halves, 10 as int8


def big() -> ModelCost:
    """Return a model of 10 million stored floats that computes next to nothing."""
    return model(work(1000), parameters=FLOATS, parameter_bytes=4 * FLOATS, download_bytes=4 * FLOATS)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (25e6, "client, by fp16 weights: 20 MB, not 40 MB, within every limit"),
        (12e6, "client, by int8 weights: 10 MB, not 40 MB, within every limit"),
        (6e6, "client, by int4 weights: 5.62 MB, not 40 MB, within every limit"),
    ],
)
def test_the_widest_weights_that_pass_are_named(limit: float, words: str) -> None:
    """10 million weights of 2, 1 and 4.5 / 8 bytes."""
    assert (words,) == decide(scenario(big(), max_download=Bytes(limit))).changes


def test_no_weights_may_be_narrow_enough() -> None:
    """10 million weights of 4.5 bits are 5.6 MB, and 5 are allowed."""
    assert () == decide(scenario(big(), max_download=Bytes(5e6))).changes


def test_a_host_is_a_limit_like_any_other() -> None:
    """40 MB do not pass 25 MiB; halves do."""
    given = replace(scenario(big()), policy=Policy(host=host("cloudflare-pages")))

    assert ("client, by fp16 weights: 20 MB, not 40 MB, within every limit",) == decide(given).changes


def test_a_client_that_wins_needs_no_change() -> None:
    """A thousand operations are quicker than any round trip."""
    assert () == decide(scenario(big())).changes


def test_a_faster_device_of_the_class_is_named() -> None:
    """On a MacBook with an M1 at 5 ms of round trip; the device named has the peak that is asked for."""
    cost = model(work(4 * 10**10), inputs=(tensor("x", 8),), outputs=(tensor("y", 8),))
    choices = Choices(client="m1", rtt=Seconds(0.005), default_client="m1", origin="a test")
    decision = decide(build(cost, choices))
    (words,) = decision.changes

    named = words.rpartition("like ")[2].rstrip(")")
    peaks = [fact.value for unit in catalog.device(named).units.values() for fact in unit.peaks.values()]
    rate = decision.break_even.client_rate
    assert rate is not None
    assert any(peak >= rate for peak in peaks)
    others = (d for d in map(catalog.device, catalog.device_ids()) if d.device_class == "laptop")
    faster = [
        fact.value.value
        for other in others
        for unit in other.units.values()
        if decision.client.runtime in unit.runtimes
        for name, fact in unit.peaks.items()
        if name == decision.client.precision and fact.value >= rate
    ]
    assert min(faster) in [peak.value for peak in peaks]  # no slower one would do
    assert "laptop" == catalog.device(named).device_class


def test_a_payload_breaks_even_at_what_the_uplink_carries_meanwhile() -> None:
    """A client 1 s slower than the server and the round trip: 20 Mbit/s carry 2.5 MB in that second."""
    cost = model(work(10**12), inputs=(tensor("x", 0),), outputs=(tensor("y", 0),))
    decision = decide(scenario(cost, link=network(rtt_s=0.0), payload=Bytes(1)))
    spare_s = decision.client.inference.typical.value - decision.server.inference.typical.value

    assert decision.break_even.payload is not None
    assert spare_s * 20e6 / 8 == pytest.approx(decision.break_even.payload.value)


def test_weights_are_no_way_out_where_the_client_stays_slower() -> None:
    """2 x 10^12 operations take a unit of 1 TFLOP/s seconds at any width: the server is faster then."""
    slow = model(work(2 * 10**12), parameters=FLOATS, parameter_bytes=4 * FLOATS, download_bytes=4 * FLOATS)
    words = decide(scenario(slow, max_download=Bytes(25e6))).changes[0]

    assert words.startswith("the times would decide, for the server, by fp16 weights")


def test_a_secret_stays_secret_at_any_width() -> None:
    """Narrower weights may not be shipped either."""
    given = replace(scenario(big(), max_download=Bytes(25e6)), policy=Policy(secret_model=True))

    assert () == decide(given).changes


def test_no_speed_makes_up_for_a_download() -> None:
    """A first visit is compared with its download: how fast the device is, is not what decides."""
    slow = model(work(2 * 10**12), download_bytes=10**9)

    assert () == decide(scenario(slow, cold=True)).changes
