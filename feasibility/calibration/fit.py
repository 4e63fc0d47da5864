"""Fit the constants of the time formula to timings.

With exponent 1 the formula is a sum of products: a time is what a model asks of each term,
in seconds at a share of one, times the term's constant (1/e, 1/b, or an overhead). Errors are
ratios, so the fit works on logarithms: Gauss-Newton steps, each a bounded least-squares problem
solved coordinate by coordinate, with Huber's weights so that a few odd kernels do not bend it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

from feasibility.profiles.models import MAX_EFFICIENCY, OpClassName
from feasibility.timing.loads import Load

CLASSES: tuple[str, ...] = get_args(OpClassName)
TRAFFIC = ("weights", "activations", "light")
OVERHEADS = ("overhead", "light_overhead", "constant")
TERMS = (*CLASSES, *TRAFFIC, *OVERHEADS)

_LEAST = 1 / MAX_EFFICIENCY  # of 1/e and 1/b
_MOST = 1000.0  # of 1/e and 1/b: a thousandth of the peak
_MOST_OVERHEAD_S = 1e-2
_HUBER = 0.15  # of the logarithm: errors beyond count by their size, not its square
_STEPS, _SWEEPS = 60, 200
_DAMPING = 0.5
_SETTLED = 1e-7  # relative change of a constant

Z_P80 = 1.2815515655446004  # of the standard normal: 80 % lie within


class Row(NamedTuple):
    """What a model asks of each term, how long it took, and how much the row counts."""

    amounts: Mapping[str, float]
    seconds: float
    weight: float = 1.0


def amounts(loads: Sequence[Load], peak_flops_per_s: float, bandwidth_bytes_per_s: float) -> dict[str, float]:
    """Return what loads ask of each term, in seconds at a share of one (overheads: how often)."""
    found = dict.fromkeys(TERMS, 0.0)
    found["constant"] = 1.0
    for load in loads:
        if load.op_class is None:
            found["light"] += load.runs * load.activation_bytes / bandwidth_bytes_per_s
            found["light_overhead"] += load.runs
            continue
        found[load.op_class] += load.runs * load.flops / peak_flops_per_s
        found["weights"] += load.runs * load.weight_bytes / bandwidth_bytes_per_s
        found["activations"] += load.runs * load.activation_bytes / bandwidth_bytes_per_s
        found["overhead"] += load.runs
    return found


def predict(row: Mapping[str, float], constants: Mapping[str, float]) -> float:
    """Return the seconds that constants give a row of amounts."""
    return math.fsum(row[term] * value for term, value in constants.items())


def fit(rows: Sequence[Row], terms: Sequence[str] = TERMS) -> dict[str, float]:
    """Return the constant of each term: 1/e, 1/b and overheads in seconds, within their bounds.

    A term that no row asks for gets its upper bound where it is a rate: nothing is known to be free.
    """
    bounds = [_bounds(term) for term in terms]
    table = [[row.amounts[term] for term in terms] for row in rows]
    found = _start(table, rows, bounds)
    for _ in range(_STEPS):
        target = _step(table, rows, found, bounds)
        moved = [_DAMPING * old + (1 - _DAMPING) * new for old, new in zip(found, target, strict=True)]
        settled = all(abs(a - b) <= _SETTLED * max(abs(a), abs(b)) for a, b in zip(found, moved, strict=True))
        found = moved
        if settled:
            break
    return dict(zip(terms, found, strict=True))


def spread(rows: Sequence[Row], constants: Mapping[str, float]) -> float:
    """Return the sigma of a log-normal that holds 80 % of the rows within its p10 and p90."""
    return quantile([abs(error(row, constants)) for row in rows], 0.8) / Z_P80


def misfit(rows: Sequence[Row], constants: Mapping[str, float]) -> float:
    """Return the weighted mean of the sizes of the errors."""
    total = math.fsum(row.weight * abs(error(row, constants)) for row in rows)
    return total / math.fsum(row.weight for row in rows)


def left_out(rows: Sequence[Row], among: Sequence[int]) -> float:
    """Return the sigma of rows that constants are asked about which were fitted without them."""
    errors = []
    for index in among:
        constants = fit([row for other, row in enumerate(rows) if other != index])
        errors.append(abs(error(rows[index], constants)))
    return quantile(errors, 0.8) / Z_P80


def error(row: Row, constants: Mapping[str, float]) -> float:
    """Return ln(predicted / measured)."""
    return math.log(predict(row.amounts, constants) / row.seconds)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share lies at or below, between neighbours in proportion."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _bounds(term: str) -> tuple[float, float]:
    if term in OVERHEADS:
        return 0.0, _MOST_OVERHEAD_S
    return (0.0 if term == "light" else _LEAST), _MOST


def _start(table: list[list[float]], rows: Sequence[Row], bounds: list[tuple[float, float]]) -> list[float]:
    """Return the least-squares solution of the relative errors."""
    scaled = [[a / row.seconds for a in line] for line, row in zip(table, rows, strict=True)]
    weights = [row.weight for row in rows]
    return _bounded(scaled, [1.0] * len(rows), weights, [max(low, 1e-9) for low, _ in bounds], bounds)


def _step(
    table: list[list[float]], rows: Sequence[Row], found: list[float], bounds: list[tuple[float, float]]
) -> list[float]:
    """Solve the problem that is linear around the present constants: ln p grows by dp/p."""
    scaled, wanted, weights = [], [], []
    for line, row in zip(table, rows, strict=True):
        guess = math.fsum(a * c for a, c in zip(line, found, strict=True))
        off = math.log(guess / row.seconds)
        scaled.append([a / guess for a in line])
        wanted.append(1 - off)
        weights.append(row.weight * min(1.0, _HUBER / max(abs(off), 1e-12)))
    return _bounded(scaled, wanted, weights, found, bounds)


def _bounded(
    table: list[list[float]],
    wanted: list[float],
    weights: list[float],
    start: list[float],
    bounds: list[tuple[float, float]],
) -> list[float]:
    """Minimise the weighted squares of table*x - wanted within bounds, one coordinate after another."""
    size = range(len(start))
    gram = [[_dot(table, weights, i, j) for j in size] for i in size]
    goal = [
        math.fsum(w * line[i] * y for line, w, y in zip(table, weights, wanted, strict=True)) for i in size
    ]
    x = [min(max(value, low), high) for value, (low, high) in zip(start, bounds, strict=True)]
    for _ in range(_SWEEPS):
        change = 0.0
        for i in size:
            if not gram[i][i]:
                x[i] = bounds[i][1] if bounds[i][0] else 0.0
                continue
            rest = math.fsum(gram[i][j] * x[j] for j in size if j != i)
            new = min(max((goal[i] - rest) / gram[i][i], bounds[i][0]), bounds[i][1])
            change = max(change, abs(new - x[i]) / max(abs(new), abs(x[i]), 1e-300))
            x[i] = new
        if change < _SETTLED:
            break
    return x


def _dot(table: list[list[float]], weights: list[float], i: int, j: int) -> float:
    return math.fsum(w * line[i] * line[j] for line, w in zip(table, weights, strict=True))
