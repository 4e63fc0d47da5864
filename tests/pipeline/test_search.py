from __future__ import annotations

import itertools
import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from feasibility.pipeline.search import (
    USER,
    Found,
    Parcel,
    Puzzle,
    Side,
    Sides,
    Step,
    _least,
    cheapest,
    need_bytes,
)

CLIENT, SERVER = Side


def brute(puzzle: Puzzle, sides: Sides) -> float:
    """Return the seconds of a placement from the definition: passes, one round trip a request, bytes once."""

    def at(place: int) -> Side:
        return CLIENT if place == USER else sides[place]

    total = sum(step.seconds[side] for step, side in zip(puzzle.steps, sides, strict=True))
    total += puzzle.round_trip_s * sum(
        (here, there) == (CLIENT, SERVER) for here, there in itertools.pairwise((CLIENT, *sides))
    )
    for parcel in puzzle.parcels:
        if any(at(reader) != at(parcel.source) for reader in parcel.readers):
            up = at(parcel.source) is CLIENT
            total += parcel.up_s if up else parcel.down_s
            if up and not parcel.may_go_up:
                return math.inf
    if not all(step.allowed[side] for step, side in zip(puzzle.steps, sides, strict=True)):
        return math.inf
    for side in Side:
        here = [step for step, own in zip(puzzle.steps, sides, strict=True) if own is side]
        weights = {step.model: step.weight_bytes[side] for step in here}
        peak = max((step.activation_bytes[side] for step in here), default=0)
        if sum(weights.values()) + peak > puzzle.room_bytes[side]:
            return math.inf
    return total


def enumerated(puzzle: Puzzle, most: int, within: float) -> list[float]:
    """Return what all placements take, the quickest few."""
    every = sorted(brute(puzzle, sides) for sides in itertools.product(Side, repeat=len(puzzle.steps)))
    allowed = [seconds for seconds in every if seconds < math.inf]
    return [seconds for seconds in allowed if seconds <= within * allowed[0]][:most]


small = st.integers(0, 20)
sizes = st.tuples(st.integers(0, 9), st.integers(0, 9))
flags = st.sampled_from([True, True, True, False])


@st.composite
def puzzles(draw: st.DrawFn) -> Puzzle:
    """Draw a chain of up to seven stages, with tensors that skip stages, limits and demands."""
    count = draw(st.integers(1, 7))
    weights = [draw(sizes) for _ in range(3)]
    steps = []
    for _ in range(count):
        model = draw(st.integers(0, 2))
        steps.append(
            Step(
                seconds=draw(st.tuples(small, small)),
                allowed=draw(st.tuples(flags, flags)),
                model=model,
                weight_bytes=weights[model],
                activation_bytes=draw(sizes),
            )
        )
    room = st.sampled_from([math.inf, math.inf, 12.0, 20.0])
    return Puzzle(
        steps=tuple(steps),
        parcels=tuple(draw(parcels(count)) for _ in range(draw(st.integers(0, 8)))),
        round_trip_s=draw(small),
        room_bytes=(draw(room), draw(room)),
    )


@st.composite
def parcels(draw: st.DrawFn, count: int) -> Parcel:
    """Draw a tensor from the user or a stage to later stages and, from a stage, to the user."""
    source = draw(st.integers(USER, count - 1))
    later = range(source + 1, count)
    stages = draw(st.sets(st.sampled_from(later), min_size=1)) if later else set()
    asked = source != USER and draw(st.booleans())
    return Parcel(
        source=source,
        readers=(*([USER] if asked else []), *sorted(stages)),
        up_s=draw(small),
        down_s=draw(small),
        may_go_up=draw(flags),
    )


@settings(max_examples=400)
@given(puzzles(), st.integers(1, 6), st.sampled_from([1.0, 1.1, 2.0]))
def test_search_finds_what_enumeration_finds(puzzle: Puzzle, most: int, within: float) -> None:
    """The placements found take what the best of all 2^n take, however they are limited."""
    found = cheapest(puzzle, most=most, within=within)
    assert [each.seconds for each in found] == enumerated(puzzle, most, within)
    assert [each.seconds for each in found] == [brute(puzzle, each.sides) for each in found]


