"""Replicas, batches and money under traffic: the founding sum, hand arithmetic, laws, a simulation."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import astuple
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feasibility.errors import UsageError
from feasibility.timing.queues import fixed_wait
from feasibility.timing.server import Fleet, Traffic, batch_sizes, fleet, full_batches, plan


def service_s(size: int) -> float:
    """Return 2 ms for weights and kernels, and half a millisecond for each of a batch."""
    return 0.002 + 0.0005 * size


def alone_s(size: int) -> float:
    """Return 10 ms each: a batch saves nothing."""
    return 0.010 * size


def simulated_s(traffic: Traffic, found: Fleet, requests: int) -> tuple[list[float], list[float]]:
    """Return the sorted waits and responses of requests that form batches and stand in line."""
    draw = random.Random(1)  # noqa: S311 (a simulation)
    arrivals = list(accumulate(draw.expovariate(traffic.rate_per_s) for _ in range(requests)))
    free, first = [0.0] * found.replicas, 0
    waits: list[float] = []
    responses: list[float] = []
    while first < requests:
        last = first + 1
        closes = arrivals[first] + found.delay_s
        while last < requests and last - first < found.batch and arrivals[last] < closes:
            last += 1
        closed = arrivals[last - 1] if last - first == found.batch else closes
        start = max(closed, heapq.heappop(free))
        done = start + service_s(last - first)
        waits += [start - closed] * (last - first)
        heapq.heappush(free, done)
        responses += [done - each for each in arrivals[first:last]]
        first = last
    return sorted(waits), sorted(responses)


def test_the_founding_essays_sum() -> None:
    """100 busy cores at 400 USD a year are 40,000 USD a year; 105 of them wait 7.9 ms at p99."""
    traffic = Traffic(rate_per_s=10_000, law="varied")
    found = fleet(traffic, alone_s, batch=1, replicas=105, usd_per_hour=400 / 8766)
    assert 100 == pytest.approx(found.utilisation * found.replicas)
    assert 40_000 == pytest.approx(found.utilisation * (found.usd_per_year or 0))
    assert 0.0079 == round(found.wait_varied.p99_s, 4)
    assert 0.0179 == round(found.response.p99_s, 4)


def test_money_by_hand() -> None:
    """Three replicas at 0.8 USD: 2.4 an hour, 21,038.4 in 8,766 hours, 2.4/3.6 for a million at 1000/s."""
    found = fleet(Traffic(rate_per_s=1000), service_s, batch=1, replicas=3, usd_per_hour=0.8)
    assert (3 * 0.8, 2.4 * 8766, 2.4 / 3.6) == pytest.approx(
        (found.usd_per_hour, found.usd_per_year, found.usd_per_million)
    )


def test_an_unknown_price_stays_unknown() -> None:
    """Without a price there is no money at all, neither nothing nor a guess."""
    found = fleet(Traffic(rate_per_s=1000), service_s, batch=1, replicas=3)
    assert (None, None, None) == (found.usd_per_hour, found.usd_per_year, found.usd_per_million)
    assert [None] == [each.usd_per_million for each in full_batches(service_s, [8])]


def test_one_replica_that_is_never_idle() -> None:
    """Batches of 8 take 6 ms: 8/0.006 a second, and a million for 3.6 USD an hour cost 0.75 USD."""
    one, eight = full_batches(service_s, [1, 8], usd_per_hour=3.6)
    assert (1, 0.0025, 400, 2.5) == pytest.approx(astuple(one))
    assert (8, 0.006, 8 / 0.006, 0.75) == pytest.approx(astuple(eight))


@pytest.mark.parametrize(("limit", "sizes"), [(1, (1,)), (8, (1, 2, 4, 8)), (100, (1, 2, 4, 8, 16, 32, 64))])
def test_batches_double(limit: int, sizes: tuple[int, ...]) -> None:
    """Powers of two up to the limit."""
    assert sizes == batch_sizes(limit)


def test_a_pair_waits_for_its_second_request() -> None:
    """Of two, one waits as long as the next takes to come: exp(-rate*t) / 2 wait longer than t."""
    found = fleet(Traffic(rate_per_s=100), service_s, batch=2, replicas=1)
    assert math.log(50) / 100 == pytest.approx(found.batching.p99_s, rel=0.01)
    assert math.log(100) / 100 == pytest.approx(found.delay_s)
    assert 1 + 0.99 == pytest.approx(found.mean_batch)


def test_a_delay_closes_batches_early() -> None:
    """In 5 ms at 100/s a second request comes to 1 - exp(-0.5) of the pairs; others wait all of it."""
    found = fleet(Traffic(rate_per_s=100, delay_s=0.005), service_s, batch=2, replicas=1)
    assert 2 - math.exp(-0.5) == pytest.approx(found.mean_batch)
    assert 0.005 == found.delay_s == pytest.approx(found.batching.p99_s)
    assert 0.002 + 0.0005 * found.mean_batch == pytest.approx(found.service_s)
    assert 100 / found.mean_batch * found.service_s == pytest.approx(found.utilisation)


def test_without_a_delay_every_request_runs_alone() -> None:
    """At 0 ms a limit of 8 is one of 1."""
    patient = fleet(Traffic(rate_per_s=300, delay_s=0.0), service_s, batch=8, replicas=2)
    assert (1.0, (0.0, 0.0), service_s(1)) == (patient.mean_batch, patient.batching, patient.service_s)
    single = fleet(Traffic(rate_per_s=300), service_s, batch=1, replicas=2)
    assert single.response == pytest.approx(patient.response)


def test_full_batches_wait_like_single_requests_at_as_many_servers() -> None:
    """Two replicas that run four at once are eight servers to the line."""
    found = fleet(Traffic(rate_per_s=1700, delay_s=10.0), service_s, batch=4, replicas=2)
    alike = fixed_wait(2 * 4, 1700, service_s(4))
    assert alike.quantile_s(0.99) == pytest.approx(found.wait_fixed.p99_s, rel=0.06)


@pytest.mark.parametrize(
    ("rate", "batch", "replicas", "delay_s", "rel"),
    [
        (960, 1, 3, None, 0.05),
        (1060, 2, 2, None, 0.06),
        (2200, 8, 2, None, 0.08),
        (960, 16, 1, None, 0.06),
        (4160, 8, 4, 0.002, 0.06),
        (310, 2, 1, 0.0005, 0.12),
        (1425, 32, 1, 0.010, 0.2),
    ],
)
def test_responses_are_those_of_simulated_batches(
    rate: float, batch: int, replicas: int, delay_s: float | None, rel: float
) -> None:
    """Waits and responses of 200,000 simulated requests; batches that a delay closes are the least exact."""
    traffic = Traffic(rate_per_s=rate, delay_s=delay_s)
    found = fleet(traffic, service_s, batch=batch, replicas=replicas)
    waits, responses = simulated_s(traffic, found, 200_000)
    assert waits[198_000] == pytest.approx(found.wait_fixed.p99_s, rel=0.15, abs=0.0005)
    assert responses[100_000] == pytest.approx(found.response.p50_s, rel=rel)
    assert responses[198_000] == pytest.approx(found.response.p99_s, rel=rel)


@settings(max_examples=12, deadline=None)
@given(st.floats(1, 20_000), st.floats(0.02, 0.5), st.sampled_from([None, 0.001, 0.01]))
def test_a_plan_holds_its_goal_and_one_replica_less_does_not(
    rate: float, p99_s: float, delay_s: float | None
) -> None:
    """Each option answers 99 of 100 in time, and no option has a replica too many."""
    traffic = Traffic(rate_per_s=rate, delay_s=delay_s)
    found = plan(traffic, service_s, p99_s=p99_s, batch_limit=16)
    for option in found.options:
        assert option.response.p99_s <= p99_s * (1 + 1e-9)
        if option.replicas > 1:
            fewer = fleet(traffic, service_s, batch=option.batch, replicas=option.replicas - 1)
            assert fewer.response.p99_s > p99_s * (1 - 1e-9)
    assert found.best is not None
    assert min(option.replicas for option in found.options) == found.best.replicas


@settings(max_examples=25, deadline=None)
@given(st.floats(1, 5000), st.integers(1, 20), st.sampled_from([1, 2, 8]))
def test_more_replicas_never_answer_later(rate: float, more: int, batch: int) -> None:
    """Replicas that keep up answer no later when there are more of them."""
    enough = math.ceil(rate * service_s(1)) + 1
    few, many = (
        fleet(Traffic(rate_per_s=rate), service_s, batch=batch, replicas=count)
        for count in (enough, enough + more)
    )
    assert many.response.p99_s <= few.response.p99_s * (1 + 1e-3)


@settings(max_examples=25, deadline=None)
@given(st.floats(1, 5000), st.floats(1, 5000))
def test_more_traffic_never_needs_fewer_replicas(one: float, other: float) -> None:
    """Requests that run alone need no fewer replicas when more of them come."""
    calm, busy = (
        plan(Traffic(rate_per_s=rate), service_s, p99_s=0.03, batch_limit=1).best
        for rate in sorted((one, other))
    )
    assert calm is not None
    assert busy is not None
    assert calm.replicas <= busy.replicas


def test_batches_save_replicas_where_weights_are_most_of_the_time() -> None:
    """At 1000/s and 50 ms requests alone need three replicas, batches of 8 one; each alone is faster."""
    found = plan(Traffic(rate_per_s=1000), service_s, p99_s=0.05)
    assert found.best is not None
    by_batch = {option.batch: option for option in found.options}
    assert (3, 1, 1) == (by_batch[1].replicas, by_batch[8].replicas, found.best.replicas)
    assert by_batch[1].response.p50_s < by_batch[8].response.p50_s


def test_batches_that_save_nothing_are_not_chosen() -> None:
    """Where a batch of n takes n times as long, each request runs alone."""
    found = plan(Traffic(rate_per_s=1000), alone_s, p99_s=0.05)
    assert found.best is not None
    assert 1 == found.best.batch


def test_services_that_vary_need_more_replicas() -> None:
    """10,000/s at 10 ms with 13.2 ms at p99 take the essay's 110 cores, and fewer of equal services."""
    varied, fixed = (
        plan(Traffic(rate_per_s=10_000, law=law), alone_s, p99_s=0.0132, batch_limit=1).best
        for law in ("varied", "fixed")
    )
    assert varied is not None
    assert fixed is not None
    assert 110 == varied.replicas
    assert fixed.replicas < 110


