"""Say what is decided and what the answer holds: frozen records.

Their JSON form (`Decision.to_dict`) is the contract of `feasible schema verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Self, get_args

from feasibility.cost import Coverage, ModelCost, ModelRef, Totals
from feasibility.decide.compression import Compression
from feasibility.decide.fields import Fields, read_coverage, read_model, read_totals
from feasibility.decide.timed_groups import TimedGroup
from feasibility.decide.traffic import Demand, Service
from feasibility.errors import UsageError
from feasibility.profiles.hosts import HostProfile
from feasibility.profiles.models import DeviceProfile, NetworkProfile, Precision, RuntimeProfile
from feasibility.timing.compute import Rest
from feasibility.timing.interval import Interval
from feasibility.units import BitsPerSecond, Bytes, Flops, FlopsPerSecond, PerSecond, Seconds


class Verdict(Enum):
    """Where the model should run; undecided is an honest answer."""

    CLIENT = "client"
    SERVER = "server"
    NEITHER = "neither"
    UNDECIDED = "undecided"


Compared = Literal["inference", "payload", "cold", "amortised"]
DEFAULT_CONFIDENCE = 0.8
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One choice of the scenario: its value as text, and who made it."""

    value: str
    origin: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {"value": self.value, "origin": self.origin}

    @classmethod
    def from_dict(cls, fields: Fields) -> Self:
        """Read the JSON form back."""
        return cls(value=fields.text("value"), origin=fields.text("origin"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a model would run: a unit of a device, through a runtime, at a precision."""

    device: DeviceProfile
    unit: str  # a key of device.units
    runtime: RuntimeProfile
    precision: Precision | None = None  # None: as stored
    rest: Rest | None = None  # who takes operators that the runtime lacks; None: it lacks none


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a team has settled before any time is looked at."""

    host: HostProfile | None = None  # where users fetch the model from
    fps: float | None = None  # frames/s that have to be kept up with
    offline: bool = False  # no server is in reach
    private_input: bool = False  # the input must not leave the device
    secret_model: bool = False  # the weights must not be shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything a decision depends on; `settings` says who chose what, for the answer."""

    cost: ModelCost
    client: Placement
    server: Placement
    network: NetworkProfile
    calls: int | None = None  # compare amortised over this many calls per download
    cold: bool = False  # compare first calls
    compression: Compression | None = None  # of the download; None: as it is
    cache_hit: float = 0.0  # share of sessions that find the model downloaded already
    payload: Bytes | None = None  # request bytes; None: the raw bytes of the model's inputs
    response: Bytes | None = None  # response bytes; None: the raw bytes of the model's outputs
    max_download: Bytes | None = None
    policy: Policy = Policy()
    demand: Demand | None = None  # None: nobody else uses the server
    confidence: float = DEFAULT_CONFIDENCE
    settings: Mapping[str, Setting]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One part of a call: connection, download, inference ..."""

    name: str
    seconds: Interval

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {"name": self.name, "seconds": self.seconds.to_dict()}

    @classmethod
    def from_dict(cls, fields: Fields) -> Self:
        """Read the JSON form back."""
        return cls(name=fields.text("name"), seconds=fields.interval("seconds"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSide:
    """The user's device: where the model would run and how long that takes.

    `phases` are the parts of the first call, in their order; `groups` are the slowest of
    the `group_count` kernels of an inference.
    """

    device: str
    unit: str
    runtime: str
    precision: str
    inference: Interval
    first_call: Interval
    phases: tuple[Phase, ...]
    groups: tuple[TimedGroup, ...] = ()
    group_count: int = 0

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "device": self.device,
            "unit": self.unit,
            "runtime": self.runtime,
            "precision": self.precision,
            "inference_s": self.inference.to_dict(),
            "first_call_s": self.first_call.to_dict(),
            "phases": [phase.to_dict() for phase in self.phases],
            "groups": [group.to_dict() for group in self.groups],
            "group_count": self.group_count,
        }

    @classmethod
    def from_dict(cls, fields: Fields) -> Self:
        """Read the JSON form back."""
        return cls(
            device=fields.text("device"),
            unit=fields.text("unit"),
            runtime=fields.text("runtime"),
            precision=fields.text("precision"),
            inference=fields.interval("inference_s"),
            first_call=fields.interval("first_call_s"),
            phases=tuple(Phase.from_dict(row) for row in fields.items("phases")),
            groups=tuple(TimedGroup.from_dict(row) for row in fields.items("groups")),
            group_count=fields.integer("group_count"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSide:
    """The server: inference alone, a warm call, and the first call.

    `phases` are the parts of the first call, in their order.
    """

    device: str
    unit: str
    runtime: str
    precision: str
    inference: Interval
    call: Interval
    first_call: Interval
    phases: tuple[Phase, ...]
    service: Service | None = None  # under traffic

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "device": self.device,
            "unit": self.unit,
            "runtime": self.runtime,
            "precision": self.precision,
            "inference_s": self.inference.to_dict(),
            "call_s": self.call.to_dict(),
            "first_call_s": self.first_call.to_dict(),
            "phases": [phase.to_dict() for phase in self.phases],
            "service": None if self.service is None else self.service.to_dict(),
        }

    @classmethod
    def from_dict(cls, fields: Fields) -> Self:
        """Read the JSON form back."""
        return cls(
            device=fields.text("device"),
            unit=fields.text("unit"),
            runtime=fields.text("runtime"),
            precision=fields.text("precision"),
            inference=fields.interval("inference_s"),
            service=Service.from_dict(fields.inner("service")) if fields.has("service") else None,
            call=fields.interval("call_s"),
            first_call=fields.interval("first_call_s"),
            phases=tuple(Phase.from_dict(row) for row in fields.items("phases")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A limit that comes before times; `passed` is None when nobody can tell."""

    name: str
    passed: bool | None
    actual: float | None
    limit: float | None
    quantity_unit: str
    message: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "passed": self.passed,
            "actual": self.actual,
            "limit": self.limit,
            "quantity_unit": self.quantity_unit,
            "message": self.message,
        }

    @classmethod
    def from_dict(cls, fields: Fields) -> Self:
        """Read the JSON form back."""
        return cls(
            name=fields.text("name"),
            passed=fields.flag_or_none("passed"),
            actual=fields.number_or_none("actual"),
            limit=fields.number_or_none("limit"),
            quantity_unit=fields.text("quantity_unit"),
            message=fields.text("message"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What the client could compute while the network alone is travelling.

    Passes are None for a model that computes nothing or takes no time.
    """

    window: Seconds
    peak: Flops
    achievable: Flops
    passes_at_peak: float | None
    passes_achievable: float | None

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "window_s": self.window.value,
            "peak_flops": self.peak.value,
            "achievable_flops": self.achievable.value,
            "passes_at_peak": self.passes_at_peak,
            "passes_achievable": self.passes_achievable,
        }

    @classmethod
    def from_dict(cls, fields: Fields) -> Self:
        """Read the JSON form back."""
        return cls(
            window=Seconds(fields.number("window_s")),
            peak=Flops(fields.number("peak_flops")),
            achievable=Flops(fields.number("achievable_flops")),
            passes_at_peak=fields.number_or_none("passes_at_peak"),
            passes_achievable=fields.number_or_none("passes_achievable"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Where the answer flips, one quantity at a time; None does not exist (see reasons)."""

    rtt: Seconds | None
    downlink: BitsPerSecond | None
    payload: Bytes | None
    calls: float | None
    client_rate: FlopsPerSecond | None
    traffic: PerSecond | None = None  # on the replicas that are planned

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "rtt_s": self.rtt.value if self.rtt is not None else None,
            "downlink_bits_per_s": self.downlink.value if self.downlink is not None else None,
            "payload_bytes": self.payload.value if self.payload is not None else None,
            "calls": self.calls,
            "client_flops_per_s": self.client_rate.value if self.client_rate is not None else None,
            "traffic_per_s": self.traffic.value if self.traffic is not None else None,
        }

    @classmethod
    def from_dict(cls, fields: Fields) -> Self:
        """Read the JSON form back."""
        rtt, downlink = fields.number_or_none("rtt_s"), fields.number_or_none("downlink_bits_per_s")
        rate = fields.number_or_none("client_flops_per_s")
        payload, traffic = fields.number_or_none("payload_bytes"), fields.number_or_none("traffic_per_s")
        return cls(
            rtt=None if rtt is None else Seconds(rtt),
            downlink=None if downlink is None else BitsPerSecond(downlink),
            payload=None if payload is None else Bytes(payload),
            calls=fields.number_or_none("calls"),
            client_rate=None if rate is None else FlopsPerSecond(rate),
            traffic=None if traffic is None else PerSecond(traffic),
        )


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The answer: a verdict, how sure, what was compared, and what would flip it."""

    model: ModelRef
    totals: Totals
    coverage: Coverage
    scenario: Mapping[str, Setting]
    verdict: Verdict
    feasible: bool | None
    confidence: float | None
    compared: Compared
    client_time: Interval  # that are compared
    server_time: Interval
    client: ClientSide
    server: ServerSide
    checks: tuple[Check, ...]
    window: Window
    break_even: BreakEven
    changes: tuple[str, ...]
    reasons: tuple[str, ...]
    sources: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form: SI base units, the unit in the key, nothing lost or rounded."""
        return {
            "schema_version": SCHEMA_VERSION,
            "model": self.model.to_dict(),
            "totals": self.totals.to_dict(),
            "coverage": self.coverage.to_dict(),
            "scenario": {key: setting.to_dict() for key, setting in self.scenario.items()},
            "verdict": self.verdict.value,
            "feasible": self.feasible,
            "confidence": self.confidence,
            "compared": self.compared,
            "compared_s": {"client": self.client_time.to_dict(), "server": self.server_time.to_dict()},
            "client": self.client.to_dict(),
            "server": self.server.to_dict(),
            "checks": [check.to_dict() for check in self.checks],
            "window": self.window.to_dict(),
            "break_even": self.break_even.to_dict(),
            "changes": list(self.changes),
            "reasons": list(self.reasons),
            "sources": list(self.sources),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, object]) -> Self:
        """Read the JSON form back; raise UsageError that names what is missing or mistyped."""
        fields = Fields(value, where="decision")
        if fields.integer("schema_version") != SCHEMA_VERSION:
            msg = f"decision: schema_version {fields.integer('schema_version')} is not {SCHEMA_VERSION}"
            raise UsageError(msg, hint="read it with the version of feasible that wrote it")
        scenario = fields.inner("scenario")
        return cls(
            model=read_model(fields.inner("model")),
            totals=read_totals(fields.inner("totals")),
            coverage=read_coverage(fields.inner("coverage")),
            scenario={key: Setting.from_dict(scenario.inner(key)) for key in scenario.keys},
            verdict=_read_verdict(fields.text("verdict")),
            feasible=fields.flag_or_none("feasible"),
            confidence=fields.number_or_none("confidence"),
            compared=_read_compared(fields.text("compared")),
            client_time=fields.inner("compared_s").interval("client"),
            server_time=fields.inner("compared_s").interval("server"),
            client=ClientSide.from_dict(fields.inner("client")),
            server=ServerSide.from_dict(fields.inner("server")),
            checks=tuple(Check.from_dict(row) for row in fields.items("checks")),
            window=Window.from_dict(fields.inner("window")),
            break_even=BreakEven.from_dict(fields.inner("break_even")),
            changes=fields.texts("changes"),
            reasons=fields.texts("reasons"),
            sources=fields.texts("sources"),
        )


def _read_verdict(text: str) -> Verdict:
    for verdict in Verdict:
        if verdict.value == text:
            return verdict
    msg = f"decision: {text!r} is no verdict"
    raise UsageError(msg)


def _read_compared(text: str) -> Compared:
    kinds: tuple[Compared, ...] = get_args(Compared)
    for kind in kinds:
        if kind == text:
            return kind
    msg = f"decision: {text!r} is nothing that is compared"
    raise UsageError(msg)
