from __future__ import annotations

import pytest

from feasibility.errors import FeasibilityError
from feasibility.ir import DType, TensorSpec
from tests.ops.op_cases import Case, contrib, cost_of, make_node, tensor

FLOAT_BYTES = 4
SOFTMAX, SWISH, SIGMOID = 4, 4, 3


def uint8(*shape: int) -> TensorSpec:
    """Return packed weights."""
    return tensor(*shape, dtype=DType.UINT8)


# 6 tokens of 8 features, 4 experts of 16 units, 2 per token
CASES = [
    contrib(
        "MoE",
        i=[(6, 8), (6, 4), (4, 16, 8), (4, 16), (4, 8, 16), (4, 8)],
        o=[(6, 8)],
        a={"k": 2},
        fmas=6 * 2 * (8 * 16 + 16 * 8),
        arithmetic=6 * 4 * SOFTMAX + 6 * 2 * (16 * 1 + 2 * 8),  # relu
        transcendentals=6 * 4,
        role="heavy",
        op_class="matmul",
        reads=(6 * 8 + 6 * 4 + 4 * (16 * 8 + 16 + 8 * 16 + 8)) * FLOAT_BYTES,
    ),
    contrib(  # gate and value in one matrix; one token meets 2 of the 4 experts
        "MoE",
        i=[(1, 1, 8), (1, 4), (4, 32, 8), None, (4, 8, 16)],
        o=[(1, 1, 8)],
        a={"k": 2, "activation_type": "swiglu", "swiglu_fusion": 1},
        fmas=1 * 2 * (8 * 32 + 16 * 8),
        arithmetic=4 * SOFTMAX + 2 * (16 * (SWISH + 1) + 2 * 8),
        transcendentals=4 + 2 * 16,
        reads=(8 + 4 + 2 * (32 * 8 + 8 * 16)) * FLOAT_BYTES,
    ),
    contrib(  # squared
        "MoE",
        i=[(6, 8), (6, 4), (4, 16, 8), None, (4, 8, 16)],
        o=[(6, 8)],
        a={"activation_type": "relu2"},
        fmas=6 * 1 * 2 * 8 * 16,
        arithmetic=6 * 4 * SOFTMAX + 6 * (16 * 2 + 2 * 8),
        transcendentals=6 * 4,
    ),
    contrib(  # gate and value in two matrices
        "MoE",
        i=[(6, 8), (6, 4), (4, 16, 8), None, (4, 8, 16), None, (4, 16, 8)],
        o=[(6, 8)],
        a={"activation_type": "silu"},
        fmas=6 * 1 * 3 * 8 * 16,
        arithmetic=6 * 4 * SOFTMAX + 6 * (16 * SWISH + 2 * 8),
        transcendentals=6 * 4 + 6 * 16,
    ),
    contrib(  # two weights in a byte
        "QMoE",
        i=[(1, 8), (1, 4), uint8(4, 32, 4), (4, 32), None, uint8(4, 8, 8), (4, 8)],
        o=[(1, 8)],
        a={"k": 2, "activation_type": "swiglu", "swiglu_fusion": 1},
        fmas=1 * 2 * (8 * 32 + 16 * 8),
        arithmetic=4 * SOFTMAX + 2 * (16 * (SWISH + 1) + 2 * 8),
        transcendentals=4 + 2 * 16,
        dtype=DType.FLOAT,
        reads=(8 + 4) * FLOAT_BYTES + 2 * (32 * 4 + 8 * 8 + (32 + 8) * FLOAT_BYTES),
    ),
    contrib(  # gate and value in two matrices of 4 bits
        "QMoE",
        i=[(1, 8), (1, 4), uint8(4, 16, 4), None, None, uint8(4, 8, 8), None, None, uint8(4, 16, 4)],
        o=[(1, 8)],
        a={"activation_type": "silu"},
        fmas=1 * 3 * 8 * 16,
        arithmetic=4 * SOFTMAX + 16 * SWISH + 2 * 8,
        transcendentals=4 + 16,
        reads=(8 + 4) * FLOAT_BYTES + 3 * 8 * 16 // 2,
    ),
    contrib(
        "MoEPacked",
        i=[(6, 8), (6, 4), uint8(4, 16, 3), uint8(4, 16, 3), uint8(4, 8, 6)],
        o=[(6, 8)],
        a={"k": 2},
        fmas=6 * 2 * 3 * 8 * 16,
        arithmetic=6 * 4 * SOFTMAX + 6 * 2 * (16 * (SWISH + 1) + 2 * 8),
        transcendentals=6 * 4 + 6 * 2 * 16,
    ),
    contrib(
        "MoEGroupRouter",
        i=[(6, 4), (4,)],
        o=[(6, 4)],
        arithmetic=6 * 4 * (SIGMOID + 1),
        transcendentals=6 * 4,
    ),
    contrib(
        "MoEGroupRouter",
        i=[(6, 8), (4,), (4, 8)],
        o=[None, (6, 4), (6, 4)],
        fmas=6 * 4 * 8,
        arithmetic=6 * 4 * (SIGMOID + 1),
        transcendentals=6 * 4,
    ),
    contrib(
        "RouterGateUpProj",
        i=[(6, 8), (8, 4 + 2 * 5)],
        o=[(6, 4), (6, 5)],
        a={"router_size": 4},
        fmas=6 * 8 * (4 + 2 * 5),
        arithmetic=6 * 5 * (SWISH + 1),
        transcendentals=6 * 5,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_experts_count(case: Case) -> None:
    """A token runs through its k experts; of the weights no more are read than tokens can choose."""
    case.check()


def test_packed_experts_say_how_many_weights_they_hold() -> None:
    """Every matrix of a QMoE holds experts x rows x columns weights, however many share a byte."""
    node = make_node(
        "QMoE",
        [(1, 8), (1, 4), uint8(4, 32, 4), (4, 32), None, uint8(4, 8, 8), (4, 8)],
        [(1, 8)],
        attributes={"k": 2, "activation_type": "swiglu", "swiglu_fusion": 1},
        domain="com.microsoft",
        opset=1,
    )
    assert dict(cost_of(node).packed) == {2: 4 * 32 * 8, 5: 4 * 8 * 16}


def test_an_unknown_activation_is_no_guess() -> None:
    """An activation that nobody knows is said, not taken for another."""
    node = make_node(
        "MoE",
        [(6, 8), (6, 4), (4, 16, 8), None, (4, 8, 16)],
        [(6, 8)],
        attributes={"activation_type": "fancy"},
        domain="com.microsoft",
        opset=1,
    )
    with pytest.raises(FeasibilityError, match="no activation is called 'fancy'"):
        cost_of(node)
