from __future__ import annotations

import numpy as np
import pytest

from feasibility.ir import DType
from tests.loader.one_node import Fed, OneNode, fed, filled, known, told

# B 2, S 3, N 2 or 4 heads, K 2 key heads, H 4; D 10 where a projection is inside
SCALE = filled(0.05)
ZERO_U8, ZERO_I8 = filled(3, dtype="uint8"), filled(0, dtype="int8")
NO = known([False], "bool")
POSITIONS = told(np.zeros((2, 3)), "int64")


def half(*shape: int) -> Fed:
    """Return an input of float16."""
    return fed(*shape, dtype=DType.FLOAT16)


def bfloat(*shape: int) -> Fed:
    """Return an input of bfloat16."""
    return fed(*shape, dtype=DType.BFLOAT16)


def int8(*shape: int) -> Fed:
    """Return an input of int8."""
    return fed(*shape, dtype=DType.INT8)


def uint8(*shape: int) -> Fed:
    """Return an input of uint8."""
    return fed(*shape, dtype=DType.UINT8)


def int32(*shape: int) -> Fed:
    """Return an input of int32."""
    return fed(*shape, dtype=DType.INT32)


PROJECTED = (fed(2, 3, 10), fed(10, 24), fed(24))
TOKEN = (fed(2, 1, 10), fed(10, 24), fed(24))
NEW_TOKEN = (fed(2, 1, 8), fed(2, 1, 8), fed(2, 1, 8))
CACHES = (fed(2, 2, 9, 4), fed(2, 2, 9, 4))
GROUPED = {"num_heads": 4, "kv_num_heads": 2}
TWO = {"num_heads": 2}
PAGES = (half(6, 256, 2, 16), half(6, 256, 2, 16), int32(3), int32(2), int32(2, 3))
SELECTED = (int32(6, 4), int32(6), int32(2))
LINEAR = {"q_num_heads": 4, "kv_num_heads": 2}
SHARED = {"past_present_share_buffer": 1}


def decoder(*flags: object) -> OneNode:
    """Return a DecoderAttention of 3 steps, 5 keys and a cache of 7 with these three flags."""
    stored = (known([static], "bool") for static in flags)
    inputs = [
        fed(3, 2, 8),
        fed(5, 2, 8),
        fed(8, 8),
        fed(8, 16),
        fed(24),
        None,
        fed(2, 2, 7, 4),
        fed(2, 2, 7, 4),
    ]
    return OneNode(
        op="DecoderAttention", i=[*inputs, *stored, NO], a=TWO, outputs=3, form=str(flags), free="o1[2] o2[2]"
    )


