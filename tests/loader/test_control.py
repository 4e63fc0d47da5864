from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from feasibility.errors import ModelError, UsageError
from feasibility.ir import Model
from feasibility.loader.loops import MAX_UNROLLED
from feasibility.loader.transfer import decode, encode
from feasibility.profiler import profile
from tests.loader.graphs import constant, model, shapes, value, walked

node = helper.make_node
HIDDEN = 8
FOR_EVER = 2**63 - 1


def loop(
    nodes: Sequence[onnx.NodeProto],
    outputs: Sequence[str],
    *,
    inputs: Sequence[str] = ("trips", "", "x"),
    name: str = "lp",
) -> onnx.NodeProto:
    """Return a Loop with one state `s`; its body results in the condition and these outputs."""
    body = helper.make_graph(
        list(nodes),
        "body",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("s", None)],
        [value(output, None) for output in outputs],
    )
    return node("Loop", list(inputs), [f"y{n}" for n in range(len(outputs) - 1)], name=name, body=body)


def looped(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str], trips: int, **dims: int) -> Model:
    """Walk a model whose one node is a Loop over x [1, 8] with a weight w [8, 8]."""
    given = loop(nodes, outputs)
    weights = [constant("w", np.zeros((HIDDEN, HIDDEN)), "float32"), constant("trips", trips)]
    return walked(model([given], {"x": (1, HIDDEN)}, [given.output[0]], initializers=weights), **dims)


PRODUCT = [node("MatMul", ["s", "w"], ["t"], name="mm"), node("Identity", ["go"], ["go2"])]


def test_a_loop_body_is_walked_once_and_multiplied() -> None:
    """Ten products of [1, 8] with [8, 8] are one node that runs ten times; what it stacks has ten rows."""
    found = looped(PRODUCT, ["go2", "t", "t"], 10)
    runs = {n.name: n.runs for n in found.graph.nodes}
    assert runs == {"lp/mm": 10, "lp/Identity_1": 10, "lp": 1}
    assert shapes(found)["y1"] == (10, 1, HIDDEN)
    assert shapes(found)["y0"] == (1, HIDDEN)
    assert profile(found).fmas == 10 * HIDDEN * HIDDEN
    assert found.assumed == ()


@pytest.mark.parametrize("trips", [0, 1, 10**12, 2**62])
def test_any_trip_count_is_counted_exactly(trips: int) -> None:
    """A trip count is a factor, however large."""
    assert profile(looped(PRODUCT, ["go2", "t"], trips)).fmas == trips * HIDDEN * HIDDEN


def test_a_trip_count_may_be_computed() -> None:
    """Shape arithmetic that gives the trip count is evaluated: the size of x is 8."""
    given = loop(PRODUCT, ["go2", "t"])
    nodes = [node("Size", ["x"], ["trips"]), given]
    weight = constant("w", np.zeros((HIDDEN, HIDDEN)), "float32")
    found = walked(model(nodes, {"x": (1, HIDDEN)}, ["y0"], initializers=[weight]))
    assert profile(found).fmas == 8 * HIDDEN * HIDDEN


@pytest.mark.parametrize("trips", [None, FOR_EVER])
def test_an_unknown_trip_count_is_given_or_assumed(trips: int | None) -> None:
    """Nothing says how often: once, named as assumed, else as often as --dim says."""
    inputs = ("trips", "yes", "x") if trips else ("trips", "", "x")
    go = [node("Less", ["s", "w"], ["go2"]), node("MatMul", ["s", "w"], ["t"], name="mm")]
    given = loop(go if trips else PRODUCT, ["go2", "t"], inputs=inputs)
    weights = [constant("w", np.zeros((HIDDEN, HIDDEN)), "float32"), constant("yes", True, "bool")]
    weights += [constant("trips", trips)] if trips else []
    proto = model([given], {"x": (1, HIDDEN)}, ["y0"], initializers=weights)
    if not trips:
        proto.graph.input.append(value("trips", [], TensorProto.INT64))
    assumed, told = walked(proto), walked(proto, **{"lp.trips": 7})
    assert assumed.assumed == ("lp.trips=1",)
    assert profile(assumed).fmas == HIDDEN * HIDDEN
    assert (told.assumed, dict(told.dims)) == ((), {"lp.trips": 7})
    assert profile(told).fmas == 7 * HIDDEN * HIDDEN


