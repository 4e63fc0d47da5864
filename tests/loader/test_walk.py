from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from feasibility.errors import ModelError, UsageError
from feasibility.loader import load
from feasibility.ops import DEFAULT
from tests.loader.graphs import constant, model, shapes, value, walked

node = helper.make_node


def test_free_dimensions_reach_every_shape() -> None:
    """A bound batch and a default sequence show up in what the nodes write, and the default is said."""
    proto = model([node("Relu", ["x"], ["y"])], {"x": ("batch", "sequence", 64)}, ["y"])
    found = walked(proto, batch=4)
    assert shapes(found) == {"y": (4, 128, 64)}
    assert found.dims == {"batch": 4, "sequence": 128}
    assert found.assumed == ("sequence=128",)


def test_unnamed_and_negative_dimensions_are_bound_by_position() -> None:
    """A dimension without a name is called INPUT[AXIS]; -1 counts as unnamed."""
    proto = model([node("Relu", ["x"], ["y"])], {"x": (-1, 3, None, None)}, ["y"])
    found = walked(proto, **{"x[2]": 320})
    assert shapes(found) == {"y": (1, 3, 320, 224)}
    assert found.assumed == ("x[0]=1", "x[3]=224")


def test_shape_arithmetic_folds_to_constants() -> None:
    """Reshape to a shape that the graph computes from another is resolved; the arithmetic is folded."""
    proto = model(
        [
            node("Shape", ["x"], ["s"]),
            node("Gather", ["s", "zero"], ["n"]),
            node("Unsqueeze", ["n", "axes"], ["n1"]),
            node("Concat", ["n1", "minus"], ["target"], axis=0),
            node("Reshape", ["x", "target"], ["y"]),
        ],
        {"x": ("batch", 3, 4)},
        ["y"],
        initializers=[constant("zero", 0), constant("axes", [0]), constant("minus", [-1])],
    )
    found = walked(proto, batch=5)
    assert shapes(found)["y"] == (5, 3 * 4)
    assert [n.folded for n in found.graph.nodes] == [True, True, True, True, False]


def test_float_arithmetic_decides_resize() -> None:
    """Scales of Resize computed by division fold too."""
    proto = model(
        [
            node("Div", ["size", "two"], ["scale"]),
            node("Concat", ["ones", "scale"], ["scales"], axis=0),
            node("Resize", ["x", "", "scales"], ["y"], mode="nearest"),
        ],
        {"x": (1, 3, 10, 10)},
        ["y"],
        initializers=[
            constant("size", [3.0, 5.0], "float32"),
            constant("two", [2.0], "float32"),
            constant("ones", [1.0, 1.0], "float32"),
        ],
    )
    assert shapes(walked(proto))["y"] == (1, 3, 15, 25)


def test_shape_of_a_slice_of_dimensions() -> None:
    """Shape with start and end gives only the dimensions asked for."""
    proto = model([node("Shape", ["x"], ["s"], start=1, end=-1)], {"x": (2, 3, 4, 5)}, ["s"])
    assert walked(proto).graph.nodes[0].outputs[0].value == (3, 4)  # type: ignore[union-attr]


def branches(condition: object) -> onnx.ModelProto:
    """Return an If whose branches write 2 or 7 columns; the then branch captures x."""
    then = helper.make_graph([node("Concat", ["x", "x"], ["t"], axis=1)], "then", [], [value("t", None)])
    other = helper.make_graph(
        [node("Expand", ["x", "wide"], ["e"])], "else", [], [value("e", None)], [constant("wide", [1, 7])]
    )
    return model(
        [
            node("If", ["c"], ["y"], name="choose", then_branch=then, else_branch=other),
            node("Relu", ["y"], ["z"]),
        ],
        {"x": (1, 1)},
        ["z"],
        initializers=[constant("c", condition, "bool")],
    )


@pytest.mark.parametrize(("condition", "op_type", "columns"), [(True, "Concat", 2), (False, "Expand", 7)])
def test_known_condition_walks_only_its_branch(condition: object, op_type: str, columns: int) -> None:
    """If with a constant condition is replaced by the taken branch, outer names included."""
    found = walked(branches(condition))
    assert [n.op_type for n in found.graph.nodes] == [op_type, "Relu"]
    assert shapes(found)["z"] == (1, columns)


