"""Say how long requests wait for one of several servers (M/M/c and M/D/c).

Requests come at random (Poisson) and are served in turn. M/M/c: service times vary as an
exponential does (Erlang 1917), and the wait is exact. M/D/c: every service takes the same time.
Then each server gets every c-th request, so the wait is the maximum of a random walk with steps
`service - Gamma(c)` (Erlang 1909, Crommelin 1932): its mean, P(wait > 0) and the tail's
coefficient and decay are sums over that walk (Spitzer 1956; Asmussen, Applied Probability and
Queues, 2003, XIII.5). Between 0 and the tail a second exponential keeps the mean.

Against Pollaczek's M/D/1 mean and 20 million simulated requests (2026; c = 1, 2, 10, 100, load 0.5
to 0.95): P(wait > 0) and mean within 0.1 % and 1 %, the simulation's own error; p99 within 2 % or
1 % of a service, p50 within 5 % of a service.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

_RECURSED = 10_000  # servers; beyond, the Poisson sums are closer than anybody needs
_FULL = 1 - 1e-9  # a share of capacity; nearer to all of it the sums run out of digits
_EXACT_STEPS = 16  # of the walk that are added one by one
_LOG_STEP = 0.1  # then as an integral over ln n
_NEGLIGIBLE = 40.0  # e^-40: where a sum ends
_NEWTON_STEPS = 30
_HALVINGS = 60  # of a bracket, a double's digits and some
_FIRST_BRACKET_S = 1e-9
_SMALL = 20  # of k: below, the series is short and the expansion not yet close
_LEAST = 1e-12  # of the sum: what still counts
_NEAR_ONE = 0.01  # of x/k: Temme's first coefficient as a series, which loses no digits
_INFINITE = math.inf


class Term(NamedTuple):
    """One exponential of a tail: weight * exp(-decay * t)."""

    weight: float
    decay_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long a request waits: P(wait > t) is the sum of `terms`, and never more than `delayed`.

    `delayed` is the share that waits at all; a queue that cannot keep up has no terms.
    """

    delayed: float
    mean_s: float
    terms: tuple[Term, ...] = ()

    def beyond(self, seconds: float) -> float:
        """Return P(wait > seconds)."""
        if seconds < 0 or self.mean_s == _INFINITE:
            return 1.0
        return min(self.delayed, sum(w * math.exp(-rate * seconds) for w, rate in self.terms))

    def quantile_s(self, share: float) -> float:
        """Return what this share of requests does not exceed."""
        return quantile_s(self.beyond, share)


NO_WAIT = Wait(delayed=0.0, mean_s=0.0)
_ENDLESS = Wait(delayed=1.0, mean_s=_INFINITE)


def erlang_b(servers: int, offered: float) -> float:
    """Return the share of requests that find all servers busy and go away (Erlang 1917).

    `offered` is the load in busy servers. B(0) = 1, B(c) = a*B(c-1) / (c + a*B(c-1))
    (Jagerman 1974), which only ever adds positive numbers.
    """
    if servers > _RECURSED:
        return _poisson_b(servers, offered)
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked *= offered
        blocked /= count + blocked
    return blocked


def _poisson_b(servers: int, offered: float) -> float:
    """Return P(N = c) / P(N <= c) of a Poisson N with this mean, which is Erlang's B."""
    ratio = offered / (servers + 1)
    if ratio == 0:
        return 0.0
    found = _gamma(servers + 1.0, ratio)
    if found.upper == 0:  # far more than all servers can do
        return 1 - servers / offered
    return min(1.0, found.point / ratio / found.upper)


def erlang_c(servers: int, offered: float) -> float:
    """Return the share of requests that wait where all are served in turn; 1 if they never can be."""
    if offered >= servers:
        return 1.0
    blocked = erlang_b(servers, offered)
    return blocked / (1 - offered / servers * (1 - blocked))


def varied_wait(servers: int, rate_per_s: float, service_s: float) -> Wait:
    """Return the wait of M/M/c: P(wait > t) = C * exp(-(c - a) * t / service)."""
    offered = rate_per_s * service_s
    if offered == 0:
        return NO_WAIT
    if offered >= servers * _FULL:
        return _ENDLESS
    delayed, decay = erlang_c(servers, offered), (servers - offered) / service_s
    return Wait(delayed=delayed, mean_s=delayed / decay, terms=(Term(delayed, decay),))


def fixed_wait(servers: float, rate_per_s: float, service_s: float) -> Wait:
    """Return the wait of M/D/c.

    `servers` need not be whole. A replica that runs batches of b is b servers to them: the
    c-th next batch is complete after b*c requests, which is the same walk.
    """
    load = rate_per_s * service_s / servers
    if load == 0:
        return NO_WAIT
    if load >= _FULL:
        return _ENDLESS
    walk = _walk(servers, load)
    terms = tuple(Term(weight, decay / service_s) for weight, decay in _terms(walk))
    return Wait(delayed=walk.delayed, mean_s=walk.mean * service_s, terms=terms)


