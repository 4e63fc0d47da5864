"""Walk graphs that are small as files and large as work: exact answers or a sentence, in no time."""

from __future__ import annotations

from onnx import TensorProto, helper

from feasibility.loader import load
from tests.loader.graphs import constant, model

node = helper.make_node


def test_functions_calling_the_next_twice_are_counted_once_and_multiplied() -> None:
    """A chain of 40 doubling functions runs its one Relu 2^40 times, and is not written out."""
    functions = [
        helper.make_function(
            "my", f"F{n}", ["a"], ["c"],
            [node(f"F{n + 1}", ["a"], ["b"], domain="my"), node(f"F{n + 1}", ["b"], ["c"], domain="my")],
            [helper.make_opsetid("my", 1)],
        )
        for n in range(40)
    ]  # fmt: skip
    last = helper.make_function(
        "my", "F40", ["a"], ["c"], [node("Relu", ["a"], ["c"])], [helper.make_opsetid("", 20)]
    )
    proto = model(
        [node("F0", ["x"], ["y"], domain="my")],
        {"x": (1,)},
        ["y"],
        functions=[*functions, last],
        domains=["my"],
    )
    nodes = load(proto).graph.nodes
    assert sum(n.runs for n in nodes if n.op_type == "Relu") == 2**40
    assert len(nodes) < 20_000


def test_branches_nested_as_deep_as_protobuf_allows_are_walked() -> None:
    """An If inside an If, twenty deep, is the one Relu at its bottom."""
    value = helper.make_tensor_value_info
    inner = helper.make_graph([node("Relu", ["x"], ["r"])], "g", [], [value("r", TensorProto.FLOAT, None)])
    for depth in range(20):
        branch = node("If", ["c"], [f"r{depth}"], then_branch=inner)
        inner = helper.make_graph([branch], "g", [], [value(f"r{depth}", TensorProto.FLOAT, None)])
    nodes = [node("If", ["c"], ["y"], then_branch=inner)]
    proto = model(nodes, {"x": (1,)}, ["y"], initializers=[constant("c", True, "bool")])
    assert [n.op_type for n in load(proto).graph.nodes] == ["Relu"]
