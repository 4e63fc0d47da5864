"""Break models in seeded ways and walk them in the child: a result or a sentence, nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from feasibility.errors import FeasibilityError
from feasibility.loader import load
from feasibility.loader.isolate import Worker
from feasibility.profiler import profile
from tests.loader.graphs import constant, model

CORPUS = Path(__file__).parents[1] / "corpus"
GRAPHS = (
    CORPUS / "resnet18_224.onnx",
    CORPUS / "timm" / "mnasnet_050_224.onnx",
    CORPUS / "whisper_tiny_encoder.onnx",
)
MUTANTS = 150  # of each graph
ODD_SIZES = (-(2**63), -1, 0, 1, 2, 3, 7, 2**31, 2**40, 2**62)
node = helper.make_node


def _change_dimension(proto: onnx.ModelProto, dice: random.Random) -> None:
    tensor = dice.choice(proto.graph.initializer)
    if tensor.dims:
        tensor.dims[dice.randrange(len(tensor.dims))] = dice.choice(ODD_SIZES)


def _change_input(proto: onnx.ModelProto, dice: random.Random) -> None:
    dims = dice.choice(proto.graph.input).type.tensor_type.shape.dim
    dice.choice(dims).dim_value = dice.choice(ODD_SIZES)


def _change_attribute(proto: onnx.ModelProto, dice: random.Random) -> None:
    attribute = dice.choice(dice.choice([n for n in proto.graph.node if n.attribute]).attribute)
    if attribute.ints:
        attribute.ints[dice.randrange(len(attribute.ints))] = dice.choice(ODD_SIZES)
    else:
        attribute.i = dice.choice(ODD_SIZES)


def _change_operator(proto: onnx.ModelProto, dice: random.Random) -> None:
    names = (
        "Slice",
        "Split",
        "EyeLike",
        "GatherND",
        "LayerNormalization",
        "Einsum",
        "Loop",
        "Resize",
        "Conv",
        "?",
    )
    dice.choice(proto.graph.node).op_type = dice.choice(names)


def _swap_inputs(proto: onnx.ModelProto, dice: random.Random) -> None:
    one, other = dice.choice(proto.graph.node), dice.choice(proto.graph.node)
    if one.input and other.input:
        one.input[0] = other.input[-1]


def _drop_node(proto: onnx.ModelProto, dice: random.Random) -> None:
    del proto.graph.node[dice.randrange(len(proto.graph.node))]


def _change_opset(proto: onnx.ModelProto, dice: random.Random) -> None:
    proto.opset_import[0].version = dice.choice((1, 5, 7, 13, 99, -1))


CHANGES: tuple[Callable[[onnx.ModelProto, random.Random], None], ...] = (
    _change_dimension, _change_input, _change_attribute, _change_operator,
    _swap_inputs, _drop_node, _change_opset,
)  # fmt: skip


def mutant(path: Path, seed: int) -> onnx.ModelProto:
    """Return a graph with one to three seeded changes."""
    dice = random.Random(seed)  # noqa: S311 (repeatable, not secret)
    proto = onnx.load(path, load_external_data=False)
    for _ in range(dice.randint(1, 3)):
        dice.choice(CHANGES)(proto, dice)
    return proto


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_mutants_give_a_count_or_a_sentence(path: Path, tmp_path: Path) -> None:
    """No change makes a traceback or a hang; what is counted is whole and adds up."""
    file = tmp_path / "mutant.onnx"
    counted = 0
    with Worker.start() as worker:
        for seed in range(MUTANTS):
            file.write_bytes(mutant(path, seed).SerializeToString())
            try:
                cost = profile(worker.load(str(file)))
            except FeasibilityError as error:
                assert "\n" not in error.message, seed  # noqa: PT017 (either outcome is right)
                continue
            seen = cost.coverage
            assert seen.counted + seen.folded + len(seen.unknown) == seen.nodes, seed
            assert min(cost.fmas, cost.totals.flops, cost.totals.read_bytes) >= 0, seed
            counted += 1
    assert 0 < counted < MUTANTS


def test_doubling_does_not_blow_up() -> None:
    """Sixty Concats that each double their input are answered exactly or refused, without the memory."""
    nodes = [node("Concat", [f"c{n}", f"c{n}"], [f"c{n + 1}"], axis=0) for n in range(60)]
    proto = model(nodes, {}, ["c60"], initializers=[constant("c0", [1, 2])])
    cost = profile(load(proto))
    assert cost.coverage.nodes == 60
    assert cost.coverage.unknown  # the last of them would be 2^61 elements


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