RUN = [
    OneNode(op="Attention", i=PROJECTED, a=TWO, outputs=2),
    OneNode(
        op="Attention",
        form="past",
        i=[*PROJECTED, None, fed(2, 2, 2, 5, 4)],
        a=TWO | {"unidirectional": 1},
        outputs=2,
    ),
    OneNode(
        op="Attention",
        form="widths",
        i=[fed(2, 3, 10), fed(10, 8 + 8 + 12), fed(28)],
        a=TWO | {"qkv_hidden_sizes": [8, 8, 12]},
    ),
    OneNode(op="Attention", form="mask", i=[*PROJECTED, told([3, 2])], a=TWO),
    OneNode(op="MultiHeadAttention", form="cross", i=[fed(2, 3, 8), fed(2, 5, 8), fed(2, 5, 12)], a=TWO),
    OneNode(
        op="MultiHeadAttention",
        form="scores",
        i=[fed(2, 3, 8), fed(2, 5, 8), fed(2, 5, 12)],
        a=TWO,
        outputs=4,
    ),
    OneNode(
        op="MultiHeadAttention",
        form="past",
        i=[fed(2, 3, 8), fed(2, 3, 8), fed(2, 3, 8), None, None, None, *CACHES],
        a=TWO,
        outputs=4,
    ),
    OneNode(
        op="MultiHeadAttention", form="keys-cached", i=[fed(2, 3, 8), fed(2, 2, 5, 4), fed(2, 2, 5, 4)], a=TWO
    ),
    OneNode(
        op="MultiHeadAttention",
        form="shared",
        i=[*NEW_TOKEN, None, None, None, *CACHES, known([5])],
        a=TWO,
        outputs=3,
    ),
    OneNode(
        op="MultiHeadAttention",
        form="shared-scores",
        i=[*NEW_TOKEN, None, None, None, *CACHES, known([5])],
        a=TWO,
        outputs=4,
    ),
    OneNode(
        op="DecoderMaskedMultiHeadAttention",
        form="shared",
        i=[*NEW_TOKEN, None, None, *CACHES, known([5])],
        a=TWO | SHARED,
        outputs=3,
    ),
    OneNode(
        op="DecoderMaskedMultiHeadAttention",
        form="cross",
        i=[fed(2, 1, 8), fed(2, 2, 7, 4), fed(2, 2, 7, 4)],
        a=TWO,
    ),
    OneNode(
        op="DecoderMaskedMultiHeadAttention",
        form="cross-scores",
        i=[fed(2, 1, 8), fed(2, 2, 7, 4), fed(2, 2, 7, 4)],
        a=TWO | {"output_qk": 1},
        outputs=[True, False, False, True],
    ),
    OneNode(
        op="GroupQueryAttention",
        form="prompt",
        i=[fed(2, 3, 32), fed(2, 3, 16), fed(2, 3, 16), None, None, told([2, 2]), told(3)],
        a=GROUPED,
        outputs=3,
    ),
    OneNode(
        op="GroupQueryAttention",
        form="packed",
        i=[fed(2, 3, 64), None, None, None, None, told([2, 2]), known(3)],
        a=GROUPED,
        outputs=3,
    ),
    OneNode(
        op="GroupQueryAttention",
        form="past",
        i=[fed(2, 1, 32), fed(2, 1, 16), fed(2, 1, 16), *[fed(2, 2, 6, 8)] * 2, told([6, 6]), told(7)],
        a=GROUPED,
        outputs=3,
    ),
    OneNode(
        op="GroupQueryAttention",
        form="scores",
        i=[fed(2, 1, 32), fed(2, 1, 16), fed(2, 1, 16), *[fed(2, 2, 6, 8)] * 2, told([6, 6]), known(7)],
        a=GROUPED | {"qk_output": 1},
        outputs=4,
    ),
    OneNode(
        op="GroupQueryAttention",
        form="shared",
        i=[fed(2, 1, 32), fed(2, 1, 16), fed(2, 1, 16), *[fed(2, 2, 9, 8)] * 2, known([5, 5]), known(6)],
        a=GROUPED,
        outputs=3,
    ),
    OneNode(
        op="GroupQueryAttention",
        form="rotary-window",
        i=[
            fed(2, 1, 128), None, None, fed(2, 2, 6, 16), fed(2, 2, 6, 16), told([6, 6]), known(7),
            fed(20, 8), fed(20, 8),
        ],
        a=GROUPED | {"do_rotary": 1, "local_window_size": 4},
        outputs=3,
    ),
    OneNode(
        op="QAttention",
        i=[uint8(2, 3, 8), int8(8, 24), fed(24), SCALE, SCALE, None, ZERO_U8, ZERO_I8],
        a=TWO,
        outputs=1,
    ),
    OneNode(
        op="QAttention",
        form="past",
        i=[uint8(2, 3, 8), int8(8, 24), fed(24), SCALE, SCALE, None, ZERO_U8, ZERO_I8, fed(2, 2, 2, 5, 4)],
        a=TWO | {"unidirectional": 1},
        outputs=2,
    ),
    OneNode(
        op="LinearAttention",
        i=[fed(2, 3, 8), fed(2, 3, 4), fed(2, 3, 12), None, fed(2, 3, 2), fed(2, 3, 2)],
        a=LINEAR,
        outputs=2,
    ),
    OneNode(
        op="LinearAttention",
        form="fewer-queries",
        i=[fed(2, 3, 4), fed(2, 3, 8), fed(2, 3, 12), fed(2, 4, 2, 3)],
        a={"q_num_heads": 2, "kv_num_heads": 4, "update_rule": "linear"},
        outputs=2,
    ),
    OneNode(op="LinearAttentionGate", i=[fed(2, 3, 4), fed(4), fed(4), fed(2, 3, 4)], outputs=2),
    OneNode(
        op="GatedDeltaNet",
        form="ragged",
        i=[
            fed(6, 2, 4), fed(6, 2, 4), fed(6, 4, 3), told([0, 2, 6]), fed(6, 4), fed(6, 4), fed(2, 4, 3, 4),
            None, None, told([1, 2]),
        ],
        a={"state_update_capacity": 2},
        outputs=3,
    ),
    OneNode(
        op="GatedDeltaNet",
        form="batched",
        i=[fed(2, 3, 2, 4), fed(2, 3, 2, 4), fed(2, 3, 4, 3), None, fed(2, 3, 4, 4), fed(2, 3, 4)],
        outputs=2,
    ),
    OneNode(
        op="GatedDeltaNet",
        form="packed",
        i=[fed(6, 2 * 2 * 4 + 4 * 3), None, None, None, fed(6, 4), fed(6, 4), fed(1, 4, 3, 4)],
        outputs=2,
    ),
    OneNode(op="RotaryEmbedding", i=[fed(2, 3, 16), POSITIONS, fed(20, 4), fed(20, 4)]),
    OneNode(
        op="RotaryEmbedding", form="heads", i=[fed(2, 2, 3, 8), told([0], "int64"), fed(20, 4), fed(20, 4)]
    ),
    OneNode(
        op="MRotaryEmbedding",
        i=[fed(2, 3, 16), told(np.zeros((3, 2, 3)), "int64"), fed(20, 4), fed(20, 4)],
        a={"mrope_section": [2, 1, 1], "num_heads": 2, "rotary_embedding_dim": 8},
    ),
    OneNode(
        op="MoE",
        i=[fed(6, 8), fed(6, 4), fed(4, 16, 8), fed(4, 16), fed(4, 8, 16), fed(4, 8)],
        a={"k": 2, "activation_type": "relu"},
    ),
    OneNode(
        op="MoE",
        form="swiglu",
        i=[fed(2, 3, 8), fed(6, 4), fed(4, 32, 8), fed(4, 32), fed(4, 8, 16), fed(4, 8)],
        a={"k": 2, "activation_type": "swiglu", "swiglu_fusion": 1},
    ),
    OneNode(
        op="QMoE",
        i=[
            fed(6, 32), fed(6, 4),
            filled(17, 4, 32, 16, dtype="uint8"), filled(0.1, 4, 32), None,
            filled(17, 4, 32, 8, dtype="uint8"), filled(0.1, 4, 32),
        ],
        a={"k": 2, "activation_type": "swiglu", "swiglu_fusion": 1, "expert_weight_bits": 4},
    ),
    OneNode(op="MoEGroupRouter", i=[fed(6, 4), fed(4)], a={"top_k": 2}),
]  # fmt: skip

