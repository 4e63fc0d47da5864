from __future__ import annotations

import pytest

from feasibility.ir import DType, TensorSpec
from tests.ops.op_cases import Case, contrib, tensor

FLOAT_BYTES, INT32_BYTES = 4, 4
REQUANTISE, DEQUANTISE, DYNAMIC = 5, 2, 7
GELU, SIGMOID, SOFTMAX = 4, 3, 4


def u8(*shape: int) -> TensorSpec:
    """Return a tensor of uint8."""
    return tensor(*shape, dtype=DType.UINT8)


def i8(*shape: int) -> TensorSpec:
    """Return a tensor of int8."""
    return tensor(*shape, dtype=DType.INT8)


def i32(*shape: int) -> TensorSpec:
    """Return a tensor of int32."""
    return tensor(*shape, dtype=DType.INT32)


U8, I8 = ((), u8()), ((), i8())  # a scale and a zero point

PRODUCTS = [
    contrib(
        "MatMulIntegerToFloat",
        i=[u8(2, 3, 4), i8(4, 5), (), (), u8(), i8(), (5,)],
        o=[(2, 3, 5)],
        fmas=2 * 3 * 5 * 4,
        arithmetic=2 * 3 * 5 * (1 + 1),
        dtype=DType.INT8,
    ),
    contrib(
        "DynamicQuantizeMatMul",
        i=[(2, 3, 4), i8(4, 5), (), i8(), (5,)],
        o=[(2, 3, 5)],
        fmas=2 * 3 * 5 * 4,
        arithmetic=2 * 3 * 4 * DYNAMIC + 2 * 3 * 5 * (1 + 1),
        dtype=DType.INT8,
    ),
    contrib(
        "MatMulInteger16",
        i=[tensor(2, 3, 4, dtype=DType.INT16), tensor(4, 5, dtype=DType.INT16)],
        o=[i32(2, 3, 5)],
        fmas=2 * 3 * 5 * 4,
        dtype=DType.INT16,
    ),
    contrib(
        "QGemm",
        i=[u8(3, 4), *U8, i8(4, 5), *I8],
        o=[(3, 5)],
        fmas=3 * 5 * 4,
        arithmetic=3 * 5,
        dtype=DType.UINT8,
    ),
    contrib(
        "QGemm",
        i=[u8(4, 3), *U8, i8(5, 4), *I8, i32(5), *U8],
        o=[u8(3, 5)],
        a={"transA": 1, "transB": 1},
        fmas=3 * 5 * 4,
        arithmetic=3 * 5 * (REQUANTISE + 1),
        dtype=DType.UINT8,
    ),
    contrib(  # C [5] is added to what comes out real
        "QGemm",
        i=[u8(3, 4), *U8, i8(4, 5), *I8, i32(5)],
        o=[(3, 5)],
        fmas=3 * 5 * 4,
        arithmetic=3 * 5 * (1 + 1),
    ),
    contrib(
        "QOrderedMatMul",
        i=[i8(2, 3, 32), (), i8(32, 64), (), (), (64,)],
        o=[i8(2, 3, 64)],
        fmas=2 * 3 * 64 * 32,
        arithmetic=2 * 3 * 64 * (REQUANTISE + 1),
        dtype=DType.INT8,
    ),
    contrib(
        "QOrderedMatMul",
        i=[i8(2, 3, 32), (), i8(32, 64), (), (), None, i8(1, 3, 64), ()],
        o=[i8(2, 3, 64)],
        fmas=2 * 3 * 64 * 32,
        arithmetic=2 * 3 * 64 * (REQUANTISE + 2),
    ),
    contrib(
        "GemmFloat8",
        i=[tensor(4, 3, dtype=DType.FLOAT8E4M3FN), tensor(4, 5, dtype=DType.FLOAT8E4M3FN), (5,)],
        o=[(3, 5)],
        a={"transA": 1, "activation": "RELU"},
        fmas=3 * 5 * 4,
        arithmetic=3 * 5 * (1 + 1 + 1),
    ),
    contrib(
        "GemmFloat8",
        i=[tensor(3, 4, dtype=DType.FLOAT8E4M3FN), tensor(5, 4, dtype=DType.FLOAT8E4M3FN), None, (), (), ()],
        o=[tensor(3, 5, dtype=DType.FLOAT16)],
        a={"transB": 1, "activation": "GELU"},
        fmas=3 * 5 * 4,
        arithmetic=3 * 5 * (1 + GELU),
        transcendentals=3 * 5,
        dtype=DType.FLOAT8E4M3FN,
    ),
    contrib(
        "QLinearConv",
        i=[u8(1, 4, 7, 8), *U8, u8(6, 2, 3, 3), *U8, *U8, i32(6)],
        o=[u8(1, 6, 5, 6)],
        a={"group": 2},
        fmas=6 * 5 * 6 * 2 * 3 * 3,
        arithmetic=6 * 5 * 6 * (REQUANTISE + 1),
        op_class="grouped",
        dtype=DType.UINT8,
    ),
    contrib(
        "QLinearConv",
        i=[u8(1, 7, 8, 4), *U8, u8(6, 4, 3, 3), *U8, *U8],
        o=[u8(1, 5, 6, 6)],
        a={"channels_last": 1},
        fmas=5 * 6 * 6 * 4 * 3 * 3,
        arithmetic=5 * 6 * 6 * REQUANTISE,
        op_class="dense",
        dtype=DType.UINT8,
    ),
    contrib(  # 3 steps, batch 2, 4 features, 6 units: four gates; as LSTM counts them
        "DynamicQuantizeLSTM",
        i=[(3, 2, 4), i8(1, 4, 24), i8(1, 6, 24), None, None, None, None, None, (1,), i8(1), (1,), i8(1)],
        o=[(3, 1, 2, 6)],
        a={"hidden_size": 6},
        fmas=3 * 2 * (4 * 24 + 6 * 24),
        arithmetic=3 * 2 * 6 * (4 + 3 * SIGMOID),
        transcendentals=3 * 2 * 6 * 5,
        dtype=DType.INT8,
    ),
]