def test_value_of_a_branch_stays_known() -> None:
    """A shape that a taken branch yields still folds."""
    then = helper.make_graph([node("Identity", ["a"], ["t"])], "then", [], [value("t", None)])
    other = helper.make_graph([node("Identity", ["b"], ["e"])], "else", [], [value("e", None)])
    proto = model(
        [node("If", ["c"], ["s"], then_branch=then, else_branch=other), node("Reshape", ["x", "s"], ["y"])],
        {"x": (2, 6)},
        ["y"],
        initializers=[constant("a", [3, 4]), constant("b", [4, 3]), constant("c", True, "bool")],
    )
    assert shapes(walked(proto))["y"] == (3, 4)


def scaled() -> onnx.FunctionProto:
    """Return a function with an attribute, a default for it, and an optional input."""
    leaky = node("LeakyRelu", ["a"], ["h"])
    leaky.attribute.append(onnx.AttributeProto(name="alpha", type="FLOAT", ref_attr_name="slope"))
    clip = node("Clip", ["h", "", "top"], ["b"])
    made = helper.make_function(
        "my", "Scaled", ["a", "top"], ["b"], [leaky, clip], [helper.make_opsetid("", 18)], []
    )
    made.attribute_proto.append(helper.make_attribute("slope", 0.25))
    return made


def test_local_functions_are_inlined_with_their_attributes() -> None:
    """A call is replaced by the body: attributes substituted or defaulted, absent inputs absent."""
    proto = model(
        [
            node("Scaled", ["x"], ["y"], domain="my", slope=0.5),
            node("Scaled", ["y", "m"], ["z"], domain="my"),
        ],
        {"x": (2, 3)},
        ["z"],
        initializers=[constant("m", 6.0, "float32")],
        functions=[scaled()],
        domains=["my"],
    )
    nodes = walked(proto).graph.nodes
    assert [n.op_type for n in nodes] == ["LeakyRelu", "Clip"] * 2
    assert [n.attributes["alpha"] for n in nodes[::2]] == [0.5, 0.25]
    assert [n.has_input(2) for n in nodes[1::2]] == [False, True]
    assert {n.opset for n in nodes} == {18}


def test_names_stay_unique_when_a_function_is_called_twice() -> None:
    """Two calls without names do not write the same tensor."""
    proto = model(
        [
            node("Scaled", ["x"], ["y"], domain="my", name="f"),
            node("Scaled", ["y"], ["z"], domain="my", name="f"),
        ],
        {"x": (2, 3)},
        ["z"],
        functions=[scaled()],
        domains=["my"],
    )
    names = [s.name for n in walked(proto).graph.nodes for s in n.outputs if s is not None]
    assert len(names) == len(set(names)) == 4


def test_recursive_function_is_refused() -> None:
    """A function that calls itself gets a sentence, not a stack overflow."""
    body = helper.make_function(
        "my", "F", ["a"], ["b"], [node("F", ["a"], ["b"], domain="my")], [helper.make_opsetid("my", 1)]
    )
    proto = model(
        [node("F", ["x"], ["y"], domain="my")], {"x": (1,)}, ["y"], functions=[body], domains=["my"]
    )
    with pytest.raises(ModelError, match="my::F calls itself"):
        walked(proto)


def test_operator_without_a_rule_is_expanded_into_its_body() -> None:
    """Where nobody has a cost rule, onnx's own function body stands in."""
    proto = model([node("Softsign", ["x"], ["y"])], {"x": (2, 3)}, ["y"], opset=18)
    assert [n.op_type for n in load(proto).graph.nodes] == ["Softsign"]
    without = _Without("Softsign")
    found = load(proto, rules=without)  # type: ignore[arg-type]
    assert [n.op_type for n in found.graph.nodes if not n.folded] == ["CastLike", "Abs", "Add", "Div"]


class _Without:
    """The default rules but one."""

    def __init__(self, op_type: str) -> None:
        self.op_type = op_type

    def find(self, domain: str, op_type: str, opset: int) -> object:
        return None if op_type == self.op_type else DEFAULT.find(domain, op_type, opset)


def test_identity_of_a_weight_is_the_weight() -> None:
    """Exporters share weights through Identity: the reader sees the initializer itself."""
    weight = TensorProto(name="w", dims=[512, 512], data_type=TensorProto.FLOAT)
    proto = model(
        [node("Identity", ["w"], ["w2"]), node("MatMul", ["x", "w2"], ["y"])],
        {"x": (1, 512)},
        ["y"],
        initializers=[weight],
    )
    identity, matmul = walked(proto).graph.nodes
    assert identity.folded
    assert matmul.inputs[1] is identity.inputs[0]


