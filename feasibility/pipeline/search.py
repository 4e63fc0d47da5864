"""Find the quickest placements of a chain on two sides: exact branch and bound.

Stages are placed in the order in which they run. What a stage adds is known once it and
those before it are placed; what the rest adds at least is the best of a relaxed chain, in
which only neighbours exchange tensors and memory is endless. For a plain chain the two
are equal, so that hardly more than the answers is visited; at worst all 2^n are.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias, TypeVar

USER = -1  # the user, as a place that tensors come from and go to: always on the client


class Side(IntEnum):
    """Where a stage runs; it indexes what differs by side."""

    CLIENT = 0
    SERVER = 1

    @property
    def word(self) -> str:
        """Return its name."""
        return self.name.lower()

    @property
    def other(self) -> Side:
        """Return the other side."""
        return Side(1 - self)


Sides: TypeAlias = tuple[Side, ...]
Pair: TypeAlias = tuple[float, float]  # on the client, on the server
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stage as numbers: the seconds of all its passes, and its memory, on either side."""

    seconds: Pair
    allowed: tuple[bool, bool] = (True, True)
    model: int  # stages of the same model share its weights
    weight_bytes: tuple[int, int] = (0, 0)
    activation_bytes: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A tensor as numbers: who writes and who reads it, and the seconds that it travels."""

    source: int  # a step, or USER
    readers: tuple[int, ...]  # later steps, in order; USER first where the user is one
    up_s: float
    down_s: float
    may_go_up: bool = True

    def crosses(self, sides: Sides) -> Side | None:
        """Return the side that it has to be brought to, or None; it travels once at most."""
        own = _side(sides, self.source)
        return own.other if any(_side(sides, reader) != own for reader in self.readers) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Puzzle:
    """What the search sees of a chain; `room_bytes` is what all stages of a side may take together."""

    steps: tuple[Step, ...]
    parcels: tuple[Parcel, ...]
    round_trip_s: float
    room_bytes: Pair = (math.inf, math.inf)


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A placement and its seconds."""

    seconds: float
    sides: Sides


def cheapest(puzzle: Puzzle, *, most: int, within: float) -> tuple[Found, ...]:
    """Return at most `most` placements, quickest first, none above `within` times the quickest.

    Nothing where no placement is allowed. Of equally quick ones, those that start on the client come first.
    """
    search = _Search(puzzle, most, within, _least(puzzle))
    search.place((), 0.0, _Memory())
    return tuple(found for found in search.found if found.seconds <= search.limit)