AROUND = [
    contrib("QuantizeLinear", i=[(2, 3), *U8], o=[u8(2, 3)], arithmetic=2 * 3 * 5, dtype=DType.FLOAT),
    contrib("DequantizeLinear", i=[u8(2, 3), *U8], o=[(2, 3)], arithmetic=2 * 3 * 2, dtype=DType.FLOAT),
    contrib("QuantizeWithOrder", i=[(3, 32), ()], o=[i8(3, 32)], arithmetic=3 * 32 * 4),
    contrib("DequantizeWithOrder", i=[i8(3, 32), ()], o=[(3, 32)], arithmetic=3 * 32),
    contrib("MulInteger", i=[u8(2, 3), None, u8(3), None], o=[i32(2, 3)], arithmetic=2 * 3),
    contrib(
        "MulInteger",
        i=[u8(2, 3, 4), u8(), u8(3, 1), None],
        o=[i32(2, 3, 4)],
        arithmetic=2 * 3 * 4 * (1 + 1),
        dtype=DType.UINT8,
        role="light",
    ),
    contrib(
        "QLinearAdd",
        i=[u8(2, 3, 4), *U8, u8(3, 1), *U8, *U8],
        o=[u8(2, 3, 4)],
        arithmetic=2 * 3 * 4 * (2 * DEQUANTISE + 1 + REQUANTISE),
        dtype=DType.UINT8,
        role="light",
    ),
    contrib(
        "QLinearMul",
        i=[u8(2, 3, 4), *U8, u8(3, 1), *U8, *U8],
        o=[u8(2, 3, 4)],
        arithmetic=2 * 3 * 4 * (2 * DEQUANTISE + 1 + REQUANTISE),
    ),
    contrib(
        "QLinearConcat",
        i=[*U8, u8(2, 3), *U8, u8(2, 5), *U8],
        o=[u8(2, 8)],
        arithmetic=2 * 8 * (DEQUANTISE + REQUANTISE),
        dtype=DType.UINT8,
    ),
    contrib(
        "QLinearLeakyRelu",
        i=[u8(2, 3), *U8, *U8],
        o=[u8(2, 3)],
        arithmetic=2 * 3 * (DEQUANTISE + 2 + REQUANTISE),
    ),
    contrib(
        "QLinearSigmoid",
        i=[u8(2, 3), *U8, *U8],
        o=[u8(2, 3)],
        arithmetic=2 * 3 * (DEQUANTISE + SIGMOID + REQUANTISE),
        transcendentals=2 * 3,
    ),
    contrib(
        "QLinearSoftmax",
        i=[u8(2, 3), *U8, *U8],
        o=[u8(2, 3)],
        arithmetic=2 * 3 * (DEQUANTISE + SOFTMAX + REQUANTISE),
        transcendentals=2 * 3,
    ),
    contrib(
        "QLinearWhere",
        i=[tensor(2, 1, dtype=DType.BOOL), u8(1, 3), *U8, u8(2, 3), *U8, *U8],
        o=[u8(2, 3)],
        arithmetic=2 * 3 * (DEQUANTISE + 1 + REQUANTISE),
        dtype=DType.UINT8,
    ),
    contrib(
        "QOrderedGelu",
        i=[i8(3, 32), (), ()],
        o=[i8(3, 32)],
        arithmetic=3 * 32 * (DEQUANTISE + GELU + REQUANTISE),
        transcendentals=3 * 32,
        dtype=DType.INT8,
    ),
    contrib(  # 5 an element and 4 a row to normalise, then scale and shift
        "QOrderedLayerNormalization",
        i=[i8(3, 32), (), (32,), (32,), ()],
        o=[i8(3, 32)],
        arithmetic=3 * 32 * (5 + 2 + DEQUANTISE + REQUANTISE) + 3 * 4,
        transcendentals=3,
    ),
    contrib(  # windows of 3 x 2
        "QLinearAveragePool",
        i=[u8(1, 3, 7, 8), *U8, *U8],
        o=[u8(1, 3, 3, 4)],
        a={"kernel_shape": (3, 2), "strides": (2, 2)},
        arithmetic=3 * 3 * 4 * (3 * 2 + 1 + REQUANTISE),
        dtype=DType.UINT8,
    ),
    contrib(
        "QLinearGlobalAveragePool",
        i=[u8(1, 3, 7, 8), *U8, *U8],
        o=[u8(1, 3, 1, 1)],
        arithmetic=3 * 7 * 8 + 3 * (1 + REQUANTISE),
    ),
    contrib(
        "QLinearReduceMean",
        i=[u8(2, 3, 4), *U8, *U8],
        o=[u8(2, 4)],
        arithmetic=2 * 3 * 4 + 2 * 4 * (1 + REQUANTISE),
    ),
    contrib("ReduceSumInteger", i=[i8(2, 3, 4)], o=[i32(2, 4)], arithmetic=2 * 3 * 4, dtype=DType.INT8),
    contrib(  # three tables: dequantise each, add them, normalise; a byte per element is looked up
        "QEmbedLayerNormalization",
        i=[i32(2, 3), i32(2, 3), u8(10, 8), u8(6, 8), u8(2, 8), u8(8), u8(8), None, (), (), (), (), ()],
        o=[(2, 3, 8), i32(2)],
        arithmetic=2 * 3 * 8 * (3 * DEQUANTISE + 2 + 5 + 2) + 2 * 3 * 4,
        transcendentals=2 * 3,
        reads=2 * 3 * INT32_BYTES + 3 * (2 * 3 * 8),
        dtype=DType.FLOAT,
    ),
]


@pytest.mark.parametrize("case", PRODUCTS, ids=str)
def test_quantised_products(case: Case) -> None:
    """A product of 8-bit tensors counts as any other, runs in their type, and scales what comes out."""
    case.check()


@pytest.mark.parametrize("case", AROUND, ids=str)
def test_quantised_elements(case: Case) -> None:
    """Around products, operators dequantise what they read and requantise what they write."""
    case.check()
