"""Draw the activations that are alive over an execution, and what the model needs beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from feasibility.cost import ModelCost
from feasibility.decide.checks import memory_limit
from feasibility.decide.scenario import UNCONVERTED, place
from feasibility.decide.sides import memory_need
from feasibility.errors import UsageError
from feasibility.ir import ACTIVATION_BITS
from feasibility.memory import memory_at, peak_at
from feasibility.plots import style
from feasibility.plots.given import expect
from feasibility.profiles.models import DeviceProfile, RuntimeProfile
from feasibility.timing.groups import runs_at_all
from feasibility.units import Bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROOM = 1.14  # of the axis above the peak
_NAME_COLUMNS = 48
_BAR_PLACE = (0.0, 1.03, 1.0, 0.05)  # of the bar of all that is needed, as shares of the axes


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a device lets a model have, and what its runtime takes of that."""

    device: str
    runtime: str
    runtime_bytes: int
    limit_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryCourse:
    """The bytes of activations alive at each node that runs, in execution order.

    `peak_at` is the place of the peak among them, None where what the caller holds is all.
    """

    precision: str  # "stored": every tensor as the file has it
    live_bytes: tuple[int, ...]
    names: tuple[str, ...]
    peak_at: int | None
    peak_bytes: int
    weight_bytes: int
    budget: Budget | None

    @property
    def need_bytes(self) -> int:
        """Return weights, peak and what the runtime takes itself."""
        own = self.budget.runtime_bytes if self.budget else 0
        return self.weight_bytes + self.peak_bytes + own


def memory_points(
    cost: ModelCost,
    device: str | DeviceProfile | None = None,
    *,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
) -> MemoryCourse:
    """Return what is alive at each node: as stored, at a precision, or as a device has to run it."""
    expect("memory", ModelCost, cost)
    if device is None and runtime is not None:
        raise UsageError("a runtime is given, and no device", hint="give the device that it runs on too")
    where = None if device is None else place(device, runtime, precision)
    asked = None if precision == UNCONVERTED else precision
    need = memory_at(cost, asked) if where is None else memory_need(cost, where)
    live = _live(cost, need.precision)
    running = [i for i, found in enumerate(cost.nodes) if found.runs and runs_at_all(found)]
    alive = tuple(live[i] for i in running)
    highest = max(alive, default=0)
    return MemoryCourse(
        precision=need.precision,
        live_bytes=alive,
        names=tuple(cost.nodes[i].node.name for i in running),
        peak_at=alive.index(highest) if alive else None,
        peak_bytes=need.activation_bytes,
        weight_bytes=need.weight_bytes,
        budget=None
        if where is None
        else Budget(
            device=where.device.id,
            runtime=where.runtime.id,
            runtime_bytes=int(where.runtime.memory_overhead.value.value),
            limit_bytes=int(memory_limit(where)[0].value.value),
        ),
    )


def _live(cost: ModelCost, precision: str) -> tuple[int, ...]:
    if precision not in ACTIVATION_BITS:  # as stored
        return tuple(found.live_bytes for found in cost.nodes)
    return peak_at(cost, precision).live


@style.house_style()
def memory(
    cost: ModelCost,
    device: str | DeviceProfile | None = None,
    *,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the bytes alive at each node, the peak by name, and all that is needed against the limit."""
    found = memory_points(cost, device, runtime=runtime, precision=precision)
    ax = style.axes_of(ax)
    unit_b, unit = style.scale(Bytes, max(found.live_bytes, default=0))
    places = range(len(found.live_bytes) + 1)
    heights = [each / unit_b for each in found.live_bytes]
    if heights:
        ax.stairs(heights, places, fill=True, color=style.SKY)
        ax.stairs(heights, places, color=style.BLUE, linewidth=0.8, baseline=None)
    ax.set_xlim(0, max(1, len(heights)))
    ax.set_ylim(0, max(heights, default=0.0) * _ROOM or 1.0)
    ax.set_xlabel(f"Node in execution order ({len(heights):,} run)")
    ax.set_ylabel(f"Activations alive ({unit})")
    ax.grid(visible=True, axis="y")
    _mark_peak(ax, found, unit_b)
    above = _draw_need(ax, found)
    text = f"Memory: {style.name_of(cost.model.path)}, {_where(found)}, needs {Bytes(found.need_bytes)}"
    style.title(ax, text, above=above)
    style.caption(
        ax,
        "An activation lives from the node that writes it to its last reader; a runtime may keep it longer.",
    )
    return ax


def _where(found: MemoryCourse) -> str:
    kind = "as stored" if found.precision == "stored" else found.precision
    return kind if found.budget is None else style.shortened(f"{kind} on {found.budget.device}")


def _mark_peak(ax: Axes, found: MemoryCourse, unit_b: float) -> None:
    """Name the node at the peak, on the side where there is room."""
    if found.peak_at is None or not found.peak_bytes:
        return
    x, y = found.peak_at + 0.5, found.live_bytes[found.peak_at] / unit_b
    side = min(2, int(3 * x / len(found.live_bytes)))  # the third of the course that it is in
    ax.plot(
        x, y, marker="v", color=style.VERMILLION, markeredgecolor=style.BLACK, markersize=7, clip_on=False
    )
    name = style.shortened(found.names[found.peak_at], _NAME_COLUMNS)
    style.note(
        ax,
        f"peak {Bytes(found.live_bytes[found.peak_at])} at {name}",
        (x, y),
        ((7, 0, -7)[side], (2, 6, 2)[side]),
        ha=("left", "center", "right")[side],
        va="bottom",
    )


def _draw_need(ax: Axes, found: MemoryCourse) -> float:
    """Draw weights, peak and runtime as one bar, against the limit where there is one; return its points."""
    parts = [
        ("weights", found.weight_bytes, style.ORANGE, "////"),
        ("peak of activations", found.peak_bytes, style.SKY, None),
    ]
    budget = found.budget
    if budget:
        parts.append(("runtime", budget.runtime_bytes, style.PURPLE, "xxxx"))
    bar = ax.inset_axes(_BAR_PLACE)
    left = 0
    for name, size, colour, hatch in parts:
        bar.barh(
            0, size, 1.0, left=left, color=colour, hatch=hatch, edgecolor="white", linewidth=0,
            label=f"{name} {Bytes(size)}",
        )  # fmt: skip
        left += size
    most = max(left, budget.limit_bytes if budget else 0, 1)
    bar.set_xlim(0, most)
    bar.set_ylim(-0.5, 0.5)
    bar.set_xticks([])
    bar.set_yticks([])
    words = ""
    if budget:
        words = f"limit {Bytes(budget.limit_bytes)}"
        bar.axvline(budget.limit_bytes, color=style.VERMILLION, linewidth=2.5, label=words, clip_on=False)
    for spine in bar.spines.values():
        spine.set_visible(True)
        spine.set_color(style.GREY)
    return style.legend_above(bar, 4, last=[words])
