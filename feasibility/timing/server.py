"""Say how many replicas hold a latency goal under traffic, how long requests take, and the price.

A request waits for others to fill its batch, then for a replica, then for its batch:

    response = batching + wait + service(batch)

A batch is closed when it is full or its first request has waited for the batching delay, and
then stands in line (servers that add to batches in line wait less). Requests come at random.
Batching and wait are added as if independent, though who waits long for others finds a shorter
line. Against simulated batches (13 fleets, 400,000 requests each, 2026): where batches fill, p50
is 4 % short to exact and p99 exact to 7 % long; where a delay closes them, p50 is up to 7 % short
and p99 up to 16 % long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, NamedTuple

from feasibility.errors import UsageError
from feasibility.timing.queues import NO_WAIT, Wait, fixed_wait, quantile_s, varied_wait
from feasibility.units import Seconds

HOURS_PER_YEAR = 8766  # 365.25 days
LARGEST_BATCH = 1024
DEFAULT_BATCH_LIMIT = 128  # the largest that TensorRT's constants were chosen on (runtimes/tensorrt.yaml)

Law = Literal["fixed", "varied"]  # M/D/c: every batch takes as long; M/M/c: as an exponential varies

_GOAL_SHARE = 0.99
_MEDIAN = 0.5
_MILLION = 1e6
_S_PER_HOUR = 3600
_CELLS = 64  # that the batching time is divided into: p99 to 1 % of the delay
_MOST = 1e15  # replicas, or requests in a second; beyond, floats run out of whole numbers


class Quantiles(NamedTuple):
    """What half of the requests, and 99 of 100, do not exceed."""

    p50_s: float
    p99_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """How many requests come in a second, and what they share.

    `delay_s` is the longest that a request may wait for others to fill its batch; None: as long
    as 99 of 100 batches need. `law` is what decides how many replicas there are.
    """

    rate_per_s: float
    delay_s: float | None = None
    law: Law = "fixed"

    def __post_init__(self) -> None:
        """Refuse what no server could answer."""
        _check(
            "traffic", self.rate_per_s, 0 < self.rate_per_s <= _MOST, "give a rate above zero, like 1000/s"
        )
        delay = self.delay_s or 0.0
        _check("batching delay", delay, delay >= 0, "give a time like 5ms, or 0ms for no batches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One replica that always runs full batches: what it can do at most, and at what price."""

    size: int
    service_s: float
    per_s: float  # inferences
    usd_per_million: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Replicas under traffic. Money is None where the price is unknown.

    `mean_batch` is how many requests a batch really holds, `service_s` its time. `wait_fixed`
    (M/D/c) and `wait_varied` (M/M/c, an upper bound for full batches) are waits for a replica;
    they and the response are infinite if the replicas cannot keep up.
    """

    rate_per_s: float
    batch: int
    delay_s: float
    mean_batch: float
    service_s: float
    replicas: int
    utilisation: float
    batching: Quantiles
    wait_fixed: Quantiles
    wait_varied: Quantiles
    response: Quantiles
    usd_per_hour: float | None
    usd_per_million: float | None
    usd_per_year: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The fewest replicas that hold a goal; `best` is None, and `reason` says why, if none do.

    `options` are the fewest for each batch that can hold it, the smallest batch first.
    """

    best: Fleet | None
    options: tuple[Fleet, ...]
    reason: str = ""


def batch_sizes(limit: int = DEFAULT_BATCH_LIMIT) -> tuple[int, ...]:
    """Return 1, 2, 4, ... up to the limit."""
    _check("batch limit", limit, 1 <= limit <= LARGEST_BATCH, f"give a size from 1 to {LARGEST_BATCH}")
    return tuple(2**power for power in range(limit.bit_length()))


def full_batches(
    service_s: Callable[[int], float], sizes: Sequence[int], usd_per_hour: float | None = None
) -> tuple[Batch, ...]:
    """Return what one replica does that never lacks requests, for each size of batch."""
    return tuple(_full_batch(size, service_s(size), usd_per_hour) for size in sizes)


def _full_batch(size: int, service_s: float, usd_per_hour: float | None) -> Batch:
    per_s = size / service_s if service_s else math.inf
    return Batch(
        size=size, service_s=service_s, per_s=per_s, usd_per_million=_per_million(usd_per_hour, per_s)
    )


def fleet(
    traffic: Traffic,
    service_s: Callable[[int], float],
    *,
    batch: int,
    replicas: int,
    usd_per_hour: float | None = None,
) -> Fleet:
    """Return how so many replicas do; `service_s` tells the seconds of a batch of any size."""
    _check("number of replicas", replicas, 1 <= replicas <= _MOST, "give a count from 1 on")
    return _fleet(_line(traffic, service_s, batch), replicas, usd_per_hour)


