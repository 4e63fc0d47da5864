"""Hold the rules against ONNX's own node tests: every case counts, and agrees with its function body."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, NodeProto, shape_inference
from onnx.backend.test.case.node import collect_testcases

from feasibility.cost import OpCost
from feasibility.errors import UnknownShapeError
from feasibility.ir import DEFAULT_DOMAIN, Attribute, DType, Node, TensorSpec
from feasibility.ops import NOT_COUNTED
from tests.ops.op_cases import cost_of

_READ: dict[int, Callable[[AttributeProto], Attribute]] = {
    AttributeProto.INT: lambda a: a.i,
    AttributeProto.FLOAT: lambda a: a.f,
    AttributeProto.STRING: lambda a: a.s.decode(),
    AttributeProto.INTS: lambda a: tuple(a.ints),
    AttributeProto.FLOATS: lambda a: tuple(a.floats),
    AttributeProto.STRINGS: lambda a: tuple(s.decode() for s in a.strings),
}
TWIN = "_expanded"
Specs = dict[str, TensorSpec]

# Operators whose function body does just the arithmetic that the rule counts. The others
# differ by a stated convention (a choice counts once here, as Less and Where there).
SAME_WORK = {
    "HardSigmoid", "HardSwish", "LogSoftmax", "Mish", "ReduceL1",
    "ReduceSumSquare", "Relu", "Softmax", "Softplus", "Softsign", "SwiGLU",
}  # fmt: skip


@cache
def corpus() -> dict[str, Any]:
    """Return onnx's node tests by name (onnx is untyped here)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {case.name: case for case in collect_testcases(None)}


def spec(name: str, found: Any) -> TensorSpec:  # noqa: ANN401 (an array, a list or None)
    """Describe a test's array; a sequence has no shape."""
    if isinstance(found, onnx.TensorProto):
        return TensorSpec(name=name, dtype=DType.from_code(found.data_type), shape=tuple(found.dims))
    if not isinstance(found, np.ndarray | np.generic):
        return TensorSpec(name=name, dtype=DType.UNDEFINED, shape=None)
    dtype = DType.from_code(onnx.helper.np_dtype_to_tensor_dtype(found.dtype))
    value = tuple(found.ravel().tolist()) if found.dtype.kind in "iub" else None
    return TensorSpec(name=name, dtype=dtype, shape=found.shape, value=value)


def given_specs(case: Any) -> Specs:  # noqa: ANN401
    """Describe the arrays that a case feeds and expects."""
    arrays = [array for side in case.data_sets[0] for array in side]
    names = [value.name for value in (*case.model.graph.input, *case.model.graph.output)]
    return {name: spec(name, array) for name, array in zip(names, arrays, strict=False)}


def to_node(proto: NodeProto, specs: Specs, opset: int) -> Node:
    """Describe a node of a test model; what has no spec has no shape."""

    def pick(name: str) -> TensorSpec | None:
        return specs.get(name, TensorSpec(name=name, dtype=DType.UNDEFINED, shape=None)) if name else None

    attributes: dict[str, Attribute] = {a.name: _READ[a.type](a) for a in proto.attribute if a.type in _READ}
    return Node(
        name=proto.name,
        domain=proto.domain or DEFAULT_DOMAIN,
        op_type=proto.op_type,
        opset=opset,
        inputs=tuple(map(pick, proto.input)),
        outputs=tuple(map(pick, proto.output)),
        attributes=attributes,
    )


def opset_of(model: onnx.ModelProto) -> int:
    """Return the version of the main domain."""
    return next(int(o.version) for o in model.opset_import if o.domain in {"", DEFAULT_DOMAIN})


def single_nodes() -> list[tuple[str, Node]]:
    """Return every case of one ai.onnx operator."""
    return [
        (name, to_node(case.model.graph.node[0], given_specs(case), opset_of(case.model)))
        for name, case in corpus().items()
        if len(case.model.graph.node) == 1
        and case.model.graph.node[0].domain in {"", DEFAULT_DOMAIN}
        and not any(a.type == AttributeProto.GRAPH for a in case.model.graph.node[0].attribute)  # the walk's
    ]


def body_cost(name: str) -> tuple[int, int, int] | None:
    """Return what the function body of a case counts, None where onnx cannot tell a shape it needs."""
    twin = corpus()[name + TWIN]
    model = shape_inference.infer_shapes(twin.model, data_prop=True)
    inferred = (value for value in model.graph.value_info if value.type.tensor_type.HasField("shape"))
    specs = {
        value.name: TensorSpec(
            name=value.name,
            dtype=DType.from_code(value.type.tensor_type.elem_type),
            shape=tuple(d.dim_value for d in value.type.tensor_type.shape.dim),
        )
        for value in inferred
        if all(d.HasField("dim_value") for d in value.type.tensor_type.shape.dim)
    } | given_specs(twin)
    nodes = [to_node(proto, specs, opset_of(model)) for proto in model.graph.node]
    if any((node.domain, node.op_type) in NOT_COUNTED for node in nodes):
        return None
    try:
        costs = [cost_of(node) for node in nodes]
    except UnknownShapeError:
        return None
    return (
        sum(c.fmas for c in costs),
        sum(c.arithmetic for c in costs),
        sum(c.transcendentals for c in costs),
    )


def is_whole(cost: OpCost) -> bool:
    """Tell whether every count is an integer of at least 0."""
    counts = [cost.fmas, cost.arithmetic, cost.transcendentals, cost.reads or 0, cost.writes or 0]
    return all(type(count) is int and count >= 0 for count in counts)


def test_every_node_test_counts() -> None:
    """Each of onnx's single-operator tests is counted in whole numbers, or named as not counted."""
    nodes = [(name, node) for name, node in single_nodes() if (node.domain, node.op_type) not in NOT_COUNTED]
    assert len(nodes) > 1000
    assert [] == [name for name, node in nodes if not is_whole(cost_of(node))]


def test_rules_agree_with_function_bodies() -> None:
    """A rule and the function body of its operator count the same multiply-adds."""
    different: list[tuple[str, object, object]] = []
    compared: Counter[str] = Counter()
    for name, node in single_nodes():
        if name + TWIN not in corpus() or (node.domain, node.op_type) in NOT_COUNTED:
            continue
        body = body_cost(name)
        if body is None:
            continue
        compared[node.op_type] += 1
        own = cost_of(node)
        counts = (own.fmas, own.arithmetic, own.transcendentals)
        same = counts == body if node.op_type in SAME_WORK else counts[0] == body[0]
        if not same:
            different.append((name, counts, body))
    assert [] == different
    assert compared.total() > 200
    assert compared["Attention"] > 10
