"""Count ai.onnx operators that ONNX Runtime knows and ONNX does not.

A fused normalisation of models below opset 23, copies between devices, and experimental
operators that ONNX dropped with opset 10 and old files still hold.
"""

from __future__ import annotations

from feasibility.ops.elementwise import PerElement
from feasibility.ops.movement import fill, part
from feasibility.ops.normalisation import rms_normalization
from feasibility.ops.roles import move
from feasibility.ops.rules import Family

family = Family()

family.add("Crop", part)
family.add("DynamicSlice", part)
family.add("GivenTensorFill", fill)
family.add("MemcpyFromHost", move)
family.add("MemcpyToHost", move)
family.add("SimplifiedLayerNormalization", rms_normalization)

for _name, _rule in {
    "Affine": PerElement(2),  # alpha * x + beta
    "GRUUnit": PerElement(7, 2),  # u = sigmoid, o = tanh; u * h + (1 - u) * o
    "ImageScaler": PerElement(2),  # scale * x + bias
    "ParametricSoftplus": PerElement(3, 2),  # alpha * log(exp(beta * x) + 1)
    "Scale": PerElement(1),
    "ScaledTanh": PerElement(2, 1),  # alpha * tanh(beta * x)
}.items():
    family.add(_name, _rule)
