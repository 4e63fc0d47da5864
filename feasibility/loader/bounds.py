"""Bound what only the data decides: the most elements that an operator can find in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

from feasibility.errors import UsageError
from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN
from feasibility.loader.rules.common import has, known, number, plus, times, value
from feasibility.loader.types import Call, Dims, Type


class Bounded(NamedTuple):
    """The output types with the count filled in, and the count."""

    types: tuple[Type, ...]
    size: int


Most: TypeAlias = Callable[[Call], int | None]
Filled: TypeAlias = Callable[[Call, int], Sequence[Dims | None]]


def bound(call: Call, types: tuple[Type, ...], size: int | None) -> Bounded | None:
    """Return the types of outputs whose size depends on data, None where nothing bounds it.

    `size` is what the user says; left out, the largest count that the inputs allow. Raise
    UsageError where it is more than they allow.
    """
    rule = _RULES.get((call.domain, call.op_type))
    if rule is None or all(kind.shape is not None for kind in types):
        return None
    most, filled = rule
    try:
        limit = most(call)
        count = limit if size is None else size
        shapes = filled(call, count) if count is not None else ()
    except (LookupError, TypeError, ValueError):
        return None
    if count is None:
        return None
    if limit is not None and count > limit:
        msg = f"{call.op_type} finds at most {limit} elements in its inputs, not {count}"
        raise UsageError(msg, hint=f"give a size of at most {limit}, or none")
    pairs = zip_longest(types, shapes[: len(types)])
    return Bounded(tuple([_completed(kind, dims) for kind, dims in pairs]), count)


def _completed(kind: Type, dims: Dims | None) -> Type:
    return kind if dims is None or kind.shape is not None else Type(kind.elem, dims)


def _elements(call: Call) -> int | None:
    return times(*known(call, 0))


def _has_axis(call: Call) -> bool:
    return "axis" in dict(call.attributes)


def _along_axis(call: Call) -> int | None:
    """Return the slices along an axis, or the elements where none is named."""
    return known(call, 0)[number(call, "axis")] if _has_axis(call) else _elements(call)


def _selected(call: Call) -> int | None:
    """Compress: at most as many slices as the condition is long, and as there are."""
    there, asked = _along_axis(call), known(call, 1)[0]
    return there if asked is None or there is None else min(there, asked)


def _with_axis(call: Call, count: int) -> Sequence[Dims | None]:
    """Return the input's shape with `count` slices; a vector where no axis is named."""
    if not _has_axis(call):
        return [(count,)]
    dims = list(known(call, 0))
    dims[number(call, "axis")] = count
    return [tuple(dims)]


def _unique(call: Call, count: int) -> Sequence[Dims | None]:
    """Return Y, then one place for each value, one value for each place, one number for each value."""
    return [*_with_axis(call, count), (count,), (_along_axis(call),), (count,)]


def _boxes(call: Call) -> int | None:
    """NonMaxSuppression: per batch and class no more than asked for, nor than there are boxes."""
    batch, boxes, _ = known(call, 0)
    asked = value(call, 2) if has(call, 2) else (0,)
    kept = boxes if asked is None or boxes is None else min(max(asked[0], 0), boxes)
    return times(batch, known(call, 1)[1], kept)


def _words(call: Call) -> int | None:
    """StringNormalizer: no more words than there are, and an empty one where all are dropped."""
    words = known(call, 0)[-1]
    return None if words is None else max(words, 1)


def _path(call: Call) -> int | None:
    """DynamicTimeWarping: a path visits each row and column at least once."""
    return plus(*known(call, 0)[-2:], -1)


_RULES: Mapping[tuple[str, str], tuple[Most, Filled]] = {
    (DEFAULT_DOMAIN, "Compress"): (_selected, _with_axis),
    (DEFAULT_DOMAIN, "NonMaxSuppression"): (_boxes, lambda _, count: [(count, 3)]),
    (DEFAULT_DOMAIN, "NonZero"): (_elements, lambda call, count: [(len(known(call, 0)), count)]),
    (DEFAULT_DOMAIN, "StringNormalizer"): (_words, lambda call, count: [(*known(call, 0)[:-1], count)]),
    (DEFAULT_DOMAIN, "StringSplit"): (
        lambda call: number(call, "maxsplit") + 1,
        lambda call, count: [(*known(call, 0), count)],
    ),
    (DEFAULT_DOMAIN, "Unique"): (_along_axis, _unique),
    (MICROSOFT_DOMAIN, "DynamicTimeWarping"): (_path, lambda _, count: [(2, count)]),
    (MICROSOFT_DOMAIN, "RemovePadding"): (
        lambda call: times(*known(call, 0)[:2]),
        lambda call, count: [(count, known(call, 0)[2])],
    ),
    (MICROSOFT_DOMAIN, "Unique"): (_elements, lambda _, count: [(count,), None, (count,)]),
}