def plan(
    traffic: Traffic,
    service_s: Callable[[int], float],
    *,
    p99_s: float,
    batch_limit: int = DEFAULT_BATCH_LIMIT,
    usd_per_hour: float | None = None,
) -> Plan:
    """Return the fewest replicas, and their batch, whose p99 response is within the goal.

    Of equally many replicas those with the shortest p99 are the best.
    """
    _check("p99 goal", p99_s, p99_s > 0, "give a time above zero, like 50ms")
    lines = [_line(traffic, service_s, size) for size in batch_sizes(batch_limit)]
    found = [(line, _fewest(line, p99_s)) for line in lines if line.holds(NO_WAIT, p99_s)]
    options = tuple(_fleet(line, count, usd_per_hour) for line, count in found)
    best = min(options, key=lambda each: (each.replicas, each.response.p99_s), default=None)
    return Plan(best=best, options=options, reason="" if best else _unmet(lines, p99_s))


def _unmet(lines: Sequence[_Line], p99_s: float) -> str:
    least_s = min(line.largest_s + quantile_s(line.batching.beyond, _GOAL_SHARE) for line in lines)
    return (
        f"no number of replicas holds a p99 of {Seconds(p99_s)}: "
        f"a request takes {Seconds(least_s)} where none waits for a replica"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batching:
    """How batches form: each holds min(limit, 1 + N) requests, N Poisson over the delay.

    The share of requests that wait longer than t until their batch is closed is the number of
    them in a batch, over the requests of a batch (renewal reward).
    """

    limit: int
    delay_s: float
    rate_per_s: float
    mean: float  # requests of a batch
    middle: float  # of them neither open a batch nor fill it
    largest: int  # 99 of 100 batches hold no more
    size_variance: float
    gap_variance: float  # of the time between batches, in 1/rate^2

    def beyond(self, seconds: float) -> float:
        """Return the share of requests that wait longer than this for their batch."""
        if seconds >= self.delay_s or self.limit == 1:
            return 0.0
        *below, still_open = _poisson_below(self.limit - 1, self.rate_per_s * seconds)
        return max(0.0, still_open + self.middle - _capped_mean(below)) / self.mean

    def cells(self) -> Iterator[tuple[float, float]]:
        """Yield times of waiting for a batch, and the shares of requests that wait so long."""
        above, step = self.beyond(0.0), self.delay_s / _CELLS
        yield 0.0, 1 - above
        for cell in range(1, _CELLS):
            below = self.beyond(cell * step)
            yield (cell - 0.5) * step, above - below
            above = below
        yield self.delay_s, above  # whom the end of the delay closes the batch on


def _batching(traffic: Traffic, limit: int) -> _Batching:
    rate = traffic.rate_per_s
    delay_s = min(_fill_s(rate, limit), math.inf if traffic.delay_s is None else traffic.delay_s)
    *below, last = _poisson_below(limit, rate * delay_s)
    others = _capped_mean(below)
    open_square = 2 * math.fsum(n * (1 - share) for n, share in enumerate((*below, last)))
    return _Batching(
        limit=limit,
        delay_s=delay_s,
        rate_per_s=rate,
        mean=1 + others,
        middle=_capped_mean(below[:-1]),
        largest=next((size for size, share in enumerate(below, 1) if share >= _GOAL_SHARE), limit),
        size_variance=math.fsum((2 * n + 1) * (1 - share) for n, share in enumerate(below)) - others**2,
        gap_variance=1 + open_square - others**2,
    )


def _fill_s(rate_per_s: float, limit: int) -> float:
    """Return the time in which 99 of 100 batches are full."""
    if limit == 1:
        return 0.0
    return quantile_s(lambda seconds: _poisson_below(limit - 1, rate_per_s * seconds)[-1], _GOAL_SHARE)


def _poisson_below(count: int, mean: float) -> list[float]:
    """Return P(N <= 0), P(N <= 1), ..., so many of them, of a Poisson N."""
    if mean == 0:
        return [1.0] * count
    logs = (n * math.log(mean) - mean - math.lgamma(n + 1) for n in range(count))
    return [min(1.0, total) for total in accumulate(map(math.exp, logs))]


def _capped_mean(below: Sequence[float]) -> float:
    """Return the mean of min(n, N) from the first n of P(N <= 0), P(N <= 1), ..."""
    return math.fsum(1 - share for share in below)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """All that a fleet's times depend on, but for the number of replicas."""

    traffic: Traffic
    batching: _Batching
    cells: tuple[tuple[float, float], ...]
    service_s: float  # of the mean batch
    largest_s: float  # of the largest
    unevenness: float  # squared variation of the gaps between batches, and of their times

    @property
    def offered(self) -> float:
        """Return the replicas that are busy at a time."""
        return self.traffic.rate_per_s / self.batching.mean * self.service_s

    def fixed(self, replicas: int) -> Wait:
        """Return the wait where every batch of a size takes as long.

        To full batches of b, replicas are b times as many servers, exactly; to others they are as
        many as leave the work that comes in as uneven (Allen and Cunneen 1978: in heavy traffic
        the wait follows the sum of the squared variations of gaps and services).
        """
        if self.offered >= replicas or not self.service_s:
            return fixed_wait(replicas, self.traffic.rate_per_s / self.batching.mean, self.service_s)
        servers = replicas / self.unevenness
        return fixed_wait(servers, servers * self.offered / replicas / self.service_s, self.service_s)

    def varied(self, replicas: int) -> Wait:
        """Return the wait where batches come at random and their times vary."""
        return varied_wait(replicas, self.traffic.rate_per_s / self.batching.mean, self.service_s)

    def wait(self, replicas: int) -> Wait:
        """Return the wait that the traffic's law asks for."""
        return {"fixed": self.fixed, "varied": self.varied}[self.traffic.law](replicas)

    def beyond(self, wait: Wait, seconds: float) -> float:
        """Return the share of requests whose batching and wait together take longer."""
        return math.fsum(share * wait.beyond(seconds - at) for at, share in self.cells if share > 0)

    def holds(self, wait: Wait, p99_s: float) -> bool:
        """Tell whether 99 of 100 requests are answered within the goal."""
        left_s = p99_s - self.largest_s
        return left_s >= 0 and self.beyond(wait, left_s) <= 1 - _GOAL_SHARE


def _line(traffic: Traffic, service_s: Callable[[int], float], size: int) -> _Line:
    _check("batch", size, 1 <= size <= LARGEST_BATCH, f"give a size from 1 to {LARGEST_BATCH}")
    batching = _batching(traffic, size)
    mean_s, largest_s = _between(service_s, batching.mean), service_s(batching.largest)
    return _Line(
        traffic=traffic,
        batching=batching,
        cells=tuple(batching.cells()),
        service_s=mean_s,
        largest_s=largest_s,
        unevenness=_unevenness(batching, mean_s, largest_s),
    )


def _unevenness(batching: _Batching, mean_s: float, largest_s: float) -> float:
    gaps = batching.gap_variance / batching.mean**2
    more = batching.largest - batching.mean
    if not mean_s or not more:
        return gaps
    each_s = (largest_s - mean_s) / more  # that one more request adds
    return gaps + batching.size_variance * (each_s / mean_s) ** 2


def _between(service_s: Callable[[int], float], size: float) -> float:
    """Return the time of a batch that holds so many on average."""
    lower = math.floor(size)
    part = size - lower
    return service_s(lower) if not part else (1 - part) * service_s(lower) + part * service_s(lower + 1)


def _fewest(line: _Line, p99_s: float) -> int:
    """Return the fewest replicas that hold a goal which holds without any wait.

    More replicas wait less: the step is doubled until they are enough, then the gap is halved.
    """
    few, step = math.floor(line.offered), 1
    while not line.holds(line.wait(few + step), p99_s):
        few, step = few + step, 2 * step
    many = few + step
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if line.holds(line.wait(middle), p99_s) else (middle, many)
    return many


def _fleet(line: _Line, replicas: int, usd_per_hour: float | None) -> Fleet:
    wait, batching = line.wait(replicas), line.batching
    hourly = None if usd_per_hour is None else replicas * usd_per_hour
    before = _quantiles(lambda seconds: line.beyond(wait, seconds))
    return Fleet(
        rate_per_s=line.traffic.rate_per_s,
        batch=batching.limit,
        delay_s=batching.delay_s,
        mean_batch=batching.mean,
        service_s=line.service_s,
        replicas=replicas,
        utilisation=line.offered / replicas,
        batching=_quantiles(batching.beyond),
        wait_fixed=_quantiles(line.fixed(replicas).beyond),
        wait_varied=_quantiles(line.varied(replicas).beyond),
        response=Quantiles(before.p50_s + line.service_s, before.p99_s + line.largest_s),
        usd_per_hour=hourly,
        usd_per_million=_per_million(hourly, line.traffic.rate_per_s),
        usd_per_year=None if hourly is None else HOURS_PER_YEAR * hourly,
    )


def _quantiles(beyond: Callable[[float], float]) -> Quantiles:
    return Quantiles(quantile_s(beyond, _MEDIAN), quantile_s(beyond, _GOAL_SHARE))


def _per_million(usd_per_hour: float | None, rate_per_s: float) -> float | None:
    """Return what a million inferences cost."""
    return None if usd_per_hour is None else usd_per_hour * _MILLION / (rate_per_s * _S_PER_HOUR)


def _check(what: str, value: float, allowed: object, hint: str) -> None:
    if not (math.isfinite(value) and allowed):
        msg = f"the {what} is {value:g}, which no server can be planned for"
        raise UsageError(msg, hint=hint)
