"""Count as onnx-tool does: its "MACs" are instructions of an x86 processor.

Read from onnx_tool/node.py of onnx-tool 1.0.1, the classes' `profile` and their `op_mac`. A
tensor without axes has 0 elements there, and the factor for further operands of an
elementwise operator is always 1, because it is taken before the inputs are known.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from feasibility.conventions.records import Formula, Tool
from feasibility.cost import NodeCost
from feasibility.errors import FeasibilityError
from feasibility.ir import Node, TensorSpec

_ADD = _MUL = _COMPARE = 1
_DIVIDE, _EXP, _LOG, _SIN, _SQRT = 4, 32, 43, 39, 24
_TANH = _EXP + 2 * _ADD + _DIVIDE
_ATAN = _SQRT + 4 * _MUL + _DIVIDE

# instructions per output element
_ELEMENTWISE = {
    "Abs": _COMPARE, "Add": _ADD, "And": _COMPARE, "Atan": 2 * _ATAN,
    "BatchNormalization": 2 * _ADD + _SQRT + _DIVIDE + _MUL, "Ceil": _ADD, "Clip": 2 * _COMPARE,
    "Cos": _SIN, "CumSum": _ADD, "DequantizeLinear": _MUL + _ADD, "Div": _DIVIDE,
    "Elu": _COMPARE + _EXP + _ADD + _MUL, "Equal": _COMPARE, "Exp": _EXP, "Floor": _COMPARE,
    "Gelu": _EXP + 2 * _MUL, "Greater": _COMPARE, "GreaterOrEqual": _COMPARE,
    "HardSigmoid": _MUL + _ADD + 2 * _COMPARE, "HardSwish": 2 * _MUL + _ADD + 2 * _COMPARE,
    "Hardmax": _ADD, "ImageScaler": _ADD + _MUL, "InstanceNormalization": 2 * _ADD + _MUL + _DIVIDE,
    "LeakyRelu": _MUL + _COMPARE, "Less": _COMPARE, "LessOrEqual": _COMPARE, "Log": _LOG,
    "LogSoftmax": _EXP + _DIVIDE + _ADD + _LOG, "LpNormalization": _EXP + _ADD, "Max": _ADD,
    "Min": _COMPARE, "Mod": _ADD, "Mul": _MUL, "Neg": _COMPARE, "NonZero": _COMPARE, "Not": _COMPARE,
    "Or": _COMPARE, "PRelu": _COMPARE + _MUL, "Pow": _EXP, "QuantizeLinear": _MUL + _ADD,
    "Reciprocal": _DIVIDE, "Relu": _COMPARE, "Round": _COMPARE, "Sigmoid": _EXP, "Sign": _COMPARE,
    "Silu": _EXP + _MUL, "Sin": _SIN, "Softmax": _EXP + _DIVIDE, "Softplus": _EXP + _ADD + _LOG,
    "Sqrt": _SQRT, "Sub": _ADD, "Tanh": 2 * _TANH, "Xor": _COMPARE,
}  # fmt: skip
# instructions per input element
_REDUCTIONS = {
    "ReduceL2": _ADD + _SQRT, "ReduceMax": _COMPARE, "ReduceMean": _ADD, "ReduceMin": _COMPARE,
    "ReduceProd": _MUL, "ReduceSum": _ADD,
}  # fmt: skip
_RESIZE = {"nearest": 0, "linear": 4, "cubic": 8}
_QUANTISED_WEIGHT = 3  # the input of QLinearConv and QLinearMatMul that holds it
_QUANTISED_INPUTS = 9  # of QLinearConv with a bias
_WITH_C = 3  # inputs of a product with something to add


def _volume(spec: TensorSpec) -> int:
    return spec.numel if spec.dims else 0


def _written(node: Node) -> int:
    return _volume(node.output(0))


def _per_output(instructions: int) -> Formula:
    return Formula(lambda found: instructions * _written(found.node), f"{instructions} per output element")


def _per_input(instructions: int) -> Formula:
    return Formula(
        lambda found: instructions * _volume(found.node.input(0)),
        f"{instructions} per input element",
    )


def _convolution(weight: int, biased: Callable[[Node], bool]) -> Callable[[NodeCost], int]:
    """Count outputs times the rest of the weight's shape, ConvTranspose too, and its bias."""

    def count(found: NodeCost) -> int:
        node = found.node
        return _written(node) * (prod(node.input(weight).dims[1:]) + biased(node))

    return count


def _has_c(node: Node) -> bool:
    return len(node.inputs) == _WITH_C


def _product(found: NodeCost) -> int:
    """Count outputs times rows of B, and 1 per output where there are three inputs."""
    node, b = found.node, found.node.input(1).dims
    depth = b[-1 if node.int("transB", 0) > 0 else -2] if len(b) > 1 else 1
    return _written(node) * (depth + _has_c(node))


def _quantised_product(found: NodeCost) -> int:
    return _volume(found.node.input(0)) * found.node.input(_QUANTISED_WEIGHT).dims[-1]


