"""Which nodes leave a unit, in how many parts a model falls, and what goes to and fro."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feasibility.cost import ModelCost, NodeCost
from feasibility.ir import Body, TensorSpec
from feasibility.timing.groups import FusedGroup, fuse
from feasibility.timing.placement import (
    Breaker,
    Part,
    Partitions,
    crossing_seconds,
    divided,
    lacks,
    partition,
    sentence,
)
from tests.timing_parts import model, step, tensor

ON_UNIT = frozenset({("ai.onnx", name) for name in ("Conv", "Relu", "Add", "Reshape", "If", "Loop")})


def unit(inputs: str, outputs: str, runs: int = 1) -> NodeCost:
    """Return a node that the unit runs."""
    return step(inputs, outputs, op_type="Relu", runs=runs)


def cpu(inputs: str, outputs: str, op_type: str = "TopK", runs: int = 1) -> NodeCost:
    """Return a node that falls back."""
    return step(inputs, outputs, op_type=op_type, runs=runs)


def borders(found: Partitions) -> list[tuple[int, int, list[str]]]:
    """Return the borders by the places of the parts and the names of what crosses."""
    return [(b.producer, b.consumer, sorted(t.name for t in b.tensors)) for b in found.borders]


def test_what_runs_whole_is_one_part() -> None:
    """Without anything that falls back there is one part, no border, and nothing to say."""
    found = partition(model(unit("x", "a"), unit("a", "b")), ON_UNIT)

    assert (Part(on_unit=True, nodes=2, first="a"),) == found.parts
    assert ((), (), 0, 0) == (found.borders, found.breakers, found.crossings, found.copied_bytes)
    assert "" == sentence(found, "webgpu")


def test_nothing_to_run_is_no_part() -> None:
    """A graph that hands its input on divides into nothing."""
    assert Partitions(parts=()) == partition(model(step("x", "y", "view", op_type="Identity")), ON_UNIT)


def test_one_node_in_the_middle_makes_three_parts() -> None:
    """There and back are two crossings of one tensor each."""
    found = partition(model(unit("x", "a"), cpu("a", "b"), unit("b", "c"), unit("c", "d")), ON_UNIT)

    assert [(True, 1, "a"), (False, 1, "b"), (True, 2, "c")] == [
        (part.on_unit, part.nodes, part.first) for part in found.parts
    ]
    assert [(0, 1, ["a"]), (1, 2, ["b"])] == borders(found)


def test_one_node_at_the_end_is_one_crossing() -> None:
    """What the fallback makes last goes to the caller, who is on its side."""
    found = partition(model(unit("x", "a"), cpu("a", "b"), outputs=(tensor("b"),)), ON_UNIT)
    assert [(0, 1, ["a"])] == borders(found)


def test_work_on_the_inputs_alone_does_not_cross() -> None:
    """A mask that the fallback makes of an input is there before the unit starts, as the input is."""
    found = partition(model(cpu("ids", "mask"), unit("x", "a"), unit("a mask", "b")), ON_UNIT)

    assert [(False, 1), (True, 2)] == [(part.on_unit, part.nodes) for part in found.parts]
    assert 0 == found.crossings
    assert [Breaker(domain="ai.onnx", op_type="TopK", count=1, first="mask")] == list(found.breakers)


def test_side_road_between_nodes_of_the_unit_divides_nothing() -> None:
    """Shape arithmetic that stands between two convolutions but reads neither leaves them one part."""
    main_road = unit("x", "a"), unit("a", "c")
    found = partition(model(main_road[0], cpu("ids", "b"), main_road[1], unit("c b", "d")), ON_UNIT)
    assert [1, 3] == [part.nodes for part in found.parts]


def test_branches_fall_back_together() -> None:
    """Two branches that need the fallback visit it once, however they are ordered."""
    one = unit("x", "a1"), cpu("a1", "b1"), unit("b1", "c1")
    two = unit("x", "a2"), cpu("a2", "b2"), unit("b2", "c2")
    found = partition(model(*one, *two, unit("c1 c2", "sum")), ON_UNIT)

    assert [2, 2, 3] == [part.nodes for part in found.parts]
    assert [(0, 1, ["a1", "a2"]), (1, 2, ["b1", "b2"])] == borders(found)


def test_tensor_crosses_a_border_once() -> None:
    """Two readers on the other side share one copy; a later part needs its own."""
    found = partition(
        model(unit("x", "a"), cpu("a", "b"), cpu("a b", "c"), unit("c", "d"), cpu("a d", "e")), ON_UNIT
    )
    assert [(0, 1, ["a"]), (0, 3, ["a"]), (1, 2, ["c"]), (2, 3, ["d"])] == borders(found)


def test_bytes_are_those_of_what_crosses() -> None:
    """1,000 floats go, 10 come back; weights, inputs and unknown shapes cost nothing."""
    there, back, weight = tensor("a", 1_000), tensor("b", 10), tensor("w", 500, constant=True)
    unknown = replace(tensor("u"), shape=None)
    found = partition(
        model(
            step((tensor("x", 9),), (there, unknown), op_type="Conv"),
            step((there, unknown, weight, tensor("x", 9)), (back,), op_type="TopK"),
            step((back, weight), (tensor("c", 10),), op_type="Conv"),
        ),
        ON_UNIT,
    )
    assert [4_000, 40] == [border.nbytes for border in found.borders]
    assert 4_040 == found.copied_bytes


@pytest.mark.parametrize("op_type", ["Identity", "Dropout"])
def test_what_optimisers_remove_is_on_no_side(op_type: str) -> None:
    """Two names of one tensor are one copy, and an Identity breaks nothing."""
    found = partition(
        model(unit("x", "a"), step("a", "same", "view", op_type=op_type), cpu("a same", "b")), ON_UNIT
    )
    assert [(0, 1, ["a"])] == borders(found)
    assert [1, 1] == [part.nodes for part in found.parts]


def test_loops_cross_as_often_as_they_run() -> None:
    """Inside a body of 10 runs each run crosses; what comes from outside crosses once."""
    found = partition(
        model(unit("x", "a"), unit("s", "b", runs=10), cpu("b", "c", runs=10), cpu("a c", "d", runs=10)),
        ON_UNIT,
    )
    assert [(10, 4 + 40)] == [(border.times, border.nbytes) for border in found.borders]
    assert 10 == found.crossings


def test_the_busiest_reader_decides_how_often_a_tensor_crosses() -> None:
    """Read in each of 10 runs and once behind the loop, it crosses 10 times."""
    found = partition(model(unit("s", "a", runs=10), cpu("a", "b", runs=10), cpu("a", "c")), ON_UNIT)
    assert [(10, 40)] == [(border.times, border.nbytes) for border in found.borders]


def test_branch_that_is_not_taken_has_no_side() -> None:
    """A node that runs 0 times needs no place."""
    assert () == partition(model(unit("x", "a"), cpu("a", "b", runs=0)), ON_UNIT).breakers


def test_folded_nodes_have_no_side() -> None:
    """What is a constant already runs nowhere."""
    shape = cpu("x", "s")
    folded = replace(shape, cost=None, node=replace(shape.node, folded=True))
    assert () == partition(model(folded, unit("x s", "a")), ON_UNIT).breakers


def test_uncounted_nodes_have_a_side() -> None:
    """An operator that nobody can count still needs a place to run."""
    found = partition(
        model(unit("x", "a"), step("a", "b", None, op_type="Secret", reason="unknown")), ON_UNIT
    )
    assert ["Secret"] == [breaker.op_type for breaker in found.breakers]


def test_branches_hand_their_results_to_their_if() -> None:
    """What an If returns comes from the sides of its branches: 3 parts, not 1."""
    flag = step("flag", "out", "view", op_type="If")
    cost = model(unit("x", "a"), cpu("a", "then"), unit("a", "else"), flag, unit("out", "b"))
    bodies = (
        Body(name="then_branch", owner=3, start=1, stop=2, results=(tensor("then"),)),
        Body(name="else_branch", owner=3, start=2, stop=3, results=(tensor("else"),)),
    )
    found = partition(replace(cost, bodies=bodies), ON_UNIT)

    assert [(0, 1, ["a"]), (1, 2, ["then"])] == borders(found)


def test_repeated_call_stands_where_its_nodes_stand() -> None:
    """A function that was called before is on no side itself."""
    cost = model(unit("x", "a"), step("a", "b", "view", op_type="MyFunction"), cpu("b", "c"))
    found = partition(replace(cost, bodies=(Body(name="function", owner=1, start=0, stop=1),)), ON_UNIT)

    assert ["TopK"] == [breaker.op_type for breaker in found.breakers]
    assert [(0, 1, ["a"])] == borders(found)


def test_breakers_come_by_number() -> None:
    """The most frequent first, each with its first node; ties in the order of the graph."""
    names = {"one": "Where", "two": "TopK", "three": "TopK", "four": "NonZero"}
    found = partition(model(*(cpu("x", name, op_type) for name, op_type in names.items())), ON_UNIT)

    assert [("TopK", 2, "two"), ("Where", 1, "one"), ("NonZero", 1, "four")] == [
        (breaker.op_type, breaker.count, breaker.first) for breaker in found.breakers
    ]


def test_seconds_are_waits_and_copies() -> None:
    """2 crossings of 1 ms and 4,040 bytes at 1 MB/s take 6.04 ms; no breaker, no time."""
    cost = model(
        unit("x", "a"),
        step("a", (tensor("b", 1_000),), op_type="TopK"),
        step((tensor("b", 1_000),), "c", op_type="Relu"),
    )
    wide = replace(cost.nodes[0], node=replace(cost.nodes[0].node, outputs=(tensor("a", 10),)))
    found = partition(replace(cost, nodes=(wide, *cost.nodes[1:])), ON_UNIT)

    assert pytest.approx(6.04e-3) == crossing_seconds(found, sync_s=1e-3, copy_bytes_per_s=1e6)
    assert 0 == crossing_seconds(partition(model(unit("x", "a")), ON_UNIT), 1e-3, 1e6)


def test_the_sentence_names_what_is_lacking() -> None:
    """Operators, nodes, parts, crossings and bytes: 300,000 floats are 1.2 MB."""
    boxes = tensor("boxes", 150_000)
    cost = model(
        step("x", (boxes,), op_type="Conv"),
        step((boxes,), (tensor("kept", 150_000),), op_type="NonMaxSuppression"),
        step((tensor("kept", 150_000),), "best", op_type="TopK"),
        step((tensor("kept", 150_000),), "out", op_type="Relu"),
    )
    assert (
        "webgpu does not run NonMaxSuppression, TopK (2 nodes): 3 parts, 2 crossings, 1.2 MB copied"
        == sentence(partition(cost, ON_UNIT), "webgpu")
    )


def test_the_sentence_stays_short() -> None:
    """Three names, then how many more; one node is one node."""
    four = partition(model(*(cpu("x", f"n{i}", f"Op{i}") for i in range(4))), ON_UNIT)
    one = partition(model(unit("x", "a"), cpu("a", "b")), ON_UNIT)

    assert "qnn does not run Op0, Op1, Op2 and 1 more (4 nodes)" == lacks(four, "qnn")
    assert "qnn does not run TopK (1 node): 2 parts, 1 crossing, 4 B copied" == sentence(one, "qnn")


def group(head: NodeCost, *followers: NodeCost) -> FusedGroup:
    """Return a fused group."""
    return FusedGroup(head=head, followers=followers)


def test_groups_of_one_side_stay_whole() -> None:
    """A group is the same record on its side."""
    conv, topk = step("x", "a", "heavy", op_type="Conv"), cpu("x", "b")
    groups = group(conv, unit("a", "r")), group(topk)

    assert ((groups[0],), (groups[1],)) == divided(groups, ON_UNIT)


def test_group_with_a_foreign_follower_is_split() -> None:
    """The convolution keeps what it can; the activation that falls back is a group of its own."""
    conv, relu = step("x", "a", "heavy", op_type="Conv"), unit("a", "r")
    prelu = cpu("r", "p", "PRelu")

    assert ((group(conv, relu),), (group(prelu),)) == divided([group(conv, relu, prelu)], ON_UNIT)


def test_group_that_loses_its_head_is_split() -> None:
    """An unknown convolution takes its unknown activation along; the known one stays alone."""
    deform, relu = step("x", "a", "heavy", op_type="DeformConv"), unit("a", "r")
    prelu = cpu("r", "p", "PRelu")

    assert ((group(relu),), (group(deform, prelu),)) == divided([group(deform, relu, prelu)], ON_UNIT)


def test_views_alone_are_no_group() -> None:
    """A Flatten that the unit lacks makes a border but has nothing to run; an Identity not even that."""
    conv, flat = step("x", "a", "heavy", op_type="Conv"), step("a", "f", "view", op_type="Flatten")
    same = step("f", "s", "view", op_type="Identity")

    assert ((group(conv, same),), ()) == divided([group(conv, flat, same)], ON_UNIT)


def test_division_loses_no_work() -> None:
    """Both sides together have the nodes of the groups that are more than a view."""
    cost = model(
        step("x", "a", "heavy", op_type="Conv"),
        cpu("a", "p"),
        unit("p", "r"),
        step("r", "t", "move"),
        cpu("t", "u"),
    )
    groups = fuse(cost)
    kept, fallen = divided(groups, ON_UNIT)
    names = [n.node.name for g in (*kept, *fallen) for n in (g.head, *g.followers)]

    assert ["a", "p", "r", "t", "u"] == sorted(names)


@st.composite
def graphs(draw: st.DrawFn) -> ModelCost:
    """Draw a graph of up to 12 nodes that read up to 3 earlier tensors each."""
    rows = draw(st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 40), max_size=3)), max_size=12))
    nodes = []
    for index, (stays, reads) in enumerate(rows):
        names = " ".join(f"t{r % index}" if index and r % 3 else f"x{r % 2}" for r in reads)
        nodes.append((unit if stays else cpu)(names, f"t{index}"))
    return model(*nodes)


def one_side_at_a_time(cost: ModelCost) -> Iterator[list[NodeCost]]:
    """Run what is ready on one side until nothing there is, then turn: first what needs inputs alone."""
    waiting = list(cost.nodes)
    done = {spec.name for node in waiting for spec in node.node.inputs if spec} - {
        node.node.name for node in waiting
    }
    stays = False
    while waiting:
        run: list[NodeCost] = []
        for node in waiting:  # in execution order, so one look is enough
            ready = all(spec is None or spec.name in done for spec in node.node.inputs)
            if ready and (node.node.op_type == "Relu") == stays:
                done.add(node.node.name)
                run.append(node)
        waiting = [node for node in waiting if node.node.name not in done]
        yield run
        stays = not stays


@settings(max_examples=50, deadline=None)
@given(graphs())
def test_parts_and_borders_are_those_of_running_it(cost: ModelCost) -> None:
    """A run that turns from side to side makes the same parts, and its edges cross the same borders."""
    runs = list(one_side_at_a_time(cost))
    at = {node.node.name: turn for turn, run in enumerate(runs) for node in run}
    edges = {
        (at[spec.name], turn, spec.name)
        for turn, run in enumerate(runs)
        for node in run
        for spec in node.node.inputs
        if spec and at.get(spec.name, 0) > 0 and (at[spec.name] - turn) % 2
    }
    turns = [turn for turn, run in enumerate(runs) if run]
    found = partition(cost, ON_UNIT)

    assert [len(runs[turn]) for turn in turns] == [part.nodes for part in found.parts]
    assert edges == {
        (turns[b.producer], turns[b.consumer], name.name) for b in found.borders for name in b.tensors
    }
    assert len({edge[:2] for edge in edges}) == found.crossings
    assert len(edges) * 4 == found.copied_bytes


def test_records_hold_specs() -> None:
    """What crosses is named with its type, so that a caller can weigh it otherwise."""
    found = partition(model(unit("x", "a"), cpu("a", "b")), ON_UNIT)
    assert [(TensorSpec(name="a", dtype=tensor("a").dtype, shape=()),)] == [b.tensors for b in found.borders]
