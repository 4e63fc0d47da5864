"""Walk a model once, forward: bind free dimensions, know every shape, fold shape arithmetic.

Model-local functions, function bodies of operators without a cost rule, and the
taken branch of an If are inlined; the bodies of Loop, Scan and other Ifs stand in
front of their node. So the result is one flat graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import TypeAlias

import onnx

from feasibility.errors import ModelError
from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN, NCHWC_DOMAIN, Graph, Model, Node
from feasibility.loader import attributes as attribute_reader
from feasibility.loader import fold
from feasibility.loader.complete import completed
from feasibility.loader.control import Walker, visit_if
from feasibility.loader.dims import Dimensions
from feasibility.loader.exported import scopes
from feasibility.loader.functions import FunctionKey, inline_function
from feasibility.loader.known import KNOWN, Attributes
from feasibility.loader.loops import visit_loop
from feasibility.loader.order import Reads, in_order
from feasibility.loader.padding import with_channels
from feasibility.loader.read import Source, check_text
from feasibility.loader.recorded import Recorded
from feasibility.loader.scans import visit_scan
from feasibility.loader.schema import find_schema, function_body
from feasibility.loader.scope import MAX_NAME, Names, Scope, Tensor, Visit, check_name, check_size
from feasibility.loader.shapes import infer
from feasibility.loader.types import (
    FLOAT_SHAPE_INPUTS,
    Array,
    Call,
    Inferred,
    Type,
    from_proto,
    to_proto,
)

MAX_NODES = 1_000_000  # of the graph itself; real ones have thousands
MAX_INLINED = 200_000  # of all calls of functions and of all branches together
_MAX_VERSION = 2**31 - 1  # of an operator set, as onnx stores it
_MAX_VALUES = 64  # inputs of one node whose values are looked at; those that decide a shape come first
_CHECK = "check the file with onnx.checker.check_model"

_NO_ATTRIBUTES: Attributes = MappingProxyType({})
HasRule: TypeAlias = Callable[[str, str, int], bool]
Progress: TypeAlias = Callable[[str], None]

_CONTROL: Mapping[str, Callable[[Walker, Visit], None]] = {
    "If": visit_if,
    "Loop": visit_loop,
    "Scan": visit_scan,
}


def walk(
    source: Source, dims: Mapping[str, int], has_rule: HasRule, progress: Progress | None = None
) -> Model:
    """Return the model with every shape known that can be; raise ModelError on a broken graph.

    `has_rule(domain, op_type, opset)` tells which operators need no function body;
    `progress` hears the name of each node before native code sees it.
    """
    dimensions = Dimensions(dims)
    try:
        walker = _Walker(source.proto, dimensions, has_rule, progress or (lambda _: None))
        with fold.quiet():
            graph = walker.run()
    except ModelError as error:
        msg = f"{source.path!r}: {error.message}"
        raise ModelError(msg, hint=error.hint) from None
    except (TypeError, UnicodeError):
        check_text(source)  # bytes where text should be, if that is why
        raise
    choices = walker.recorded.choices
    dims_of_nodes = {choice.name: choice.size for choice in choices if choice.name}
    dimensions.check_all_used(dims_of_nodes)
    said = [choice.sentence for choice in choices if choice.sentence]
    return Model(
        path=source.path,
        file_bytes=source.file_bytes,
        graph_sha256=source.graph_sha256,
        external_bytes=source.external_bytes,
        external_files=source.external_files,
        opsets=walker.opsets,
        dims=dimensions.bound | dims_of_nodes,
        assumed=tuple(dict.fromkeys([*dimensions.sentences(), *said])),
        graph=graph,
    )


def _imports(opsets: Iterable[onnx.OperatorSetIdProto]) -> dict[str, int]:
    found = {o.domain or DEFAULT_DOMAIN: o.version for o in opsets}
    for domain, version in found.items():
        check_name("" + domain)  # TypeError where it is not text
        if not 0 <= version <= _MAX_VERSION:
            msg = f"the operator set {domain!r} has no version {version}"
            raise ModelError(msg, hint=_CHECK)
    return found


class _Walker:
    """One walk: the nodes found so far, and what equal calls were inferred to be."""

    def __init__(
        self, proto: onnx.ModelProto, dimensions: Dimensions, has_rule: HasRule, progress: Progress
    ) -> None:
        self.graph = proto.graph
        self.dimensions = dimensions
        self.has_rule = cache(has_rule)
        self.progress = progress
        self.is_microsofts = cache(self._is_microsofts)
        self.opsets = _imports(proto.opset_import) or {DEFAULT_DOMAIN: 1}
        self.functions = {(f.domain or DEFAULT_DOMAIN, f.name, f.overload): f for f in proto.functions}
        self.recorded = Recorded()
        self.unrolled = 0
        self.reads = Reads()
        self.inferred: dict[tuple[object, ...], Inferred] = {}
        self.fold_budget = fold.MODEL_BUDGET
        self.inlined = 0

    def run(self) -> Graph:
        """Walk the main graph."""
        scope = Scope(Names(), self.opsets, {})
        stored = {t.name for t in self.graph.initializer} | {
            t.values.name for t in self.graph.sparse_initializer
        }
        real = [value for value in self.graph.input if value.name not in stored]
        placed = [
            self.dimensions.place(value.name, _stated(value)) for value in real
        ]  # all before any default
        self.dimensions.names = frozenset(d for shape in placed for d in shape or () if isinstance(d, str))
        pairs = zip(real, placed, strict=True)
        inputs = tuple(scope.define(value.name, self._bound_type(value, dims)).spec for value, dims in pairs)
        scope.declared = self._declared((*self.graph.value_info, *self.graph.output))
        self._body(self.graph, scope)
        outputs = scope.results([value.name for value in self.graph.output])
        return Graph(
            nodes=self.recorded.result(),
            inputs=inputs,
            outputs=tuple(t.spec for t in outputs if t is not None),
            bodies=tuple(self.recorded.bodies),
        )

    def _bound_type(self, value: onnx.ValueInfoProto, stated: tuple[int | str, ...] | None) -> Type:
        """Return the type of a graph input with every free dimension bound."""
        kind = from_proto(value.type)
        if stated is None or kind.opaque:
            return kind
        dims = tuple(
            size if isinstance(size, int) else self.dimensions.bind(size, axis, stated)
            for axis, size in enumerate(stated)
        )
        check_size(value.name, dims)
        return Type(kind.elem, dims)

    def _declared(self, values: Iterable[onnx.ValueInfoProto]) -> dict[str, Type]:
        """Read the shapes that a file declares, free dimensions as bound: a last resort."""
        return {value.name: self._declared_type(value.type) for value in values}

    def _declared_type(self, proto: onnx.TypeProto) -> Type:
        kind = from_proto(proto)
        if kind.dims is None:
            return kind
        named = (self.dimensions.bound.get(dim.dim_param) for dim in proto.tensor_type.shape.dim)
        return Type(kind.elem, tuple(n if k is None else k for k, n in zip(kind.dims, named, strict=True)))

    def _body(self, graph: onnx.GraphProto, scope: Scope) -> None:
        """Walk the initializers and nodes of a graph or a branch."""
        for stored in graph.initializer:
            scope.define_constant(stored.name, stored)
        for sparse in graph.sparse_initializer:
            scope.define_sparse(sparse.values.name, sparse)
        self.walk_nodes(graph.node, scope)

    def walk_nodes(self, nodes: Sequence[onnx.NodeProto], scope: Scope) -> None:
        """Walk nodes in an order in which each comes after what it reads."""
        self._spend(len(nodes), scope)
        for index, node in enumerate(in_order(nodes, scope.knows, self.reads)):
            self._visit(node, index, scope)

    def _spend(self, nodes: int, scope: Scope) -> None:
        """Refuse a graph that would take for ever: a short file can call for any number of nodes."""
        if scope.depth:
            self.inlined += nodes + 1  # an empty body takes time too
        if self.inlined > MAX_INLINED or nodes > MAX_NODES:
            where, most = ("functions and branches", MAX_INLINED) if scope.depth else ("graph", MAX_NODES)
            msg = f"the {where} of the model hold more than {most:,} nodes in all"
            raise ModelError(msg, hint="cut the model into parts and count each")

    def _visit(self, node: onnx.NodeProto, index: int, scope: Scope) -> None:
        """Inline a node that has a body, record any other."""
        op_type, domain = node.op_type, node.domain or DEFAULT_DOMAIN
        name = scope.prefix + (node.name or f"{op_type}_{index}")
        if len(name) + len(op_type) + len(domain) > MAX_NAME:
            check_name(max(name, op_type, domain, key=len))
        inputs = _inputs(node, name, scope)
        at = Visit(node, op_type, name, domain, scope.opsets.get(domain, 1), inputs, scope)
        body = self._body_of(at)
        control = _CONTROL.get(op_type) if domain == DEFAULT_DOMAIN else None
        if body is not None:
            inline_function(self, body, at)
        elif control is None:
            self._operator(at)
        elif op_type == "If" and _is_known(inputs):
            self._inline_branch(at)
        else:
            control(self, at)

    def _body_of(self, at: Visit) -> onnx.FunctionProto | None:
        """Return the model's function for a node, else the one that onnx defines where no rule counts it."""
        if self.functions:
            local: onnx.FunctionProto | None = self.functions.get((at.domain, at.op_type, at.node.overload))
            if local is not None:
                return local
        if self.has_rule(at.domain, at.op_type, at.opset):
            return None
        schema = find_schema(at.domain, at.op_type, at.opset)
        if schema is None:
            return None
        self.progress(at.name)
        types = [onnx.TypeProto() if t is None else to_proto(t.type) for t in at.inputs]
        return function_body(schema, at.node, types)

    def _inline_branch(self, at: Visit) -> None:
        """Walk the branch of an If whose condition is known."""
        condition = at.inputs[0].array if at.inputs[0] is not None else None
        taken = "then_branch" if condition is not None and condition.any() else "else_branch"
        branch = attribute_reader.subgraphs(at.node).get(taken)
        if branch is None:
            msg = f"node {at.name!r} (If) has no {taken}"
            raise ModelError(msg)
        at.hand_out(self.walk_body(branch, self.body_scope(at, branch, at.name)))

    def body_scope(self, at: Visit, graph: onnx.GraphProto, name: str) -> Scope:
        """Return the scope of a body: it sees the names around it."""
        return at.scope.body_of(name, opsets=at.scope.opsets, declared=self._declared(graph.value_info))

    def function_scope(self, at: Visit, body: onnx.FunctionProto, key: FunctionKey) -> Scope:
        """Return the scope of a function's body: it sees its parameters alone."""
        return at.scope.body_of(
            at.name,
            opsets={**at.scope.opsets, **_imports(body.opset_import)},
            declared=self._declared(body.value_info),
            call=key,
        )

    def walk_body(self, graph: onnx.GraphProto, scope: Scope) -> Sequence[Tensor | None]:
        """Walk a body in its scope and return what it results in."""
        self._body(graph, scope)
        return scope.results([value.name for value in graph.output])

    def choose(self, name: str, default: int, *, at_most: bool = False) -> int:
        """Return a size that the data decides: `--dim NAME=N`, else the default, said so."""
        given = self.given(name)
        said = f"{name}<={default}" if at_most else f"{name}={default}"
        self.recorded.choose(name, default if given is None else given, said if given is None else "")
        return default if given is None else given

    def given(self, name: str) -> int | None:
        """Return what `--dim NAME=N` says of a size that the data decides."""
        return self.dimensions.given.get(name)

    def note(self, sentence: str) -> None:
        """Say what else was assumed."""
        self.recorded.choose("", 0, sentence)

    def _operator(self, at: Visit) -> None:
        """Infer, fold where small and known, and record an ordinary node."""
        if at.domain == DEFAULT_DOMAIN and self.is_microsofts(at.op_type, at.opset):
            at = at._replace(domain=MICROSOFT_DOMAIN, opset=1)
            self.note(f"{at.op_type} as {MICROSOFT_DOMAIN} defines it, though the file names no domain")
        node = at.node
        # a Constant's value lives in its output's spec; nobody asks for its attributes
        is_constant = at.domain == DEFAULT_DOMAIN and at.op_type == "Constant"
        attributes: Attributes = {} if is_constant else attribute_reader.read(node.attribute)
        if at.domain == NCHWC_DOMAIN:
            attributes = with_channels(at, attributes)
        outputs = self._folded(at, attributes)
        folded, problem = outputs is not None, ""
        if outputs is None:
            inferred = self._types(at, attributes)
            problem = inferred.problem
            outputs = [
                at.scope.define(output, kind) if output else None
                for output, kind in zip(node.output, inferred.types, strict=True)
            ]
        self.record(at, outputs, problem, attributes, folded=folded)

    def record(
        self,
        at: Visit,
        outputs: Sequence[Tensor | None],
        problem: str = "",
        attributes: Attributes = _NO_ATTRIBUTES,
        *,
        folded: bool = False,
    ) -> None:
        """Append a node."""
        self.recorded.add(
            Node(
                name=at.name,
                domain=at.domain,
                op_type=at.op_type,
                opset=at.opset,
                inputs=tuple([None if t is None else t.spec for t in at.inputs]),
                outputs=tuple([None if t is None else t.spec for t in outputs]),
                attributes=attributes,
                folded=folded,
                problem=problem,
                scopes=scopes(at.node) if at.node.metadata_props else (),
            )
        )

    def _types(self, at: Visit, attributes: Attributes) -> Inferred:
        """Infer a node's outputs, once for equal calls; complete them from declared shapes."""
        key = (
            at.domain,
            at.op_type,
            at.opset,
            tuple(attributes.items()),
            tuple([None if t is None else t.type for t in at.inputs]),
            tuple(
                [
                    None if t is None or t.array is None else _shape_value(at.op_type, t.array)
                    for t in at.inputs[:_MAX_VALUES]
                ]
            ),
            len(at.node.output),
        )
        inferred = self.inferred.get(key)  # a Call is a tuple: it takes longer to make than to find
        if inferred is None:
            self.progress(at.name)
            inferred = self.inferred[key] = infer(Call(*key), at.node, at.scope.opsets)
        if inferred.final:
            return inferred
        return completed(self, Call(*key), inferred, at)

    def _is_microsofts(self, op_type: str, opset: int) -> bool:
        """Tell whether ONNX has no such operator and com.microsoft does: some files forget the domain."""
        if self.has_rule(DEFAULT_DOMAIN, op_type, opset) or not self.has_rule(MICROSOFT_DOMAIN, op_type, 1):
            return False
        return find_schema(DEFAULT_DOMAIN, op_type, _MAX_VERSION) is None  # in no version

    def _folded(self, at: Visit, attributes: Attributes) -> list[Tensor | None] | None:
        """Return the outputs of a node whose result the graph fixes, else None."""
        if at.domain != DEFAULT_DOMAIN:
            return None
        rule = KNOWN.get(at.op_type)
        has_output = rule is not None and len(at.node.output) == 1 and bool(at.node.output[0])
        outputs = rule(at, attributes) if rule is not None and has_output else None
        return outputs or self._evaluated(at, attributes)

    def _evaluated(self, at: Visit, attributes: Attributes) -> list[Tensor | None] | None:
        """Evaluate shape arithmetic whose inputs are all known and whose outputs are small."""
        for tensor in at.inputs:
            if tensor is not None and tensor.array is None:  # the first one, most often
                return None
        known = [None if tensor is None else tensor.array for tensor in at.inputs]
        if not known or self.fold_budget <= 0:
            return None
        self.fold_budget -= len(known)
        arrays = fold.evaluate(at.op_type, known, attributes)
        if arrays is None or len(arrays) != len(at.node.output):
            return None
        return [
            at.scope.define(output, Type(fold.type_code(array), array.shape), array) if output else None
            for output, array in zip(at.node.output, arrays, strict=True)
        ]


