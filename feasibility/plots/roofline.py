"""Draw the groups of a model under the roof of the unit that runs them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feasibility.cost import ModelCost
from feasibility.decide.records import Placement
from feasibility.decide.scenario import place
from feasibility.decide.sides import timed, unit_of
from feasibility.plots import style
from feasibility.profiles.models import DeviceProfile, RuntimeProfile
from feasibility.timing.compute import Bound, ComputeTime, fusion_of, stored_widths, widths_of
from feasibility.timing.loads import Load, Side, loads
from feasibility.units import BytesPerSecond, FlopsPerSecond

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS: Mapping[Bound, str] = {"compute": "o", "bandwidth": "s", "overhead": "^"}
_LEAST_AREA, _MOST_AREA = 14.0, 700.0  # square points: visible with no share, and the share of it all
_SAID = 0.005  # of the time: a smaller share without a dot is not worth a sentence
_MARGIN = 2.5  # how far the axes go beyond what they show, as a factor


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
class Roofline:
    """A roof, and the groups below it in the order they run.

    `unplaced` is the share of the time that has no place there: groups that compute nothing or
    whose traffic the runtime saves, constants, and what another unit takes.
    """

    device: str
    unit: str
    runtime: str
    precision: str
    peak: FlopsPerSecond
    bandwidth: BytesPerSecond
    dots: tuple[Dot, ...]
    unplaced: float

    @property
    def ridge(self) -> float:
        """Return the FLOP per byte from which on the peak is the limit."""
        return self.peak.value / self.bandwidth.value

    def roof(self, intensity: float) -> float:
        """Return the most FLOP/s at an intensity."""
        return min(self.peak.value, intensity * self.bandwidth.value)


def roofline_points(
    cost: ModelCost,
    device: str | DeviceProfile,
    *,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
) -> Roofline:
    """Return the roof of a unit, and the groups of a model as it runs them."""
    where = place(device, runtime, precision)
    compute = timed(cost, where)
    total_s = compute.interval.typical.value
    dots = tuple(_dots(compute, _loads(cost, where, compute), total_s))
    return Roofline(
        device=where.device.id,
        unit=where.unit,
        runtime=where.runtime.id,
        precision=compute.precision,
        peak=compute.peak,
        bandwidth=BytesPerSecond(compute.lane.bandwidth_bytes_per_s),
        dots=dots,
        unplaced=max(0.0, 1 - math.fsum(dot.share for dot in dots)) if total_s else 0.0,
    )


def _dots(compute: ComputeTime, asked: Iterable[Load], total_s: float) -> Iterable[Dot]:
    for timed_group, load in zip(compute.groups, asked, strict=True):
        runs, seconds = load.runs, timed_group.seconds
        flops, nbytes = runs * load.group.flops, runs * (load.weight_bytes + load.activation_bytes)
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
    """Draw FLOP/s over FLOP per byte: the roof of a unit, and a dot for each fused group of a model.

    A dot's area is its share of the time, its height the rate at the estimated time.
    """
    found = roofline_points(cost, device, runtime=runtime, precision=precision)
    ax = style.axes_of(ax)
    _set_axes(ax, found)
    _draw_roof(ax, found)
    for bound in _MARKERS:
        _draw_dots(ax, bound, [dot for dot in found.dots if dot.bound == bound])
    where = f"{found.device} {found.unit}, {found.runtime}, {found.precision}"
    above = style.legend_above(ax, 3, heading="bound by, with its share of the time")
    style.title(ax, f"Roofline: {style.name_of(cost.model.path)} on {style.shortened(where)}", above=above)
    style.caption(ax, *_caption(found))
    return ax


def _set_axes(ax: Axes, found: Roofline) -> None:
    intensities = [found.ridge, *(dot.intensity for dot in found.dots)]
    rates = [found.peak.value, *(dot.flops_per_s for dot in found.dots)]
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(min(intensities) / _MARGIN, max(intensities) * _MARGIN)
    ax.set_ylim(min(rates) / _MARGIN, max(rates) * _MARGIN)
    ax.set_xlabel("Arithmetic intensity (FLOP per byte moved)")
    ax.set_ylabel("Rate (FLOP/s)")
    for axis in (ax.xaxis, ax.yaxis):
        style.log_axis(axis)
    ax.grid(visible=True, which="major")


def _draw_roof(ax: Axes, found: Roofline) -> None:
    low, high = ax.get_xlim()
    x = sorted({low, found.ridge, high})
    ax.plot(x, [found.roof(each) for each in x], color=style.BLACK, linewidth=1.6)
    style.note(ax, str(found.peak), (high, found.peak.value), (-2, 2), ha="right", va="bottom")
    middle = math.sqrt(max(low, ax.get_ylim()[0] / found.bandwidth.value) * found.ridge)
    style.note(ax, str(found.bandwidth), (middle, found.roof(middle)), (-3, 3), ha="right", va="bottom")


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
    yield "The roof is the peak and the memory bandwidth that the device's profile gives."
    yield "A dot is a fused group at its estimated time, its area the share of that; groups alike share one."
    if any(dot.flops_per_s > found.roof(dot.intensity) for dot in found.dots):
        yield "Above the roof: less is computed than is counted (Winograd's convolutions) or moved (caches)."
    if found.unplaced >= _SAID:
        share = style.percent(found.unplaced)
        groups = "groups that compute nothing, are fused away or run elsewhere"
        yield f"{share} of the time has no dot: start, crossings, and {groups}."