def test_a_trip_count_that_is_known_cannot_be_given() -> None:
    """--dim NODE.trips=N for a loop whose graph says N already is a mistake that is said."""
    with pytest.raises(UsageError, match=r"no free dimension 'lp\.trips'"):
        looped(PRODUCT, ["go2", "t"], 10, **{"lp.trips": 3})


def test_a_limit_that_data_may_cut_short_is_an_upper_bound() -> None:
    """A while loop of at most 50 iterations counts 50, and says that it may be fewer."""
    go = [node("Less", ["s", "w"], ["go2"]), node("MatMul", ["s", "w"], ["t"], name="mm")]
    yes = constant("yes", True, "bool")
    given = loop(go, ["go2", "t"], inputs=("trips", "yes", "x"))
    weights = [constant("w", np.zeros((HIDDEN, HIDDEN)), "float32"), constant("trips", 50), yes]
    found = walked(model([given], {"x": (1, HIDDEN)}, ["y0"], initializers=weights))
    assert found.assumed == ("lp.trips<=50",)
    assert profile(found).fmas == 50 * HIDDEN * HIDDEN


def test_a_state_that_grows_is_written_out() -> None:
    """A state of [1, 8] doubled three times: each iteration adds as many elements as it finds."""
    grow = [node("Concat", ["s", "s"], ["t"], axis=0), node("Exp", ["t"], ["u"])]
    found = looped([*grow, node("Identity", ["go"], ["go2"])], ["go2", "u"], 3)
    assert shapes(found)["lp/2/u"] == (8, HIDDEN)
    assert profile(found).totals.transcendentals == (2 + 4 + 8) * HIDDEN
    assert found.graph.outputs[0].shape == (8, HIDDEN)


def test_sizes_that_follow_the_iteration_are_written_out() -> None:
    """Iteration i works on the first i rows: 0 + 1 + 2 + 3 of them."""
    rows = [
        node("Unsqueeze", ["i", "zero"], ["end"]),
        node("Slice", ["x", "zero", "end", "zero"], ["part"]),
        node("Exp", ["part"], ["e"]),
        node("Identity", ["s"], ["t"]),
    ]
    given = loop(rows, ["go", "t"])
    numbers = [constant("zero", [0]), constant("trips", 4)]
    proto = model([given], {"x": (HIDDEN, HIDDEN)}, ["y0"], initializers=numbers)
    assert profile(walked(proto)).totals.transcendentals == (0 + 1 + 2 + 3) * HIDDEN


def test_a_loop_that_counts_itself_down_is_followed() -> None:
    """Without a trip count, a condition computed from constants ends the loop after three iterations."""
    body = helper.make_graph(
        [
            node("Add", ["n", "one"], ["n2"]),
            node("Less", ["n2", "three"], ["go2"]),
            node("MatMul", ["s", "w"], ["t"], name="mm"),
        ],
        "body",
        [
            value("i", [], TensorProto.INT64),
            value("go", [], TensorProto.BOOL),
            value("n", [], TensorProto.INT64),
            value("s", None),
        ],
        [value("go2", None), value("n2", None), value("t", None)],
    )
    given = node("Loop", ["", "yes", "zero", "x"], ["n3", "y0"], name="lp", body=body)
    numbers = [constant("zero", 0), constant("one", 1), constant("three", 3), constant("yes", True, "bool")]
    weight = constant("w", np.zeros((HIDDEN, HIDDEN)), "float32")
    found = walked(model([given], {"x": (1, HIDDEN)}, ["y0"], initializers=[*numbers, weight]))
    assert profile(found).fmas == 3 * HIDDEN * HIDDEN
    assert found.assumed == ()


def test_growth_beyond_the_budget_is_said() -> None:
    """A state that grows more often than can be written out is counted at its first size, and named."""
    grow = [node("Concat", ["s", "x"], ["t"], axis=0)]
    found = looped(grow, ["go", "t"], MAX_UNROLLED)
    assert found.assumed == ("lp: state 0 at its first size",)
    assert found.graph.outputs[0].shape is None


