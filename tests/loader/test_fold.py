"""Folding is compared with onnx's own reference operators, which the loader does not use."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from feasibility.loader import fold
from feasibility.loader.attributes import read

I64 = np.int64
F32 = np.float32


def i(*values: int) -> np.ndarray[Any, Any]:
    """Return a vector of integers."""
    return np.array(values, I64)


def f(*values: float) -> np.ndarray[Any, Any]:
    """Return a vector of floats."""
    return np.array(values, F32)


def b(*values: bool) -> np.ndarray[Any, Any]:
    """Return a vector of booleans."""
    return np.array(values)


TALL, WIDE = np.ones((1024, 1), I64), np.ones((1, 1024), I64)  # small, but 2^20 elements together
MATRIX = np.arange(12, dtype=I64).reshape(3, 4)
CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("Abs", [i(-3, 4)], {}),
    ("Add", [MATRIX, i(1, 2, 3, 4)], {}),
    ("And", [b(True, False), b(True, True)], {}),
    ("Cast", [f(2.7, -2.7)], {"to": 7}),
    ("Cast", [i(0, 5)], {"to": 9}),
    ("CastLike", [f(2.7, -2.7), i(1)], {}),
    ("Ceil", [f(1.2, -1.2)], {}),
    ("Clip", [i(-5, 5, 50), np.array(0), np.array(10)], {}),
    ("Concat", [i(1, 2), i(3)], {"axis": 0}),
    ("ConstantOfShape", [i(2, 3)], {"value": helper.make_tensor("v", 7, [1], [4])}),
    ("ConstantOfShape", [i(2)], {}),
    ("Div", [i(7, -7, 7, -7), i(2, 2, -2, -2)], {}),
    ("Div", [f(7), f(2)], {}),
    ("Equal", [i(1, 2), i(1, 3)], {}),
    ("Exp", [f(1)], {}),
    ("Expand", [i(1, 2), i(3, 1)], {}),
    ("Floor", [f(1.8, -1.2)], {}),
    ("Gather", [MATRIX, i(2, -1)], {"axis": 1}),
    ("Gather", [MATRIX, np.array(1)], {}),
    ("Greater", [i(1, 3), i(2, 2)], {}),
    ("GreaterOrEqual", [i(1, 2), i(2, 2)], {}),
    ("Identity", [MATRIX], {}),
    ("Less", [i(1, 3), i(2, 2)], {}),
    ("LessOrEqual", [i(3, 2), i(2, 2)], {}),
    ("Log", [f(2)], {}),
    ("Max", [i(1, 5), i(2, 2), i(3, 3)], {}),
    ("Min", [i(1, 5), i(2, 2)], {}),
    ("Mod", [i(7, -7), i(3, 3)], {}),
    ("Mod", [i(7, -7), i(3, 3)], {"fmod": 1}),
    ("Mul", [i(2, 3), np.array(4)], {}),
    ("Neg", [i(2)], {}),
    ("NonZero", [i(0, 3, 0, 4)], {}),
    ("Not", [b(True, False)], {}),
    ("OneHot", [i(1, -1), np.array(3), i(7, 9)], {}),
    ("OneHot", [i(1, 0), np.array(3), i(0, 1)], {"axis": 0}),
    ("OneHot", [i(3, -4, -1), np.array(3), i(0, 1)], {}),
    ("Or", [b(True, False), b(False, False)], {}),
    ("Pow", [f(2, 3), f(2)], {}),
    ("Range", [np.array(2), np.array(11), np.array(3)], {}),
    ("Reciprocal", [f(4)], {}),
    ("ReduceMax", [MATRIX, i(1)], {"keepdims": 0}),
    ("ReduceMin", [MATRIX, i(0)], {"keepdims": 1}),
    ("ReduceProd", [MATRIX + 1, i(1)], {"keepdims": 0}),
    ("ReduceSum", [MATRIX], {"keepdims": 0}),
    ("ReduceSum", [MATRIX], {"noop_with_empty_axes": 1}),
    ("ReduceSum", [MATRIX, i()], {"keepdims": 0}),
    ("ReduceSum", [MATRIX, i()], {"noop_with_empty_axes": 1}),
    ("Relu", [f(-1.5, 0, 2.5)], {}),
    ("Relu", [i(-1, 2)], {}),
    ("Reshape", [MATRIX, i(0, -1, 2)], {}),
    ("Round", [f(0.5, 1.5, 2.4)], {}),
    ("ScatterND", [i(1, 2, 3, 4), i(3, 0).reshape(2, 1), i(9, 8)], {}),
    ("Sign", [i(-2, 0, 2)], {}),
    ("Slice", [MATRIX, i(0), i(2), i(1)], {}),
    ("Slice", [i(1, 2, 3, 4), i(-1), i(-(2**62)), i(0), i(-1)], {}),
    ("Slice", [i(1, 2, 3, 4), i(1), i(2**62)], {}),
    ("Split", [i(1, 2, 3), i(1, 2)], {}),
    ("Split", [i(1, 2, 3)], {"num_outputs": 2}),
    ("Split", [i(1, 2, 3, 4)], {"num_outputs": 2}),
    ("Sqrt", [f(2)], {}),
    ("Squeeze", [MATRIX.reshape(1, 3, 1, 4), i(0, 2)], {}),
    ("Squeeze", [MATRIX.reshape(1, 12)], {}),
    ("Sub", [i(3), i(5)], {}),
    ("Sum", [i(1), i(2), i(3)], {}),
    ("Tile", [i(1, 2), i(3)], {}),
    ("Transpose", [MATRIX], {}),
    ("Transpose", [MATRIX.reshape(2, 3, 2)], {"perm": [2, 0, 1]}),
    ("Unsqueeze", [i(1, 2), i(0, 2)], {}),
    ("Where", [b(True, False), i(1, 2), i(3, 4)], {}),
    ("Xor", [b(True, False), b(True, True)], {}),
]


def reference(node: onnx.NodeProto, inputs: list[Any]) -> list[Any]:
    """Run one node in onnx's reference evaluator."""
    names = list(node.input)
    kinds = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in zip(names, inputs, strict=True)
    ]
    outputs = [helper.make_value_info(o, onnx.TypeProto()) for o in node.output]
    graph = helper.make_graph([node], "g", kinds, outputs)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    return list(ReferenceEvaluator(proto).run(None, dict(zip(names, inputs, strict=True))))


