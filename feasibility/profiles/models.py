"""Say what a device, a runtime and a network profile hold: one pydantic model each.

Every number is a fact: its value with a unit, its evidence, its source and date.
"""

from __future__ import annotations

from datetime import date as Date  # noqa: N812 (the field is called date too)
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from feasibility.errors import UnitError
from feasibility.units import BitsPerSecond, Bytes, BytesPerSecond, FlopsPerSecond, Seconds

# measured-here: by `feasible calibrate` on this machine; given: by the caller, in this call
Evidence = Literal["measured-here", "measured", "vendor", "derived", "estimate", "given"]
Precision = Literal["fp64", "fp32", "fp16", "bf16", "int8", "int4"]
UnitKind = Literal["cpu", "gpu", "npu"]
DeviceClass = Literal["phone", "tablet", "laptop", "desktop", "edge", "server", "mcu"]
MemoryPool = Literal["app", "browser"]
OpClassName = Literal["dense", "pointwise", "depthwise", "grouped", "matmul"]

MAX_EFFICIENCY = 3  # an effective constant may exceed 1 where fitted terms overlap
_MAX_QUOTE = 60  # characters of a wrong value that a message repeats


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def _parser(unit: type[Any], *, may_be_zero: bool = False) -> BeforeValidator:
    """Read quoted text with a unit; pass on what is a quantity already."""

    def parse(value: object) -> object:
        if isinstance(value, unit):
            quantity = value
        elif isinstance(value, str):
            quantity = _parsed(unit, value)
        else:
            msg = f"{_short(value)} has no unit; write it quoted, like {unit.example!r}"
            raise ValueError(msg)  # noqa: TRY004 (pydantic collects ValueErrors)
        if not quantity and not may_be_zero:
            msg = f"{_short(value)} must be more than zero"
            raise ValueError(msg)
        return quantity

    return BeforeValidator(parse)


def _parsed(unit: type[Any], text: str) -> Any:  # noqa: ANN401 (whatever quantity `unit` is)
    try:
        return unit.parse(text)
    except UnitError as error:
        raise ValueError(error.message) from None


def _short(value: object) -> str:
    """Quote what a file says, without repeating a page of it."""
    text = repr(value)
    return text if len(text) <= _MAX_QUOTE else text[:_MAX_QUOTE] + "..."


T = TypeVar("T")
RateQ = Annotated[FlopsPerSecond, _parser(FlopsPerSecond)]
BandwidthQ = Annotated[BytesPerSecond, _parser(BytesPerSecond)]
BytesQ = Annotated[Bytes, _parser(Bytes, may_be_zero=True)]
SecondsQ = Annotated[Seconds, _parser(Seconds, may_be_zero=True)]
LinkRateQ = Annotated[BitsPerSecond, _parser(BitsPerSecond)]

# strict: YAML's true and quoted digits are not numbers
Share = Annotated[float, Field(gt=0, le=MAX_EFFICIENCY, strict=True)]
Price = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1, strict=True)]


class Fact(_Record, Generic[T]):
    """One number with where it comes from."""

    value: T
    evidence: Evidence
    source: str = Field(min_length=1)
    date: Date | None = None
    note: str | None = None


class BandwidthShares(_Record):
    """How much of the memory bandwidth weights and activations of heavy operators see."""

    weights: Share
    activations: Share


class Coefficients(_Record):
    """How much of a unit's peak one runtime reaches at one precision (see docs/time.md).

    A heavy group takes t0 + [(F/(e*P))^p + (B/(b*BW))^p]^(1/p), where B/b is
    weights/b_weights + activations/b_activations; a light group takes
    t0_light + B/(b_light*BW); an inference adds `constant` once.
    """

    efficiency: dict[OpClassName, Share]  # e, of every class
    bandwidth_share: BandwidthShares  # b
    light_bandwidth_share: Share | None  # b_light; null: the runtime fuses, free
    overhead: SecondsQ  # t0
    light_overhead: SecondsQ  # t0_light
    constant: SecondsQ
    exponent: Annotated[float, Field(ge=1, le=64, strict=True)] = 1.0  # p
    channel_block: Annotated[int, Field(ge=1, le=64, strict=True)] = 1  # channels a convolution pads to
    winograd: Annotated[float, Field(ge=1, le=6, strict=True)] = 1.0  # 3x3 convolutions take so much less
    sigma: Annotated[float, Field(gt=0, le=2, strict=True)]
    peak: Precision | None = None  # whose peak P is, where not this precision's (Hexagon float: int8)
    n: Annotated[int, Field(ge=1, strict=True)] | None = None  # timings behind it
    evidence: Evidence
    source: str = Field(min_length=1)
    date: Date
    note: str | None = None

    @field_validator("efficiency")
    @classmethod
    def _covers_every_class(cls, value: dict[OpClassName, float]) -> dict[OpClassName, float]:
        """Refuse a missing class: it would be an unknown that counts as free.

        Grouped convolutions that were not timed apart are taken for depthwise ones.
        """
        if "depthwise" in value:
            value.setdefault("grouped", value["depthwise"])
        missing = [name for name in get_args(OpClassName) if name not in value]
        if missing:
            msg = f"no efficiency for {', '.join(missing)}; every operator class needs one"
            raise ValueError(msg)
        return value


