"""Bind the dimensions of an input by position: what the loader calls INPUT[AXIS]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from feasibility.alike import meant
from feasibility.errors import UsageError
from feasibility.ir import TensorSpec

Inputs: TypeAlias = Mapping[str, Sequence[int]]


def positions(dims: Mapping[str, int], inputs: Inputs) -> dict[str, int]:
    """Return the dims with each size of each input as INPUT[AXIS]; raise UsageError where two differ."""
    bound = dict(dims)
    for name, shape in inputs.items():
        for axis, size in enumerate(shape):
            other = bound.setdefault(f"{name}[{axis}]", size)
            if other != size:
                msg = f"input {name!r} is given two sizes along axis {axis}, {other} and {size}"
                raise UsageError(msg, hint="give each size once")
    return bound


def check_inputs(inputs: Inputs, known: Iterable[TensorSpec]) -> None:
    """Raise UsageError for an input that the model lacks, or that has another rank."""
    shapes = {spec.name: spec.shape for spec in known}
    for name, given in inputs.items():
        if name not in shapes:
            msg = f"the model has no input {name!r}"
            all_names = f"its inputs are {', '.join(map(repr, shapes)) or 'none'}"
            raise UsageError(msg, hint=meant(name, shapes, all_names))
        _check_rank(name, len(given), shapes[name])


def _check_rank(name: str, given: int, shape: tuple[int, ...] | None) -> None:
    if shape is None:
        msg = f"input {name!r} has no shape that sizes could be given for"
        raise UsageError(msg)
    if len(shape) != given:
        msg = f"input {name!r} has {_sizes(len(shape))}, not {given}"
        raise UsageError(msg, hint=f"its shape is {list(shape)} where nothing is given")


def _sizes(rank: int) -> str:
    return "1 dimension" if rank == 1 else f"{rank} dimensions"
