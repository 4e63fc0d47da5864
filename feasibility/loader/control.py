"""Walk what an If runs, and what all control flow shares.

A body stands in the flat list of nodes in front of the node that owns it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from math import prod
from typing import NamedTuple, Protocol, TypeAlias

import onnx

from feasibility.errors import ModelError
from feasibility.ir import Body, TensorSpec
from feasibility.loader import attributes as attribute_reader
from feasibility.loader.guard import is_possible
from feasibility.loader.recorded import Recorded
from feasibility.loader.scope import Scope, Tensor, Visit
from feasibility.loader.types import UNKNOWN, Type, agreed, from_proto, is_open

Tensors: TypeAlias = Sequence[Tensor | None]


class Walker(Protocol):
    """The walk, as far as control flow needs it."""

    recorded: Recorded
    unrolled: int  # nodes of iterations that were written out

    def body_scope(self, at: Visit, graph: onnx.GraphProto, name: str) -> Scope:
        """Return the scope of a body: it sees the names around it."""
        ...

    def walk_body(self, graph: onnx.GraphProto, scope: Scope) -> Tensors:
        """Walk a body in its scope and return what it results in."""
        ...

    def record(self, at: Visit, outputs: Tensors, problem: str = "") -> None:
        """Append the node itself."""
        ...

    def choose(self, name: str, default: int, *, at_most: bool = False) -> int:
        """Return a size that the data decides: `--dim NAME=N`, else the default, said so."""
        ...

    def note(self, sentence: str) -> None:
        """Say what else was assumed."""
        ...


class Pass(NamedTuple):
    """One walk over a body: where its nodes stand, what it started from, and its results."""

    start: int
    stop: int
    inputs: tuple[TensorSpec, ...]
    results: Tensors


def body_of(at: Visit, name: str) -> onnx.GraphProto:
    """Return the graph that an attribute holds; raise ModelError when it is missing."""
    graph = attribute_reader.subgraphs(at.node).get(name)
    if graph is None:
        msg = f"node {at.name!r} ({at.op_type}) has no {name}"
        raise ModelError(msg, hint="check the file with onnx.checker.check_model")
    return graph


def walked(walker: Walker, graph: onnx.GraphProto, scope: Scope, fresh: Iterable[Tensor] = ()) -> Pass:
    """Walk a body whose inputs are defined; `fresh` are those that come to life with it."""
    start = len(walker.recorded.nodes)
    results = walker.walk_body(graph, scope)
    return Pass(start, len(walker.recorded.nodes), tuple([t.spec for t in fresh]), results)


def close(walker: Walker, at: Visit, passes: dict[str, Pass], outputs: Sequence[Type | None]) -> None:
    """Record a node behind its bodies, with outputs of these types."""
    owner = len(walker.recorded.nodes)
    walker.recorded.bodies += [
        Body(
            name=name,
            owner=owner,
            start=found.start,
            stop=found.stop,
            inputs=found.inputs,
            results=tuple([None if t is None else t.spec for t in found.results]),
        )
        for name, found in passes.items()
    ]
    kinds = [*outputs, *[UNKNOWN] * len(at.node.output)]
    defined = [
        at.scope.define(name, possible(kind or UNKNOWN)) if name else None
        for name, kind in zip(at.node.output, kinds, strict=False)
    ]
    unknown = any(tensor is not None and is_open(tensor.type) for tensor in defined)
    walker.record(at, defined, "the size of an output depends on the data" if unknown else "")


def misfit(walker: Walker, at: Visit) -> None:
    """Record a node whose body does not fit it: nobody can tell what it does."""
    outputs = [at.scope.define(name, UNKNOWN) if name else None for name in at.node.output]
    walker.record(at, outputs, "its body does not fit its inputs and outputs")


def possible(kind: Type) -> Type:
    """Return a type without a shape that no tensor can have."""
    return kind if kind.dims is None or is_possible(kind.dims) else Type(kind.elem, None)


def declared(kind: Type, parameter: onnx.ValueInfoProto) -> Type:
    """Return the type of a body's input: what arrives first, else what the body declares.

    What a sequence holds changes from one run to the next.
    """
    known = kind.dims is not None or kind.opaque
    return kind._replace(elements=None) if known else from_proto(parameter.type)


def visit_if(walker: Walker, at: Visit) -> None:
    """Walk both branches of an If whose condition is known only at run time."""
    passes = {}
    for name in ("then_branch", "else_branch"):
        graph = body_of(at, name)
        passes[name] = walked(walker, graph, walker.body_scope(at, graph, f"{at.name}/{name}"))
    rows = zip_longest(*[found.results for found in passes.values()])
    outputs = [
        _either(walker, at.scope.prefix + name, [t.type for t in row if t is not None])
        for name, row in zip(at.node.output, rows, strict=False)
    ]
    close(walker, at, passes, outputs)


def _either(walker: Walker, name: str, types: Sequence[Type]) -> Type:
    """Return what both branches agree on, else the larger of their outputs, said so."""
    known = [kind for kind in types if kind.shape is not None]
    if len(set(known)) < 2 or len(known) < len(types):  # noqa: PLR2004 (one type is no choice)
        return agreed(types)
    largest = max(known, key=lambda kind: prod(kind.shape or ()))
    walker.note(f"{name}={list(largest.dims or ())} (its larger branch)")
    return largest
