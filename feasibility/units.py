"""Hold quantities with their unit: parse, physical arithmetic, one formatter.

Only operations that exist in physics exist here: `Flops / FlopsPerSecond` is
`Seconds`, `Flops + Bytes` is a TypeError (and a mypy error).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self, overload

from feasibility.errors import UnitError

BITS_PER_BYTE = 8

_QUANTITY = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)\s*(?P<unit>[A-Za-z/µ]*)\s*")
_DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_LIMITS = {"GiB": 2**30, "MiB": 2**20}
_MAX_TEXT = 64
_MANY = 100  # requests; from here on a rate is shown whole


def _prefixed(*stems: str, binary: bool = False) -> dict[str, float]:
    """Spell each unit stem with every prefix."""
    prefixes = _DECIMAL | (_BINARY if binary else {}) | {"K": 10**3}
    return {p + stem: factor for stem in stems for p, factor in prefixes.items()}


@dataclass(frozen=True, slots=True, eq=True)
class _Quantity:
    """A number of one SI unit; comparable and addable only with its own kind."""

    value: float

    kind: ClassVar[str]
    symbol: ClassVar[str]
    example: ClassVar[str]
    factors: ClassVar[dict[str, float]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `"150ms"`; a bare number or another dimension raises UnitError."""
        shown = text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "..."
        match = _QUANTITY.fullmatch(text)
        if match is None:
            msg = f"{shown!r} is not {cls.kind}; write it like {cls.example!r}"
            raise UnitError(msg)
        if not match["unit"]:
            msg = f"{shown!r} has no unit; write {cls.kind} like {cls.example!r}"
            raise UnitError(msg)
        factor = cls.factors.get(match["unit"])
        if factor is None:
            msg = f"{shown!r}: {match['unit']!r} is not a unit of {cls.kind}; write it like {cls.example!r}"
            raise UnitError(msg)
        return cls(_scaled(match["number"], factor, shown))

    def __str__(self) -> str:
        return format_quantity(self.value, self.symbol)

    def __bool__(self) -> bool:
        return self.value != 0

    def __float__(self) -> float:
        return float(self.value)

    def __lt__(self, other: Self) -> bool:
        return NotImplemented if type(other) is not type(self) else self.value < other.value

    def __le__(self, other: Self) -> bool:
        return NotImplemented if type(other) is not type(self) else self.value <= other.value

    def __gt__(self, other: Self) -> bool:
        return NotImplemented if type(other) is not type(self) else self.value > other.value

    def __ge__(self, other: Self) -> bool:
        return NotImplemented if type(other) is not type(self) else self.value >= other.value

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(self.value + other.value)

    def __sub__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(self.value - other.value)

    def __rmul__(self, factor: float) -> Self:
        return type(self)(factor * self.value)


def _scaled(number: str, factor: float, shown: str) -> float:
    """Multiply text by a unit's factor, staying an exact integer where both are."""
    exact = Fraction(number) * Fraction(factor)  # 2.03 kB is 2,030 bytes, and 2.03 * 1000.0 is not
    value = _float(exact)
    if value == float("inf"):
        msg = f"{shown!r} is too large to be a quantity"
        raise UnitError(msg)
    return int(exact) if exact.denominator == 1 and factor >= 1 else value


