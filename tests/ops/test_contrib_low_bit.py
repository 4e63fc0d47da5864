from __future__ import annotations

import pytest

from feasibility.ir import DType, TensorSpec
from tests.ops.op_cases import Case, contrib, cost_of, make_node, tensor

SWISH, RMS, RMS_ROW, DEQUANTISE = 4, 4, 3, 2


def u8(*shape: int) -> TensorSpec:
    """Return bytes of weights."""
    return tensor(*shape, dtype=DType.UINT8)


def half(*shape: int) -> TensorSpec:
    """Return a tensor of float16."""
    return tensor(*shape, dtype=DType.FLOAT16)


SIZES = {"K": 40, "N": 6, "bits": 4, "block_size": 32}

# (case, the weights that its byte tensors hold, by input)
ROWS: list[tuple[Case, dict[int, int]]] = [
    (
        contrib(
            "MatMulNBits",
            i=[half(2, 3, 40), u8(6, 2, 16), half(6, 2), None, None, half(6)],
            o=[half(2, 3, 6)],
            a=SIZES,
            fmas=2 * 3 * 40 * 6,
            arithmetic=2 * 3 * 6,
            dtype=DType.FLOAT16,
            role="heavy",
            op_class="matmul",
        ),
        {1: 40 * 6},
    ),
    (
        contrib(
            "MatMulNBits",
            i=[half(40), u8(6, 2, 8), half(6, 2)],
            o=[half(6)],
            a=SIZES | {"bits": 2},
            fmas=40 * 6,
        ),
        {1: 40 * 6},
    ),
    (
        contrib(
            "MatMulBnb4", i=[(2, 3, 40), u8(120), (8,)], o=[(2, 3, 6)], a=SIZES, fmas=2 * 3 * 40 * 6
        ),
        {1: 40 * 6},
    ),
    (
        contrib(
            "MatMulFpQ4",
            i=[(3, 64), u8(240), tensor(2, dtype=DType.INT64)],
            o=[(3, 6)],
            fmas=3 * 64 * 6,
        ),
        {1: 64 * 6},
    ),
    (
        contrib(
            "MatMulPacked",
            i=[half(2, 3, 32), u8(6, 17)],
            o=[half(2, 3, 6)],
            a={"K": 32, "N": 6, "packed_type": 2, "activation_type": "silu"},
            fmas=2 * 3 * 6 * 32,
            arithmetic=2 * 3 * 6 * SWISH,
            transcendentals=2 * 3 * 6,
        ),
        {1: 32 * 6},
    ),
    (
        contrib(
            "MatMulBlockQuantizedFp4Weight",
            i=[half(2, 3, 32), u8(6, 16), u8(6, 2), (), None, half(6)],
            o=[half(2, 3, 6)],
            fmas=2 * 3 * 6 * 32,
            arithmetic=2 * 3 * 6,
            dtype=DType.FLOAT16,
        ),
        {1: 32 * 6},
    ),
    (
        contrib(
            "MatMulBlockQuantizedFp8Weight",
            i=[half(2, 3, 128), tensor(6, 128, dtype=DType.FLOAT8E4M3FN), (6, 1), None, half(6)],
            o=[half(2, 3, 6)],
            fmas=2 * 3 * 6 * 128,
            arithmetic=2 * 3 * 6,
            dtype=DType.FLOAT16,
        ),
        {1: 128 * 6},
    ),
    (
        contrib(  # two products, a gate between them; both with a bias; the input is added to and normalised
            "MatMulNBitsMlp",
            i=[
                (2, 3, 32), (2, 3, 32), (32,), u8(6, 1, 16), (6, 1), (6,), u8(6, 1, 16), (6, 1), (6,),
            ],
            o=[(2, 3, 6), (2, 3, 32)],
            a={"K": 32, "N": 6, "bits": 4, "block_size": 32, "activation": "silu"},
            fmas=2 * 3 * 2 * 32 * 6,
            arithmetic=2 * 3 * (6 * (SWISH + 1 + 2) + 32 * (RMS + 1) + RMS_ROW),
            transcendentals=2 * 3 * (6 + 1),
        ),
        {3: 32 * 6, 6: 32 * 6},
    ),
    (
        contrib(
            "MatMulNBitsMlp",
            i=[(2, 3, 32), None, None, u8(6, 1, 16), (6, 1), None, u8(6, 1, 16), (6, 1)],
            o=[(2, 3, 6)],
            a={"K": 32, "N": 6, "bits": 4, "block_size": 32, "activation": "relu"},
            fmas=2 * 3 * 2 * 32 * 6,
            arithmetic=2 * 3 * 6 * (1 + 1),
        ),
        {3: 32 * 6, 6: 32 * 6},
    ),
    (
        contrib(
            "MatMulNBitsQkv",
            i=[
                (2, 3, 32), None, (32,), u8(6, 1, 16), (6, 1), (6,), u8(4, 1, 16), (4, 1), None,
                u8(4, 1, 16), (4, 1),
            ],
            o=[(2, 3, 6), (2, 3, 4), (2, 3, 4)],
            a={"K": 32, "Nq": 6, "Nkv": 4, "bits": 4, "block_size": 32},
            fmas=2 * 3 * 32 * (6 + 4 + 4),
            arithmetic=2 * 3 * (6 + 32 * RMS + RMS_ROW),
            transcendentals=2 * 3,
        ),
        {3: 32 * 6, 6: 32 * 4, 9: 32 * 4},
    ),
    (
        contrib(  # beside the weights an adapter of rank 5
            "MatMulNBitsQLoRA",
            i=[(2, 4, 32), u8(6, 1, 16), (6, 1), u8(5, 1, 32), (5, 1), u8(6, 1, 32), (6, 1)],
            o=[(2, 4, 6)],
            a={"K": 32, "N": 6},
            fmas=2 * 4 * (32 * 6 + 32 * 5 + 5 * 6),
            arithmetic=2 * 4 * 6,
        ),
        {1: 32 * 6, 3: 32 * 5, 5: 5 * 6},
    ),
    (
        contrib(  # 3 rows of 64 weights in 32 bytes, of a table of 10
            "GatherBlockQuantized",
            i=[u8(10, 32), tensor(1, 3, dtype=DType.INT64), (10, 4)],
            o=[(1, 3, 64)],
            a={"block_size": 16},
            arithmetic=3 * 64 * DEQUANTISE,
            role="move",
            reads=3 * 32 + 3 * 8,
            dtype=DType.FLOAT,
        ),
        {0: 10 * 64},
    ),
    (
        contrib(  # 3 columns of 10 weights of 4 bits
            "GatherBlockQuantized",
            i=[tensor(10, 64, dtype=DType.INT4), tensor(3, dtype=DType.INT64), (1, 64)],
            o=[(10, 3)],
            a={"block_size": 16, "gather_axis": 1, "quantize_axis": 0},
            arithmetic=3 * 10 * DEQUANTISE,
            reads=3 * 10 // 2 + 3 * 8,
        ),
        {0: 10 * 64},
    ),
    (
        contrib(
            "GatherPacked",
            i=[u8(10, 34), tensor(1, 3, dtype=DType.INT64)],
            o=[tensor(1, 3, 32, dtype=DType.BFLOAT16)],
            a={"packed_type": 8, "K": 32},
            arithmetic=3 * 32 * DEQUANTISE,
            reads=3 * 34 + 3 * 8,
            dtype=DType.BFLOAT16,
        ),
        {0: 10 * 32},
    ),
]  # fmt: skip
CASES = [case for case, _ in ROWS]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_low_bit_products(case: Case) -> None:
    """A product with low-bit weights counts M x N x K and runs in the type of the activations."""
    case.check()


@pytest.mark.parametrize(("case", "held"), ROWS, ids=map(str, CASES))
def test_what_packed_bytes_hold(case: Case, held: dict[int, int]) -> None:
    """A rule says how many weights each of its byte tensors holds: rows x columns, padding left out."""
    node = make_node(case.op, case.i, case.o, attributes=case.a, domain=case.domain, opset=1)
    assert dict(cost_of(node).packed) == held
