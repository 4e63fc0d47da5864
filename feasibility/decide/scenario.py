"""Turn names and texts into a Scenario, and record who chose each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, get_args

from feasibility.alike import meant
from feasibility.cost import ModelCost
from feasibility.decide.compression import METHODS, Compression, compression
from feasibility.decide.records import DEFAULT_CONFIDENCE, Placement, Policy, Scenario, Setting
from feasibility.decide.traffic import Demand
from feasibility.errors import UnitError, UsageError
from feasibility.profiles import catalog, hosts
from feasibility.profiles.hosts import HostProfile
from feasibility.profiles.models import DeviceProfile, NetworkProfile, Precision, RuntimeProfile
from feasibility.profiles.support import support
from feasibility.timing.compute import Rest
from feasibility.units import BitsPerSecond, Bytes, PerSecond, Seconds

DEFAULT_SERVER = "a100"
DEFAULT_SERVER_PRECISION = "fp16"  # whoever owns the server can convert the model
DEFAULT_NETWORK = "essay"
AS_STORED = "as stored"
UNCONVERTED = "as-stored"  # how a caller says so
_NOT_GIVEN = "none"
_MODEL_INPUTS = "inputs of the model"
_MODEL_OUTPUTS = "outputs of the model"
_YES = "yes"
Q = TypeVar("Q", Seconds, BitsPerSecond, Bytes, PerSecond)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a caller chose; None is left to the defaults. `origin` names the caller."""

    client: str | DeviceProfile | None = None
    server: str | DeviceProfile | None = None
    network: str | NetworkProfile | None = None
    rtt: str | Seconds | None = None
    down: str | BitsPerSecond | None = None
    up: str | BitsPerSecond | None = None
    cdn_rtt: str | Seconds | None = None
    resumed: bool = False
    runtime: str | RuntimeProfile | None = None
    precision: str | None = None
    server_precision: str | None = None
    calls: int | None = None
    cache_hit: float | None = None
    cold: bool = False
    payload: str | Bytes | None = None
    response: str | Bytes | None = None
    host: str | HostProfile | None = None
    fps: float | None = None
    traffic: str | PerSecond | None = None
    p99: str | Seconds | None = None
    max_batch: int | None = None
    offline: bool = False
    private_input: bool = False
    secret_model: bool = False
    max_download: str | Bytes | None = None
    compress: str | None = None
    weights: str | None = None
    confidence: float | None = None
    default_client: str
    origin: str

    def chose(self, name: str) -> bool:
        """Tell whether the caller chose this."""
        return getattr(self, name) not in (None, False)

    def setting(self, value: str, *, chosen: bool, otherwise: str = "default") -> Setting:
        """Return a setting that the caller made if `chosen`, else somebody else."""
        return Setting(value=value, origin=self.origin if chosen else otherwise)


def build(cost: ModelCost, choices: Choices) -> Scenario:
    """Resolve every choice; raise UsageError for what does not exist or fit together."""
    client = place(choices.client or choices.default_client, choices.runtime, choices.precision)
    server = place(
        choices.server or DEFAULT_SERVER, None, choices.server_precision or DEFAULT_SERVER_PRECISION
    )
    network = _network(choices)
    payload = quantity(Bytes, "payload", choices.payload)
    response = quantity(Bytes, "response", choices.response)
    max_download = quantity(Bytes, "max_download", choices.max_download)
    policy, demand, packed = _policy(choices), _demand(choices), _compression(choices)
    return Scenario(
        cost=cost,
        client=client,
        server=server,
        network=network,
        calls=choices.calls,
        cache_hit=choices.cache_hit or 0.0,
        compression=packed,
        cold=choices.cold,
        payload=payload,
        response=response,
        policy=policy,
        demand=demand,
        max_download=max_download,
        confidence=DEFAULT_CONFIDENCE if choices.confidence is None else choices.confidence,
        settings={
            **_placement_settings(choices, client, server),
            **_network_settings(choices, network),
            **_comparison_settings(choices, payload, response, max_download),
            **_policy_settings(choices, policy, demand),
        },
    )


def place(
    device: str | DeviceProfile, runtime: str | RuntimeProfile | None, precision: str | None
) -> Placement:
    """Find the unit and runtime of a device: those named, else the profile's first."""
    profile, unit = _device(device)
    units = [unit] if unit else [profile.default_unit, *profile.units]
    unit, found = _runtime(profile, units, runtime)
    return Placement(
        device=profile,
        unit=unit,
        runtime=found,
        precision=_precision(precision),
        rest=_rest(profile, unit, found),
    )