INFERRED = [
    OneNode(
        op="Attention",
        form="shared",
        i=[*TOKEN, None, fed(2, 2, 2, 9, 4), None, known([5])],
        a=TWO | SHARED,
        outputs=2,
        free="o1[0] o1[1] o1[2] o1[3] o1[4]",
    ),
    OneNode(
        op="DecoderMaskedSelfAttention",
        form="past",
        i=[*TOKEN, None, fed(2, 2, 2, 9, 4), None, known([9])],
        a=TWO,
        outputs=2,
    ),
    OneNode(
        op="DecoderMaskedSelfAttention",
        form="shared",
        i=[*TOKEN, None, fed(2, 2, 2, 9, 4), None, known([5])],
        a=TWO | SHARED,
        outputs=2,
        free="o1[0] o1[1] o1[2] o1[3] o1[4]",
    ),
    OneNode(
        op="DecoderMaskedMultiHeadAttention",
        form="past",
        i=[*NEW_TOKEN, None, None, *CACHES],
        a=TWO,
        outputs=3,
    ),
    OneNode(
        op="DecoderMaskedMultiHeadAttention",
        form="past-scores",
        i=[*[fed(3, 1, 8)] * 3, None, None, fed(3, 2, 9, 4), fed(3, 2, 9, 4)],
        a=TWO | {"output_qk": 1},
        outputs=4,
        free="o3[0] o3[1] o3[2] o3[3]",
    ),
    OneNode(op="MultiHeadAttention", form="packed-qkv", i=[fed(2, 3, 2, 3, 4)], a=TWO),
    OneNode(op="MultiHeadAttention", form="packed-kv", i=[fed(2, 3, 8), fed(2, 5, 2, 2, 4)], a=TWO),
    OneNode(op="PackedAttention", i=[fed(7, 8), fed(8, 24), fed(24), int32(2, 4), int32(3)], a=TWO),
    OneNode(
        op="PackedAttention",
        form="widths",
        i=[fed(7, 8), fed(8, 28), fed(28), int32(2, 4), int32(3)],
        a=TWO | {"qkv_hidden_sizes": [8, 8, 12]},
    ),
    OneNode(
        op="PackedMultiHeadAttention",
        i=[fed(7, 8), fed(7, 8), fed(7, 12), None, int32(2, 4), int32(3)],
        a=TWO,
    ),
    OneNode(
        op="PackedMultiHeadAttention",
        form="packed-qkv",
        i=[fed(7, 2, 3, 4), None, None, None, int32(2, 4), int32(3)],
        a=TWO,
    ),
    decoder(False, False, False),
    decoder(True, True, True),
    OneNode(
        op="LongformerAttention",
        i=[fed(2, 8, 8), fed(8, 24), fed(24), fed(2, 8), fed(8, 24), fed(24), int32(2, 8)],
        a=TWO | {"window": 2},
    ),
    OneNode(
        op="GroupQueryAttention",
        form="sliding",
        i=[fed(2, 1, 32), fed(2, 1, 16), fed(2, 1, 16), *[fed(2, 2, 6, 8)] * 2, told([8, 8]), known(9)],
        a=GROUPED | {"sliding_window_cache": 1, "local_window_size": 4},
        outputs=3,
    ),
    OneNode(
        op="SparseAttention",
        i=[
            fed(1, 2, 64), fed(1, 2, 32), fed(1, 2, 32), *[fed(1, 2, 32, 16)] * 2, known([[0, 1, 3]]),
            known([[0, 0, 1]]), known(2), known([2]),
        ],
        a=GROUPED | {"sparse_block_size": 16},
        outputs=3,
    ),
    OneNode(
        op="PagedAttention", i=[half(5, 64), half(5, 32), half(5, 32), *PAGES], a=GROUPED, outputs=3
    ),
    OneNode(
        op="PagedAttention", form="packed", i=[half(5, 128), None, None, *PAGES], a=GROUPED, outputs=3
    ),
    OneNode(
        op="PagedAttention",
        form="latent",
        i=[
            half(5, 4 * 48), half(5, 48), None, half(6, 256, 1, 48), None, int32(3), int32(2), int32(2, 3),
        ],
        a={"num_heads": 4, "kv_num_heads": 1, "kv_cache_layout": "LATENT", "v_head_size": 32},
        outputs=2,
    ),
    OneNode(
        op="SparsePagedAttention",
        i=[half(5, 64), half(5, 32), half(5, 32), *PAGES, None, int32(5, 4), int32(5)],
        a=GROUPED,
        outputs=3,
    ),
    OneNode(
        op="DynamicSparseAttention",
        form="past",
        i=[
            half(2, 3, 64), half(2, 3, 32), half(2, 3, 32), *[half(2, 2, 9, 16)] * 2, None, None, *SELECTED,
            known(12),
        ],
        a=GROUPED | {"output_bf16": 1},
        outputs=3,
    ),
    OneNode(
        op="DynamicSparseAttention",
        form="prompt",
        i=[half(2, 3, 64), half(2, 3, 32), half(2, 3, 32), None, None, None, None, *SELECTED, known(3)],
        a=GROUPED,
        outputs=3,
    ),
    OneNode(
        op="QOrderedAttention",
        i=[
            int8(2, 3, 8), *[SCALE] * 4, *[int8(8, 8)] * 3, *[SCALE] * 3, *[fed(8)] * 3, *[SCALE] * 3,
        ],
        a=TWO | {"order_input": 1, "order_weight": 0, "order_output": 1},
    ),
    OneNode(
        op="QOrderedLongformerAttention",
        i=[
            int8(2, 8, 8), SCALE, int8(8, 24), SCALE, fed(24), SCALE, SCALE, half(2, 8), int8(8, 24), SCALE,
            fed(24), SCALE, int32(2, 8), SCALE,
        ],
        a=TWO
        | {"window": 2, "order_input": 1, "order_weight": 0, "order_global_weight": 0, "order_output": 1},
    ),
    OneNode(
        op="LinearAttention",
        form="window",
        i=[bfloat(2, 3, 8), bfloat(2, 3, 4), bfloat(2, 3, 12), bfloat(5, 2, 2, 2, 6)],
        a=LINEAR | {"update_rule": "linear", "state_window": 5},
        outputs=2,
    ),
    OneNode(
        op="LinearAttention",
        form="new-window",
        i=[bfloat(2, 3, 8), bfloat(2, 3, 4), bfloat(2, 3, 12)],
        a=LINEAR | {"update_rule": "linear", "state_window": 5},
        outputs=2,
    ),
    OneNode(op="GemmaRotaryEmbedding", i=[fed(2, 3, 8), *[half(2, 4, 3, 8)] * 4], outputs=2),
    OneNode(
        op="RMSNormRotary",
        i=[half(2, 3, 4, 8), fed(8), POSITIONS, fed(20, 3), fed(20, 3)],
        a={"rotary_embedding_dim": 6},
        outputs=2,
    ),
    OneNode(
        op="RMSNormRotary",
        form="flat",
        i=[half(2, 3, 4, 8), fed(8), POSITIONS, fed(20, 3), fed(20, 3)],
        a={"rotary_embedding_dim": 6, "flatten_batch": 1, "output_fp16": 1},
        outputs=2,
    ),
    OneNode(
        op="RelativePositionBias",
        i=[fed(32, 4), known([6], "int64"), known([6], "int64")],
        a={"max_distance": 128},
        free="o0[2] o0[3]",
    ),
    OneNode(
        op="GatedRelativePositionBias",
        i=[fed(2, 6, 8), fed(8), fed(1, 2, 6, 6), fed(4, 8), fed(8), fed(1, 2, 1, 1)],
        a=TWO,
    ),
    OneNode(
        op="GatedRelativePositionBias",
        form="packed",
        i=[fed(9, 8), fed(8), fed(1, 2, 6, 6), fed(4, 8), fed(8), fed(1, 2, 1, 1), int32(2, 6)],
        a=TWO,
    ),
    OneNode(op="RemovePadding", i=[fed(2, 4, 8), told([3, 2])], outputs=4, free="o0[0]"),
    OneNode(op="RestorePadding", i=[fed(5, 8), told(np.arange(8).reshape(2, 4))]),
    OneNode(
        op="MoEPacked",
        i=[half(6, 256), half(6, 4), uint8(4, 512, 100), uint8(4, 512, 100), uint8(4, 256, 100)],
        a={"k": 2, "gate_type": 16, "down_type": 16, "up_type": 16},
    ),
    OneNode(
        op="MoEGroupRouter",
        form="projected",
        i=[half(6, 256), fed(4), half(4, 256)],
        a={"top_k": 2},
        outputs=[False, True, True],
    ),
    OneNode(op="RouterGateUpProj", i=[half(6, 8), half(8, 4 + 10)], a={"router_size": 4}, outputs=2),
]  # fmt: skip


