"""Hold the shapes of ai.onnx.ml against what ONNX Runtime's own run gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from feasibility.ir import DType
from feasibility.loader import load
from feasibility.profiler import profile

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Feed: TypeAlias = Array | Mapping[Any, Any]

ML = "ai.onnx.ml"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One node of ai.onnx.ml and what it is fed with; its inputs are x0, x1, ..."""

    op: str
    x: tuple[Feed, ...]
    a: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1
    opset: int = 1

    def __str__(self) -> str:
        shapes = ("x".join(map(str, np.shape(x))) for x in self.x if isinstance(x, np.ndarray))
        return "-".join([self.op, str(self.opset), *shapes])

    @property
    def feeds(self) -> dict[str, Feed]:
        """Return the inputs by name."""
        return {f"x{n}": x for n, x in enumerate(self.x)}

    def model(self) -> onnx.ModelProto:
        """Return a model of this node, its outputs untyped."""
        names = [f"y{n}" for n in range(self.outputs)]
        inputs = [onnx.ValueInfoProto(name=name, type=type_of(x)) for name, x in self.feeds.items()]
        node = helper.make_node(self.op, list(self.feeds), names, name="n", domain=ML, **self.a)
        graph = helper.make_graph([node], "one", inputs, [onnx.ValueInfoProto(name=n) for n in names])
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def ran(self) -> list[Any]:
        """Return the outputs of ONNX Runtime."""
        session = ort.InferenceSession(self.model().SerializeToString(), providers=["CPUExecutionProvider"])
        found: list[Any] = session.run(None, self.feeds)
        return found


def type_of(x: Feed) -> onnx.TypeProto:
    """Return the type of an input: a tensor, or a map from what its first key is to what its value is."""
    if isinstance(x, np.ndarray):
        return helper.make_tensor_type_proto(code(x), x.shape)
    key, number = next(iter(x.items()))
    keys = TensorProto.STRING if isinstance(key, str) else TensorProto.INT64
    return helper.make_map_type_proto(keys, helper.make_tensor_type_proto(code(np.asarray(number)), []))


def code(array: Array) -> int:
    """Return ONNX's number for the elements of an array."""
    return int(helper.np_dtype_to_tensor_dtype(array.dtype))


def floats(*shape: int, dtype: type = np.float32) -> Array:
    """Return an input of numbers that differ."""
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def whole(*values: Any) -> Array:  # noqa: ANN401 (nested lists)
    """Return an input of integers."""
    return np.array(values, np.int64)


WORDS = np.array(["a", "b", "a"], object)
TO_INTEGERS = {"keys_strings": ["a", "b"], "values_int64s": [1, 2]}
TO_FLOATS = {"keys_int64s": [1, 2], "values_floats": [0.5, 1.5]}
TO_STRINGS = {"keys_floats": [1.0, 2.0], "values_strings": ["a", "b"]}
TO_DOUBLES = {
    "keys_tensor": numpy_helper.from_array(np.array([1.0, 2.0])),
    "values_tensor": numpy_helper.from_array(np.array([0.5, 1.5])),
    "default_tensor": numpy_helper.from_array(np.array([0.0])),
}
CATEGORIES = {"cats_strings": ["a", "b"], "cats_int64s": [1, 2]}
FEATURES = [
    *(
        Run(op="ArrayFeatureExtractor", x=(x, index))
        for x in (floats(3, 4), floats(4), floats(2, 3, 4))
        for index in (whole(0, 2), whole([0, 2, 1]), whole([0], [2]))
    ),
    *(Run(op="Binarizer", x=(x,), a={"threshold": 0.5}) for x in (floats(3, 4), floats(4))),
    *(
        Run(op="Scaler", x=(x,), a={"offset": [0.5], "scale": [2.0]})
        for x in (floats(3, 4), floats(4), floats(2, 3, 4), floats(3, 4, dtype=np.float64), whole([1, 2]))
    ),
    *(Run(op="Normalizer", x=(x,), a={"norm": "L2"}) for x in (floats(3, 4), floats(4), whole([1, 2]))),
    Run(op="Imputer", x=(floats(3, 4),), a={"imputed_value_floats": [1.0], "replaced_value_float": 0.0}),
    Run(op="Imputer", x=(whole([1, 2]),), a={"imputed_value_int64s": [1], "replaced_value_int64": 0}),
    Run(op="OneHotEncoder", x=(whole(1, 2, 3),), a={"cats_int64s": [1, 2, 3, 4]}),
    Run(op="OneHotEncoder", x=(whole([1], [2]),), a={"cats_int64s": [1, 2, 3, 4]}),
    Run(op="OneHotEncoder", x=(WORDS,), a={"cats_strings": ["a", "b"]}),
    Run(op="LabelEncoder", x=(WORDS,), a={"classes_strings": ["a", "b"]}),
    Run(op="LabelEncoder", x=(whole([0, 1]),), a={"classes_strings": ["a", "b"]}),
    Run(op="LabelEncoder", x=(WORDS,), a=TO_INTEGERS, opset=2),
    Run(op="LabelEncoder", x=(whole([1, 2]),), a=TO_FLOATS, opset=2),
    Run(op="LabelEncoder", x=(floats(2, 3),), a=TO_STRINGS, opset=2),
    Run(op="LabelEncoder", x=(floats(2, 3, dtype=np.float64),), a=TO_DOUBLES, opset=4),
    Run(op="CategoryMapper", x=(WORDS,), a=CATEGORIES),
    Run(op="CategoryMapper", x=(whole([1, 2]),), a=CATEGORIES),
    Run(op="FeatureVectorizer", x=(floats(3, 2), floats(3, 4)), a={"inputdimensions": [2, 4]}),
    Run(op="FeatureVectorizer", x=(floats(3, 2), floats(3, 4)), a={"inputdimensions": [3, 2]}),
    Run(op="FeatureVectorizer", x=(floats(2), floats(4)), a={"inputdimensions": [2, 4]}),
    Run(op="FeatureVectorizer", x=(floats(2, 2, 2),), a={"inputdimensions": [4]}),
    Run(op="DictVectorizer", x=({"a": np.float32(1)},), a={"string_vocabulary": ["a", "b", "c"]}),
    Run(op="DictVectorizer", x=({5: np.float32(1)},), a={"int64_vocabulary": [1, 5]}),
    Run(op="CastMap", x=({5: np.float32(1)},), a={"map_form": "SPARSE", "max_map": 6}),
    Run(
        op="CastMap",
        x=({5: np.float32(1)},),
        a={"map_form": "SPARSE", "max_map": 6, "cast_to": "TO_STRING"},
    ),
]

