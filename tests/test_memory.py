from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from feasibility.cost import NodeCost, OpCost, Role
from feasibility.ir import Body, DType, Node, TensorSpec
from feasibility.memory import peak_memory, weights_at
from tests.timing_parts import model as counted


def spec(name: str, nbytes: int, *, constant: bool = False) -> TensorSpec:
    """Return a tensor of so many bytes."""
    return TensorSpec(name=name, dtype=DType.UINT8, shape=(nbytes,), constant=constant)


def step(name: str, reads: list[TensorSpec], writes: list[TensorSpec], role: Role = "light") -> NodeCost:
    """Return a costed node."""
    node = Node(
        name=name, domain="ai.onnx", op_type="Any", opset=1, inputs=tuple(reads), outputs=tuple(writes)
    )
    return NodeCost(node=node, cost=OpCost(dtype=DType.UINT8, role=role))


def test_chain_holds_input_and_two_neighbours() -> None:
    """In a chain the model's input stays, and each node adds its output to its input."""
    x, a, b, c = spec("x", 10), spec("a", 100), spec("b", 30), spec("c", 5)
    peak = peak_memory([step("n1", [x], [a]), step("n2", [a], [b]), step("n3", [b], [c])], [x], [c])
    assert (peak.peak_bytes, peak.node, peak.sum_bytes) == (10 + 100 + 30, "n2", 10 + 100 + 30 + 5)


def test_residual_lives_until_the_addition() -> None:
    """A tensor with a late reader is held across the nodes between."""
    x, a, b, c, y = (spec(n, 8) for n in "xabcy")
    nodes = [step("n1", [x], [a]), step("n2", [a], [b]), step("n3", [b], [c]), step("n4", [a, c], [y])]
    assert peak_memory(nodes, [x], [y]).peak_bytes == 8 + 8 + 8 + 8  # x, a, and b with c or c with y


def test_views_share_memory_and_weights_do_not_count() -> None:
    """A view costs nothing and keeps its source alive; a constant is no activation."""
    x, v, w, y = spec("x", 16), spec("v", 16), spec("w", 999, constant=True), spec("y", 4)
    peak = peak_memory([step("view", [x], [v], "view"), step("n", [v, w], [y])], [x], [y])
    assert (peak.peak_bytes, peak.sum_bytes) == (16 + 4, 16 + 4)


def test_outputs_live_to_the_end() -> None:
    """The caller holds every output, however early it was written."""
    x, early, a, late = spec("x", 1), spec("early", 50), spec("a", 20), spec("late", 20)
    nodes = [step("n1", [x], [early]), step("n2", [x], [a]), step("n3", [a], [late])]
    assert peak_memory(nodes, [x], [early, late]).peak_bytes == 1 + 50 + 20 + 20


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[NodeCost], list[TensorSpec], list[TensorSpec]]:
    """Draw a random graph: sizes, fan-in, views, several outputs."""
    known = [spec("x0", draw(st.integers(1, 50))), spec("x1", draw(st.integers(1, 50)))]
    inputs = list(known)
    nodes = []
    for index in range(draw(st.integers(1, 12))):
        reads = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3))
        is_view = draw(st.booleans())
        size = reads[0].nbytes if is_view else draw(st.integers(0, 50))
        written = [spec(f"t{index}", size)]
        nodes.append(step(f"n{index}", reads, written, "view" if is_view else "light"))
        known += written
    outputs = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique_by=lambda s: s.name))
    return nodes, inputs, outputs


def replay(nodes: list[NodeCost], inputs: list[TensorSpec], outputs: list[TensorSpec]) -> int:
    """Execute step by step: keep a buffer while any later node or the caller can still reach it."""
    owner = {s.name: s for s in inputs}
    for found in nodes:
        (written,) = found.node.outputs
        (source, *_) = found.node.inputs
        assert written is not None
        assert source is not None
        is_view = found.cost is not None and found.cost.role == "view"
        owner[written.name] = owner[source.name] if is_view else written
    peak = sum(s.nbytes for s in inputs)
    for now in range(len(nodes)):
        written_so_far = [*inputs, *(s for n in nodes[: now + 1] for s in n.node.outputs if s is not None)]
        read_later = {s.name for n in nodes[now:] for s in n.node.inputs if s is not None}
        just_written = {s.name for s in nodes[now].node.outputs if s is not None}
        held = read_later | just_written | {s.name for s in (*inputs, *outputs)}
        alive = {owner[s.name].name: owner[s.name].nbytes for s in written_so_far if s.name in held}
        peak = max(peak, sum(alive.values()))
    return peak


