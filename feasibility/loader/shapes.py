"""Find the output types of one node: onnx's own rule, remembered, and ours where it has none.

onnx answers nothing for some 45 old schema versions and for domains without a
schema, and its Einsum hangs on hostile equations; those have rules here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import onnx
from onnx import defs
from onnx.shape_inference import infer_node_outputs

from feasibility.ir import DEFAULT_DOMAIN
from feasibility.loader.guard import absurd_attribute, check_for_onnx, is_possible, shown
from feasibility.loader.rules import OLD, OWN, PARTIAL
from feasibility.loader.rules.common import Rule, tensor
from feasibility.loader.schema import find_schema
from feasibility.loader.types import UNKNOWN, Call, Inferred, Type, from_proto, to_proto

_CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})


def infer(call: Call, proto: onnx.NodeProto, opsets: Mapping[str, int]) -> Inferred:
    """Return the output types of a node; unknown ones are said, never guessed."""
    absurd = absurd_attribute(call)
    if absurd:
        return Inferred((UNKNOWN,) * call.outputs, absurd, final=True)
    found = _infer(call, proto, opsets)
    wrong = [t.dims for t in found.types if t.dims and not is_possible(t.dims)]
    if not wrong:
        return found._replace(final=all(t.shape is not None for t in found.types))
    types = (Type(t.elem, None) if t.dims in wrong else t for t in found.types)
    return Inferred(tuple(types), f"an output cannot have the shape {shown(wrong[0])}")


def _infer(call: Call, proto: onnx.NodeProto, opsets: Mapping[str, int]) -> Inferred:
    if call.domain == DEFAULT_DOMAIN and call.op_type in _CONTROL_FLOW:
        return Inferred((UNKNOWN,) * call.outputs, f"what {call.op_type} runs is decided at run time")
    own = OWN.get((call.domain, call.op_type))
    if own is not None:
        return _by_rule(own, call)
    schema = find_schema(call.domain, call.op_type, call.opset)
    if schema is not None and schema.has_type_and_shape_inference_function:
        return _with_rest(_by_onnx(schema, call, proto, opsets), call)
    old = OLD.get(call.op_type) if call.domain == DEFAULT_DOMAIN else None
    if old is not None:
        return _by_rule(old, call)
    version = f"::{call.op_type}" if schema is None else f"::{call.op_type}-{schema.since_version}"
    return Inferred((UNKNOWN,) * call.outputs, f"no shape rule for {call.domain}{version}")


def _with_rest(found: Inferred, call: Call) -> Inferred:
    """Fill in the optional outputs that onnx says nothing of."""
    rule = PARTIAL.get(call.op_type) if call.domain == DEFAULT_DOMAIN else None
    if rule is None or found.problem:
        return found
    pairs = zip(found.types, _by_rule(rule, call).types, strict=True)
    return found._replace(types=tuple(ours if onnxs.dims is None else onnxs for onnxs, ours in pairs))


def _by_onnx(schema: defs.OpSchema, call: Call, proto: onnx.NodeProto, opsets: Mapping[str, int]) -> Inferred:
    """Ask onnx's C++ rule about this one node, under neutral names.

    Every output gets one, also where this node asks for none: the answer serves equal calls that do.
    """
    neutral = onnx.NodeProto(
        op_type=call.op_type,
        domain=proto.domain,
        input=[f"i{n}" if kind is not None else "" for n, kind in enumerate(call.inputs)],
        output=[f"o{n}" for n in range(call.outputs)],
        attribute=[a for a in proto.attribute if a.type not in _GRAPHS],
    )
    types = {f"i{n}": to_proto(kind) for n, kind in enumerate(call.inputs) if kind is not None}
    data = {f"i{n}": tensor(call.inputs[n], raw) for n, raw in enumerate(call.values) if raw is not None}
    imports = _imports(tuple(opsets.items()))
    try:
        check_for_onnx(call)
        answer = infer_node_outputs(schema, neutral, types, data, opset_imports=imports)
    except _REFUSED as error:
        return Inferred((UNKNOWN,) * call.outputs, _first_line(error))
    found = [answer.get(f"o{n}") for n in range(call.outputs)]
    return Inferred(tuple(UNKNOWN if proto is None else from_proto(proto) for proto in found))


@lru_cache(maxsize=64)
def _imports(opsets: tuple[tuple[str, int], ...]) -> list[onnx.OperatorSetIdProto]:
    return [onnx.helper.make_opsetid("" if d == DEFAULT_DOMAIN else d, v) for d, v in opsets]


# what onnx raises on a node that does not fit its schema
_REFUSED = (
    onnx.checker.ValidationError,
    onnx.shape_inference.InferenceError,
    RuntimeError,
    TypeError,
    ValueError,
)
_GRAPHS = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
_MAX_REASON = 160


def _first_line(error: Exception) -> str:
    """Keep what onnx says of a node, without its own prefix, in one bounded line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text.removeprefix("[ShapeInferenceError] ").removeprefix("[TypeInferenceError] ")[:_MAX_REASON]


def _by_rule(rule: Rule, call: Call) -> Inferred:
    try:
        types = tuple(rule(call))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        reason = (
            f"inputs do not fit {call.op_type}: {error}"
            if str(error)
            else f"inputs do not fit {call.op_type}"
        )
        return Inferred((UNKNOWN,) * call.outputs, reason[:_MAX_REASON])
    return Inferred((types + (UNKNOWN,) * call.outputs)[: call.outputs])
