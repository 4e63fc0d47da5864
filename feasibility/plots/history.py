"""Draw what fits into one round trip on the chips of a family, year by year."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression
from typing import TYPE_CHECKING

from feasibility.decide.scenario import quantity
from feasibility.errors import UsageError
from feasibility.plots import style
from feasibility.profiles import catalog
from feasibility.profiles.models import ComputeUnit, DeviceProfile, Fact, Precision
from feasibility.units import Bytes, BytesPerSecond, FlopsPerSecond, Seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# one chip a year, the one of the larger iPhone; the base chip of each Mac
PHONE_CHIPS = (
    "a7", "a8", "a9", "a10-fusion", "a11", "a12", "a13", "a14", "a15", "a16", "a17-pro", "a18-pro", "a19-pro",
)  # fmt: skip
LAPTOP_CHIPS = ("m1", "m2", "m3", "m4", "m5")
DEFAULT_RTT = "150ms"  # the founding essay's
_ENOUGH = 3  # points that a line of growth is fitted to


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One chip: its year, its rate and whether that is an estimate."""

    chip: str
    year: int
    rate: float  # FLOP/s or B/s
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The line of least squares through logarithms: rate = start * 2^((year - origin) / doubling_years)."""

    origin: int
    start: float
    doubling_years: float

    def at(self, year: float) -> float:
        """Return the rate on the line."""
        return float(self.start * 2 ** ((year - self.origin) / self.doubling_years))


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One kind of number over the years."""

    name: str
    marks: tuple[Mark, ...]
    growth: Growth | None  # None: too few points, or no growth


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The rates of chips over the years, and the window that they are multiplied by."""

    window: Seconds
    rates: tuple[Series, ...]  # FLOP/s
    bandwidth: Series  # B/s, of the unit with the most


_Pick = Callable[[DeviceProfile], Fact[FlopsPerSecond] | None]


def history_points(rtt: str | Seconds = DEFAULT_RTT) -> History:
    """Return the peaks of Apple's chips by unit and precision, and their bandwidth, from the profiles."""
    window = quantity(Seconds, "rtt", rtt)
    if window is None or window.value <= 0:
        msg = f"rtt {rtt!s} is no round trip"
        raise UsageError(msg, hint="give one like 150ms")
    phones = [catalog.device(name) for name in PHONE_CHIPS]
    laptops = [catalog.device(name) for name in LAPTOP_CHIPS]
    picks: tuple[tuple[str, Sequence[DeviceProfile], _Pick], ...] = (
        ("Neural Engine fp16", phones, lambda chip: _peak(chip, "npu", "fp16")),
        ("GPU fp16", phones, lambda chip: _peak(chip, "gpu", "fp16")),
        ("GPU fp32", phones, lambda chip: _peak(chip, "gpu", "fp32")),
        ("CPU fp32", phones, lambda chip: _peak(chip, "cpu", "fp32")),
        ("M-series GPU fp32", laptops, lambda chip: _peak(chip, "gpu", "fp32")),
    )
    return History(
        window=window,
        rates=tuple(_series(name, chips, pick) for name, chips, pick in picks),
        bandwidth=_series("bandwidth", phones, _bandwidth),
    )


def _peak(chip: DeviceProfile, kind: str, precision: Precision) -> Fact[FlopsPerSecond] | None:
    """Return the best peak that units of a kind have."""
    units: list[ComputeUnit] = [unit for unit in chip.units.values() if unit.kind == kind]
    peaks = [unit.peaks[precision] for unit in units if precision in unit.peaks]
    return max(peaks, key=lambda fact: fact.value.value, default=None)


def _bandwidth(chip: DeviceProfile) -> Fact[BytesPerSecond]:
    return max((unit.bandwidth for unit in chip.units.values()), key=lambda fact: fact.value.value)


def _series(
    name: str,
    chips: Sequence[DeviceProfile],
    pick: Callable[[DeviceProfile], Fact[FlopsPerSecond] | Fact[BytesPerSecond] | None],
) -> Series:
    marks = tuple(
        Mark(chip=chip.id, year=chip.year, rate=fact.value.value, estimated=fact.evidence == "estimate")
        for chip in chips
        if (fact := pick(chip)) is not None
    )
    return Series(name=name, marks=marks, growth=growth_of(marks))


def growth_of(marks: Sequence[Mark]) -> Growth | None:
    """Fit a line to the logarithms by least squares; None where there is no growth to speak of."""
    if len({mark.year for mark in marks}) < _ENOUGH:
        return None
    origin = min(mark.year for mark in marks)
    slope, intercept = linear_regression(
        [mark.year - origin for mark in marks], [math.log2(mark.rate) for mark in marks]
    )
    if slope <= 0:
        return None
    return Growth(origin=origin, start=2**intercept, doubling_years=1 / slope)


_LOOKS: Mapping[str, tuple[str, str]] = {
    "Neural Engine fp16": (style.VERMILLION, "D"),
    "GPU fp16": (style.ORANGE, "s"),
    "GPU fp32": (style.BLUE, "o"),
    "CPU fp32": (style.GREEN, "^"),
    "M-series GPU fp32": (style.BLACK, "P"),
}


@style.house_style()
def history(rtt: str | Seconds = DEFAULT_RTT, *, ax: Axes | None = None) -> Axes:
    """Draw the FLOP that fit into a round trip at the peak of Apple's chips, with lines of growth."""
    found = history_points(rtt)
    ax = style.axes_of(ax)
    for series in found.rates:
        _draw(ax, series, found.window.value)
    chips = found.bandwidth.marks
    ax.set_yscale("log")
    style.log_axis(ax.yaxis)
    names = [mark.chip.partition("-")[0].upper() for mark in chips]
    ax.set_xticks(
        [mark.year for mark in chips], [f"{m.year}\n{name}" for m, name in zip(chips, names, strict=True)]
    )
    ax.set_xlim(chips[0].year - 0.6, chips[-1].year + 0.6)
    ax.set_xlabel("Year of the chip")
    ax.set_ylabel(f"FLOP in {found.window}, at the peak")
    ax.grid(visible=True, which="major")
    above = style.legend_above(ax, 2)
    style.title(ax, f"What fits into a round trip of {found.window} on Apple's chips", above=above)
    style.caption(ax, *_caption(found))
    return ax


def _draw(ax: Axes, series: Series, window_s: float) -> None:
    colour, marker = _LOOKS[series.name]
    growth = series.growth
    label = series.name
    if growth is not None:
        label += f": doubles in {growth.doubling_years:.1f} years"
        years = [series.marks[0].year, series.marks[-1].year]
        ax.plot(
            years,
            [growth.at(year) * window_s for year in years],
            color=colour,
            linestyle="--",
            linewidth=0.9,
        )
    ax.scatter(
        [mark.year for mark in series.marks],
        [mark.rate * window_s for mark in series.marks],
        s=30,
        marker=marker,
        edgecolors=colour,
        c=["white" if mark.estimated else colour for mark in series.marks],
        label=label,
        zorder=3,
    )


def _caption(found: History) -> tuple[str, ...]:
    first, last = found.bandwidth.marks[0], found.bandwidth.marks[-1]
    growth = found.bandwidth.growth
    doubles = f", doubling in {growth.doubling_years:.1f} years" if growth else ""
    rates = f"{BytesPerSecond(first.rate)} to {BytesPerSecond(last.rate)}"
    window = f"{Bytes(last.rate * found.window.value)} are read in one round trip"
    return (
        "Hollow: an estimate. Lines: least squares on logarithms.",
        f"Memory bandwidth went from {rates}{doubles}: {window}.",
    )
