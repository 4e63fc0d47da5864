"""Say why a budget is passed: the modules that grew, and where memory and time lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from feasibility.cost import ModelCost
from feasibility.decide.records import Decision
from feasibility.gate.doubts import SHOWN, uncounted
from feasibility.gate.lock import LockedModel
from feasibility.gate.measure import Measured
from feasibility.gate.parts import OTHERS, module_depth, module_sums
from feasibility.gate.records import COVERAGE
from feasibility.gate.rules import Metric, Rule
from feasibility.memory import memory_at
from feasibility.units import Bytes, Flops
from feasibility.views.modules import natural

_REASONS = 2  # of a verdict: what takes which time


def why(measured: Measured, rule: Rule, target: str | None, base: LockedModel | None) -> tuple[str, ...]:
    """Name the modules that grew since the baseline, else the largest; and where memory and time lie."""
    if rule.name == COVERAGE:
        return uncounted(measured.cost.coverage.unknown)
    metric = "parameter_bytes" if _waits_for_bytes(measured, rule, target) else rule.metric
    return (*_beside(measured, rule), *_modules(measured.cost, metric, base), *_place(measured, rule, target))


def _waits_for_bytes(measured: Measured, rule: Rule, target: str | None) -> bool:
    """Tell whether a first call is mostly the download: then weights, not work, make it long."""
    if rule.name != "first_call" or target is None:
        return False
    client = measured.decisions[target].client
    fetched = sum(phase.seconds.typical.value for phase in client.phases if phase.name == "download")
    return 2 * fetched > client.first_call.typical.value


def _beside(measured: Measured, rule: Rule) -> Iterator[str]:
    """Say where files beside the model hold more than it uses."""
    more = measured.numbers.download - measured.declared.download
    if rule.name == "download" and more > 0:
        names = ", ".join(map(repr, measured.cost.model.external_files))
        yield f"{names} has {Bytes(more)} that the model does not use"


def verdict_why(decision: Decision) -> tuple[str, ...]:
    """Return what decided: the limits that fail, else the times."""
    failed = [check.message for check in decision.checks if check.passed is False]
    return tuple(failed) or decision.reasons[:_REASONS]


def _modules(cost: ModelCost, metric: Metric, base: LockedModel | None) -> Iterator[str]:
    show = Bytes if metric == "parameter_bytes" else Flops
    what = "weights" if metric == "parameter_bytes" else "arithmetic"
    if base is None:
        now = _sums(cost, module_depth(cost), metric)
        yield f"the most {what}: {_largest(now, show)}"
        return
    now = _sums(cost, base.module_depth, metric)  # the same names as then
    then = {name: float(getattr(sums, metric)) for name, sums in base.modules.items()}
    more = _grown(now, then)
    for name in sorted(more, key=lambda name: (-more[name], natural(name)))[:SHOWN]:
        new = "" if name in then else " (new)"
        yield f"{name}{new} has {show(more[name])} of {what} more than the baseline"
    if len(more) > SHOWN:
        yield f"{len(more) - SHOWN} more {'module' if len(more) == SHOWN + 1 else 'modules'} grew"
    if not more:
        yield f"no module grew; the most {what}: {_largest(now, show)}"


def _sums(cost: ModelCost, depth: int, metric: Metric) -> dict[str, float]:
    return {name: float(getattr(sums, metric)) for name, sums in module_sums(cost, depth).items()}


def _grown(now: Mapping[str, float], then: Mapping[str, float]) -> dict[str, float]:
    """Return by how much each module grew; what a lock with too many modules left out is one of them."""
    if OTHERS not in then and OTHERS not in now:
        return {name: size - then.get(name, 0) for name, size in now.items() if size > then.get(name, 0)}
    both = {name: size for name, size in now.items() if name in then and name != OTHERS}
    rest = {OTHERS: sum(now.values()) - sum(both.values())}
    left = {name: then[name] for name in both}
    before = left | {OTHERS: sum(then.values()) - sum(left.values())}
    return {name: size - before[name] for name, size in (both | rest).items() if size > before[name]}


def _largest(now: Mapping[str, float], show: type[Bytes | Flops]) -> str:
    ranked = sorted(now.items(), key=lambda pair: (-pair[1], natural(pair[0])))
    return ", ".join(f"{name} ({show(value)})" for name, value in ranked[:SHOWN] if value)


def _place(measured: Measured, rule: Rule, target: str | None) -> Iterator[str]:
    if rule.name == "peak_memory":
        need = memory_at(measured.cost)
        node = measured.cost.totals.peak_activation_node
        at = f", at node {node!r}" if node else ""
        yield f"{Bytes(need.weight_bytes)} of weights and {Bytes(need.activation_bytes)} of activations{at}"
    if rule.name == "first_call" and target:
        phases = measured.decisions[target].client.phases
        yield f"at the median {', '.join(f'{phase.name} {phase.seconds.typical}' for phase in phases)}"
