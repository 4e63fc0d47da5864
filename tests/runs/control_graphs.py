"""Build small graphs with control flow, sizes that depend on data, and quantised products."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from feasibility.ir import MICROSOFT_DOMAIN
from tests.loader.graphs import constant, model, value

Node = onnx.NodeProto
Build = Callable[[], onnx.ModelProto]
node = helper.make_node
DOMAIN = "local"
WIDTH = 8
W = constant("w", np.linspace(-1, 1, WIDTH * WIDTH).reshape(WIDTH, WIDTH), "float32")
X = {"x": (2, WIDTH)}
PRODUCT = node("MatMul", ["s", "w"], ["t"])
GO = node("Identity", ["go"], ["go2"])


def nodes(*steps: str) -> list[Node]:
    """Return nodes from lines such as "Concat x y -> z axis=0"; "_" is an input that is left out."""
    return [_node(step) for step in steps]


def _node(step: str) -> Node:
    left, right = step.split("->")
    op_type, *inputs = left.split()
    outputs, attributes = _right(right)
    return node(op_type, ["" if name == "_" else name for name in inputs], outputs, **attributes)


def _right(text: str) -> tuple[list[str], dict[str, Any]]:
    words = text.split()
    given = [word.split("=") for word in words if "=" in word]
    return [word for word in words if "=" not in word], {name: _attribute(text) for name, text in given}


def _attribute(text: str) -> int | str | list[int]:
    if "," in text:
        return [int(part) for part in text.split(",")]
    return text if text.isalpha() else int(text)


def made(
    steps: Sequence[Node],
    *stored: onnx.TensorProto,
    flags: Sequence[str] = (),
    functions: Sequence[onnx.FunctionProto] = (),
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """Return a model of x [2, 8] and boolean flags."""
    last = steps[-1].output[:1]
    proto = model(steps, X, last, initializers=stored, functions=functions, opset=21, domains=domains)
    proto.graph.input.extend(value(name, [], TensorProto.BOOL) for name in flags)
    proto.ir_version = 10
    return proto


# --- bodies


def untyped(name: str) -> onnx.ValueInfoProto:
    """Return an input or result of a body that says nothing of itself."""
    return onnx.ValueInfoProto(name=name)


def loop(body: Sequence[Node], results: Sequence[str], outputs: Sequence[str], **names: str) -> Node:
    """Return a Loop over state s; its body results in a condition and these tensors."""
    parameters = [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), untyped("s")]
    graph = helper.make_graph(list(body), "body", parameters, list(map(untyped, results)))
    inputs = [names.get("trips", "trips"), names.get("first", ""), names.get("state", "x")]
    return node("Loop", inputs, list(outputs), name="loop", body=graph)


def branch(body: Sequence[Node], *results: str) -> onnx.GraphProto:
    """Return a branch of an If."""
    return helper.make_graph(list(body), "branch", [], list(map(untyped, results)))


def choice(condition: str, one: onnx.GraphProto, other: onnx.GraphProto, *outputs: str) -> Node:
    """Return an If."""
    return node("If", [condition], list(outputs), name="if", then_branch=one, else_branch=other)


# --- control flow


def loop_that_stacks() -> onnx.ModelProto:
    """Stack the products and the numbers of five iterations."""
    given = loop([PRODUCT, GO, *nodes("Identity i -> n")], ["go2", "t", "t", "n"], ["y", "all", "number"])
    return made([given, *nodes("ReduceSum all -> sum keepdims=0", "Relu y -> z")], W, constant("trips", 5))


def loop_that_grows() -> onnx.ModelProto:
    """Add x to a state in each of three iterations."""
    grows = nodes("Concat s x -> t axis=0")
    return made([loop([*grows, GO], ["go2", "t"], ["y"]), *nodes("MatMul y w -> z")], W, constant("trips", 3))


def loop_over_rows() -> onnx.ModelProto:
    """Run as many iterations as x has rows, each of which appends the rows up to its own."""
    rows = nodes(
        "Add i one -> j",
        "Unsqueeze j zero -> end",
        "Slice x zero end zero -> part",
        "Concat s part -> t axis=0",
    )
    given = loop([*rows, GO], ["go2", "t"], ["y"], trips="rows")
    before = nodes("Shape x -> sizes", "Gather sizes first -> rows")
    numbers = (constant("one", 1), constant("zero", [0]), constant("first", 0))
    return made([*before, given, *nodes("Softmax y -> z")], *numbers)


def loop_in_a_loop() -> onnx.ModelProto:
    """Stack four products in each of three iterations, and those again."""
    inner = loop([*nodes("MatMul s w -> t"), GO], ["go2", "t", "t"], ["a", "b"], state="s", trips="four")
    outer = loop([inner, *nodes("Identity go -> go3")], ["go3", "a", "b"], ["y", "all"])
    return made([outer, *nodes("Transpose all -> z")], W, constant("trips", 3), constant("four", 4))


def scan() -> onnx.ModelProto:
    """Stack a running sum over the columns of x, backwards, along the second axis."""
    parameters = [untyped("s"), untyped("column")]
    steps = nodes("Add s column -> t", "Unsqueeze t zero -> row", "MatMul row v -> u", "Squeeze u zero -> o")
    body = helper.make_graph(steps, "body", parameters, [untyped("t"), untyped("o")])
    turned: dict[str, Any] = {
        "scan_input_axes": [1],
        "scan_output_axes": [1],
        "scan_input_directions": [1],
    }
    given = node("Scan", ["start", "x"], ["last", "all"], num_scan_inputs=1, body=body, **turned)
    numbers = (
        constant("start", [0, 0], "float32"),
        constant("v", np.ones((2, 5)), "float32"),
        constant("zero", [0]),
    )
    return made([given, *nodes("Relu all -> z")], *numbers)


def unknown_if() -> onnx.ModelProto:
    """Choose between equal outputs, one of them a product; both branches read from around them."""
    one = branch(nodes("MatMul x w -> a", "ArgMax a -> b axis=1"), "a", "b")
    other = branch(nodes("Relu x -> a", "ArgMin a -> b axis=1"), "a", "b")
    return made([choice("flag", one, other, "y", "n"), *nodes("Add y w1 -> z")], W, _row(), flags=["flag"])


def known_if() -> onnx.ModelProto:
    """Let shape arithmetic decide a condition: x has fewer than three rows."""
    before = nodes("Shape x -> sizes", "Gather sizes first -> rows", "Less rows three -> few")
    one, other = branch(nodes("MatMul x w -> a"), "a"), branch(nodes("Concat x x -> b axis=0"), "b")
    steps = [*before, choice("few", one, other, "y"), *nodes("Relu y -> z")]
    return made(steps, W, constant("first", 0), constant("three", 3))


def loop_in_an_if() -> onnx.ModelProto:
    """Run a loop where the flag is set, one product where it is not."""
    inner = loop([PRODUCT, GO], ["go2", "t", "t"], ["a", "b"])
    one = branch([inner], "a", "b")
    other = branch(nodes("MatMul x w -> c", "Concat c3 c3 -> d axis=0"), "c", "d")
    numbers = (W, constant("trips", 4), constant("c3", np.ones((2, 2, WIDTH)), "float32"))
    after = nodes("ReduceMean q -> z keepdims=0")
    return made([choice("flag", one, other, "y", "q"), *after], *numbers, flags=["flag"])


def function_in_a_loop() -> onnx.ModelProto:
    """Call a function that calls another twice, in each of three iterations and once more after them."""
    imports = [helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)]
    once = helper.make_function(
        DOMAIN, "Once", ["a", "b"], ["d"], nodes("MatMul a b -> c", "Tanh c -> d"), imports
    )
    calls = [node("Once", ["a", "b"], ["c"], domain=DOMAIN), node("Once", ["c", "b"], ["d"], domain=DOMAIN)]
    twice = helper.make_function(DOMAIN, "Twice", ["a", "b"], ["d"], calls, imports)
    body = [node("Twice", ["s", "w"], ["t"], domain=DOMAIN), GO]
    after = node("Twice", ["y", "w"], ["z"], domain=DOMAIN)
    steps = [loop(body, ["go2", "t", "t"], ["y", "all"]), after]
    return made(steps, W, constant("trips", 3), functions=[once, twice], domains=[DOMAIN])


def recurrent() -> onnx.ModelProto:
    """Run an LSTM in both directions, then a GRU, over the columns of x."""
    steps = nodes(
        "Unsqueeze x zero -> a",
        "Transpose a -> b perm=2,0,1",
        "LSTM b lw lr -> c h l hidden_size=3 direction=bidirectional",
        "Transpose c -> d perm=0,2,1,3",
        "Reshape d flat -> e",
        "GRU e gw gr -> f g hidden_size=4",
        "Relu f -> z",
    )
    numbers = {"lw": (2, 12, 2), "lr": (2, 12, 3), "gw": (1, 12, 6), "gr": (1, 12, 4)}
    stored = [constant(name, np.full(dims, 0.1), "float32") for name, dims in numbers.items()]
    return made(steps, *stored, constant("zero", [0]), constant("flat", [0, 0, -1]))


# --- sizes that depend on data


def larger_branch() -> onnx.ModelProto:
    """Choose between two rows and four."""
    one, other = branch(nodes("Relu x -> a"), "a"), branch(nodes("Concat x x -> b axis=0"), "b")
    return made([choice("flag", one, other, "y"), *nodes("MatMul y w -> z")], W, flags=["flag"])


def while_loop() -> onnx.ModelProto:
    """Run a loop that stops when its state is large, after fifty iterations at the most."""
    body = nodes("Add s s -> t", "ReduceMax t -> most keepdims=0", "Less most limit -> go2")
    given = loop(body, ["go2", "t", "most"], ["y", "all"], first="yes")
    numbers = (constant("trips", 50), constant("yes", True, "bool"), constant("limit", 10.0, "float32"))
    return made([given, *nodes("Softmax all -> z axis=0")], *numbers)


def found_places() -> onnx.ModelProto:
    """Find what is not zero, what is chosen, and what differs."""
    steps = nodes(
        "Greater x mean -> where",
        "NonZero where -> places",
        "Transpose places -> pairs",
        "GatherND x pairs -> values",
        "Compress x rows -> chosen axis=0",
        "MatMul chosen w -> product",
        "Unique values -> some at back count",
        "Exp some -> z",
    )
    return made(steps, W, constant("mean", 0.035, "float32"), constant("rows", [True, False], "bool"))


def boxes() -> onnx.ModelProto:
    """Suppress boxes that overlap, and look up the scores of what is left."""
    rng = np.random.default_rng(1)
    corners = np.sort(rng.random((1, 2, 2, 12)), axis=1).transpose(0, 3, 1, 2).reshape(1, 12, 4)
    steps = nodes(
        "NonMaxSuppression corners scores most overlap -> picked",
        "GatherND scores picked -> left",
        "MatMul x w -> z",
    )
    numbers = {"corners": corners, "scores": rng.random((1, 3, 12)), "overlap": [0.2]}
    stored = [constant(name, array, "float32") for name, array in numbers.items()]
    return made(steps, W, *stored, constant("most", [12]))


# --- quantised


def _row() -> onnx.TensorProto:
    return constant("w1", np.ones(WIDTH), "float32")


def _bytes(name: str, *dims: int, dtype: str = "uint8") -> onnx.TensorProto:
    return constant(name, np.random.default_rng(2).integers(0, 9, dims), dtype)


SCALE, ZERO = constant("scale", 0.1, "float32"), constant("zp", 3, "uint8")


def quantised_images() -> onnx.ModelProto:
    """Convolve an image of 2x8 in integers, with a scale for all or for each channel, and a sum."""
    steps = nodes(
        "Unsqueeze x zero -> image",
        "Unsqueeze image zero -> images",
        "QuantizeLinear images scale zp -> q",
        "QLinearConv q scale zp k scales zps scale zp bias -> c pads=1,1,1,1 strides=1,2",
        "ConvInteger q k2 zp -> n",
        "QLinearConv c scale zp k5 scale zp scale zp -> d group=5",
        "DequantizeLinear d scale zp -> z",
    )
    numbers = (
        _bytes("k", 5, 1, 3, 3, dtype="int8"),
        _bytes("k2", 4, 1, 2, 3),
        _bytes("k5", 10, 1, 2, 2),
        constant("scales", [0.1] * 5, "float32"),
        constant("zps", [0] * 5, "int8"),
        _bytes("bias", 5, dtype="int32"),
    )
    return made(steps, SCALE, ZERO, constant("zero", [0]), *numbers)


def dynamic_products() -> onnx.ModelProto:
    """Multiply activations that are quantised as they come, then some with fixed scales."""
    steps = nodes(
        "DynamicQuantizeLinear x -> q s p",
        "MatMulInteger q k p zp -> n",
        "Cast n -> real to=1",
        "Mul s scale -> factor",
        "Mul real factor -> y",
        "QuantizeLinear y scale zp -> r",
        "QLinearMatMul r scale zp r2 scale zp scale zp -> t",
        "DequantizeLinear t scale zp -> z",
    )
    return made(steps, SCALE, ZERO, _bytes("k", WIDTH, 6), _bytes("r2", 6, 3))


def narrow_weights() -> onnx.ModelProto:
    """Multiply by weights of four bits: packed by com.microsoft, and dequantised in blocks by ONNX."""
    packed = node(
        "MatMulNBits", ["wide", "b4", "s4"], ["y"], domain=MICROSOFT_DOMAIN, K=32, N=5, bits=4, block_size=16
    )
    steps = [
        *nodes("Concat x x x x -> wide axis=1"),
        packed,
        *nodes("DequantizeLinear i4 s2 -> m axis=0 block_size=16", "MatMul wide m -> z"),
    ]
    i4 = helper.make_tensor("i4", TensorProto.INT4, [32, 6], np.arange(192) % 15 - 7)
    numbers = (_bytes("b4", 5, 2, 8), constant("s4", [0.1] * 10, "float32"))
    scales = numpy_helper.from_array(np.full((2, 6), 0.1, np.float32), "s2")
    return made(steps, i4, *numbers, scales, domains=[MICROSOFT_DOMAIN])


EXACT: Sequence[Build] = (
    loop_that_stacks, loop_that_grows, loop_over_rows, loop_in_a_loop, scan, unknown_if, known_if,
    loop_in_an_if, function_in_a_loop, recurrent, quantised_images, dynamic_products, narrow_weights,
)  # fmt: skip
# with what --dim would say of a run with the inputs of these tests
BOUNDED: Sequence[tuple[Build, Mapping[str, int]]] = (
    (while_loop, {"loop.trips": 8}),
    (found_places, {"NonZero_1.size": 8, "Compress_4.size": 1, "Unique_6.size": 8}),
    (boxes, {"NonMaxSuppression_0.size": 24}),
)
