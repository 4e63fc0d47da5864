"""Place every stage of a chain: the quickest placement, what else would do, and what a move costs.

Stages run one after another, in the order of the file, and the user stands on the client.
The server's stages between two stages of the client (or the user) are one request on an open
connection: one round trip, what its stages need sent with it, what the client needs of them
sent back. A tensor travels once at most, as raw bytes at link rate. So

    total = client passes + server passes + requests * RTT + bytes up / uplink + bytes down / downlink

What a first visit downloads and loads comes before and is no part of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from feasibility.pipeline.build import immeasurable, memory_sentence, room_bytes
from feasibility.pipeline.records import Chain, ChainAnswer, Crossing, Move, Plan, Request, Stage, Wire
from feasibility.pipeline.search import Parcel, Puzzle, Side, Sides, Step, cheapest, need_bytes
from feasibility.timing import network as links
from feasibility.timing.interval import Interval
from feasibility.units import Seconds

WITHIN = 1.1  # an alternative takes at most 10 % longer: within the spread of any prediction
MOST = 10  # alternatives that an answer names


def answer(chain: Chain) -> ChainAnswer:
    """Return the best placement and its neighbours; ModelError for sizes that are beyond any clock."""
    puzzle = puzzle_of(chain)
    found = cheapest(puzzle, most=MOST + 2, within=WITHIN)
    plans = tuple(plan(chain, each.sides) for each in found[: MOST + 1])
    best = plans[0] if plans else None
    whole = (plan(chain, (side,) * len(chain.stages)) for side in Side)
    all_client, all_server = map(_finite, whole)
    return ChainAnswer(
        chain=chain,
        best=best,
        alternatives=plans[1:],
        more=len(found) > MOST + 1,
        moves=tuple(_moves(chain, best)) if best else (),
        all_client=all_client,
        all_server=all_server,
        reasons=tuple(_quicker(chain, puzzle, best) if best else _impossible(chain, puzzle)),
    )


def puzzle_of(chain: Chain) -> Puzzle:
    """Return the numbers that the search needs."""
    models = {path: number for number, path in enumerate(dict.fromkeys(s.path for s in chain.stages))}
    return Puzzle(
        steps=tuple(_step(stage, models[stage.path]) for stage in chain.stages),
        parcels=tuple(_parcel(wire) for wire in chain.wires),
        round_trip_s=links.round_trip(chain.network).typical.value,
        room_bytes=(room_bytes(chain.client), room_bytes(chain.server)),
    )


def _step(stage: Stage, model: int) -> Step:
    near, far = stage.runs
    return Step(
        seconds=(near.total.typical.value, far.total.typical.value),
        allowed=(not near.barred, not far.barred),
        model=model,
        weight_bytes=(near.weight_bytes, far.weight_bytes),
        activation_bytes=(near.activation_bytes, far.activation_bytes),
    )


def _parcel(wire: Wire) -> Parcel:
    return Parcel(
        source=wire.source,
        readers=wire.readers,
        up_s=wire.up_s,
        down_s=wire.down_s,
        may_go_up=not wire.private,
    )


def plan(chain: Chain, sides: Sides) -> Plan:
    """Return what a placement takes, allowed or not."""
    puzzle = puzzle_of(chain)
    requests = tuple(_requests(chain, sides))
    near, far = (_together(_on(chain, sides, side)) for side in Side)
    network = _network(chain, requests)
    local = [stage for stage, side in zip(chain.stages, sides, strict=True) if side is Side.CLIENT]
    size = sum({stage.path: stage.download_bytes for stage in local}.values())
    needs = need_bytes(puzzle, sides)
    return Plan(
        sides=sides,
        total=near + far + network,
        client=near,
        server=far,
        network=network,
        requests=requests,
        download_bytes=size,
        setup=_setup(chain, local, size),
        need_bytes=needs,
        barred=tuple(_barred(chain, puzzle, sides, needs)),
    )


def _on(chain: Chain, sides: Sides, side: Side) -> Iterator[Interval]:
    return (stage.runs[side].total for stage, own in zip(chain.stages, sides, strict=True) if own is side)


def _together(parts: Iterable[Interval]) -> Interval:
    """Add what one unit takes: it is as much quicker or slower than expected in each of them."""
    low, typical, high = 0.0, 0.0, 0.0
    for part in parts:
        low, typical, high = low + part.low.value, typical + part.typical.value, high + part.high.value
    return Interval(low=Seconds(low), typical=Seconds(typical), high=Seconds(high))


def _requests(chain: Chain, sides: Sides) -> Iterator[Request]:
    """Yield each run of server stages, with the tensors that travel for it."""
    for side, group in groupby(range(len(sides)), key=lambda index: sides[index]):
        if side is Side.SERVER:
            indices = tuple(group)
            up = (c for wire in chain.wires for c in _sent(wire, sides, indices))
            down = (c for wire in chain.wires for c in _returned(wire, sides, indices))
            yield Request(stages=tuple(chain.stages[index].id for index in indices), crossings=(*up, *down))


def _sent(wire: Wire, sides: Sides, indices: tuple[int, ...]) -> Iterator[Crossing]:
    """Yield the tensor if it goes up with these stages: the first of the server that read it."""
    if _parcel(wire).crosses(sides) is Side.SERVER:
        first = next(reader for reader in wire.readers if reader >= 0 and sides[reader] is Side.SERVER)
        if first in indices:
            yield _crossing(wire, Side.SERVER)


def _returned(wire: Wire, sides: Sides, indices: tuple[int, ...]) -> Iterator[Crossing]:
    """Yield the tensor if it goes down after these stages, one of which writes it."""
    if wire.source in indices and _parcel(wire).crosses(sides) is Side.CLIENT:
        yield _crossing(wire, Side.CLIENT)


def _crossing(wire: Wire, to: Side) -> Crossing:
    return Crossing(tensor=wire.name, spec=wire.spec, to=to, seconds=wire.seconds(to))


def _network(chain: Chain, requests: tuple[Request, ...]) -> Interval:
    """Return the time of all requests: one link, as much slower than expected in each of them."""
    count = len(requests)
    if not count:
        return Interval.exact(0.0)
    up = sum(request.bytes_to(Side.SERVER) for request in requests)
    down = sum(request.bytes_to(Side.CLIENT) for request in requests)
    # linear in round trips and bytes, so that the mean request says it all
    return count * links.warm_exchange(chain.network, up_bytes=up / count, down_bytes=down / count)


def _setup(chain: Chain, local: list[Stage], size: int) -> Interval:
    """Return connection, download and load of the client's models, each model once."""
    if not local:
        return Interval.exact(0.0)
    loads = {stage.path: stage.load for stage in local}
    return links.download(links.cdn(chain.network), size) + _together(loads.values())