def _einsum(found: NodeCost) -> int:
    """Count the product of the sizes of all letters of two operands."""
    left, _, right = found.node.string("equation").split("->")[0].replace(" ", "").partition(",")
    if "," in right or "." in left + right:
        raise FeasibilityError("onnx-tool takes two operands without an ellipsis")
    sizes: dict[str, int] = {}
    for letters, index in ((left, 0), (right, 1)):
        sizes |= dict(zip(letters, found.node.input(index).dims, strict=True))
    return prod(sizes.values())


def _pool(found: NodeCost) -> int:
    kernel = found.node.ints("kernel_shape", (3, 3))
    return _written(found.node) * (prod(kernel) if len(kernel) == 2 else kernel[0])  # noqa: PLR2004


def _global_average(found: NodeCost) -> int:
    return _volume(found.node.input(0)) * _ADD + _written(found.node) * _DIVIDE


def _layer_normalisation(found: NodeCost) -> int:
    """Count 7 per element and 29 per mean, of the one axis named, as if it were the last that matters."""
    dims, axis = found.node.input(0).dims, found.node.int("axis", -1)
    rows = prod(dims[:axis]) * prod(dims[axis:][1:])
    return prod(dims) * (3 * _MUL + 4 * _ADD) + rows * (_ADD + _SQRT + _DIVIDE)


def _local_response(found: NodeCost) -> int:
    each = _DIVIDE + _EXP + _ADD + found.node.int("size", 0) * _MUL
    return _written(found.node) * each


def _resize(found: NodeCost) -> int:
    return _RESIZE.get(found.node.string("mode", "nearest"), 1) * _written(found.node)


def _sum(found: NodeCost) -> int:
    return _written(found.node) * (len(found.node.inputs) - 1) * _ADD


def _recurrent(
    gates: int, gate_adds: int, sigmoids: int, tanhs: int, blends: int
) -> Callable[[NodeCost], int]:
    """Count weights per step, their biases, and the instructions of the gates in one direction."""

    def count(found: NodeCost) -> int:
        x, w, r, b = (found.node.input(index) for index in range(4))
        steps, batch = x.dims[:2]
        hidden = steps * batch * (w.dims[1] // gates)
        each = gate_adds * _ADD + sigmoids * _EXP + tanhs * _TANH + blends
        return (_volume(w) + _volume(r) + _volume(b)) * steps * batch + hidden * each

    return count


_STRUCTURED = {
    "Conv": Formula(_convolution(1, _has_c), "1 per multiply-add, 1 per output for a bias"),
    "ConvInteger": Formula(_convolution(1, lambda _: False), "1 per multiply-add"),
    "ConvTranspose": Formula(
        _convolution(1, _has_c), "each output as if every tap of the kernel met it, which strides prevent"
    ),
    "QLinearConv": Formula(
        _convolution(_QUANTISED_WEIGHT, lambda node: len(node.inputs) == _QUANTISED_INPUTS),
        "1 per multiply-add, 1 per output for a bias",
    ),
    "Gemm": Formula(_product, "1 per multiply-add, 1 per output for C"),
    "MatMul": Formula(_product, "1 per multiply-add"),
    "MatMulInteger": Formula(_product, "1 per multiply-add, 1 per output if there are three inputs"),
    "QLinearMatMul": Formula(_quantised_product, "1 per multiply-add"),
    "Einsum": Formula(_einsum, "the sizes of all letters, multiplied"),
    "AveragePool": Formula(_pool, "1 per output and tap"),
    "MaxPool": Formula(_pool, "1 per output and tap"),
    "GlobalAveragePool": Formula(_global_average, "1 per input and 4 for each division"),
    "LayerNormalization": Formula(_layer_normalisation, "7 per element and 29 per mean"),
    "LRN": Formula(_local_response, "37 per element, and 1 per channel in its window"),
    "Resize": Formula(_resize, "per output 0 (nearest), 4 (linear) or 8 (cubic)"),
    "Upsample": Formula(_resize, "per output 0 (nearest), 4 (linear) or 8 (cubic)"),
    "Sum": Formula(_sum, "1 per output and addition"),
    "LSTM": Formula(
        _recurrent(4, 4, 3, 2, 4), "1 per multiply-add; 32 per sigmoid, 38 per tanh, one direction"
    ),
    "GRU": Formula(
        _recurrent(3, 3, 2, 1, 5), "1 per multiply-add; 32 per sigmoid, 38 per tanh, one direction"
    ),
}
ONNX_TOOL = Tool(
    name="onnx-tool",
    unit="instructions",
    formulas={name: _per_output(each) for name, each in _ELEMENTWISE.items()}
    | {name: _per_input(each) for name, each in _REDUCTIONS.items()}
    | _STRUCTURED,
    domains=None,
    constants=True,
    unfolded=_ELEMENTWISE["BatchNormalization"] - _ADD,  # the folded form adds a bias instead
    source="onnx-tool 1.0.1, onnx_tool/node.py (read 2026-11-26)",
)
