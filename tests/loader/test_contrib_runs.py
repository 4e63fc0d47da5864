from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from feasibility.ir import MICROSOFT_DOMAIN
from feasibility.loader import load
from feasibility.profiler import profile

Array = np.ndarray[Any, Any]
DRAW = np.random.default_rng(20261126)


@dataclass(frozen=True)
class Run:
    """One node that ONNX Runtime's CPU can run; inputs in `const` are initializers."""

    op_type: str
    inputs: Sequence[Array | None]
    outputs: int = 1
    const: tuple[int, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.op_type


def run(
    op_type: str,
    inputs: Sequence[Array | None],
    outputs: int = 1,
    const: tuple[int, ...] = (),
    **attributes: Any,  # noqa: ANN401 (as onnx.helper takes them)
) -> Run:
    """Return a case."""
    return Run(op_type, inputs, outputs, const, attributes)


def f(*shape: int) -> Array:
    """Return real numbers."""
    return DRAW.standard_normal(shape).astype(np.float32)


def i(*shape: int, lo: int = 0, hi: int = 2, d: Any = np.int64) -> Array:  # noqa: ANN401 (a numpy type)
    """Return integers from lo to below hi."""
    return DRAW.integers(lo, hi, shape).astype(d)


def u8(*shape: int) -> Array:
    """Return bytes."""
    return DRAW.integers(0, 255, shape).astype(np.uint8)


def v(value: object, d: Any = np.float32) -> Array:  # noqa: ANN401 (a numpy type)
    """Return given numbers."""
    return np.array(value, d)


B, S, P, N, H = 2, 3, 5, 4, 8  # batch, sequence, past, heads, head size
D = N * H
q = (v(0.1), v(1, np.uint8))  # a scale and a zero point

RUNS = [
    run("Attention", [f(B, S, D), f(D, 3 * D), f(3 * D)], 1, num_heads=N),
    run("Attention", [f(B, S, D), f(D, 3 * D), f(3 * D), None, f(2, B, N, P, H)], 2, num_heads=N),
    run("MultiHeadAttention", [f(B, S, D), f(B, 7, D), f(B, 7, 48)], 1, num_heads=N),
    run(
        "MultiHeadAttention",
        [f(B, S, D), f(B, S, D), f(B, S, D), None, None, None, f(B, N, P, H), f(B, N, P, H)],
        3,
        num_heads=N,
    ),
    run("MultiHeadAttention", [f(B, S, D), f(B, N, 7, H), f(B, N, 7, H)], 1, num_heads=N),
    run(
        "GroupQueryAttention",
        [
            f(B, 1, D),
            f(B, 1, 16),
            f(B, 1, 16),
            f(B, 2, P, H),
            f(B, 2, P, H),
            np.full((B,), P, np.int32),
            v(P + 1, np.int32),
        ],
        3,
        const=(6,),
        num_heads=N,
        kv_num_heads=2,
    ),
    run(
        "GroupQueryAttention",
        [
            f(B, 1, D),
            f(B, 1, 16),
            f(B, 1, 16),
            f(B, 2, P, H),
            f(B, 2, P, H),
            np.full((B,), P, np.int32),
            v(P + 1, np.int32),
        ],
        3,
        num_heads=N,
        kv_num_heads=2,
    ),
    run(
        "GroupQueryAttention",
        [f(1, S, D + 32), None, None, None, None, np.full((1,), S - 1, np.int32), v(S, np.int32)],
        3,
        const=(6,),
        num_heads=N,
        kv_num_heads=2,
    ),
    run(
        "QAttention",
        [u8(B, S, D), u8(D, 3 * D), f(3 * D), v(0.1), v(0.1), None, v(3, np.uint8), v(4, np.uint8)],
        1,
        num_heads=N,
    ),
    run(
        "QAttention",
        [
            u8(B, S, D),
            u8(D, 3 * D),
            f(3 * D),
            v(0.1),
            v(0.1),
            None,
            v(3, np.uint8),
            v(4, np.uint8),
            f(2, B, N, P, H),
        ],
        2,
        num_heads=N,
    ),
    run("RotaryEmbedding", [f(B, S, D), i(B, S), f(10, H // 2), f(10, H // 2)], 1),
    run(
        "LinearAttention",
        [f(B, S, D), f(B, S, 16), f(B, S, 12)],
        2,
        q_num_heads=N,
        kv_num_heads=2,
        update_rule="linear",
    ),
    run("LinearAttentionGate", [f(B, S, N), f(N), f(N), f(B, S, N)], 2),
    run("MoE", [f(6, D), f(6, 4), f(4, 64, D), None, f(4, D, 64)], 1, k=2, activation_type="relu"),
    run("FastGelu", [f(B, S, D), f(D)]),
    run("BiasGelu", [f(B, S, D), f(D)]),
    run("QuickGelu", [f(B, S, D)]),
    run("Gelu", [f(B, S, D)]),
    run("SkipLayerNormalization", [f(B, S, D), f(B, S, D), f(D), f(D), f(D)], 1),
    run("SkipLayerNormalization", [f(B, S, D), f(B, S, D), f(D), f(D)], 4),
    run("SkipSimplifiedLayerNormalization", [f(B, S, D), f(B, S, D), f(D)], 1),
    run(
        "EmbedLayerNormalization",
        [
            i(B, S, hi=9, d=np.int32),
            i(B, S, d=np.int32),
            f(10, D),
            f(10, D),
            f(2, D),
            f(D),
            f(D),
            np.ones((B, S), np.int32),
        ],
        2,
    ),
    run("FusedMatMul", [f(B, 4, 5, 6), f(B, 4, 7, 6)], 1, transB=1, alpha=0.5),
    run("FusedMatMul", [f(5, B, 4, 6), f(B, 4, 6, 7)], 1, transBatchA=1),
    run("FusedGemm", [f(5, 6), f(7, 6), f(7)], 1, transB=1, activation="Relu"),
    run(
        "FusedConv",
        [f(1, 8, 9, 9), f(4, 8, 3, 3), f(4)],
        1,
        activation="Relu",
        strides=[2, 2],
        pads=[1, 1, 1, 1],
    ),
    run("TransposeMatMul", [f(5, 4), f(5, 6)], 1, transA=1),
    run("MatMulNBits", [f(B, S, 32), u8(16, 1, 16), f(16, 1)], 1, K=32, N=16, bits=4, block_size=32),
    run("MatMulBnb4", [f(B, S, 32), u8(16 * 32 // 2), f(16)], 1, K=32, N=16, block_size=32, quant_type=1),
    run(
        "MatMulIntegerToFloat",
        [u8(B, S, 8), u8(8, 5), v(0.1), v(0.1), v(1, np.uint8), v(1, np.uint8), f(5)],
        1,
    ),
    run("DynamicQuantizeMatMul", [f(B, S, 8), u8(8, 5), v(0.1), v(1, np.uint8)], 1),
    run("MatMulInteger16", [i(4, 8, d=np.int16), i(8, 5, d=np.int16)], 1),
    run(
        "QGemm",
        [u8(4, 8), v(0.1), v(1, np.uint8), u8(5, 8), v(0.1), v(1, np.uint8), None, v(0.1), v(1, np.uint8)],
        1,
        transB=1,
    ),
    run("QGemm", [u8(4, 8), v(0.1), v(1, np.uint8), u8(5, 8), v(0.1), v(1, np.uint8)], 1, transB=1),
    run("QLinearAdd", [u8(B, S, 4), *q, u8(4), *q, *q], 1),
    run("QLinearMul", [u8(B, S, 4), *q, u8(S, 1), *q, *q], 1),
    run("QLinearLeakyRelu", [u8(B, 4), *q, *q], 1, const=(1, 2, 3, 4), alpha=0.1),
    run("QLinearSigmoid", [u8(B, 4), *q, *q], 1, const=(1, 2, 3, 4)),
    run("QLinearSoftmax", [u8(B, 4), *q, *q], 1, opset=13),
    run("QLinearAveragePool", [u8(1, 4, 9, 9), *q, *q], 1, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    run("QLinearAveragePool", [u8(1, 9, 9, 4), *q, *q], 1, kernel_shape=[3, 3], channels_last=1),
    run("QLinearGlobalAveragePool", [u8(1, 9, 9, 4), *q, *q], 1, channels_last=1),
    run("QLinearGlobalAveragePool", [u8(1, 4, 9, 9), *q, *q], 1),
    run("QLinearConcat", [*q, u8(2, 3), *q, u8(2, 5), *q], 1, axis=1),
    run("QLinearWhere", [i(2, 1, d=bool), u8(2, 3), *q, u8(3), *q, *q], 1),
    run("QLinearConv", [u8(1, 9, 9, 4), *q, u8(5, 4, 3, 3), *q, *q], 1, const=(3,), channels_last=1),
    run("QuantizeLinear", [f(2, 3), *q], 1),
    run("DequantizeLinear", [u8(2, 3), *q], 1),
    run(
        "GatherBlockQuantized",
        [u8(10, 16), i(2, 3, hi=9), f(10, 2)],
        1,
        const=(0, 2),
        bits=4,
        block_size=16,
        quantize_axis=1,
        gather_axis=0,
    ),
    run(
        "DynamicQuantizeLSTM",
        [
            f(4, B, 8),
            u8(1, 8, 4 * 6),
            u8(1, 6, 4 * 6),
            f(1, 48),
            None,
            None,
            None,
            None,
            f(1),
            u8(1),
            f(1),
            u8(1),
        ],
        3,
        const=(1, 2, 9, 11),
        hidden_size=6,
    ),
    run(
        "QEmbedLayerNormalization",
        [
            i(B, S, hi=9, d=np.int32),
            i(B, S, d=np.int32),
            u8(10, D),
            u8(10, D),
            u8(2, D),
            u8(D),
            u8(D),
            None,
            v(0.1),
            v(0.1),
            v(0.1),
            v(0.1),
            v(0.1),
            *[v(1, np.uint8)] * 5,
        ],
        2,
        const=(),
    ),
    run("CDist", [f(5, 3), f(7, 3)], 1, metric="euclidean"),
    run(
        "ConvTransposeWithDynamicPads",
        [f(1, 4, 5, 5), f(4, 3, 3, 3), v([1, 1, 1, 1], np.int64)],
        1,
        const=(2,),
        strides=[2, 2],
    ),
    run("CropAndResize", [f(2, 3, 8, 8), f(4, 4), i(4, d=np.int32), v([3, 5], np.int32)], 1, const=(3,)),
    run("ExpandDims", [f(2, 3), v(1, np.int32)], 1, const=(1,)),
    run("ExpandDims", [f(2, 3), v(-1, np.int32)], 1, const=(1,)),
    run("GatherND", [f(3, 4, 5), i(2, 2, hi=2)], 1),
    run("GridSample", [f(1, 2, 5, 5), f(1, 3, 4, 2)], 1),
    run("Inverse", [f(2, 3, 3)], 1),
    run("MurmurHash3", [i(3, 4, d=np.int32)], 1),
    run("NGramRepeatBlock", [i(2, 6, hi=9), f(2, 9)], 1, ngram_size=2),
    run(
        "MaxpoolWithMask", [f(1, 2, 8, 8), i(1, 2, 8, 8, d=np.int32)], 1, kernel_shape=[3, 3], strides=[2, 2]
    ),
    run("NhwcMaxPool", [u8(1, 9, 9, 4)], 1, kernel_shape=[3, 3]),
    run("Pad", [f(2, 3), v([0, 1, 2, 0], np.int64)], 1, const=(1,)),
    run("Range", [v(1.0), v(7.0), v(2.0)], 1, const=(0, 1, 2)),
    run("Range", [v(1, np.int64), v(7, np.int64)], 1, const=(0, 1)),
    run("SampleOp", [f(3)], 1),
    run("Trilu", [f(3, 4)], 1),
    run("UnfoldTensor", [f(2, 9)], 1, dim=1, size=3, step=2),
    run("CausalConvWithState", [f(2, 4, 6), f(4, 1, 3)], 2),
    run("GatedAdd", [f(2, 3, 4), f(2, 3, 4), f(2, 3, 1)]),
    run("GatedRMSNorm", [f(2, 3, 8), f(4), f(2, 3, 8)]),
    run("ScaledSiLU", [f(2, 3)]),
    run("EngramGate", [f(2, 3, 2, 4), f(2, 3, 2, 4), f(2, 3, 4), f(2, 4), f(2, 4)], 1),
    run("BranchwiseRMSNorm", [f(2, 8)], 1, num_branches=2),
    run("MoEGroupRouter", [f(6, 8), f(8)], 1, n_group=2, topk_group=1, top_k=2, group_topk=1),
    run(
        "QMoE",
        [f(6, 32), f(6, 4), u8(4, 64, 16), f(4, 64), None, u8(4, 32, 32), f(4, 32)],
        1,
        k=2,
        activation_type="relu",
        expert_weight_bits=4,
    ),
    run(
        "AttnLSTM",
        [
            f(4, 2, 6),
            f(1, 32, 6 + 5),
            f(1, 32, 8),
            None,
            None,
            None,
            None,
            None,
            f(1, 8, 5),
            f(1, 7, 5),
            f(1, 5),
            f(2, 3, 7),
            None,
            f(1, 15, 5),
        ],
        3,
        hidden_size=8,
    ),
]


def model(case: Run) -> onnx.ModelProto:
    """Return a model of the one node; its outputs have no type, so that nobody is told their shape."""
    names = [f"i{n}" if given is not None else "" for n, given in enumerate(case.inputs)]
    outputs = [f"o{n}" for n in range(case.outputs)]
    node = helper.make_node(case.op_type, names, outputs, domain=MICROSOFT_DOMAIN, **case.attributes)
    inputs = [
        helper.make_tensor_value_info(names[n], helper.np_dtype_to_tensor_dtype(given.dtype), given.shape)
        for n, given in enumerate(case.inputs)
        if given is not None and n not in case.const
    ]
    constants = [
        numpy_helper.from_array(given, names[n])
        for n, given in enumerate(case.inputs)
        if given is not None and n in case.const
    ]
    graph = helper.make_graph([node], "g", inputs, [onnx.ValueInfoProto(name=o) for o in outputs], constants)
    imports = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT_DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def outputs_of_run(case: Run) -> list[Array]:
    """Run the node in ONNX Runtime, as it stands in the file."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(
        model(case).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feeds = {
        f"i{n}": given for n, given in enumerate(case.inputs) if given is not None and n not in case.const
    }
    return list(session.run(None, feeds))


@pytest.mark.parametrize("case", RUNS, ids=str)
def test_shapes_and_types_are_those_of_a_run(case: Run) -> None:
    """What the shape rule says of a node is what ONNX Runtime computed, and the node is counted."""
    found = load(model(case))
    (node,) = [n for n in found.graph.nodes if n.op_type == case.op_type]
    ran = outputs_of_run(case)
    assert [o.shape for o in ran] == [None if spec is None else spec.shape for spec in node.outputs]
    types = [helper.np_dtype_to_tensor_dtype(o.dtype) for o in ran]
    assert types == [0 if spec is None else spec.dtype.code for spec in node.outputs]
    assert profile(found).coverage.unknown == ()


def test_there_are_many_runs() -> None:
    """The table covers the operators that the CPU build has a kernel for."""
    assert len({case.op_type for case in RUNS}) >= 65