def test_a_goal_shorter_than_the_service_is_said() -> None:
    """One inference takes 2.5 ms: 1 ms is held by nobody."""
    found = plan(Traffic(rate_per_s=1000), service_s, p99_s=0.001)
    assert (None, ()) == (found.best, found.options)
    assert (
        "no number of replicas holds a p99 of 1 ms: a request takes 2.5 ms where none waits for a replica"
        == found.reason
    )


@pytest.mark.parametrize("rate", [1e-9, 1e12, 1e15])
def test_absurd_traffic_is_answered(rate: float) -> None:
    """One replica for a request in 30 years; for 1e12/s no fewer than 1e12 times the best batch's share."""
    best = plan(Traffic(rate_per_s=rate), service_s, p99_s=0.05).best
    assert best is not None
    assert max(1, rate * service_s(64) / 64) == pytest.approx(best.replicas, rel=0.001)


def test_replicas_that_cannot_keep_up_answer_nobody() -> None:
    """Two replicas of 400/s each for 1000/s: a utilisation of 1.25, and no finite response."""
    found = fleet(Traffic(rate_per_s=1000), service_s, batch=1, replicas=2)
    assert 1.25 == pytest.approx(found.utilisation)
    assert math.inf == found.response.p50_s == found.wait_fixed.p99_s == found.wait_varied.p99_s


