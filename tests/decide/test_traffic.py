"""A server that everybody asks: replicas, waits, money, and what that does to the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from feasibility.decide import Decision, Verdict, decide
from feasibility.decide.fields import Fields
from feasibility.decide.scenario import Choices, build
from feasibility.decide.sides import largest_batch
from feasibility.decide.traffic import Demand, Service, serve
from feasibility.errors import UsageError
from feasibility.report import wording
from feasibility.timing.server import Traffic, fleet
from feasibility.units import PerSecond, Seconds
from tests.timing_parts import model, scenario, tensor, work


def answer(rate: float, p99: Seconds | None = None, **choices: object) -> Decision:
    """Decide for a model of 10^9 operations on a server that has so many requests a second."""
    cost = model(work(10**9), inputs=(tensor("x", 8),), outputs=(tensor("y", 8),))
    demand = Demand(rate=PerSecond(rate), p99=p99, max_batch=1)
    return decide(replace(scenario(cost), demand=demand, **choices))  # type: ignore[arg-type]  # fields of a scenario


def test_replicas_are_busy_for_their_share() -> None:
    """10,000 requests of 10 ms keep 100 replicas busy, so a few more than 100 are needed."""
    found = serve(
        Demand(rate=PerSecond(10_000), p99=Seconds(0.018), max_batch=1), lambda batch: 0.010 * batch, None
    )

    assert 106 <= found.replicas <= 112
    assert 100 / found.replicas == pytest.approx(found.utilisation)
    assert found.response_p99.value <= 0.018
    assert (None, None, None) == (found.usd_per_hour, found.usd_per_million, found.usd_per_year)


def test_money_is_replicas_times_the_price() -> None:
    """At 2 USD an hour each: a million last a million / rate seconds, a year 8,766 hours."""
    found = serve(Demand(rate=PerSecond(50), p99=Seconds(1.0), max_batch=1), lambda batch: 0.010 * batch, 2.0)

    assert 2.0 * found.replicas == found.usd_per_hour
    assert 2.0 * found.replicas / 3600 * 1e6 / 50 == pytest.approx(found.usd_per_million)
    assert 8766 * 2.0 * found.replicas == pytest.approx(found.usd_per_year)


def test_the_wait_is_on_the_servers_side_of_the_inequality() -> None:
    """With traffic the server's time grows by what half of the requests wait; the inference stays."""
    alone, asked = answer(1e-6), answer(900.0)
    wait_s = asked.server_time.typical.value - alone.server_time.typical.value

    assert alone.server.inference == asked.server.inference
    assert asked.server.service is not None
    response_s = asked.server.service.response_p50.value
    assert response_s - asked.server.inference.typical.value == pytest.approx(wait_s, abs=1e-9)


def test_a_goal_that_nobody_can_hold_bars_the_server() -> None:
    """An inference alone takes longer than a microsecond."""
    decision = answer(10.0, Seconds(1e-6))
    check = next(each for each in decision.checks if each.name == "server_p99")

    assert (False, Verdict.CLIENT) == (check.passed, decision.verdict)
    assert "No number of replicas" in check.message
    assert Decision.from_dict(decision.to_dict()).server == decision.server


def test_the_answer_names_the_traffic_and_the_price() -> None:
    """An L4 costs 0.80 USD an hour at AWS; the words hold the rate, the replicas and the money."""
    cost = model(work(10**9), inputs=(tensor("x", 8),), outputs=(tensor("y", 8),))
    choices = Choices(server="l4", traffic="1000/s", p99="50ms", default_client="m1", origin="a test")
    decision = decide(build(cost, choices))

    assert decision.server.service is not None
    words = wording.traffic(decision.server.service)
    assert words.startswith("1,000/s on 1 replica, ")
    assert "(goal 50 ms); 0.80 USD/h" in words
    assert "1,000/s" == decision.scenario["traffic"].value


@pytest.mark.parametrize("batch", [0, -1])
def test_a_batch_that_holds_nothing_is_refused(batch: int) -> None:
    """From one request on."""
    with pytest.raises(UsageError, match="the batch limit is"):
        serve(Demand(rate=PerSecond(5), max_batch=batch), lambda size: 0.01 * size, None)


