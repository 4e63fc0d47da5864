"""Say in plain sentences why the answer is what it is, and where its numbers come from."""

from __future__ import annotations

from collections.abc import Iterator

from feasibility.cost import Coverage
from feasibility.decide.checks import memory_limit
from feasibility.decide.contest import Contest
from feasibility.decide.judgement import Judgement
from feasibility.decide.records import Check, Compared, Placement, Scenario
from feasibility.decide.sides import Client, Server, request_bytes, response_bytes, unit_of
from feasibility.profiles.models import NetworkProfile
from feasibility.timing.compute import ComputeTime
from feasibility.units import Bytes

_MOST_NODES = 3
_LONGEST_NAME = 60  # characters of a name that a model chose

_COMPARISONS: dict[Compared, str] = {
    "inference": (
        "One inference takes {client} on {device}; the server answers after {server}: "
        "{network} of round trip and {compute} of {busy}."
    ),
    "payload": (
        "One call takes {client} on {device}; on the server {server}: {network} for the round trip "
        "and {sent} sent, {received} received, and {compute} of {busy}."
    ),
    "cold": (
        "The first call takes {client} on {device}, {setup} of it to connect, download and load; "
        "on the server {server}: {network} to connect, send {sent} and receive {received}, "
        "and {compute} of {busy}."
    ),
    "amortised": (
        "Over {calls} calls one takes {client} on {device}, with its share of {setup} to connect, "
        "download and load; on the server {server}: {network} for the round trip and {sent} sent, "
        "{received} received, and {compute} of {busy}."
    ),
}


def reasons(
    scenario: Scenario, client: Client, server: Server, met: Contest, judgement: Judgement
) -> Iterator[str]:
    """Yield what decided, then the comparison, then what it rests on: most important first."""
    if judgement.doubt:
        yield judgement.doubt
    yield from _uncounted(scenario.cost.coverage)
    yield _comparison(scenario, client, met)
    yield _shares(scenario.client, client.compute)
    for place, compute in ((scenario.client, client.compute), (scenario.server, server.compute)):
        yield from (f"On {place.device.id}: {note}." for note in compute.notes)


def failures(checks: tuple[Check, ...]) -> Iterator[str]:
    """Yield the message of each check that failed."""
    return (check.message for check in checks if check.passed is False)


def _comparison(scenario: Scenario, client: Client, met: Contest) -> str:
    place = scenario.client
    return _COMPARISONS[met.compared].format(
        client=met.client.typical,
        server=met.server.typical,
        network=met.network.typical,
        compute=met.compute.typical,
        setup=client.setup.typical,
        busy="inference" if scenario.demand is None else "waiting and inference",
        device=f"{place.device.id} ({place.unit}, {place.runtime.id}, {client.side.precision})",
        calls=scenario.calls,
        sent=Bytes(request_bytes(scenario)),
        received=Bytes(response_bytes(scenario)),
    )


def _shares(place: Placement, compute: ComputeTime) -> str:
    """Say what the client's time is made of."""
    parts = compute.shares
    total = sum(parts.values())
    words = {
        "compute": "arithmetic",
        "bandwidth": "memory traffic",
        "overhead": "overhead",
        "crossings": "crossings",
    }
    ranked = sorted(parts, key=lambda name: -parts[name])
    shown = ", ".join(
        f"{words[name]} {100 * parts[name] / total if total else 0:.0f} %"
        for name in ranked
        if parts[name] or name != "crossings"
    )
    groups = len(compute.groups)
    return f"The time on {place.device.id} is {shown}, in {groups} fused group{'s' * (groups != 1)}."


def _uncounted(coverage: Coverage) -> Iterator[str]:
    """Name the first uncounted nodes; a model may hold thousands, with names of any length."""
    if not coverage.unknown:
        return
    shown = ", ".join(
        f"{node.name[:_LONGEST_NAME]!r} ({node.domain[:_LONGEST_NAME]}::{node.op_type[:_LONGEST_NAME]})"
        for node in coverage.unknown[:_MOST_NODES]
    )
    more = len(coverage.unknown) - _MOST_NODES
    tail = f" and {more} more" if more > 0 else ""
    yield f"Not counted: {shown}{tail}; both times are lower bounds."


def sources(scenario: Scenario, client: Client, server: Server) -> tuple[str, ...]:
    """Name every profile that was used, and where each number that decided comes from."""
    rows = [
        *_placement_sources(scenario.client, client.compute),
        *_placement_sources(scenario.server, server.compute),
        *_network_sources(scenario.network),
        *_policy_sources(scenario),
    ]
    return tuple(dict.fromkeys(rows))


def _placement_sources(place: Placement, compute: ComputeTime) -> Iterator[str]:
    unit, lane = unit_of(place), compute.lane
    where = f"device {place.device.id}{_found(place.device.origin)}"
    peak, bandwidth, terms = unit.peaks[lane.peak_of], unit.bandwidth, lane.coefficients
    limit, _ = memory_limit(place)
    yield f"{where}, {place.unit} {lane.peak_of} peak {peak.value}: {peak.evidence}, {peak.source}"
    yield f"{where}, {place.unit} bandwidth {bandwidth.value}: {bandwidth.evidence}, {bandwidth.source}"
    yield f"{where}, memory {limit.value}: {limit.evidence}, {limit.source}"
    runtime = f"runtime {place.runtime.id}{_found(place.runtime.origin)}"
    yield f"{runtime}, {lane.fitted} coefficients: {terms.evidence}, {terms.source}"


def _network_sources(network: NetworkProfile) -> Iterator[str]:
    where = f"network {network.id}{_found(network.origin)}"
    facts = (
        ("rtt", network.rtt),
        ("cdn_rtt", network.cdn_rtt),
        ("downlink", network.downlink),
        ("uplink", network.uplink),
    )
    for name, fact in facts:
        if fact is not None:
            yield f"{where}, {name} {fact.value}: {fact.evidence}, {fact.source}"


def _policy_sources(scenario: Scenario) -> Iterator[str]:
    """Name the host's limits, and the price of a server that everybody asks."""
    host, price = scenario.policy.host, scenario.server.device.price_usd_per_hour
    if host is not None:
        for what, fact in (("file", host.file), ("total", host.total)):
            if fact is not None:
                yield f"host {host.id}, {what} {fact.value.as_limit()}: {fact.evidence}, {fact.source}"
    if scenario.demand is not None and price is not None:
        device = scenario.server.device.id
        yield f"device {device}, price {price.value} USD/h: {price.evidence}, {price.source}"


def _found(origin: str) -> str:
    return f" {origin}" if origin else ""
