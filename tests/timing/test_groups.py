"""Which nodes run as one kernel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from feasibility.cost import ModelCost, NodeCost
from feasibility.ir import DType, TensorSpec
from feasibility.timing.groups import fuse
from tests.timing_parts import model, step, tensor


def names(cost: ModelCost) -> list[list[str]]:
    """Return the groups by the names of their nodes (each is called like its first output)."""
    return [[node.node.name for node in (group.head, *group.followers)] for group in fuse(cost)]


def test_chain_of_light_nodes_and_views_follows_its_heavy_node() -> None:
    """A bias, a view and an activation after a convolution are one kernel with it."""
    cost = model(
        step("x w", "conv", "heavy"),
        step("conv b", "bias"),
        step("bias", "flat", "view"),
        step("flat", "relu"),
        outputs=(tensor("relu"),),
    )
    assert [["conv", "bias", "flat", "relu"]] == names(cost)


def test_two_readers_end_a_group() -> None:
    """In x*sigmoid(x) both nodes read the convolution, so it takes neither."""
    cost = model(step("x w", "conv", "heavy"), step("conv", "sigmoid"), step("conv sigmoid", "mul"))
    assert [["conv"], ["sigmoid"], ["mul"]] == names(cost)


def test_one_reader_may_read_twice() -> None:
    """A node that squares its input is still the only one to read it."""
    cost = model(step("x w", "conv", "heavy"), step("conv conv", "square"))
    assert [["conv", "square"]] == names(cost)


def test_output_of_the_graph_ends_a_group() -> None:
    """A tensor that the caller gets must be written, so nothing runs past it in the same kernel."""
    cost = model(step("x w", "conv", "heavy"), step("conv", "relu"), outputs=(tensor("conv"), tensor("relu")))
    assert [["conv"], ["relu"]] == names(cost)


def test_residual_addition_joins_the_later_convolution() -> None:
    """The sum of two convolutions can only run when the second is done."""
    cost = model(step("x w1", "first", "heavy"), step("x w2", "second", "heavy"), step("first second", "sum"))
    assert [["first"], ["second", "sum"]] == names(cost)


def test_copies_are_kernels_of_their_own() -> None:
    """A transpose is not fused, what follows it is a light group, and a view after that is free."""
    cost = model(
        step("x w", "conv", "heavy"),
        step("conv", "transposed", "move"),
        step("transposed", "relu"),
        step("relu", "flat", "view"),
    )
    assert [["conv"], ["transposed"], ["relu"]] == names(cost)


def test_folded_constant_and_unknown_nodes_make_no_group() -> None:
    """What is computed before the inference, or cannot be counted, is no kernel."""
    cost = model(
        step("s", "folded", None),
        step("", (tensor("constant"),), "light", op_type="Constant"),
        step("x", "fancy", None, reason="no cost rule"),
        step("x", "view", "view"),
    )
    assert [] == names(cost)


def test_folded_reader_does_not_count() -> None:
    """A Shape that was folded reads nothing at run time, so the chain goes on."""
    cost = model(
        step("x w", "conv", "heavy"), step("conv", "shape", None, op_type="Shape"), step("conv", "relu")
    )
    assert [["conv", "relu"]] == names(cost)


def test_unknown_reader_counts() -> None:
    """An operator without a rule still needs its input written."""
    cost = model(
        step("x w", "conv", "heavy"), step("conv", "fancy", None, reason="no rule"), step("conv", "relu")
    )
    assert [["conv"], ["relu"]] == names(cost)


def test_node_that_runs_more_often_is_not_taken() -> None:
    """The body of a loop does not melt into a kernel that runs once."""
    cost = model(step("x w", "conv", "heavy"), step("conv", "relu", runs=8))
    assert [["conv"], ["relu"]] == names(cost)


def test_several_outputs_in_use_end_a_group() -> None:
    """An LSTM whose sequence and last state are both read takes nothing along; with one of them it does."""
    both = model(step("x w", "seq last", "heavy"), step("seq", "relu"), step("last", "tanh"))
    one = model(step("x w", "seq last", "heavy"), step("seq", "relu"))
    assert [["seq"], ["relu"], ["tanh"]] == names(both)
    assert [["seq", "relu"]] == names(one)


def test_group_sums_the_flops_of_its_nodes() -> None:
    """The arithmetic of followers is that of the group: 2*10 + 3 + 4."""
    cost = model(
        step("x w", "conv", "heavy", fmas=10),
        step("conv", "bias", arithmetic=3),
        step("bias", "exp", transcendentals=4),
    )
    assert 2 * 10 + 3 + 4 == fuse(cost)[0].flops


SMALL, LARGE = (1, 3, 6, 6), (1, 3, 8, 8)
FRAME = tensor("pads", 8, dtype=DType.INT64, constant=True)
ZERO = TensorSpec(name="zero", dtype=DType.FLOAT, shape=(), value=(0.0,), constant=True)
ONE = replace(ZERO, name="one", value=(1.0,))


def padding(*settings: TensorSpec, before: tuple[int, ...] = SMALL, runs: int = 1) -> NodeCost:
    """Return a Pad of x into p."""
    inputs = (tensor("x", *before), *(settings or (FRAME, ZERO)))
    return step(inputs, (tensor("p", *LARGE),), "move", op_type="Pad", runs=runs)


def with_attribute(pad: NodeCost, name: str, value: str | float) -> NodeCost:
    """Return the node with one attribute."""
    return replace(pad, node=replace(pad.node, attributes={name: value}))


CONV = step("p w", "conv", "heavy", op_type="Conv")


@pytest.mark.parametrize(
    "pad",
    [padding(), padding(FRAME), with_attribute(padding(FRAME), "mode", "constant"), padding(before=LARGE)],
    ids=["zero", "no value", "mode", "empty frame"],
)
def test_convolution_takes_the_zeros_that_are_put_around_its_input(pad: NodeCost) -> None:
    """Runtimes write a Pad before a convolution back into its `pads`: one kernel."""
    cost = model(pad, CONV, step("conv", "relu"))
    assert [["conv", "p", "relu"]] == names(cost)


@pytest.mark.parametrize(
    "pad",
    [
        padding(FRAME, ONE),
        with_attribute(padding(FRAME), "value", 1.0),
        with_attribute(padding(), "mode", "reflect"),
        padding(replace(FRAME, constant=False), ZERO),
        padding(FRAME, replace(ZERO, value=None)),
        padding(before=(1, 2, 8, 8)),
        padding(before=(1, 3, 9, 6)),
        padding(runs=2),
    ],
    ids=["ones", "attribute", "reflect", "computed", "unknown value", "channels", "cropped", "more runs"],
)
def test_other_padding_is_a_kernel_of_its_own(pad: NodeCost) -> None:
    """A convolution cannot pad with ones, mirror, add channels, crop, or pad by a computed size."""
    assert [["p"], ["conv"]] == names(model(pad, CONV))


def test_padding_that_others_read_is_a_kernel_of_its_own() -> None:
    """Who else reads the padded image, a matrix product included, needs it written."""
    assert [["p"], ["conv"], ["relu"]] == names(model(padding(), CONV, step("p", "relu")))
    assert [["p"], ["conv"]] == names(model(padding(), CONV, outputs=(tensor("p"),)))
    assert [["p"], ["product"]] == names(model(padding(), step("p w", "product", "heavy", op_type="MatMul")))
    assert [["p"], ["conv"]] == names(model(padding(), step("y p", "conv", "heavy", op_type="Conv")))


def test_padding_leaves_the_group_before_it_closed() -> None:
    """Between two convolutions it belongs to the second: it is that one's `pads`."""
    first = step((tensor("i"), tensor("v")), (tensor("x", *SMALL),), "heavy", op_type="Conv")
    assert [["x"], ["conv", "p"]] == names(model(first, padding(), CONV))
