"""Find where the answer flips, one quantity at a time, on typical values."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

from feasibility.cost import ModelCost
from feasibility.decide.records import BreakEven, Placement, Scenario
from feasibility.decide.sides import (
    Client,
    Server,
    batches_of,
    fetched_bytes,
    request_bytes,
    response_bytes,
    timed,
)
from feasibility.decide.traffic import crowded
from feasibility.profiles.models import NetworkProfile
from feasibility.timing import network as links
from feasibility.timing.compute import ComputeTime
from feasibility.units import BitsPerSecond, Bytes, FlopsPerSecond, PerSecond, Seconds

_SLOWEST_BITS_PER_S = 1.0
_FASTEST_BITS_PER_S = 1e15  # far above any link; what is left there is round trips alone
_FACTOR_RANGE = 1e12  # a unit this many times slower or faster than it is
_KEPT = 512  # models and places whose bounds are kept
_HALVINGS = 200  # of an interval of logarithms, more than lead down to the last bit of a float
_LINKS = 64  # whose times at other downlinks are kept, so that a sweep over downlinks works them out once
_RATES = 1024  # of each: a search takes about 55, and the next one mostly the same


def break_evens(scenario: Scenario, client: Client, server: Server) -> tuple[BreakEven, tuple[str, ...]]:
    """Return the break-evens, and a sentence for each one that does not exist."""
    rtt, no_rtt = _rtt(client, server)
    rate, no_rate = _client_rate(scenario, client, server)
    calls, no_calls = _calls(client, server)
    downlink, no_downlink = _downlink(scenario, client, server)
    payload = _payload(scenario, client, server)
    found = BreakEven(
        rtt=rtt,
        downlink=downlink,
        payload=payload,
        calls=calls,
        client_rate=rate,
        traffic=_traffic(scenario, client, server),
    )
    return found, tuple(text for text in (no_rtt, no_rate, no_calls, no_downlink) if text)


def _rtt(client: Client, server: Server) -> tuple[Seconds | None, str]:
    """Solve client = RTT + server for the RTT."""
    spare = client.side.inference.typical - server.busy.typical
    if spare.value < 0:
        return None, "No round trip is short enough for the server: it is the slower one at 0 ms already."
    return spare, ""


def _client_rate(scenario: Scenario, client: Client, server: Server) -> tuple[FlopsPerSecond | None, str]:
    """Solve client(rate) = RTT + server for the client's peak; bytes and overhead stay."""
    compute = client.compute
    budget_s = (links.round_trip(scenario.network).typical + server.busy.typical).value
    if not any(group.flop_s for group in compute.groups):
        return None, "No speed of the client changes its time: no counted operator is linear algebra."
    least_s, now_s = _bounds_s(scenario.cost, scenario.client)
    if least_s >= budget_s:
        return None, (
            f"No speed of the client is enough: memory traffic and overhead alone take {Seconds(least_s)}, "
            f"the server answers in {Seconds(budget_s)}."
        )
    factor = _rate_factor(compute, budget_s, least_s, now_s)
    return None if factor is None else FlopsPerSecond(factor * compute.peak.value), ""


@lru_cache(maxsize=_KEPT)
def _bounds_s(cost: ModelCost, place: Placement) -> tuple[float, float]:
    """Return the seconds of a client that computes at any speed, and of one as it is."""
    compute = timed(cost, place)
    return compute.at_rate(math.inf), compute.at_rate(1.0)


def _rate_factor(compute: ComputeTime, budget_s: float, least_s: float, now_s: float) -> float | None:
    """Return how many times faster the unit must compute to take `budget_s`."""
    if all(group.exponent == 1 for group in compute.groups):
        return (now_s - least_s) / (budget_s - least_s)
    return _bisect(lambda factor: compute.at_rate(factor) - budget_s, 1 / _FACTOR_RANGE, _FACTOR_RANGE)


def _calls(client: Client, server: Server) -> tuple[float | None, str]:
    """Solve setup + N*client = N*server for N, the server's connection being open."""
    one = client.side.inference.typical
    saved = server.side.call.typical - one
    if saved.value <= 0:
        return None, "No number of calls pays for the download: each call takes longer on the client."
    return client.setup.typical / saved, ""


