"""Decide at every point of a grid: round trips x devices x precisions, or whatever else is a choice."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from operator import attrgetter
from typing import Any

from feasibility.cost import ModelCost, ModelRef
from feasibility.decide import Decision, Verdict, decide
from feasibility.decide.scenario import Choices, build
from feasibility.errors import UsageError
from feasibility.views import axes
from feasibility.views.axes import Axis, Varied

SCHEMA_VERSION = 1
DEFAULT_POINTS = 17  # of a span: 4 to each power of ten over 10^4, as 10 ms to 100 s
MAX_POINTS = 10_000  # verdicts, 0.5 to 1.5 ms each on a 2-core Linux machine, most over calls (2026-11-27)
_CLIENT = "m1"  # what `decide` takes where no client is named
_ORIGIN = "caller"

# Choices that matter only where downloads or payloads are compared, and what makes them so.
_WANTS = {
    **dict.fromkeys(("down", "cdn_rtt", "resumed", "compress", "weights"), ": give calls= or cold=True"),
    "up": ": give payload= or cold=True",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One decision, and where it stands: an index into each axis, and its label there."""

    at: tuple[int, ...]
    labels: tuple[str, ...]
    decision: Decision

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form: the verdict and the times compared, not the whole decision."""
        found = self.decision
        return {
            "at": list(self.at),
            "verdict": found.verdict.value,
            "feasible": found.feasible,
            "confidence": found.confidence,
            "compared": found.compared,
            "compared_s": {"client": found.client_time.to_dict(), "server": found.server_time.to_dict()},
            "failed_checks": [check.name for check in found.checks if check.passed is False],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Two neighbours on an axis whose verdicts differ."""

    axis: str
    before: Point
    after: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The decisions over all axes, in their order, the last axis fastest."""

    axes: tuple[Axis, ...]
    points: tuple[Point, ...]

    @property
    def model(self) -> ModelRef:
        """Return the model that was decided on."""
        return self.points[0].decision.model

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the number of values on each axis."""
        return tuple(len(axis.labels) for axis in self.axes)

    @property
    def tally(self) -> Mapping[Verdict, int]:
        """Return how many points have each verdict, most first."""
        return dict(Counter(point.decision.verdict for point in self.points).most_common())

    @property
    def idle(self) -> tuple[str, ...]:
        """Return a sentence part for each axis that changes no verdict and no time, and what would let it."""
        compared = {point.decision.compared for point in self.points}
        wants = _WANTS if compared == {"inference"} else {}
        return tuple(
            f"{axis.name} changes no verdict and no time here{wants.get(axis.name, '')}"
            for number, axis in enumerate(self.axes)
            if len(axis.labels) > 1 and all(map(_is_flat, self._lines(number)))
        )

    def at(self, *where: int | str) -> Point:
        """Return the point at an index or a label on each axis; raise UsageError where there is none."""
        if len(where) != len(self.axes):
            names = ", ".join(axis.name for axis in self.axes)
            msg = f"{len(where)} positions are given, and the axes are {names}"
            raise UsageError(msg, hint="give one for each axis, an index or a label")
        index = 0
        for axis, each in zip(self.axes, where, strict=True):
            index = index * len(axis.labels) + axis.find(each)
        return self.points[index]

    def flips(self, along: str | None = None) -> tuple[Flip, ...]:
        """Return where the verdict changes along an axis, by default the first.

        Every combination of the other axes is followed by itself, in the order of the points.
        """
        number = self._number(along)
        name = self.axes[number].name
        verdict = attrgetter("decision.verdict")
        return tuple(
            Flip(axis=name, before=before, after=after)
            for line in self._lines(number)
            for before, after in pairwise(line)
            if verdict(before) is not verdict(after)
        )

    def _lines(self, number: int) -> Iterable[list[Point]]:
        """Return the points along an axis, for each combination of the others."""
        lines: dict[tuple[int, ...], list[Point]] = {}
        for point in self.points:
            lines.setdefault(point.at[:number] + point.at[number + 1 :], []).append(point)
        return lines.values()

    def _number(self, name: str | None) -> int:
        names = [axis.name for axis in self.axes]
        if name is None or axes.own_name(name) in names:
            return 0 if name is None else names.index(axes.own_name(name))
        msg = f"there is no axis {name!r}"
        raise UsageError(msg, hint=f"the axes are {', '.join(names)}")

    def __str__(self) -> str:
        sizes = " x ".join(f"{len(axis.labels)} {axis.name}" for axis in self.axes)
        won = ", ".join(f"{verdict.value} {count:,}" for verdict, count in self.tally.items())
        return "; ".join([f"{self.model.path}: {sizes} = {len(self.points):,} points: {won}", *self.idle])

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form; times in seconds, axes in the unit that their key names."""
        return {
            "schema_version": SCHEMA_VERSION,
            "model": self.model.to_dict(),
            "axes": [axis.to_dict() for axis in self.axes],
            "points": [point.to_dict() for point in self.points],
        }


def _is_flat(line: list[Point]) -> bool:
    """Tell whether all points have one verdict and the same times."""
    found = [point.decision for point in line]
    return len({(each.verdict, each.client_time, each.server_time) for each in found}) == 1


def sweep(cost: ModelCost, choices: Mapping[str, object], points: int = DEFAULT_POINTS) -> Sweep:
    """Decide at every combination of the choices that are lists or spans; the others hold everywhere.

    A span has `points` values. Raise UsageError for choices that do not exist or fit, and for
    more than MAX_POINTS points.
    """
    count = _checked(points)
    named = axes.canonical(choices)
    varied = [axes.read(name, given, count) for name, given in named.items() if axes.is_axis(name, given)]
    fixed = {name: axes.value(name, given) for name, given in named.items() if not axes.is_axis(name, given)}
    _check_size(varied)
    return Sweep(axes=tuple(each.axis for each in varied), points=tuple(_points(cost, varied, fixed)))


def _checked(points: object) -> int:
    count = axes.whole("points", points)
    if not 2 <= count <= MAX_POINTS:  # noqa: PLR2004 (both ends of a span)
        msg = f"a span of {count} points is none"
        raise UsageError(msg, hint=f"give points=2 to {MAX_POINTS:,}")
    return count


def _check_size(varied: list[Varied]) -> None:
    if not varied:
        msg = "nothing varies in this sweep"
        raise UsageError(
            msg, hint="give a list, like device=['m1', 'pixel-6a'], or a span, like rtt='10ms..500ms'"
        )
    sizes = [len(each.values) for each in varied]
    if math.prod(sizes) > MAX_POINTS:
        counted = " x ".join(f"{size} {each.axis.name}" for size, each in zip(sizes, varied, strict=True))
        msg = f"{counted} are {math.prod(sizes):,} points, and a sweep takes at most {MAX_POINTS:,}"
        raise UsageError(msg, hint="take fewer values, or several sweeps")


def _points(cost: ModelCost, varied: list[Varied], fixed: Mapping[str, object]) -> Iterator[Point]:
    for at in product(*(range(len(each.values)) for each in varied)):
        chosen = {each.axis.name: each.values[index] for each, index in zip(varied, at, strict=True)}
        labels = tuple(each.axis.labels[index] for each, index in zip(varied, at, strict=True))
        try:
            decision = decide(build(cost, _choices({**fixed, **chosen})))
        except UsageError as error:
            where = ", ".join(f"{name} {label!r}" for name, label in zip(chosen, labels, strict=True))
            msg = f"at {where}: {error.message}"
            raise UsageError(msg, hint=error.hint) from None
        yield Point(at=at, labels=labels, decision=decision)


def _choices(chosen: Mapping[str, object]) -> Choices:
    """Return the choices of a point; `axes` has checked the kind of each."""
    given: dict[str, Any] = {name: each for name, each in chosen.items() if each is not None}
    return Choices(default_client=_CLIENT, origin=_ORIGIN, **given)
