from __future__ import annotations

import numpy as np
import pytest

from feasibility.ir import DType
from tests.loader.one_node import Fed, OneNode, Stored, fed, filled, known, told

SCALE, ZERO_U8, ZERO_I8 = filled(0.05), filled(3, dtype="uint8"), filled(0, dtype="int8")
U8, I8 = (SCALE, ZERO_U8), (SCALE, ZERO_I8)
IDS = told([[1, 2, 3]], "int64")
NIBBLES = 17  # two weights of 1 in a byte


def half(*shape: int) -> Fed:
    """Return an input of float16."""
    return fed(*shape, dtype=DType.FLOAT16)


def int8(*shape: int) -> Fed:
    """Return an input of int8."""
    return fed(*shape, dtype=DType.INT8)


def uint8(*shape: int) -> Fed:
    """Return an input of uint8."""
    return fed(*shape, dtype=DType.UINT8)


def packed(*shape: int) -> Stored:
    """Return weights of 4 bits, two in a byte."""
    return filled(NIBBLES, *shape, dtype="uint8")


def lstm(directions: int, direction: str) -> OneNode:
    """Return a DynamicQuantizeLSTM: 3 steps, batch 2, 4 features, 6 units."""
    weights = [filled(1, directions, rows, 4 * 6, dtype="int8") for rows in (4, 6)]
    scales = [filled(0.1, directions), filled(0, directions, dtype="int8")]
    return OneNode(
        op="DynamicQuantizeLSTM",
        form=direction,
        i=[fed(3, 2, 4), *weights, None, None, None, None, None, *scales, *scales],
        a={"hidden_size": 6, "direction": direction},
        outputs=3,
    )


def pool(form: str, *shape: int, **attributes: object) -> OneNode:
    """Return a QLinearAveragePool of an image."""
    return OneNode(op="QLinearAveragePool", form=form, i=[uint8(*shape), *U8, *U8], a=attributes)