@pytest.mark.parametrize(("op_type", "inputs", "attributes"), CASES)
def test_folded_value_equals_the_reference_operator(
    op_type: str, inputs: list[Any], attributes: dict[str, Any]
) -> None:
    """Every foldable operator gives the value onnx's reference operator gives."""
    outputs = ["y0", "y1"] if op_type == "Split" else ["y0"]
    node = helper.make_node(op_type, [f"x{n}" for n in range(len(inputs))], outputs, **attributes)
    with fold.quiet():
        found = fold.evaluate(op_type, inputs, read(node.attribute))
    assert found is not None
    for expected, actual in zip(reference(node, inputs), found, strict=True):
        np.testing.assert_array_equal(expected, actual)
        assert np.shape(expected) == actual.shape


def test_every_foldable_operator_is_compared() -> None:
    """No operator is on the allow-list without a comparison above."""
    assert set(fold._RULES) == {case[0] for case in CASES}


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes"),
    [
        ("Expand", [i(1), i(2**20, 2**20)], {}),
        ("Tile", [i(1, 2), i(2**40)], {}),
        ("Range", [np.array(0), np.array(2**50), np.array(1)], {}),
        ("Range", [np.array(0), np.array(5), np.array(0)], {}),
        ("ConstantOfShape", [i(2**31, 2**31)], {}),
        ("ConstantOfShape", [i(-1)], {}),
        ("OneHot", [i(1), np.array(2**40), i(0, 1)], {}),
        ("Concat", [np.zeros(1000, I64), np.zeros(1000, I64)], {"axis": 0}),
        ("Div", [i(1), i(0)], {}),
        ("Mod", [i(1), i(0)], {}),
        ("Gather", [i(1), i(99)], {}),
        ("Reshape", [MATRIX, i(5, 5)], {}),
        ("Transpose", [MATRIX], {"perm": (9, 9)}),
        ("Squeeze", [MATRIX, i(0)], {}),
        ("Slice", [MATRIX, i(0), i(1), i(99)], {}),
        ("Add", [i(1, 2), i(1, 2, 3)], {}),
        ("Conv", [MATRIX], {}),
        ("Split", [i(1, 2, 3), i(1, 1)], {}),
        ("Split", [i(1, 2, 3), i(-1, 4)], {}),
        ("Split", [i(1, 2, 3)], {}),
        ("Split", [i(1, 2, 3)], {"num_outputs": 0}),
        ("Split", [i(1, 2, 3)], {"num_outputs": 2**40}),
        ("OneHot", [i(), np.array(2**40), i(0, 1)], {}),
        ("Add", [TALL, WIDE], {}),
        ("Max", [TALL, WIDE], {}),
        ("Mod", [TALL, WIDE], {}),
        ("Clip", [TALL, WIDE], {}),
        ("Where", [TALL > 0, WIDE, np.array(1)], {}),
        ("Gather", [WIDE, np.zeros(1024, I64)], {}),
        ("Concat", [TALL] * 1_000_000, {"axis": 0}),
    ],
    ids=str,
)
def test_large_or_invalid_arithmetic_is_left_alone(
    op_type: str, inputs: list[Any], attributes: dict[str, Any]
) -> None:
    """What is too large, does not fit or is not shape arithmetic is not evaluated, and never raises."""
    with fold.quiet():
        assert fold.evaluate(op_type, inputs, attributes) is None