LINEAR = {"coefficients": [1.0] * 12, "intercepts": [0.0] * 3}
LINEAR_MODELS = [
    Run(op="LinearRegressor", x=(floats(5, 4),), a=LINEAR | {"targets": 3}),
    Run(op="LinearRegressor", x=(floats(4),), a=LINEAR | {"targets": 3}),
    Run(op="LinearRegressor", x=(floats(5, 4),), a={"coefficients": [1.0] * 4}),
    *(
        Run(op="LinearClassifier", x=(x,), a=LINEAR | {"classlabels_ints": [3, 4, 5]}, outputs=2)
        for x in (floats(5, 4), floats(4), floats(5, 4, dtype=np.float64), whole([1, 2, 3, 4]))
    ),
    Run(op="LinearClassifier", x=(floats(5, 4),), a=LINEAR | {"classlabels_strings": list("abc")}, outputs=2),
    Run(  # two classes, one row of coefficients
        op="LinearClassifier",
        x=(floats(5, 4),),
        a={"coefficients": [1.0] * 4, "intercepts": [0.0], "classlabels_ints": [0, 1]},
        outputs=2,
    ),
]


def svc(classes: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401 (attributes)
    """Return the attributes of a classifier with one support vector of 4 features for each class."""
    return {
        "support_vectors": [float(n) for n in range(4 * classes)],
        "vectors_per_class": [1] * classes,
        "coefficients": [1.0] * (classes * (classes - 1)),
        "rho": [0.0] * (classes * (classes - 1) // 2),
        "classlabels_ints": list(range(classes)),
        "kernel_type": "RBF",
        "kernel_params": [0.1, 0.0, 3.0],
        **more,
    }


LIKELY = {"prob_a": [1.0] * 6, "prob_b": [0.0] * 6}
NO_VECTORS = {"rho": [0.0], "kernel_type": "LINEAR", "kernel_params": [0.1, 0.0, 3.0]}
SVR = svc(2, coefficients=[1.0, -1.0], n_supports=2)
SUPPORT_VECTORS = [
    Run(
        op="SVMRegressor", x=(floats(5, 4),), a={k: v for k, v in SVR.items() if k[:3] not in {"cla", "vec"}}
    ),
    Run(op="SVMRegressor", x=(floats(4),), a=NO_VECTORS | {"coefficients": [1.0] * 4}),
    *(
        Run(op="SVMClassifier", x=(x,), a=attributes, outputs=2)
        for x in (floats(5, 4), floats(4))
        for attributes in (
            svc(2),
            svc(3),
            svc(4),
            svc(4, **LIKELY),
            NO_VECTORS | {"coefficients": [1.0] * 16, "classlabels_strings": list("abcd")},
        )
    ),
]

TREES = {
    "nodes_treeids": [0, 0, 0],
    "nodes_nodeids": [0, 1, 2],
    "nodes_featureids": [1, 0, 0],
    "nodes_values": [0.5, 0.0, 0.0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
    "nodes_truenodeids": [1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0],
}
TARGETS = {
    "target_treeids": [0, 0], "target_nodeids": [1, 2], "target_ids": [0, 1], "target_weights": [1.0, 2.0],
    "n_targets": 2,
}  # fmt: skip
CLASSES = {"class_treeids": [0, 0], "class_nodeids": [1, 2], "class_ids": [0, 2], "class_weights": [1.0, 2.0]}
BINARY = {**CLASSES, "class_ids": [0, 0], "classlabels_strings": ["a", "b"], "post_transform": "LOGISTIC"}
INDEXED = {
    "tree_roots": [0],
    "n_targets": 2,
    "nodes_featureids": [0],
    "nodes_splits": numpy_helper.from_array(np.array([0.5], np.float32)),
    "nodes_modes": numpy_helper.from_array(np.array([0], np.uint8)),
    "nodes_truenodeids": [0], "nodes_trueleafs": [1], "nodes_falsenodeids": [1], "nodes_falseleafs": [1],
    "leaf_targetids": [0, 1],
    "leaf_weights": numpy_helper.from_array(np.array([1.0, 2.0], np.float32)),
}  # fmt: skip
FORESTS = [
    *(Run(op="TreeEnsembleRegressor", x=(floats(5, 4),), a=TREES | TARGETS, opset=n) for n in (1, 3)),
    *(
        Run(op="TreeEnsembleClassifier", x=(x,), a=TREES | classes, outputs=2, opset=opset)
        for x in (floats(5, 4), floats(5, 4, dtype=np.float64), whole([1, 2, 3, 4]))
        for classes in (CLASSES | {"classlabels_int64s": [3, 4, 5]}, BINARY)
        for opset in (1, 3)
    ),
    Run(op="TreeEnsemble", x=(floats(5, 4),), a=INDEXED, opset=5),
]


@pytest.mark.parametrize("run", [*FEATURES, *LINEAR_MODELS, *SUPPORT_VECTORS, *FORESTS], ids=str)
def test_outputs_are_those_of_a_run(run: Run) -> None:
    """Types and shapes are those of ONNX Runtime's own outputs, and the node is counted."""
    found = load(run.model())
    walked = [(s.dtype, s.shape) for s in found.graph.outputs]
    assert [(DType.from_code(code(y)), y.shape) for y in run.ran()] == walked
    assert profile(found).coverage.unknown == ()


def test_a_map_is_as_long_as_its_keys() -> None:
    """CastMap writes a column for each key where nothing says how many: the graph cannot know."""
    run = Run(op="CastMap", x=({5: np.float32(1), 7: np.float32(2)},))
    assert [(1, 2)] == [y.shape for y in run.ran()]
    (gap,) = profile(load(run.model())).coverage.unknown
    assert "depends on the data" in gap.reason


def test_maps_for_each_sample() -> None:
    """ZipMap writes a list of maps, which has no shape and is counted all the same."""
    run = Run(op="ZipMap", x=(floats(3, 2),), a={"classlabels_strings": ["a", "b"]})
    assert [{"a": 0.0, "b": 1.0}, {"a": 2.0, "b": 3.0}, {"a": 4.0, "b": 5.0}] == run.ran()[0]
    found = load(run.model())
    assert [None] == [s.shape for s in found.graph.outputs]
    assert profile(found).coverage.unknown == ()


@pytest.mark.parametrize("op_type", ["LinearClassifier", "SVMClassifier"])
def test_a_classifier_without_classes_is_said(op_type: str) -> None:
    """Without class labels nobody knows how many scores there are; ONNX Runtime refuses such a file."""
    run = Run(op=op_type, x=(floats(5, 4),), a={"coefficients": [1.0] * 4}, outputs=2)
    with pytest.raises(Exception, match=r"(?i)class"):
        run.ran()
    (gap,) = profile(load(run.model())).coverage.unknown
    assert "class labels are missing" in gap.reason


def flex_attention() -> onnx.ModelProto:
    """Return 8 query heads on 2 key heads, 5 queries, 7 keys, heads of 16 and values of 32."""
    shapes = {"q": (2, 8, 5, 16), "k": (2, 2, 7, 16), "v": (2, 2, 7, 32)}
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in shapes.items()]
    node = helper.make_node("FlexAttention", list(shapes), ["y"], domain="ai.onnx.preview")
    graph = helper.make_graph([node], "one", inputs, [onnx.ValueInfoProto(name="y")])
    opsets = [helper.make_opsetid("", 26), helper.make_opsetid("ai.onnx.preview", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def test_flex_attention_is_counted_through_its_body() -> None:
    """The operator of ai.onnx.preview counts the two products of the function that defines it."""
    found = profile(load(flex_attention()))
    assert found.coverage.unknown == ()
    assert 2 * 8 * 5 * 7 * (16 + 32) == found.totals.fmas
    assert [(2, 8, 5, 32)] == [s.shape for s in found.model.outputs]


@pytest.mark.parametrize("domain", ["ai.onnx.preview.training", "ai.onnx.training"])
def test_training_has_a_reason(domain: str) -> None:
    """An optimiser's step is named as training, in place of a bare 'no rule'."""
    node = helper.make_node("Adam", ["r", "t", "x", "g", "v", "h"], ["x2", "v2", "h2"], domain=domain)
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (3,)) for n in "rxgvh"]
    inputs.append(helper.make_tensor_value_info("t", TensorProto.INT64, ()))
    graph = helper.make_graph([node], "one", inputs, [onnx.ValueInfoProto(name="x2")])
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(domain, 1)]
    (gap,) = profile(load(helper.make_model(graph, opset_imports=opsets))).coverage.unknown
    assert "training" in gap.reason