def _side(sides: Sides, place: int) -> Side:
    return Side.CLIENT if place == USER else sides[place]


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the placed stages take on either side."""

    models: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
    weight_bytes: tuple[int, int] = (0, 0)
    activation_bytes: tuple[int, int] = (0, 0)

    def add(self, step: Step, side: Side) -> _Memory:
        """Return what they take with one more; weights that are there already are shared."""
        more = 0 if step.model in self.models[side] else step.weight_bytes[side]
        peak = max(self.activation_bytes[side], step.activation_bytes[side])
        return _Memory(
            models=_with(self.models, side, self.models[side] | {step.model}),
            weight_bytes=_with(self.weight_bytes, side, self.weight_bytes[side] + more),
            activation_bytes=_with(self.activation_bytes, side, peak),
        )

    def need_bytes(self, side: Side) -> int:
        return self.weight_bytes[side] + self.activation_bytes[side]


def _with(pair: tuple[T, T], side: Side, value: T) -> tuple[T, T]:
    return (value, pair[1]) if side is Side.CLIENT else (pair[0], value)


def need_bytes(puzzle: Puzzle, sides: Sides) -> tuple[int, int]:
    """Return the weights of all stages of each side, and the largest activations among them."""
    memory = _Memory()
    for step, side in zip(puzzle.steps, sides, strict=True):
        memory = memory.add(step, side)
    return memory.need_bytes(Side.CLIENT), memory.need_bytes(Side.SERVER)


@dataclass(slots=True)
class _Search:
    """The placements found so far, the quickest first."""

    puzzle: Puzzle
    most: int
    within: float
    least: tuple[Pair, ...]  # what the steps from each on add at least, by the side before it
    found: list[Found] = field(default_factory=list)

    @property
    def limit(self) -> float:
        """Return the seconds above which a placement is not asked for."""
        return self.within * self.found[0].seconds if self.found else math.inf

    def place(self, sides: Sides, spent_s: float, memory: _Memory) -> None:
        """Try both sides of the next stage, the more promising one first."""
        index = len(sides)
        if index == len(self.puzzle.steps):
            self._keep(Found(spent_s, sides))
            return
        step = self.puzzle.steps[index]
        for bound_s, side, now_s in sorted(self._options(sides, spent_s)):
            grown = memory.add(step, side)
            if self._is_hopeful(bound_s) and grown.need_bytes(side) <= self.puzzle.room_bytes[side]:
                self.place((*sides, side), now_s, grown)

    def _options(self, sides: Sides, spent_s: float) -> Iterator[tuple[float, Side, float]]:
        """Yield each side with the least that a placement can take there, and what it took so far."""
        for side in Side:
            now_s = spent_s + _added_s(self.puzzle, (*sides, side))
            yield now_s + self.least[len(sides) + 1][side], side, now_s

    def _is_hopeful(self, bound_s: float) -> bool:
        full = len(self.found) == self.most
        return (
            bound_s < math.inf and bound_s <= self.limit and not (full and bound_s >= self.found[-1].seconds)
        )

    def _keep(self, found: Found) -> None:
        insort(self.found, found)
        del self.found[self.most :]


def _added_s(puzzle: Puzzle, sides: Sides) -> float:
    """Return what the last placed stage adds: its passes, a new request, and tensors that cross with it."""
    index, side = len(sides) - 1, sides[-1]
    before = sides[-2] if index else Side.CLIENT
    total_s = _own_s(puzzle, index, before, side)
    for parcel in puzzle.parcels:
        if index in parcel.readers and _is_first_across(parcel, sides):
            total_s += _travel_s(parcel, side)
    return total_s


def _own_s(puzzle: Puzzle, index: int, before: Side, side: Side) -> float:
    """Return a stage's passes, the round trip of a request that begins with it, and its results' way."""
    step = puzzle.steps[index]
    if not step.allowed[side]:
        return math.inf
    if side is Side.CLIENT:
        return step.seconds[side]
    asked_s = puzzle.round_trip_s if before is Side.CLIENT else 0.0
    results = (p.down_s for p in puzzle.parcels if p.source == index and USER in p.readers)
    return step.seconds[side] + asked_s + sum(results)


def _is_first_across(parcel: Parcel, sides: Sides) -> bool:
    """Tell whether the last placed stage is the first to read a tensor on the other side of its source."""
    side = sides[-1]
    earlier = (reader for reader in parcel.readers if reader < len(sides) - 1)
    return side != _side(sides, parcel.source) and all(_side(sides, reader) != side for reader in earlier)


def _travel_s(parcel: Parcel, to: Side) -> float:
    if to is Side.CLIENT:
        return parcel.down_s
    return parcel.up_s if parcel.may_go_up else math.inf


def _least(puzzle: Puzzle) -> tuple[Pair, ...]:
    """Return a lower bound of what the steps from each on add, by the side of the step before."""
    bounds: list[Pair] = [(0.0, 0.0)]
    for index in reversed(range(len(puzzle.steps))):
        first = [p for p in puzzle.parcels if index == min((r for r in p.readers if r != USER), default=USER)]
        bounds.append(
            (
                _least_after(puzzle, index, Side.CLIENT, first, bounds[-1]),
                _least_after(puzzle, index, Side.SERVER, first, bounds[-1]),
            )
        )
    return tuple(reversed(bounds))


def _least_after(puzzle: Puzzle, index: int, before: Side, first: list[Parcel], rest: Pair) -> float:
    """Return the better side of a step; of the tensors that nobody read before, neighbours' are counted."""
    return min(
        _own_s(puzzle, index, before, side)
        + sum(_travel_s(p, side) for p in first if _surely_crosses(p, index, before, side))
        + rest[side]
        for side in Side
    )


def _surely_crosses(parcel: Parcel, index: int, before: Side, side: Side) -> bool:
    """Tell whether a step's side and the one before decide that a tensor travels with this step."""
    if parcel.source == USER:
        return side is Side.SERVER
    from_neighbour = parcel.source == index - 1 and before != side
    return from_neighbour and not (side is Side.CLIENT and USER in parcel.readers)  # it is there already