def test_external_and_large_tensors_have_no_value() -> None:
    """A stored tensor has a value only when it is small and inside the file."""
    outside = onnx.TensorProto(name="w", dims=[2], data_type=1, data_location="EXTERNAL")
    outside.external_data.add(key="location", value="/etc/passwd")
    assert fold.constant(outside) is None
    assert fold.constant(onnx.TensorProto(dims=[2**40], data_type=1)) is None
    assert fold.constant(onnx.TensorProto(dims=[-1], data_type=1)) is None
    assert fold.constant(onnx.TensorProto(dims=[4], data_type=1, raw_data=b"123")) is None


TEXT = onnx.TensorProto(name="s", data_type=onnx.TensorProto.STRING, dims=[1], string_data=[b"x"])
COMPLEX = onnx.TensorProto(name="c", data_type=onnx.TensorProto.COMPLEX64, dims=[1], float_data=[0.0, 1.0])


@pytest.mark.parametrize("tensor", [TEXT, COMPLEX])
def test_text_and_complex_numbers_have_no_value(tensor: onnx.TensorProto) -> None:
    """No shape is computed from them: text multiplied by 2^40 fills memory, a cast complex number warns."""
    assert fold.constant(tensor) is None


@pytest.mark.parametrize(
    ("dtype", "size", "is_known"),
    [
        ("float32", 64, True),
        ("float32", 65, False),
        ("int8", 64, True),
        ("int8", 65, False),
        ("int64", 65, True),
        ("int64", 1024, True),
        ("int64", 1025, False),
    ],
)
def test_weights_are_no_shape_arithmetic(dtype: str, size: int, is_known: bool) -> None:  # noqa: FBT001 (a parameter)
    """Numbers of a type that weights have are known as far as scales go: inline or beside, it is the same."""
    assert is_known == (fold.constant(numpy_helper.from_array(np.ones(size, dtype))) is not None)
