"""Say what a device, a runtime and a network profile hold: one pydantic model each.

Every number is a fact: its value with a unit, its evidence, its source and date.
"""

from __future__ import annotations

from datetime import date as Date  # noqa: N812
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from feasibility.errors import UnitError
from feasibility.units import BitsPerSecond, Bytes, BytesPerSecond, FlopsPerSecond, Seconds

Evidence = Literal["vendor", "measured", "derived", "estimate", "given"]  # given: by the caller, in this call
Precision = Literal["fp64", "fp32", "fp16", "bf16", "int8", "int4"]
UnitKind = Literal["cpu", "gpu", "npu"]
DeviceClass = Literal["phone", "tablet", "laptop", "desktop", "edge", "server", "mcu"]
MemoryPool = Literal["app", "browser"]
OpClassName = Literal["dense", "pointwise", "depthwise", "matmul"]

MAX_EFFICIENCY = 3  # an effective constant may exceed 1 where fitted terms overlap


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def _parser(unit: type[Any]) -> BeforeValidator:
    """Read quoted text with a unit; pass on what is a quantity already."""

    def parse(value: object) -> object:
        if isinstance(value, unit):
            return value
        if not isinstance(value, str):
            msg = f"{value!r} has no unit; write it quoted, like {unit.example!r}"
            raise ValueError(msg)  # noqa: TRY004 (pydantic collects ValueErrors)
        try:
            return unit.parse(value)
        except UnitError as error:
            raise ValueError(error.message) from None

    return BeforeValidator(parse)


T = TypeVar("T")
RateQ = Annotated[FlopsPerSecond, _parser(FlopsPerSecond)]
BandwidthQ = Annotated[BytesPerSecond, _parser(BytesPerSecond)]
BytesQ = Annotated[Bytes, _parser(Bytes)]
SecondsQ = Annotated[Seconds, _parser(Seconds)]
LinkRateQ = Annotated[BitsPerSecond, _parser(BitsPerSecond)]


class Fact(_Record, Generic[T]):
    """One number with where it comes from."""

    value: T
    evidence: Evidence
    source: str = Field(min_length=1)
    date: Date | None = None
    note: str | None = None


class ComputeUnit(_Record):
    """A processor of a device: its dense peaks (fp32 accumulation), bandwidth and runtimes.

    The first runtime is the default one.
    """

    name: str
    kind: UnitKind
    peaks: dict[Precision, Fact[RateQ]] = Field(min_length=1)
    bandwidth: Fact[BandwidthQ]
    runtimes: tuple[str, ...] = Field(min_length=1)


class Memory(_Record):
    """What a model may use: physical capacity, and the limits of an app and of a browser tab."""

    capacity: Fact[BytesQ]
    app: Fact[BytesQ] | None = None
    browser: Fact[BytesQ] | None = None


class DeviceProfile(_Record):
    """A device that a model may run on. `id` is the file's name."""

    id: str
    name: str
    vendor: str
    device_class: DeviceClass = Field(alias="class")
    year: int
    units: dict[str, ComputeUnit] = Field(min_length=1)
    default_unit: str
    memory: Memory
    price_usd_per_hour: Fact[float] | None = None
    note: str | None = None


class Coefficients(_Record):
    """How much of a unit's peak one runtime reaches at one precision (see docs/time.md).

    A heavy group takes t0 + [(F/(e*P))^p + (B/(b*BW))^p]^(1/p); a light group takes
    t0_light + B/(b_light*BW); an inference adds `constant` once.
    """

    efficiency: dict[OpClassName, Annotated[float, Field(gt=0, le=MAX_EFFICIENCY)]]  # e
    bandwidth_share: Annotated[float, Field(gt=0, le=MAX_EFFICIENCY)]  # b
    light_bandwidth_share: Annotated[float, Field(gt=0)] | None  # b_light; null: the runtime fuses, free
    overhead: SecondsQ  # t0
    light_overhead: SecondsQ  # t0_light
    constant: SecondsQ
    exponent: Annotated[float, Field(ge=1)] = 1.0  # p
    sigma: Annotated[float, Field(gt=0, le=2)]
    peak: Precision | None = None  # whose peak P is, where not this precision's (Hexagon float: int8)
    n: int | None = None  # timings behind it
    evidence: Evidence
    source: str = Field(min_length=1)
    date: Date
    note: str | None = None


class RuntimeProfile(_Record):
    """A runtime on a kind of unit: coefficients per precision, and the memory it may use."""

    id: str
    name: str
    unit_kinds: tuple[UnitKind, ...] = Field(min_length=1)
    memory_pool: MemoryPool
    memory_overhead: Fact[BytesQ]  # what the runtime itself takes
    session_start: Fact[SecondsQ]  # load, compile and warm up once, weights apart
    precisions: dict[Precision, Coefficients] = Field(min_length=1)
    note: str | None = None


class NetworkProfile(_Record):
    """A link between user and server. Handshake: TCP + TLS, or QUIC."""

    id: str
    name: str
    rtt: Fact[SecondsQ]
    downlink: Fact[LinkRateQ]
    uplink: Fact[LinkRateQ]
    dns: Fact[SecondsQ] | None = None
    wake_up: Fact[SecondsQ] | None = None
    loss: Fact[float] | None = None
    transport: Literal["tcp", "quic"] = "tcp"
    tls: Literal["1.2", "1.3"] = "1.3"
    congestion: Literal["cubic", "reno"] = "cubic"
    preset: bool = False  # a tool's definition, not a measured link
    note: str | None = None
