"""Draw what is compared as two timelines: the device's above the server's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from feasibility.decide.records import ClientSide, Compared, Decision, Phase, ServerSide, Verdict
from feasibility.plots import style
from feasibility.plots.given import expect
from feasibility.plots.lines import NO_BREAK
from feasibility.report.wording import COMPARISONS, failed_checks, percent
from feasibility.timing.interval import Interval
from feasibility.units import Seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS: Mapping[str, str] = {
    "connection": style.SKY,
    "round trip": style.BLUE,
    "network": style.BLUE,
    "upload": style.PURPLE,
    "download": style.ORANGE,
    "load": style.YELLOW,
    "share of download": style.ORANGE,
    "wait": style.GREY,
    "inference": style.GREEN,
    "response": style.VERMILLION,
}
_HATCHES = {"connection": "\\\\\\\\", "download": "////", "share of download": "////", "wait": "xxxx"}
# what the server's time holds beside waiting and inference; cold calls name all their phases
_NETWORK: Mapping[Compared, str] = {
    "inference": "round trip",
    "payload": "network",
    "amortised": "network",
}
_WORDS: Mapping[Verdict, str] = {
    Verdict.CLIENT: "client wins",
    Verdict.SERVER: "server wins",
    Verdict.NEITHER: "neither side will do",
    Verdict.UNDECIDED: "undecided",
}
_HEIGHT = 0.5  # of a bar, between one lane and the next
_ROOM = 1.15  # of the time axis beyond the longest p90
_SPREAD = "p10 to p90"
_VISIBLE = 0.001  # of the longest time: what is shorter has no segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One phase on a lane."""

    name: str
    start_s: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One side: its phases one after the other, and the interval of their sum."""

    side: Literal["client", "server"]
    where: str
    segments: tuple[Segment, ...]
    total: Interval
    wins: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Both lanes."""

    client: Lane
    server: Lane


def race_points(decision: Decision) -> Race:
    """Return both sides as the decision compares them; the phases of each add up to its typical time."""
    expect("race", Decision, decision)
    client, server = decision.client, decision.server
    return Race(
        client=Lane(
            side="client",
            where=_where(client),
            segments=tuple(_segments(_client_phases(decision))),
            total=decision.client_time,
            wins=decision.verdict is Verdict.CLIENT,
        ),
        server=Lane(
            side="server",
            where=_where(server),
            segments=tuple(_segments(_server_phases(decision))),
            total=decision.server_time,
            wins=decision.verdict is Verdict.SERVER,
        ),
    )


def _where(side: ClientSide | ServerSide) -> str:
    return f"{side.device} {side.unit}, {side.runtime}, {side.precision}"


def _client_phases(decision: Decision) -> Iterator[tuple[str, float]]:
    """Yield the phases of the device; those of a call that follows a download share it."""
    if decision.compared == "cold":
        yield from _typical(decision.client.phases)
        return
    inference_s = decision.client.inference.typical.value
    yield "share of download", decision.client_time.typical.value - inference_s
    yield "inference", inference_s


def _server_phases(decision: Decision) -> Iterator[tuple[str, float]]:
    """Yield the phases of the server; what is neither wait nor inference is the network."""
    if decision.compared == "cold":
        yield from _typical(decision.server.phases)
        return
    inference_s = decision.server.inference.typical.value
    wait_s = sum(seconds for name, seconds in _typical(decision.server.phases) if name == "wait")
    yield _NETWORK[decision.compared], decision.server_time.typical.value - wait_s - inference_s
    yield "wait", wait_s
    yield "inference", inference_s


def _typical(phases: Sequence[Phase]) -> Iterator[tuple[str, float]]:
    for phase in phases:
        yield phase.name, phase.seconds.typical.value


def _segments(phases: Iterator[tuple[str, float]]) -> Iterator[Segment]:
    start_s = 0.0
    for name, seconds in phases:
        if seconds > 0:
            yield Segment(name=name, start_s=start_s, seconds=seconds)
            start_s += seconds


@style.house_style()
def race(decision: Decision, *, ax: Axes | None = None) -> Axes:
    """Draw the phases of both sides over time, with the p10 and p90 of each sum, and mark the winner."""
    found = race_points(decision)
    ax = style.axes_of(ax)
    longest_s = max(lane.total.high.value for lane in (found.client, found.server))
    unit_s, unit = style.scale(Seconds, longest_s)
    for height, lane in enumerate((found.server, found.client)):
        _draw(ax, lane, height, unit_s, longest_s)
    ax.set_yticks([0, 1], [_label(found.server), _label(found.client)])
    ax.set_ylim(-0.55, 1.55)
    ax.set_xlim(0, longest_s / unit_s * _ROOM)
    ax.set_xlabel(f"Time ({unit})")
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=True, axis="x")
    above = style.legend_above(ax, 3, last=[_SPREAD])
    text = f"{style.name_of(decision.model.path)}: {_verdict(decision)}"
    style.title(ax, text, style.NARROW, above=above)
    compared = f"Compared: {COMPARISONS[decision.compared].label}."
    style.caption(ax, compared, _calls(decision), width=style.NARROW)
    return ax


def _draw(ax: Axes, lane: Lane, height: int, unit_s: float, longest_s: float) -> None:
    for part in lane.segments:
        if part.seconds >= _VISIBLE * longest_s:
            ax.barh(
                height,
                part.seconds / unit_s,
                _HEIGHT,
                left=part.start_s / unit_s,
                color=_COLOURS.get(part.name, style.PALE),
                hatch=_HATCHES.get(part.name),
                edgecolor=style.BLACK,
                linewidth=0.5,
                label=part.name,
            )
    low, typical, high = (
        each.value / unit_s for each in (lane.total.low, lane.total.typical, lane.total.high)
    )
    error = [[typical - low], [high - typical]]
    ax.errorbar(typical, height, xerr=error, color=style.BLACK, capsize=5, linewidth=1.4, label=_SPREAD)
    if lane.wins:
        style.note(ax, "\u2605 wins", (high, height), (8, 0), va="center", weight="bold")


def _label(lane: Lane) -> str:
    total = lane.total
    where = style.shortened(lane.where).replace(", ", "\n", 1)
    spread = "" if total.low == total.high else f"\n({total.low} to {total.high})"
    return f"{lane.side}: {total.typical}{spread}\n{where}"


def _verdict(decision: Decision) -> str:
    words = _WORDS[decision.verdict]
    if failed_checks(decision):
        return f"{words} (a limit decides)"
    if decision.confidence is None:
        return words
    if decision.verdict is Verdict.UNDECIDED:
        ahead = "client" if decision.client_time.typical <= decision.server_time.typical else "server"
        words += f", {ahead} ahead"
    sure = f"({percent(decision.confidence)} sure)".replace(" ", NO_BREAK)
    return f"{words} {sure}"


def _calls(decision: Decision) -> str:
    calls = decision.scenario.get("calls")
    if decision.compared != "amortised" or calls is None:
        return ""
    return f"Shared by {style.legible(calls.value)} calls."
