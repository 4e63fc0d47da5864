"""Walk the body of a Scan once, multiplied by the length of what it scans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from feasibility.loader import attributes as attribute_reader
from feasibility.loader.control import Tensors, Walker, body_of, close, declared, misfit, walked
from feasibility.loader.loops import stack
from feasibility.loader.scope import Tensor, Visit
from feasibility.loader.types import UNKNOWN, Type

_BATCHED = 8  # the one opset whose Scan has a batch axis in front, and lengths as its first input


def visit_scan(walker: Walker, at: Visit) -> None:
    """Walk the body of a Scan; `--dim NODE.trips=N` says a length that the graph does not."""
    body, attributes = body_of(at, "body"), attribute_reader.read(at.node.attribute)
    lead = int(at.opset <= _BATCHED)  # axes in front of all others
    given, scanned = at.inputs[lead:], attributes.get("num_scan_inputs")
    if not isinstance(scanned, int) or not 0 < scanned <= len(given) == len(body.input):
        misfit(walker, at)
        return
    states, sources = given[:-scanned], given[-scanned:]
    axes = _axes(attributes.get("scan_input_axes"), len(sources), lead)
    count, batch = _size(sources, axes), _size(sources, [0]) if lead else 1
    count = walker.choose(f"{at.name}.trips", 1) if count is None else count
    kinds = [_without(tensor, range(lead)) for tensor in states]
    kinds += [_without(tensor, [*range(lead), axis]) for tensor, axis in zip(sources, axes, strict=True)]
    scope = walker.body_scope(at, body, at.name)
    fresh = [scope.define(p.name, declared(kind, p)) for p, kind in zip(body.input, kinds, strict=True)]
    found = walked(walker, body, scope, fresh)
    walker.recorded.multiply(found.start, count * (batch or 1))
    out_axes = _axes(attributes.get("scan_output_axes"), max(len(found.results) - len(states), 0), 0)
    outputs = [tensor.type if tensor else UNKNOWN for tensor in found.results[: len(states)]]
    outputs += [
        stack(tensor, count, axis)
        for tensor, axis in zip(found.results[len(states) :], out_axes, strict=True)
    ]
    close(walker, at, {"body": found}, [_behind([batch] * lead, kind) for kind in outputs])


def _axes(stated: object, count: int, default: int) -> Sequence[int]:
    """Return one axis per scanned tensor."""
    given = [axis for axis in stated if isinstance(axis, int)] if isinstance(stated, tuple) else []
    return given if len(given) == count else [default] * count


def _size(sources: Tensors, axes: Sequence[int]) -> int | None:
    """Return the first known size along the axes."""
    pairs = zip(sources, axes, strict=False)
    sizes = (
        _dims(tensor)[axis] for tensor, axis in pairs if -len(_dims(tensor)) <= axis < len(_dims(tensor))
    )
    return next((size for size in sizes if size is not None), None)


def _dims(tensor: Tensor | None) -> tuple[int | None, ...]:
    return () if tensor is None or tensor.type.dims is None else tensor.type.dims


def _without(tensor: Tensor | None, axes: Iterable[int]) -> Type:
    """Return the type of one slice."""
    if tensor is None or tensor.type.dims is None:
        return UNKNOWN
    rank = len(tensor.type.dims)
    gone = {axis % rank for axis in axes if -rank <= axis < rank}
    return Type(tensor.type.elem, tuple([d for n, d in enumerate(tensor.type.dims) if n not in gone]))


def _behind(lead: Sequence[int | None], kind: Type) -> Type:
    """Return a type with leading axes."""
    return kind if kind.dims is None else Type(kind.elem, (*lead, *kind.dims))
