"""Say how long one inference takes on a unit through a runtime (docs/time.md).

Heavy group: t0 + [(F / (e*P))^p + (B / (b*BW))^p]^(1/p); light group:
t0_light + B / (b_light*BW); an inference adds one constant.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from feasibility.cost import ModelCost, NodeCost, OpClass
from feasibility.ir import CONVERTIBLE, PRECISION_BITS, DType, TensorSpec
from feasibility.profiles.models import ComputeUnit, Precision, RuntimeProfile
from feasibility.timing.groups import FusedGroup, fuse
from feasibility.timing.interval import Interval
from feasibility.timing.precision import INTEGERS, STORED, Lane, lane, run_precision
from feasibility.units import BITS_PER_BYTE, FlopsPerSecond

Bound = Literal["compute", "bandwidth", "overhead"]

_DEFAULT_CLASS: OpClass = "dense"
_DEFAULT_STORED: Precision = "fp32"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTime:
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
        parts: dict[Bound, float] = {
            "compute": self.flop_s,
            "bandwidth": self.byte_s,
            "overhead": self.overhead_s,
        }
        return max(parts, key=lambda name: parts[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeTime:
    """The time of one inference, group by group, and what had to be assumed.

    `lane` is where the most arithmetic runs. Where `lower_bound` is true, uncounted
    nodes come on top.
    """

    interval: Interval
    groups: tuple[GroupTime, ...]
    constant_s: float
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
        return self.constant_s + math.fsum(group.at_rate(factor) for group in self.groups)

    @property
    def shares(self) -> dict[Bound, float]:
        """Return how the seconds divide; where the parts overlap, in proportion."""
        runs = [(group, group.group.head.runs) for group in self.groups]
        return {
            "compute": math.fsum(n * group.flop_s for group, n in runs),
            "bandwidth": math.fsum(n * group.byte_s for group, n in runs),
            "overhead": self.constant_s + math.fsum(n * group.overhead_s for group, n in runs),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Which lane an operator runs in, and how wide a stored element is while it runs."""

    main: Lane
    lanes: Mapping[DType, Lane]
    bits: Mapping[DType, int]

    def lane(self, dtype: DType) -> Lane:
        return self.lanes.get(dtype, self.main)

    def nbytes(self, spec: TensorSpec) -> int:
        """Return the bytes of a tensor at run precision; an unknown shape counts nothing."""
        if spec.shape is None:
            return 0
        return -(-spec.numel * self.bits[spec.dtype] // BITS_PER_BYTE)

    def rescaled(self, nbytes: int, dtype: DType) -> int:
        """Return bytes that a rule counted at stored width, at run precision."""
        return nbytes * self.bits[dtype] // dtype.bits if dtype.bits else nbytes


def inference(
    cost: ModelCost, unit: ComputeUnit, runtime: RuntimeProfile, precision: Precision | None
) -> ComputeTime:
    """Return the time of one forward pass; `precision` None runs the model as stored.

    All groups of a unit share one sigma: if the prior is too fast, it is so for all.
    """
    fused = fuse(cost)
    stored = stored_precision(cost)
    plan = _plan(fused, unit, runtime, precision, stored)
    groups = tuple(_group_time(group, plan) for group in fused)
    constant_s = plan.main.coefficients.constant.value
    typical_s = constant_s + math.fsum(group.seconds for group in groups)
    return ComputeTime(
        interval=Interval.from_sigma(typical_s, plan.main.sigma),
        groups=groups,
        constant_s=constant_s,
        lane=plan.main,
        lower_bound=bool(cost.coverage.unknown),
        notes=tuple(dict.fromkeys(_notes(cost, plan, precision, stored, fused))),
    )


def stored_precision(cost: ModelCost) -> Precision:
    """Return the type that most multiply-adds run in or, without any, most parameters have."""
    weight: Counter[Precision] = Counter()
    for node in cost.nodes:
        if node.cost and node.fmas and node.cost.dtype in STORED:
            weight[STORED[node.cost.dtype]] += node.fmas
    if not weight:
        weight = _parameter_types(cost)
    return max(weight, key=lambda p: (weight[p], PRECISION_BITS[p]), default=_DEFAULT_STORED)


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
    fused: tuple[FusedGroup, ...],
    unit: ComputeUnit,
    runtime: RuntimeProfile,
    asked: Precision | None,
    stored: Precision,
) -> _Plan:
    """Give every element type its lane: its own as stored, the asked one otherwise.

    Products that are quantised already stay so when a float type is asked for.
    """
    main = lane(asked or stored, unit, runtime)
    heads = {group.head.cost.dtype for group in fused if group.heavy and group.head.cost}
    own = {t: STORED[t] for t in heads if t in STORED and (asked is None or STORED[t] in INTEGERS)}
    return _Plan(
        main=main,
        lanes={t: main if p == (asked or stored) else lane(p, unit, runtime) for t, p in own.items()},
        bits={t: _bits(t, main.precision if asked else None, unit, runtime) for t in DType},
    )


