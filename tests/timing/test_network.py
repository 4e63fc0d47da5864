"""How long bytes and round trips take: the design's figures, hand arithmetic and laws."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feasibility.errors import UsageError
from feasibility.profiles.models import NetworkProfile
from feasibility.timing.network import (
    cdn,
    cold_exchange,
    connection,
    download,
    handshakes,
    round_trip,
    slow_start,
    warm_exchange,
)
from feasibility.units import Seconds
from tests.timing_parts import fact, network

MIB = 2**20
Z_P90 = 1.2815515655446004
SIZES = st.integers(0, 10**10)
RATES = st.floats(1e3, 1e9)
RTTS = st.floats(0, 1)


def typical_s(network: NetworkProfile, size_bytes: float) -> float:
    """Return the typical seconds of a download."""
    return download(network, size_bytes).typical.value


@pytest.mark.parametrize(
    ("size_bytes", "seconds", "digits"),
    [(13e6, 2.14, 2), (25 * MIB, 2.85, 2), (60e6, 4.65, 2), (2.6e9, 140.1, 1)],
)
def test_download_with_handshake_and_slow_start(size_bytes: float, seconds: float, digits: int) -> None:
    """At 150 ms and 150 Mbit/s over TCP and TLS 1.3 the design's four downloads come out."""
    assert seconds == round(typical_s(network(), size_bytes), digits)


@pytest.mark.parametrize(("size_bytes", "seconds", "digits"), [(13e6, 0.69, 2), (2.6e9, 138.7, 1)])
def test_ideal_download_is_size_over_rate(size_bytes: float, seconds: float, digits: int) -> None:
    """Without a round trip to wait for, 2.6 GB at 150 Mbit/s take 138.7 s."""
    assert seconds == round(typical_s(network(rtt_s=0.0), size_bytes), digits)


def test_cold_call_costs_dns_and_three_round_trips() -> None:
    """At 140 ms with 20 ms of DNS the first HTTPS call takes 20 + 3*140 = 440 ms, a warm one 140."""
    link = network(rtt_s=0.140, dns=fact(Seconds(0.020), "given"))
    assert 0.440 == pytest.approx(cold_exchange(link, up_bytes=0, down_bytes=0).typical.value)
    assert 0.140 == pytest.approx(warm_exchange(link, up_bytes=0, down_bytes=0).typical.value)


def test_photo_takes_the_uplink_whatever_the_round_trip() -> None:
    """1.5 MB at 5 Mbit/s are 12/5 s of sending on a warm connection."""
    for rtt_s in (0.0, 0.02, 0.3):
        link = network(rtt_s=rtt_s, up_mbit=5.0)
        sent = warm_exchange(link, up_bytes=1.5e6, down_bytes=0).typical.value - rtt_s
        assert 2.4 == pytest.approx(sent)


@pytest.mark.parametrize(
    ("changes", "round_trips"), [({}, 2), ({"tls": "1.2"}, 3), ({"transport": "quic"}, 1)]
)
def test_handshakes(changes: dict[str, Any], round_trips: int) -> None:
    """TCP costs 1 and TLS 1.3 one more, TLS 1.2 two more, QUIC 1 in all."""
    assert round_trips == handshakes(network(**changes))


def test_sleeping_radio_wakes_up_once() -> None:
    """The wake-up comes before the handshakes, and not again on a warm connection."""
    link = network(wake_up=fact(Seconds(0.26), "given"))
    assert 0.26 + 2 * 0.15 == pytest.approx(connection(link).typical.value)
    assert 0.15 == pytest.approx(warm_exchange(link, up_bytes=0, down_bytes=0).typical.value)


def test_slow_start_of_the_reference_link() -> None:
    """8 flights of 14,600*2^k bytes are smaller than the pipe of 2.8125 MB; the rest streams."""
    assert (8, 13e6 - 14_600 * (2**8 - 1)) == slow_start(13e6, 18.75e6, 0.15)


def test_small_response_needs_no_further_round_trip() -> None:
    """Ten segments of 1,460 bytes come with the first answer, one byte more waits a round trip."""
    assert (0, 14_600) == slow_start(14_600, 18.75e6, 0.15)
    assert (1, 1) == slow_start(14_601, 18.75e6, 0.15)


@given(SIZES, RATES, RTTS)
def test_slow_start_sends_every_byte_once(size: int, rate: float, rtt: float) -> None:
    """The flights, each twice the one before, and the rest are the whole transfer."""
    rounds, rest = slow_start(size, rate, rtt)
    flights = [14_600 * 2**k for k in range(rounds)]
    assert size == sum(flights) + rest
    assert all(flight < rate * rtt for flight in flights)
    assert rest <= 14_600 * 2**rounds or 14_600 * 2**rounds >= rate * rtt


@given(SIZES, st.floats(0.01, 1e4), RTTS, RTTS)
def test_download_grows_with_the_round_trip(size: int, mbit: float, one: float, other: float) -> None:
    """A longer round trip never makes a download faster, and none is faster than the ideal."""
    near, far = sorted((one, other))
    fast = typical_s(network(rtt_s=near, down_mbit=mbit), size)
    slow = typical_s(network(rtt_s=far, down_mbit=mbit), size)
    assert fast <= slow * (1 + 1e-9)
    assert size * 8 / (mbit * 1e6) <= fast * (1 + 1e-9)


