"""Build files whose structure is hostile, each with the answer that it must get.

The answer is a piece of the one sentence, or the exact FLOP of a pass and the number of uncounted nodes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.loader.graphs import constant, model, value
from tests.loader.protobuf_bytes import block, number

ENCODER = Path(__file__).parents[2] / "examples" / "sd_text_encoder.onnx"
WIDTH = 4
X = {"x": (WIDTH,)}
HUGE = 2**62
MANY = 100_000
CUTS = 64  # places at which a file ends
node = helper.make_node


class Exact(NamedTuple):
    """FLOP of a pass, and nodes that are named as not counted."""

    flops: int
    unknown: int = 0


Answer: TypeAlias = str | Exact


class Structure(NamedTuple):
    """A file and what it must get."""

    name: str
    data: bytes
    answer: Answer


def structures() -> Iterator[Structure]:
    """Yield all of them."""
    for name, proto, answer in (*_broken(), *_sizes(), *_loops(), *_functions(), *_many()):
        yield Structure(name, proto.SerializeToString(), answer)
    relu = _relu().SerializeToString()
    yield Structure("two graphs", relu + relu, "is given twice")
    yield Structure("nested 1,000 deep", _nested(1000), "nested deeper than 100 levels")
    yield Structure("empty fields", relu + b"\x0a\x00" * 25_000_000, "more than 4,000,000 fields")
    whole, dice = ENCODER.read_bytes(), random.Random(0)  # noqa: S311 (repeatable, not secret)
    for index in range(CUTS):
        yield Structure(f"cut {index}", whole[: dice.randrange(len(whole))], "cannot be read")


Row: TypeAlias = tuple[str, onnx.ModelProto, Answer]


def _relu(**changes: object) -> onnx.ModelProto:
    return model([node("Relu", ["x"], ["y"])], X, ["y"], **changes)  # type: ignore[arg-type]


def _broken() -> Iterator[Row]:
    """Yield graphs whose names do not fit."""
    relu, absolute = node("Relu", ["x"], ["y"]), node("Abs", ["x"], ["y"])
    ring = [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])]
    yield "cycle", model(ring, X, ["b"]), "takes part in a cycle"
    yield "reads itself", model([node("Relu", ["a"], ["a"])], X, ["a"]), "takes part in a cycle"
    yield "duplicate name", model([relu, absolute], X, ["y"]), "'y' is written twice"
    yield "missing input", model([node("Relu", ["q"], ["y"])], X, ["y"]), "'q', which nothing writes"
    yield "missing output", model([relu], X, ["z"]), "'z' of a graph is written by no node"
    empty = _relu()
    empty.graph.node[0].attribute.add(name="g", type=onnx.AttributeProto.GRAPH)
    yield "graph attribute without a graph", empty, Exact(WIDTH)


def _sizes() -> Iterator[Row]:
    """Yield sizes that no tensor has, stored, declared, or the result of small numbers."""
    stored = TensorProto(name="w", data_type=1, dims=[WIDTH, -5], data_location=TensorProto.EXTERNAL)
    product = [node("MatMul", ["x", "w"], ["y"])]
    yield (
        "dims of 2^62",
        model([node("Relu", ["x"], ["y"])], {"x": (HUGE, HUGE)}, ["y"]),
        "cannot have the shape",
    )
    yield "negative dims", model(product, X, ["y"], initializers=[stored]), "its size is unknown"
    flat = TensorProto(name="w", data_type=1, dims=[1] * 10_000)
    yield "rank 10,000", _relu(initializers=[flat]), "cannot have the shape"
    yield (
        "name of 100,000 characters",
        model([node("Relu", ["x"], ["y"])], {"x": ("(" * MANY,)}, ["y"]),
        "100,000 characters",
    )
    # 4 * 2^n elements, of which 2^48 are possible: copies move bytes and compute nothing
    yield "60 doublings", model(_doublings("x"), X, ["t60"]), Exact(0, 60 - 46)
    yield (
        "60 doublings of a constant",
        model(_doublings("k"), X, ["t60"], initializers=[constant("k", [1, 2])]),
        Exact(0, 60 - 47),
    )
    for op_type, sizes in _BOMBS:
        names = [f"s{n}" for n in range(len(sizes))]
        inputs = names if op_type in {"Range", "ConstantOfShape"} else ["x", *names]
        weights = [constant(name, size) for name, size in zip(names, sizes, strict=True)]
        yield (
            f"{op_type} bomb",
            model([node(op_type, inputs, ["y"])], X, ["y"], initializers=weights),
            Exact(0, 1),
        )
    letters = "abcdefghijklmnopqrstuvwxyz"
    outer = node("Einsum", ["x"] * 26, ["y"], equation=f"{','.join(letters)}->{letters}")
    yield "Einsum bomb", model([outer], X, ["y"]), Exact(0, 1)
    scales = numpy_helper.from_array(np.array([1, 1, 1e30, 1e30], np.float32), "s")
    resize = node("Resize", ["x", "", "s"], ["y"])
    yield "Resize bomb", model([resize], {"x": (1, 1, 4, 4)}, ["y"], initializers=[scales]), Exact(0, 1)
    conv = node("Conv", ["x", "w"], ["y"], strides=[HUGE, HUGE])
    yield "strides of 2^62", model([conv], {"x": (1, 1, 8, 8), "w": (1, 1, 3, 3)}, ["y"]), Exact(0, 1)


_BOMBS: tuple[tuple[str, list[object]], ...] = (
    ("Expand", [[2**40, 2**40, WIDTH]]),
    ("Tile", [[2**60]]),
    ("Pad", [[2**60, 2**60]]),
    ("Range", [0, HUGE, 1]),
    ("ConstantOfShape", [[2**31, 2**31, 2**31]]),
    ("OneHot", [2**60, [0, 1]]),
)


def _doublings(first: str) -> list[onnx.NodeProto]:
    names = [first, *(f"t{n}" for n in range(1, 61))]
    return [node("Concat", [a, a], [b], axis=0) for a, b in pairwise(names)]


def _loops() -> Iterator[Row]:
    """Yield trip counts that nobody waits for: a Relu of 4 each."""
    yield "2^62 trips", _loop(HUGE, "Relu"), Exact(WIDTH * HUGE)
    yield "-1 trips", _loop(-1, "Relu"), Exact(0)
    yield "2^63 - 1 trips, which is for ever", _loop(2**63 - 1, "Relu"), Exact(WIDTH)
    yield "10^9 trips that grow", _loop(10**9, "Concat"), Exact(0, 1)
    yield "40 trips that grow", _loop(40, "Concat"), Exact(0)
    body = _branches(13)
    both = node("If", ["c"], ["y"], then_branch=body, else_branch=body)
    yield "2^14 branches", model([both], {"x": (WIDTH,), "c": ()}, ["y"]), Exact(WIDTH)


def _loop(trips: int, op_type: str) -> onnx.ModelProto:
    step = node("Concat", ["s", "s"], ["t"], axis=0) if op_type == "Concat" else node(op_type, ["s"], ["t"])
    body = helper.make_graph(
        [node("Identity", ["c"], ["d"]), step],
        "body",
        [value("i", (), TensorProto.INT64), value("c", (), TensorProto.BOOL), value("s", None)],
        [value("d", (), TensorProto.BOOL), value("t", None)],
    )
    return model(
        [node("Loop", ["m", "", "x"], ["y"], body=body)], X, ["y"], initializers=[constant("m", trips)]
    )


def _branches(depth: int) -> onnx.GraphProto:
    body = helper.make_graph([node("Relu", ["x"], ["r"])], "b", [], [value("r", None)])
    for level in range(depth):
        name = f"o{level}"
        both = node("If", ["c"], [name], then_branch=body, else_branch=body)
        body = helper.make_graph([both], "b", [], [value(name, None)])
    return body


def _nested(depth: int) -> bytes:
    """Return an If in an If in an If, written by hand: protobuf itself refuses to."""
    graph = block(1, block(1, b"x"), block(2, b"y"), block(4, b"Relu"))
    for _ in range(depth):
        branch = block(5, block(1, b"then_branch"), block(6, graph), number(20, 5))
        graph = block(1, block(1, b"c"), block(2, b"y"), block(4, b"If"), branch)
    return number(1, 8) + block(8, block(1, b""), number(2, 20)) + block(7, graph)


def _functions() -> Iterator[Row]:
    """Yield functions that call each other too often."""
    call, relu = [node("F0", ["x"], ["y"], domain="f")], node("Relu", ["a"], ["b"])

    def made(*bodies: list[onnx.NodeProto]) -> onnx.ModelProto:
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid("f", 1)]
        functions = [
            helper.make_function("f", f"F{n}", ["a"], ["b"], body, opsets) for n, body in enumerate(bodies)
        ]
        return model(call, X, ["y"], functions=functions, domains=["f"])

    again = [node("F0", ["a"], ["b"], domain="f")]
    yield "recursion", made(again), "f::F0 calls itself"
    yield "mutual recursion", made([node("F1", ["a"], ["b"], domain="f")], again), "f::F0 calls itself"
    twice = [
        [node(f"F{n}", ["a"], ["m"], domain="f"), node(f"F{n}", ["m"], ["b"], domain="f")]
        for n in range(1, 61)
    ]
    yield "2^60 calls", made(*twice, [relu]), Exact(WIDTH * 2**60)


def _many() -> Iterator[Row]:
    """Yield files with very much of something."""
    imports = _relu()
    imports.opset_import.extend(helper.make_opsetid(f"d{n}", 1) for n in range(MANY))
    yield "100,000 operator sets", imports, Exact(WIDTH)
    outputs = _relu()
    outputs.graph.output.extend([onnx.ValueInfoProto(name="y")] * MANY)
    yield "100,000 outputs of one tensor", outputs, Exact(WIDTH)
    split = node("Split", ["x"], [f"y{n}" for n in range(MANY)], num_outputs=MANY)
    yield "100,000 outputs of one node", model([split], {"x": (MANY,)}, ["y0"]), Exact(0)
    total = node("Sum", ["x"] * MANY, ["y"])
    yield "100,000 inputs of one node", model([total], X, ["y"]), Exact(WIDTH * (MANY - 1))
    yield "operator set 10^9", _relu(opset=10**9), Exact(WIDTH)
    outside = model([node("MatMul", ["x", "w"], ["y"])], X, ["y"])
    weight = outside.graph.initializer.add(name="w", data_type=1, dims=[WIDTH, WIDTH])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../../etc/passwd")
    yield "weights outside", outside, Exact(2 * WIDTH * WIDTH)
