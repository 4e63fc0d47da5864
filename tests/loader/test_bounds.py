"""Hold the bounds of what only the data decides against runs in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from feasibility.errors import UsageError
from feasibility.ir import MICROSOFT_DOMAIN
from feasibility.loader import load
from feasibility.profiler import profile
from tests.loader.graphs import constant, model, value, walked

node = helper.make_node
Array = np.ndarray[Any, Any]
Shapes = Sequence[tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Found:
    """An operator that finds something in its data, and data in which it finds the most.

    `most` are the output shapes of that run, `size` the count in them.
    """

    op: str
    feeds: Mapping[str, Array]
    most: Shapes
    size: int
    a: Mapping[str, Any] = field(default_factory=dict)
    stored: Sequence[onnx.TensorProto] = ()
    types: Sequence[int] = (TensorProto.INT64,)
    domain: str = ""

    def __str__(self) -> str:
        return "-".join([self.op, *(f"{name}={given}" for name, given in self.a.items())])

    def model(self, *, typed: bool = False) -> onnx.ModelProto:
        """Return the model; ONNX Runtime wants the types of its outputs."""
        inputs = [*self.feeds, *(tensor.name for tensor in self.stored)]
        outputs = [f"y{n}" for n in range(len(self.types))]
        one = node(self.op, inputs, outputs, name="n", domain=self.domain, **self.a)
        domains = [MICROSOFT_DOMAIN] if self.domain else []
        proto = model([one], {}, outputs, initializers=self.stored, opset=21, domains=domains)
        for name, array in self.feeds.items():
            proto.graph.input.append(
                value(name, array.shape, helper.np_dtype_to_tensor_dtype(_plain(array).dtype))
            )
        for output, kind in zip(proto.graph.output, self.types, strict=True):
            output.CopyFrom(
                value(output.name, None, kind) if typed else onnx.ValueInfoProto(name=output.name)
            )
        proto.ir_version = 10
        return proto

    def walked(self, **sizes: int) -> list[tuple[int, ...] | None]:
        """Return the output shapes that the walk gives."""
        found = load(self.model(), dims={f"n.{name}": size for name, size in sizes.items()})
        return [spec.shape for spec in found.graph.nodes[-1].outputs if spec is not None]

    def ran(self, feeds: Mapping[str, Array]) -> Shapes:
        """Return the output shapes of a run."""
        return [array.shape for array in session(self.model(typed=True)).run(None, dict(feeds))]

    def random(self, rng: np.random.Generator) -> Mapping[str, Array]:
        """Return other data of the same shapes and types: few values, many of them alike."""
        return {name: rng.choice(array.ravel(), array.shape) for name, array in self.feeds.items()}


def _plain(array: Array) -> Array:
    return array.astype(object) if array.dtype.kind == "U" else array


def session(proto: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """Return a run of one thread on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def counted(*shape: int, dtype: str = "float32") -> Array:
    """Return numbers of which none is 0 and no two are alike."""
    return np.arange(1, 1 + np.prod(shape)).reshape(shape).astype(dtype)


def true(size: int) -> Array:
    """Return a condition that keeps everything."""
    return np.ones(size, np.bool_)


FLOAT, INT64, INT32, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.STRING
UNIQUE = (FLOAT, INT64, INT64, INT64)
FAR_APART = (counted(5)[:, None] * 10 + np.array([0, 0, 1, 1], np.float32))[None].repeat(2, axis=0)
BOXES = {"b": FAR_APART, "s": counted(2, 3, 5)}
LIMITS = [constant("iou", 0.5, "float32"), constant("score", 0.0, "float32")]
WORDS = np.array(["a", "b", "c"])
CASES = [
    Found(op="NonZero", feeds={"x": counted(2, 3)}, most=[(2, 2 * 3)], size=2 * 3),
    Found(op="Unique", feeds={"x": counted(2, 3)}, most=[(6,)] * 4, size=2 * 3, types=UNIQUE),
    Found(
        op="Unique",
        feeds={"x": counted(2, 3)},
        a={"axis": 0},
        most=[(2, 3), (2,), (2,), (2,)],
        size=2,
        types=UNIQUE,
    ),
    Found(
        op="Unique",
        feeds={"x": counted(2, 3)},
        a={"axis": -1},
        most=[(2, 3), (3,), (3,), (3,)],
        size=3,
        types=UNIQUE,
    ),
    Found(op="Compress", feeds={"x": counted(2, 3), "c": true(4)}, most=[(4,)], size=4, types=[FLOAT]),
    Found(
        op="Compress",
        feeds={"x": counted(2, 3), "c": true(2)},
        a={"axis": 1},
        most=[(2, 2)],
        size=2,
        types=[FLOAT],
    ),
    Found(
        op="Compress",
        feeds={"x": counted(2, 3), "c": true(3)},
        a={"axis": -1},
        most=[(2, 3)],
        size=3,
        types=[FLOAT],
    ),
    Found(
        op="NonMaxSuppression",
        feeds=BOXES,
        stored=[constant("m", 4), *LIMITS],
        most=[(2 * 3 * 4, 3)],
        size=2 * 3 * 4,
    ),
    Found(
        op="NonMaxSuppression",
        feeds=BOXES,
        stored=[constant("m", 9), *LIMITS],
        most=[(2 * 3 * 5, 3)],
        size=2 * 3 * 5,
    ),
    Found(op="NonMaxSuppression", feeds=BOXES, stored=[constant("m", 0), *LIMITS], most=[(0, 3)], size=0),
    Found(op="NonMaxSuppression", feeds=BOXES, most=[(0, 3)], size=0),
    Found(
        op="StringNormalizer",
        feeds={"x": WORDS},
        a={"stopwords": ["the", "a b"], "locale": "C"},
        most=[(3,)],
        size=3,
        types=[STRING],
    ),
    Found(
        op="StringNormalizer",
        feeds={"x": WORDS[None]},
        a={"stopwords": ["a", "c"], "locale": "C"},
        most=[(1, 3)],
        size=3,
        types=[STRING],
    ),
    Found(
        op="StringSplit",
        feeds={"x": np.array([["a b c d", "a"], ["a b", ""]])},
        a={"maxsplit": 2},
        most=[(2, 2, 3), (2, 2)],
        size=3,
        types=[STRING, INT64],
    ),
    Found(
        op="DynamicTimeWarping",
        feeds={"x": np.array([[[-1, -1, -1], [9, 9, -1], [9, 9, -1]]], np.float32)},
        most=[(2, 3 + 3 - 1)],
        size=3 + 3 - 1,
        types=[INT32],
        domain=MICROSOFT_DOMAIN,
    ),
    Found(
        op="Unique",
        feeds={"x": counted(5)},
        most=[(5,), (5,), (5,)],
        size=5,
        types=[FLOAT, INT64, INT64],
        domain=MICROSOFT_DOMAIN,
    ),
]
# found less than the most: words that are dropped
REACHED = [case for case in CASES if "stopwords" not in case.a or case.a["stopwords"] == ["the", "a b"]]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_walk_gives_the_most_and_says_so(case: Found) -> None:
    """Where only the data decides a size, it is the largest that there can be, said as NODE.size<=N."""
    assert case.walked() == list(case.most)
    assert walked(case.model()).assumed == (f"n.size<={case.size}",)


