"""Draw the groups of a model under the roofs of the unit and the runtime that run them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from feasibility.cost import ModelCost, OpClass
from feasibility.decide.records import Placement
from feasibility.decide.scenario import place
from feasibility.decide.sides import timed, unit_of
from feasibility.plots import style
from feasibility.plots.given import expect
from feasibility.profiles.models import DeviceProfile, RuntimeProfile
from feasibility.timing.compute import Bound, ComputeTime, GroupTime, fusion_of, stored_widths, widths_of
from feasibility.timing.loads import Load, Side, loads
from feasibility.units import BytesPerSecond, FlopsPerSecond

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS: Mapping[Bound, str] = {"compute": "o", "bandwidth": "s", "overhead": "^"}
_LEAST_AREA, _MOST_AREA = 14.0, 700.0  # square points: visible with no share, and the share of it all
_SAID = 0.005  # of the time: a smaller share without a dot is not worth a sentence
_CLASS_WORDS: Mapping[OpClass, str] = {
    "dense": "dense convolutions",
    "pointwise": "1x1 convolutions",
    "depthwise": "depthwise convolutions",
    "grouped": "grouped convolutions",
    "matmul": "matrix products",
}
_MARGIN = 2.5  # how far the axes go beyond what they show, as a factor


_Asked: TypeAlias = tuple[GroupTime, Load]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One fused group: what all its runs compute and move, and how long they take."""

    name: str
    flops: int
    nbytes: int  # at run precision
    seconds: float
    share: float  # of the whole inference
    bound: Bound

    @property
    def intensity(self) -> float:
        """Return FLOP per byte moved."""
        return self.flops / self.nbytes

    @property
    def flops_per_s(self) -> float:
        """Return the rate at the estimated time."""
        return self.flops / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof:
    """The most FLOP/s at each intensity: of a data sheet, or as a runtime reaches it."""

    peak: FlopsPerSecond
    bandwidth: BytesPerSecond

    @property
    def ridge(self) -> float:
        """Return the FLOP per byte from which on the peak is the limit."""
        return self.peak.value / self.bandwidth.value

    def at(self, intensity: float) -> float:
        """Return the most FLOP/s at an intensity."""
        return min(self.peak.value, intensity * self.bandwidth.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline:
    """Two roofs, and the groups below them in the order they run.

    `sheet` is the profile's peak and bandwidth, `reached` what the runtime gets of both in the class
    of operators that takes the most time (None: no linear algebra). `unplaced` is the share of the time
    that has no place there: groups that compute nothing or whose traffic the runtime saves, constants,
    and what another unit takes.
    """

    device: str
    unit: str
    runtime: str
    precision: str
    sheet: Roof
    reached: Roof | None
    op_class: OpClass | None  # that `reached` is of
    dots: tuple[Dot, ...]
    unplaced: float

    @property
    def roofs(self) -> tuple[Roof, ...]:
        """Return the roofs there are."""
        return (self.sheet,) if self.reached is None else (self.sheet, self.reached)


def roofline_points(
    cost: ModelCost,
    device: str | DeviceProfile,
    *,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
) -> Roofline:
    """Return the roof of a unit, that of its runtime, and the groups of a model as it runs them."""
    expect("roofline", ModelCost, cost)
    where = place(device, runtime, precision)
    compute = timed(cost, where)
    total_s = compute.interval.typical.value
    asked = tuple(zip(compute.groups, _loads(cost, where, compute), strict=True))
    op_class = _slowest_class(asked)
    dots = tuple(_dots(asked, total_s))
    return Roofline(
        device=where.device.id,
        unit=where.unit,
        runtime=where.runtime.id,
        precision=compute.precision,
        sheet=Roof(peak=compute.peak, bandwidth=BytesPerSecond(compute.lane.bandwidth_bytes_per_s)),
        reached=_reached([pair for pair in asked if pair[1].op_class == op_class]) if op_class else None,
        op_class=op_class,
        dots=dots,
        unplaced=max(0.0, 1 - math.fsum(dot.share for dot in dots)) if total_s else 0.0,
    )


def _slowest_class(asked: Iterable[_Asked]) -> OpClass | None:
    """Return the class of linear algebra that takes the most time."""
    seconds: defaultdict[OpClass, float] = defaultdict(float)
    for timed_group, load in asked:
        if load.op_class is not None:
            seconds[load.op_class] += timed_group.seconds
    return max(seconds, key=lambda name: seconds[name], default=None)


def _reached(asked: Sequence[_Asked]) -> Roof | None:
    """Return e * P and b * BW: what groups compute and move, over the time that each of both takes alone."""
    flop_s = math.fsum(load.runs * timed_group.flop_s for timed_group, load in asked)
    byte_s = math.fsum(load.runs * timed_group.byte_s for timed_group, load in asked)
    if not flop_s or not byte_s:
        return None
    flops, nbytes = (sum(each) for each in zip(*(_work(load) for _, load in asked), strict=True))
    return Roof(peak=FlopsPerSecond(flops / flop_s), bandwidth=BytesPerSecond(nbytes / byte_s))


def _work(load: Load) -> tuple[int, int]:
    """Return the FLOP and bytes of all runs."""
    return load.runs * load.group.flops, load.runs * (load.weight_bytes + load.activation_bytes)


def _dots(asked: Iterable[_Asked], total_s: float) -> Iterable[Dot]:
    for timed_group, load in asked:
        seconds = timed_group.seconds
        flops, nbytes = _work(load)
        is_free = load.op_class is None and not timed_group.byte_s  # fused: it moves nothing of its own
        if flops and nbytes and seconds and not is_free:
            yield Dot(
                name=load.group.head.node.name,
                flops=flops,
                nbytes=nbytes,
                seconds=seconds,
                share=seconds / total_s,
                bound=timed_group.bound,
            )


def _loads(cost: ModelCost, where: Placement, compute: ComputeTime) -> tuple[Load, ...]:
    """Return what the groups that stay on the unit ask of it, in the order that they are timed."""
    side = Side(where.rest.table.supported, falls_back=False) if where.rest and compute.rest else None
    widths = widths_of(compute.precision) if where.precision else stored_widths(unit_of(where), where.runtime)
    return loads(cost, widths, fusion_of(where.runtime), side=side)


@style.house_style()
def roofline(
    cost: ModelCost,
    device: str | DeviceProfile,
    *,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw FLOP/s over FLOP per byte: the roofs of unit and runtime, and a dot for each group of a model.

    A dot's area is its share of the time, its height the rate at the estimated time.
    """
    found = roofline_points(cost, device, runtime=runtime, precision=precision)
    ax = style.axes_of(ax)
    _set_axes(ax, found)
    for bound in _MARKERS:
        _draw_dots(ax, bound, [dot for dot in found.dots if dot.bound == bound])
    where = f"{found.device} {found.unit}, {found.runtime}, {found.precision}"
    lines = _draw_roofs(ax, found)
    columns = min(2, len({dot.bound for dot in found.dots})) or 1  # dots in the first, lines in the second
    above = style.legend_above(ax, columns, last=lines, heading="bound by, with its share of the time")
    style.title(ax, f"Roofline: {style.name_of(cost.model.path)} on {style.shortened(where)}", above=above)
    style.caption(ax, *_caption(found))
    return ax


def _set_axes(ax: Axes, found: Roofline) -> None:
    intensities = [*(roof.ridge for roof in found.roofs), *(dot.intensity for dot in found.dots)]
    rates = [*(roof.peak.value for roof in found.roofs), *(dot.flops_per_s for dot in found.dots)]
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(min(intensities) / _MARGIN, max(intensities) * _MARGIN)
    ax.set_ylim(min(rates) / _MARGIN, max(rates) * _MARGIN)
    ax.set_xlabel("Arithmetic intensity (FLOP per byte moved)")
    ax.set_ylabel("Rate (FLOP/s)")
    for axis in (ax.xaxis, ax.yaxis):
        style.log_axis(axis)
    ax.grid(visible=True, which="major")


def _draw_roofs(ax: Axes, found: Roofline) -> list[str]:
    """Draw the data sheet's roof and, dashed, the runtime's; return their labels."""
    looks = (("data sheet", "-", 1.6), (f"what {style.shortened(found.runtime)} reaches", "--", 1.2))
    labels = []
    low, high = ax.get_xlim()
    for roof, (name, dashes, width) in zip(found.roofs, looks, strict=False):
        x = sorted({low, roof.ridge, high})
        labels.append(f"{name}: {roof.peak}, {roof.bandwidth}")
        y = [roof.at(each) for each in x]
        ax.plot(x, y, color=style.BLACK, linestyle=dashes, linewidth=width, label=labels[-1])
    return labels


def _draw_dots(ax: Axes, bound: Bound, dots: list[Dot]) -> None:
    """Draw the groups of one bound, the largest first; groups alike share a dot as large as all of them."""
    if not dots:
        return
    shares: dict[tuple[float, float], float] = {}
    for dot in dots:
        at = (dot.intensity, dot.flops_per_s)
        shares[at] = shares.get(at, 0.0) + dot.share
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    ax.scatter(
        [x for (x, _), _ in ordered],
        [y for (_, y), _ in ordered],
        s=[_LEAST_AREA + _MOST_AREA * share for _, share in ordered],
        c=style.BOUND_COLOURS[bound],
        marker=_MARKERS[bound],
        alpha=0.65,
        edgecolors=style.BLACK,
        linewidths=0.4,
        label=f"{style.BOUND_WORDS[bound]} {style.percent(math.fsum(shares.values()))}",
        zorder=3,
    )


def _caption(found: Roofline) -> Iterable[str]:
    yield "A dot is a fused group at its estimated time, its area the share of that; groups alike share one."
    if found.op_class is not None and found.reached is not None:
        runtime, words = style.shortened(found.runtime), _CLASS_WORDS[found.op_class]
        yield f"Dashed: what {runtime} reaches in {words}, which take the most time here."
        yield "Its ridge, not the data sheet's, tells the colours; other operators have ridges of their own."
    if any(dot.flops_per_s > found.sheet.at(dot.intensity) for dot in found.dots):
        less = "less is computed than is counted (Winograd's convolutions) or moved (caches)"
        yield f"Above the data sheet's roof: {less}."
    elif any(roof.bandwidth.value > found.sheet.bandwidth.value for roof in found.roofs):
        yield "Caches give it more than the memory's bandwidth."
    if found.unplaced >= _SAID:
        share = style.percent(found.unplaced)
        groups = "groups that compute nothing, are fused away or run elsewhere"
        yield f"{share} of the time has no dot: start, crossings, and {groups}."
