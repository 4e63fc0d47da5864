"""Say what a chain is and what its answer holds: frozen records, with their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from feasibility.cost import ModelCost
from feasibility.decide.records import Placement, Setting
from feasibility.ir import TensorSpec
from feasibility.pipeline.search import Side, Sides
from feasibility.profiles.models import NetworkProfile
from feasibility.timing.interval import Interval

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stage on one side: one pass, all its passes, its memory, and why it may not run there."""

    one: Interval
    total: Interval
    weight_bytes: int
    activation_bytes: int
    barred: tuple[str, ...] = ()  # empty: it may
    notes: tuple[str, ...] = ()  # what its time assumes

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "pass_s": self.one.to_dict(),
            "total_s": self.total.to_dict(),
            "weight_bytes": self.weight_bytes,
            "activation_bytes": self.activation_bytes,
            "barred": list(self.barred),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A model of the chain, its passes, and what it takes on either side."""

    id: str
    model: str  # as the chain's file names it
    path: str  # from where the caller stands
    repeats: int
    cost: ModelCost
    runs: tuple[Run, Run]  # by Side
    download_bytes: int
    load: Interval  # once, on the client

    @property
    def flops(self) -> int:
        """Return the work of all passes."""
        return self.repeats * self.cost.totals.flops

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "id": self.id,
            "model": self.cost.model.to_dict(),
            "totals": self.cost.totals.to_dict(),
            "coverage": self.cost.coverage.to_dict(),
            "repeats": self.repeats,
            "flops": self.flops,
            "download_bytes": self.download_bytes,
            "load_s": self.load.to_dict(),
            "client": self.runs[Side.CLIENT].to_dict(),
            "server": self.runs[Side.SERVER].to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A tensor that may travel: where it is written, who reads it, and how long it would take."""

    name: str  # STAGE.output, or STAGE.input of what comes from the user
    spec: TensorSpec
    source: int  # the index of a stage, or search.USER
    readers: tuple[int, ...]
    up_s: float
    down_s: float
    private: bool = False  # a private stage reads it: it must not leave the client

    def seconds(self, to: Side) -> float:
        """Return how long its bytes take to a side, at link rate."""
        return self.up_s if to is Side.SERVER else self.down_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Everything that an answer depends on."""

    name: str
    path: str
    stages: tuple[Stage, ...]
    wires: tuple[Wire, ...]
    client: Placement
    server: Placement
    network: NetworkProfile
    settings: Mapping[str, Setting]
    notes: tuple[str, ...] = ()

    def describe(self, sides: Sides) -> str:
        """Name the stages of each side, or the side that has all."""
        if len(set(sides)) == 1:
            return f"everything on the {sides[0].word}"
        pairs = tuple(zip(self.stages, sides, strict=True))
        return "; ".join(
            f"{', '.join(stage.id for stage, own in pairs if own is side)} on the {side.word}"
            for side in Side
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A tensor that travels: in which request, to which side, its raw bytes and their seconds."""

    tensor: str
    spec: TensorSpec
    to: Side
    seconds: float

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "tensor": self.tensor,
            "shape": None if self.spec.shape is None else list(self.spec.shape),
            "dtype": self.spec.dtype.name.lower(),
            "to": self.to.word,
            "travel_bytes": self.spec.nbytes,
            "travel_s": self.seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Stages that the server runs one after another, and what travels for them."""

    stages: tuple[str, ...]
    crossings: tuple[Crossing, ...]  # up before down

    def bytes_to(self, side: Side) -> int:
        """Return what travels to a side."""
        return sum(crossing.spec.nbytes for crossing in self.crossings if crossing.to is side)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "stages": list(self.stages),
            "up_bytes": self.bytes_to(Side.SERVER),
            "down_bytes": self.bytes_to(Side.CLIENT),
            "crossings": [crossing.to_dict() for crossing in self.crossings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A placement of all stages: its time and the parts of it, what travels, what comes before.

    `download_bytes` and `setup` belong to a first visit and are no part of `total`.
    `barred` says why the placement is not allowed; empty: it is.
    """

    sides: Sides
    total: Interval
    client: Interval
    server: Interval
    network: Interval
    requests: tuple[Request, ...]
    download_bytes: int
    setup: Interval  # connect, download and load what runs on the client; once
    need_bytes: tuple[int, int]  # by Side
    barred: tuple[str, ...] = ()

    def bytes_to(self, side: Side) -> int:
        """Return what travels to a side."""
        return sum(request.bytes_to(side) for request in self.requests)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "sides": [side.word for side in self.sides],
            "total_s": self.total.to_dict(),
            "client_s": self.client.to_dict(),
            "server_s": self.server.to_dict(),
            "network_s": self.network.to_dict(),
            "up_bytes": self.bytes_to(Side.SERVER),
            "down_bytes": self.bytes_to(Side.CLIENT),
            "requests": [request.to_dict() for request in self.requests],
            "first_visit": {"download_bytes": self.download_bytes, "setup_s": self.setup.to_dict()},
            "memory": {
                "client_bytes": self.need_bytes[Side.CLIENT],
                "server_bytes": self.need_bytes[Side.SERVER],
            },
            "barred": list(self.barred),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What becomes of the best placement if one stage changes sides."""

    stage: int
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class ChainAnswer:
    """Where each stage should run, what that takes, and what else would do.

    `best` is None where no placement is allowed; `reasons` then say why. `alternatives`
    take at most 10 % longer than the best; `more` tells whether there are others.
    """

    chain: Chain
    best: Plan | None
    alternatives: tuple[Plan, ...]
    more: bool
    moves: tuple[Move, ...]
    all_client: Plan
    all_server: Plan
    reasons: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form: SI base units, the unit in the key, nothing rounded."""
        chain = self.chain
        return {
            "schema_version": SCHEMA_VERSION,
            "name": chain.name,
            "path": chain.path,
            "scenario": {key: setting.to_dict() for key, setting in chain.settings.items()},
            "stages": [stage.to_dict() for stage in chain.stages],
            "best": None if self.best is None else self.best.to_dict(),
            "alternatives": [plan.to_dict() for plan in self.alternatives],
            "more_alternatives": self.more,
            "moves": [{"stage": chain.stages[m.stage].id, "plan": m.plan.to_dict()} for m in self.moves],
            "all_client": self.all_client.to_dict(),
            "all_server": self.all_server.to_dict(),
            "reasons": list(self.reasons),
            "notes": list(chain.notes),
        }
