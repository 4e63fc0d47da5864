"""Plan a server for everybody's requests: replicas, batches, waits, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from feasibility.cost import ModelCost
from feasibility.decide.fields import Fields
from feasibility.profiles.models import ComputeUnit, Precision, RuntimeProfile
from feasibility.timing.compute import inference
from feasibility.timing.server import (
    DEFAULT_BATCH_LIMIT,
    HOURS_PER_YEAR,
    Batch,
    Fleet,
    Traffic,
    batch_sizes,
    fleet,
    full_batches,
    plan,
)
from feasibility.units import PerSecond, Seconds

_NEARLY = 0.999  # of the capacity
_HALVINGS = 20  # of a rate: to a millionth of the capacity
_BUSIEST = 0.9  # share of the time: above, an hour with a tenth more requests would end in a jam
_GOAL = 4  # times a single inference: the p99 goal where nobody gives one


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The requests of all users, and how soon 99 of 100 must be answered, network apart."""

    rate: PerSecond
    p99: Seconds | None = None  # None: four times a single inference
    max_batch: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The fewest replicas that hold the goal, and what a request then sees; money is None if unknown.

    Where none hold it, `replicas` is 0 and `reason` says why.
    """

    rate_per_s: float
    p99_goal: Seconds
    replicas: int
    batch: int
    utilisation: float
    response_p50: Seconds
    response_p99: Seconds
    usd_per_hour: float | None
    usd_per_million: float | None
    usd_per_year: float | None
    batches: tuple[Batch, ...] = ()  # one replica that never lacks requests
    cdn_bytes_per_year: float | None = None  # what devices would fetch; None: calls a download unknown
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "rate_per_s": self.rate_per_s,
            "p99_goal_s": self.p99_goal.value,
            "replicas": self.replicas,
            "batch": self.batch,
            "utilisation": self.utilisation,
            "response_p50_s": self.response_p50.value,
            "response_p99_s": self.response_p99.value,
            "usd_per_hour": self.usd_per_hour,
            "usd_per_million": self.usd_per_million,
            "usd_per_year": self.usd_per_year,
            "batches": [_batch_to_dict(batch) for batch in self.batches],
            "cdn_bytes_per_year": self.cdn_bytes_per_year,
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, fields: Fields) -> Self:
        """Read the JSON form back."""
        return cls(
            rate_per_s=fields.number("rate_per_s"),
            p99_goal=Seconds(fields.number("p99_goal_s")),
            replicas=fields.integer("replicas"),
            batch=fields.integer("batch"),
            utilisation=fields.number("utilisation"),
            response_p50=Seconds(fields.number("response_p50_s")),
            response_p99=Seconds(fields.number("response_p99_s")),
            usd_per_hour=fields.number_or_none("usd_per_hour"),
            usd_per_million=fields.number_or_none("usd_per_million"),
            usd_per_year=fields.number_or_none("usd_per_year"),
            batches=tuple(map(_read_batch, fields.items("batches"))),
            cdn_bytes_per_year=fields.number_or_none("cdn_bytes_per_year"),
            reason=fields.text("reason"),
        )


def _batch_to_dict(batch: Batch) -> dict[str, object]:
    return {
        "size": batch.size,
        "inference_s": batch.service_s,
        "inferences_per_s": batch.per_s,
        "usd_per_million": batch.usd_per_million,
    }


def _read_batch(fields: Fields) -> Batch:
    return Batch(
        size=fields.integer("size"),
        service_s=fields.number("inference_s"),
        per_s=fields.number("inferences_per_s"),
        usd_per_million=fields.number_or_none("usd_per_million"),
    )


def serve(
    demand: Demand,
    service_s: Callable[[int], float],
    usd_per_hour: float | None,
    fitting: int = DEFAULT_BATCH_LIMIT,
) -> Service:
    """Return the plan for this demand; `fitting` is the batch that memory holds.

    UsageError for a rate, goal or batch that cannot be.
    """
    one_s = service_s(1)
    goal = demand.p99 or Seconds(_GOAL * one_s)
    asked = DEFAULT_BATCH_LIMIT if demand.max_batch is None else demand.max_batch
    traffic = Traffic(rate_per_s=demand.rate.value)
    found = plan(
        traffic, service_s, p99_s=goal.value, batch_limit=min(asked, fitting), usd_per_hour=usd_per_hour
    )
    best = found.best
    full = full_batches(service_s, batch_sizes(min(asked, fitting)), usd_per_hour)
    if best is None:
        return replace(_unmet(demand, goal, one_s, found.reason), batches=full)
    if best.utilisation > _BUSIEST:
        spare = math.ceil(best.replicas * best.utilisation / _BUSIEST)
        best = fleet(traffic, service_s, batch=best.batch, replicas=spare, usd_per_hour=usd_per_hour)
    return replace(_met(best, goal), batches=full)


def cdn_bytes_per_year(demand: Demand, fetched_bytes: int, calls: int | None, cached: float) -> float | None:
    """Return what devices would fetch in a year if they answered these requests themselves."""
    if calls is None:
        return None
    return demand.rate.value * 3600 * HOURS_PER_YEAR * (1 - cached) * fetched_bytes / calls


def batches(
    cost: ModelCost, unit: ComputeUnit, runtime: RuntimeProfile, precision: Precision | None
) -> Callable[[int], float]:
    """Return what tells the typical seconds of a batch of any size; each is asked once."""
    known: dict[int, float] = {}

    def service_s(batch: int) -> float:
        if batch not in known:
            known[batch] = inference(cost, unit, runtime, precision, batch=batch).interval.typical.value
        return known[batch]

    return service_s


def crowded(service: Service, service_s: Callable[[int], float], budget_s: float) -> PerSecond | None:
    """Return the rate at which half of the requests take as long as the budget on the same replicas.

    None where they take as long already, or where no rate within their capacity makes them.
    """
    if not service.replicas or service.response_p50.value >= budget_s:
        return None

    def half_s(rate: float) -> float:
        at = Traffic(rate_per_s=rate)
        return fleet(at, service_s, batch=service.batch, replicas=service.replicas).response.p50_s

    low, high = service.rate_per_s, service.replicas * service.batch / service_s(service.batch)
    if half_s(high * _NEARLY) < budget_s:
        return PerSecond(high)  # there they cannot keep up, and nobody is answered
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if half_s(middle) < budget_s else (low, middle)
    return PerSecond((low + high) / 2)


def _met(found: Fleet, goal: Seconds) -> Service:
    return Service(
        rate_per_s=found.rate_per_s,
        p99_goal=goal,
        replicas=found.replicas,
        batch=found.batch,
        utilisation=found.utilisation,
        response_p50=Seconds(found.response.p50_s),
        response_p99=Seconds(found.response.p99_s),
        usd_per_hour=found.usd_per_hour,
        usd_per_million=found.usd_per_million,
        usd_per_year=found.usd_per_year,
    )


def _unmet(demand: Demand, goal: Seconds, one_s: float, reason: str) -> Service:
    """Return no plan: an inference alone, with which nobody waits, is longer than the goal."""
    return Service(
        rate_per_s=demand.rate.value,
        p99_goal=goal,
        replicas=0,
        batch=1,
        utilisation=0.0,
        response_p50=Seconds(one_s),
        response_p99=Seconds(one_s),
        usd_per_hour=None,
        usd_per_million=None,
        usd_per_year=None,
        reason=reason,
    )
