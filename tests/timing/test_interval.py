"""Intervals are deciles of a log-normal."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feasibility.timing.interval import Interval
from feasibility.units import Seconds

TIMES = st.floats(1e-6, 1e6)
SIGMAS = st.floats(0, 2)


@given(TIMES, SIGMAS)
def test_sigma_gives_the_deciles(typical: float, sigma: float) -> None:
    """The logarithm of p90 lies 1.28 sigma above that of p50, p10 as far below."""
    interval = Interval.from_sigma(typical, sigma)
    z = NormalDist().inv_cdf(0.9)
    assert typical * math.exp(z * sigma) == pytest.approx(interval.high.value)
    assert typical * math.exp(-z * sigma) == pytest.approx(interval.low.value)
    assert sigma == pytest.approx(interval.sigma, abs=1e-9)


def test_sums_add_typicals_and_squares_of_deviations() -> None:
    """Deviations of 3 and 4 make one of 5."""
    one = Interval(low=Seconds(7), typical=Seconds(10), high=Seconds(13))
    two = Interval(low=Seconds(6), typical=Seconds(10), high=Seconds(14))
    assert Interval(low=Seconds(15), typical=Seconds(20), high=Seconds(25)) == one + two


def test_shared_setup_scales() -> None:
    """A setup shared by four calls is a quarter for each."""
    setup = Interval(low=Seconds(4), typical=Seconds(8), high=Seconds(16))
    assert Interval(low=Seconds(1), typical=Seconds(2), high=Seconds(4)) == 0.25 * setup


def test_exact_duration_has_no_spread() -> None:
    """A given duration is its own p10 and p90."""
    assert 0.0 == Interval.exact(3.0).sigma
    assert "3 s" == str(Interval.exact(3.0))
