from __future__ import annotations

import pytest

from feasibility.errors import FeasibilityError
from tests.ops.op_cases import Case, Given, cost_of, make_node

T, B, I, H = 5, 2, 3, 4  # steps, batch, inputs, hidden units  # noqa: E741
SIGMOID, STATES = 3, 4


def layer(gates: int, directions: int, *, bias: bool = False) -> list[Given]:
    """Return X, W, R and B of a recurrent layer."""
    d, g = directions, gates
    return [(T, B, I), (d, g * H, I), (d, g * H, H), (d, 2 * g * H) if bias else None]


CASES = [
    Case(
        op="LSTM",
        i=layer(4, 1),
        o=[(T, 1, B, H)],
        fmas=T * B * 4 * H * (I + H),
        arithmetic=T * B * H * (STATES + 3 * SIGMOID),
        transcendentals=T * B * H * (3 + 2),
        role="heavy",
        op_class="matmul",
    ),
    Case(  # both directions, biases and peepholes
        op="LSTM",
        i=[*layer(4, 2, bias=True), None, None, None, (2, 3 * H)],
        o=[(T, 2, B, H)],
        a={"direction": "bidirectional"},
        fmas=2 * T * B * 4 * H * (I + H),
        arithmetic=2 * T * B * H * (STATES + 3 * SIGMOID + 2 * 4 + 2 * 3),
        transcendentals=2 * T * B * H * (3 + 2),
    ),
    Case(  # layout 1 is [batch, time, ...]; the count is the same
        op="LSTM",
        i=[(B, T, I), (1, 4 * H, I), (1, 4 * H, H)],
        o=[(B, T, 1, H)],
        a={"layout": 1},
        fmas=T * B * 4 * H * (I + H),
        arithmetic=T * B * H * (STATES + 3 * SIGMOID),
        transcendentals=T * B * H * (3 + 2),
    ),
    Case(
        op="GRU",
        i=layer(3, 1, bias=True),
        o=[(T, 1, B, H)],
        fmas=T * B * 3 * H * (I + H),
        arithmetic=T * B * H * (5 + 2 * SIGMOID + 2 * 3),
        transcendentals=T * B * H * (2 + 1),
    ),
    Case(
        op="RNN",
        i=layer(1, 1),
        o=[(T, 1, B, H)],
        a={"activations": ("Relu",), "clip": 1.0},
        fmas=T * B * H * (I + H),
        arithmetic=T * B * H * (1 + 2),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_recurrent_counts(case: Case) -> None:
    """A recurrent layer counts all its weights once per step, and its activations per unit."""
    case.check()


@pytest.mark.parametrize("activations", [("Relu",), ("Relu", "Relu", "Nope"), "Relu"])
def test_activations_that_do_not_fit(activations: tuple[str, ...] | str) -> None:
    """A wrong number or name of activations is refused in one sentence."""
    node = make_node("LSTM", layer(4, 1), [(T, 1, B, H)], attributes={"activations": activations})
    with pytest.raises(FeasibilityError, match="activation"):
        cost_of(node)