@pytest.mark.parametrize("case", RUN, ids=str)
def test_shapes_of_runs(case: OneNode) -> None:
    """Attention and its kin: every output of a run has the type and shape that the loader says."""
    assert case.walked() == case.ran()


@pytest.mark.parametrize("case", INFERRED, ids=str)
def test_shapes_that_onnx_runtime_infers(case: OneNode) -> None:
    """Where no CPU runs an operator, ONNX Runtime takes what the loader says and refuses other sizes."""
    assert case.refusal(case.walked()) == ""
    assert case.accepted() == case.free


def test_decoder_attention_caches() -> None:
    """DecoderAttention hands on 3 new keys, 7 + 3 with a cache, all 5 across, or the 7 it has of them."""
    flags = [(False, False, False), (False, True, True), (True, False, False), (True, True, True)]
    lengths = [decoder(*given).walked()["o1"][1] for given in flags]
    assert lengths == [(2, 2, 3, 4), (2, 2, 7 + 3, 4), (2, 2, 5, 4), (2, 2, 7, 4)]


def test_packed_token_of_a_decoder() -> None:
    """DecoderMaskedMultiHeadAttention: one row of Q, K and V, 8 wide each, gives 8, and caches one longer."""
    case = OneNode(
        op="DecoderMaskedMultiHeadAttention",
        i=[fed(3, 1, 24), None, None, None, None, *[fed(3, 2, 9, 4)] * 2],
        a=TWO,
        outputs=3,
    )
    cache = (DType.FLOAT, (3, 2, 10, 4))
    assert case.walked() == {"o0": (DType.FLOAT, (3, 1, 8)), "o1": cache, "o2": cache}
