"""Draw which modules of a model take the time."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from feasibility.cost import ModelCost
from feasibility.decide.scenario import place
from feasibility.decide.sides import timed
from feasibility.ir import Node
from feasibility.plots import style
from feasibility.plots.given import expect, expect_count
from feasibility.profiles.models import DeviceProfile, RuntimeProfile
from feasibility.timing.compute import Bound, ComputeTime
from feasibility.units import Seconds
from feasibility.views.modules import DEFAULT_DEPTH, Path, natural, path_of, trunk

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_TOP = 12  # bars that a figure of 600 pixels has room for
_BOUNDS: tuple[Bound, ...] = ("compute", "bandwidth", "overhead")
_HATCHES: Mapping[Bound, str | None] = {"compute": None, "bandwidth": "////", "overhead": "xxxx"}
_LOOSE = "(no module)"
_BETWEEN_WORDS = "start and crossings"
_BETWEEN = f"({_BETWEEN_WORDS})"
_DUST = 1e-9  # what sums in another order differ by, as a share
_BAR = 0.7  # of the way from one bar to the next
_BAR_IN = 0.27  # inches of height for one bar


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleTime:
    """The time of the groups whose heads are in a module, by what bounds them.

    `bounds` leaves out what belongs to no group: a constant and crossings.
    """

    name: str
    seconds: float
    bounds: Mapping[Bound, float]

    @property
    def rest_s(self) -> float:
        """Return the seconds of no group."""
        rest_s = self.seconds - math.fsum(self.bounds.values())
        return rest_s if rest_s > _DUST * self.seconds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleTimes:
    """The modules that take longest, longest first, the sum of the others, and what is in none.

    Where nothing tells modules, `by` is "operator type", and those are what is listed.
    """

    device: str
    unit: str
    runtime: str
    precision: str
    by: Literal["module", "operator type"]
    trunk: Path  # the scopes that all modules share
    shown: tuple[ModuleTime, ...]
    others: ModuleTime | None
    other_count: int
    between: ModuleTime | None  # a constant and crossings: no group's time
    total_s: float

    @property
    def bars(self) -> tuple[ModuleTime, ...]:
        """Return all that adds up to the whole."""
        return (*self.shown, *(each for each in (self.others, self.between) if each))


def modules_points(  # noqa: PLR0913 (where it runs, and how much is shown)
    cost: ModelCost,
    device: str | DeviceProfile,
    *,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
    depth: int = DEFAULT_DEPTH,
    top: int = DEFAULT_TOP,
) -> ModuleTimes:
    """Return the time of each module down to a depth (0: as deep as names go); `top` 0 shows all of them.

    Modules that take no time are left out.
    """
    expect("modules", ModelCost, cost)
    expect_count("depth", depth)
    expect_count("top", top)
    where = place(device, runtime, precision)
    compute = timed(cost, where)
    paths = {path_of(found.node) for found in cost.nodes}
    shared = trunk(paths)
    key = _module_at(len(shared), depth) if any(paths) else _op_type
    ordered = sorted(_times(compute, key), key=lambda each: (-each.seconds, natural(each.name)))
    shown = ordered[:top] if top else ordered
    rest = ordered[len(shown) :]
    between_s = compute.constant_s + compute.crossings_s
    return ModuleTimes(
        device=where.device.id,
        unit=where.unit,
        runtime=where.runtime.id,
        precision=compute.precision,
        by="module" if any(paths) else "operator type",
        trunk=shared,
        shown=tuple(shown),
        others=_sum(f"{len(rest):,} other{'' if len(rest) == 1 else 's'}", rest) if rest else None,
        other_count=len(rest),
        between=ModuleTime(name=_BETWEEN, seconds=between_s, bounds={}) if between_s else None,
        total_s=compute.interval.typical.value,
    )


def _module_at(shared: int, depth: int) -> Callable[[Node], str]:
    last = shared + depth if depth else None
    return lambda node: "/".join(path_of(node)[shared:last]) or _LOOSE


def _op_type(node: Node) -> str:
    return node.op_type


def _times(compute: ComputeTime, key: Callable[[Node], str]) -> Iterator[ModuleTime]:
    found: defaultdict[str, Counter[Bound]] = defaultdict(Counter)
    for group in (*compute.groups, *compute.rest):
        found[key(group.group.head.node)][group.bound] += group.seconds  # type: ignore[assignment]  # of seconds
    for name, bounds in found.items():
        if any(bounds.values()):
            yield ModuleTime(name=name, seconds=math.fsum(bounds.values()), bounds=dict(bounds))


def _sum(name: str, members: Sequence[ModuleTime]) -> ModuleTime:
    bounds = {bound: sum(each.bounds.get(bound, 0.0) for each in members) for bound in _BOUNDS}
    return ModuleTime(name=name, seconds=sum(each.seconds for each in members), bounds=bounds)


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
    bars = found.bars
    ax = style.axes_of(ax, height_in=1.6 + _BAR_IN * max(4, len(bars)))
    unit_s, unit = style.scale(Seconds, max((bar.seconds for bar in bars), default=0.0))
    _draw(ax, bars, unit_s)
    ax.set_yticks(range(len(bars)), [style.shortened(bar.name, 34) for bar in bars])
    ax.set_ylim(len(bars) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    _write_shares(ax, bars, unit_s, found.total_s)
    ax.set_xlabel(f"Estimated time of one inference ({unit})")
    ax.grid(visible=True, axis="x")
    above = style.legend_above(ax, 4, last=[_BETWEEN_WORDS], heading="bound by")
    where = f"{found.device} {found.unit}, {found.runtime}, {found.precision}"
    style.title(
        ax,
        f"Time by {found.by}: {style.name_of(cost.model.path)} on {style.shortened(where)}, "
        f"{Seconds(found.total_s)} in all",
        style.NARROW,
        above=above,
    )
    style.caption(ax, *_caption(found), width=style.NARROW)
    return ax


def _caption(found: ModuleTimes) -> Iterator[str]:
    if found.by != "module":
        yield "No module is told by the file: bars are of operator types."
    elif found.trunk:
        yield f"All modules are in {style.shortened('/'.join(found.trunk))}."
    yield "A fused group counts where its first node is."


def _draw(ax: Axes, bars: Sequence[ModuleTime], unit_s: float) -> None:
    """Draw what bounds each bar, one part after the other, and behind them what is in no group."""
    left = [0.0] * len(bars)
    for bound in _BOUNDS:
        widths = [bar.bounds.get(bound, 0.0) / unit_s for bar in bars]
        looks = {"color": style.BOUND_COLOURS[bound], "hatch": _HATCHES[bound], "edgecolor": "white"}
        _draw_part(ax, widths, left, style.BOUND_WORDS[bound], looks)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    rest = [bar.rest_s / unit_s for bar in bars]
    _draw_part(ax, rest, left, _BETWEEN_WORDS, {"color": style.GREY})


def _draw_part(
    ax: Axes, widths: Sequence[float], left: Sequence[float], label: str, looks: Mapping[str, Any]
) -> None:
    if any(widths):
        ax.barh(range(len(widths)), widths, _BAR, left=left, linewidth=0, label=label, **looks)


def _write_shares(ax: Axes, bars: Sequence[ModuleTime], unit_s: float, total_s: float) -> None:
    """Write beside each bar how much of the whole it is, and leave room for that."""
    longest = max((bar.seconds for bar in bars), default=0.0)
    ax.set_xlim(0, (longest or 1.0) / unit_s * 1.25)
    for row, bar in enumerate(bars):
        share = f", {100 * bar.seconds / total_s:.1f} %" if total_s else ""
        style.note(ax, f"{Seconds(bar.seconds)}{share}", (bar.seconds / unit_s, row), (3, 0), va="center")
