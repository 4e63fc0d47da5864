"""How long requests wait for one of several servers: the founding sum, old tables' formulas, a simulation."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feasibility.timing.queues import (
    Wait,
    conjugate,
    erlang_b,
    erlang_c,
    fixed_wait,
    quantile_s,
    varied_wait,
)

SERVERS = st.integers(1, 200)
LOADS = st.floats(0.01, 0.99)


def simulated_s(servers: int, load: float, *, varied: bool, requests: int = 60_000) -> list[float]:
    """Return the sorted waits of requests at a line, event by event; a service takes 1 s on average."""
    draw = random.Random(servers)  # noqa: S311 (a simulation)
    free, now, waits = [0.0] * servers, 0.0, []
    for _ in range(requests):
        now += draw.expovariate(servers * load)
        start = max(now, heapq.heappop(free))
        waits.append(start - now)
        heapq.heappush(free, start + (draw.expovariate(1) if varied else 1.0))
    return sorted(waits)


def test_the_founding_essays_cores() -> None:
    """10,000/s at 10 ms keep 100 cores busy: 105 of them give a p99 wait of 7.9 ms, 110 of 3.2 ms."""
    waits = {cores: varied_wait(cores, 10_000, 0.010).quantile_s(0.99) for cores in (105, 110)}
    assert {105: 0.0079, 110: 0.0032} == {cores: round(wait, 4) for cores, wait in waits.items()}


@pytest.mark.parametrize("servers", [1, 2, 5, 30])
@pytest.mark.parametrize("offered", [0.1, 1.0, 4.5, 60.0])
def test_blocking_is_a_ratio_of_powers_over_factorials(servers: int, offered: float) -> None:
    """B = a^c/c! over the sum of a^k/k! for k up to c (Erlang 1917)."""
    terms = [offered**k / math.factorial(k) for k in range(servers + 1)]
    assert terms[-1] / sum(terms) == pytest.approx(erlang_b(servers, offered), rel=1e-12)


def test_waiting_of_two_servers_by_hand() -> None:
    """C(2, a) = a^2 / (2 + a): at a = 1 one of three waits."""
    assert 1 / 3 == pytest.approx(erlang_c(2, 1.0))
    assert 1.5**2 / 3.5 == pytest.approx(erlang_c(2, 1.5))


@pytest.mark.parametrize("offered", [9_000.0, 9_950.0, 10_001.0, 10_500.0, 12_000.0])
def test_blocking_of_many_servers_continues_that_of_fewer(offered: float) -> None:
    """Erlang's recursion leads from 10,000 servers to 10,001, where a sum takes its place."""
    blocked = offered * erlang_b(10_000, offered)
    assert blocked / (10_001 + blocked) == pytest.approx(erlang_b(10_001, offered), rel=1e-5)


@pytest.mark.parametrize("servers", [1, 100, 10_000, 10**6, 10**12])
def test_blocking_lacks_nothing_at_the_ends(servers: int) -> None:
    """No load blocks nobody; a million times too much load blocks nearly everybody."""
    assert 0.0 == erlang_b(servers, 0.0)
    assert 1 - 1e-6 == pytest.approx(erlang_b(servers, servers * 1e6), rel=1e-6)


def test_one_server_of_fixed_times() -> None:
    """M/D/1: half the requests wait at half load, load/(2*(1 - load)) on average."""
    for load in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        wait = fixed_wait(1, load, 1.0)
        assert load == pytest.approx(wait.delayed, rel=1e-3)
        assert load / (2 * (1 - load)) == pytest.approx(wait.mean_s, rel=1e-3)


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7, 0.8, 0.9])
def test_tail_of_one_server_of_fixed_times(load: float) -> None:
    """P(wait <= t) = (1-r) * sum over k <= t of (r*(k-t))^k / k! * exp(-r*(k-t)) (Erlang 1909)."""
    wait = fixed_wait(1, load, 1.0)
    for t in (1.5, 3.0, 6.0):
        steps = range(math.floor(t) + 1)
        below = (1 - load) * sum(
            (load * (k - t)) ** k / math.factorial(k) * math.exp(load * (t - k)) for k in steps
        )
        assert 1 - below == pytest.approx(wait.beyond(t), abs=0.004)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (2, 0.8), (5, 0.7), (10, 0.5), (10, 0.8)])
