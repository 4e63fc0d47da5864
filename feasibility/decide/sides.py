"""Time both sides: inference alone, a warm call, the first call, and its phases."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from feasibility.cost import ModelCost
from feasibility.decide.records import ClientSide, Phase, Placement, Scenario, ServerSide
from feasibility.decide.timed_groups import TimedGroup, slowest
from feasibility.decide.traffic import Service, batches, cdn_bytes_per_year, serve
from feasibility.errors import UsageError
from feasibility.ir import ACTIVATION_BITS, CONVERTIBLE, WEIGHT_BITS, TensorSpec
from feasibility.memory import MemoryNeed, memory_at, weights_at
from feasibility.profiles.models import ComputeUnit, Precision
from feasibility.timing import network as links
from feasibility.timing.compute import ComputeTime, inference, stored_precision
from feasibility.timing.interval import DATA_SHEET_SIGMA, PRIOR_SIGMA, Interval
from feasibility.timing.precision import run_precision
from feasibility.units import BITS_PER_BYTE

_KEPT = 128  # times of a model in a place that are kept: many links ask for the same ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The client's side, how it was timed, and what passes once a session before its first inference.

    `setup` counts the download in the share of sessions that do not find it cached.
    """

    side: ClientSide
    compute: ComputeTime
    setup: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The server's side, how it was timed, and what its calls spend on the network."""

    side: ServerSide
    compute: ComputeTime
    busy: Interval  # from a request's arrival to its answer: the wait for others, and the inference
    call_network: Interval
    first_network: Interval


def client_side(scenario: Scenario) -> Client:
    """Time the user's device; the model comes over the CDN's link."""
    place, network = scenario.client, links.cdn(scenario.network)
    compute = timed(scenario.cost, place)
    size = fetched_bytes(scenario)
    loading = load_time(scenario.cost, place, compute)
    missed = 1 - scenario.cache_hit
    setup = missed * links.download(network, size) + loading
    phases = (
        Phase(name="connection", seconds=links.connection(network)),
        Phase(name="round trip", seconds=links.round_trip(network)),
        Phase(name="download", seconds=links.cold_response(network, size)),
        Phase(name="load", seconds=loading),
        Phase(name="inference", seconds=compute.interval),
    )
    side = ClientSide(
        device=place.device.id,
        unit=place.unit,
        runtime=place.runtime.id,
        precision=compute.precision,
        inference=compute.interval,
        first_call=links.download(network, size) + loading + compute.interval,
        phases=phases,
        groups=_slowest(scenario.cost, place),
        group_count=len(compute.groups) + len(compute.rest),
    )
    return Client(side=side, compute=compute, setup=setup)


def server_side(scenario: Scenario) -> Server:
    """Time the server; without a demand nobody else uses it, and a request waits for nothing."""
    place, network = scenario.server, scenario.network
    compute = timed(scenario.cost, place)
    up, down = request_bytes(scenario), response_bytes(scenario)
    call = links.warm_exchange(network, up_bytes=up, down_bytes=down)
    first = links.cold_exchange(network, up_bytes=up, down_bytes=down)
    service = _service(scenario)
    wait_s = 0.0 if service is None else max(0.0, (service.response_p50 - compute.interval.typical).value)
    busy = Interval.exact(wait_s) + compute.interval
    phases = (
        Phase(name="connection", seconds=links.connection(network)),
        Phase(name="round trip", seconds=links.round_trip(network)),
        Phase(name="upload", seconds=links.cold_upload(network, up)),
        *([] if service is None else [Phase(name="wait", seconds=Interval.exact(wait_s))]),
        Phase(name="inference", seconds=compute.interval),
        Phase(name="response", seconds=links.cold_response(network, down)),
    )
    side = ServerSide(
        device=place.device.id,
        unit=place.unit,
        runtime=place.runtime.id,
        precision=compute.precision,
        inference=compute.interval,
        call=call + busy,
        first_call=first + busy,
        phases=phases,
        service=service,
    )
    return Server(side=side, compute=compute, busy=busy, call_network=call, first_network=first)


def _service(scenario: Scenario) -> Service | None:
    """Return the server's plan for the demand, if there is one."""
    place = scenario.server
    if scenario.demand is None:
        return None
    price = place.device.price_usd_per_hour
    each = batches_of(scenario)
    found = serve(scenario.demand, each, None if price is None else price.value, largest_batch(scenario))
    fetched = cdn_bytes_per_year(scenario.demand, fetched_bytes(scenario), scenario.calls, scenario.cache_hit)
    return replace(found, cdn_bytes_per_year=fetched)


@lru_cache(maxsize=_KEPT)
def _slowest(cost: ModelCost, place: Placement) -> tuple[TimedGroup, ...]:
    return slowest(timed(cost, place), place.runtime.id, _taker(place))


def batches_of(scenario: Scenario) -> Callable[[int], float]:
    """Return what tells the seconds of a batch on the server."""
    place = scenario.server
    return batches(scenario.cost, unit_of(place), place.runtime, place.precision)