def _rest(device: DeviceProfile, own: str, runtime: RuntimeProfile) -> Rest | None:
    """Find what runs the operators that a runtime lacks: its fallback, on another unit of the device."""
    if runtime.support is None:
        return None
    table = support(runtime.support)
    for name, unit in device.units.items():
        if table.fallback is not None and name != own and table.fallback in unit.runtimes:
            return Rest(table=table, unit=unit, runtime=catalog.runtime(table.fallback))
    return Rest(table=table)


def placements(device: str) -> tuple[tuple[str, str], ...]:
    """Return ("id/unit", runtime) for each runtime of a device's units, the default unit first."""
    profile, unit = _device(device)
    name = device.rpartition("/")[0] if unit else device
    units = [unit] if unit else list(dict.fromkeys((profile.default_unit, *profile.units)))
    return tuple((f"{name}/{each}", runtime) for each in units for runtime in profile.units[each].runtimes)


def _device(device: str | DeviceProfile) -> tuple[DeviceProfile, str | None]:
    """Read `id`, `id/unit`, `file.yaml` or `file.yaml/unit`."""
    if isinstance(device, DeviceProfile):
        return device, None
    name, slash, unit = device.rpartition("/")
    if not slash or device.endswith((".yaml", ".yml")):
        return catalog.device(device), None
    profile = catalog.device(name)
    if unit not in profile.units:
        msg = f"device {name!r} has no unit {unit!r}"
        raise UsageError(msg, hint=meant(unit, profile.units, f"its units: {', '.join(profile.units)}"))
    return profile, unit


def _runtime(
    device: DeviceProfile, units: list[str], runtime: str | RuntimeProfile | None
) -> tuple[str, RuntimeProfile]:
    """Return the first of the units that the runtime uses, with the runtime."""
    if runtime is None:
        return units[0], catalog.runtime(device.units[units[0]].runtimes[0])
    profile = catalog.runtime(runtime) if isinstance(runtime, str) else runtime
    for unit in units:
        if profile.id in device.units[unit].runtimes:
            return unit, profile
    if profile.id not in catalog.runtime_ids():  # the caller's own: no device can list it
        for unit in units:
            if device.units[unit].kind in profile.unit_kinds:
                return unit, profile
    listed = "; ".join(f"{name}: {', '.join(unit.runtimes)}" for name, unit in device.units.items())
    where = f"device {device.id!r}" if len(units) > 1 else f"unit {units[0]!r} of {device.id!r}"
    msg = f"{where} does not run {profile.id!r}"
    raise UsageError(msg, hint=f"its runtimes are {listed}")


def _precision(precision: str | None) -> Precision | None:
    for known in get_args(Precision):
        if precision == known:
            return known  # type: ignore[no-any-return]  # a member of the Literal
    if precision in (None, UNCONVERTED):
        return None
    msg = f"{precision!r} is not a precision"
    known_all = (*get_args(Precision), UNCONVERTED)
    raise UsageError(msg, hint=meant(str(precision), known_all, f"one of {', '.join(known_all)}"))


def _network(choices: Choices) -> NetworkProfile:
    rtt = quantity(Seconds, "rtt", choices.rtt)
    down, up = quantity(BitsPerSecond, "down", choices.down), quantity(BitsPerSecond, "up", choices.up)
    cdn_rtt = quantity(Seconds, "cdn_rtt", choices.cdn_rtt)
    network = choices.network or DEFAULT_NETWORK
    if isinstance(network, str):
        network = catalog.network(network, rtt=rtt, down=down, up=up, cdn_rtt=cdn_rtt)
    elif (rtt, down, up, cdn_rtt) != (None, None, None, None):
        msg = f"network {network.id!r} is a profile already, and rtt, cdn_rtt, down or up is given beside it"
        raise UsageError(msg, hint="name the network by its id, or give them to feasibility.network()")
    return network.model_copy(update={"resumed": True}) if choices.resumed else network