@given(SIZES, SIZES, st.floats(0.01, 1e4), st.floats(0.01, 1e4))
def test_download_grows_with_size_and_shrinks_with_rate(
    one: int, other: int, slow_mbit: float, fast_mbit: float
) -> None:
    """More bytes never take less time, a faster link never more."""
    small, large = sorted((one, other))
    slow, fast = (network(down_mbit=mbit) for mbit in sorted((slow_mbit, fast_mbit)))
    assert typical_s(slow, small) <= typical_s(slow, large) * (1 + 1e-9)
    assert typical_s(fast, large) <= typical_s(slow, large) * (1 + 1e-9)


def test_losses_cap_the_rate_of_reno_alone() -> None:
    """At 100 ms and 1 % loss Reno gets 1.22*1460/(0.1*0.1) = 178,120 B/s; another control all of it."""
    lossy: dict[str, Any] = {"rtt_s": 0.1, "down_mbit": 8.0, "loss": fact(0.01)}
    reno = warm_exchange(network(congestion="reno", **lossy), up_bytes=0, down_bytes=178_120)
    cubic = warm_exchange(network(**lossy), up_bytes=0, down_bytes=178_120)
    assert 0.1 + 1.0 == pytest.approx(reno.typical.value)
    assert 0.1 + 0.17812 == pytest.approx(cubic.typical.value)


def test_loss_cap_never_speeds_a_link_up() -> None:
    """Where losses would allow more than the link has, the link's rate stays."""
    link = network(rtt_s=0.01, down_mbit=1.0, loss=fact(1e-6), congestion="reno")
    assert 0.01 + 8.0 == pytest.approx(warm_exchange(link, up_bytes=0, down_bytes=1e6).typical.value)


def test_given_and_defined_links_are_certain() -> None:
    """Numbers from the caller, and those that define a tool's preset, have no spread."""
    for link in (network(), network(evidence="estimate", preset=True)):
        interval = download(link, 1e6)
        assert interval.low == interval.typical == interval.high


@pytest.mark.parametrize(("evidence", "sigma"), [("measured", 0.43), ("estimate", 0.7)])
def test_round_trip_spreads_by_its_evidence(evidence: str, sigma: float) -> None:
    """A measured median stands for links that spread by 0.43, an estimate for 0.7."""
    interval = round_trip(network(evidence=evidence))
    assert 0.15 * math.exp(Z_P90 * sigma) == pytest.approx(interval.high.value)
    assert 0.15 / math.exp(Z_P90 * sigma) == pytest.approx(interval.low.value)


def test_uncertain_parts_add_by_root_sum_square() -> None:
    """Downlink and round trip deviate on their own: the deviations are the legs of a right angle."""
    link = network(evidence="measured")
    interval = warm_exchange(link, up_bytes=0, down_bytes=18.75e6)
    rtt_up, rate_up = (math.exp(Z_P90 * sigma) - 1 for sigma in (0.43, 0.68))
    assert 1.15 == pytest.approx(interval.typical.value)
    assert math.hypot(0.15 * rtt_up, 1.0 * rate_up) == pytest.approx((interval.high - interval.typical).value)


def test_link_without_a_rate_is_refused() -> None:
    """Nothing arrives at 0 bit/s: one sentence says so instead of a division by zero."""
    link = network()
    dead = link.model_copy(
        update={"downlink": link.downlink.model_copy(update={"value": 0 * link.downlink.value})}
    )
    with pytest.raises(UsageError, match="the downlink of 'link' is 0 bit/s"):
        download(dead, 1)


@pytest.mark.parametrize(
    ("transport", "tls", "first", "resumed"),
    [("tcp", "1.2", 1 + 2, 1 + 1), ("tcp", "1.3", 1 + 1, 1 + 0), ("quic", "1.3", 1, 0)],
)
def test_a_known_server_takes_fewer_round_trips(transport: str, tls: str, first: int, resumed: int) -> None:
    """Before the request leaves: TLS 1.2 resumes in one, TLS 1.3 and QUIC send data at once (0-RTT)."""
    link = network(transport=transport, tls=tls)

    assert (first, resumed) == (handshakes(link), handshakes(link.model_copy(update={"resumed": True})))


def test_a_model_comes_from_the_cdn_and_answers_from_the_server() -> None:
    """At 20 ms to the CDN the first byte takes 3 round trips of 20 ms, though the server is 150 ms away."""
    link = network(cdn_rtt=fact(Seconds(0.020), "given"), resumed=True)

    assert 3 * 0.020 == pytest.approx(download(cdn(link), 0).typical.value)
    assert (1 + 0 + 1) * 0.150 == pytest.approx(cold_exchange(link, up_bytes=0, down_bytes=0).typical.value)
    assert 0.150 == cdn(network()).rtt.value.value


def sent_s(size_bytes: int, rate_bytes_per_s: float, rtt_s: float) -> float:
    """Send segment by segment: ten may be on their way, and each acknowledgement lets two more leave."""
    acknowledged: list[float] = []
    clock_s = free_s = 0.0
    window, next_ack = 10, 0
    for _ in range(math.ceil(size_bytes / 1460)):
        while not window:
            clock_s, next_ack, window = acknowledged[next_ack], next_ack + 1, 2
        free_s = max(clock_s, free_s) + 1460 / rate_bytes_per_s
        acknowledged.append(free_s + rtt_s)
        window -= 1
    return free_s


@given(st.integers(1, 2_000_000), st.floats(1e5, 3e7), st.floats(0.005, 0.3))
@settings(deadline=None, max_examples=60)
def test_slow_start_is_what_single_segments_take(size: int, rate: float, rtt: float) -> None:
    """The formula lies within half a round trip and three segments of a sender that waits for each answer."""
    rounds, rest = slow_start(size, rate, rtt)
    formula_s = rounds * rtt + rest / rate

    assert abs(sent_s(size, rate, rtt) - formula_s) <= rtt / 2 + 3 * 1460 / rate
