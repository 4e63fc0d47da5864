"""Check the limits that come before times: memory on both sides, and the download."""

from __future__ import annotations

from collections.abc import Iterator

from feasibility.cost import ModelCost
from feasibility.decide.policies import policy_checks
from feasibility.decide.records import Check, Placement, Scenario
from feasibility.decide.sides import download_bytes, fetched_bytes, memory_need
from feasibility.profiles.models import BytesQ, Fact
from feasibility.timing import network as links
from feasibility.timing.compute import partitions
from feasibility.timing.interval import Interval
from feasibility.timing.placement import lacks, sentence
from feasibility.units import Bytes

CLIENT_CHECKS = frozenset(
    {"memory", "download", "operators", "host_file", "host_total", "frame_rate", "buffer", "secret_model"}
)
SERVER_CHECKS = frozenset({"server_memory", "server_frame_rate", "server_p99", "offline", "private_input"})

_USERS = {"app": "an app", "browser": "a browser tab"}


def checks(scenario: Scenario, client: Interval, server: Interval) -> tuple[Check, ...]:
    """Return every check of both sides; one that nobody can judge has passed None.

    `client` and `server` are the times of one inference there.
    """
    return (
        *policy_checks(scenario, client, server),
        _memory("memory", scenario.cost, scenario.client),
        _download(scenario),
        *_operators(scenario),
        _memory("server_memory", scenario.cost, scenario.server),
    )


def memory_limit(place: Placement) -> tuple[Fact[BytesQ], str]:
    """Return what the runtime may use there, and whose limit that is, in words.

    Where the limit of a browser tab is unknown, that of an app stands in; where that
    is unknown too, the physical capacity.
    """
    memory, pool = place.device.memory, place.runtime.memory_pool
    known = (
        (("browser", memory.browser), ("app", memory.app)) if pool == "browser" else (("app", memory.app),)
    )
    for name, fact in known:
        if fact is not None:
            lent = "" if name == pool else f" (no limit of {_USERS[pool]} is known)"
            return fact, f"{_USERS[name]} may use {fact.value}{lent}"
    return memory.capacity, f"it has {memory.capacity.value} (no limit of {_USERS[pool]} is known)"


def _memory(name: str, cost: ModelCost, place: Placement) -> Check:
    """Compare weights, peak activations and the runtime's own memory with what may be used."""
    own = int(place.runtime.memory_overhead.value.value)
    need = memory_need(cost, place).need_bytes + own
    limit, words = memory_limit(place)
    return Check(
        name=name,
        passed=need <= limit.value.value,
        actual=need,
        limit=limit.value.value,
        quantity_unit="bytes",
        message=f"{Bytes(need)} of memory are needed on {place.device.id}, where {words}.",
    )


def _download(scenario: Scenario) -> Check:
    """Compare the download with the caller's limit; without one, say how long it takes."""
    size, limit = fetched_bytes(scenario), scenario.max_download
    seconds = links.download(links.cdn(scenario.network), size).typical
    what = f"{Bytes(size)}{_as_asked(scenario)}"
    verdict = "no limit is given" if limit is None else f"the limit is {limit}"
    return Check(
        name="download",
        passed=None if limit is None else size <= limit.value,
        actual=size,
        limit=None if limit is None else limit.value,
        quantity_unit="bytes",
        message=f"{what} take {seconds} to download over {scenario.network.id}; {verdict}.",
    )


def _operators(scenario: Scenario) -> Iterator[Check]:
    """Say what the client's runtime does not run, and who takes it; fail if nobody does."""
    place = scenario.client
    if place.rest is None:
        return
    found = partitions(scenario.cost, place.rest.table.supported)
    lacking = sum(breaker.count for breaker in found.breakers)
    taker = place.rest.runtime
    words = f"{place.runtime.id} runs every operator of the model"
    if lacking:
        rest = f"{taker.id} takes them" if taker else f"nothing else on {place.device.id} takes them"
        words = f"{sentence(found, place.runtime.id) if taker else lacks(found, place.runtime.id)}; {rest}"
    yield Check(
        name="operators",
        passed=not lacking or taker is not None,
        actual=lacking,
        limit=None,
        quantity_unit="nodes",
        message=f"{words}.",
    )


def _as_asked(scenario: Scenario) -> str:
    """Say that the weights of the download are not those of the file, or that they are compressed."""
    asked, packed = scenario.client.precision, scenario.compression
    said = [] if asked is None else [f"weights as {asked}"]
    said += [] if packed is None else [f"{packed}, of {Bytes(download_bytes(scenario))}"]
    return f" ({'; '.join(said)})" if said else ""
