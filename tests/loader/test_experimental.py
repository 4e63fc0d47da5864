from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper

from feasibility.profiler import profile
from tests.loader.graphs import constant, model, shapes, walked

X = (2, 3, 8, 9)


def one_node(
    op_type: str,
    inputs: Sequence[str],
    opset: int,
    outputs: int = 1,
    **attributes: Any,  # noqa: ANN401 (as make_node takes them)
) -> onnx.ModelProto:
    """Return a model of one node of ai.onnx; x is its data, the other inputs are stored."""
    stored = [
        constant("starts", [0, 2]),
        constant("ends", [2, -1]),
        constant("axes", [0, 3]),
        constant("gain", np.ones(9), "float32"),
    ]
    names = [f"y{n}" for n in range(outputs)]
    node = helper.make_node(op_type, inputs, names, **attributes)
    used = [tensor for tensor in stored if tensor.name in inputs]
    proto = model([node], {"x": X} if "x" in inputs else {}, names, initializers=used, opset=opset)
    proto.ir_version = 7
    return proto


@pytest.mark.parametrize(
    "proto",
    [
        one_node("LayerNormalization", ["x", "gain"], 11, outputs=3),
        one_node("LayerNormalization", ["x", "gain"], 16, axis=3),
        one_node("SimplifiedLayerNormalization", ["x", "gain"], 11, outputs=2),
        one_node("SimplifiedLayerNormalization", ["x", "gain"], 17),
        one_node("Affine", ["x"], 9, alpha=2.0, beta=1.0),
        one_node("Crop", ["x"], 9, border=[1, 2, 3, 1]),
        one_node("Crop", ["x"], 9, border=[1, 2, 0, 0], scale=[4, 5]),
        one_node("DynamicSlice", ["x", "starts", "ends", "axes"], 9),
        one_node("DynamicSlice", ["x", "starts", "ends"], 9),
        one_node("ImageScaler", ["x"], 9, scale=2.0, bias=[1.0, 2.0, 3.0]),
        one_node("ParametricSoftplus", ["x"], 9, alpha=1.0, beta=2.0),
        one_node("Scale", ["x"], 9, scale=2.0),
        one_node("ScaledTanh", ["x"], 9, alpha=1.0, beta=2.0),
        one_node("ThresholdedRelu", ["x"], 9, alpha=1.0),
        one_node("MeanVarianceNormalization", ["x"], 8),
    ],
    ids=lambda proto: str(proto.graph.node[0].op_type),
)
def test_operators_that_only_onnx_runtime_knows(proto: onnx.ModelProto) -> None:
    """Shapes are those of ONNX Runtime's own run, and the node is counted."""
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {i.name: np.ones(X, np.float32) for i in session.get_inputs()}
    ran = session.run(None, feeds)
    found = walked(proto)
    assert [y.shape for y in ran] == list(shapes(found).values())
    assert profile(found).coverage.unknown == ()


@pytest.mark.parametrize(
    ("inputs", "attributes", "shape"),
    [([], {"shape": [2, 5]}, (2, 5)), (["x"], {}, X), (["x"], {"extra_shape": [4]}, (*X, 4))],
)
def test_given_tensor_fill(inputs: list[str], attributes: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Its shape is an attribute, or that of its input with some axes more (ONNX Runtime's own schema)."""
    proto = one_node("GivenTensorFill", inputs, 9, values=[1.0], **attributes)
    assert shapes(walked(proto)) == {"y0": shape}


def test_an_operator_of_nobody_stays_unknown() -> None:
    """A name that neither ONNX nor ONNX Runtime has is named as such."""
    found = profile(walked(one_node("Scales", ["x"], 9)))
    assert [gap.op_type for gap in found.coverage.unknown] == ["Scales"]
