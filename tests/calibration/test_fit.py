"""Constants come back from timings that were made with them."""

from __future__ import annotations

import math
from itertools import product

import pytest

from feasibility.calibration import fit
from feasibility.calibration.fit import CLASSES, TERMS, Row
from feasibility.ir import DType
from feasibility.timing.groups import FusedGroup
from feasibility.timing.loads import Load
from tests.timing_parts import work

TRUE = {"matmul": 2.0, "activations": 4.0, "overhead": 1e-5}


def amounts(matmul: float, activations: float, overhead: float) -> dict[str, float]:
    """Return a row that asks for nothing else."""
    return dict.fromkeys(TERMS, 0.0) | {"matmul": matmul, "activations": activations, "overhead": overhead}


def rows(noise: tuple[float, ...] = (1.0,)) -> list[Row]:
    """Return timings of 27 models by the true constants, some times longer or shorter."""
    found = []
    for index, (f, b, n) in enumerate(product((1e-3, 4e-3, 9e-3), (1e-4, 1e-3, 2e-3), (10, 50, 300))):
        seconds = 2.0 * f + 4.0 * b + 1e-5 * n
        found.append(Row(amounts(f, b, n), seconds * noise[index % len(noise)]))
    return found


def test_exact_timings_give_the_constants_back() -> None:
    """27 times of 2 F + 4 B + 10 us N give 2, 4 and 10 us."""
    found = fit.fit(rows())

    assert {name: pytest.approx(value, rel=1e-3) for name, value in TRUE.items()} == {
        name: found[name] for name in TRUE
    }


def test_one_wild_timing_does_not_bend_the_fit() -> None:
    """A model that takes ten times as long moves the constants by less than a tenth."""
    wild = rows()
    wild[4] = wild[4]._replace(seconds=10 * wild[4].seconds)

    found = fit.fit(wild)

    assert all(found[name] == pytest.approx(value, rel=0.1) for name, value in TRUE.items())


def test_errors_are_ratios_and_have_no_bias() -> None:
    """Times that are 20 % too long as often as too short lie around the fit."""
    noisy = rows((1.2, 1 / 1.2))

    found = fit.fit(noisy)

    assert 0 == pytest.approx(sum(fit.error(row, found) for row in noisy) / len(noisy), abs=0.05)


def test_a_share_stays_within_what_a_profile_may_say() -> None:
    """1/e is at least 1/3 where arithmetic seems free; overheads are never negative."""
    free = [row._replace(seconds=4.0 * row.amounts["activations"]) for row in rows()]

    found = fit.fit(free)

    assert 1 / 3 == pytest.approx(found["matmul"])
    assert 0 == found["overhead"]


def test_what_no_row_asks_for_is_not_free() -> None:
    """Without a depthwise convolution nothing is known of them: a thousandth of the peak."""
    assert 1000 == fit.fit(rows())["depthwise"]


def test_rows_left_out_tell_the_spread() -> None:
    """Exact timings are predicted without themselves; doubled ones are off by ln 2 / 1.28."""
    doubled = [*rows(), *(row._replace(seconds=2 * row.seconds) for row in rows()[:3])]

    assert 0 == pytest.approx(fit.left_out(rows(), range(5)), abs=1e-3)
    assert math.log(2) / 1.2816 == pytest.approx(fit.left_out(doubled, [27, 28, 29]), rel=0.05)


def test_quantiles_lie_between_neighbours() -> None:
    """Of 1, 2, 3 and 5 the median is 2.5 and nine tenths lie at 3 + 0.7 * 2."""
    assert 2.5 == fit.quantile([5, 1, 3, 2], 0.5)
    assert 4.4 == pytest.approx(fit.quantile([5, 1, 3, 2], 0.9))


def test_loads_become_seconds_at_a_share_of_one() -> None:
    """A product of 6 GFLOP that runs twice at 2 TFLOP/s, and 3 GB that it moves at 100 GB/s."""
    group = FusedGroup(head=work(10))
    heavy = Load(group, "matmul", DType.FLOAT, 2, 6e9, 10**9, 2 * 10**9)
    light = Load(group, None, DType.FLOAT, 5, 0, 0, 10**8)

    found = fit.amounts([heavy, light], 2e12, 100e9)

    expected = {
        "matmul": 2 * 6e9 / 2e12, "weights": 2 * 1e9 / 100e9, "activations": 2 * 2e9 / 100e9,
        "light": 5 * 1e8 / 100e9, "overhead": 2, "light_overhead": 5, "constant": 1,
    }  # fmt: skip
    assert {name: pytest.approx(value) for name, value in expected.items()} == {
        name: value for name, value in found.items() if value
    }
    assert set(found) == {
        *CLASSES,
        "weights",
        "activations",
        "light",
        "overhead",
        "light_overhead",
        "constant",
    }