def _barred(chain: Chain, puzzle: Puzzle, sides: Sides, needs: tuple[int, int]) -> Iterator[str]:
    """Yield why a placement is not allowed."""
    for stage, side in zip(chain.stages, sides, strict=True):
        yield from (f"{stage.id} on the {side.word}: {reason}" for reason in stage.runs[side].barred)
    for wire in chain.wires:
        if wire.private and _parcel(wire).crosses(sides) is Side.SERVER:
            yield f"{wire.name} must not leave the client: a private stage reads it"
    for side, place in zip(Side, (chain.client, chain.server), strict=True):
        if needs[side] > puzzle.room_bytes[side]:
            yield f"all stages on the {side.word}: {memory_sentence(needs[side], place)}"


def _moves(chain: Chain, best: Plan) -> Iterator[Move]:
    """Yield the best placement with one stage on the other side, for each stage."""
    for index, side in enumerate(best.sides):
        sides = (*best.sides[:index], side.other, *best.sides[index + 1 :])
        yield Move(stage=index, plan=plan(chain, sides))


def _quicker(chain: Chain, puzzle: Puzzle, best: Plan) -> Iterator[str]:
    """Say what would be quicker if nothing but times counted."""
    steps = tuple(replace(step, allowed=(True, True)) for step in puzzle.steps)
    parcels = tuple(replace(parcel, may_go_up=True) for parcel in puzzle.parcels)
    free = Puzzle(steps=steps, parcels=parcels, round_trip_s=puzzle.round_trip_s)
    found = cheapest(free, most=1, within=1.0)[0]
    barred = plan(chain, found.sides).barred
    if barred and found.seconds < best.total.typical.value:
        yield f"{Seconds(found.seconds)} with {chain.describe(found.sides)}: {'; '.join(barred)}."


def _impossible(chain: Chain, puzzle: Puzzle) -> Iterator[str]:
    """Say why no placement is allowed: stages with no side left, else what they cannot do together."""
    stuck = [stage for stage in chain.stages if all(run.barred for run in stage.runs)]
    for stage in stuck:
        near, far = ("; ".join(run.barred) for run in stage.runs)
        yield f"{stage.id}: not on the client, {near}; not on the server, {far}."
    if not stuck:
        open_handed = replace(puzzle, room_bytes=(math.inf, math.inf))
        roomy = cheapest(open_handed, most=1, within=1.0)
        sides = roomy[0].sides if roomy else _where_allowed(puzzle)
        yield f"With {chain.describe(sides)}: {'; '.join(plan(chain, sides).barred)}."


def _where_allowed(puzzle: Puzzle) -> Sides:
    """Return for each stage the client where it may run there, else the server."""
    return tuple(Side.CLIENT if step.allowed[Side.CLIENT] else Side.SERVER for step in puzzle.steps)


def _finite(found: Plan) -> Plan:
    if not math.isfinite(found.total.high.value + found.setup.high.value):
        raise immeasurable()
    return found
