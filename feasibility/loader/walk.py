"""Walk a model once, forward: bind free dimensions, know every shape, fold shape arithmetic.

Model-local functions, function bodies of operators without a cost rule, and the
taken branch of an If are inlined, so the result is one flat graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TypeAlias

import onnx

from feasibility.errors import ModelError
from feasibility.ir import DEFAULT_DOMAIN, Graph, Model, Node, TensorSpec
from feasibility.loader import attributes as attribute_reader
from feasibility.loader import fold
from feasibility.loader.dims import Dimensions
from feasibility.loader.known import KNOWN, Attributes, Inputs
from feasibility.loader.order import in_order
from feasibility.loader.read import Source
from feasibility.loader.schema import find_schema, function_body
from feasibility.loader.scope import Names, Scope, Tensor
from feasibility.loader.shapes import UNKNOWN, Call, Inferred, Type, from_proto, infer, to_proto

MAX_NODES = 1_000_000  # after inlining

# float inputs whose value decides a shape; all others are shape inputs only as integers
_FLOAT_SHAPE_INPUTS = frozenset({"Resize", "Upsample", "Range"})

HasRule: TypeAlias = Callable[[str, str, int], bool]
Progress: TypeAlias = Callable[[str], None]


def walk(
    source: Source, dims: Mapping[str, int], has_rule: HasRule, progress: Progress | None = None
) -> Model:
    """Return the model with every shape known that can be; raise ModelError on a broken graph.

    `has_rule(domain, op_type, opset)` tells which operators need no function body;
    `progress` hears the name of each node before native code sees it.
    """
    dimensions = Dimensions(dims)
    walker = _Walker(source.proto, dimensions, has_rule, progress or (lambda _: None))
    graph = walker.run()
    dimensions.check_all_used()
    return Model(
        path=source.path,
        file_bytes=source.file_bytes,
        external_bytes=source.external_bytes,
        opsets=walker.opsets,
        dims=dict(dimensions.bound),
        assumed=dimensions.sentences(),
        graph=graph,
    )


def _imports(opsets: Iterable[onnx.OperatorSetIdProto]) -> dict[str, int]:
    return {o.domain or DEFAULT_DOMAIN: o.version for o in opsets}


class _Walker:
    """One walk: the nodes found so far, and what equal calls were inferred to be."""

    def __init__(
        self, proto: onnx.ModelProto, dimensions: Dimensions, has_rule: HasRule, progress: Progress
    ) -> None:
        self.graph = proto.graph
        self.dimensions = dimensions
        self.has_rule = cache(has_rule)
        self.progress = progress
        self.opsets = _imports(proto.opset_import) or {DEFAULT_DOMAIN: 1}
        self.functions = {(f.domain or DEFAULT_DOMAIN, f.name, f.overload): f for f in proto.functions}
        self.nodes: list[Node] = []
        self.inferred: dict[Call, Inferred] = {}
        self.fold_budget = fold.MODEL_BUDGET

    def run(self) -> Graph:
        """Walk the main graph."""
        scope = Scope(Names(), self.opsets, {})
        stored = {t.name for t in self.graph.initializer} | {
            t.values.name for t in self.graph.sparse_initializer
        }
        real = [value for value in self.graph.input if value.name not in stored]
        inputs = tuple(scope.define(value.name, self._bound_type(value)).spec for value in real)
        scope.declared = self._declared((*self.graph.value_info, *self.graph.output))
        self._body(self.graph, scope)
        outputs = self._outputs(self.graph.output, scope)
        return Graph(
            nodes=tuple(self.nodes), inputs=inputs, outputs=tuple(t.spec for t in outputs if t is not None)
        )

    def _bound_type(self, value: onnx.ValueInfoProto) -> Type:
        """Return the type of a graph input with every free dimension bound."""
        kind = from_proto(value.type)
        if kind.dims is None or kind.opaque:
            return kind
        stated = tuple(
            size or dim.dim_param or f"{value.name}[{axis}]"
            for axis, (size, dim) in enumerate(zip(kind.dims, value.type.tensor_type.shape.dim, strict=True))
        )
        return Type(
            kind.elem,
            tuple(
                size if isinstance(size, int) else self.dimensions.bind(size, axis, stated)
                for axis, size in enumerate(stated)
            ),
        )

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
            dims = tuple(d if d >= 0 else None for d in sparse.dims)
            scope.define(sparse.values.name, Type(sparse.values.data_type, dims), is_constant=True)
        self._nodes(graph.node, scope)

    def _nodes(self, nodes: Sequence[onnx.NodeProto], scope: Scope) -> None:
        for index, node in enumerate(in_order(nodes, scope.knows)):
            self._visit(node, index, scope)

    def _outputs(self, values: Iterable[onnx.ValueInfoProto], scope: Scope) -> list[Tensor | None]:
        try:
            return [scope.find(value.name) for value in values]
        except KeyError as missing:
            msg = f"the graph's output {missing.args[0]!r} is written by no node"
            raise ModelError(msg, hint="check the file with onnx.checker.check_model") from None

    def _visit(self, node: onnx.NodeProto, index: int, scope: Scope) -> None:
        """Inline a node that has a body, record any other."""
        if len(self.nodes) > MAX_NODES:
            msg = f"the graph has more than {MAX_NODES} nodes once its functions are inlined"
            raise ModelError(msg)
        name = scope.prefix + (node.name or f"{node.op_type}_{index}")
        domain = node.domain or DEFAULT_DOMAIN
        inputs = self._inputs(node, name, scope)
        body = self.functions.get((domain, node.op_type, node.overload)) or self._schema_body(
            node, domain, inputs, scope
        )
        if body is not None:
            self._inline_function(body, node, name, inputs, scope)
        elif domain == DEFAULT_DOMAIN and node.op_type == "If" and _is_known(inputs):
            self._inline_branch(node, name, inputs, scope)
        else:
            self._operator(node, name, domain, inputs, scope)

    def _inputs(self, node: onnx.NodeProto, name: str, scope: Scope) -> Inputs:
        try:
            return [scope.find(i) if i else None for i in node.input]
        except KeyError as missing:
            msg = f"node {name!r} ({node.op_type}) reads tensor {missing.args[0]!r}, which nothing writes"
            raise ModelError(msg, hint="check the file with onnx.checker.check_model") from None

    def _schema_body(
        self, node: onnx.NodeProto, domain: str, inputs: Inputs, scope: Scope
    ) -> onnx.FunctionProto | None:
        """Return the body that onnx defines for an operator without a cost rule."""
        opset = scope.opsets.get(domain, 1)
        if self.has_rule(domain, node.op_type, opset):
            return None
        schema = find_schema(domain, node.op_type, opset)
        if schema is None:
            return None
        self.progress(node.name)
        return function_body(
            schema, node, [onnx.TypeProto() if t is None else to_proto(t.type) for t in inputs]
        )

    def _inline_function(
        self, body: onnx.FunctionProto, node: onnx.NodeProto, name: str, inputs: Inputs, scope: Scope
    ) -> None:
        """Walk a function's body in place of the call."""
        key = (body.domain, body.name, body.overload)
        if key in scope.calls:
            msg = f"function {body.domain}::{body.name} calls itself (node {name!r})"
            raise ModelError(msg)
        opsets = {**scope.opsets, **_imports(body.opset_import)}
        inner = Scope(
            scope.names, opsets, self._declared(body.value_info), prefix=f"{name}/", depth=scope.depth + 1,
            calls=(*scope.calls, key),
        )  # fmt: skip
        given = {a.name: a for a in (*body.attribute_proto, *node.attribute)}
        for index, parameter in enumerate(body.input):
            inner.bind(parameter, inputs[index] if index < len(inputs) else None)
        self._nodes([attribute_reader.bind_references(n, given) for n in body.node], inner)
        self._hand_out(node, [onnx.ValueInfoProto(name=o) for o in body.output], inner, scope)

    def _inline_branch(self, node: onnx.NodeProto, name: str, inputs: Inputs, scope: Scope) -> None:
        """Walk the branch of an If whose condition is known."""
        condition = inputs[0].array if inputs[0] is not None else None
        taken = "then_branch" if condition is not None and condition.any() else "else_branch"
        branch = attribute_reader.subgraphs(node).get(taken)
        if branch is None:
            msg = f"node {name!r} (If) has no {taken}"
            raise ModelError(msg)
        inner = Scope(
            scope.names, scope.opsets, self._declared(branch.value_info), prefix=f"{name}/", outer=scope,
            depth=scope.depth + 1, calls=scope.calls,
        )  # fmt: skip
        self._body(branch, inner)
        self._hand_out(node, branch.output, inner, scope)

    def _hand_out(
        self, node: onnx.NodeProto, values: Iterable[onnx.ValueInfoProto], inner: Scope, scope: Scope
    ) -> None:
        """Give the results of an inlined body the names of the call's outputs."""
        for name, tensor in zip(node.output, self._outputs(values, inner), strict=False):
            if name:
                scope.bind(name, tensor)

    def _operator(self, node: onnx.NodeProto, name: str, domain: str, inputs: Inputs, scope: Scope) -> None:
        """Infer, fold where small and known, and record an ordinary node."""
        # a Constant's value lives in its output's spec; nobody asks for its attributes
        is_constant = domain == DEFAULT_DOMAIN and node.op_type == "Constant"
        attributes = {} if is_constant else attribute_reader.read(node.attribute)
        outputs = self._folded(node, domain, inputs, scope, attributes)
        folded, problem = outputs is not None, ""
        if outputs is None:
            types, problem = self._types(node, name, domain, inputs, scope, attributes)
            outputs = [
                scope.define(output, kind) if output else None
                for output, kind in zip(node.output, types, strict=True)
            ]
        self.nodes.append(
            Node(
                name=name,
                domain=domain,
                op_type=node.op_type,
                opset=scope.opsets.get(domain, 1),
                inputs=tuple([None if t is None else t.spec for t in inputs]),
                outputs=tuple([None if t is None else t.spec for t in outputs]),
                attributes=attributes,
                folded=folded,
                problem=problem,
            )
        )

    def _types(
        self,
        node: onnx.NodeProto,
        name: str,
        domain: str,
        inputs: Inputs,
        scope: Scope,
        attributes: Attributes,
    ) -> Inferred:
        """Infer a node's outputs, once for equal calls; complete them from declared shapes."""
        call = Call(
            domain=domain,
            op_type=node.op_type,
            opset=scope.opsets.get(domain, 1),
            attributes=tuple(attributes.items()),
            inputs=tuple([None if t is None else t.type for t in inputs]),
            values=tuple([_shape_value(node.op_type, t) for t in inputs]),
            outputs=len(node.output),
        )
        inferred = self.inferred.get(call)
        if inferred is None:
            self.progress(name)
            inferred = self.inferred[call] = infer(call, node, scope.opsets)
        if not any(kind.shape is None for kind in inferred.types):
            return inferred
        types = tuple(
            kind if kind.shape is not None else _complete(kind, scope.declared.get(output, UNKNOWN))
            for kind, output in zip(inferred.types, node.output, strict=True)
        )
        return Inferred(types, inferred.problem or "the size of an output depends on the data")

    def _folded(
        self, node: onnx.NodeProto, domain: str, inputs: Inputs, scope: Scope, attributes: Attributes
    ) -> list[Tensor | None] | None:
        """Return the outputs of a node whose result the graph fixes, else None."""
        if domain != DEFAULT_DOMAIN:
            return None
        rule = KNOWN.get(node.op_type)
        outputs = rule(node, inputs, scope, attributes) if rule is not None else None
        return outputs or self._evaluated(node, inputs, scope, attributes)

    def _evaluated(
        self, node: onnx.NodeProto, inputs: Inputs, scope: Scope, attributes: Attributes
    ) -> list[Tensor | None] | None:
        """Evaluate shape arithmetic whose inputs are all known and whose outputs are small."""
        if not inputs or self.fold_budget <= 0:
            return None
        if any([t is not None and t.array is None for t in inputs]):
            return None
        arrays = fold.evaluate(node.op_type, [None if t is None else t.array for t in inputs], attributes)
        if arrays is None or len(arrays) != len(node.output):
            return None
        self.fold_budget -= sum(a.size for a in arrays) + 1
        return [
            scope.define(output, Type(fold.type_code(array), array.shape), array) if output else None
            for output, array in zip(node.output, arrays, strict=True)
        ]


def _is_known(inputs: Inputs) -> bool:
    return (
        bool(inputs) and inputs[0] is not None and inputs[0].array is not None and inputs[0].array.size == 1
    )


def _shape_value(op_type: str, tensor: Tensor | None) -> bytes | None:
    """Return the bytes of a known input that may decide a shape."""
    if tensor is None or tensor.array is None:
        return None
    kind = tensor.array.dtype.kind
    return (
        tensor.array.tobytes() if kind in "iub" or (kind == "f" and op_type in _FLOAT_SHAPE_INPUTS) else None
    )


def _complete(inferred: Type, declared: Type) -> Type:
    """Fill what inference left open with what the file declares."""
    if inferred.opaque or declared.opaque:
        return inferred if inferred.opaque else declared
    elem = inferred.elem or declared.elem
    if inferred.dims is None or declared.dims is None or len(inferred.dims) != len(declared.dims):
        return Type(elem, inferred.dims if inferred.dims is not None else declared.dims)
    return Type(elem, tuple(d if i is None else i for i, d in zip(inferred.dims, declared.dims, strict=True)))
