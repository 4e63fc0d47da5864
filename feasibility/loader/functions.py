"""Walk a function's body in place of a call, or once for many calls that cost the same."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol, TypeAlias

import onnx

from feasibility.errors import ModelError
from feasibility.loader import attributes as attribute_reader
from feasibility.loader.recorded import Call, Recorded
from feasibility.loader.scope import Scope, Tensor, Visit

SHARE_FROM = 20_000  # inlined nodes; from there on a call that equals an earlier one is not walked again

FunctionKey: TypeAlias = tuple[str, str, str]  # domain, name, overload


class Walker(Protocol):
    """The walk, as far as calls of functions need it."""

    recorded: Recorded
    inlined: int  # nodes of all bodies so far

    def function_scope(self, at: Visit, body: onnx.FunctionProto, key: FunctionKey) -> Scope:
        """Return the scope of a function's body: it sees its parameters alone."""
        ...

    def walk_nodes(self, nodes: Sequence[onnx.NodeProto], scope: Scope) -> None:
        """Walk nodes in an order in which each comes after what it reads."""
        ...

    def record(self, at: Visit, outputs: Sequence[Tensor | None]) -> None:
        """Append the call itself."""
        ...


def inline_function(walker: Walker, body: onnx.FunctionProto, at: Visit) -> None:
    """Walk a function's body in place of the call; raise ModelError where it calls itself."""
    key = (body.domain, body.name, body.overload)
    if key in at.scope.calls:
        msg = f"function {body.domain}::{body.name} calls itself (node {at.name!r})"
        raise ModelError(msg)
    call = _equal_calls(body, at)
    first = walker.recorded.calls.get(call) if walker.inlined >= SHARE_FROM else None
    if first is not None:
        _call_again(walker, first, at)
        return
    inner = walker.function_scope(at, body, key)
    for index, parameter in enumerate(body.input):
        inner.bind(parameter, at.inputs[index] if index < len(at.inputs) else None)
    given = {a.name: a for a in (*body.attribute_proto, *at.node.attribute)}
    start = len(walker.recorded.nodes)
    walker.walk_nodes([attribute_reader.bind_references(n, given) for n in body.node], inner)
    results = inner.results(body.output)
    walker.recorded.called(call, start, tuple(results))
    at.hand_out(results)


def _equal_calls(body: onnx.FunctionProto, at: Visit) -> Hashable:
    """Return what two calls have in common that cost the same: function, attributes, types, weights."""
    inputs = [
        None if t is None else (t.type, None if t.array is None else t.array.tobytes(), _weight(t))
        for t in at.inputs
    ]
    attributes = [a.SerializeToString(deterministic=True) for a in at.node.attribute]
    return (body.domain, body.name, body.overload, at.domain, at.op_type, at.opset, *attributes, *inputs)


def _weight(tensor: Tensor) -> str:
    """Return the name of a weight, which makes a call differ from the same call with another."""
    return tensor.spec.name if tensor.spec.constant else ""


def _call_again(walker: Walker, first: Call, at: Visit) -> None:
    """Record a call whose nodes stand there already: they run once more."""
    outputs = [
        at.scope.define(name, tensor.type, tensor.array) if name and tensor is not None else None
        for name, tensor in zip(at.node.output, first.results, strict=False)
    ]
    walker.recorded.repeat(first)
    walker.record(at, outputs)
