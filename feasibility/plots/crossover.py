"""Draw where the verdict changes over round trip and downlink."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from feasibility.decide.records import Compared, Decision, Verdict
from feasibility.errors import UsageError
from feasibility.plots import style
from feasibility.plots.given import expect
from feasibility.plots.lines import NO_BREAK
from feasibility.profiles import catalog
from feasibility.report.wording import COMPARISONS
from feasibility.units import BitsPerSecond, Seconds
from feasibility.views.axes import Axis
from feasibility.views.sweep import Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LANDMARKS = ("essay", "4g", "5g", "wifi", "fiber", "starlink")  # links that are marked where they lie
_SPANS: Mapping[str, str] = {"rtt": "5ms..1s", "down": "1Mbit/s..1Gbit/s"}
_AXES = tuple(_SPANS)
_SHOWN = 5  # values that a message lists
_CALLS: Mapping[Compared, str] = {
    "inference": "one inference",
    "payload": "one call",
    "cold": "the first call",
    "amortised": "the average call",
}
_MORE_CALLS = "; --calls N shares the download"  # where that may change the colour
_FILLS: Mapping[Verdict, tuple[str, str | None]] = {
    Verdict.CLIENT: (style.SKY, None),
    Verdict.UNDECIDED: ("#F2F2F2", "----"),
    Verdict.SERVER: (style.ORANGE, "////"),
    Verdict.NEITHER: (style.GREY, "xxxx"),
}
_MS, _MBIT_PER_S = 1e-3, 1e6
_BEHIND = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
_LEAST_GRID = 2  # values on an axis that a line of even chances needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossover:
    """The verdict at each downlink (a row) and round trip (a column), and P(the client is faster).

    The probability is None where a limit decides.
    """

    rtts: tuple[Seconds, ...]
    downlinks: tuple[BitsPerSecond, ...]
    verdicts: tuple[tuple[Verdict, ...], ...]
    client_faster: tuple[tuple[float | None, ...], ...]
    compared: Compared


def crossover_points(sweep: Sweep) -> Crossover:
    """Return the map of a sweep over rtt and down; UsageError for one over anything else."""
    expect("crossover", Sweep, sweep)
    names = tuple(axis.name for axis in sweep.axes)
    if sorted(names) != sorted(_AXES):
        msg = f"a crossover map is over rtt and down, and this sweep is over {', '.join(names)}"
        spans = ", ".join(f"{name}={span!r}" for name, span in _SPANS.items())
        raise UsageError(msg, hint=f"like sweep(model, {spans})")
    first, second = map(_growing, sweep.axes)
    decisions = [[sweep.at(i, j).decision for j in range(len(second))] for i in range(len(first))]
    if names == _AXES:
        first, second = second, first
        decisions = [list(row) for row in zip(*decisions, strict=True)]
    return Crossover(
        rtts=tuple(map(Seconds, second)),
        downlinks=tuple(map(BitsPerSecond, first)),
        verdicts=tuple(tuple(each.verdict for each in row) for row in decisions),
        client_faster=tuple(tuple(_client_faster(each) for each in row) for row in decisions),
        compared=decisions[0][0].compared,
    )


def _growing(axis: Axis) -> tuple[float, ...]:
    """Return the values of an axis; raise UsageError for those that have no place on a logarithmic one."""
    numbers = axis.numbers or ()
    if numbers and numbers[0] > 0 and all(a < b for a, b in pairwise(numbers)):
        return numbers
    msg = f"a map's {axis.name} grows from value to value, all above zero, and here it is {_listed(axis)}"
    raise UsageError(msg, hint=f"like {axis.name}={_SPANS[axis.name]!r}")


def _listed(axis: Axis) -> str:
    shown = ", ".join(axis.labels[:_SHOWN])
    return shown if len(axis.labels) <= _SHOWN else f"{shown}, ..."


def _client_faster(decision: Decision) -> float | None:
    """Return P(the client is faster): the confidence is that of the side that is ahead."""
    if decision.confidence is None:
        return None
    ahead = decision.client_time.typical <= decision.server_time.typical
    return decision.confidence if ahead else 1 - decision.confidence


@style.house_style()
def crossover(sweep: Sweep, *, ax: Axes | None = None) -> Axes:
    """Draw the verdicts of a sweep over rtt and down, the line of even chances, and where known links lie."""
    found = crossover_points(sweep)
    ax = style.axes_of(ax)
    x, y = [each.value for each in found.rtts], [each.value for each in found.downlinks]
    ax.set_xscale("log")
    ax.set_yscale("log")
    x_edges, y_edges = _edges(x), _edges(y)
    ax.set_xlim(x_edges[0], x_edges[-1])
    ax.set_ylim(y_edges[0], y_edges[-1])
    for verdict in _FILLS:
        _fill(ax, verdict, found.verdicts, x_edges, y_edges)
    _draw_even(ax, found, x, y)
    _draw_links(ax)
    style.log_axis(ax.xaxis, lambda seconds: f"{seconds / _MS:,g}")
    style.log_axis(ax.yaxis, lambda rate: f"{rate / _MBIT_PER_S:,g}")
    ax.set_xlabel("Round trip (ms)")
    ax.set_ylabel("Downlink (Mbit/s)")
    first = sweep.points[0].decision
    above = style.legend_above(ax, 5)
    style.title(ax, _title(found, first), above=above)
    style.caption(ax, *_caption(found, first))
    return ax


def _title(found: Crossover, first: Decision) -> str:
    """Say what is compared and, where the map has one colour, which."""
    place = style.shortened(f"{first.client.device} {first.client.unit} against {first.server.device}", 48)
    call = _CALLS[found.compared]
    where = f"{style.name_of(first.model.path)}, {place}"
    verdicts = {verdict for row in found.verdicts for verdict in row}
    if len(verdicts) > 1:
        return f"Client or server, for {call}: {where}"
    verdict = verdicts.pop()
    more = found.compared == "cold" and verdict in {Verdict.SERVER, Verdict.UNDECIDED}
    return f"{where}: {verdict.value}{NO_BREAK}everywhere, for {call}{_MORE_CALLS if more else ''}"


def _edges(values: Sequence[float]) -> list[float]:
    """Return the borders of cells around values on a logarithmic axis."""
    inner = [math.sqrt(a * b) for a, b in pairwise(values)]
    if not inner:
        return [values[0] / 2, values[0] * 2]
    return [values[0] ** 2 / inner[0], *inner, values[-1] ** 2 / inner[-1]]


def _fill(
    ax: Axes,
    verdict: Verdict,
    rows: Sequence[Sequence[Verdict]],
    x_edges: Sequence[float],
    y_edges: Sequence[float],
) -> None:
    """Fill the cells of a verdict, those beside each other at once."""
    colour, hatch = _FILLS[verdict]
    label: str | None = verdict.value
    for row, (bottom, top) in zip(rows, pairwise(y_edges), strict=True):
        spans = [(x_edges[a], x_edges[b] - x_edges[a]) for a, b in _runs(row, verdict)]
        if spans:
            ax.broken_barh(
                spans, (bottom, top - bottom), facecolor=colour, hatch=hatch, edgecolor=style.GREY,
                linewidth=0, antialiased=False, label=label,
            )  # fmt: skip
            label = None


def _runs(row: Sequence[Verdict], verdict: Verdict) -> Iterator[tuple[int, int]]:
    """Yield where cells of a verdict follow each other: the first, and the one after the last."""
    start = 0
    for found, members in groupby(row):
        end = start + len(list(members))
        if found is verdict:
            yield start, end
        start = end


def _draw_even(ax: Axes, found: Crossover, x: Sequence[float], y: Sequence[float]) -> None:
    """Draw where both sides are as likely the faster one, if that is on the map."""
    known = [[math.nan if p is None else p for p in row] for row in found.client_faster]
    flat = [p for row in found.client_faster for p in row if p is not None]
    if min(len(x), len(y)) < _LEAST_GRID or not flat or not min(flat) < 0.5 < max(flat):  # noqa: PLR2004 (even)
        return
    ax.contour(x, y, known, levels=[0.5], colors=style.BLACK, linewidths=1.4, linestyles="--")
    ax.plot([], [], color=style.BLACK, linewidth=1.4, linestyle="--", label="even chances")


def _draw_links(ax: Axes) -> None:
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for name in LANDMARKS:
        link = catalog.network(name)
        x, y = link.rtt.value.value, link.downlink.value.value
        if left < x < right and low < y < high:
            ax.plot(x, y, marker="o", markersize=4.5, color=style.BLACK, markeredgecolor="white")
            style.note(ax, name, (x, y), (5, 3), bbox=_BEHIND)


def _caption(found: Crossover, first: Decision) -> Iterator[str]:
    yield f"Compared: {COMPARISONS[found.compared].label}."
    calls = first.scenario.get("calls")
    if found.compared == "amortised" and calls is not None:
        yield f"Shared by {style.legible(calls.value)} calls."
    yield "Both axes are taken as exact; a real link varies, and is less sure."
    link = first.scenario.get("network")
    if link is not None:
        yield f"All else is as on the link {style.shortened(link.value)}; dots are typical known links."
