"""Draw which modules of a model take the time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feasibility.cost import ModelCost
from feasibility.decide.scenario import place
from feasibility.decide.sides import timed
from feasibility.plots import style
from feasibility.profiles.models import DeviceProfile, RuntimeProfile
from feasibility.timing.compute import Bound, ComputeTime
from feasibility.units import Seconds
from feasibility.views.modules import DEFAULT_DEPTH, Path, module_path, natural, trunk

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_TOP = 12  # bars that a figure of 600 pixels has room for
_BOUNDS: tuple[Bound, ...] = ("compute", "bandwidth", "overhead")
_HATCHES: Mapping[Bound, str | None] = {"compute": None, "bandwidth": "////", "overhead": "xxxx"}
_LOOSE = "(no module)"
_BETWEEN = "(start and crossings)"
_BAR_IN = 0.27  # inches of height for one bar


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleTime:
    """The time of the groups whose heads are in a module, by what bounds them.

    `bounds` leaves out what belongs to no group: a constant and crossings.
    """

    name: str
    seconds: float
    bounds: Mapping[Bound, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleTimes:
    """The modules that take longest, longest first, and the sum of the others."""

    device: str
    unit: str
    runtime: str
    precision: str
    trunk: Path  # the scopes that all modules share
    shown: tuple[ModuleTime, ...]
    others: ModuleTime | None
    other_count: int
    total_s: float


def modules_points(  # noqa: PLR0913 (where it runs, and how much is shown)
    cost: ModelCost,
    device: str | DeviceProfile,
    *,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
    depth: int = DEFAULT_DEPTH,
    top: int = DEFAULT_TOP,
) -> ModuleTimes:
    """Return the time of each module down to a depth (0: as deep as names go); `top` 0 shows all of them."""
    where = place(device, runtime, precision)
    compute = timed(cost, where)
    shared = trunk(module_path(found.node.name) for found in cost.nodes)
    ordered = sorted(
        _times(compute, len(shared), depth), key=lambda each: (-each.seconds, natural(each.name))
    )
    shown = ordered[:top] if top else ordered
    rest = ordered[len(shown) :]
    return ModuleTimes(
        device=where.device.id,
        unit=where.unit,
        runtime=where.runtime.id,
        precision=compute.precision,
        trunk=shared,
        shown=tuple(shown),
        others=_sum("other modules", rest) if rest else None,
        other_count=len(rest),
        total_s=compute.interval.typical.value,
    )


def _times(compute: ComputeTime, shared: int, depth: int) -> Iterator[ModuleTime]:
    last = shared + depth if depth else None
    found: defaultdict[Path, Counter[Bound]] = defaultdict(Counter)
    for group in (*compute.groups, *compute.rest):
        path = module_path(group.group.head.node.name)
        found[path[shared:last]][group.bound] += group.seconds  # type: ignore[assignment]  # of seconds
    for path, bounds in found.items():
        yield ModuleTime(name="/".join(path) or _LOOSE, seconds=sum(bounds.values()), bounds=dict(bounds))
    between_s = compute.constant_s + compute.crossings_s
    if between_s:
        yield ModuleTime(name=_BETWEEN, seconds=between_s, bounds={})


def _sum(name: str, members: Iterable[ModuleTime]) -> ModuleTime:
    listed = list(members)
    bounds = {bound: sum(each.bounds.get(bound, 0.0) for each in listed) for bound in _BOUNDS}
    return ModuleTime(name=name, seconds=sum(each.seconds for each in listed), bounds=bounds)


@style.house_style()
def modules(  # noqa: PLR0913 (as modules_points, and where it is drawn)
    cost: ModelCost,
    device: str | DeviceProfile,
    *,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
    depth: int = DEFAULT_DEPTH,
    top: int = DEFAULT_TOP,
    ax: Axes | None = None,
) -> Axes:
    """Draw a bar for each module that takes long, coloured by what bounds its groups."""
    found = modules_points(cost, device, runtime=runtime, precision=precision, depth=depth, top=top)
    bars = [*found.shown, *([found.others] if found.others else [])]
    ax = style.axes_of(ax, height_in=1.6 + _BAR_IN * max(4, len(bars)))
    unit_s, unit = style.scale(Seconds, max((bar.seconds for bar in bars), default=0.0))
    names = [style.shortened(bar.name, 34) for bar in bars]
    if found.others:
        names[-1] = f"{found.other_count:,} other module{'' if found.other_count == 1 else 's'}"
    _draw(ax, bars, unit_s)
    ax.set_yticks(range(len(bars)), names)
    ax.set_ylim(len(bars) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    _write_shares(ax, bars, unit_s, found.total_s)
    ax.set_xlabel(f"Estimated time of one inference ({unit})")
    ax.grid(visible=True, axis="x")
    above = style.legend_above(ax, 3, heading="bound by")
    where = f"{found.device} {found.unit}, {found.runtime}, {found.precision}"
    style.title(
        ax,
        f"Time by module: {style.name_of(cost.model.path)} on {style.shortened(where)}, "
        f"{Seconds(found.total_s)} in all",
        style.NARROW,
        above=above,
    )
    inside = f"All modules are in {style.shortened('/'.join(found.trunk))}." if found.trunk else ""
    style.caption(ax, inside, "A fused group counts where its first node is.", width=style.NARROW)
    return ax


def _draw(ax: Axes, bars: list[ModuleTime], unit_s: float) -> None:
    left = [0.0] * len(bars)
    for bound in _BOUNDS:
        widths = [bar.bounds.get(bound, 0.0) / unit_s for bar in bars]
        if any(widths):
            ax.barh(
                range(len(bars)),
                widths,
                0.7,
                left=left,
                color=style.BOUND_COLOURS[bound],
                hatch=_HATCHES[bound],
                edgecolor="white",
                linewidth=0,
                label=style.BOUND_WORDS[bound],
            )
        left = [start + width for start, width in zip(left, widths, strict=True)]
    ax.barh(
        range(len(bars)),
        [
            bar.seconds / unit_s - start if not bar.bounds else 0.0
            for bar, start in zip(bars, left, strict=True)
        ],
        0.7,
        color=style.GREY,
    )


def _write_shares(ax: Axes, bars: list[ModuleTime], unit_s: float, total_s: float) -> None:
    """Write beside each bar how much of the whole it is, and leave room for that."""
    longest = max((bar.seconds for bar in bars), default=0.0)
    ax.set_xlim(0, (longest or 1.0) / unit_s * 1.25)
    for row, bar in enumerate(bars):
        share = f", {100 * bar.seconds / total_s:.1f} %" if total_s else ""
        style.note(ax, f"{Seconds(bar.seconds)}{share}", (bar.seconds / unit_s, row), (3, 0), va="center")
