from __future__ import annotations

import pytest

from feasibility.ir import DType
from tests.loader.one_node import Fed, OneNode, fed, known, told

B, S, H = 2, 3, 8
X = fed(B, S, H)


def half(*shape: int) -> Fed:
    """Return an input of float16."""
    return fed(*shape, dtype=DType.FLOAT16)


def brain(*shape: int) -> Fed:
    """Return an input of bfloat16, which no kernel of the CPU takes."""
    return fed(*shape, dtype=DType.BFLOAT16)


def ids(*shape: int) -> Fed:
    """Return an input of int64."""
    return fed(*shape, dtype=DType.INT64)


def int32(*shape: int) -> Fed:
    """Return an input of int32."""
    return fed(*shape, dtype=DType.INT32)


def embed(form: str, *, segments: bool, outputs: int) -> OneNode:
    """Return an EmbedLayerNormalization of 3 tokens over tables of 120 rows."""
    segment = (int32(B, S), fed(120, H)) if segments else (None, None)
    return OneNode(
        op="EmbedLayerNormalization",
        form=form,
        i=[int32(B, S), segment[0], fed(120, H), fed(120, H), segment[1], fed(H), fed(H)],
        outputs=outputs,
    )


RUN = [
    *[OneNode(op=op, i=[X]) for op in ("Gelu", "QuickGelu", "ScaledSiLU", "FastGelu", "Trilu")],
    OneNode(op="FastGelu", form="bias", i=[X, fed(H)]),
    OneNode(op="BiasGelu", i=[X, fed(H)]),
    OneNode(
        op="SkipLayerNormalization", i=[X, X, fed(H), fed(H), fed(H)], outputs=[True, False, False, True]
    ),
    OneNode(op="SkipLayerNormalization", form="skip-broadcast", i=[X, fed(1, S, H), fed(H)]),
    OneNode(op="SkipSimplifiedLayerNormalization", i=[X, X, fed(H)], outputs=[True, False, False, True]),
    embed("segments", segments=True, outputs=2),
    embed("bare", segments=False, outputs=2),
    embed("sum", segments=True, outputs=3),
    OneNode(op="FusedMatMul", form="plain", i=[fed(2, 5, 4), fed(4, 6)]),
    OneNode(
        op="FusedMatMul", form="transposed", i=[fed(2, 4, 5), fed(2, 6, 4)], a={"transA": 1, "transB": 1}
    ),
    OneNode(op="FusedMatMul", form="vectors", i=[fed(4), fed(4)]),
    OneNode(op="FusedMatMul", form="vector-matrix", i=[fed(4), fed(3, 4, 5)]),
    OneNode(
        op="FusedMatMul",
        form="batch-second",
        i=[fed(5, 2, 3, 4), fed(2, 3, 6, 4)],
        a={"transBatchA": 1, "transB": 1},
    ),
    OneNode(op="TransposeMatMul", i=[fed(4, 5), fed(4, 6)], a={"transA": 1}),
    OneNode(
        op="FusedGemm", i=[fed(4, 5), fed(6, 4), fed(6)], a={"transA": 1, "transB": 1, "activation": "Relu"}
    ),
    OneNode(op="FusedConv", i=[fed(1, 3, 9, 9), fed(4, 3, 3, 3), fed(4)], a={"activation": "Sigmoid"}),
    OneNode(
        op="FusedConv",
        form="group",
        i=[fed(1, 4, 9, 9), fed(4, 2, 3, 3)],
        a={
            "group": 2,
            "strides": [2, 1],
            "auto_pad": "SAME_UPPER",
            "activation": "Relu",
        },
    ),
    OneNode(
        op="FusedConv", form="line", i=[fed(1, 3, 9), fed(4, 3, 2)], a={"pads": [1, 0], "activation": "Tanh"}
    ),
    OneNode(
        op="NhwcMaxPool",
        i=[fed(1, 9, 9, 3, dtype=DType.UINT8)],
        a={"kernel_shape": [2, 3], "strides": [2, 2]},
    ),
    OneNode(
        op="NhwcMaxPool",
        form="ceil",
        i=[fed(1, 8, 8, 3, dtype=DType.INT8)],
        a={"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    ),
    OneNode(
        op="MaxpoolWithMask",
        i=[fed(1, 2, 8, 8), int32(1, 2, 8, 8)],
        a={"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
    ),
    OneNode(op="CDist", i=[fed(5, 4), fed(7, 4)]),
    OneNode(
        op="ConvTransposeWithDynamicPads",
        i=[fed(1, 4, 5, 5), fed(4, 2, 3, 3), known([1, 0, 0, 1], "int64")],
        a={"strides": [2, 2], "group": 2, "output_padding": [1, 0]},
    ),
    OneNode(op="CropAndResize", i=[fed(2, 3, 8, 8), fed(4, 4), told([0, 1, 1, 0]), known([5, 6])]),
    OneNode(op="DynamicTimeWarping", i=[fed(1, 1)]),
    *[OneNode(op="ExpandDims", form=str(axis), i=[fed(2, 3), known(axis)]) for axis in (0, 2, -1, -3)],
    OneNode(op="GatherND", i=[fed(3, 4, 5), told([[[0], [2]]], "int64")]),
    OneNode(op="GatherND", form="deep", i=[fed(3, 4, 5), told([[0, 1], [2, 3]], "int64")]),
    OneNode(op="GridSample", i=[fed(2, 3, 8, 8), fed(2, 5, 6, 2)]),
    OneNode(op="Inverse", i=[fed(2, 4, 4)]),
    OneNode(op="MurmurHash3", i=[int32(3, 4)]),
    OneNode(op="MurmurHash3", form="signed", i=[ids(3, 4)], a={"positive": 0}),
    OneNode(op="NGramRepeatBlock", i=[ids(2, 5), fed(2, 120)], a={"ngram_size": 2}),
    OneNode(op="Pad", i=[fed(2, 3), known([0, 1, 2, 3], "int64")]),
    OneNode(op="Pad", form="reflect", i=[fed(2, 4), known([1, 0, 0, 2], "int64")], a={"mode": "reflect"}),
    OneNode(op="Range", i=[known(2.0, "float32"), known(9.5, "float32"), known(2.0, "float32")]),
    OneNode(op="Range", form="down", i=[known(9, "int64"), known(2, "int64"), known(-3, "int64")]),
    OneNode(op="Range", form="default-step", i=[known(2, "int16"), known(7, "int16")]),
    OneNode(op="SampleOp", i=[X]),
    OneNode(op="UnfoldTensor", i=[fed(2, 9, 3)], a={"dim": 1, "size": 4, "step": 2}),
    OneNode(op="UnfoldTensor", form="last", i=[fed(2, 9)], a={"size": 4}),
    OneNode(
        op="WordConvEmbedding",
        i=[told([[1, 2, 3, 4], [5, 6, 7, 8]]), fed(6, 1, 3, 5), fed(6), fed(120, 5)],
    ),
    OneNode(
        op="CausalConvWithState", i=[fed(2, 4, 6), fed(4, 1, 3), fed(4)], a={"activation": "silu"}, outputs=2
    ),
    OneNode(
        op="CausalConvWithState",
        form="past",
        i=[fed(2, 4, 6), fed(4, 1, 3), None, fed(2, 4, 2)],
        outputs=2,
    ),
    OneNode(op="GatedAdd", i=[X, X, fed(B, S, 1)]),
    OneNode(op="GatedRMSNorm", i=[X, fed(H), X]),
    OneNode(op="GatedRMSNorm", form="heads", i=[X, fed(4), X], a={"activation": "sigmoid"}),
    OneNode(op="BranchwiseRMSNorm", i=[fed(B, S, 2, 4), fed(4)]),
    OneNode(op="BranchwiseRMSNorm", form="flat", i=[X, fed(H)], a={"num_branches": 2}),
    OneNode(
        op="EngramGate",
        i=[fed(B, S, 2, 4), fed(B, S, 2, 4), fed(B, S, 4), fed(2, 4), fed(2, 4), fed(2, 4)],
        outputs=2,
    ),
]

INFERRED = [
    OneNode(op="BiasAdd", i=[X, fed(H), X]),
    OneNode(op="BiasSoftmax", i=[fed(2, 4, 3, 3), fed(2, 1, 1, 3)], a={"axis": 3, "is_inner_broadcast": 0}),
    OneNode(op="BiasSplitGelu", i=[X, fed(H)]),
    OneNode(op="BiasDropout", i=[X, fed(H), X], outputs=2),
    OneNode(op="BitmaskDropout", i=[fed(5, 13)], outputs=2, free="o1[0]"),
    OneNode(op="BitmaskBiasDropout", i=[fed(5, 13), fed(13)], outputs=2, free="o1[0]"),
    OneNode(op="GroupNorm", i=[fed(2, 4, 4, 8), fed(8), fed(8)], a={"groups": 2, "activation": 1}),
    OneNode(
        op="SkipGroupNorm",
        i=[half(2, 4, 4, 8), fed(8), fed(8), half(2, 8), half(8)],
        a={"groups": 2, "activation": 1},
        outputs=2,
    ),
    OneNode(op="FusedMatMulActivation", i=[fed(2, 4, 5), fed(4, 6)], a={"transA": 1, "activation": "Relu"}),
    OneNode(op="GemmFastGelu", i=[half(5, 4), half(4, 6), half(6)]),
    OneNode(op="NhwcConv", i=[half(1, 9, 8, 3), half(4, 3, 3, 3), half(4)], a={"pads": [1, 0, 1, 0]}),
    OneNode(
        op="NhwcFusedConv",
        i=[half(1, 9, 9, 4), half(6, 2, 3, 3), half(6), half(1, 4, 4, 6)],
        a={"group": 2, "strides": [2, 2], "activation": "Relu"},
    ),
    OneNode(op="SwiGLU", i=[X]),
    OneNode(op="SwiGLU", form="two", i=[X, X]),
    OneNode(op="TorchEmbedding", i=[fed(9, H), ids(2, 3, 4)]),
    OneNode(op="IsAllFinite", i=[X, fed(3)]),
    OneNode(op="RouterGateUpProj", i=[half(2, 5, 16), half(16, 4 + 2 * 6)], a={"router_size": 4}, outputs=2),
    OneNode(op="HyperConnectionPreMix", i=[half(B, S, 2, 4), half(B, S, 2)]),
    OneNode(op="HyperConnectionPreMix", form="flat", i=[half(B, S, 8), half(B, S, 2)], a={"num_branches": 2}),
    OneNode(
        op="HyperConnectionPostMix",
        i=[half(B, S, 2, 4), half(B, S, 4), half(B, S, 2), half(B, S, 2, 2)],
    ),
    OneNode(
        op="HyperConnectionLowRankMix",
        i=[half(B, S, 8), half(8), half(8, 3), half(3, 8), half(8, 2)],
        a={"num_branches": 2},
        outputs=3,
    ),
    OneNode(
        op="CausalConvWithState",
        form="channels-last",
        i=[fed(2, 6, 4), fed(4, 1, 3)],
        a={"channels_last": 1, "dilation": 2},
        outputs=2,
    ),
    OneNode(
        op="CausalConvWithState",
        form="window",
        i=[brain(2, 6, 2, 2), brain(4, 1, 3)],
        a={"channels_last": 1, "state_window": 5},
        outputs=2,
    ),
    OneNode(
        op="CausalConvWithState",
        form="plane",
        i=[brain(2, 4, 5, 6), brain(4, 1, 2, 3)],
        a={"ndim": 2},
        outputs=2,
    ),
    OneNode(
        op="CausalConvWithState",
        form="part-of-the-channels",
        i=[brain(2, 6, 10), brain(4, 1, 3)],
        a={"channels_last": 1, "input_channels": 4, "state_update_capacity": 5},
        outputs=3,
    ),
    OneNode(
        op="VarlenCausalConvWithState",
        i=[fed(7, 4), fed(4, 1, 3), int32(3), None, fed(2, 4, 2), int32(2)],
        a={"state_update_capacity": 5},
        outputs=3,
    ),
    OneNode(
        op="NGramHashMapping",
        i=[ids(2, 5), ids(3), ids(4)],
        a={"max_ngram_size": 3, "n_head_per_ngram": 2, "pad_id": 0},
        outputs=2,
    ),
    OneNode(
        op="VarlenNGramHashMapping",
        i=[ids(7), ids(3), ids(4), int32(3), None, None, None, None, None, int32(2)],
        a={"max_ngram_size": 3, "n_head_per_ngram": 2, "pad_id": 0, "state_update_capacity": 5},
        outputs=[True, True, False, True],
    ),
    OneNode(
        op="Mamba2Verify",
        i=[
            brain(3, 2 * 128 + 2 * 128 + 2), brain(2, 128 + 256, 3),
            fed(2, 2, 128, 64), brain(384, 4), brain(384),
            fed(2), fed(2), fed(2), fed(128), int32(1),
        ],
        a={"heads": 2, "head_dim": 64, "d_state": 128, "n_groups": 1},
        outputs=5,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", RUN, ids=str)
def test_shapes_of_runs(case: OneNode) -> None:
    """Fused and older operators: every output of a run has the type and shape that the loader says."""
    assert case.walked() == case.ran()


@pytest.mark.parametrize("case", INFERRED, ids=str)
def test_shapes_that_onnx_runtime_infers(case: OneNode) -> None:
    """Where no CPU runs an operator, ONNX Runtime takes what the loader says and refuses other sizes."""
    assert case.refusal(case.walked()) == ""
    assert case.accepted() == case.free


@pytest.mark.parametrize(
    ("case", "shape"),
    [
        (OneNode(op="ComplexMul", i=[fed(2, 3, 2), fed(3, 2)]), (2, 3, 2)),
        (OneNode(op="ComplexMulConj", i=[fed(2, 3, 2), fed(2, 3, 2)]), (2, 3, 2)),
        (OneNode(op="Rfft", i=[fed(2, 10)]), (2, 10 // 2 + 1, 2)),
        (OneNode(op="Rfft", i=[fed(2, 10)], a={"onesided": 0}), (2, 10, 2)),
        (OneNode(op="Irfft", i=[fed(2, 6, 2)]), (2, 2 * (6 - 1))),
        (OneNode(op="Irfft", i=[fed(2, 10, 2)], a={"onesided": 0}), (2, 10)),
        (OneNode(op="SparseToDenseMatMul", i=[fed(4, 5), fed(5, 6)]), (4, 6)),
        (OneNode(op="SparseToDenseMatMul", i=[fed(5, 4), fed(6, 5)], a={"transA": 1, "transB": 1}), (4, 6)),
    ],
    ids=str,
)
def test_shapes_of_what_nobody_runs_or_infers(case: OneNode, shape: tuple[int, ...]) -> None:
    """Operators without a CPU kernel or shape inference in ONNX Runtime: shapes by its documentation."""
    assert case.walked()["o0"][1] == shape
