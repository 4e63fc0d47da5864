"""Say how long bytes and round trips take on a link (docs/time.md).

t = wake-up + DNS + handshakes*RTT + RTT + rounds*RTT + rest/rate. A new connection
pays all of it; a warm one pays RTT + bytes/rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from feasibility.errors import UsageError
from feasibility.profiles.models import Evidence, NetworkProfile
from feasibility.timing.interval import DATA_SHEET_SIGMA, Z_P90, Interval
from feasibility.units import BitsPerSecond, Seconds

INITIAL_WINDOW_SEGMENTS = 10  # RFC 6928, 2013
SEGMENT_BYTES = 1460  # an Ethernet frame's 1500 less 40 of IPv4 and TCP headers (RFC 879, 1983)
LOSS_CONSTANT = 1.22  # sqrt(3/2): Mathis, Semke, Mahdavi, Ott 1997, rate = 1.22*MSS/(RTT*sqrt(loss))

_KEPT = 1024  # times of transfers that are kept: many devices ask about the same link

# Round trips before a request may leave (RFC 9293, 5246, 8446, 9000/9001).
_TCP_ROUND_TRIPS = 1
_TLS_ROUND_TRIPS: Mapping[str, int] = {"1.2": 2, "1.3": 1}
_QUIC_ROUND_TRIPS = 1  # transport and TLS 1.3 at once
# Resumed: a shorter handshake (RFC 5246 7.3), or data in the first flight (RFC 8446 2.3, RFC 9001 4.6).
_RESUMED_TLS_ROUND_TRIPS: Mapping[str, int] = {"1.2": 1, "1.3": 0}
_RESUMED_QUIC_ROUND_TRIPS = 0

# Spread (sigma of ln x) between the links that one profile stands for.
# RTT: CrUX over 50,000 origins, November 2024 (treo.sh/rtt): p90/p10 = 259/87 ms gives 0.43.
# Rate: Ookla medians, August 2024: 0.68 between 27 countries, mobile, and 0.99 between 28, fixed.
_RTT_SIGMA: Mapping[Evidence, float] = {
    "given": 0.0, "measured-here": 0.43, "measured": 0.43, "derived": 0.43,
    "vendor": DATA_SHEET_SIGMA, "estimate": DATA_SHEET_SIGMA,
}  # fmt: skip
_RATE_SIGMA: Mapping[Evidence, float] = {
    "given": 0.0, "measured-here": 0.68, "measured": 0.68, "derived": 0.68, "vendor": 0.99, "estimate": 0.99,
}  # fmt: skip


class SlowStart(NamedTuple):
    """Round trips spent on growing flights, and the bytes that then stream at link rate."""

    rounds: int
    rest_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """One draw of a link: everything that a time on it depends on."""

    rtt_s: float
    down_bytes_per_s: float
    up_bytes_per_s: float
    dns_s: float
    wake_s: float


def handshakes(network: NetworkProfile) -> int:
    """Return the round trips of a new connection before its first request leaves."""
    if network.transport == "quic":
        return _RESUMED_QUIC_ROUND_TRIPS if network.resumed else _QUIC_ROUND_TRIPS
    return _TCP_ROUND_TRIPS + (_RESUMED_TLS_ROUND_TRIPS if network.resumed else _TLS_ROUND_TRIPS)[network.tls]


def cdn(network: NetworkProfile) -> NetworkProfile:
    """Return the link to whoever serves the model: a round trip of its own, and a first handshake."""
    return network.model_copy(update={"rtt": network.cdn_rtt or network.rtt, "resumed": False})


def slow_start(size_bytes: float, rate_bytes_per_s: float, rtt_s: float) -> SlowStart:
    """Return how a transfer starts: each flight that leaves the pipe idle costs one round trip.

    A flight smaller than rate*RTT leaves it idle; flights start at 10 segments and
    double. What the next flight can hold, or fills the pipe, is the rest.
    """
    rounds, flight, rest = 0, float(INITIAL_WINDOW_SEGMENTS * SEGMENT_BYTES), float(size_bytes)
    pipe = rate_bytes_per_s * rtt_s
    while flight < min(pipe, rest):
        rest -= flight
        flight *= 2
        rounds += 1
    return SlowStart(rounds, rest)


@lru_cache(maxsize=_KEPT)
def round_trip(network: NetworkProfile) -> Interval:
    """Return the RTT of the link."""
    return _spread(network, lambda link: link.rtt_s)


@lru_cache(maxsize=_KEPT)
def connection(network: NetworkProfile) -> Interval:
    """Return radio wake-up, DNS and handshakes: what passes before a first request leaves."""
    return _spread(network, lambda link: _connect_s(network, link))


def download(network: NetworkProfile, size_bytes: float) -> Interval:
    """Return a download over a new connection, slow start included."""
    return cold_exchange(network, up_bytes=0, down_bytes=size_bytes)


@lru_cache(maxsize=_KEPT)
def cold_exchange(network: NetworkProfile, *, up_bytes: float, down_bytes: float) -> Interval:
    """Return request and response over a new connection, both in slow start."""

    def seconds(link: _Link) -> float:
        return (
            _connect_s(network, link)
            + link.rtt_s
            + _cold_s(network, link, up_bytes, link.up_bytes_per_s)
            + _cold_s(network, link, down_bytes, link.down_bytes_per_s)
        )

    return _spread(network, seconds)


@lru_cache(maxsize=_KEPT)
def warm_exchange(network: NetworkProfile, *, up_bytes: float, down_bytes: float) -> Interval:
    """Return request and response on an open connection that has reached the link's rate."""

    def seconds(link: _Link) -> float:
        return (
            link.rtt_s
            + _warm_s(network, link, up_bytes, link.up_bytes_per_s)
            + _warm_s(network, link, down_bytes, link.down_bytes_per_s)
        )

    return _spread(network, seconds)


