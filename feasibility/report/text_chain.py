"""Render the placement of a chain as plain text (`feasible chain`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from feasibility.decide.records import Placement, Setting
from feasibility.pipeline.records import ChainAnswer, Crossing, Move, Plan
from feasibility.pipeline.search import Side
from feasibility.report.escape import printable
from feasibility.report.layout import Column, bullets, fields, paragraph, table
from feasibility.report.wording import NOTHING
from feasibility.units import Bytes, Flops, Seconds

_WAYS = {Side.CLIENT: "down", Side.SERVER: "up"}
_WHERE_TO = {Side.CLIENT: "takes {} off the server", Side.SERVER: "brings {} to the server"}
_SMALL_PERCENT = 10  # below it a percentage is shown with its first decimal


def render_chain(answer: ChainAnswer) -> str:
    """Return the best placement, what travels, what moving a stage costs, and what else would do."""
    best = answer.best
    details = [_travels(best), bullets("if one stage moved", _moves(answer, best))] if best else []
    blocks = [
        *_lead(answer),
        fields(_facts(answer)),
        _stages(answer),
        *details,
        _others(answer),
        bullets("notes", answer.chain.notes),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_chain_short(answer: ChainAnswer) -> str:
    """Return the first sentence only."""
    return printable(_headline(answer)) + "\n"


def _lead(answer: ChainAnswer) -> list[list[str]]:
    """Return the answer in one sentence, and why it is not a quicker one."""
    title = "why" if answer.best is None else "quicker, but not allowed"
    return [paragraph(_headline(answer)), bullets(title, answer.reasons)]


def _headline(answer: ChainAnswer) -> str:
    best, chain = answer.best, answer.chain
    title = chain.name or chain.path
    if best is None:
        return f"No placement is allowed ({title})."
    return f"{chain.describe(best.sides)}: {best.total} a run ({title})."


def _facts(answer: ChainAnswer) -> list[tuple[str, str]]:
    chain, best = answer.chain, answer.best
    work = Flops(sum(stage.flops for stage in chain.stages))
    count = len(chain.stages)
    return [
        ("chain", f"{chain.path}: {count} stage{'s' * (count != 1)}, {work} a run"),
        ("client", _place(chain.client, chain.settings, "client", "precision")),
        ("server", _place(chain.server, chain.settings, "server", "server_precision")),
        ("network", _link(chain.settings)),
        *(_plan_facts(answer, best) if best else []),
    ]


def _plan_facts(answer: ChainAnswer, plan: Plan) -> list[tuple[str, str]]:
    """Return what a run is made of, what comes before it, and what it occupies."""
    chain, count = answer.chain, len(plan.requests)
    client, server = map(Bytes, plan.need_bytes)
    time = (
        f"{plan.client.typical} on the client, {plan.server.typical} on the server, "
        f"{plan.network.typical} on the network in {count} request{'s' * (count != 1)}"
    )
    memory = f"{client} on {chain.client.device.id}, {server} on {chain.server.device.id}"
    return [
        ("time", time),
        ("first visit", _first_visit(plan)),
        ("memory", f"{memory}: all weights and the largest activations of a side"),
    ]


def _first_visit(plan: Plan) -> str:
    if Side.CLIENT not in plan.sides:
        return "nothing to download"
    size = Bytes(plan.download_bytes)
    return f"{size} to download and load, {plan.setup.typical} once, no part of the time above"


def _place(place: Placement, settings: Mapping[str, Setting], name: str, precision: str) -> str:
    at = f", {settings[precision].value}" if precision in settings else ""
    return f"{place.device.id} {place.unit}, {place.runtime.id}{at}{_assumed(settings, name)}"


def _link(settings: Mapping[str, Setting]) -> str:
    """Return the link and its numbers."""
    names = (("rtt", "rtt"), ("downlink", "down"), ("uplink", "up"))
    parts = [f"{name} {settings[key].value}" for key, name in names if key in settings]
    link = settings["network"].value if "network" in settings else "given"
    return f"{link}{_assumed(settings, 'network')}: {', '.join(parts)}"


def _assumed(settings: Mapping[str, Setting], name: str) -> str:
    """Return a mark for a choice that nobody made, or nothing."""
    setting = settings.get(name)
    return " (assumed)" if setting is not None and setting.origin == "default" else ""


def _stages(answer: ChainAnswer) -> list[str]:
    """Return a line per stage: its side, its passes, and what all of them take on either side."""
    sides = [NOTHING] * len(answer.chain.stages)
    if answer.best:
        sides = [side.word for side in answer.best.sides]
    rows = [
        (
            side,
            f"{stage.repeats:,}",
            str(Flops(stage.flops)),
            *(f"{'not: ' if run.barred else ''}{run.total.typical}" for run in stage.runs),
            stage.id,
        )
        for side, stage in zip(sides, answer.chain.stages, strict=True)
    ]
    numbers = (Column(title, right=True) for title in ("passes", "FLOP", "on client", "on server"))
    return table([Column("runs on"), *numbers, Column("stage")], rows)


def _travels(plan: Plan) -> list[str]:
    """Return a line per tensor that crosses, by request."""
    if not plan.requests:
        return ["Nothing travels."]
    rows = [
        (
            str(number),
            _WAYS[each.to],
            str(Bytes(each.spec.nbytes)),
            str(Seconds(each.seconds)),
            _tensor(each),
        )
        for number, request in enumerate(plan.requests, start=1)
        for each in request.crossings
    ]
    numbers = (Column(title, right=True) for title in ("bytes", "time"))
    return table([Column("request"), Column("way"), *numbers, Column("tensor")], rows)


def _tensor(crossing: Crossing) -> str:
    spec = crossing.spec
    return f"{crossing.tensor} {spec.dtype.name.lower()} [{', '.join(map(str, spec.dims))}]"


def _moves(answer: ChainAnswer, best: Plan) -> Iterator[str]:
    """Say for each stage what the other side would change: time, what travels, work, download."""
    for move in answer.moves:
        stage, side = answer.chain.stages[move.stage], move.plan.sides[move.stage]
        if move.plan.barred:
            yield f"not allowed: {'; '.join(move.plan.barred)}."
        else:
            yield f"{stage.id} on the {side.word}: {' '.join(_changes(answer, best, move))}"


def _changes(answer: ChainAnswer, best: Plan, move: Move) -> Iterator[str]:
    """Yield the sentences about a stage that moves."""
    plan = move.plan
    delta_s = plan.total.typical.value - best.total.typical.value
    compute_s = _compute_s(plan) - _compute_s(best)
    network_s = plan.network.typical.value - best.network.typical.value
    yield (
        f"{plan.total.typical}, {_signed(delta_s)}{_percent(delta_s, best)}: "
        f"{_signed(compute_s)} of inference, {_signed(network_s)} of network."
    )
    if len(plan.requests) != len(best.requests):
        yield f"The server is asked {_times(len(plan.requests))}, not {_times(len(best.requests))}."
    for each in _apart(plan, best):
        yield f"{_tensor(each)} goes {_WAYS[each.to]}: {_load(each)}."
    for each in _apart(best, plan):
        yield f"{each.tensor} goes {_WAYS[each.to]} no more: {_load(each)}."
    yield _shipped(answer, best, move)


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")


def _compute_s(plan: Plan) -> float:
    return plan.client.typical.value + plan.server.typical.value


def _signed(seconds: float) -> str:
    return f"{'-' if seconds < 0 else '+'}{Seconds(abs(seconds))}"


def _percent(delta_s: float, best: Plan) -> str:
    whole_s = best.total.typical.value
    if not whole_s:
        return ""
    change = 100 * delta_s / whole_s
    return f" ({change:+.1f} %)" if abs(change) < _SMALL_PERCENT else f" ({change:+,.0f} %)"


def _load(crossing: Crossing) -> str:
    return f"{Bytes(crossing.spec.nbytes)}, {Seconds(crossing.seconds)}"


def _apart(one: Plan, other: Plan) -> list[Crossing]:
    """Return what travels in one placement and not in the other."""
    known = {(each.tensor, each.to) for request in other.requests for each in request.crossings}
    return [c for request in one.requests for c in request.crossings if (c.tensor, c.to) not in known]


def _shipped(answer: ChainAnswer, best: Plan, move: Move) -> str:
    """Say what work changes sides, and what a first visit downloads more or less."""
    stage, plan = answer.chain.stages[move.stage], move.plan
    work = sum(each.flops for each in answer.chain.stages)
    share = f" ({100 * stage.flops / work:.2g} % of the chain)" if work else ""
    moved = _WHERE_TO[plan.sides[move.stage]].format(f"{Flops(stage.flops)}{share}")
    more = plan.download_bytes - best.download_bytes
    download = f", and a first visit downloads {Bytes(abs(more))} {'more' if more > 0 else 'less'}"
    return f"It {moved}{download if more else ''}."


def _others(answer: ChainAnswer) -> list[str]:
    """Return the alternatives within 10 %, then the two that put everything on one side."""
    shown = [("best", answer.best)] if answer.best else []
    shown += [("within 10 %", each) for each in answer.alternatives]
    seen = {plan.sides for _, plan in shown}
    whole = (answer.all_server, answer.all_client)
    shown += [("to compare", each) for each in whole if each.sides not in seen]
    numbers = (Column(title, right=True) for title in ("time", "up", "down", "download"))
    rows = [_other(answer, label, plan) for label, plan in shown]
    more = ["There are more within 10 %."] if answer.more else []
    return [*table([Column(""), *numbers, Column("placement")], rows), *more]


def _other(answer: ChainAnswer, label: str, plan: Plan) -> tuple[str, ...]:
    return (
        label,
        str(plan.total.typical),
        str(Bytes(plan.bytes_to(Side.SERVER))),
        str(Bytes(plan.bytes_to(Side.CLIENT))),
        str(Bytes(plan.download_bytes)),
        answer.chain.describe(plan.sides) + (" (not allowed)" if plan.barred else ""),
    )
