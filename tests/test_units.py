from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feasibility.errors import UnitError
from feasibility.units import (
    BitsPerSecond,
    Bytes,
    BytesPerSecond,
    Flops,
    FlopsPerSecond,
    Seconds,
    format_count,
    format_quantity,
)

KINDS = (Seconds, Flops, FlopsPerSecond, Bytes, BytesPerSecond, BitsPerSecond)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Seconds, "150ms", 0.15),
        (Seconds, " 2 min ", 120),
        (Seconds, "5us", 5e-6),
        (Seconds, "5µs", 5e-6),
        (Flops, "13.3 GFLOP", 13.3e9),
        (FlopsPerSecond, "2.6 TFLOP/s", 2.6e12),
        (FlopsPerSecond, "45 TOP/s", 45e12),
        (Bytes, "25MB", 25 * 10**6),
        (Bytes, "25MiB", 25 * 2**20),
        (Bytes, "20 kB", 20_000),
        (BytesPerSecond, "68.25 GB/s", 68.25e9),
        (BitsPerSecond, "150Mbit/s", 150e6),
        (BitsPerSecond, "150 Mbps", 150e6),
        (BitsPerSecond, "1e3 kbit/s", 1e6),
    ],
)
def test_quantities_are_read_with_their_unit(kind: type[Seconds], text: str, value: float) -> None:
    """A number and a unit give the value in SI units; MB is 10^6, MiB 2^20, Mbps bits."""
    assert kind.parse(text).value == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_bare_numbers_are_refused_with_an_example(kind: type[Seconds]) -> None:
    """A number without a unit is an error that shows how to write it."""
    with pytest.raises(UnitError, match="'150' has no unit") as caught:
        kind.parse("150")
    assert kind.example in caught.value.message


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Seconds, "150MB"),
        (Bytes, "25Mb"),
        (Bytes, "25mb"),
        (Bytes, "-25MB"),
        (Bytes, "1e999 MB"),
        (FlopsPerSecond, "2.6 TFLOPS"),
        (FlopsPerSecond, "2.6 TFLOP"),
        (BitsPerSecond, "20 MB/s"),
        (Seconds, "nan s"),
        (Seconds, "inf s"),
        (Seconds, ""),
        (Seconds, "ms"),
        (Seconds, "1:30"),
        (Seconds, "1,5 s"),
        (Seconds, "150ms\n150ms"),
    ],
)
def test_other_units_and_other_text_are_refused(kind: type[Seconds], text: str) -> None:
    """A unit of another dimension, a sign, a list or an infinity is no quantity."""
    with pytest.raises(UnitError):
        kind.parse(text)


def test_long_text_is_shortened_in_the_message() -> None:
    """A hostile quantity does not fill the screen."""
    with pytest.raises(UnitError) as caught:
        Seconds.parse("9" * 10_000 + "x")
    assert len(caught.value.message) < 200


def test_physical_operations_give_physical_units() -> None:
    """Work over rate is time, rate times time is work, size over bandwidth is time, bits are an eighth."""
    assert Flops(390e9) / FlopsPerSecond(2.6e12) == Seconds(0.15)
    assert FlopsPerSecond(2.6e12) * Seconds(0.15) == Flops(390e9)
    assert Flops(390e9) / Seconds(0.15) == FlopsPerSecond(2.6e12)
    assert Bytes(13e6) / BitsPerSecond(150e6).to_bytes() == Seconds(13e6 / 18.75e6)
    assert BytesPerSecond(10) * Seconds(3) == Bytes(30)
    assert Bytes(30) / Seconds(3) == BytesPerSecond(10)
    assert Seconds(3) / Seconds(2) == 1.5
    assert Flops(3) / Flops(2) == Bytes(3) / Bytes(2) == FlopsPerSecond(3) / FlopsPerSecond(2) == 1.5
    assert (Seconds(3) / 2, 2 * Seconds(3), Seconds(1) + Seconds(2), Seconds(3) - Seconds(1)) == (
        Seconds(1.5), Seconds(6), Seconds(3), Seconds(2),
    )  # fmt: skip
    assert Seconds(1) < Seconds(2) <= Seconds(2)


@pytest.mark.parametrize(
    "slip",
    [
        lambda: Flops(1) + Bytes(1),  # type: ignore[operator]
        lambda: Bytes(1) / FlopsPerSecond(1),  # type: ignore[operator]
        lambda: Bytes(1) / BitsPerSecond(1),  # type: ignore[operator]
        lambda: Seconds(1) > Bytes(1),  # type: ignore[operator]
        lambda: Flops(1) * Seconds(1),  # type: ignore[operator]
        lambda: Seconds(1) + 1,  # type: ignore[operator]
    ],
)
def test_typical_slips_are_type_errors(slip: object) -> None:
    """Adding work to sizes or dividing bytes by bits fails, here and (see the ignores) under mypy."""
    with pytest.raises(TypeError):
        slip()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("value", "symbol", "text"),
    [
        (390e9, "FLOP", "390 GFLOP"),
        (6_649_251_840, "", "6.65 G"),
        (999.7, "B", "1 kB"),
        (1023, "B", "1.02 kB"),
        (0, "B", "0 B"),
        (2.6e12, "FLOP/s", "2.6 TFLOP/s"),
        (150e6, "bit/s", "150 Mbit/s"),
        (0.15, "s", "150 ms"),
        (0.0009999, "s", "1 ms"),
        (15e-6, "s", "15 us"),
        (140.1, "s", "140 s"),
        (1200, "s", "20 min"),
        (3 * 3600, "s", "3 h"),
        (0, "s", "0 s"),
    ],
)
def test_one_formatter_shows_three_digits(value: float, symbol: str, text: str) -> None:
    """Quantities are shown with three significant digits and a prefix, times in a fitting unit."""
    assert format_quantity(value, symbol).rstrip() == text


def test_absurd_sizes_stay_short() -> None:
    """Even 1e300 s takes no more than a word or two."""
    assert len(str(Seconds(1e300))) < 20
    assert len(str(Flops(1e300))) < 20
    assert format_count(10**18) == "1 E"


@given(st.integers(0, 10**15), st.sampled_from(["B", "kB", "MB", "KiB", "MiB", "GiB"]))
def test_whole_sizes_stay_exact(number: int, unit: str) -> None:
    """Integers with a size unit lose nothing to floating point."""
    factor = {"B": 1, "kB": 10**3, "MB": 10**6, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit]
    assert Fraction(Bytes.parse(f"{number}{unit}").value) == number * factor


@given(st.floats(1e-9, 1e15), st.sampled_from(["B", "FLOP", "bit/s", "s"]))
def test_shown_value_is_within_half_a_percent(value: float, symbol: str) -> None:
    """What is shown, read again, is the value to three digits."""
    kinds = {"B": Bytes, "FLOP": Flops, "bit/s": BitsPerSecond, "s": Seconds}
    units = {"years": 365.25 * 86400, "days": 86400}
    number, unit = format_quantity(value, symbol).split()
    again = float(number) * units[unit] if unit in units else kinds[symbol].parse(number + unit).value
    assert again == pytest.approx(value, rel=0.005, abs=0.0005 if symbol != "s" else 5e-13)
