"""Run models with random weights and set the times beside those predicted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from feasibility.calibration.fit import quantile
from feasibility.calibration.run import Progress, Subject, measured, part_of
from feasibility.cost import ModelCost
from feasibility.profiles.models import ComputeUnit, RuntimeProfile
from feasibility.timing.compute import inference
from feasibility.timing.interval import Interval

_TOGETHER_BYTES = 2 * 10**9  # of parameters: models that are kept loaded and timed in turns
_TWICE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A model's time as predicted and as measured."""

    model: str
    precision: str
    predicted: Interval
    measured_s: float
    spread: float  # of the measured time: between quartiles, as a share

    @property
    def ratio(self) -> float:
        """Return predicted / measured."""
        return self.predicted.typical.value / self.measured_s

    @property
    def error(self) -> float:
        """Return by which share the prediction is off."""
        return abs(self.ratio - 1)

    @property
    def inside(self) -> bool:
        """Tell whether the measured time lies in the interval."""
        return self.predicted.low.value <= self.measured_s <= self.predicted.high.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How well a device's profile predicts models that were run on it."""

    device: str
    machine: str  # the device's name
    unit: str
    runtime: str
    threads: int
    models: tuple[Compared, ...]

    @property
    def median_error(self) -> float:
        """Return the median error."""
        return quantile([each.error for each in self.models], 0.5)

    @property
    def p90_error(self) -> float:
        """Return the error that nine of ten models stay below."""
        return quantile([each.error for each in self.models], 0.9)

    @property
    def within_twice(self) -> float:
        """Return the share of models that took between half and twice the predicted time."""
        return self._share(1 / _TWICE <= each.ratio <= _TWICE for each in self.models)

    @property
    def mean_ratio(self) -> float:
        """Return the geometric mean of predicted / measured."""
        return math.exp(math.fsum(math.log(each.ratio) for each in self.models) / len(self.models))

    @property
    def coverage(self) -> float:
        """Return the share of models whose time lies in the predicted interval; 0.8 is meant."""
        return self._share(each.inside for each in self.models)

    def _share(self, holds: Iterator[bool]) -> float:
        return sum(holds) / len(self.models)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "schema_version": 1,
            "device": self.device,
            "machine": self.machine,
            "unit": self.unit,
            "runtime": self.runtime,
            "threads": self.threads,
            "models": [
                {
                    "path": each.model,
                    "precision": each.precision,
                    "predicted_s": each.predicted.to_dict(),
                    "measured_s": each.measured_s,
                    "spread": each.spread,
                    "ratio": each.ratio,
                    "inside": each.inside,
                }
                for each in self.models
            ],
            "median_error": self.median_error,
            "p90_error": self.p90_error,
            "within_twice": self.within_twice,
            "mean_ratio": self.mean_ratio,
            "coverage": self.coverage,
        }


def compared(  # noqa: PLR0913 (what is run, on what, and for how long)
    subjects: Sequence[Subject],
    unit: ComputeUnit,
    runtime: RuntimeProfile,
    *,
    threads: int,
    seconds_each: float,
    progress: Progress,
) -> tuple[Compared, ...]:
    """Run each model for some seconds, in turns with others; MeasureError for one that cannot be run."""
    rows: list[Compared] = []
    for batch in _batches(subjects):
        done = len(rows) / len(subjects)
        share = len(batch) / len(subjects)
        timed = measured(
            batch,
            threads=threads,
            budget_s=seconds_each * len(batch),
            progress=part_of(progress, done, share),
        )
        rows += [
            _row(each, turn.seconds, turn.spread, unit, runtime)
            for each, turn in zip(batch, timed, strict=True)
        ]
    return tuple(rows)


def _row(
    each: Subject, seconds: float, spread: float, unit: ComputeUnit, runtime: RuntimeProfile
) -> Compared:
    found = inference(each.cost, unit, runtime, None)
    return Compared(
        model=each.name,
        precision=found.precision,
        predicted=found.interval,
        measured_s=seconds,
        spread=spread,
    )


def _batches(subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
    """Yield models that together fit in memory, in order."""
    total = 0

    def batch(each: Subject) -> int:
        nonlocal total
        total += _bytes(each.cost)
        return total // _TOGETHER_BYTES

    for _, found in groupby(subjects, batch):
        yield list(found)


def _bytes(cost: ModelCost) -> int:
    return cost.totals.parameter_bytes