@lru_cache(maxsize=_KEPT)
def cold_upload(network: NetworkProfile, size_bytes: float) -> Interval:
    """Return what a request's bytes add to a first call."""
    return _spread(network, lambda link: _cold_s(network, link, size_bytes, link.up_bytes_per_s))


@lru_cache(maxsize=_KEPT)
def cold_response(network: NetworkProfile, size_bytes: float) -> Interval:
    """Return what a response's bytes add to a first call."""
    return _spread(network, lambda link: _cold_s(network, link, size_bytes, link.down_bytes_per_s))


def _connect_s(network: NetworkProfile, link: _Link) -> float:
    return link.wake_s + link.dns_s + handshakes(network) * link.rtt_s


def _cold_s(network: NetworkProfile, link: _Link, size_bytes: float, rate: float) -> float:
    rate = _rate(network, link, rate)
    rounds, rest_bytes = slow_start(size_bytes, rate, link.rtt_s)
    return rounds * link.rtt_s + rest_bytes / rate


def _warm_s(network: NetworkProfile, link: _Link, size_bytes: float, rate: float) -> float:
    return size_bytes / _rate(network, link, rate)


def _rate(network: NetworkProfile, link: _Link, rate: float) -> float:
    """Return the rate that losses leave, where the profile says that Reno backs off for each."""
    loss = network.loss.value if network.loss and network.congestion == "reno" else 0.0
    if loss <= 0 or link.rtt_s <= 0:
        return rate
    return min(rate, LOSS_CONSTANT * SEGMENT_BYTES / (link.rtt_s * math.sqrt(loss)))


def _spread(network: NetworkProfile, seconds: Callable[[_Link], float]) -> Interval:
    """Return p10, p50 and p90: each uncertain quantity moved alone, deviations by root-sum-square."""
    middle = seconds(_draw(network))
    moved = [(seconds(slow), seconds(fast)) for slow, fast in _moves(network)]
    return Interval(
        low=Seconds(middle - math.hypot(*(middle - fast for _, fast in moved))),
        typical=Seconds(middle),
        high=Seconds(middle + math.hypot(*(slow - middle for slow, _ in moved))),
    )


def _moves(network: NetworkProfile) -> Iterator[tuple[_Link, _Link]]:
    """Yield the link with each uncertain quantity at its slow and at its fast decile."""
    times = {"rtt": network.rtt, "dns": network.dns, "wake_up": network.wake_up}
    rates = {"downlink": network.downlink, "uplink": network.uplink}
    sigmas = {name: _RTT_SIGMA[fact.evidence] for name, fact in times.items() if fact}
    sigmas |= {name: -_RATE_SIGMA[fact.evidence] for name, fact in rates.items()}
    for name, sigma in sigmas.items():
        if sigma and not network.preset:
            slow = math.exp(Z_P90 * sigma)
            yield _draw(network, name, slow), _draw(network, name, 1 / slow)


def _draw(network: NetworkProfile, moved: str = "", factor: float = 1.0) -> _Link:
    """Return the link as its profile says, but one quantity moved by a factor."""

    def value(name: str, typical: float) -> float:
        return typical * factor if name == moved else typical

    return _Link(
        rtt_s=value("rtt", network.rtt.value.value),
        down_bytes_per_s=value("downlink", _positive(network, network.downlink.value, "downlink")),
        up_bytes_per_s=value("uplink", _positive(network, network.uplink.value, "uplink")),
        dns_s=value("dns", network.dns.value.value if network.dns else 0.0),
        wake_s=value("wake_up", network.wake_up.value.value if network.wake_up else 0.0),
    )


def _positive(network: NetworkProfile, rate: BitsPerSecond, what: str) -> float:
    if rate.value <= 0:
        msg = f"the {what} of {network.id!r} is {rate}; nothing would ever arrive"
        raise UsageError(msg, hint="give a rate above zero, like 20Mbit/s")
    return rate.to_bytes().value
