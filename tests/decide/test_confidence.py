"""The probability that one side is faster: the quadrature against closed forms."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feasibility.decide.confidence import client_faster, gauss_hermite
from feasibility.timing.interval import Interval

TIMES = st.floats(1e-4, 10)
SIGMAS = st.floats(0.05, 0.7)


def test_rule_integrates_the_moments_of_a_normal() -> None:
    """32 points give 1, 0, 1, 0, 3, ..., 15!! for the powers of a standard normal."""
    moments = [math.fsum(w * z**n for z, w in gauss_hermite()) for n in range(17)]
    double_factorials = [math.prod(range(n - 1, 0, -2)) if n % 2 == 0 else 0 for n in range(17)]
    assert 32 == len(gauss_hermite())
    assert [pytest.approx(m, rel=1e-11, abs=1e-3) for m in double_factorials] == moments


@pytest.mark.parametrize(
    ("points", "root", "weight"),
    [(2, 1.0, 0.5), (3, math.sqrt(3), 1 / 6), (5, 2.8569700138728, 0.0112574113277)],
)
def test_small_rules_have_their_published_points(points: int, root: float, weight: float) -> None:
    """The outermost point and weight are those of tables (probabilists' Gauss-Hermite)."""
    assert [root, weight] == pytest.approx(list(gauss_hermite(points)[-1]))


@given(TIMES, SIGMAS, TIMES, SIGMAS)
def test_two_log_normals_have_a_closed_form(c: float, sigma_c: float, s: float, sigma_s: float) -> None:
    """Without a round trip P = Phi(ln(s/c) / sqrt(sigma_c^2 + sigma_s^2))."""
    expected = NormalDist().cdf(math.log(s / c) / math.hypot(sigma_c, sigma_s))
    found = client_faster(Interval.from_sigma(c, sigma_c), [Interval.from_sigma(s, sigma_s)])
    assert expected == pytest.approx(found, abs=1e-3)


@given(TIMES, SIGMAS, TIMES, SIGMAS)
def test_confidences_of_both_sides_add_to_one(a: float, sigma_a: float, b: float, sigma_b: float) -> None:
    """Seen from the other side the probability is the complement."""
    one, two = Interval.from_sigma(a, sigma_a), Interval.from_sigma(b, sigma_b)
    assert 1 == pytest.approx(client_faster(one, [two]) + client_faster(two, [one]), abs=1e-3)


def test_known_server_leaves_the_clients_spread() -> None:
    """A server of exactly 155 ms against 100 ms with sigma 0.35 wins with 1 - Phi(ln(1.55)/0.35)."""
    expected = NormalDist().cdf(math.log(1.55) / 0.35)
    parts = [Interval.exact(0.150), Interval.exact(0.005)]
    assert expected == pytest.approx(client_faster(Interval.from_sigma(0.100, 0.35), parts))


def test_uncertain_round_trip_is_integrated_too() -> None:
    """Two uncertain parts agree with a fine Riemann sum over both."""
    client = Interval.from_sigma(0.2, 0.35)
    rtt, server = Interval.from_sigma(0.15, 0.43), Interval.from_sigma(0.03, 0.35)
    normal, steps = NormalDist(), 300
    z = [normal.inv_cdf((k + 0.5) / steps) for k in range(steps)]
    total = math.fsum(
        normal.cdf(math.log((0.15 * math.exp(0.43 * a) + 0.03 * math.exp(0.35 * b)) / 0.2) / 0.35)
        for a in z
        for b in z
    )
    assert total / steps**2 == pytest.approx(client_faster(client, [rtt, server]), abs=1e-4)


def test_certain_times_give_certainty() -> None:
    """Of two exact times the smaller wins, and equal ones are a coin toss."""
    one, two = Interval.exact(1.0), Interval.exact(2.0)
    assert (1.0, 0.0, 0.5) == (
        client_faster(one, [two]),
        client_faster(two, [one]),
        client_faster(one, [one]),
    )


def test_zero_seconds_beat_everything_but_zero_seconds() -> None:
    """A model that computes nothing takes no logarithm of zero."""
    nothing, some = Interval.from_sigma(0.0, 0.35), Interval.from_sigma(1.0, 0.35)
    assert 1.0 == pytest.approx(client_faster(nothing, [some]))
    assert 0.0 == client_faster(some, [nothing])
    assert 0.5 == client_faster(nothing, [nothing])
