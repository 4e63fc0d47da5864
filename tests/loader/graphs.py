"""Build small models for the loader's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from feasibility.ir import Model
from feasibility.loader import load

Dim = int | str | None
Shapes = Mapping[str, Sequence[Dim]]


def value(name: str, shape: Sequence[Dim] | None, elem: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    """Return a typed graph input or output."""
    return helper.make_tensor_value_info(name, elem, shape)


def constant(name: str, array: object, dtype: str = "int64") -> onnx.TensorProto:
    """Return an initializer."""
    return numpy_helper.from_array(np.asarray(array, dtype), name)


def model(  # noqa: PLR0913 (a model has that many parts)
    nodes: Sequence[onnx.NodeProto],
    inputs: Shapes,
    outputs: Sequence[str],
    *,
    initializers: Sequence[onnx.TensorProto] = (),
    functions: Sequence[onnx.FunctionProto] = (),
    opset: int = 20,
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """Return a model with float inputs and untyped outputs."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [value(name, shape) for name, shape in inputs.items()],
        [value(name, None) for name in outputs],
        list(initializers),
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=imports, functions=list(functions))


def shapes(found: Model) -> dict[str, tuple[int, ...] | None]:
    """Return every tensor that a node writes, by name."""
    return {s.name: s.shape for n in found.graph.nodes for s in n.outputs if s is not None}


def walked(proto: onnx.ModelProto, **dims: int) -> Model:
    """Walk a model in this process."""
    return load(proto, dims=dims)