def _inputs(node: onnx.NodeProto, name: str, scope: Scope) -> Sequence[Tensor | None]:
    find = scope.find if scope.outer is not None else scope.tensors.__getitem__
    try:
        return [find(i) if i else None for i in node.input]
    except KeyError as missing:
        msg = f"node {name!r} ({node.op_type}) reads tensor {missing.args[0]!r}, which nothing writes"
        raise ModelError(msg, hint=_CHECK) from None


def _stated(value: onnx.ValueInfoProto) -> tuple[int | str, ...] | None:
    """Return the shape that a graph input declares: sizes, and a name for each free dimension."""
    dims = from_proto(value.type).dims
    if dims is None:
        return None
    stated = tuple(
        size or dim.dim_param or f"{value.name}[{axis}]"
        for axis, (size, dim) in enumerate(zip(dims, value.type.tensor_type.shape.dim, strict=True))
    )
    for name in stated:
        if isinstance(name, str):
            check_name(name)
    return stated


def _is_known(inputs: Sequence[Tensor | None]) -> bool:
    return (
        bool(inputs) and inputs[0] is not None and inputs[0].array is not None and inputs[0].array.size == 1
    )


def _shape_value(op_type: str, array: Array) -> bytes | None:
    """Return the bytes of a known input that may decide a shape."""
    kind = array.dtype.kind
    return array.tobytes() if kind in "iub" or (kind == "f" and op_type in FLOAT_SHAPE_INPUTS) else None