def _float(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return float("inf")


@dataclass(frozen=True, slots=True)
class Seconds(_Quantity):
    """A duration."""

    kind: ClassVar[str] = "a time"
    symbol: ClassVar[str] = "s"
    example: ClassVar[str] = "150ms"
    factors: ClassVar[dict[str, float]] = {
        "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600,
    }  # fmt: skip

    @overload
    def __truediv__(self, other: Seconds) -> float: ...
    @overload
    def __truediv__(self, other: float) -> Seconds: ...
    def __truediv__(self, other: Seconds | float) -> float | Seconds:
        if isinstance(other, Seconds):
            return self.value / other.value
        return Seconds(self.value / other)


@dataclass(frozen=True, slots=True)
class FlopsPerSecond(_Quantity):
    """A rate of arithmetic; integer operations per second are counted alike."""

    kind: ClassVar[str] = "a rate of arithmetic"
    symbol: ClassVar[str] = "FLOP/s"
    example: ClassVar[str] = "2.6 TFLOP/s"
    factors: ClassVar[dict[str, float]] = _prefixed("FLOP/s", "OP/s")

    @overload
    def __truediv__(self, other: FlopsPerSecond) -> float: ...
    @overload
    def __truediv__(self, other: float) -> FlopsPerSecond: ...
    def __truediv__(self, other: FlopsPerSecond | float) -> float | FlopsPerSecond:
        if isinstance(other, FlopsPerSecond):
            return self.value / other.value
        return FlopsPerSecond(self.value / other)

    def __mul__(self, other: Seconds) -> Flops:
        if not isinstance(other, Seconds):
            return NotImplemented
        return Flops(self.value * other.value)


@dataclass(frozen=True, slots=True)
class Flops(_Quantity):
    """A count of floating-point operations: one multiply-add is two."""

    kind: ClassVar[str] = "an amount of arithmetic"
    symbol: ClassVar[str] = "FLOP"
    example: ClassVar[str] = "13.3 GFLOP"
    factors: ClassVar[dict[str, float]] = _prefixed("FLOP")

    @overload
    def __truediv__(self, other: FlopsPerSecond) -> Seconds: ...
    @overload
    def __truediv__(self, other: Seconds) -> FlopsPerSecond: ...
    @overload
    def __truediv__(self, other: Flops) -> float: ...
    def __truediv__(self, other: FlopsPerSecond | Seconds | Flops) -> Seconds | FlopsPerSecond | float:
        if isinstance(other, FlopsPerSecond):
            return Seconds(self.value / other.value)
        if isinstance(other, Seconds):
            return FlopsPerSecond(self.value / other.value)
        if isinstance(other, Flops):
            return self.value / other.value
        return NotImplemented


@dataclass(frozen=True, slots=True)
class BytesPerSecond(_Quantity):
    """A memory bandwidth or transfer rate in bytes."""

    kind: ClassVar[str] = "a bandwidth"
    symbol: ClassVar[str] = "B/s"
    example: ClassVar[str] = "68.25 GB/s"
    factors: ClassVar[dict[str, float]] = _prefixed("B/s", binary=True)

    def __mul__(self, other: Seconds) -> Bytes:
        if not isinstance(other, Seconds):
            return NotImplemented
        return Bytes(self.value * other.value)

    @overload
    def __truediv__(self, other: BytesPerSecond) -> float: ...
    @overload
    def __truediv__(self, other: float) -> BytesPerSecond: ...
    def __truediv__(self, other: BytesPerSecond | float) -> float | BytesPerSecond:
        if isinstance(other, BytesPerSecond):
            return self.value / other.value
        return BytesPerSecond(self.value / other)


@dataclass(frozen=True, slots=True)
class BitsPerSecond(_Quantity):
    """The rate of a network link; `Mbps` is read as `Mbit/s` and shown so."""

    kind: ClassVar[str] = "a link rate"
    symbol: ClassVar[str] = "bit/s"
    example: ClassVar[str] = "150Mbit/s"
    factors: ClassVar[dict[str, float]] = _prefixed("bit/s", "bps", "b/s")

    def to_bytes(self) -> BytesPerSecond:
        """Convert to bytes per second."""
        return BytesPerSecond(self.value / BITS_PER_BYTE)


@dataclass(frozen=True, slots=True)
class Bytes(_Quantity):
    """A size; `MB` is 10^6, `MiB` is 2^20."""

    kind: ClassVar[str] = "a size"
    symbol: ClassVar[str] = "B"
    example: ClassVar[str] = "25MB"
    factors: ClassVar[dict[str, float]] = _prefixed("B", binary=True)

    def as_limit(self) -> str:
        """Write a limit as hosts do: 25 MiB where it is one."""
        for name, unit in _LIMITS.items():
            if self.value >= unit and self.value % unit == 0:
                return f"{self.value / unit:.0f} {name}"
        return str(self)

    @overload
    def __truediv__(self, other: BytesPerSecond) -> Seconds: ...
    @overload
    def __truediv__(self, other: Seconds) -> BytesPerSecond: ...
    @overload
    def __truediv__(self, other: Bytes) -> float: ...
    def __truediv__(self, other: BytesPerSecond | Seconds | Bytes) -> Seconds | BytesPerSecond | float:
        if isinstance(other, BytesPerSecond):
            return Seconds(self.value / other.value)
        if isinstance(other, Seconds):
            return BytesPerSecond(self.value / other.value)
        if isinstance(other, Bytes):
            return self.value / other.value
        return NotImplemented


@dataclass(frozen=True, slots=True)
class PerSecond(_Quantity):
    """A rate of requests."""

    kind: ClassVar[str] = "a rate of requests"
    symbol: ClassVar[str] = "/s"
    example: ClassVar[str] = "1000/s"
    factors: ClassVar[dict[str, float]] = {"/s": 1, "/min": 1 / 60, "/h": 1 / 3600, "/day": 1 / 86400}

    def __str__(self) -> str:
        return f"{self.value:,.0f}/s" if self.value >= _MANY else f"{self.value:.3g}/s"


_UP = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
_LARGE_TIMES = ((365.25 * 86400, "years"), (2 * 86400, "days"), (2 * 3600, "h"), (1000, "min"))
_TIME_UNIT_S = {"years": 365.25 * 86400, "days": 86400.0, "h": 3600.0, "min": 60.0}
_STEP = 1000


def format_quantity(value: float, symbol: str) -> str:
    """Show a quantity with three significant digits and an SI prefix."""
    if symbol == "s":
        return _format_time(value)
    size, step = abs(value), 0
    while step < len(_UP) - 1 and float(f"{size:.3g}") >= _STEP:
        size, step = size / _STEP, step + 1
    sign = "-" if value < 0 else ""
    return f"{sign}{_digits(size)} {_UP[step]}{symbol}"


def format_count(value: float) -> str:
    """Show a bare count with three significant digits and an SI prefix (6.65 G)."""
    return format_quantity(value, "").rstrip()


def _format_time(seconds: float) -> str:
    """Show a duration in the unit that keeps it between 1 and 1000."""
    for start, unit in _LARGE_TIMES:
        if abs(seconds) >= start:
            return f"{_digits(seconds / _TIME_UNIT_S[unit])} {unit}"
    for start, unit in _SMALL_TIMES:
        if float(f"{abs(seconds):.3g}") >= start:
            return f"{_digits(seconds / start)} {unit}"
    return "0 s" if seconds == 0 else f"{_digits(seconds / 1e-9)} ns"


def _digits(value: float) -> str:
    """Write three significant digits; only absurd sizes get an exponent."""
    if abs(value) >= _STEP:
        return f"{value:.0f}" if abs(value) < _STEP**2 else f"{value:.3g}"
    text = f"{value:.3g}"
    return text if "e" not in text else f"{float(text):.0f}" if abs(value) >= 1 else f"{value:.3f}"
