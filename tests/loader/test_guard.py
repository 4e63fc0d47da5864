from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from feasibility.errors import ModelError
from feasibility.profiler import profile
from tests.loader.graphs import Dim, constant, model, value, walked

node = helper.make_node
HUGE = 2**62


def stored(dims: list[int]) -> onnx.ModelProto:
    """Return a model whose weight claims a shape."""
    weight = TensorProto(name="w", dims=dims, data_type=TensorProto.FLOAT)
    return model([node("MatMul", ["x", "w"], ["y"])], {"x": (1, 4)}, ["y"], initializers=[weight])


def sparse(dims: list[int]) -> onnx.ModelProto:
    """Return a model whose sparse weight claims a shape."""
    proto = stored([4, 4])
    del proto.graph.initializer[:]
    weight = proto.graph.sparse_initializer.add(dims=dims)
    weight.values.CopyFrom(TensorProto(name="w", data_type=TensorProto.FLOAT))
    return proto


@pytest.mark.parametrize("dims", [[HUGE, HUGE], [4, -1], [2**32, 2**32, 0], [1] * 65, [HUGE] * 100_000])
def test_impossible_tensors_of_the_file_are_refused(dims: list[int]) -> None:
    """A weight with a negative size, too many elements or too many dimensions is one sentence."""
    for proto in (stored(dims), sparse(dims)):
        with pytest.raises(ModelError, match="tensor 'w' cannot have the shape") as caught:
            walked(proto)
        assert len(caught.value.message) < 400


@pytest.mark.parametrize("shape", [(HUGE,), (2**20, 2**20, 2**20), ("batch", 2**40)])
def test_impossible_inputs_are_refused(shape: tuple[Dim, ...]) -> None:
    """An input that no machine holds is refused, also where --dim makes it so."""
    with pytest.raises(ModelError, match="tensor 'x' cannot have the shape"):
        walked(
            model([node("Relu", ["x"], ["y"])], {"x": shape}, ["y"]),
            **{"batch": 2**20} if "batch" in shape else {},
        )


BOMBS = {
    "Expand": ([node("Expand", ["x", "s"], ["y"])], [constant("s", [2**40, 2**40, 4])]),
    "Range": (
        [node("Range", ["a", "b", "c"], ["y"])],
        [constant("a", 0), constant("b", HUGE), constant("c", 1)],
    ),
    "ConstantOfShape": ([node("ConstantOfShape", ["s"], ["y"])], [constant("s", [HUGE, HUGE])]),
    "Tile": ([node("Tile", ["x", "r"], ["y"])], [constant("r", [HUGE])]),
    "Pad": ([node("Pad", ["x", "p"], ["y"])], [constant("p", [HUGE, HUGE])]),
    "Resize": ([node("Resize", ["x", "", "s"], ["y"])], [constant("s", [1e30], "float32")]),
}  # fmt: skip


@pytest.mark.parametrize("op_type", BOMBS)
def test_a_node_that_would_write_too_much_is_unknown(op_type: str) -> None:
    """What no machine holds is named, never counted, and nothing after it is."""
    nodes, initializers = BOMBS[op_type]
    proto = model([*nodes, node("Exp", ["y"], ["z"])], {"x": (4,)}, ["z"], initializers=initializers)
    cost = profile(walked(proto))
    assert [u.op_type for u in cost.coverage.unknown][-1] == "Exp"
    assert (cost.flops.value, cost.totals.peak_activation_bytes) == (0, 4 * 4)


@pytest.mark.parametrize(
    ("op_type", "attributes"),
    [
        ("Reshape", {"shape": [-5, -7]}),
        ("Pad", {"paddings": [-5, -5]}),
        ("Split", {"split": [-5, 9]}),
        ("Upsample", {"height_scale": 1e30, "width_scale": -5.0}),
        ("Upsample", {"height_scale": float("inf"), "width_scale": float("nan")}),
        ("Split", {}),
    ],
)
def test_our_own_rules_write_no_impossible_shape(op_type: str, attributes: dict[str, object]) -> None:
    """The rules for the oldest operators leave unknown what would be negative, huge or nowhere."""
    old = node(op_type, ["x"], ["y"] if attributes else [])
    old.attribute.extend(helper.make_attribute(name, given) for name, given in attributes.items())
    (found,) = walked(model([old], {"x": (1, 1, 2, 2)}, ["x"], opset=1)).graph.nodes
    assert all(s is not None and s.shape is None for s in found.outputs)
    assert found.problem or not attributes