def quantile_s(beyond: Callable[[float], float], share: float) -> float:
    """Return the least time that is exceeded by no more than the rest, infinite if there is none."""
    rest = 1 - share
    if beyond(0.0) <= rest:
        return 0.0
    low, high = 0.0, _FIRST_BRACKET_S
    while beyond(high) > rest:
        low, high = high, 2 * high
        if high == _INFINITE:
            return high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > rest else (low, middle)
    return high


class _Walk(NamedTuple):
    """The maximum of the walk, in services: P(> 0), mean, and the tail weight * exp(-decay * t)."""

    delayed: float
    mean: float
    tail: Term


def _walk(servers: float, load: float) -> _Walk:
    """Add up the walk: its n-th place is n - Gamma(n*c, rate c*load), with services as the unit.

    Tilted by the tail's decay it is the same walk at the load above 1 with the same
    `load - ln(load)` (Lundberg's equation).
    """
    above = conjugate(load)
    up = down = mean = 0.0
    for n, weight in _steps(servers * _distance(load)):
        here, tilted = _gamma(n * servers, load), _gamma(n * servers, above)
        up += weight / n * here.lower
        down += weight / n * tilted.upper
        mean += weight * (here.point - (1 - load) * here.lower) / load
    drift = servers * (above - load) * (1 - 1 / above)
    tail = Term(math.exp(-up - down) / drift, servers * (above - load))
    return _Walk(-math.expm1(-up), max(0.0, mean), tail)


def _terms(walk: _Walk) -> Iterator[Term]:
    """Yield the tail, and the exponential that brings P(wait > 0) and the mean to what they are.

    It may not decay so fast that more would wait t than wait at all.
    """
    weight, decay = walk.tail
    yield walk.tail
    rest = walk.delayed - weight
    if rest:
        left, flat = walk.mean - weight / decay, weight * decay / abs(rest)
        own = rest / left if left else _INFINITE
        yield Term(rest, own if decay < own < flat else max(flat, decay))


def _steps(decay: float) -> Iterator[tuple[float, float]]:
    """Yield places of a sum over n = 1, 2, ... and their weights, until exp(-decay*n) is nothing."""
    for count in range(1, _EXACT_STEPS + 1):
        yield float(count), 1.0
    n = (_EXACT_STEPS + 0.5) * math.exp(_LOG_STEP / 2)
    while n * decay < _NEGLIGIBLE:
        yield n, n * _LOG_STEP
        n *= math.exp(_LOG_STEP)


def conjugate(load: float) -> float:
    """Return the y above 1 with y - ln(y) = load - ln(load), for a load below 1, by Newton's method.

    It starts at 1 + d + sqrt(2*d), which is above it (Chatzigeorgiou 2013).
    """
    distance = _distance(load)
    above = distance + math.sqrt(2 * distance)  # y - 1
    for _ in range(_NEWTON_STEPS):
        step = (above - math.log1p(above) - distance) * (1 + above) / above
        above -= step
        if abs(step) <= math.ulp(above):
            break
    return 1 + above


def _distance(ratio: float) -> float:
    """Return ratio - 1 - ln(ratio), which is never negative."""
    return max(0.0, ratio - 1 - math.log(ratio))


class _Gamma(NamedTuple):
    """P(k, x), Q(k, x) and x^k * exp(-x) / k! of the incomplete gamma function."""

    lower: float
    upper: float
    point: float


def _gamma(k: float, ratio: float) -> _Gamma:
    """Return the incomplete gamma function at x = ratio * k, for any k >= 1."""
    return _series(k, ratio) if k < _SMALL and ratio < 1 else _expansion(k, ratio)


def _expansion(k: float, ratio: float) -> _Gamma:
    """Return the first term of Temme's uniform expansion (1979): 3 digits at k = 1, better by 1/k."""
    distance = _distance(ratio)
    density = math.exp(-k * distance) / math.sqrt(2 * math.pi * k)
    eta = math.copysign(math.sqrt(2 * distance), ratio - 1)
    near = abs(ratio - 1) < _NEAR_ONE
    first = -1 / 3 + eta / 12 - 2 * eta * eta / 135 if near else 1 / (ratio - 1) - 1 / eta
    turn = eta * math.sqrt(k / 2)
    return _Gamma(
        lower=max(0.0, math.erfc(-turn) / 2 - density * first),
        upper=max(0.0, math.erfc(turn) / 2 + density * first),
        point=density * math.exp(-1 / (12 * k)),
    )


def _series(k: float, ratio: float) -> _Gamma:
    """Add up P(k, x) = point * (1 + x/(k+1) + x^2/((k+1)*(k+2)) + ...)."""
    x = ratio * k
    point = term = total = math.exp(k * math.log(x) - x - math.lgamma(k + 1))
    while term > _LEAST * total:
        k += 1
        term *= x / k
        total += term
    return _Gamma(total, 1 - total, point)