@pytest.mark.parametrize("case", REACHED, ids=str)
def test_there_is_data_that_reaches_the_bound(case: Found) -> None:
    """A run finds as much as the walk says there can be."""
    assert case.ran(case.feeds) == list(case.most)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_data_goes_beyond_the_bound(case: Found) -> None:
    """Runs on twenty sets of random data find as much or less, along every axis."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        for shape, most in zip(case.ran(case.random(rng)), case.most, strict=True):
            assert len(shape) == len(most)
            assert all(size <= limit for size, limit in zip(shape, most, strict=True))


NON_ZERO, UNIQUE_ROWS = CASES[0], CASES[2]


def test_a_size_that_is_given_replaces_the_bound() -> None:
    """--dim NODE.size=N says how many elements to count with; then nothing is assumed."""
    assert NON_ZERO.walked(size=4) == [(2, 4)]
    assert UNIQUE_ROWS.walked(size=1) == [(1, 3), (1,), (2,), (1,)]
    assert load(NON_ZERO.model(), dims={"n.size": 4}).assumed == ()


def test_a_size_beyond_the_bound_is_refused() -> None:
    """No data makes NonZero find seven of six elements."""
    with pytest.raises(UsageError, match="NonZero finds at most 6 elements in its inputs, not 7"):
        NON_ZERO.walked(size=7)


def test_what_follows_is_counted_with_the_bound() -> None:
    """A Gather of the rows that NonZero found, and an Exp of them, count all six rows."""
    nodes = [
        node("NonZero", ["mask"], ["places"], name="n"),
        node("Squeeze", ["places", "axis"], ["rows"]),
        node("Gather", ["x", "rows"], ["some"]),
        node("Exp", ["some"], ["y"]),
    ]
    proto = model(nodes, {"x": (6, 4), "mask": (6,)}, ["y"], initializers=[constant("axis", [0])])
    cost = profile(walked(proto))
    assert cost.totals.transcendentals == 6 * 4
    assert (cost.coverage.unknown, cost.coverage.assumed) == ((), ("n.size<=6",))


def test_a_shape_that_the_file_declares_needs_no_bound() -> None:
    """Where the file says how much NonZero finds, that holds and nothing is assumed."""
    proto = NON_ZERO.model()
    proto.graph.output[0].CopyFrom(value("y0", [2, 5], INT64))
    found = walked(proto)
    assert (found.graph.outputs[0].shape, found.assumed) == ((2, 5), ())


def test_a_size_that_nothing_bounds_is_assumed_and_can_be_given() -> None:
    """Range up to a number that only the data knows has an assumed size, named by its output."""
    nodes = [node("Range", ["zero", "n", "one"], ["r"], name="range"), node("Abs", ["r"], ["y"])]
    numbers = [constant("zero", 0), constant("one", 1)]
    proto = model(nodes, {}, ["y"], initializers=numbers)
    proto.graph.input.append(value("n", [], INT64))
    assert walked(proto).assumed == ("r[0]=1",)
    told = load(proto, dims={"r[0]": 40})
    assert (profile(told).totals.arithmetic, told.assumed) == (2 * 40 + 40, ())


def test_strings_split_without_a_limit_have_no_bound() -> None:
    """How many words a string holds, no graph tells: the shape stays unknown."""
    proto = model([node("StringSplit", ["x"], ["y", "n"], name="n")], {}, ["y"])
    proto.graph.input.append(value("x", [2], STRING))
    found = walked(proto).graph.nodes[0]
    assert [spec.shape for spec in found.outputs if spec is not None] == [None, (2,)]