class ComputeUnit(_Record):
    """A processor of a device: its dense peaks (fp32 accumulation), bandwidth and runtimes.

    The first runtime is the default one. `coefficients` are what was measured on this very
    unit, by runtime; they take the place of the runtime's own.
    """

    name: str
    kind: UnitKind
    peaks: dict[Precision, Fact[RateQ]] = Field(min_length=1)
    bandwidth: Fact[BandwidthQ]
    runtimes: tuple[str, ...] = Field(min_length=1)
    threads: Annotated[int, Field(ge=1, strict=True)] | None = None  # that were measured; None: all
    coefficients: dict[str, dict[Precision, Coefficients]] = Field(default_factory=dict)

    def __hash__(self) -> int:
        """Return the hash of the name; the dicts inside have none."""
        return hash(self.name)


class Memory(_Record):
    """What a model may use: physical capacity, and the limits of an app and of a browser tab."""

    capacity: Fact[BytesQ]
    app: Fact[BytesQ] | None = None
    browser: Fact[BytesQ] | None = None


class _Profile(_Record):
    """A whole file. The catalog fills `id` (the file's name) and `origin` (where it was found)."""

    id: str
    origin: str = Field(default="", exclude=True, repr=False)

    def __hash__(self) -> int:
        """Return the hash of the id; the dicts inside have none, and equal profiles have one id."""
        return hash(self.id)


class DeviceProfile(_Profile):
    """A device that a model may run on."""

    name: str
    vendor: str
    device_class: DeviceClass = Field(alias="class")
    year: Annotated[int, Field(ge=1990, le=2100, strict=True)]
    units: dict[str, ComputeUnit] = Field(min_length=1)
    default_unit: str
    memory: Memory
    price_usd_per_hour: Fact[Price] | None = None
    aliases: tuple[str, ...] = ()  # other names of it: the products that it is in
    note: str | None = None


class RuntimeProfile(_Profile):
    """A runtime on a kind of unit: coefficients per precision, and the memory it may use."""

    name: str
    unit_kinds: tuple[UnitKind, ...] = Field(min_length=1)
    memory_pool: MemoryPool
    memory_overhead: Fact[BytesQ]  # what the runtime itself takes
    session_start: Fact[SecondsQ]  # load, compile and warm up once, weights apart
    max_buffer: Fact[BytesQ] | None = None  # one tensor, without asking the adapter for more; None: any
    precisions: dict[Precision, Coefficients] = Field(min_length=1)
    fuses: Annotated[bool, Field(strict=True)] = True  # a heavy operator takes light ones along
    fuses_attention: Annotated[bool, Field(strict=True)] = False  # product, softmax, product: one kernel
    runs_as: dict[Precision, Precision] = Field(default_factory=dict)  # on its own, where the unit has it
    support: str | None = None  # the table of operators it runs; None: it runs all of them
    note: str | None = None


class NetworkProfile(_Profile):
    """A link between user and server. Handshake: TCP + TLS, or QUIC."""

    name: str
    rtt: Fact[SecondsQ]
    downlink: Fact[LinkRateQ]
    uplink: Fact[LinkRateQ]
    cdn_rtt: Fact[SecondsQ] | None = None  # to whoever serves the model; None: as far as the server
    dns: Fact[SecondsQ] | None = None
    wake_up: Fact[SecondsQ] | None = None
    loss: Fact[Fraction] | None = None
    transport: Literal["tcp", "quic"] = "tcp"
    tls: Literal["1.2", "1.3"] = "1.3"
    resumed: Annotated[bool, Field(strict=True)] = False  # the server is known: TLS resumes, 0-RTT if it can
    congestion: Literal["cubic", "reno"] = "cubic"
    preset: Annotated[bool, Field(strict=True)] = False  # a tool's definition, not a measured link
    note: str | None = None

    def __hash__(self) -> int:
        """Return the hash of what a search for a break-even varies: one id stands for many links."""
        return hash((self.id, self.rtt.value, self.downlink.value, self.uplink.value))