def test_large_filled_tensor_is_a_constant_without_value() -> None:
    """ConstantOfShape beyond the folding limit is still known to be a constant of its shape."""
    proto = model(
        [node("ConstantOfShape", ["s"], ["w"]), node("MatMul", ["x", "w"], ["y"])],
        {"x": (1, 64)},
        ["y"],
        initializers=[constant("s", [64, 64])],
    )
    made, matmul = walked(proto).graph.nodes
    assert made.folded
    assert (matmul.inputs[1].constant, matmul.inputs[1].shape) == (True, (64, 64))  # type: ignore[union-attr]


def test_unsorted_nodes_are_put_in_order() -> None:
    """A valid graph in the wrong order is walked as if sorted."""
    proto = model([node("Relu", ["a"], ["y"]), node("Exp", ["x"], ["a"])], {"x": (3,)}, ["y"])
    assert [n.op_type for n in walked(proto).graph.nodes] == ["Exp", "Relu"]


@pytest.mark.parametrize(
    ("nodes", "sentence"),
    [
        (
            [node("Add", ["x", "b"], ["a"], name="n1"), node("Relu", ["a"], ["b"])],
            "'n1' (Add) takes part in a cycle",
        ),
        ([node("Relu", ["gone"], ["y"], name="n1")], "'n1' (Relu) reads tensor 'gone', which nothing writes"),
        ([node("Relu", ["x"], ["y"]), node("Exp", ["x"], ["y"])], "tensor 'y' is written twice"),
        ([node("Relu", ["x"], ["other"])], "output 'y' of a graph is written by no node"),
    ],
)  # fmt: skip
def test_broken_graph_gets_a_sentence(nodes: list[onnx.NodeProto], sentence: str) -> None:
    """Cycles, missing tensors and double writes are refused with the node or tensor named."""
    with pytest.raises(ModelError) as caught:
        walked(model(nodes, {"x": (1,)}, ["y"]))
    assert sentence in caught.value.message


def test_unknown_dimension_is_refused() -> None:
    """A dimension that the model does not have is a usage error."""
    with pytest.raises(UsageError, match="no free dimension 'bach'"):
        walked(model([node("Relu", ["x"], ["y"])], {"x": ("batch",)}, ["y"]), bach=2)


def test_operator_nobody_knows_keeps_the_declared_shape() -> None:
    """For a custom operator the shape that the file declares is used."""
    nodes = [node("Fancy", ["x"], ["h"], domain="acme"), node("Relu", ["h"], ["y"])]
    proto = model(nodes, {"x": ("batch", 4)}, ["y"], domains=["acme"])
    proto.graph.value_info.append(value("h", ("batch", 9)))
    assert shapes(walked(proto, batch=2)) == {"h": (2, 9), "y": (2, 9)}


def test_invalid_shapes_are_said_not_raised() -> None:
    """Operands that do not fit leave a node with onnx's own complaint."""
    proto = model([node("MatMul", ["x", "w"], ["y"])], {"x": (1, 3), "w": (4, 5)}, ["y"])
    (found,) = walked(proto).graph.nodes
    assert found.outputs[0].shape is None  # type: ignore[union-attr]
    assert "ncompatible" in found.problem


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes", "expected"),
    [
        ("Add", [(2, 3, 4), (3,)], {"broadcast": 1, "axis": 1}, (2, 3, 4)),
        ("Concat", [(2, 3), (2, 5)], {}, (2, 3 + 5)),
        ("Reshape", [(2, 3, 4)], {"shape": [0, -1]}, (2, 3 * 4)),
        ("Pad", [(1, 3, 8, 8)], {"paddings": [0, 0, 1, 2, 0, 0, 3, 4]}, (1, 3, 8 + 1 + 3, 8 + 2 + 4)),
        ("Gemm", [(2, 3), (5, 3), (5,)], {"transB": 1}, (2, 5)),
        ("Upsample", [(1, 3, 4, 5)], {"height_scale": 2.0, "width_scale": 3.0}, (1, 3, 8, 15)),
        ("Split", [(6, 4)], {"axis": 0, "split": [6]}, (6, 4)),
        ("GlobalLpPool", [(1, 3, 8, 8)], {}, (1, 3, 1, 1)),
        ("Sigmoid", [(7,)], {}, (7,)),
    ],
)  # fmt: skip
def test_oldest_schema_versions_have_our_own_shape_rule(
    op_type: str, inputs: list[tuple[int, ...]], attributes: dict[str, object], expected: tuple[int, ...]
) -> None:
    """Opset 1, for which onnx itself infers nothing, is resolved by hand-derived shapes."""
    named = {f"x{n}": shape for n, shape in enumerate(inputs)}
    old = node(op_type, list(named), ["y"])
    old.attribute.extend(helper.make_attribute(name, given) for name, given in attributes.items())
    proto = model([old], named, ["y"], opset=1)
    assert shapes(walked(proto))["y"] == expected


