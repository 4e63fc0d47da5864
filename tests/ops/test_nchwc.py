from __future__ import annotations

import pytest

from feasibility.ir import NCHWC_DOMAIN
from tests.ops.op_cases import Case


def case(op: str, **fields: object) -> Case:
    """Return a row of com.microsoft.nchwc, whose only version is 1."""
    return Case(op=op, domain=NCHWC_DOMAIN, opset=1, **fields)  # type: ignore[arg-type]


X = (1, 16, 8, 8)

CASES = [
    case(
        "Conv",
        i=[X, (32, 16, 3, 3), (32,), (1, 32, 6, 6)],
        o=[(1, 32, 6, 6)],
        a={"activation": "HardSigmoid", "kernel_shape": (3, 3)},
        fmas=6 * 6 * 32 * 16 * 9,
        arithmetic=6 * 6 * 32 * (1 + 1 + 4),  # bias, sum, activation
        op_class="dense",
    ),
    case(
        "Conv",
        i=[X, (16, 1, 1, 1)],
        o=[X],
        a={"group": 16, "kernel_shape": (1, 1)},
        fmas=64 * 16,
        op_class="depthwise",
    ),
    case(  # a batch normalisation: a factor and an offset, then an activation
        "Conv",
        i=[X, (16, 1, 1, 1), (16,)],
        o=[X],
        a={"group": 16, "activation": "Sigmoid"},
        arithmetic=64 * 16 * (2 + 3),
        transcendentals=64 * 16,
        role="light",
    ),
    case("MaxPool", i=[X], o=[(1, 16, 4, 4)], a={"kernel_shape": (2, 2)}, arithmetic=16 * 16 * 4),
    case("AveragePool", i=[X], o=[(1, 16, 4, 4)], a={"kernel_shape": (2, 2)}, arithmetic=16 * 16 * (4 + 1)),
    case("GlobalMaxPool", i=[X], o=[(1, 16, 1, 1)], arithmetic=16 * 64),
    case("GlobalAveragePool", i=[X], o=[(1, 16, 1, 1)], arithmetic=16 * 64 + 16),
    case("ReorderInput", i=[X], o=[X], role="move"),
    case("ReorderOutput", i=[X], o=[X], a={"channels": 16}, role="move"),
    case("Upsample", i=[X], o=[(1, 16, 16, 16)], a={"mode": "nearest"}, role="move"),
    case("Upsample", i=[X], o=[(1, 16, 16, 16)], a={"mode": "linear"}, arithmetic=16 * 256 * (4 + 3)),
]


@pytest.mark.parametrize("row", CASES, ids=str)
def test_operators_in_blocks(row: Case) -> None:
    """Operators of the blocked layout count as those of ai.onnx."""
    row.check()
