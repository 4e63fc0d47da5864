"""Convolution kernels compute whole blocks of channels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from feasibility.cost import NodeCost, OpClass
from feasibility.timing.kernels import PLAIN, Kernels, computed_share
from tests.timing_parts import step, tensor, work


def conv(target: int, source: int, op_class: OpClass, group: int = 1) -> NodeCost:
    """Return a 3x3 convolution with weights [target, source / group, 3, 3]."""
    made = step(
        (tensor("x", 1, source, 8, 8), tensor("w", target, source // group, 3, 3, constant=True)),
        (tensor("y", 1, target, 8, 8),),
        "heavy",
        op_type="Conv",
        fmas=64 * target * source // group * 9,
        op_class=op_class,
    )
    return replace(made, node=replace(made.node, attributes={"group": group}))


@pytest.mark.parametrize(
    ("node", "share"),
    [
        (conv(32, 16, "dense"), 1),
        (conv(36, 18, "dense"), (48 / 36) * (32 / 18)),
        (conv(20, 3, "dense"), 32 / 20),  # an image's 3 channels are read as they lie
        (conv(24, 24, "depthwise", 24), 32 / 24),
        (conv(64, 64, "grouped", 8), (16 / 8) * (16 / 8)),
        (work(1000), 1),
    ],
    ids=["whole", "both sides", "an image", "depthwise", "groups of 8", "a product"],
)
def test_channels_fill_up_to_blocks_of_16(node: NodeCost, share: float) -> None:
    """Both sides round up to 16, in each group of its own."""
    assert share == pytest.approx(computed_share(node, Kernels(block=16)))


def test_without_blocks_nothing_is_padded() -> None:
    """A block of one channel is no block, and nothing is transformed."""
    assert 1 == computed_share(conv(36, 18, "dense"), PLAIN)


@pytest.mark.parametrize(
    ("node", "share"),
    [
        (conv(32, 16, "dense"), 1 / 2.5),
        (conv(32, 8, "dense"), 1),  # too few channels
        (conv(32, 32, "depthwise", 32), 1),
    ],
    ids=["3x3", "few channels", "depthwise"],
)
def test_winograd_saves_arithmetic_of_3x3_convolutions(node: NodeCost, share: float) -> None:
    """Of dense ones with stride 1 and at least 16 channels, and of no others."""
    assert share == pytest.approx(computed_share(node, Kernels(winograd=2.5)))


def test_a_stride_keeps_winograd_away() -> None:
    """With stride 2 every product is done."""
    plain = conv(32, 16, "dense")
    strided = replace(plain, node=replace(plain.node, attributes={"group": 1, "strides": (2, 2)}))

    assert 1 == computed_share(strided, Kernels(winograd=2.5))
