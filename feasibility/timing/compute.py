"""Say how long one inference takes on a unit through a runtime (docs/time.md).

Heavy group: t0 + [(F / (e*P))^p + (B / (b*BW))^p]^(1/p); light group:
t0_light + B / (b_light*BW); an inference adds one constant.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from feasibility.cost import ModelCost
from feasibility.errors import UsageError
from feasibility.ir import ACTIVATION_BITS, CONVERTIBLE, WEIGHT_BITS, DType
from feasibility.pause import collector_paused
from feasibility.profiles.models import ComputeUnit, Precision, RuntimeProfile
from feasibility.profiles.support import SupportTable
from feasibility.timing.groups import FusedGroup, Fusion
from feasibility.timing.interval import Interval
from feasibility.timing.kernels import Kernels
from feasibility.timing.loads import Load, Side, Widths, loads
from feasibility.timing.placement import OpKind, Partitions, crossing_seconds, partition, sentence
from feasibility.timing.precision import INTEGERS, STORED, Lane, lane, run_precision
from feasibility.units import FlopsPerSecond

Bound = Literal["compute", "bandwidth", "overhead", "crossings"]

_KEPT = 16  # models whose types are kept
_DEFAULT_STORED: Precision = "fp32"
_WEIGHT_ONLY: Precision = "int4"
_WIDENED: Precision = "fp16"  # what such weights are widened to for products
_WIDENING = "int4 weights (4.5 bits with their scales) are widened to fp16: arithmetic is no faster"


class GroupTime(NamedTuple):
    """The parts of one group's time, in seconds of one run."""

    group: FusedGroup
    flop_s: float  # F / (e*P)
    byte_s: float  # B / (b*BW)
    overhead_s: float
    exponent: float

    @property
    def seconds(self) -> float:
        """Return the time of all runs of the group."""
        return self.at_rate(1.0)

    def at_rate(self, factor: float) -> float:
        """Return the time of all runs if the unit computed `factor` times as fast."""
        moving = _p_norm(self.flop_s / factor, self.byte_s, self.exponent)
        return self.group.head.runs * (self.overhead_s + moving)

    @property
    def bound(self) -> Bound:
        """Name the largest of the three parts."""
        parts: dict[Bound, float] = {  # crossings lie between groups
            "compute": self.flop_s,
            "bandwidth": self.byte_s,
            "overhead": self.overhead_s,
        }
        return max(parts, key=lambda name: parts[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Who takes the operators that a runtime does not run; nobody where `runtime` is None."""

    table: SupportTable
    unit: ComputeUnit | None = None
    runtime: RuntimeProfile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeTime:
    """The time of one inference, group by group, and what had to be assumed.

    `lane` is where the most arithmetic runs. Where `lower_bound` is true, uncounted
    nodes come on top. `rest` are the groups that fall back to another runtime, and
    `partitions` tells how the model divides, where the runtime does not run everything.
    """

    interval: Interval
    groups: tuple[GroupTime, ...]
    rest: tuple[GroupTime, ...] = ()
    constant_s: float
    crossings_s: float = 0.0
    partitions: Partitions | None = None
    lane: Lane
    lower_bound: bool
    notes: tuple[str, ...]

    @property
    def precision(self) -> Precision:
        """Return the precision that the most arithmetic runs in."""
        return self.lane.precision

    @property
    def peak(self) -> FlopsPerSecond:
        """Return the dense peak that the most arithmetic meets."""
        return FlopsPerSecond(self.lane.peak_flops_per_s)

    def at_rate(self, factor: float) -> float:
        """Return the typical seconds if the unit computed `factor` times as fast."""
        elsewhere_s = self.constant_s + self.crossings_s + math.fsum(group.seconds for group in self.rest)
        return elsewhere_s + math.fsum(group.at_rate(factor) for group in self.groups)

    @property
    def shares(self) -> dict[Bound, float]:
        """Return how the seconds divide; where the parts overlap, in proportion."""
        runs = [(group, group.group.head.runs) for group in (*self.groups, *self.rest)]
        return {
            "compute": math.fsum(n * group.flop_s for group, n in runs),
            "bandwidth": math.fsum(n * group.byte_s for group, n in runs),
            "overhead": self.constant_s + math.fsum(n * group.overhead_s for group, n in runs),
            "crossings": self.crossings_s,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Which lane an operator runs in, and how wide a stored element is while it runs."""

    main: Lane
    lanes: Mapping[DType, Lane]
    widths: Widths


@collector_paused()  # thousands of records are made, and none of them is garbage
def inference(  # noqa: PLR0913 (one argument for each thing that a time depends on)
    cost: ModelCost,
    unit: ComputeUnit,
    runtime: RuntimeProfile,
    precision: Precision | None,
    rest: Rest | None = None,
    *,
    batch: int = 1,
) -> ComputeTime:
    """Return the time of one forward pass; `precision` None runs the model as stored.

    A pass over a batch of so many inputs of the model's own size computes and moves so many
    times as much, but reads the weights and starts the kernels once.

    All groups of a unit share one sigma: if the prior is too fast, it is so for all. What the
    runtime does not run goes to `rest`, and each crossing between the two costs its time.
    """
    if batch < 1:
        msg = f"a batch of {batch} holds no inference"
        raise UsageError(msg, hint="give a batch from 1 on")
    stored = stored_precision(cost)
    plan = _plan(cost, unit, runtime, precision, stored)
    found = None if rest is None else partitions(cost, rest.table.supported)
    fallen, crossings_s = _fallen(cost, rest, found, stored, batch)
    side = Side(rest.table.supported, falls_back=False) if rest and fallen else None
    asked = loads(cost, plan.widths, fusion_of(runtime), _kernels(plan.main), side)
    groups = _group_times(asked, plan, batch)
    constant_s = plan.main.coefficients.constant.value
    typical_s = constant_s + crossings_s + math.fsum(group.seconds for group in (*groups, *fallen))
    said = sentence(found, runtime.id) if found else ""
    return ComputeTime(
        interval=Interval.from_sigma(typical_s, plan.main.sigma),
        groups=groups,
        rest=fallen,
        constant_s=constant_s,
        crossings_s=crossings_s,
        partitions=found,
        lane=plan.main,
        lower_bound=bool(cost.coverage.unknown),
        notes=tuple(dict.fromkeys((*_notes(cost, plan, precision, stored), *([said] if said else [])))),
    )


@lru_cache(maxsize=_KEPT)
def partitions(cost: ModelCost, supported: frozenset[OpKind]) -> Partitions:
    """Return how a model divides between a runtime that runs these operators and another."""
    return partition(cost, supported)


def _fallen(
    cost: ModelCost, rest: Rest | None, found: Partitions | None, stored: Precision, batch: int
) -> tuple[tuple[GroupTime, ...], float]:
    """Return the groups that another runtime takes, and the seconds that going to and fro costs."""
    if rest is None or not found or not found.breakers or rest.runtime is None or rest.unit is None:
        return (), 0.0
    plan = _plan(cost, rest.unit, rest.runtime, None, stored)
    side = Side(rest.table.supported, falls_back=True)
    asked = loads(cost, plan.widths, fusion_of(rest.runtime), _kernels(plan.main), side)
    sync, copy = rest.table.sync, rest.table.copy_bandwidth
    crossings_s = 0.0
    if sync is not None and copy is not None:
        crossings_s = crossing_seconds(found, sync.value.value, copy.value.value / batch)
    return _group_times(asked, plan, batch), crossings_s


def _kernels(found: Lane) -> Kernels:
    return Kernels(found.coefficients.channel_block, found.coefficients.winograd)


def fusion_of(runtime: RuntimeProfile) -> Fusion:
    """Return what a runtime makes one kernel of."""
    return Fusion(light=runtime.fuses, attention=runtime.fuses_attention)


@lru_cache(maxsize=_KEPT)
def stored_precision(cost: ModelCost) -> Precision:
    """Return the type that most multiply-adds run in or, without any, most parameters have."""
    weight: Counter[Precision] = Counter()
    for node in cost.nodes:
        if node.cost and node.fmas and node.cost.dtype in STORED:
            weight[STORED[node.cost.dtype]] += node.fmas
    if not weight:
        weight = _parameter_types(cost)
    return max(weight, key=lambda p: (weight[p], ACTIVATION_BITS[p]), default=_DEFAULT_STORED)


def _parameter_types(cost: ModelCost) -> Counter[Precision]:
    """Count the elements of the constants that nodes read, by type, each tensor once."""
    specs = {
        spec.name: spec
        for node in cost.nodes
        if node.parameters
        for spec in node.node.inputs
        if spec and spec.constant and spec.shape is not None and spec.dtype in STORED
    }
    weight: Counter[Precision] = Counter()
    for spec in specs.values():
        weight[STORED[spec.dtype]] += spec.numel
    return weight


def _plan(
    cost: ModelCost,
    unit: ComputeUnit,
    runtime: RuntimeProfile,
    asked: Precision | None,
    stored: Precision,
) -> _Plan:
    """Give every element type its lane: its own as stored, the asked one otherwise.

    Products that are quantised already stay so when a float type is asked for.
    """
    main = _lane(asked or stored, unit, runtime) if asked else lane(stored, unit, runtime)
    heads = _heavy_types(cost)
    own = {t: STORED[t] for t in heads if t in STORED and (asked is None or STORED[t] in INTEGERS)}
    return _Plan(
        main=main,
        lanes={t: main if p == (asked or stored) else lane(p, unit, runtime) for t, p in own.items()},
        widths=widths_of(main.precision) if asked else stored_widths(unit, runtime),
    )


def _lane(asked: Precision, unit: ComputeUnit, runtime: RuntimeProfile) -> Lane:
    """Return the lane of a precision that was asked for; int4 is one of weights alone."""
    if asked != _WEIGHT_ONLY:
        return lane(asked, unit, runtime)
    found = lane(_WIDENED, unit, runtime)
    return replace(found, precision=asked, notes=(*found.notes, _WIDENING))


@cache
def widths_of(precision: Precision) -> Widths:
    """Return the widths of a model that is converted; integers and narrow floats keep the stored ones."""
    return Widths(
        activations=tuple((t, ACTIVATION_BITS[precision] if t in CONVERTIBLE else t.bits) for t in DType),
        weights=tuple((t, WEIGHT_BITS[precision] if t in CONVERTIBLE else Fraction(t.bits)) for t in DType),
    )


def stored_widths(unit: ComputeUnit, runtime: RuntimeProfile) -> Widths:
    """Return the widths of a model as stored, in the float types that the unit has."""
    bits = {
        t: ACTIVATION_BITS[run_precision(STORED[t], unit, runtime)] if t in CONVERTIBLE else t.bits
        for t in DType
    }
    return Widths(
        activations=tuple(bits.items()), weights=tuple((t, Fraction(width)) for t, width in bits.items())
    )


@lru_cache(maxsize=_KEPT)
def _heavy_types(cost: ModelCost) -> tuple[DType, ...]:
    """Return the types that linear algebra runs in, in the order they are met."""
    return tuple(dict.fromkeys(n.cost.dtype for n in cost.nodes if n.cost and n.cost.role == "heavy"))


class _Rates(NamedTuple):
    """The constants of a lane in seconds of a batch, so that a group costs a few multiplications."""

    per_flop: Mapping[str, float]
    per_weight_byte: float
    per_activation_byte: float
    per_light_byte: float
    overhead_s: float
    light_overhead_s: float
    exponent: float


def _rates(found: Lane, batch: int) -> _Rates:
    terms, bandwidth, peak = found.coefficients, found.bandwidth_bytes_per_s, found.peak_flops_per_s
    light = terms.light_bandwidth_share
    return _Rates(
        per_flop={name: batch / (share * peak) for name, share in terms.efficiency.items()},
        per_weight_byte=1 / (terms.bandwidth_share.weights * bandwidth),
        per_activation_byte=batch / (terms.bandwidth_share.activations * bandwidth),
        per_light_byte=0.0 if light is None else batch / (light * bandwidth),
        overhead_s=terms.overhead.value,
        light_overhead_s=terms.light_overhead.value,
        exponent=terms.exponent,
    )


def _group_times(asked: Iterable[Load], plan: _Plan, batch: int) -> tuple[GroupTime, ...]:
    main = _rates(plan.main, batch)
    own = {t: main if found is plan.main else _rates(found, batch) for t, found in plan.lanes.items()}
    return tuple(_group_time(load, own.get(load.dtype, main)) for load in asked)


def _group_time(load: Load, rates: _Rates) -> GroupTime:
    if load.op_class is None:
        moved_s = load.activation_bytes * rates.per_light_byte
        return GroupTime(load.group, 0.0, moved_s, rates.light_overhead_s, 1.0)
    return GroupTime(
        load.group,
        load.flops * rates.per_flop[load.op_class],
        load.weight_bytes * rates.per_weight_byte + load.activation_bytes * rates.per_activation_byte,
        rates.overhead_s,
        rates.exponent,
    )


def _notes(
    cost: ModelCost,
    plan: _Plan,
    asked: Precision | None,
    stored: Precision,
) -> list[str]:
    """Say what was assumed, the largest first."""
    notes = list(_uncounted(cost))
    notes += plan.main.notes
    for found in plan.lanes.values():
        notes += found.notes
    others = {found.precision for found in plan.lanes.values()} - {plan.main.precision}
    if others:
        notes.append(f"some operators run in {', '.join(sorted(others))}, most in {plan.main.precision}")
    if asked is None and not any(node.fmas for node in cost.nodes):
        notes.append(f"no operator is linear algebra: {stored} is taken from the parameters")
    return notes


def _uncounted(cost: ModelCost) -> tuple[str, ...]:
    unknown = cost.coverage.unknown
    if not unknown:
        return ()
    return (f"{len(unknown)} of {cost.coverage.nodes} nodes are not counted: the time is a lower bound",)


def _p_norm(a: float, b: float, p: float) -> float:
    """Return (a^p + b^p)^(1/p), scaled so that no power overflows."""
    if p == 1:
        return a + b
    top = max(a, b)
    return top * ((a / top) ** p + (b / top) ** p) ** (1 / p) if top else 0.0