RUN = [
    OneNode(op="QuantizeLinear", i=[fed(2, 3), *I8]),
    OneNode(op="QuantizeLinear", form="no-zero-point", i=[fed(2, 3), SCALE]),
    OneNode(op="DequantizeLinear", i=[uint8(2, 3), *U8]),
    lstm(1, "forward"),
    lstm(2, "bidirectional"),
    OneNode(op="DynamicQuantizeMatMul", i=[fed(2, 3, 4), uint8(4, 5), *U8, fed(5)]),
    OneNode(
        op="MatMulIntegerToFloat",
        i=[uint8(2, 3, 4), uint8(4, 5), SCALE, SCALE, ZERO_U8, ZERO_U8, fed(5)],
    ),
    OneNode(op="MatMulInteger16", i=[fed(2, 3, 4, dtype=DType.INT16), fed(4, 5, dtype=DType.INT16)]),
    OneNode(op="QGemm", form="real", i=[uint8(3, 4), *U8, uint8(4, 5), *U8]),
    OneNode(
        op="QGemm",
        form="transposed",
        i=[uint8(4, 3), *U8, int8(5, 4), *I8, fed(5, dtype=DType.INT32), *U8],
        a={"transA": 1, "transB": 1},
    ),
    OneNode(op="QLinearAdd", i=[uint8(2, 3, 4), *U8, uint8(3, 1), *U8, *U8]),
    OneNode(op="QLinearMul", i=[int8(2, 3, 4), *I8, int8(3, 1), *I8, *I8]),
    OneNode(op="QLinearLeakyRelu", i=[uint8(2, 3), *U8, *U8]),
    OneNode(op="QLinearSigmoid", i=[uint8(2, 3), *U8, *U8]),
    OneNode(op="QLinearSoftmax", i=[uint8(2, 3), *U8, *U8], a={"opset": 13, "axis": -1}),
    OneNode(op="QLinearWhere", i=[fed(2, 1, dtype=DType.BOOL), uint8(1, 3), *U8, uint8(3), *U8, *U8]),
    OneNode(op="QLinearConcat", i=[*U8, uint8(2, 3, 4), *U8, uint8(2, 5, 4), *U8], a={"axis": 1}),
    pool("strides", 1, 3, 7, 8, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1]),
    pool("channels-last", 1, 7, 8, 3, kernel_shape=[3, 2], strides=[2, 2], channels_last=1),
    pool("ceil", 1, 3, 7, 8, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    pool("same", 1, 3, 7, 8, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"),
    OneNode(op="QLinearGlobalAveragePool", i=[uint8(1, 3, 7, 8), *U8, *U8]),
    OneNode(
        op="QLinearGlobalAveragePool",
        form="channels-last",
        i=[uint8(1, 7, 8, 3), *U8, *U8],
        a={"channels_last": 1},
    ),
    OneNode(
        op="QLinearConv",
        i=[uint8(1, 4, 7, 8), *U8, uint8(6, 2, 3, 3), *U8, *U8],
        a={"group": 2, "strides": [2, 1], "pads": [1, 1, 1, 1], "dilations": [1, 2]},
    ),
    OneNode(
        op="QLinearConv",
        form="channels-last",
        i=[uint8(1, 7, 8, 4), *U8, packed(6, 4, 3, 3), *U8, *U8],
        a={"channels_last": 1},
    ),
    OneNode(
        op="QEmbedLayerNormalization",
        i=[
            told([[1, 2, 3], [0, 1, 2]]), told(np.zeros((2, 3))), uint8(10, 8), uint8(6, 8), uint8(2, 8),
            uint8(8), uint8(8), None, *[SCALE] * 5, *[ZERO_U8] * 5,
        ],
        outputs=2,
    ),
    OneNode(
        op="MatMulNBits",
        form="4",
        i=[fed(2, 3, 40), packed(6, 2, 16), filled(0.1, 6, 2)],
        a={"K": 40, "N": 6, "bits": 4, "block_size": 32},
    ),
    OneNode(
        op="MatMulNBits",
        form="8-bias",
        i=[fed(2, 3, 40), packed(6, 3, 16), filled(0.1, 6, 3), None, None, fed(6)],
        a={"K": 40, "N": 6, "bits": 8, "block_size": 16},
    ),
    OneNode(
        op="MatMulNBits",
        form="vector",
        i=[fed(40), packed(6, 2, 16), filled(0.1, 6, 2)],
        a={"K": 40, "N": 6, "bits": 4, "block_size": 32},
    ),
    OneNode(
        op="MatMulBnb4",
        i=[fed(2, 3, 32), packed(32 * 6 // 2), filled(0.1, 12)],
        a={"K": 32, "N": 6, "block_size": 16, "quant_type": 1},
    ),
    OneNode(
        op="MatMulFpQ4",
        i=[fed(3, 64), packed(6 * 2 * (16 + 4)), known([64, 6], "int64")],  # 2 blocks of 32 and a float each
        a={"blk_quant_type": 0},
    ),
    OneNode(
        op="GatherBlockQuantized",
        form="bytes",
        i=[packed(10, 32), IDS, filled(0.1, 10, 4)],
        a={"bits": 4, "block_size": 16, "quantize_axis": 1, "gather_axis": 0},
    ),
]  # fmt: skip

INFERRED = [
    OneNode(op="MulInteger", i=[uint8(2, 3), ZERO_U8, uint8(3), ZERO_U8]),
    OneNode(
        op="QuantizeWithOrder", i=[fed(2, 3, 32), SCALE], a={"order_input": 1, "order_output": 1}
    ),
    OneNode(
        op="DequantizeWithOrder",
        i=[int8(2, 3, 32), SCALE],
        a={"order_input": 1, "order_output": 1, "to": DType.FLOAT16.code},
    ),
    OneNode(op="QLinearReduceMean", i=[uint8(2, 3, 4, 5), *U8, *U8], a={"axes": [2, 3], "keepdims": 1}),
    OneNode(
        op="QLinearReduceMean",
        form="dropped",
        i=[uint8(2, 3, 4, 5), *U8, *U8],
        a={"axes": [-1], "keepdims": 0},
    ),
    OneNode(op="QOrderedGelu", i=[int8(2, 3, 32), SCALE, SCALE]),
    OneNode(op="QOrderedLayerNormalization", i=[int8(2, 3, 32), SCALE, fed(32), fed(32), SCALE]),
    OneNode(
        op="QOrderedMatMul",
        i=[int8(2, 3, 32), SCALE, int8(32, 64), SCALE, SCALE],
        a={"order_A": 1, "order_B": 0, "order_Y": 1},
    ),
    OneNode(
        op="GemmFloat8",
        i=[
            fed(3, 4, dtype=DType.FLOAT8E4M3FN), fed(5, 4, dtype=DType.FLOAT8E4M3FN), None, *[SCALE] * 3,
        ],
        a={"transB": 1, "dtype": DType.FLOAT16.code},
    ),
    OneNode(
        op="MatMulNBitsMlp",
        form="skip",
        i=[
            fed(2, 3, 32), fed(2, 3, 32), fed(32),
            uint8(6, 1, 16), fed(6, 1), None, uint8(6, 1, 16), fed(6, 1),
        ],
        a={"K": 32, "N": 6, "bits": 4, "block_size": 32, "activation": "silu"},
        outputs=2,
    ),
    OneNode(
        op="MatMulNBitsQkv",
        i=[
            fed(2, 3, 32), fed(2, 3, 32), fed(32),
            uint8(6, 1, 16), fed(6, 1), None, uint8(4, 1, 16), fed(4, 1), None, uint8(4, 1, 16), fed(4, 1),
        ],
        a={"K": 32, "Nq": 6, "Nkv": 4, "bits": 4, "block_size": 32},
        outputs=4,
    ),
    OneNode(
        op="MatMulNBitsQLoRA",
        i=[
            fed(2, 3, 32), uint8(6, 1, 16), fed(6, 1), uint8(4, 1, 16), fed(4, 1), uint8(6, 1, 16), fed(6, 1),
        ],
        a={"K": 32, "N": 6, "bits": 4, "lora_bits": 4, "block_size": 32, "lora_block_size": 32},
    ),
    OneNode(op="MatMulPacked", i=[half(2, 3, 32), uint8(6, 17)], a={"K": 32, "N": 6, "packed_type": 2}),
    OneNode(op="MatMulBlockQuantizedFp4Weight", i=[half(2, 3, 32), uint8(6, 16), uint8(6, 2), fed()]),
    OneNode(
        op="MatMulBlockQuantizedFp8Weight",
        i=[half(2, 3, 128), fed(6, 128, dtype=DType.FLOAT8E4M3FN), fed(6, 1)],
    ),
    OneNode(
        op="GatherBlockQuantized",
        form="nibbles",
        i=[fed(10, 32, dtype=DType.UINT4), IDS, filled(0.1, 10, 2)],
        a={"block_size": 16, "quantize_axis": -1},
    ),
    OneNode(op="GatherPacked", i=[uint8(10, 34), IDS], a={"packed_type": 8, "K": 32}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("dtype", "axes", "keepdims", "expected"),
    [
        (DType.UINT8, [1], 0, (DType.UINT32, (2, 4))),
        (DType.INT8, [-1], 1, (DType.INT32, (2, 3, 1))),
        (DType.INT8, [0, 2], 1, (DType.INT32, (1, 3, 1))),
    ],
)
def test_reduce_sum_integer(
    dtype: DType, axes: list[int], keepdims: int, expected: tuple[DType, tuple[int, ...]]
) -> None:
    """ReduceSumInteger, of which ONNX Runtime has neither kernel nor inference, sums [2, 3, 4] in 32 bits."""
    case = OneNode(
        op="ReduceSumInteger", i=[fed(2, 3, 4, dtype=dtype)], a={"axes": axes, "keepdims": keepdims}
    )
    assert case.walked() == {"o0": expected}


@pytest.mark.parametrize("case", RUN, ids=str)
def test_shapes_of_runs(case: OneNode) -> None:
    """Quantised operators: every output of a run has the type and shape that the loader says."""
    assert case.walked() == case.ran()


@pytest.mark.parametrize("case", INFERRED, ids=str)
def test_shapes_that_onnx_runtime_infers(case: OneNode) -> None:
    """Where no CPU runs an operator, ONNX Runtime takes what the loader says and refuses other sizes."""
    assert case.refusal(case.walked()) == ""
    assert case.accepted() == case.free
