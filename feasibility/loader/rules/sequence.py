"""Shape rules of sequences: what they hold, one type for each tensor, as far as that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from feasibility.ir import DType
from feasibility.loader.guard import shown
from feasibility.loader.rules.common import Rule, given, has, known, like, number, plus, same_as_first, value
from feasibility.loader.types import Call, Dims, Type, agreed, element_of, sequence_of

MAX_TRACKED = 1024  # tensors of one sequence that are looked at one by one

Elements: TypeAlias = tuple[Type, ...]


def _sequence(elements: Elements, else_: Type) -> Type:
    """Return the type of a sequence that holds these; `else_` is what an empty one would hold."""
    shared = agreed(elements) if elements else else_
    return sequence_of(shared, elements if len(elements) <= MAX_TRACKED else None)


def _position(call: Call, index: int) -> int | None:
    found = value(call, index)
    return found[0] if found is not None and len(found) == 1 else None


def _empty(call: Call) -> Sequence[Type]:
    return (sequence_of(Type(number(call, "dtype", DType.FLOAT.code), None), ()),)


def _construct(call: Call) -> Sequence[Type]:
    elements = tuple([given(call, n) for n in range(len(call.inputs))])
    return (_sequence(elements, Type(0, None)),)


def _insert(call: Call) -> Sequence[Type]:
    """Put a tensor at a place, at the end where none is given; an unknown place blurs all."""
    sequence, tensor = given(call, 0), given(call, 1)
    elements, place = sequence.elements, _position(call, 2)
    if elements is None:
        return (sequence_of(agreed([element_of(sequence), tensor])),)
    if has(call, 2) and place is None:
        return (_blurred([*elements, tensor], len(elements) + 1),)
    place = len(elements) if place is None else place
    if abs(place) > len(elements):
        msg = f"no place {place} in a sequence of {len(elements)}"
        raise ValueError(msg)
    place %= len(elements) + (place >= 0)
    return (_sequence((*elements[:place], tensor, *elements[place:]), tensor),)


def _erase(call: Call) -> Sequence[Type]:
    sequence, place = given(call, 0), _position(call, 1)
    elements = sequence.elements
    if elements is None:
        return (sequence,)
    if has(call, 1) and place is None:
        return (_blurred(elements, len(elements) - 1),)
    rest = list(elements)
    del rest[-1 if place is None else place]
    return (_sequence(tuple(rest), element_of(sequence)),)


def _blurred(elements: Sequence[Type], count: int) -> Type:
    """Return a sequence of so many tensors, each with what all of these share."""
    shared = agreed(elements)
    return _sequence((shared,) * count, shared)


def _at(call: Call) -> Sequence[Type]:
    sequence, place = given(call, 0), _position(call, 1)
    if sequence.elements is None or place is None:
        return (agreed(sequence.elements) if sequence.elements else element_of(sequence),)
    return (sequence.elements[place],)


def _length(call: Call) -> Sequence[Type]:
    given(call, 0)
    return (Type(DType.INT64.code, ()),)


def _split(call: Call) -> Sequence[Type]:
    """Cut along an axis: by lengths, else into parts of one length of which the last may be shorter."""
    dims = known(call, 0)
    axis = range(len(dims))[number(call, "axis", 0)]
    drop = not has(call, 1) and not number(call, "keepdims", 1)

    def part(size: int | None) -> Type:
        return like(call, 0, *dims[:axis], *([] if drop else [size]), *dims[axis + 1 :])

    lengths = _lengths(call, dims[axis])
    if lengths is None:
        return (sequence_of(part(None if has(call, 1) else 1)),)
    return (_sequence(tuple([part(length) for length in lengths]), part(None)),)


def _lengths(call: Call, size: int | None) -> Sequence[int | None] | None:
    """Return the length of every part; None where their number is unknown or large."""
    stated = value(call, 1) if has(call, 1) else (1,)
    if has(call, 1) and given(call, 1).dims != ():
        return _stated_lengths(stated, given(call, 1), size)
    if size is None or stated is None or size > MAX_TRACKED * stated[0]:
        return None
    return [min(stated[0], size - start) for start in range(0, size, stated[0])]


def _stated_lengths(
    stated: Sequence[int] | None, kind: Type, size: int | None
) -> Sequence[int | None] | None:
    """Return lengths that are written out, or as many unknown ones as there are."""
    if stated is None:
        return None if kind.shape is None or kind.shape[0] > MAX_TRACKED else (None,) * kind.shape[0]
    if size is not None and sum(stated) != size:
        msg = f"parts of {shown(stated)} do not make {size}"
        raise ValueError(msg)
    return stated


def _concat(call: Call) -> Sequence[Type]:
    """Join along an axis, or stack along a new one."""
    sequence, axis = given(call, 0), number(call, "axis")
    elements = sequence.elements
    shared = agreed(elements) if elements else element_of(sequence)
    if shared.dims is None:
        return (_joined(elements or (), shared, axis),)
    if number(call, "new_axis", 0):
        return (Type(shared.elem, _stacked(shared.dims, axis, None if elements is None else len(elements))),)
    dims = list(shared.dims)
    dims[axis] = plus(*[_size(kind, axis) for kind in elements]) if elements is not None else None
    return (Type(shared.elem, tuple(dims)),)


def _joined(elements: Elements, shared: Type, axis: int) -> Type:
    """Tensors of different ranks cannot be joined; of an unknown rank, nothing is known."""
    if elements and all(kind.dims is not None for kind in elements):
        msg = f"tensors of different ranks do not join along axis {axis}"
        raise ValueError(msg)
    return Type(shared.elem, None)


def _size(kind: Type, axis: int) -> int | None:
    return None if kind.dims is None else kind.dims[axis]


def _stacked(dims: Dims, axis: int, count: int | None) -> Dims:
    place = range(len(dims) + 1)[axis]
    return (*dims[:place], count, *dims[place:])


RULES: Mapping[str, Rule] = {
    "ConcatFromSequence": _concat,
    "Identity": same_as_first,
    "SequenceAt": _at,
    "SequenceConstruct": _construct,
    "SequenceEmpty": _empty,
    "SequenceErase": _erase,
    "SequenceInsert": _insert,
    "SequenceLength": _length,
    "SplitToSequence": _split,
}
