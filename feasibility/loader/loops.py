"""Walk the body of a Loop: once, multiplied by the trip count.

Where sizes change from one iteration to the next, the iterations are written out
one by one instead, as far as a budget allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import onnx

from feasibility.ir import DType
from feasibility.loader.control import Pass, Tensors, Walker, body_of, close, declared, misfit, walked
from feasibility.loader.scope import Scope, Tensor, Visit
from feasibility.loader.types import UNKNOWN, Type, agreed

MAX_UNROLLED = 20_000  # nodes of iterations that are written out, in one model
_NO_LIMIT = 2**63 - 1  # what exporters write as the trip count of a while loop
_CONTROLS = 2  # a Loop's trip count and condition; its body's iteration and condition
_INDEX, _FLAG = Type(DType.INT64.code, ()), Type(DType.BOOL.code, ())
_RUNNING = np.ones((), np.bool_)  # the condition inside a body: where it is false, the body does not run


class _Trips(NamedTuple):
    """How often a body runs; not `exact` where the data decides."""

    times: int
    exact: bool


def visit_loop(walker: Walker, at: Visit) -> None:
    """Walk the body of a Loop once and multiply, or write its iterations out where sizes change."""
    body, states = body_of(at, "body"), at.inputs[_CONTROLS:]
    if len(body.input) != len(states) + _CONTROLS or len(body.output) <= len(states):
        misfit(walker, at)
        return
    found = _any_iteration(walker, at, body, states)
    trips = _trips(at, found.results[0])
    changed = _changed(states, found.results[1:])
    doubtful = bool(changed) or not trips.exact or walker.recorded.has_problem(found.start)
    if not (doubtful and _unroll(walker, at, body, found)):
        _multiply(walker, at, found, trips, changed)


def _multiply(walker: Walker, at: Visit, found: Pass, trips: _Trips, changed: Sequence[int]) -> None:
    """Let the body run as often as the loop does, and give the outputs their types."""
    states = at.inputs[_CONTROLS:]
    count = trips.times if trips.exact else _settled(walker, at, trips)
    for index in changed:
        walker.note(f"{at.name}: state {index} at its first size")
    walker.recorded.multiply(found.start, count)
    results = found.results[1:]
    finals = [_final(*pair) for pair in zip(states, results, strict=False)]
    stacked = [stack(tensor, count) for tensor in results[len(states) :]]
    close(walker, at, {"body": found}, [*finals, *stacked])


def _any_iteration(walker: Walker, at: Visit, body: onnx.GraphProto, states: Tensors) -> Pass:
    """Walk the body as any of its iterations: the first sizes, and no value that changes."""
    scope = walker.body_scope(at, body, at.name)
    fresh = [
        scope.define(body.input[0].name, _INDEX),
        scope.define(body.input[1].name, _FLAG, _RUNNING),
    ]
    parameters = zip(body.input[_CONTROLS:], states, body.output[1:], strict=False)
    return walked(walker, body, scope, [*fresh, *filter(None, [_enter(scope, *p) for p in parameters])])


def _enter(
    scope: Scope, parameter: onnx.ValueInfoProto, state: Tensor | None, result: onnx.ValueInfoProto
) -> Tensor | None:
    """Give a carried state its name in the body; return it where each iteration makes a new one."""
    if state is None or parameter.name == result.name:  # handed through: as fixed as it is outside
        scope.bind(parameter.name, state)
        return None
    return scope.define(parameter.name, declared(state.type, parameter))


def flag(inputs: Tensors, index: int) -> bool | None:
    """Return a condition: absent means true, None that it is not known."""
    tensor = inputs[index] if index < len(inputs) else None
    if tensor is None:
        return True
    return bool(tensor.array.any()) if tensor.array is not None and tensor.array.size == 1 else None


def _limit(at: Visit) -> int | None:
    """Return the trip count that a Loop states; None where it is absent, unknown or means for ever."""
    array = at.inputs[0].array if at.inputs and at.inputs[0] is not None else None
    if array is None or array.size != 1 or array.dtype.kind != "i":
        return None
    count = max(int(array.reshape(-1)[0]), 0)
    return None if count == _NO_LIMIT else count


def _trips(at: Visit, goes_on: Tensor | None) -> _Trips:
    """Tell how often a Loop runs, from its trip count and its conditions."""
    limit, first, then = _limit(at), flag(at.inputs, 1), _goes_on(at, goes_on)
    most = 1 if limit is None else limit
    if first is False:
        return _Trips(0, exact=True)
    if first and then is False:
        return _Trips(min(most, 1), exact=True)
    return _Trips(most, exact=limit is not None and bool(first and then))


def _goes_on(at: Visit, result: Tensor | None) -> bool | None:
    """Return the condition that a body results in; without one to start from, it is ignored (Loop-1)."""
    stated = len(at.inputs) > 1 and at.inputs[1] is not None
    return flag([result], 0) if stated else True


def _settled(walker: Walker, at: Visit, trips: _Trips) -> int:
    """Choose a trip count that the data decides: `--dim NODE.trips=N`, else the limit, else 1."""
    return walker.choose(f"{at.name}.trips", trips.times, at_most=_limit(at) is not None)


def _changed(states: Tensors, results: Tensors) -> list[int]:
    """Return which carried states come out in another shape, or longer, than they went in."""
    pairs = enumerate(zip(states, results, strict=False))
    return [n for n, (a, b) in pairs if a is not None and b is not None and _differ(a.type, b.type)]


def _differ(first: Type, last: Type) -> bool:
    return first.dims != last.dims or first.elements != last.elements


def _final(first: Tensor | None, last: Tensor | None) -> Type:
    """Return the type of a state after the last iteration."""
    return agreed([tensor.type for tensor in (first, last) if tensor is not None])


def stack(tensor: Tensor | None, count: int, axis: int = 0) -> Type:
    """Return the type of what all iterations wrote, along a new axis."""
    if tensor is None or tensor.type.dims is None:
        return UNKNOWN
    dims = list(tensor.type.dims)
    dims.insert(axis if axis >= 0 else len(dims) + 1 + axis, count)
    return Type(tensor.type.elem, tuple(dims))


def _unroll(walker: Walker, at: Visit, body: onnx.GraphProto, found: Pass) -> bool:
    """Write the iterations out, one after the other.

    Return False, and leave all as it was, where their number stays unknown or is large.
    """
    size, limit = found.stop - found.start + 1, _limit(at)
    room = (MAX_UNROLLED - walker.unrolled) // size
    goes_on, endless = flag(at.inputs, 1), limit is None and _goes_on(at, found.results[0])
    if goes_on is None or endless or room < (1 if limit is None else limit):
        return False
    kept = walker.recorded.cut(found.start)
    states, written = at.inputs[_CONTROLS:], list[Tensors]()
    while goes_on and len(written) < (room if limit is None else limit):
        results = _iteration(walker, at, body, len(written), states)
        walker.unrolled += size
        goes_on = _goes_on(at, results[0])
        written.append(results[len(states) + 1 :])
        states = results[1 : len(states) + 1]
    if goes_on is None or (goes_on and len(written) != limit):
        walker.recorded.cut(found.start)
        walker.recorded.paste(kept)
        return False
    _hand_over(walker, at, states, written)
    return True


def _iteration(walker: Walker, at: Visit, body: onnx.GraphProto, number: int, states: Tensors) -> Tensors:
    """Walk one iteration with all that is known of it."""
    scope = walker.body_scope(at, body, f"{at.name}/{number}")
    scope.define(body.input[0].name, _INDEX, np.array(number))
    scope.define(body.input[1].name, _FLAG, _RUNNING)
    for parameter, state in zip(body.input[_CONTROLS:], states, strict=True):
        scope.bind(parameter.name, state)
    return walker.walk_body(body, scope)


def _hand_over(walker: Walker, at: Visit, states: Tensors, written: Sequence[Tensors]) -> None:
    """Give the last states of a written-out loop their names, and record what it stacks."""
    names = at.node.output
    for name, tensor in zip(names, states, strict=False):
        if name:
            at.scope.bind(name, tensor)
    outputs: list[Tensor | None] = [None] * len(states)
    for index, name in enumerate(names[len(states) :]):
        found = [row[index] for row in written if index < len(row)]
        kind = agreed([tensor.type for tensor in found if tensor is not None])
        stacked = UNKNOWN if kind.dims is None else Type(kind.elem, (len(written), *kind.dims))
        outputs.append(at.scope.define(name, stacked) if name else None)
    walker.record(at, outputs[: len(names)])
