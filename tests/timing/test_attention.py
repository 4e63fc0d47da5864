"""Attention that is one kernel: what it takes, and what it moves."""

from __future__ import annotations

import pytest

from feasibility.cost import NodeCost
from feasibility.ir import DType
from feasibility.timing.groups import Fusion, fuse
from feasibility.timing.loads import AS_STORED, loads
from tests.timing_parts import model, step, tensor

ONE_KERNEL = Fusion(attention=True)
FP32 = 4
Q, K, V = (tensor(name, 1, 4, 64, 32) for name in ("q", "kt", "v"))
SCORES, WEIGHTS, MIXED = tensor("s", 1, 4, 64, 64), tensor("p", 1, 4, 64, 64), tensor("o", 1, 4, 64, 32)
FMAS = 4 * 64 * 64 * 32


def attention(*, weights: str = "p", softmax: str = "Softmax") -> tuple[NodeCost, ...]:
    """Return product, softmax, product."""
    return (
        step((Q, K), (SCORES,), "heavy", op_type="MatMul", fmas=FMAS, op_class="matmul"),
        step((SCORES,), (WEIGHTS,), op_type=softmax, arithmetic=100),
        step(
            (tensor(weights, 1, 4, 64, 64), V),
            (MIXED,),
            "heavy",
            op_type="MatMul",
            fmas=FMAS,
            op_class="matmul",
        ),
    )


def test_both_products_and_the_softmax_are_one_group() -> None:
    """Three nodes, the operations of all of them, and no scores in memory."""
    (load,) = loads(model(*attention()), AS_STORED, ONE_KERNEL)

    assert 2 * 2 * FMAS + 100 == load.flops
    assert FP32 * 4 * 64 * 32 * 4 == load.activation_bytes  # q, k, v and the result
    assert "matmul" == load.op_class


def test_a_runtime_without_the_kernel_moves_the_scores() -> None:
    """Written by the first product with the softmax, read by the second."""
    first, second = loads(model(*attention()), AS_STORED)

    assert FP32 * (2 * 4 * 64 * 32 + 4 * 64 * 64) == first.activation_bytes == second.activation_bytes


@pytest.mark.parametrize(
    "nodes",
    [
        attention(softmax="Relu"),
        (*attention(), step((WEIGHTS,), (tensor("z", 1),), op_type="ReduceMean")),
        (*attention()[:2], step((WEIGHTS,), (tensor("z", 1),), op_type="ReduceMean"), attention()[2]),
        attention()[:2],
    ],
    ids=["no softmax", "the weights are read again", "the weights are read before", "no second product"],
)
def test_what_only_looks_like_attention_stays_apart(nodes: tuple[NodeCost, ...]) -> None:
    """Without a softmax, with another reader, or without a second product there is no such kernel."""
    assert not any(group.whole for group in fuse(model(*nodes), ONE_KERNEL))


def test_a_product_belongs_to_one_attention() -> None:
    """What ends the first does not begin the next: product, softmax, product, softmax, product."""
    more = (
        step((MIXED,), (tensor("p2", 1, 4, 64, 32),), op_type="Softmax", arithmetic=100),
        step((tensor("p2", 1, 4, 64, 32), tensor("k2", 1, 4, 32, 64)), (tensor("o2", 1, 4, 64, 64),), "heavy",
             op_type="MatMul", fmas=FMAS, op_class="matmul"),
    )  # fmt: skip
    first, *rest = fuse(model(*attention(), *more), ONE_KERNEL)

    assert (True, 2) == (first.whole, len(first.followers))
    assert not any(group.whole for group in rest)


def test_products_with_weights_are_no_attention() -> None:
    """A linear layer, a softmax and another linear layer."""
    w = tensor("w", 32, 64, constant=True)
    nodes = (
        step((tensor("x", 8, 32), w), (tensor("s", 8, 64),), "heavy", op_type="MatMul", op_class="matmul"),
        step((tensor("s", 8, 64),), (tensor("p", 8, 64),), op_type="Softmax"),
        step((tensor("p", 8, 64), tensor("u", 64, 8, constant=True)), (tensor("y", 8, 8),), "heavy",
             op_type="MatMul", op_class="matmul"),
    )  # fmt: skip
    assert not any(group.whole for group in fuse(model(*nodes), ONE_KERNEL))


def test_eager_frameworks_run_a_chain_of_light_operators_as_one_kernel() -> None:
    """Sigmoid and Mul are one SiLU that reads x and writes y; the convolution before it is alone."""
    x, s, y = (tensor(name, 10, dtype=DType.FLOAT) for name in "xsy")
    conv = step((tensor("i", 10),), (x,), "heavy", op_type="Conv", op_class="dense")
    silu = (step((x,), (s,), op_type="Sigmoid"), step((x, s), (y,), op_type="Mul"))

    first, second = loads(model(conv, *silu, outputs=(y,)), AS_STORED, Fusion(light=False))

    assert (FP32 * 20, FP32 * 20) == (first.activation_bytes, second.activation_bytes)
    assert ["Sigmoid", "Mul"] == [n.node.op_type for n in (second.group.head, *second.group.followers)]
