"""Say a duration as an interval: the p10, p50 and p90 of a log-normal."""

from __future__ import annotations

import math
from dataclasses import dataclass

from feasibility.units import Seconds

Z_P90 = 1.2815515655446004  # the standard normal's 90th percentile

# Spread (sigma of ln t) by what stands behind a time, where the profile states none: medians
# over the held-out fits of 28,000 public timings, 2025 (docs/time.md).
PRIOR_SIGMA = 0.35  # a prior for this kind of unit and runtime
DATA_SHEET_SIGMA = 0.7  # nothing but a vendor's figure, or an estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """p10, p50 and p90 of a duration."""

    low: Seconds
    typical: Seconds
    high: Seconds

    @classmethod
    def exact(cls, seconds: float) -> Interval:
        """Return an interval of no width (a given or defined duration)."""
        return cls(low=Seconds(seconds), typical=Seconds(seconds), high=Seconds(seconds))

    @classmethod
    def from_sigma(cls, typical_s: float, sigma: float) -> Interval:
        """Return the p10 and p90 of the log-normal with this median and sigma."""
        spread = math.exp(Z_P90 * sigma)
        return cls(
            low=Seconds(typical_s / spread), typical=Seconds(typical_s), high=Seconds(typical_s * spread)
        )

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form, in seconds."""
        return {"low": self.low.value, "typical": self.typical.value, "high": self.high.value}

    @property
    def sigma(self) -> float:
        """Return the sigma of the log-normal whose p50 and p90 these are."""
        if self.typical.value <= 0 or self.high.value <= self.typical.value:
            return 0.0
        return math.log(self.high.value / self.typical.value) / Z_P90

    def __add__(self, other: Interval) -> Interval:
        """Add independent parts: typicals add, deviations add by root-sum-square."""
        typical = self.typical.value + other.typical.value
        down = math.hypot(self.typical.value - self.low.value, other.typical.value - other.low.value)
        up = math.hypot(self.high.value - self.typical.value, other.high.value - other.typical.value)
        return Interval(low=Seconds(typical - down), typical=Seconds(typical), high=Seconds(typical + up))

    def __rmul__(self, factor: float) -> Interval:
        """Scale a duration, as when a setup is shared by many calls."""
        return Interval(low=factor * self.low, typical=factor * self.typical, high=factor * self.high)

    def __str__(self) -> str:
        if self.low == self.high:
            return str(self.typical)
        return f"{self.typical} ({self.low} to {self.high})"