@pytest.mark.parametrize(
    ("equation", "inputs", "expected"),
    [
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)], (2, 3, 5)),
        ("...ij,...jk->...ik", [(7, 2, 3, 4), (1, 2, 4, 5)], (7, 2, 3, 5)),
        ("ij,jk", [(3, 4), (4, 5)], (3, 5)),
        ("ba", [(2, 3)], (3, 2)),
        ("ii->i", [(4, 4)], (4,)),
        (" i j -> j i ", [(2, 3)], (3, 2)),
        ("...", [(2, 3)], (2, 3)),
        ("ij->", [(2, 3)], ()),
    ],
)
def test_einsum_shapes_equal_numpy(
    equation: str, inputs: list[tuple[int, ...]], expected: tuple[int, ...]
) -> None:
    """Einsum output shapes are those numpy computes."""
    named = {f"x{n}": shape for n, shape in enumerate(inputs)}
    assert np.einsum(equation, *(np.ones(s) for s in inputs)).shape == expected
    proto = model([node("Einsum", list(named), ["y"], equation=equation)], named, ["y"])
    assert shapes(walked(proto))["y"] == expected


@pytest.mark.parametrize(
    "equation", ["", "->", "ij,jk,kl->il", "i->ij", "ij->i", "!!->!", "i" * 5000, "...i...->i"]
)
def test_hostile_einsum_is_said_not_hung(equation: str) -> None:
    """An equation that does not fit its inputs leaves an unknown shape and a reason."""
    proto = model([node("Einsum", ["x"], ["y"], equation=equation)], {"x": (2, 3, 4)}, ["y"])
    (found,) = walked(proto).graph.nodes
    assert found.outputs[0].shape is None  # type: ignore[union-attr]
    assert "Einsum" in found.problem


def test_equal_calls_that_leave_out_different_outputs() -> None:
    """Of two equal LSTMs one gives its sequence, the other its last state: both shapes are known."""
    weights = {"x": (5, 1, 8), "w": (1, 4 * 16, 8), "r": (1, 4 * 16, 16)}
    last = node("LSTM", list(weights), ["", "h"], hidden_size=16)
    sequence = node("LSTM", list(weights), ["y", ""], hidden_size=16)
    found = walked(model([last, sequence], weights, ["h", "y"]))
    assert shapes(found) == {"h": (1, 1, 16), "y": (5, 1, 1, 16)}


@pytest.mark.parametrize("op_type", ["Constant", "ConstantOfShape", "Identity", "Shape", "Size"])
@pytest.mark.parametrize("outputs", [[], [""], ["a", "b"]])
def test_a_shape_operator_without_its_one_output_is_no_crash(op_type: str, outputs: list[str]) -> None:
    """A node whose value would be known, had it an output to hold it, is an ordinary broken node."""
    proto = model(
        [node(op_type, ["s"], outputs), node("Relu", ["x"], ["y"])],
        {"x": (3,)},
        ["y"],
        initializers=[constant("s", [2, 3])],
    )
    assert [n.op_type for n in walked(proto).graph.nodes] == [op_type, "Relu"]


@pytest.mark.parametrize(
    "odd",
    [
        node("Constant", [], ["c"]),
        node("Constant", [], ["c"], value_int="text"),
        node("Constant", [], ["c"], value_floats=3),
        node("Constant", [], ["c"], elsewhere=3),
        node("Constant", ["x"], ["c"], value_int=3),
        node("ConstantOfShape", ["f"], ["c"]),
    ],
)
def test_odd_constants_are_unknown(odd: onnx.NodeProto) -> None:
    """A Constant that holds no value of its kind, or a shape of NaN, gives no value."""
    proto = model([odd], {"x": (1,)}, ["c"], initializers=[constant("f", [float("nan")], "float32")])
    (found,) = walked(proto).graph.nodes
    assert not found.folded
    assert found.problem


