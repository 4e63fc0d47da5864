"""Turn a walked model into plain tuples and back, to cross a process border by marshal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from feasibility.ir import Attribute, Body, DType, Graph, Model, Node, TensorSpec

_TENSOR = "tensor"
_TensorsOf: TypeAlias = Callable[[tuple[int | None, ...]], tuple[TensorSpec | None, ...]]


def encode(model: Model) -> tuple[Any, ...]:
    """Return a model as tuples of numbers and text; each tensor stands once, nodes name it by index."""
    specs: list[TensorSpec] = []
    index: dict[int, int] = {}

    def reference(spec: TensorSpec | None) -> int | None:
        if spec is None:
            return None
        if id(spec) not in index:
            index[id(spec)] = len(specs)
            specs.append(spec)
        return index[id(spec)]

    graph = model.graph
    inputs = tuple(reference(s) for s in graph.inputs)
    nodes = tuple(
        (
            n.name, n.domain, n.op_type, n.opset,
            tuple(reference(s) for s in n.inputs), tuple(reference(s) for s in n.outputs),
            tuple((k, _encode_attribute(v)) for k, v in n.attributes.items()), n.folded, n.problem, n.runs,
            n.scopes,
        )
        for n in graph.nodes
    )  # fmt: skip
    outputs = tuple(reference(s) for s in graph.outputs)
    head = (
        model.path, model.file_bytes, model.external_bytes, model.external_files, model.graph_sha256,
        dict(model.opsets), dict(model.dims), model.assumed,
    )  # fmt: skip
    bodies = tuple(
        (
            b.name, b.owner, b.start, b.stop,
            tuple(reference(s) for s in b.inputs), tuple(reference(s) for s in b.results),
        )
        for b in graph.bodies
    )  # fmt: skip
    return head, tuple(_encode_spec(s) for s in specs), inputs, outputs, nodes, bodies


def decode(encoded: tuple[Any, ...]) -> Model:
    """Return the model that `encode` was given."""
    head, tensors, inputs, outputs, nodes, bodies = encoded
    path, file_bytes, external_bytes, external_files, graph_sha256, opsets, dims, assumed = head
    specs = [_decode_spec(t) for t in tensors]

    def tensors_of(references: tuple[int | None, ...]) -> tuple[TensorSpec | None, ...]:
        return tuple(None if r is None else specs[r] for r in references)

    return Model(
        path=path,
        file_bytes=file_bytes,
        external_bytes=external_bytes,
        external_files=external_files,
        graph_sha256=graph_sha256,
        opsets=opsets,
        dims=dims,
        assumed=assumed,
        graph=Graph(
            nodes=tuple(_decode_node(node, tensors_of) for node in nodes),
            inputs=tuple(specs[r] for r in inputs),
            outputs=tuple(specs[r] for r in outputs),
            bodies=tuple(
                Body(
                    name=name,
                    owner=owner,
                    start=start,
                    stop=stop,
                    inputs=tuple(specs[r] for r in entering),
                    results=tensors_of(results),
                )
                for name, owner, start, stop, entering, results in bodies
            ),
        ),
    )


def _decode_node(encoded: tuple[Any, ...], tensors_of: _TensorsOf) -> Node:
    (name, domain, op_type, opset, reads, writes, attributes, folded, problem, runs, scopes) = encoded
    return Node(
        name=name,
        domain=domain,
        op_type=op_type,
        opset=opset,
        inputs=tensors_of(reads),
        outputs=tensors_of(writes),
        attributes=_decode_attributes(attributes),
        folded=folded,
        problem=problem,
        runs=runs,
        scopes=scopes,
    )


def _encode_spec(spec: TensorSpec) -> tuple[Any, ...]:
    return spec.name, spec.dtype.code, spec.shape, spec.value, spec.constant


def _decode_spec(encoded: tuple[Any, ...]) -> TensorSpec:
    name, code, shape, value, constant = encoded
    return TensorSpec(
        name=name, dtype=DType.from_code(code), shape=shape, value=value, constant=constant
    )  # fmt: skip


def _encode_attribute(value: Attribute) -> Any:  # noqa: ANN401 (what marshal takes)
    return (_TENSOR, _encode_spec(value)) if isinstance(value, TensorSpec) else ("", value)


def _decode_attributes(encoded: tuple[tuple[str, tuple[str, Any]], ...]) -> Mapping[str, Attribute]:
    return {name: _decode_spec(value) if kind == _TENSOR else value for name, (kind, value) in encoded}
