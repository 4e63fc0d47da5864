"""Shape rules of com.microsoft's quantised and low-bit operators.

Source of all: the operator schemas of ONNX Runtime 1.32 (docs/ContribOperators.md); held
against runs in tests/loader/test_contrib_runs_quantised.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feasibility.ir import DType
from feasibility.loader.rules.common import (
    Rule,
    broadcast,
    given,
    has,
    integers,
    known,
    like,
    matmul_dims,
    number,
    same_as_first,
    times,
    value,
)
from feasibility.loader.rules.windows import convolved, pooled, pooled_whole
from feasibility.loader.types import Call, Dims, Type
from feasibility.units import BITS_PER_BYTE

_INT32 = DType.INT32.code
_CONCAT_PARTS = 3  # tensor, scale, zero point


def _product(b: int = 1, elem_of: int | None = None, elem: int = 0) -> Rule:
    """Return the rule of a matrix product of input 0 and input `b`."""

    def rule(call: Call) -> Sequence[Type]:
        dims = matmul_dims(known(call, 0), known(call, b))
        return (Type(elem if elem_of is None else given(call, elem_of).elem, dims),)

    return rule


def _columns(*names: str, first: bool = False) -> Rule:
    """Return the rule of products whose weights are packed: attributes say their columns.

    With `first`, the sum in front of the products comes out too.
    """

    def rule(call: Call) -> Sequence[Type]:
        *lead, depth = known(call, 0)
        if depth is not None and depth != number(call, "K"):
            msg = f"{depth} columns do not meet K = {number(call, 'K')} rows"
            raise ValueError(msg)
        products = [like(call, 0, *lead, number(call, name)) for name in names]
        return (*products, given(call, 0)) if first else tuple(products)

    return rule


def _rows_of_weights(call: Call) -> Sequence[Type]:
    return (like(call, 0, *known(call, 0)[:-1], known(call, 1)[0]),)


def _by_shape_input(call: Call) -> Sequence[Type]:
    """MatMulFpQ4: the weights are a blob, an input says their shape."""
    shape = value(call, 2)
    columns = shape[-1] if shape else None
    return (like(call, 0, *known(call, 0)[:-1], columns),)


def gemm_dims(call: Call, b: int = 1) -> Dims:
    """Return [M, N] of A and B, either of them transposed."""
    left, right = known(call, 0), known(call, b)
    return (
        left[1 if number(call, "transA", 0) else 0],
        right[0 if number(call, "transB", 0) else 1],
    )


def _gemm(call: Call) -> Sequence[Type]:
    """QGemm: quantised where an output scale is given, else real."""
    elem = given(call, 0).elem if has(call, 7) else DType.FLOAT.code
    return (Type(elem, gemm_dims(call, 3)),)


def _gemm_float8(call: Call) -> Sequence[Type]:
    return (Type(number(call, "dtype", DType.FLOAT.code), gemm_dims(call)),)


def _combined(*operands: int, elem_of: int = 0, elem: int = 0) -> Rule:
    """Return the rule of an elementwise operator on these inputs."""

    def rule(call: Call) -> Sequence[Type]:
        dims = broadcast(*(known(call, n) for n in operands))
        return (Type(elem or given(call, elem_of).elem, dims),)

    return rule


def _concat(call: Call) -> Sequence[Type]:
    """QLinearConcat: after the scale and zero point of Y, each tensor comes with its own two."""
    shapes = [known(call, n) for n in range(2, len(call.inputs), _CONCAT_PARTS)]
    axis, dims = number(call, "axis"), list(shapes[0])
    along = [shape[axis] for shape in shapes]
    dims[axis] = None if None in along else sum(size for size in along if size is not None)
    return (like(call, 2, *dims),)


def _reduced(call: Call) -> Dims:
    dims = known(call, 0)
    axes = {axis % len(dims) for axis in integers(call, "axes", tuple(range(len(dims))))}
    if number(call, "keepdims", 1):
        return tuple(1 if n in axes else d for n, d in enumerate(dims))
    return tuple(d for n, d in enumerate(dims) if n not in axes)


def _reduce_sum(call: Call) -> Sequence[Type]:
    signed = given(call, 0).elem == DType.INT8.code
    return (Type(_INT32 if signed else DType.UINT32.code, _reduced(call)),)


def _channels_last(call: Call) -> bool:
    return number(call, "channels_last", 0) != 0


def _quantize(call: Call) -> Sequence[Type]:
    elem = given(call, 2).elem if has(call, 2) else DType.UINT8.code
    return (Type(elem, known(call, 0)),)


def _dequantize(call: Call) -> Sequence[Type]:
    return (Type(given(call, 1).elem, known(call, 0)),)


def _dequantize_with_order(call: Call) -> Sequence[Type]:
    return (Type(number(call, "to", DType.FLOAT.code), known(call, 0)),)


def _gather_blocks(call: Call) -> Sequence[Type]:
    """GatherBlockQuantized: rows of a table; bytes that hold several elements spread out again."""
    data, indices = known(call, 0), known(call, 1)
    axis, quantised = number(call, "gather_axis", 0), number(call, "quantize_axis", 1) % len(data)
    packed = given(call, 0).elem == DType.UINT8.code
    each = BITS_PER_BYTE // number(call, "bits", 4) if packed else 1
    wide = tuple(times(d, each) if n == quantised else d for n, d in enumerate(data))
    axis %= len(wide)
    return (Type(given(call, 2).elem, (*wide[:axis], *indices, *wide[axis + 1 :])),)


def _gather_packed(call: Call) -> Sequence[Type]:
    elem = number(call, "output_dtype", DType.BFLOAT16.code)
    return (Type(elem, (*known(call, 1), number(call, "K"))),)


def recurrent(call: Call) -> Sequence[Type]:
    """Return Y, Y_h and Y_c of a recurrent layer: X [T, B, I], `hidden_size` units per direction."""
    steps, batch, _ = known(call, 0)
    directions = 2 if call.attribute("direction", "forward") == "bidirectional" else 1
    last = like(call, 0, directions, batch, number(call, "hidden_size"))
    return (like(call, 0, steps, *last.dims or ()), last, last)


def _embedded(call: Call) -> Sequence[Type]:
    batch, length = known(call, 0)
    return (Type(given(call, 8).elem, (batch, length, known(call, 2)[1])), Type(_INT32, (batch,)))


RULES: Mapping[str, Rule] = {
    "DequantizeLinear": _dequantize,
    "DequantizeWithOrder": _dequantize_with_order,
    "DynamicQuantizeLSTM": recurrent,
    "DynamicQuantizeMatMul": _product(elem_of=0),
    "GatherBlockQuantized": _gather_blocks,
    "GatherPacked": _gather_packed,
    "GemmFloat8": _gemm_float8,
    "MatMulBlockQuantizedFp4Weight": _rows_of_weights,
    "MatMulBlockQuantizedFp8Weight": _rows_of_weights,
    "MatMulBnb4": _columns("N"),
    "MatMulFpQ4": _by_shape_input,
    "MatMulInteger16": _product(elem=_INT32),
    "MatMulIntegerToFloat": _product(elem_of=2),
    "MatMulNBits": _columns("N"),
    "MatMulNBitsMlp": _columns("N", first=True),
    "MatMulNBitsQLoRA": _columns("N"),
    "MatMulNBitsQkv": _columns("Nq", "Nkv", "Nkv", first=True),
    "MatMulPacked": _columns("N"),
    "MulInteger": _combined(0, 2, elem=_INT32),
    "QEmbedLayerNormalization": _embedded,
    "QGemm": _gemm,
    "QLinearAdd": _combined(0, 3),
    "QLinearAveragePool": lambda call: (pooled(call, channels_last=_channels_last(call)),),
    "QLinearConcat": _concat,
    "QLinearConv": lambda call: (convolved(call, 3, channels_last=_channels_last(call), elem_of=7),),
    "QLinearGlobalAveragePool": lambda call: (pooled_whole(call, channels_last=_channels_last(call)),),
    "QLinearLeakyRelu": same_as_first,
    "QLinearMul": _combined(0, 3),
    "QLinearReduceMean": lambda call: (like(call, 0, *_reduced(call)),),
    "QLinearSigmoid": same_as_first,
    "QLinearSoftmax": same_as_first,
    "QLinearWhere": _combined(0, 1, 4, elem_of=1),
    "QOrderedGelu": same_as_first,
    "QOrderedLayerNormalization": same_as_first,
    "QOrderedMatMul": _product(b=2, elem_of=0),
    "QuantizeLinear": _quantize,
    "QuantizeWithOrder": lambda call: (Type(DType.INT8.code, known(call, 0)),),
    "ReduceSumInteger": _reduce_sum,
}
