"""Say how probable it is that the client is the faster side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from feasibility.timing.interval import Interval

POINTS = 32
_GRID = 0.02  # far less than the gap between roots, which is above 0.38 for 32 points
_NEWTON_STEPS = 60
_EVEN = 0.5


def client_faster(client: Interval, server: Sequence[Interval]) -> float:
    """Return P(client < sum of the server's parts), all of them independent log-normals.

    E[Phi(ln(server / c) / sigma_c)] over the server's parts, with c the client's
    typical; each uncertain part is integrated with a 32-point Gauss-Hermite rule.
    Where a part deviates by more seconds than the client, the two change roles: the
    same probability, but of a function that 32 points can follow.
    """
    widest = max(server, key=_deviation_s)
    if _deviation_s(widest) <= _deviation_s(client):
        return _clamped(_below(client, [(1, part) for part in server]))
    others = list(server)
    others.remove(widest)
    return _clamped(1 - _below(widest, [(1, client), *((-1, part) for part in others)]))


def _deviation_s(part: Interval) -> float:
    return (part.high - part.typical).value


def _below(part: Interval, limit: Sequence[tuple[int, Interval]]) -> float:
    """Return P(part < limit), the limit a sum of log-normal parts, each with its sign."""
    typical_s, sigma = part.typical.value, part.sigma
    sums = _sums(limit)
    if typical_s <= 0 or sigma == 0:
        return math.fsum(weight * _step(limit_s - typical_s) for limit_s, weight in sums)
    scale, middle = 1 / (sigma * math.sqrt(2)), math.log(typical_s)
    erfc, log = math.erfc, math.log
    tails = [weight * erfc(scale * (middle - log(limit_s))) for limit_s, weight in sums if limit_s > 0]
    return math.fsum(tails) / 2


def _sums(parts: Sequence[tuple[int, Interval]]) -> list[tuple[float, float]]:
    """Return (seconds, weight) of every combination of the parts' points."""
    sums = [(0.0, 1.0)]
    for sign, part in parts:
        typical_s, sigma = sign * part.typical.value, part.sigma
        points = [(typical_s * math.exp(sigma * z), weight) for z, weight in gauss_hermite()]
        points = points if sigma else [(typical_s, 1.0)]
        sums = [(known_s + seconds, u * w) for known_s, u in sums for seconds, w in points]
    return sums


def _clamped(probability: float) -> float:
    return min(1.0, max(0.0, probability))


def _step(difference: float) -> float:
    return _EVEN if difference == 0 else float(difference > 0)


@cache
def gauss_hermite(points: int = POINTS) -> tuple[tuple[float, float], ...]:
    """Return (z, weight) such that sum(weight * f(z)) is the mean of f over a standard normal.

    Roots of the orthonormal Hermite polynomial (weight exp(-x^2)): bracketed on a
    grid, then refined by Newton's method; z = sqrt(2)*x, weight = 2/(sqrt(pi)*h'(x)^2).
    """
    half = [
        x
        for at in range(math.ceil(math.sqrt(2 * points + 1) / _GRID))
        if (x := _root(points, at)) is not None
    ]
    rows = [(math.sqrt(2) * x, 2 / (math.sqrt(math.pi) * _hermite(points, x)[1] ** 2)) for x in half]
    middle = [(0.0, 2 / (math.sqrt(math.pi) * _hermite(points, 0.0)[1] ** 2))] if points % 2 else []
    return (*((-z, weight) for z, weight in reversed(rows)), *middle, *rows)


def _root(points: int, at: int) -> float | None:
    """Return the root inside a cell of the grid, if there is one above zero."""
    low, high = max(at * _GRID, _GRID / 1000), (at + 1) * _GRID
    if _hermite(points, low)[0] * _hermite(points, high)[0] > 0:
        return None
    x = (low + high) / 2
    for _ in range(_NEWTON_STEPS):
        value, slope = _hermite(points, x)
        x -= value / slope
    return x


def _hermite(points: int, x: float) -> tuple[float, float]:
    """Return the orthonormal Hermite polynomial of this degree and its derivative."""
    before, value = 0.0, math.pi**-0.25
    for n in range(1, points + 1):
        before, value = value, x * math.sqrt(2 / n) * value - math.sqrt((n - 1) / n) * before
    return value, math.sqrt(2 * points) * before
