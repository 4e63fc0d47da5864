"""Say why a budget is passed, module by module, and which change would be enough."""

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
from feasibility.gate.lock import LockedModel
from feasibility.gate.measure import Measured, choices
from feasibility.gate.parts import module_depth, module_sums
from feasibility.gate.rules import Metric, Rule, written
from feasibility.gate.source import Source
from feasibility.memory import memory_at, weights_at
from feasibility.units import Bytes, Flops, Seconds
from feasibility.views.modules import natural

_Passes: TypeAlias = Callable[[Decision], bool]
_Say: TypeAlias = Callable[[Decision], str]

_SHOWN = 3  # modules in an answer
_NARROWER = ("fp16", "int8", "int4")
_DIGITS = 3  # of a budget that is proposed


def why(measured: Measured, rule: Rule, target: str | None, base: LockedModel | None) -> tuple[str, ...]:
    """Name the modules that grew since the baseline, else the largest; and where memory and time lie."""
    return (*_modules(measured.cost, rule.metric, base), *_place(measured, rule, target))


def _modules(cost: ModelCost, metric: Metric, base: LockedModel | None) -> Iterator[str]:
    depth = module_depth(cost) if base is None else base.module_depth  # the same names as then
    now = {name: float(getattr(sums, metric)) for name, sums in module_sums(cost, depth).items()}
    then = {} if base is None else {name: float(getattr(sums, metric)) for name, sums in base.modules.items()}
    more = {name: value - then.get(name, 0) for name, value in now.items() if value > then.get(name, 0)}
    grown = sorted(more, key=lambda name: (-more[name], natural(name)))
    show = Bytes if metric == "parameter_bytes" else Flops
    what = "weights" if metric == "parameter_bytes" else "arithmetic"
    if base is not None and grown:
        for name in grown[:_SHOWN]:
            new = "" if name in then else " (new)"
            yield f"{name}{new} has {show(more[name])} of {what} more than the baseline"
        if len(grown) > _SHOWN:
            yield f"{len(grown) - _SHOWN} more {'modules' if len(grown) - _SHOWN > 1 else 'module'} grew"
    elif now:
        since = "" if base is None else "no module grew; "
        ranked = sorted(now.items(), key=lambda pair: (-pair[1], natural(pair[0])))
        largest = [(name, value) for name, value in ranked[:_SHOWN] if value]
        yield f"{since}the most {what}: {', '.join(f'{name} ({show(value)})' for name, value in largest)}"


def _place(measured: Measured, rule: Rule, target: str | None) -> Iterator[str]:
    if rule.name == "peak_memory":
        need = memory_at(measured.cost)
        node = measured.cost.totals.peak_activation_node
        at = f", at node {node!r}" if node else ""
        yield f"{Bytes(need.weight_bytes)} of weights and {Bytes(need.activation_bytes)} of activations{at}"
    if rule.name == "first_call" and target:
        phases = measured.decisions[target].client.phases
        yield ", ".join(f"{phase.name} {phase.seconds.typical}" for phase in phases)


def fixes(  # noqa: PLR0913 (what is over, and where)
    source: Source, measured: Measured, rule: Rule, target: str | None, *, most: float, at: str
) -> tuple[str, ...]:
    """Return what would pass: how much less, a narrower type that was tried, another budget."""
    if rule.name == "coverage":
        return coverage_fixes(measured.numbers.coverage)
    if target is None:
        now = measured.numbers.of(rule.name)
        return (_less(now, most, rule), *_narrower(measured.cost, rule, most), _raise(now, rule))
    tried = _tried(
        source,
        measured,
        target,
        lambda decision: _time(decision, rule, at) <= most,
        lambda decision: str(Seconds(_time(decision, rule, at))),
    )
    now = measured.value(rule.name, target, at)
    faster = f"{now / most:.2g} times faster" if most else "no time at all"
    return (f"{faster} on {target}", *tried, _raise(now, rule))


def verdict_why(decision: Decision) -> tuple[str, ...]:
    """Return what decided: the limits that fail, else the times."""
    failed = [check.message for check in decision.checks if check.passed is False]
    return tuple(failed) or decision.reasons[:2]


def verdict_fixes(source: Source, measured: Measured, target: str, asked: str) -> tuple[str, ...]:
    """Return what would give the verdict that is asked for."""
    tried = _tried(
        source,
        measured,
        target,
        lambda decision: decision.verdict.value == asked,
        lambda decision: decision.verdict.value,
    )
    known = [change for change in measured.decisions[target].changes if change.startswith(asked)]
    return (*tried, *(change.removeprefix(f"{asked}, by ") for change in known))


def coverage_fixes(now: float) -> tuple[str, ...]:
    """Return how to deal with nodes that are not counted."""
    return (
        "give these operators a rule (docs/counting.md)",
        f"or accept the part that is counted: coverage: {math.floor(1000 * now) / 10:g}%",
    )


def _time(decision: Decision, rule: Rule, at: str) -> float:
    times = decision.client.inference if rule.name == "inference" else decision.client.first_call
    return (times.high if at == "p90" else times.typical).value


def _less(now: float, most: float, rule: Rule) -> str:
    return f"{written(now - most, rule.unit)} less ({100 * (now - most) / now:.3g} %)"


def _narrower(cost: ModelCost, rule: Rule, most: float) -> Iterator[str]:
    """Yield the widest type of the weights that is enough, for sizes that depend on it."""
    for precision in _NARROWER:
        need = _at(cost, rule, precision)
        if need is not None and need <= most:
            yield f"{precision} weights: {written(need, rule.unit)}"
            return


def _at(cost: ModelCost, rule: Rule, precision: str) -> float | None:
    weights = weights_at(cost, precision)
    if rule.name not in {"download", "peak_memory"} or weights >= cost.totals.parameter_bytes:
        return None
    if rule.name == "download":
        return cost.totals.download_bytes - cost.totals.parameter_bytes + weights
    return memory_at(cost, precision).need_bytes


def _raise(now: float, rule: Rule) -> str:
    """Propose a budget that is a little more than what is measured."""
    step = 10 ** (math.floor(math.log10(now)) - _DIGITS + 1) if now > 0 else 1
    return f"or a budget of {written(math.ceil(now / step) * step, rule.unit)}"


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
