"""Choose the sizes that a dimension takes, a bounded number of them, and find them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from feasibility.cost import ModelCost
from feasibility.errors import UsageError

MAX_VALUES = 64  # each is a walk of the whole model


def doublings(first: int, last: int) -> tuple[int, ...]:
    """Return first, 2 * first, ... up to last; raise UsageError where that is no sequence."""
    _check_ends(first, last)
    if first == 0:
        msg = "doubling 0 leads nowhere"
        raise UsageError(msg, hint=f"start at 1, or give a step like 0..{last}:16")
    return tuple(takewhile(lambda size: size <= last, (first << power for power in range(last.bit_length()))))


def steps(first: int, last: int, step: int) -> tuple[int, ...]:
    """Return first, first + step, ... up to last; raise UsageError where that is no sequence."""
    _check_ends(first, last)
    if step < 1:
        msg = f"a step of {step} leads nowhere"
        raise UsageError(msg, hint="give a step of 1 or more")
    values = range(first, last + 1, step)
    _check_number(len(values))
    return tuple(values)


def check_values(dimension: str, values: Sequence[int], dims: Mapping[str, int]) -> None:
    """Raise UsageError for no values, too many, one that comes twice, or a dimension that is bound."""
    _check_number(len(values))
    twice = sorted(value for value in set(values) if values.count(value) > 1)
    if twice:
        msg = f"{dimension!r} is to take the value {twice[0]} twice"
        raise UsageError(msg)
    if dimension in dims:
        msg = f"{dimension!r} cannot both be {dims[dimension]} and vary"
        raise UsageError(msg, hint="bind it or vary it")


def size_of(cost: ModelCost, dimension: str) -> int:
    """Return the size that a dimension was given, by its name or as INPUT[AXIS]."""
    placed = {
        f"{spec.name}[{axis}]": size
        for spec in cost.model.inputs
        for axis, size in enumerate(spec.shape or ())
    }
    return {**placed, **cost.dims}[dimension]


def _check_number(count: int) -> None:
    if not 1 <= count <= MAX_VALUES:
        msg = f"a dimension takes 1 to {MAX_VALUES} values at a time, not {count:,}"
        raise UsageError(msg, hint="give fewer, or a larger step")


def _check_ends(first: int, last: int) -> None:
    if first > last:
        msg = f"{first}..{last} ends before it starts"
        raise UsageError(msg, hint=f"write {last}..{first}")