@pytest.mark.parametrize(
    ("crashing", "initializers"),
    [
        (node("LayerNormalization", ["x", "w"], ["y"], axis=50), {"w": (5,)}),
        (node("GatherND", ["x", "i"], ["y"], batch_dims=-(2**31)), {"i": (2, 1)}),
        (node("Split", ["x"], ["y", "y1", "y2"], axis=0, num_outputs=2), {}),
        (node("Split", ["x"], ["y"], axis=0, num_outputs=1_000_000_007), {}),
        (node("Expand", ["x", "i"], ["y"]), {"i": (2**31,)}),
    ],
)
def test_what_crashes_onnx_never_reaches_it(
    crashing: onnx.NodeProto, initializers: dict[str, tuple[int, ...]]
) -> None:
    """These nodes killed the interpreter or filled its memory: they are unknown, in this process too."""
    proto = model([crashing], {"x": (2, 2, 2)}, ["y"])
    proto.graph.input.extend(
        value(name, shape, TensorProto.FLOAT if name == "w" else TensorProto.INT64)
        for name, shape in initializers.items()
    )
    (found,) = walked(proto).graph.nodes
    assert "fit" in found.problem


def test_absurd_attributes_are_not_counted() -> None:
    """A kernel of 2^62 makes the node unknown although the file declares what it writes."""
    proto = model([node("AveragePool", ["x"], ["y"], kernel_shape=[3, HUGE])], {"x": (1, 1, 5, 5)}, [])
    proto.graph.output.append(value("y", (1, 1, 3, 3)))
    (unknown,) = profile(walked(proto)).coverage.unknown
    assert unknown.reason == f"attribute 'kernel_shape' is out of range, {HUGE}"


def test_to_the_end_is_no_absurd_attribute() -> None:
    """Slice and Shape write "to the end" as the largest integer."""
    nodes = [node("Slice", ["x"], ["y"], starts=[1], ends=[2**63 - 1], axes=[0])]
    (found,) = walked(model(nodes, {"x": (7,)}, ["y"], opset=9)).graph.nodes
    assert found.output(0).shape == (7 - 1,)


def test_a_declared_shape_may_not_be_impossible_either() -> None:
    """What the file declares stands in for an operator nobody knows, unless no tensor can have it."""
    proto = model([node("Fancy", ["x"], ["y"], domain="acme")], {"x": (1,)}, [], domains=["acme"])
    proto.graph.output.append(value("y", (2**40, 2**40)))
    (found,) = walked(proto).graph.nodes
    assert found.output(0).shape is None


LONG = "n" * 10_001


@pytest.mark.parametrize(
    "proto",
    [
        model([node("Relu", ["x"], ["y"], name=LONG)], {"x": (1,)}, ["y"]),
        model([node(LONG, ["x"], ["y"])], {"x": (1,)}, ["y"]),
        model([node("Relu", ["x"], ["y"], domain=LONG)], {"x": (1,)}, ["y"]),
        model([node("Relu", ["x"], [LONG])], {"x": (1,)}, [LONG]),
        model([node("Relu", [LONG], ["y"])], {LONG: (1,)}, ["y"]),
        model([node("Relu", ["x"], ["y"])], {"x": (LONG,)}, ["y"]),
        model([node("Relu", ["x"], ["y"])], {"x": (1,)}, ["y"], domains=[LONG]),
    ],
    ids=["node", "operator", "domain", "output", "input", "dimension", "opset"],
)
def test_a_name_of_megabytes_is_refused(proto: onnx.ModelProto) -> None:
    """A name that would only fill memory and screens is one short sentence."""
    with pytest.raises(ModelError, match=r"begins with 'nnn.* has 10,0\d\d characters") as caught:
        walked(proto)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("version", [-3, 2**31, HUGE])
def test_an_impossible_opset_is_refused(version: int) -> None:
    """The version of an operator set is a number that onnx can look up."""
    proto = model([node("Relu", ["x"], ["y"])], {"x": (1,)}, ["y"], opset=version)
    with pytest.raises(ModelError, match=f"operator set 'ai.onnx' has no version {version}"):
        walked(proto)
