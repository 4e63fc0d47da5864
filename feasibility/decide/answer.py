"""Answer a scenario: time both sides, check, compare, judge, and say what would flip it."""

from __future__ import annotations

import math

from feasibility.cost import ModelCost
from feasibility.decide.break_even import break_evens
from feasibility.decide.changes import changes
from feasibility.decide.checks import checks
from feasibility.decide.contest import check as check_scenario
from feasibility.decide.contest import contest
from feasibility.decide.judgement import judge
from feasibility.decide.policies import service_checks
from feasibility.decide.reasons import failures, reasons, sources
from feasibility.decide.records import Decision, Scenario, Window
from feasibility.decide.sides import Client, Server, client_side, server_side
from feasibility.errors import ModelError
from feasibility.timing import network as links
from feasibility.units import Flops


def decide(scenario: Scenario) -> Decision:
    """Say where the model should run, how sure that is, and what would change it.

    Raise UsageError for a scenario that cannot be, ModelError for a model whose sizes
    are beyond any clock.
    """
    check_scenario(scenario)
    try:
        return _answer(scenario)
    except OverflowError:
        raise _immeasurable(scenario.cost) from None


def _answer(scenario: Scenario) -> Decision:
    client, server = client_side(scenario), server_side(scenario)
    _check_finite(scenario.cost, client, server)
    limits = (
        *checks(scenario, client.side.inference, server.side.inference),
        *service_checks(server.side.service),
    )
    met = contest(scenario, client, server)
    judgement = judge(limits, met, asked=scenario.confidence, client=client.compute, server=server.compute)
    even, missing = break_evens(scenario, client, server)
    cost = scenario.cost
    return Decision(
        model=cost.model,
        totals=cost.totals,
        coverage=cost.coverage,
        scenario=dict(scenario.settings),
        verdict=judgement.verdict,
        feasible=judgement.feasible,
        confidence=judgement.confidence,
        compared=met.compared,
        client_time=met.client,
        server_time=met.server,
        client=client.side,
        server=server.side,
        checks=limits,
        window=_window(scenario, client),
        break_even=even,
        changes=() if judgement.feasible else tuple(changes(scenario, server, client, limits, even)),
        reasons=(*failures(limits), *reasons(scenario, client, server, met, judgement), *missing),
        sources=sources(scenario, client, server),
    )


def _window(scenario: Scenario, client: Client) -> Window:
    """Return what fits into one round trip: at the peak, and as the client really runs."""
    rtt = links.round_trip(scenario.network).typical
    one, flops = client.side.inference.typical, scenario.cost.flops
    peak = client.compute.peak * rtt
    passes = rtt / one if one else None
    return Window(
        window=rtt,
        peak=peak,
        achievable=Flops(flops.value * (passes or 0.0)),
        passes_at_peak=peak / flops if flops else None,
        passes_achievable=passes,
    )


def _check_finite(cost: ModelCost, client: Client, server: Server) -> None:
    slowest = (client.side.first_call.high, server.side.first_call.high)
    if not all(math.isfinite(seconds.value) for seconds in slowest):
        raise _immeasurable(cost)


def _immeasurable(cost: ModelCost) -> ModelError:
    return ModelError(
        f"model {cost.model.path!r} declares sizes so large that no time can be computed",
        hint="look at its largest tensors with `feasible profile`",
    )
