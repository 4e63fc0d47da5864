"""Check what a team has settled before any time is looked at: where files lie, what may travel, how often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from feasibility.decide.records import Check, Scenario
from feasibility.decide.sides import download_bytes, largest_tensor_bytes, request_bytes, response_bytes
from feasibility.decide.traffic import Service
from feasibility.timing.interval import Interval
from feasibility.units import BITS_PER_BYTE, Bytes, PerSecond

_BROWSER = "browser"
# of one origin, without asking (MDN, "Storage quotas and eviction criteria", 2026-11-22)
_FIREFOX_BYTES = 10 * 2**30


class _Ban(NamedTuple):
    """A policy that keeps the model off one side, whatever the times are."""

    check: str
    asked: Callable[[Scenario], bool]
    message: str


_BANS = (
    _Ban("offline", lambda s: s.policy.offline, "The model must work offline, where no server is in reach."),
    _Ban(
        "private_input",
        lambda s: s.policy.private_input,
        "The input is private and must not leave the device.",
    ),
    _Ban(
        "secret_model",
        lambda s: s.policy.secret_model,
        "The model is secret: on a user's device its weights can be copied.",
    ),
)


def policy_checks(scenario: Scenario, client: Interval, server: Interval) -> Iterator[Check]:
    """Yield a check for each policy of the scenario; `client` and `server` are single inferences."""
    yield from _bans(scenario)
    yield from _host(scenario)
    yield from _frame_rates(scenario, client, server)
    yield from _largest_buffer(scenario)
    yield from _storage(scenario)


def _bans(scenario: Scenario) -> Iterator[Check]:
    for ban in _BANS:
        if ban.asked(scenario):
            yield Check(
                name=ban.check, passed=False, actual=None, limit=None, quantity_unit="", message=ban.message
            )


def _host(scenario: Scenario) -> Iterator[Check]:
    """Compare the download, as one file, with what the host takes."""
    host = scenario.policy.host
    if host is None:
        return
    size = download_bytes(scenario)
    for name, what, limit in (
        ("host_file", "a file", host.file),
        ("host_total", "all files together", host.total),
    ):
        if limit is not None:
            yield Check(
                name=name,
                passed=size <= limit.value.value,
                actual=size,
                limit=limit.value.value,
                quantity_unit="bytes",
                message=f"{host.name} takes {limit.value.as_limit()} for {what}; the model is {Bytes(size)}.",
            )


def _frame_rates(scenario: Scenario, client: Interval, server: Interval) -> Iterator[Check]:
    """Say whether each side keeps up with the frames: inference on both, and the uplink to the server."""
    fps = scenario.policy.fps
    if fps is None:
        return
    place = scenario.client
    yield _keeps_up("frame_rate", client, fps, f"{place.device.id} {place.unit}")
    blocked = next(_too_wide(scenario, fps), None)
    yield blocked or _keeps_up("server_frame_rate", server, fps, scenario.server.device.id)


def _too_wide(scenario: Scenario, fps: float) -> Iterator[Check]:
    """Yield the direction of the link that frames or answers do not fit; open where their size is assumed."""
    network = scenario.network
    ways = (
        ("uplink", network.uplink.value, request_bytes(scenario), scenario.payload, "--payload"),
        ("downlink", network.downlink.value, response_bytes(scenario), scenario.response, "--response"),
    )
    for name, rate, size, given, option in ways:
        needed = BITS_PER_BYTE * fps * size
        if needed > rate.value:
            raw = f" (raw: {option} SIZE if they are compressed)" if given is None else ""
            yield Check(
                name="server_frame_rate",
                passed=None if given is None else False,
                actual=needed,
                limit=rate.value,
                quantity_unit="bits/s",
                message=(
                    f"{fps:g} times a second {Bytes(size)}{raw} need {type(rate)(needed)} of {name}; "
                    f"{network.id} has {rate}."
                ),
            )


def _keeps_up(name: str, inference: Interval, fps: float, where: str) -> Check:
    """Pass where the p90 is short enough, fail where not even the p10 is."""
    budget_s = 1 / fps
    passed = True if inference.high.value <= budget_s else None
    if inference.low.value > budget_s:
        passed = False
    said = {True: "keeps up with", None: "may or may not keep up with", False: "cannot keep up with"}[passed]
    return Check(
        name=name,
        passed=passed,
        actual=inference.typical.value,
        limit=budget_s,
        quantity_unit="s",
        message=f"{where} {said} {fps:g} frames/s: a frame takes {inference}.",
    )


def _storage(scenario: Scenario) -> Iterator[Check]:
    """Say what a browser lends of a disk whose size nobody knows; Firefox has a limit of its own."""
    if scenario.client.runtime.memory_pool != _BROWSER:
        return
    size = download_bytes(scenario)
    yield Check(
        name="storage",
        passed=None,
        actual=size,
        limit=_FIREFOX_BYTES,
        quantity_unit="bytes",
        message=(
            f"{Bytes(size)} are kept between visits if the browser has room: Chrome and Safari lend a site "
            f"60 % of the disk, Firefox 10 % and at most {Bytes(_FIREFOX_BYTES).as_limit()}."
        ),
    )


def service_checks(service: Service | None) -> Iterator[Check]:
    """Say whether any number of replicas answers the traffic soon enough."""
    if service is None:
        return
    rate = PerSecond(service.rate_per_s)
    words = f"{rate} are answered with a p99 of {service.response_p99} by {service.replicas:,} of the server"
    words = words if service.replicas else service.reason
    yield Check(
        name="server_p99",
        passed=service.replicas > 0,
        actual=service.response_p99.value,
        limit=service.p99_goal.value,
        quantity_unit="s",
        message=f"{words[:1].upper()}{words[1:]}.",
    )


def _largest_buffer(scenario: Scenario) -> Iterator[Check]:
    """Compare the largest tensor with what one buffer of the runtime holds without asking for more."""
    runtime = scenario.client.runtime
    if runtime.max_buffer is None:
        return
    size, limit = largest_tensor_bytes(scenario), runtime.max_buffer.value
    fits = size <= limit.value
    yield Check(
        name="buffer",
        passed=True if fits else None,
        actual=size,
        limit=limit.value,
        quantity_unit="bytes",
        message=(
            f"The largest tensor has {Bytes(size)}; a buffer of {runtime.id} holds {limit.as_limit()}"
            + ("." if fits else " unless the adapter grants more.")
        ),
    )
