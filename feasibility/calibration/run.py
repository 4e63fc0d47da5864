"""Measure this machine in ONNX Runtime and turn the timings into constants of the time formula.

All graphs of a pass are timed in turns, several rounds long: a machine is not equally fast from
one second to the next, and what changes for all graphs alike does not bend the fit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from feasibility.calibration import fit as fitting
from feasibility.calibration.measure import Session, Timing, turns
from feasibility.calibration.networks import Probe, probes
from feasibility.cost import ModelCost
from feasibility.loader import load
from feasibility.loader.runnable import Array, Runnable, feeds, runnable
from feasibility.profiler import profile
from feasibility.profiles.models import Precision
from feasibility.timing.kernels import Kernels
from feasibility.timing.loads import AS_STORED, loads

Progress = Callable[[float], None]  # is told the share that is done

_ROUNDS_AT_LEAST = 5
_TURN_S = 0.04  # of one graph in one round
# the threads of the graph before spin this long, on the cores of the next: a LeViT took 10.9 ms right after
# another model, 6.8 after 2 ms, 6.4 after 20 ms, 6.5 alone (2 threads, ONNX Runtime 1.32.0, 2026-11-27)
_SETTLE_S = 0.02
_NETWORK_WEIGHT = 10.0  # whole networks are what is predicted; layers only tell the terms apart
_LEAST_SIGMA = 0.05  # measured here (docs/time.md)
_MOST_SIGMA = 2.0  # that a profile may say (profiles/models.py)
# the share of the whole time that each pass may take: what users ask about first gets most
_PASSES: tuple[tuple[Precision, bool, float], ...] = (
    ("fp32", True, 0.45), ("fp32", False, 0.30), ("int8", True, 0.15), ("int8", False, 0.10),
)  # fmt: skip
_BLOCKS = (1, 4, 8, 16)  # channels that vector units of 128 to 512 bits take at once
STREAM = "stream"  # the probe whose traffic no cache holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A graph to time: what it is called, what it costs, and what it needs to run."""

    name: str
    cost: ModelCost
    model: Runnable
    network: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The constants of one precision and number of threads, and what they were fitted to."""

    precision: Precision
    threads: int
    peak_flops_per_s: float
    bandwidth_bytes_per_s: float
    channel_block: int
    constants: dict[str, float]  # by term: 1/e, 1/b, overheads in seconds
    sigma: float  # of networks that were left out, one by one
    spread: float  # by which share the middle round of a graph is longer than its lower quartile (median)
    n: int


def calibrate(
    threads: int, *, anchors: Sequence[str] = (), budget_s: float, progress: Progress
) -> Iterator[Fitted]:
    """Yield the constants of each precision with all threads and with one, within about `budget_s`.

    `anchors` are files of models that are timed and fitted to as well. Raise ModelError for one
    that cannot be read, MeasureError for one that ONNX Runtime cannot run.
    """
    own = [_anchor(path) for path in anchors]
    done = 0.0
    for precision, all_threads, share in _PASSES:
        subjects = [_subject(probe) for probe in probes(int8=precision == "int8")]
        subjects += [each for each in own if precision == "fp32"]
        report = part_of(progress, done, share)
        count = threads if all_threads else 1
        timed = measured(subjects, threads=count, budget_s=budget_s * share, progress=report)
        yield _fitted(subjects, timed, precision, count)
        done += share


def measured(
    subjects: Sequence[Subject], *, threads: int, budget_s: float, progress: Progress
) -> list[Timing]:
    """Time all subjects in turns, until the budget is spent and each had its rounds."""
    started = time.perf_counter()
    sessions = [Session(each.model, _inputs(each), threads=threads) for each in subjects]
    kept: list[list[float]] = [[] for _ in subjects]
    turn_s = min(_TURN_S, budget_s / (_ROUNDS_AT_LEAST * len(subjects)))
    rounds = 0
    while rounds < _ROUNDS_AT_LEAST or time.perf_counter() - started < budget_s * rounds / (rounds + 1):
        for found, session in zip(kept, sessions, strict=True):
            time.sleep(_SETTLE_S if threads > 1 else 0)
            found.append(session.turn(turn_s))
        rounds += 1
        progress(min(1.0, (time.perf_counter() - started) / budget_s))
    progress(1.0)
    return [turns(found) for found in kept]


def subject(path: str, cost: ModelCost) -> Subject:
    """Return a model of a file as something to time."""
    return Subject(name=path, cost=cost, model=runnable(path), network=True)


def _anchor(path: str) -> Subject:
    return subject(path, profile(load(path)))


def _subject(probe: Probe) -> Subject:
    model = probe.model()
    return Subject(
        name=probe.name,
        cost=profile(load(model)),
        model=Runnable(model=model, weights={}),
        network=probe.network,
    )


def _inputs(each: Subject) -> dict[str, Array]:
    return feeds(each.cost.model.inputs)


def part_of(progress: Progress, done: float, share: float) -> Progress:
    """Return what tells the progress of a part of the work, as a share of the whole."""
    return lambda part: progress(done + share * part)


def _fitted(
    subjects: Sequence[Subject], timed: Sequence[Timing], precision: Precision, threads: int
) -> Fitted:
    """Fit the terms; peaks are the fastest that any graph computed or moved."""
    peak, bandwidth = _fastest(subjects, timed)

    def rows(block: int) -> list[fitting.Row]:
        return [
            fitting.Row(
                fitting.amounts(loads(each.cost, AS_STORED, kernels=Kernels(block)), peak, bandwidth),
                turn.seconds,
                _NETWORK_WEIGHT if each.network else 1.0,
            )
            for each, turn in zip(subjects, timed, strict=True)
        ]

    fits = [(block, found, fitting.fit(found)) for block, found in ((b, rows(b)) for b in _BLOCKS)]
    block, found, constants = min(fits, key=lambda each: fitting.misfit(each[1], each[2]))
    networks = [index for index, each in enumerate(subjects) if each.network]
    return Fitted(
        precision=precision,
        threads=threads,
        peak_flops_per_s=peak,
        bandwidth_bytes_per_s=bandwidth,
        channel_block=block,
        constants=constants,
        sigma=min(_MOST_SIGMA, max(_LEAST_SIGMA, fitting.left_out(found, networks))),
        spread=fitting.quantile([turn.spread for turn in timed], 0.5),
        n=len(found),
    )


def _fastest(subjects: Sequence[Subject], timed: Sequence[Timing]) -> tuple[float, float]:
    """Return the highest rate of multiply-adds, in FLOP/s, and the rate of the stream, in bytes/s."""
    pairs = list(zip(subjects, timed, strict=True))
    stream, turn = next(pair for pair in pairs if pair[0].name == STREAM)
    moved = sum(load.activation_bytes for load in loads(stream.cost, AS_STORED))
    return max(2 * each.cost.fmas / found.seconds for each, found in pairs), moved / turn.seconds