def test_functions_that_hold_nothing_end_too() -> None:
    """A chain of functions that call the next twice ends, even where the last is empty."""
    imports = [helper.make_opsetid("my", 1)]
    functions = [helper.make_function("my", "F0", ["a"], ["a"], [], imports)]
    functions += [
        helper.make_function(
            "my",
            f"F{n}",
            ["a"],
            ["b"],
            [node(f"F{n - 1}", ["a"], [out], domain="my") for out in ("t", "b")],
            imports,
        )
        for n in range(1, 40)
    ]
    call = node("F39", ["x"], ["y"], domain="my")
    proto = model([call], {"x": (1,)}, ["y"], functions=functions, domains=["my"])
    assert {n.op_type for n in walked(proto).graph.nodes} <= {f"F{n}" for n in range(40)}


def test_names_that_look_numbered_stay_unique() -> None:
    """A file that already numbers its tensors as the walk does is renamed step by step, however often."""
    imports = [helper.make_opsetid("", 20)]
    body = helper.make_function("my", "F", ["a"], ["b"], [node("Relu", ["a"], ["b"])], imports)
    nodes = [node("Relu", ["x"], ["f/b" + "#2" * n]) for n in range(1500)]
    call = node("F", ["x"], ["y"], domain="my", name="f")
    found = walked(model([*nodes, call], {"x": (1,)}, ["y"], functions=[body], domains=["my"]))
    assert found.graph.outputs[0].name == "f/b" + "#2" * 1500


@pytest.mark.parametrize("place", [b"operator", b"domain", b"imported", b"tensor"])
def test_text_that_is_not_utf8_is_said(place: bytes) -> None:
    """Text that protobuf hands out as bytes is one sentence, wherever the walk meets it."""
    nodes = [node("operator", ["x"], ["tensor"], domain="domain")]
    proto = model(nodes, {"x": (1,)}, ["tensor"], domains=["domain", "imported"])
    broken = proto.SerializeToString().replace(place, b"\xff" + place[1:])
    with pytest.raises(ModelError, match="holds text that is not UTF-8"):
        load(broken)


def test_a_broken_graph_names_its_file() -> None:
    """With several models in one call, the sentence says which one is meant."""
    with pytest.raises(ModelError, match=r"^'<ModelProto>': node 'n1'"):
        walked(model([node("Relu", ["gone"], ["y"], name="n1")], {}, ["y"]))


def test_an_operator_of_com_microsoft_without_its_domain_counts_and_is_said() -> None:
    """Files that forget the domain mean ONNX Runtime's operator where ONNX never had one of that name."""
    proto = model([node("QuickGelu", ["x"], ["y"]), node("QuickGelu", ["y"], ["z"])], {"x": (2, 3)}, ["z"])
    found = walked(proto)
    assert [("com.microsoft", 1)] * 2 == [(n.domain, n.opset) for n in found.graph.nodes]
    assert shapes(found)["z"] == (2, 3)
    assert found.assumed == ("QuickGelu as com.microsoft defines it, though the file names no domain",)


def test_a_name_that_a_later_onnx_has_is_not_taken_for_com_microsofts() -> None:
    """Attention is ONNX's own from opset 23 on: at opset 17 nobody knows what it means."""
    proto = model([node("Attention", ["x", "x", "x"], ["y"])], {"x": (2, 3, 4)}, ["y"])
    assert [n.domain for n in walked(proto).graph.nodes] == ["ai.onnx"]


@pytest.mark.parametrize(("opset", "dtype"), [(1, "FLOAT"), (7, "FLOAT"), (10, "BOOL"), (13, "BOOL")])
def test_the_mask_of_an_old_dropout_is_as_large_as_its_input(opset: int, dtype: str) -> None:
    """Exporters of the first zoo models name it though nobody reads it."""
    proto = model([node("Dropout", ["x"], ["y", "mask"])], {"x": (2, 3)}, ["y"], opset=opset)
    (found,) = walked(proto).graph.nodes
    assert [((2, 3), "FLOAT"), ((2, 3), dtype)] == [(s.shape, s.dtype.name) for s in found.outputs if s]


@pytest.mark.parametrize("opset", [1, 7, 9])
def test_the_statistics_of_an_old_batch_normalisation_have_one_value_per_channel(opset: int) -> None:
    """X is [2, 5, 4, 4]: four more outputs of 5."""
    outputs = ["y", "mean", "var", "saved_mean", "saved_var"]
    vectors = dict.fromkeys(("scale", "b", "m", "v"), (5,))
    proto = model(
        [node("BatchNormalization", ["x", *vectors], outputs)],
        {"x": (2, 5, 4, 4), **vectors},
        ["y"],
        opset=opset,
    )
    assert shapes(walked(proto)) == {"y": (2, 5, 4, 4)} | dict.fromkeys(outputs[1:], (5,))