@settings(max_examples=400)
@given(puzzles())
def test_relaxed_chain_is_never_slower(puzzle: Puzzle) -> None:
    """What the search expects of the rest at least is no more than what any placement takes."""
    endless = replace(puzzle, room_bytes=(math.inf, math.inf))
    every = (brute(endless, sides) for sides in itertools.product(Side, repeat=len(puzzle.steps)))
    assert _least(puzzle)[0][CLIENT] <= min(every)


@given(st.lists(st.tuples(small, small), min_size=1, max_size=7), small, small)
def test_relaxed_chain_is_exact_without_shortcuts(
    seconds: list[tuple[int, int]], travel_s: int, round_trip_s: int
) -> None:
    """Where every tensor goes to the next stage, the bound is the best placement's time."""
    puzzle = chain(*seconds, travel_s=travel_s, round_trip_s=round_trip_s)
    every = (brute(puzzle, sides) for sides in itertools.product(Side, repeat=len(seconds)))
    assert _least(puzzle)[0][CLIENT] == min(every)


@given(puzzles())
def test_no_placement_is_found_twice(puzzle: Puzzle) -> None:
    """Each placement stands in the answer once."""
    found = [each.sides for each in cheapest(puzzle, most=200, within=math.inf)]
    assert len(found) == len(set(found))


def chain(*seconds: tuple[float, float], travel_s: float = 1.0, round_trip_s: float = 5.0) -> Puzzle:
    """Return stages that hand one tensor on, from the user and back to the user."""
    count = len(seconds)
    links = [
        Parcel(
            source=index - 1,
            readers=(index if index < count else USER,),
            up_s=travel_s,
            down_s=travel_s,
        )
        for index in range(count + 1)
    ]
    steps = tuple(Step(seconds=pair, model=index) for index, pair in enumerate(seconds))
    return Puzzle(steps=steps, parcels=tuple(links), round_trip_s=round_trip_s)


def test_two_requests_cost_two_round_trips() -> None:
    """Server, client, server: 1 + 1 + 1 s of passes, 2 x 5 s of round trips, 4 tensors of 1 s."""
    puzzle = chain((99, 1), (1, 99), (99, 1))
    best = cheapest(puzzle, most=1, within=1.0)[0]
    assert best == Found(1 + 1 + 1 + 2 * 5 + 4 * 1, (SERVER, CLIENT, SERVER))


def test_twenty_stages_are_placed_exactly() -> None:
    """Ten stages that the client does in 1 s and ten that the server does: one request, two tensors."""
    puzzle = chain(*[(1.0, 4.0)] * 10, *[(40.0, 1.0)] * 10)
    best = cheapest(puzzle, most=12, within=1.1)[0]
    assert best == Found(10 * 1 + 10 * 1 + 5 + 2 * 1, (CLIENT,) * 10 + (SERVER,) * 10)


def test_equal_placements_keep_to_the_client() -> None:
    """Where both sides take the same, the client comes first."""
    puzzle = chain((2.0, 2.0), travel_s=0.0, round_trip_s=0.0)
    assert [(CLIENT,), (SERVER,)] == [each.sides for each in cheapest(puzzle, most=2, within=1.0)]


def test_weights_of_one_model_are_held_once() -> None:
    """Two stages of one model need 10 bytes of weights once and the larger activations, 3."""
    one = Step(seconds=(1, 1), model=0, weight_bytes=(10, 10), activation_bytes=(2, 2))
    two = Step(seconds=(1, 1), model=0, weight_bytes=(10, 10), activation_bytes=(3, 3))
    puzzle = Puzzle(steps=(one, two), parcels=(), round_trip_s=0.0)
    assert (10 + 3, 0) == need_bytes(puzzle, (CLIENT, CLIENT))
    assert (10 + 2, 10 + 3) == need_bytes(puzzle, (CLIENT, SERVER))