def test_batches_fit_the_servers_memory() -> None:
    """16 GB hold 1 GB of weights and at most 15 inputs of 1 GB each: batches of 8, not of 128."""
    cost = model(
        work(10**9), inputs=(tensor("x", 8),), outputs=(tensor("y", 8),), parameters=250_000_000,
        parameter_bytes=10**9, peak_activation_bytes=10**9,
    )  # fmt: skip
    given = replace(scenario(cost), demand=Demand(rate=PerSecond(10**6), p99=Seconds(60.0)))
    service = decide(given).server.service

    assert (16 - 1) // 1 == largest_batch(given)
    assert service is not None
    assert [1, 2, 4, 8] == [batch.size for batch in service.batches]


def test_nobody_plans_for_replicas_that_are_always_busy() -> None:
    """However generous the goal, a tenth of the time is spare: 100 busy ones are 112."""
    demand = Demand(rate=PerSecond(10_000), p99=Seconds(60.0), max_batch=1)
    found = serve(demand, lambda size: 0.01 * size, None)

    assert 112 == found.replicas
    assert 100 / 112 == pytest.approx(found.utilisation)


def test_a_goal_without_traffic_is_refused() -> None:
    """A p99 is of many requests."""
    with pytest.raises(UsageError, match="no traffic is given"):
        build(model(work(10)), Choices(p99="50ms", default_client="m1", origin="a test"))


def test_devices_would_fetch_what_their_calls_ask_for() -> None:
    """10 a second at 100 calls a download of 4 MB, four in five cached: 10 / 100 x 0.2 x 4 MB a second."""
    cost = model(work(10**9), inputs=(tensor("x", 8),), outputs=(tensor("y", 8),), download_bytes=4_000_000)
    given = replace(scenario(cost), demand=Demand(rate=PerSecond(10), p99=Seconds(1.0)))
    once, shared = (
        decide(given).server.service,
        decide(replace(given, calls=100, cache_hit=0.8)).server.service,
    )

    assert once is not None
    assert shared is not None
    assert once.cdn_bytes_per_year is None
    assert 10 / 100 * 0.2 * 4_000_000 * 3600 * 8766 == pytest.approx(shared.cdn_bytes_per_year)
    assert "devices would fetch 2.52 TB a year instead" in wording.traffic(shared)


def test_more_traffic_makes_the_server_as_slow_as_the_client() -> None:
    """At the break-even rate half of the requests take what the round trip leaves, or nobody is answered."""
    cost = model(work(2 * 10**11), inputs=(tensor("x", 8),), outputs=(tensor("y", 8),))
    demand = Demand(rate=PerSecond(100), p99=Seconds(0.02), max_batch=1)
    decision = decide(replace(scenario(cost), demand=demand))
    rate, service = decision.break_even.traffic, decision.server.service

    assert rate is not None
    assert service is not None
    one_s = decision.server.inference.typical.value
    capacity_per_s = service.replicas / one_s
    found = fleet(
        Traffic(rate_per_s=rate.value), lambda size: one_s * size, batch=1, replicas=service.replicas
    )
    left_s = decision.client.inference.typical.value - 0.150
    assert service.rate_per_s < rate.value <= capacity_per_s
    assert rate.value == capacity_per_s or left_s == pytest.approx(found.response.p50_s, rel=0.01)


def test_a_client_that_leads_needs_no_crowd() -> None:
    """Its time is shorter than the round trip."""
    assert answer(100.0, Seconds(1.0)).break_even.traffic is None


def test_full_batches_are_shown_with_their_price() -> None:
    """Four of 10 ms take 40 ms, 100 a second; at 2 USD an hour that is 2 / 3600 x 10^6 / 100 a million."""
    found = serve(Demand(rate=PerSecond(50), p99=Seconds(1.0), max_batch=4), lambda size: 0.01 * size, 2.0)
    last = found.batches[-1]

    assert [1, 2, 4] == [batch.size for batch in found.batches]
    assert 4 * 0.01 == pytest.approx(last.service_s)
    assert 4 / 0.04 == pytest.approx(last.per_s)
    assert 2 / 3600 * 1e6 / 100 == pytest.approx(last.usd_per_million)
    assert found == Service.from_dict(Fields(found.to_dict(), where="service"))