@given(graphs())
@settings(max_examples=300, deadline=None)
def test_peak_equals_a_brute_force_replay(
    case: tuple[list[NodeCost], list[TensorSpec], list[TensorSpec]],
) -> None:
    """On random graphs the peak is that of an execution that asks at each step who needs what."""
    nodes, inputs, outputs = case
    assert peak_memory(nodes, inputs, outputs).peak_bytes == replay(nodes, inputs, outputs)


def body(
    name: str, owner: int, start: int, stop: int, *results: TensorSpec, inputs: tuple[TensorSpec, ...] = ()
) -> Body:
    """Return what a control-flow node runs."""
    return Body(name=name, owner=owner, start=start, stop=stop, inputs=inputs, results=results)


def test_what_a_loop_reads_from_outside_lives_until_it_ends() -> None:
    """A tensor that the body reads first is read again in the next iteration: it is there at its end too."""
    x, a, state, b, c, y = (
        spec("x", 1),
        spec("a", 100),
        spec("s", 7),
        spec("b", 20),
        spec("c", 30),
        spec("y", 2),
    )
    nodes = [
        step("make", [x], [a]),
        step("loop/first", [a, state], [b]),
        step("loop/second", [b], [c]),
        step("loop", [x], [y], "move"),
    ]
    peak = peak_memory(nodes, [x], [y], [body("body", 3, 1, 3, c, inputs=(state,))])
    assert peak.live == (1 + 100, 1 + 100 + 7 + 20, 1 + 100 + 20 + 30, 1 + 100 + 30 + 2)
    assert (peak.peak_bytes, peak.node) == (1 + 100 + 20 + 30, "loop/second")


def test_an_undecided_branch_shares_its_result_with_the_if() -> None:
    """The output of an If is what the counted branch wrote; the other branch needs no memory."""
    x, a, b, y, z = spec("x", 1), spec("a", 50), spec("b", 900), spec("y", 50), spec("z", 3)
    skipped = replace(step("if/else", [x], [b]), runs=0)
    nodes = [step("if/then", [x], [a]), skipped, step("if", [x], [y], "view"), step("end", [y], [z])]
    bodies = [body("then_branch", 2, 0, 1, a), body("else_branch", 2, 1, 2, b)]
    peak = peak_memory(nodes, [x], [z], bodies)
    assert (peak.peak_bytes, peak.sum_bytes) == (1 + 50 + 3, 1 + 50 + 3)


def test_a_view_of_a_constant_takes_no_memory() -> None:
    """A weight that is reshaped is still a weight."""
    x, w, v, y = spec("x", 4), spec("w", 99, constant=True), spec("v", 99), spec("y", 2)
    peak = peak_memory([step("view", [w], [v], "view"), step("n", [x, v], [y])], [x], [y])
    assert (peak.peak_bytes, peak.sum_bytes) == (4 + 2, 4 + 2)


def test_the_bytes_at_each_node_are_told() -> None:
    """Along a chain, each node holds the caller's input, what it reads and what it writes."""
    x, a, b = spec("x", 10), spec("a", 100), spec("b", 30)
    peak = peak_memory([step("n1", [x], [a]), step("n2", [a], [b])], [x], [b])
    assert peak.live == (10 + 100, 10 + 100 + 30)


def test_a_call_that_repeats_another_needs_its_memory_again() -> None:
    """The nodes of the first call stand for the second: their inner tensors are needed there too."""
    x, inner, a, y = spec("x", 5), spec("inner", 70), spec("a", 10), spec("y", 10)
    nodes = [step("f/1", [x], [inner]), step("f/2", [inner], [a]), step("again", [a], [y])]
    peak = peak_memory(nodes, [x], [y], [body("function", 2, 0, 2)])
    assert peak.live == (5 + 70, 5 + 70 + 10, 5 + 10 + 10 + 70)


def test_two_billion_halves_are_four_gigabytes() -> None:
    """The essay's large language model: 2 x 10^9 parameters of 2 bytes."""
    cost = counted(parameters=2 * 10**9, parameter_bytes=8 * 10**9)

    assert 2 * 10**9 * 2 == weights_at(cost, "fp16")
