"""Count graphs that are very long or very wide: nothing looks at all nodes for each node, so they finish."""

from __future__ import annotations

from onnx import helper

from feasibility import api
from tests.loader.graphs import model

WIDTH = 4
CHAIN, FAN = 200_000, 100_000
node = helper.make_node


def test_a_chain_of_200_000_nodes_counts() -> None:
    """Each Relu reads what the one before wrote; a pair of tensors and the input are alive at once."""
    nodes = [node("Relu", [f"t{n}"], [f"t{n + 1}"]) for n in range(CHAIN)]
    totals = api.profile(model(nodes, {"t0": (WIDTH,)}, [f"t{CHAIN}"])).totals
    assert (WIDTH * CHAIN, 3 * WIDTH * 4) == (totals.flops, totals.peak_activation_bytes)


def test_a_tensor_that_100_000_nodes_read_counts() -> None:
    """All outputs live to the end, as the caller holds them."""
    names = [f"y{n}" for n in range(FAN)]
    totals = api.profile(model([node("Relu", ["x"], [y]) for y in names], {"x": (WIDTH,)}, names)).totals
    assert (WIDTH * FAN, (FAN + 1) * WIDTH * 4) == (totals.flops, totals.peak_activation_bytes)
