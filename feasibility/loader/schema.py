"""Ask onnx what it knows of an operator: its schema and the function body that defines it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import onnx
from onnx import defs

from feasibility.ir import DEFAULT_DOMAIN


@lru_cache(maxsize=4096)
def find_schema(domain: str, op_type: str, opset: int) -> defs.OpSchema | None:
    """Return the schema of an operator at an opset, or None."""
    try:
        return defs.get_schema(op_type, opset, "" if domain == DEFAULT_DOMAIN else domain)
    except defs.SchemaError:
        return None


def function_body(
    schema: defs.OpSchema, node: onnx.NodeProto, input_types: Iterable[onnx.TypeProto]
) -> onnx.FunctionProto | None:
    """Return the function that defines an operator, made for this node where it depends on it."""
    body: onnx.FunctionProto = schema.function_body
    if body.node:
        return body
    if not schema.has_context_dependent_function:  # type: ignore[attr-defined]  # onnx's stub lacks it
        return None
    types = [t.SerializeToString() for t in input_types]
    try:
        made: bytes = schema.get_context_dependent_function(node.SerializeToString(), types)  # type: ignore[attr-defined]  # onnx's stub lacks it
    except (RuntimeError, ValueError, TypeError):
        return None
    found: onnx.FunctionProto = onnx.FunctionProto.FromString(made)
    return found