def _downlink(scenario: Scenario, client: Client, server: Server) -> tuple[BitsPerSecond | None, str]:
    """Solve for the downlink at which the average of `calls` calls is the same on both sides."""
    calls, network = scenario.calls, scenario.network
    if calls is None:
        return None, "No downlink break-even: it needs a number of calls per download (--calls N)."
    size, up = fetched_bytes(scenario), request_bytes(scenario)
    down, missed = response_bytes(scenario), 1 - scenario.cache_hit
    load_s = (client.setup.typical - missed * links.download(links.cdn(network), size).typical).value
    inferences_s = (client.side.inference.typical - server.busy.typical).value
    seconds_at = _seconds_at(_sharp(network), size, up, down)

    def behind_s(bits_per_s: float) -> float:
        """Return by how much the client is the slower side at this downlink."""
        download_s, call_s = seconds_at(bits_per_s)
        return inferences_s + (load_s + missed * download_s) / calls - call_s

    found = _bisect(behind_s, _SLOWEST_BITS_PER_S, _FASTEST_BITS_PER_S)
    if found is not None:
        return BitsPerSecond(found), ""
    if behind_s(_FASTEST_BITS_PER_S) > 0:
        return None, f"No downlink is fast enough for the client to be ahead over {calls} calls."
    return None, f"No downlink is slow enough for the server to be ahead over {calls} calls."


@lru_cache(maxsize=_LINKS)
def _seconds_at(
    network: NetworkProfile, size: float, up: float, down: float
) -> Callable[[float], tuple[float, float]]:
    """Return what tells the seconds of a download and of a warm call at any downlink."""

    @lru_cache(maxsize=_RATES)
    def seconds(bits_per_s: float) -> tuple[float, float]:
        link = _with_downlink(network, bits_per_s)
        return (
            links.download(links.cdn(link), size).typical.value,
            links.warm_exchange(link, up_bytes=up, down_bytes=down).typical.value,
        )

    return seconds


def _payload(scenario: Scenario, client: Client, server: Server) -> Bytes | None:
    """Solve client = call(payload) for the bytes that a warm call sends; None: even none are too many."""
    network, down = scenario.network, response_bytes(scenario)
    empty_s = links.warm_exchange(network, up_bytes=0, down_bytes=down).typical.value
    spare_s = (client.side.inference.typical - server.busy.typical).value - empty_s
    if spare_s < 0:
        return None
    byte_s = links.warm_exchange(network, up_bytes=1, down_bytes=down).typical.value - empty_s
    return Bytes(spare_s / byte_s)


def _traffic(scenario: Scenario, client: Client, server: Server) -> PerSecond | None:
    """Solve client = RTT + server for the requests that come to the planned replicas."""
    service = server.side.service
    if service is None:
        return None
    budget_s = (client.side.inference.typical - links.round_trip(scenario.network).typical).value
    return crowded(service, batches_of(scenario), budget_s)


def _sharp(network: NetworkProfile) -> NetworkProfile:
    """Return the link at any downlink and, as a preset, without a spread: what networks in a sweep share."""
    return _with_downlink(network, _FASTEST_BITS_PER_S).model_copy(update={"preset": True})


def _with_downlink(network: NetworkProfile, bits_per_s: float) -> NetworkProfile:
    fact = network.downlink.model_copy(update={"value": BitsPerSecond(bits_per_s)})
    return network.model_copy(update={"downlink": fact})


def _bisect(difference: Callable[[float], float], low: float, high: float) -> float | None:
    """Return where the difference changes sign, searched between logarithms; None if it does not."""
    above = difference(high) > 0
    if (difference(low) > 0) == above:
        return None
    bottom, top = math.log(low), math.log(high)
    for _ in range(_HALVINGS):
        middle = (bottom + top) / 2
        if middle in (bottom, top):  # the last bit: it stays so
            break
        if (difference(math.exp(middle)) > 0) == above:
            top = middle
        else:
            bottom = middle
    return math.exp((bottom + top) / 2)
