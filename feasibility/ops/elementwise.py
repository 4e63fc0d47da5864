"""Count operators that do the same work for every output element.

One table: name -> (arithmetic, transcendentals) per output element. A choice between
branches counts the comparison and both branches, as vector units compute them.
"""

from __future__ import annotations

from dataclasses import dataclass

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.roles import light
from feasibility.ops.rules import Family

family = Family()


@dataclass(frozen=True, slots=True)
class PerElement:
    """A rule: so much work for each element of the first output."""

    arithmetic: int
    transcendentals: int = 0

    def __call__(self, node: Node) -> OpCost:
        """Multiply by the size of the output."""
        count = node.output(0).numel
        return light(node, arithmetic=self.arithmetic * count, transcendentals=self.transcendentals * count)

    def plus(self, arithmetic: int) -> PerElement:
        """Return the same work with some arithmetic more."""
        return PerElement(self.arithmetic + arithmetic, self.transcendentals)


# A conversion of type is neither an addition nor a comparison: bytes only.
_CONVERSIONS = ("Cast", "CastLike")

# Add, multiply, divide, compare, select, round, shift, a bit operation: one each.
_SINGLE = (
    "Abs", "Add", "And", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Ceil", "Div",
    "Equal", "Floor", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Mod", "Mul",
    "Neg", "Not", "Or", "Reciprocal", "Relu", "Round", "Sign", "Sub", "ThresholdedRelu", "Where", "Xor",
)  # fmt: skip

_TRANSCENDENTAL = (
    "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cos", "Cosh", "Erf", "Exp", "Log", "Pow", "Sin",
    "Sinh", "Sqrt", "Tan", "Tanh",
)  # fmt: skip

SIGMOID = PerElement(3, 1)  # 1 / (1 + exp(-x))
GELU = PerElement(4, 1)  # 0.5 * x * (1 + erf(x / sqrt 2))
GELU_TANH = PerElement(8, 1)  # 0.5 * x * (1 + tanh(c * (x + d * x * x * x)))
SWISH = PerElement(4, 1)  # x * sigmoid(x); one more where alpha is not 1

PER_ELEMENT = {
    **dict.fromkeys(_CONVERSIONS, PerElement(0)),
    **dict.fromkeys(_SINGLE, PerElement(1)),
    **dict.fromkeys(_TRANSCENDENTAL, PerElement(0, 1)),
    "Celu": PerElement(4, 1),  # x < 0: alpha * (exp(x / alpha) - 1)
    "Elu": PerElement(3, 1),  # x < 0: alpha * (exp(x) - 1)
    "HardSigmoid": PerElement(4),  # max(0, min(1, alpha * x + beta))
    "HardSwish": PerElement(5),  # x * HardSigmoid(x)
    "LeakyRelu": PerElement(2),  # x < 0: alpha * x
    "Mish": PerElement(2, 3),  # x * tanh(log(1 + exp(x)))
    "PRelu": PerElement(2),  # x < 0: slope * x
    "Range": PerElement(2),  # start + i * delta
    "Selu": PerElement(4, 1),  # gamma * (x < 0: alpha * (exp(x) - 1))
    "Shrink": PerElement(4),  # x < -lambd: x + bias; x > lambd: x - bias
    "Sigmoid": SIGMOID,
    "Softplus": PerElement(1, 2),  # log(1 + exp(x))
    "Softsign": PerElement(3),  # x / (1 + |x|)
}

for _name, _rule in PER_ELEMENT.items():
    family.add(_name, _rule)


@family.op("Max", "Min", "Sum")
def combine(node: Node) -> OpCost:
    """Combine n tensors element by element.

    Shapes:  n tensors that broadcast to Y
    Count:   arithmetic = |Y| * (n - 1)
    Dtype:   of the first float tensor
    Source:  ONNX Max-13, Min-13, Sum-13
    """
    return PerElement(max(len(node.inputs) - 1, 0))(node)


@family.op("Mean")
def mean(node: Node) -> OpCost:
    """Average n tensors element by element.

    Shapes:  n tensors that broadcast to Y
    Count:   arithmetic = |Y| * n: n - 1 additions and one division
    Dtype:   of the first float tensor
    Source:  ONNX Mean-13
    """
    return PerElement(len(node.inputs))(node)


@family.op("Clip")
def clip(node: Node) -> OpCost:
    """Hold X between two bounds.

    Shapes:  X and Y alike; min and max attributes (before opset 11) or scalar inputs
    Count:   arithmetic = |Y| for each bound that is given
    Dtype:   of X
    Source:  ONNX Clip-6, Clip-13
    """
    bounds = ("min" in node.attributes or node.has_input(1)) + ("max" in node.attributes or node.has_input(2))
    return PerElement(bounds)(node)


@family.op("Gelu")
def gelu(node: Node) -> OpCost:
    """Gaussian error linear unit, exact or by tanh.

    Shapes:  X and Y alike
    Count:   per element 4 arithmetic and an erf, or 8 and a tanh with approximate="tanh"
    Dtype:   of X
    Source:  ONNX Gelu-20
    """
    return (GELU_TANH if node.string("approximate", "none") == "tanh" else GELU)(node)


@family.op("Swish")
def swish(node: Node) -> OpCost:
    """Multiply x by its sigmoid.

    Shapes:  X and Y alike
    Count:   per element 4 arithmetic and an exp; one more where alpha is not 1
    Dtype:   of X
    Source:  ONNX Swish-24
    """
    return SWISH.plus(int(node.float("alpha", 1.0) != 1.0))(node)


@family.op("SwiGLU")
def swiglu(node: Node) -> OpCost:
    """Multiply B by the swish of A.

    Shapes:  A, B and Y alike
    Count:   as Swish, and one multiply per element
    Dtype:   of A
    Source:  ONNX SwiGLU-28
    """
    return SWISH.plus(1 + int(node.float("alpha", 1.0) != 1.0))(node)
