"""Keep the names of a graph, a branch or a function body, and what is known of each value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import onnx

from feasibility.errors import ModelError
from feasibility.ir import DType, TensorSpec
from feasibility.loader.attributes import constant_spec, value_of
from feasibility.loader.fold import Array, constant
from feasibility.loader.guard import is_possible, shown
from feasibility.loader.types import Type

MAX_NAME = 10_000  # characters, with the names of the bodies around it; real ones stay below 1,000
_CHECK = "check the file with onnx.checker.check_model"
MAX_DEPTH = 64  # functions calling functions and branches in branches


class Tensor(NamedTuple):
    """What the walk knows of a value: its record, its type and, if fixed and small, its array.

    `stored` is where the file holds the value of a constant.
    """

    spec: TensorSpec
    type: Type
    array: Array | None = None
    stored: onnx.TensorProto | None = None


@dataclass(slots=True)
class Names:
    """Keep tensor names unique over the whole walk, however often a body is inlined."""

    taken: dict[str, int] = field(default_factory=dict)

    def unique(self, name: str) -> str:
        """Return the name, numbered when it is taken."""
        if name not in self.taken and len(name) <= MAX_NAME:
            self.taken[name] = 1
            return name
        check_name(name)
        while name in self.taken:
            self.taken[name] += 1
            name = f"{name}#{self.taken[name]}"
        self.taken[name] = 1
        return name


@dataclass(slots=True)
class Scope:
    """The values visible in one body. An absent optional input of a function is None."""

    names: Names
    opsets: Mapping[str, int]
    declared: Mapping[str, Type]
    prefix: str = ""
    outer: Scope | None = None
    calls: tuple[tuple[str, str, str], ...] = ()
    depth: int = 0
    tensors: dict[str, Tensor | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse bodies nested without end."""
        if self.depth > MAX_DEPTH:
            msg = f"{self.prefix[:64]!r}: bodies are nested more than {MAX_DEPTH} deep"
            raise ModelError(msg)

    def knows(self, name: str) -> bool:
        """Tell whether a name is visible from here."""
        return name in self.tensors or (self.outer is not None and self.outer.knows(name))

    def find(self, name: str) -> Tensor | None:
        """Look a name up, outer bodies included; raise KeyError when nothing defines it."""
        if name in self.tensors or self.outer is None:
            return self.tensors[name]
        return self.outer.find(name)

    def results(self, names: Iterable[str]) -> list[Tensor | None]:
        """Look up what a body results in; raise ModelError for a name that nothing writes."""
        try:
            return [self.find(name) for name in names]
        except KeyError as missing:
            msg = f"the output {missing.args[0]!r} of a graph is written by no node"
            raise ModelError(msg, hint=_CHECK) from None

    def bind(self, name: str, tensor: Tensor | None) -> None:
        """Give a value its name in this body; raise ModelError when the name is taken."""
        if name in self.tensors:
            msg = f"tensor {self.prefix + name!r} is written twice"
            raise ModelError(msg, hint=_CHECK)
        self.tensors[name] = tensor

    def body_of(
        self,
        name: str,
        *,
        opsets: Mapping[str, int],
        declared: Mapping[str, Type],
        call: tuple[str, str, str] | None = None,
    ) -> Scope:
        """Return the scope of a body that node `name` runs; a function sees no outer names, a branch does."""
        return Scope(
            self.names,
            opsets,
            declared,
            prefix=f"{name}/",
            outer=self if call is None else None,
            calls=self.calls if call is None else (*self.calls, call),
            depth=self.depth + 1,
        )

    def define(
        self, name: str, kind: Type, array: Array | None = None, *, is_constant: bool = False
    ) -> Tensor:
        """Record a new value."""
        spec = TensorSpec(
            name=self.names.unique(self.prefix + name),
            dtype=DType.from_code(kind.elem),
            shape=kind.shape,
            value=None if array is None else value_of(array),
            constant=is_constant or array is not None,
        )
        tensor = Tensor(spec, kind, array)
        self.bind(name, tensor)
        return tensor

    def define_sparse(self, name: str, stored: onnx.SparseTensorProto) -> Tensor:
        """Record a sparse constant, of which only type and shape are known."""
        check_size(name, stored.dims)
        return self.define(name, Type(stored.values.data_type, tuple(stored.dims)), is_constant=True)

    def define_constant(self, name: str, stored: onnx.TensorProto) -> Tensor:
        """Record an initializer or the value of a Constant."""
        array = constant(stored)
        if array is None:
            check_size(name, stored.dims)
        spec = constant_spec(self.names.unique(self.prefix + name), stored, array)
        tensor = Tensor(spec, Type(stored.data_type, spec.shape), array, stored)
        self.bind(name, tensor)
        return tensor


def check_name(name: str) -> None:
    """Raise ModelError for a name that only fills memory and screens."""
    if len(name) > MAX_NAME:
        msg = f"the name that begins with {name[:64]!r} has {len(name):,} characters"
        raise ModelError(msg, hint=_CHECK)


def check_size(name: str, dims: Sequence[int | None]) -> None:
    """Raise ModelError for a shape that no tensor can have."""
    if not is_possible(dims):
        msg = f"tensor {name!r} cannot have the shape {shown(dims)}"
        raise ModelError(msg, hint="check the sizes in the file and those given with --dim")


class Visit(NamedTuple):
    """One node of the file as the walk comes to it."""

    node: onnx.NodeProto
    op_type: str
    name: str
    domain: str
    opset: int
    inputs: Sequence[Tensor | None]
    scope: Scope

    def hand_out(self, results: Sequence[Tensor | None]) -> None:
        """Give the results of an inlined body the names of the call's outputs."""
        for name, tensor in zip(self.node.output, results, strict=False):
            if name:
                self.scope.bind(name, tensor)
