"""Say what is decided and what the answer holds: frozen records.

Their JSON form (`Decision.to_dict`) is the contract of `feasible schema verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from feasibility.cost import Coverage, ModelCost, ModelRef, Totals
from feasibility.profiles.models import DeviceProfile, NetworkProfile, Precision, RuntimeProfile
from feasibility.timing.interval import Interval
from feasibility.units import BitsPerSecond, Bytes, Flops, FlopsPerSecond, Seconds


class Verdict(Enum):
    """Where the model should run; undecided is an honest answer."""

    CLIENT = "client"
    SERVER = "server"
    NEITHER = "neither"
    UNDECIDED = "undecided"


Compared = Literal["inference", "payload", "cold", "amortised"]
DEFAULT_CONFIDENCE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One choice of the scenario: its value as text, and who made it."""

    value: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a model would run: a unit of a device, through a runtime, at a precision."""

    device: DeviceProfile
    unit: str  # a key of device.units
    runtime: RuntimeProfile
    precision: Precision | None = None  # None: as stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything a decision depends on; `settings` says who chose what, for the answer."""

    cost: ModelCost
    client: Placement
    server: Placement
    network: NetworkProfile
    calls: int | None = None  # compare amortised over this many calls per download
    cold: bool = False  # compare first calls
    payload: Bytes | None = None  # request bytes; None: the raw bytes of the model's inputs
    max_download: Bytes | None = None
    confidence: float = DEFAULT_CONFIDENCE
    settings: Mapping[str, Setting]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One part of a call: connection, download, inference ..."""

    name: str
    seconds: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSide:
    """The user's device: where the model would run and how long that takes."""

    device: str
    unit: str
    runtime: str
    precision: str
    inference: Interval
    first_call: Interval
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSide:
    """The server: inference alone, a warm call, and the first call."""

    device: str
    unit: str
    runtime: str
    precision: str
    inference: Interval
    call: Interval
    first_call: Interval
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A limit that comes before times; `passed` is None when nobody can tell."""

    name: str
    passed: bool | None
    actual: float | None
    limit: float | None
    quantity_unit: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What the client could compute while the network alone is travelling."""

    window: Seconds
    peak: Flops
    achievable: Flops
    passes_at_peak: float
    passes_achievable: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Where the answer flips, one quantity at a time; None does not exist (see reasons)."""

    rtt: Seconds | None
    downlink: BitsPerSecond | None
    calls: float | None
    client_rate: FlopsPerSecond | None


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
    client: ClientSide
    server: ServerSide
    checks: tuple[Check, ...]
    window: Window
    break_even: BreakEven
    reasons: tuple[str, ...]
    sources: tuple[str, ...]