def test_a_model_that_takes_no_time_needs_one_replica() -> None:
    """Nothing to do is done at once."""
    best = plan(Traffic(rate_per_s=1000), lambda _: 0.0, p99_s=0.05).best
    assert best is not None
    assert (1, 1, 0.0) == (best.batch, best.replicas, best.response.p99_s)
    assert [math.inf] == [each.per_s for each in full_batches(lambda _: 0.0, [1])]


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: Traffic(rate_per_s=0), "the traffic is 0"),
        (lambda: Traffic(rate_per_s=math.nan), "the traffic is nan"),
        (lambda: Traffic(rate_per_s=math.inf), "the traffic is inf"),
        (lambda: Traffic(rate_per_s=1, delay_s=-1), "the batching delay is -1"),
        (lambda: plan(Traffic(rate_per_s=1), service_s, p99_s=0), "the p99 goal is 0"),
        (lambda: plan(Traffic(rate_per_s=1), service_s, p99_s=1, batch_limit=0), "the batch limit is 0"),
        (lambda: fleet(Traffic(rate_per_s=1), service_s, batch=0, replicas=1), "the batch is 0"),
        (lambda: fleet(Traffic(rate_per_s=1), service_s, batch=1, replicas=0), "the number of replicas is 0"),
    ],
)
def test_what_no_server_can_be_planned_for_is_refused(refused: Callable[[], object], message: str) -> None:
    """The error names the quantity and its value, and says what to give."""
    with pytest.raises(UsageError, match=message) as caught:
        refused()
    assert caught.value.hint