@pytest.mark.parametrize("varied", [False, True])
def test_waits_are_those_of_a_simulated_line(servers: int, load: float, *, varied: bool) -> None:
    """Mean, median and p99 of 300,000 simulated requests, within 6 % or 2 % of a service."""
    waits = simulated_s(servers, load, varied=varied, requests=300_000)
    found = (varied_wait if varied else fixed_wait)(servers, servers * load, 1.0)
    assert sum(waits) / len(waits) == pytest.approx(found.mean_s, rel=0.06, abs=0.02)
    assert waits[len(waits) // 2] == pytest.approx(found.quantile_s(0.5), rel=0.06, abs=0.02)
    assert waits[len(waits) * 99 // 100] == pytest.approx(found.quantile_s(0.99), rel=0.06, abs=0.02)


@pytest.mark.parametrize(
    ("servers", "load", "p99_s"),
    [(2, 0.9, 10.78), (10, 0.9, 2.064), (10, 0.95, 4.375), (100, 0.9, 0.1700), (100, 0.95, 0.3987)],
)
def test_p99_of_busy_servers(servers: int, load: float, p99_s: float) -> None:
    """Of 20 million steps of the walk `1 - Gamma(servers)`, simulated with NumPy 2 (2026-11-27)."""
    assert p99_s == pytest.approx(fixed_wait(servers, servers * load, 1.0).quantile_s(0.99), rel=0.02)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.floats(0.2, 0.8))
def test_shares_beyond_any_time_are_those_of_a_simulated_line(servers: int, load: float) -> None:
    """P(wait > t) is within 0.03 at a tenth of a service, at half of one, at one and at two."""
    waits = simulated_s(servers, load, varied=False)
    found = fixed_wait(servers, servers * load, 1.0)
    for t in (0.1, 0.5, 1.0, 2.0):
        assert sum(wait > t for wait in waits) / len(waits) == pytest.approx(found.beyond(t), abs=0.03)


@given(SERVERS, LOADS)
def test_equal_services_wait_less_than_varied_ones(servers: int, load: float) -> None:
    """The mean wait of M/D/c is at least half of M/M/c's, and never more than all of it."""
    fixed, varied = (queue(servers, servers * load, 1.0) for queue in (fixed_wait, varied_wait))
    assert fixed.mean_s <= varied.mean_s * (1 + 1e-3) + 1e-12
    assert fixed.mean_s >= varied.mean_s / 2 * (1 - 1e-3) - 1e-12


@given(SERVERS, st.integers(1, 50), LOADS, st.floats(1e-6, 0.6))
def test_more_servers_never_wait_longer(servers: int, more: int, load: float, beyond: float) -> None:
    """One more server shortens the p99 of both lines, or leaves it at nothing."""
    for queue in (fixed_wait, varied_wait):
        few, many = (queue(count, servers * load, 1.0) for count in (servers, servers + more))
        assert many.quantile_s(1 - beyond) <= few.quantile_s(1 - beyond) * (1 + 1e-3) + 1e-9


@given(SERVERS, LOADS, LOADS)
def test_more_traffic_never_waits_less(servers: int, one: float, other: float) -> None:
    """At a higher load the p99 of both lines is no shorter."""
    for queue in (fixed_wait, varied_wait):
        light, heavy = (queue(servers, servers * load, 1.0) for load in sorted((one, other)))
        assert light.quantile_s(0.99) <= heavy.quantile_s(0.99) * (1 + 1e-3) + 1e-9


@given(SERVERS, LOADS, st.floats(1e-6, 1e3))
def test_waits_scale_with_the_service(servers: int, load: float, service_s: float) -> None:
    """A service twice as long, at half the rate, waits twice as long."""
    for queue in (fixed_wait, varied_wait):
        unit, scaled = (
            queue(servers, servers * load, 1.0),
            queue(servers, servers * load / service_s, service_s),
        )
        assert service_s * unit.mean_s == pytest.approx(scaled.mean_s, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("queue", [fixed_wait, varied_wait])
def test_a_line_that_cannot_keep_up_waits_for_ever(queue: Callable[[int, float, float], Wait]) -> None:
    """At exactly all of the capacity, and above it, no quantile is finite."""
    for rate in (3.0, 4.0):
        assert math.inf == queue(3, rate, 1.0).quantile_s(0.5)
    assert 1.0 == erlang_c(3, 3.0)


def test_nobody_waits_for_a_service_that_takes_no_time() -> None:
    """Without load the wait is nothing."""
    assert 0.0 == fixed_wait(1, 5.0, 0.0).quantile_s(0.99) == varied_wait(1, 5.0, 0.0).quantile_s(0.99)


@given(st.floats(1e-12, 1 - 1e-6))
def test_conjugate_load_solves_lundbergs_equation(load: float) -> None:
    """Y - ln(y) = load - ln(load), above 1."""
    above = conjugate(load)
    assert above > 1
    assert load - math.log(load) == pytest.approx(above - math.log(above), rel=1e-12)


def test_quantile_of_an_exponential_by_hand() -> None:
    """Exp(-t) falls to 1 % at ln(100)."""
    assert math.log(100) == pytest.approx(quantile_s(lambda t: math.exp(-t), 0.99))