def largest_batch(scenario: Scenario) -> int:
    """Return how many inputs fit the server's memory: weights once, activations for each; 1 at least."""
    place = scenario.server
    need = memory_need(scenario.cost, place)
    free = place.device.memory.capacity.value.value - place.runtime.memory_overhead.value.value
    each = max(1, need.activation_bytes)
    return max(1, int((free - need.weight_bytes) // each))


def _taker(place: Placement) -> str | None:
    """Return the runtime that takes what the chosen one does not run."""
    return place.rest.runtime.id if place.rest and place.rest.runtime else None


@lru_cache(maxsize=_KEPT)
def timed(cost: ModelCost, place: Placement) -> ComputeTime:
    """Return the time of one inference there; UsageError if unit and runtime do not fit."""
    return inference(cost, unit_of(place), place.runtime, place.precision, place.rest)


def unit_of(place: Placement) -> ComputeUnit:
    """Return the unit of a placement."""
    unit = place.device.units.get(place.unit)
    if unit is None:
        msg = f"device {place.device.id!r} has no unit {place.unit!r}"
        raise UsageError(msg, hint=f"its units: {', '.join(place.device.units)}")
    if unit.kind not in place.runtime.unit_kinds:
        msg = f"runtime {place.runtime.id!r} does not run on {place.device.id}/{place.unit}, a {unit.kind}"
        raise UsageError(msg, hint=f"the unit's runtimes: {', '.join(unit.runtimes)}")
    return unit


def load_time(cost: ModelCost, place: Placement, compute: ComputeTime) -> Interval:
    """Return the start of a session, and one pass of the weights through memory.

    Reading them from storage is not known and not counted.
    """
    start = place.runtime.session_start
    weights_s = weight_bytes(cost, place) / compute.lane.bandwidth_bytes_per_s
    sigma = {"given": 0.0, "measured": PRIOR_SIGMA, "derived": PRIOR_SIGMA}.get(
        start.evidence, DATA_SHEET_SIGMA
    )
    return Interval.from_sigma(start.value.value + weights_s, sigma)


def download_bytes(scenario: Scenario) -> int:
    """Return what a first visit fetches: the files, weights converted where a precision is asked for."""
    totals, asked = scenario.cost.totals, scenario.client.precision
    if asked is None:
        return totals.download_bytes
    rest = max(0, totals.download_bytes - totals.parameter_bytes)
    return rest + weights_at(scenario.cost, asked)


def fetched_bytes(scenario: Scenario) -> int:
    """Return what travels of the download: compressed, where that is asked for."""
    size = download_bytes(scenario)
    if scenario.compression is None:
        return size
    width = scenario.client.precision or stored_precision(scenario.cost)
    return math.ceil(size * scenario.compression.share(width))


def weight_bytes(cost: ModelCost, place: Placement) -> int:
    """Return the bytes of the parameters in memory: as stored, or as the unit has to run them."""
    precision = _converted(cost, place)
    return cost.totals.parameter_bytes if precision is None else weights_at(cost, precision)


def memory_need(cost: ModelCost, place: Placement) -> MemoryNeed:
    """Return what weights and activations take: as stored, or as the unit has to run them."""
    return memory_at(cost, _converted(cost, place))


def _converted(cost: ModelCost, place: Placement) -> Precision | None:
    """Return what the model is converted to: by wish, or because the unit lacks the stored type."""
    wanted = place.precision or stored_precision(cost)
    runs_at = run_precision(wanted, unit_of(place), place.runtime)
    return place.precision if runs_at == wanted else runs_at


def request_bytes(scenario: Scenario) -> int:
    """Return the payload of a call, else the raw bytes of the model's inputs."""
    if scenario.payload is not None:
        return int(scenario.payload.value)
    return _raw_bytes(scenario.cost.model.inputs)


def response_bytes(scenario: Scenario) -> int:
    """Return the answer of a call, else the raw bytes of the model's outputs."""
    if scenario.response is not None:
        return int(scenario.response.value)
    return _raw_bytes(scenario.cost.model.outputs)


def largest_tensor_bytes(scenario: Scenario) -> int:
    """Return the bytes of the largest tensor that the client holds, weights and activations alike."""
    return _largest_bytes(scenario.cost, _converted(scenario.cost, scenario.client))


@lru_cache(maxsize=_KEPT)
def _largest_bytes(cost: ModelCost, precision: Precision | None) -> int:
    nodes = (each.node for each in cost.nodes)
    specs = (
        spec for node in nodes for spec in (*node.inputs, *node.outputs) if spec and spec.shape is not None
    )
    return max((_converted_bytes(spec, precision) for spec in specs), default=0)


def _converted_bytes(spec: TensorSpec, precision: Precision | None) -> int:
    if precision is None or spec.dtype not in CONVERTIBLE:
        return spec.nbytes
    widths = WEIGHT_BITS if spec.constant else ACTIVATION_BITS
    return math.ceil(spec.numel * widths[precision] / BITS_PER_BYTE)


def _raw_bytes(specs: tuple[TensorSpec, ...]) -> int:
    return sum(spec.nbytes for spec in specs if spec.shape is not None)