def test_loops_nest() -> None:
    """A loop of 3 in a loop of 5 runs its product 15 times."""
    inner = loop(PRODUCT, ["go2", "t"], inputs=("three", "", "s"), name="inner")
    inner.output[0] = "deep"
    body = [inner, node("Identity", ["deep"], ["out"])]
    given = loop(body, ["go", "out"], name="outer")
    numbers = [constant("three", 3), constant("trips", 5)]
    weight = constant("w", np.zeros((HIDDEN, HIDDEN)), "float32")
    found = walked(model([given], {"x": (1, HIDDEN)}, ["y0"], initializers=[*numbers, weight]))
    (product,) = (n for n in found.graph.nodes if n.op_type == "MatMul")
    assert (product.name, product.runs) == ("outer/inner/mm", 3 * 5)


@pytest.mark.parametrize("states", [0, 2])
def test_a_body_that_does_not_fit_is_named(states: int) -> None:
    """A Loop that hands over another number of states than its body takes is unknown."""
    given = loop(PRODUCT, ["go2", "t"], inputs=("trips", "", *["x"] * states))
    proto = model([given], {"x": (1, HIDDEN)}, ["y0"], initializers=[constant("trips", 2)])
    (unknown,) = profile(walked(proto)).coverage.unknown
    assert unknown.reason == "its body does not fit its inputs and outputs"


@pytest.mark.parametrize("op_type", ["If", "Loop", "Scan"])
def test_control_flow_without_a_body_is_refused(op_type: str) -> None:
    """A node that lacks the graph it runs is one sentence that names it."""
    given = node(op_type, ["x"], ["y"], name="broken")
    with pytest.raises(ModelError, match=rf"node 'broken' \({op_type}\) has no (body|then_branch)"):
        walked(model([given], {"x": (1,)}, ["y"]))