def quantity(kind: type[Q], name: str, value: str | Q | None) -> Q | None:
    """Read text with a unit; raise UnitError, naming the choice, for anything else."""
    if value is None or isinstance(value, kind):
        return value
    if not isinstance(value, str):
        msg = f"{name}: {value!r} has no unit; write {kind.kind} like {kind.example!r}"
        raise UnitError(msg)
    try:
        return kind.parse(value)
    except UnitError as error:
        msg = f"{name}: {error.message}"
        raise UnitError(msg, hint=error.hint) from None


def _placement_settings(choices: Choices, client: Placement, server: Placement) -> dict[str, Setting]:
    by_client, by_server = f"profile {client.device.id}", f"profile {server.device.id}"
    chose, say = choices.chose, choices.setting
    return {
        "client": say(f"{client.device.id}/{client.unit}", chosen=chose("client")),
        "runtime": say(client.runtime.id, chosen=chose("runtime"), otherwise=by_client),
        "precision": say(client.precision or AS_STORED, chosen=chose("precision")),
        "server": say(f"{server.device.id}/{server.unit}", chosen=chose("server")),
        "server_runtime": say(server.runtime.id, chosen=False, otherwise=by_server),
        "server_precision": say(server.precision or AS_STORED, chosen=chose("server_precision")),
    }


def _network_settings(choices: Choices, network: NetworkProfile) -> dict[str, Setting]:
    """Name the link and its numbers; a fact that is `given` was put in by the caller."""
    facts = (
        ("rtt", network.rtt),
        ("downlink", network.downlink),
        ("uplink", network.uplink),
        ("cdn_rtt", network.cdn_rtt),
    )
    by_profile = f"profile {network.id}"
    return {"network": choices.setting(network.id, chosen=choices.chose("network"))} | {
        name: choices.setting(str(fact.value), chosen=fact.evidence == "given", otherwise=by_profile)
        for name, fact in facts
        if fact is not None
    }


def _compression(choices: Choices) -> Compression | None:
    if choices.compress is None and choices.weights is not None:
        msg = f"weights {choices.weights!r} are a sample for a compressor, and none is given"
        raise UsageError(msg, hint=f"give compress too: {', '.join(METHODS)}")
    return None if choices.compress is None else compression(choices.compress, choices.weights)


def _demand(choices: Choices) -> Demand | None:
    rate = quantity(PerSecond, "traffic", choices.traffic)
    p99 = quantity(Seconds, "p99", choices.p99)
    if rate is None and (p99 is not None or choices.max_batch is not None):
        msg = "p99 and max_batch are of a server's traffic, and no traffic is given"
        raise UsageError(msg, hint="give traffic too, like 1000/s")
    return None if rate is None else Demand(rate=rate, p99=p99, max_batch=choices.max_batch)


def _policy(choices: Choices) -> Policy:
    host = hosts.host(choices.host) if isinstance(choices.host, str) else choices.host
    return Policy(
        host=host,
        fps=choices.fps,
        offline=choices.offline,
        private_input=choices.private_input,
        secret_model=choices.secret_model,
    )


def _policy_settings(choices: Choices, policy: Policy, demand: Demand | None) -> dict[str, Setting]:
    """Name the policies that somebody chose; what nobody asked for is no part of the answer."""
    values = {
        "host": policy.host.id if policy.host else "",
        "fps": "" if policy.fps is None else f"{policy.fps:g}",
        "offline": _YES,
        "private_input": _YES,
        "resumed": _YES,
        "traffic": str(demand.rate) if demand else "",
        "p99": str(demand.p99) if demand else "",
        "max_batch": str(choices.max_batch),
        "compress": choices.compress or "",
        "weights": choices.weights or "",
        "secret_model": _YES,
    }
    return {
        name: choices.setting(value, chosen=True) for name, value in values.items() if choices.chose(name)
    }


def _comparison_settings(
    choices: Choices, payload: Bytes | None, response: Bytes | None, max_download: Bytes | None
) -> dict[str, Setting]:
    values = {
        "calls": _NOT_GIVEN if choices.calls is None else str(choices.calls),
        "cache_hit": f"{choices.cache_hit or 0:g}",
        "cold": _YES if choices.cold else "no",
        "payload": _MODEL_INPUTS if payload is None else str(payload),
        "response": _MODEL_OUTPUTS if response is None else str(response),
        "max_download": _NOT_GIVEN if max_download is None else str(max_download),
        "confidence": str(DEFAULT_CONFIDENCE if choices.confidence is None else choices.confidence),
    }
    return {name: choices.setting(value, chosen=choices.chose(name)) for name, value in values.items()}
