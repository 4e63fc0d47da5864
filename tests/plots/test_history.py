from __future__ import annotations

import pytest

from feasibility.errors import UsageError
from feasibility.plots import history_points
from feasibility.plots.history import Mark, Series, growth_of


def mark(year: int, rate: float) -> Mark:
    """Return a chip."""
    return Mark(chip=f"c{year}", year=year, rate=rate, estimated=False)


def series(name: str) -> Series:
    """Return a series of the real chips."""
    return next(each for each in history_points().rates if each.name == name)


def test_growth_is_the_time_to_double() -> None:
    """100, 200 and 400 in 2010, 2012 and 2014 lie on a line that doubles in two years."""
    growth = growth_of([mark(2010, 100), mark(2012, 200), mark(2014, 400)])
    assert growth is not None
    assert (growth.doubling_years, growth.at(2010), growth.at(2016)) == pytest.approx((2, 100, 800))


@pytest.mark.parametrize("rates", [(100, 200), (400, 200, 100), (5, 5, 5)])
def test_two_points_and_no_growth_have_no_line(rates: tuple[float, ...]) -> None:
    """A line through two points says nothing, and what falls or stays doubles never."""
    assert growth_of([mark(2010 + year, rate) for year, rate in enumerate(rates)]) is None


def test_the_numbers_are_those_of_the_profiles() -> None:
    """Apple's A7 of 2013 had 115 GFLOP/s of fp32 in its GPU, the M1 of 2020 has 2.6 TFLOP/s."""
    first, m1 = series("GPU fp32").marks[0], series("M-series GPU fp32").marks[0]
    assert (first.chip, first.year, first.rate) == ("a7", 2013, 0.115e12)
    assert (m1.chip, m1.year, m1.rate, m1.estimated) == ("m1", 2020, 2.6e12, False)


def test_there_is_a_chip_a_year() -> None:
    """From 2013 to 2025 no year is missing, and a chip without a Neural Engine has no mark there."""
    assert [each.year for each in series("GPU fp32").marks] == [*range(2013, 2026)]
    assert series("Neural Engine fp16").marks[0].year == 2018


@pytest.mark.parametrize("rtt", ["0ms", "150"])
def test_a_window_is_a_time(rtt: str) -> None:
    """No time and a bare number are refused."""
    with pytest.raises(UsageError, match="rtt"):
        history_points(rtt)