def _bits(dtype: DType, asked: Precision | None, unit: ComputeUnit, runtime: RuntimeProfile) -> int:
    """Return an element's width at run time; integers and narrow floats keep the stored one."""
    if dtype not in CONVERTIBLE:
        return dtype.bits
    return PRECISION_BITS[asked or run_precision(STORED[dtype], unit, runtime)]


def _group_time(group: FusedGroup, plan: _Plan) -> GroupTime:
    head = group.head
    dtype = head.cost.dtype if head.cost else DType.UNDEFINED
    found = plan.lane(dtype)
    terms = found.coefficients
    if not group.heavy:
        share = terms.light_bandwidth_share
        moved = 0.0 if share is None else _traffic(head, plan) / (share * found.bandwidth_bytes_per_s)
        return GroupTime(
            group=group, flop_s=0.0, byte_s=moved, overhead_s=terms.light_overhead.value, exponent=1.0
        )
    op_class = (head.cost.op_class if head.cost else None) or _DEFAULT_CLASS
    rate = terms.efficiency[op_class] * found.peak_flops_per_s
    return GroupTime(
        group=group,
        flop_s=group.flops / rate,
        byte_s=_heavy_byte_s(head, plan, found),
        overhead_s=terms.overhead.value,
        exponent=terms.exponent,
    )


def _heavy_byte_s(head: NodeCost, plan: _Plan, found: Lane) -> float:
    """Return the seconds that weights and activations of a heavy operator take to pass."""
    moved = _traffic(head, plan)
    weights = min(moved, _distinct(tuple(s for s in head.node.inputs if s and s.constant), plan))
    share = found.coefficients.bandwidth_share
    passes = weights / share.weights + (moved - weights) / share.activations
    return passes / found.bandwidth_bytes_per_s


def _traffic(node: NodeCost, plan: _Plan) -> int:
    """Return the bytes one run moves at run precision; a rule's own count overrides the specs."""
    cost = node.cost
    if cost is None:
        return 0
    sides = ((cost.reads, node.node.inputs), (cost.writes, node.node.outputs))
    return sum(
        _distinct(specs, plan) if counted is None else plan.rescaled(counted, cost.dtype)
        for counted, specs in sides
    )


def _distinct(specs: tuple[TensorSpec | None, ...], plan: _Plan) -> int:
    return sum(plan.nbytes(spec) for spec in {s.name: s for s in specs if s}.values())


def _notes(
    cost: ModelCost,
    plan: _Plan,
    asked: Precision | None,
    stored: Precision,
    fused: tuple[FusedGroup, ...],
) -> list[str]:
    """Say what was assumed, the largest first."""
    notes = list(_uncounted(cost))
    notes += plan.main.notes
    for found in plan.lanes.values():
        notes += found.notes
    others = {found.precision for found in plan.lanes.values()} - {plan.main.precision}
    if others:
        notes.append(f"some operators run in {', '.join(sorted(others))}, most in {plan.main.precision}")
    if asked is None and not any(group.head.fmas for group in fused):
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
