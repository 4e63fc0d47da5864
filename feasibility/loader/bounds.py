"""Bound what the data decides: the most elements that an operator can find (placeholder)."""

from __future__ import annotations

from typing import NamedTuple

from feasibility.loader.types import Call, Type


class Bounded(NamedTuple):
    """The output types with the count filled in, and the count."""

    types: tuple[Type, ...]
    size: int


def bound(call: Call, types: tuple[Type, ...], size: int | None) -> Bounded | None:
    """Return the completed types, or None where no bound exists."""
    del call, types, size
    return None
