"""Say which change would be enough: how much less, a narrower type that was tried, another budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from feasibility.cost import ModelCost
from feasibility.decide import decide
from feasibility.decide.records import Decision
from feasibility.decide.scenario import Choices, build, placements
from feasibility.errors import FeasibilityError
from feasibility.gate.measure import Measured, choices, time_of
from feasibility.gate.rules import Rule, no_less, written
from feasibility.gate.source import Source
from feasibility.memory import memory_at, weights_at

_Passes: TypeAlias = Callable[[Decision], bool]
_Say: TypeAlias = Callable[[Decision], str]

_NARROWER = ("fp16", "int8", "int4")
_MANY = 100  # times; from here on a fraction says nothing
_TWICE = 2  # below, a share tells more than "times faster"


def of_a_number(measured: Measured, rule: Rule, most: float) -> tuple[str, ...]:
    """Return what would bring a size or a count within its budget."""
    now = measured.numbers.of(rule.name)
    wasted = now - measured.declared.of(rule.name)  # in files beside the model, which no type makes smaller
    narrower = () if wasted else tuple(_narrower(measured.cost, rule, most))
    return (_less(now, most, rule), *narrower, _raised(now, rule))


def of_a_time(  # noqa: PLR0913 (what is over, and where)
    source: Source, measured: Measured, rule: Rule, target: str, *, most: float, at: str
) -> tuple[str, ...]:
    """Return what would bring a time within its budget; a variant is named only where it passes."""

    def takes(decision: Decision) -> float:
        return time_of(decision, rule.name, at)

    now = takes(measured.decisions[target])
    tried = _tried(
        source,
        measured,
        target,
        lambda decision: takes(decision) <= most,
        lambda decision: written(takes(decision), rule.unit, apart_from=most),
    )
    return (_faster(now, most, rule, target), *tried, _raised(now, rule))


def of_a_verdict(source: Source, measured: Measured, target: str, asked: str) -> tuple[str, ...]:
    """Return what would give the verdict that is asked for."""
    known = [change for change in measured.decisions[target].changes if change.startswith(asked)]
    said = tuple(change.removeprefix(f"{asked}, by ") for change in known)
    if asked != "client":
        return said  # a slower client is no change that anybody wants
    tried = _tried(
        source,
        measured,
        target,
        lambda decision: decision.verdict.value == asked,
        lambda decision: decision.verdict.value,
    )
    return (*tried, *said)


def of_coverage(now: float) -> tuple[str, ...]:
    """Return how to deal with nodes that are not counted."""
    return (
        "give these operators a rule (docs/counting.md)",
        f"or accept the part that is counted: coverage: {math.floor(1000 * now) / 10:g}%",
    )


def _less(now: float, most: float, rule: Rule) -> str:
    if not most:
        return f"nothing: all {written(now, rule.unit)} less"
    return f"{no_less(now - most, rule.unit)} less ({_percent((now - most) / now)})"


def _faster(now: float, most: float, rule: Rule, target: str) -> str:
    if not most:
        return f"no time at all on {target}"
    if now < _TWICE * most or rule.name == "first_call":
        return f"{_less(now, most, rule)} on {target}"
    digits = 0 if now >= _MANY * most else 1
    times = math.ceil(10**digits * now / most) / 10**digits  # a little less would not do
    return f"{times:,.{digits}f} times faster on {target}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %" if share < 1 else "100 %"


def _raised(now: float, rule: Rule) -> str:
    """Propose a budget that is a little more than what is measured."""
    return f"or a budget of {no_less(now, rule.unit)}"


def _narrower(cost: ModelCost, rule: Rule, most: float) -> Iterator[str]:
    """Yield the widest type of the weights that is enough, for sizes that depend on it."""
    for precision in _NARROWER:
        need = _at(cost, rule, precision)
        if need is not None and need <= most:
            yield f"{precision} weights: {written(need, rule.unit, apart_from=most)}"
            return


def _at(cost: ModelCost, rule: Rule, precision: str) -> float | None:
    """Return what a rule would measure with weights of a type; None where that changes nothing."""
    weights = weights_at(cost, precision)
    if rule.name not in {"download", "peak_memory"} or weights >= cost.totals.parameter_bytes:
        return None
    if rule.name == "download":
        return cost.totals.download_bytes - cost.totals.parameter_bytes + weights
    return memory_at(cost, precision).need_bytes


def _tried(source: Source, measured: Measured, target: str, passes: _Passes, say: _Say) -> Iterator[str]:
    """Yield the first narrower type, and the first other runtime of the device, with which it passes."""
    chosen = choices(source.config.targets[target], source.folder)
    for variants in (_precisions(chosen), _runtimes(chosen)):
        for words, variant in variants:
            decision = _decided(measured.cost, variant)
            if decision is not None and passes(decision):
                yield f"{words} ({say(decision)})"
                break


def _precisions(chosen: Choices) -> Iterator[tuple[str, Choices]]:
    for precision in _NARROWER:
        yield f"with {precision}", replace(chosen, precision=precision)


def _runtimes(chosen: Choices) -> Iterator[tuple[str, Choices]]:
    for device, runtime in placements(str(chosen.client)):
        yield f"on {device} with {runtime}", replace(chosen, client=device, runtime=runtime)


def _decided(cost: ModelCost, chosen: Choices) -> Decision | None:
    try:
        return decide(build(cost, chosen))
    except FeasibilityError:  # this runtime has no such type
        return None