def scan(axis: int = 0, out_axis: int = 0) -> onnx.ModelProto:
    """Return a running sum over x [7, 4] with a Scan: s and x_i are vectors."""
    length = (7, 4)[axis]
    body = helper.make_graph(
        [node("Add", ["s", "e"], ["t"], name="add"), node("Identity", ["t"], ["o"])],
        "body",
        [value("s", None), value("e", None)],
        [value("t", None), value("o", None)],
    )
    given = node("Scan", ["z", "x"], ["f", "ys"], name="sc", num_scan_inputs=1, body=body)
    given.attribute.append(helper.make_attribute("scan_input_axes", [axis]))
    given.attribute.append(helper.make_attribute("scan_output_axes", [out_axis]))
    return model([given], {"z": (28 // length,), "x": (7, 4)}, ["f", "ys"])


@pytest.mark.parametrize(
    ("axis", "out_axis", "stacked", "runs"),
    [(0, 0, (7, 4), 7), (0, 1, (4, 7), 7), (0, -1, (4, 7), 7), (1, 0, (4, 7), 4), (-1, 0, (4, 7), 4)],
)
def test_a_scan_runs_once_per_slice(axis: int, out_axis: int, stacked: tuple[int, int], runs: int) -> None:
    """The scanned axis gives the number of runs, and comes back where the output axis says."""
    found = walked(scan(axis, out_axis))
    assert {n.name: n.runs for n in found.graph.nodes}["sc/add"] == runs
    assert shapes(found)["ys"] == stacked
    assert profile(found).totals.arithmetic == 28


def test_a_scan_of_opset_8_has_a_batch() -> None:
    """Scan-8 has lengths first and a batch axis in front of everything: 2 batches of 3 slices of 4."""
    body = helper.make_graph(
        [node("Add", ["s", "e"], ["t"], name="add"), node("Identity", ["t"], ["o"])],
        "body",
        [value("s", None), value("e", None)],
        [value("t", None), value("o", None)],
    )
    given = node("Scan", ["", "z", "x"], ["f", "ys"], name="sc", num_scan_inputs=1, body=body)
    found = walked(model([given], {"z": (2, 4), "x": (2, 3, 4)}, ["f", "ys"], opset=8))
    assert profile(found).totals.arithmetic == 2 * 3 * 4
    assert {k: v for k, v in shapes(found).items() if k in {"f", "ys"}} == {"f": (2, 4), "ys": (2, 3, 4)}


def choice(then: Sequence[onnx.NodeProto], otherwise: Sequence[onnx.NodeProto]) -> onnx.ModelProto:
    """Return an If whose condition is an input; each branch results in what its last node writes."""
    graphs = {
        name: helper.make_graph(list(nodes), name, [], [value(nodes[-1].output[0], None)])
        for name, nodes in (("then_branch", then), ("else_branch", otherwise))
    }
    weight = constant("w", np.zeros((HIDDEN, HIDDEN)), "float32")
    proto = model(
        [node("If", ["c"], ["y"], name="choose", **graphs), node("Relu", ["y"], ["z"])],
        {"x": (1, HIDDEN)},
        ["z"],
        initializers=[weight],
    )
    proto.graph.input.append(value("c", [], TensorProto.BOOL))
    return proto


def test_the_costlier_branch_counts_and_both_are_shown() -> None:
    """Of a product and a Relu, the product counts; the Relu is listed with 0 runs and its cost is said."""
    for swapped in (False, True):
        branches = ([node("MatMul", ["x", "w"], ["a"])], [node("Relu", ["x"], ["b"])])
        cost = profile(walked(choice(*reversed(branches)) if swapped else choice(*branches)))
        taken, other = ("else_branch", "then_branch") if swapped else ("then_branch", "else_branch")
        runs = {n.node.name: n.runs for n in cost.nodes}
        assert runs[f"choose/{taken}/MatMul_0"] == 1
        assert runs[f"choose/{other}/Relu_0"] == 0
        assert cost.totals.flops == 2 * HIDDEN * HIDDEN + HIDDEN  # the product, and the Relu behind the If
        assert cost.coverage.assumed == (f"choose={taken} (128 FLOP; {other} 8 FLOP)",)


def test_branches_of_other_sizes_give_the_larger_one() -> None:
    """Where branches differ in what they write, the larger output goes on, and that is said."""
    found = walked(choice([node("Concat", ["x", "x"], ["a"], axis=0)], [node("Relu", ["x"], ["b"])]))
    assert shapes(found)["y"] == (2, HIDDEN)
    assert found.assumed == ("y=[2, 8] (its larger branch)",)


def test_a_branch_that_hands_on_an_outer_tensor_has_no_nodes() -> None:
    """A branch may be empty and result in a tensor from outside."""
    proto = choice([node("Relu", ["x"], ["a"])], [node("Relu", ["x"], ["b"])])
    branch = proto.graph.node[0].attribute[1].g
    del branch.node[:]
    branch.output[0].name = "x"
    assert shapes(walked(proto))["y"] == (1, HIDDEN)


def test_bodies_cross_the_process_border() -> None:
    """What is encoded for the parent and decoded again is the same model."""
    found = looped(PRODUCT, ["go2", "t", "t"], 10)
    assert found.graph.bodies
    assert decode(encode(found)) == found


def calls(depth: int) -> Model:
    """Walk a chain of functions in which each calls the next twice, in series."""
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("my", 1)]
    functions = [helper.make_function("my", "F0", ["a"], ["b"], [node("Exp", ["a"], ["b"])], imports)]
    functions += [
        helper.make_function(
            "my", f"F{n}", ["a"], ["b"],
            [node(f"F{n - 1}", ["a"], ["t"], domain="my"), node(f"F{n - 1}", ["t"], ["b"], domain="my")],
            imports,
        )
        for n in range(1, depth + 1)
    ]  # fmt: skip
    call = node(f"F{depth}", ["x"], ["y"], domain="my")
    return walked(model([call], {"x": (3,)}, ["y"], functions=functions, domains=["my"]))


@pytest.mark.parametrize("depth", [3, 13, 14, 20, 60])
def test_equal_calls_are_costed_once_and_multiplied(depth: int) -> None:
    """Functions that call the next twice count 2^depth runs, whether written out or not."""
    found = calls(depth)
    assert profile(found).totals.transcendentals == 3 * 2**depth
    assert len(found.graph.nodes) < 20_000


def test_a_repeated_call_needs_about_the_memory_of_the_first() -> None:
    """In a chain of steps, x and two neighbours are alive; each level that is shared may add its input."""
    tensor = 3 * 4
    assert profile(calls(3)).totals.peak_activation_bytes == 3 * tensor
    assert 3 * tensor <= profile(calls(60)).totals.peak_activation_bytes <= (3 + 60) * tensor


def test_calls_with_other_weights_are_other_calls() -> None:
    """A function that multiplies its input with its second one is counted for each weight it gets."""
    imports = [helper.make_opsetid("", 20)]
    body = helper.make_function("my", "F", ["a", "b"], ["c"], [node("MatMul", ["a", "b"], ["c"])], imports)
    nodes = [node("F", ["x", "w0"], ["t"], domain="my"), node("F", ["t", "w1"], ["y"], domain="my")]
    weights = [constant(f"w{n}", np.zeros((HIDDEN, HIDDEN)), "float32") for n in range(2)]
    proto = model(nodes, {"x": (1, HIDDEN)}, ["y"], initializers=weights, functions=[body], domains=["my"])
    assert profile(walked(proto)).parameters == 2 * HIDDEN * HIDDEN


def test_a_body_may_read_what_the_file_lists_later() -> None:
    """Nodes out of order are sorted by what their bodies read, too."""
    proto = choice([node("Relu", ["late"], ["a"])], [node("Neg", ["late"], ["b"])])
    proto.graph.node.append(node("Exp", ["x"], ["late"]))
    assert shapes(walked(proto))["y"] == (1, HIDDEN)


def test_the_order_of_the_file_is_kept_where_bodies_read_their_own_names() -> None:
    """The inputs of a body are its own: they do not make a sorted file look unsorted."""
    nodes = [node("Exp", ["x"], ["late"]), loop(PRODUCT, ["go2", "t"]), node("Neg", ["x"], ["z"])]
    weights = [constant("w", np.zeros((HIDDEN, HIDDEN)), "float32"), constant("trips", 2)]
    found = walked(model(nodes, {"x": (1, HIDDEN)}, ["y0", "late", "z"], initializers=weights))
    assert [n.op_type for n in found.graph.nodes] == ["Exp", "MatMul", "Identity", "Loop", "Neg"]


def test_a_loop_whose_condition_is_false_does_not_run() -> None:
    """A condition that starts false leaves nothing to do, whatever the trip count."""
    given = loop(PRODUCT, ["go2", "t"], inputs=("trips", "no", "x"))
    weights = [constant("w", np.zeros((HIDDEN, HIDDEN)), "float32"), constant("trips", 10**9)]
    proto = model([given], {"x": (1, HIDDEN)}, ["y0"], initializers=[*weights, constant("no", 0, "bool")])
    assert profile(walked(proto)).fmas == 0


def test_without_a_condition_the_one_of_the_body_is_ignored() -> None:
    """Loop(trips, "") is a for loop: what the body says of going on does not count."""
    go = [node("Less", ["s", "w"], ["go2"]), node("MatMul", ["s", "w"], ["t"], name="mm")]
    found = looped(go, ["go2", "t"], 50)
    assert (profile(found).fmas, found.assumed) == (50 * HIDDEN * HIDDEN, ())


def test_a_state_that_is_handed_through_keeps_its_value() -> None:
    """A constant that enters a loop as a state and leaves it unchanged still decides shapes inside."""
    body = helper.make_graph(
        [node("Expand", ["one", "shape"], ["t"]), node("Exp", ["t"], ["o"])],
        "body",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("shape", None)],
        [value("go", None), value("shape", None), value("o", None)],
    )
    given = node("Loop", ["trips", "", "size"], ["last", "y0"], name="lp", body=body)
    numbers = [constant("trips", 10**6), constant("size", [2, 3]), constant("one", 1, "float32")]
    found = walked(model([given], {"x": (1,)}, ["y0"], initializers=numbers))
    assert shapes(found)["y0"] == (10**6, 2, 3)


def test_a_loop_that_nothing_ends_leaves_the_others_their_iterations() -> None:
    """Only the data knows how often it runs: once is assumed, and a loop behind it is still written out."""
    body = helper.make_graph(
        [node("Identity", ["go"], ["go_on"]), node("Concat", ["s", "s"], ["t"], axis=0)],
        "b",
        [value("i", (), TensorProto.INT64), value("go", (), TensorProto.BOOL), value("s", None)],
        [value("go_on", (), TensorProto.BOOL), value("t", None)],
    )
    loops = [
        node("Loop", ["n", "", "x"], ["u"], name="endless", body=body),
        node("Loop", ["three", "", "x"], ["y"], name="loop", body=body),
    ]
    proto = model(loops, {"x": (1,), "n": ()}, ["u", "y"], initializers=[constant("three", 3)])
    found = walked(proto)
    assert "endless.trips=1" in found.assumed
    assert shapes(found)["loop/2/t"] == (2**3,)
