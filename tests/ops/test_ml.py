from __future__ import annotations

from typing import Any

import pytest
from onnx import defs

from feasibility.errors import FeasibilityError
from feasibility.ir import Attribute, DType, TensorSpec
from feasibility.loader.rules import OWN
from feasibility.ops import DEFAULT, NOT_COUNTED
from tests.ops.op_cases import Case, cost_of, make_node, tensor, unknown

ML = "ai.onnx.ml"
FLOAT_BYTES = 4


def ml(op: str, **fields: Any) -> Case:  # noqa: ANN401 (the fields of Case)
    """Return a row of ai.onnx.ml."""
    return Case(op=op, domain=ML, opset=5, **fields)


def labels(count: int) -> TensorSpec:
    """Return the labels that a classifier writes."""
    return tensor(count, dtype=DType.INT64)


def numbers(count: int) -> tuple[float, ...]:
    """Return an attribute of so many numbers."""
    return (0.5,) * count


# 7 samples of 4 features; 3 classes
LINEAR: dict[str, Attribute] = {"coefficients": numbers(3 * 4), "intercepts": numbers(3)}
LINEAR_CASES = [
    ml("LinearRegressor", i=[(7, 4)], o=[(7, 3)], a=LINEAR, fmas=7 * 4 * 3, arithmetic=7 * 3),
    ml("LinearRegressor", i=[(4,)], o=[(1, 3)], a=LINEAR, fmas=4 * 3, arithmetic=3),
    ml(
        "LinearClassifier",
        i=[(7, 4)],
        o=[labels(7), (7, 3)],
        a=LINEAR | {"post_transform": "SOFTMAX"},
        fmas=7 * 4 * 3,
        arithmetic=7 * 3 + 4 * 7 * 3,
        transcendentals=7 * 3,
        role="heavy",
        reads=(7 * 4 + 3 * 4 + 3) * FLOAT_BYTES,
    ),
    ml(  # one row of coefficients, scores of both classes
        "LinearClassifier",
        i=[(7, 4)],
        o=[labels(7), (7, 2)],
        a={"coefficients": numbers(4), "intercepts": numbers(1), "post_transform": "LOGISTIC"},
        fmas=7 * 4,
        arithmetic=7 + 3 * 7 * 2,
        transcendentals=7 * 2,
    ),
]

# 5 support vectors of 4 features
VECTORS: dict[str, Attribute] = {"support_vectors": numbers(5 * 4)}
SVR: dict[str, Attribute] = {**VECTORS, "coefficients": numbers(5), "rho": numbers(1)}
SVC: dict[str, Attribute] = {**VECTORS, "coefficients": numbers(2 * 5), "rho": numbers(3)}
SVM_CASES = [
    ml("SVMRegressor", i=[(7, 4)], o=[(7, 1)], a=SVR, fmas=7 * (5 * 4 + 5), arithmetic=7),
    ml(  # of each feature a difference, then times gamma and exp
        "SVMRegressor",
        i=[(7, 4)],
        o=[(7, 1)],
        a=SVR | {"kernel_type": "RBF"},
        fmas=7 * (5 * 4 + 5),
        arithmetic=7 * (5 * (4 + 1) + 1),
        transcendentals=7 * 5,
        role="heavy",
        reads=(7 * 4 + 5 * 4 + 5 + 1) * FLOAT_BYTES,
    ),
    ml(
        "SVMClassifier",
        i=[(7, 4)],
        o=[labels(7), (7, 3)],
        a=SVC | {"kernel_type": "POLY"},
        fmas=7 * (5 * 4 + 2 * 5),
        arithmetic=7 * (5 * 2 + 3),
        transcendentals=7 * 5,
    ),
    ml(  # of each pair of classes a logistic of a * score + b
        "SVMClassifier",
        i=[(7, 4)],
        o=[labels(7), (7, 3)],
        a=SVC | {"kernel_type": "SIGMOID", "prob_a": numbers(3), "prob_b": numbers(3)},
        fmas=7 * (5 * 4 + 2 * 5),
        arithmetic=7 * (5 * 2 + 3 + 3 * 5),
        transcendentals=7 * (5 + 3),
        reads=(7 * 4 + 5 * 4 + 2 * 5 + 3 + 3 + 3) * FLOAT_BYTES,
    ),
    ml(
        "SVMRegressor",
        i=[(7, 4)],
        o=[(7, 1)],
        a={"coefficients": numbers(4), "rho": numbers(1)},
        fmas=7 * 4,
        arithmetic=7,
    ),
]

# Tree 0 asks at 0, 1, 2 and 3, tree 8 is one leaf, tree 9 asks at 5:
#   0/0 -> (0/1 -> (0/3 -> (0/5, 0/6), 0/4), 0/2 -> (0/7, 0/8));   8/0;   9/5 -> (9/6, 9/7)
TRUE = (1, 3, 7, 5, 0, 0, 0, 0, 0, 0, 6, 0, 0)
ASKS, LEAF = "BRANCH_LEQ", "LEAF"
TREES: dict[str, Attribute] = {
    "nodes_treeids": (0,) * 9 + (8,) + (9,) * 3,
    "nodes_nodeids": (0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 5, 6, 7),
    "nodes_modes": (ASKS,) * 4 + (LEAF,) * 6 + ("BRANCH_EQ", LEAF, LEAF),
    "nodes_truenodeids": TRUE,
    "nodes_falsenodeids": (2, 4, 8, 6, 0, 0, 0, 0, 0, 0, 7, 0, 0),
}
LONGEST, SPLITS, LEAVES = 3 + 0 + 1, 4 + 0 + 1, 5 + 1 + 2
INDEXED: dict[str, Attribute] = {  # 0 -> 1 -> leaves, leaf;   2 -> leaves
    "tree_roots": (0, 2),
    "nodes_truenodeids": (1, 1, 3),
    "nodes_trueleafs": (0, 1, 1),
    "nodes_falsenodeids": (0, 2, 4),
    "nodes_falseleafs": (1, 1, 1),
    "leaf_weights": tensor(5),
}
TREE_CASES = [
    ml(
        "TreeEnsembleRegressor",
        i=[(7, 4)],
        o=[(7, 1)],
        a=TREES | {"target_weights": numbers(LEAVES)},  # one each: 3 trees add 3
        arithmetic=7 * (LONGEST + 3),
        role="light",
        reads=(7 * 4 + SPLITS + LEAVES) * FLOAT_BYTES,
    ),
    ml(
        "TreeEnsembleRegressor",
        i=[(7, 4)],
        o=[(7, 1)],
        a=TREES | {"target_weights_as_tensor": tensor(LEAVES, dtype=DType.DOUBLE)},
        arithmetic=7 * (LONGEST + 3),
    ),
    ml(
        "TreeEnsembleClassifier",
        i=[(7, 4)],
        o=[labels(7), (7, 2)],
        a=TREES | {"class_weights": numbers(2 * LEAVES), "post_transform": "LOGISTIC"},
        arithmetic=7 * (LONGEST + 3 * 2) + 3 * 7 * 2,
        transcendentals=7 * 2,
    ),
    ml("TreeEnsemble", i=[(7, 4)], o=[(7, 1)], a=INDEXED, arithmetic=7 * (2 + 1 + 2), role="light"),
    ml(
        "TreeEnsemble",
        i=[(7, 4)],
        o=[(7, 2)],
        a=INDEXED | {"post_transform": 3},  # SOFTMAX_ZERO
        arithmetic=7 * (2 + 1 + 2) + 4 * 7 * 2,
        transcendentals=7 * 2,
    ),
]

FEATURE_CASES = [
    ml("Binarizer", i=[(7, 4)], o=[(7, 4)], arithmetic=7 * 4),
    ml("Imputer", i=[(7, 4)], o=[(7, 4)], arithmetic=7 * 4),
    ml("Scaler", i=[(7, 4)], o=[(7, 4)], arithmetic=2 * 7 * 4),
    ml("OneHotEncoder", i=[(7,)], o=[(7, 5)], arithmetic=7 * 5),
    ml("Normalizer", i=[(7, 4)], o=[(7, 4)], arithmetic=2 * 7 * 4),
    ml("Normalizer", i=[(7, 4)], o=[(7, 4)], a={"norm": "L1"}, arithmetic=3 * 7 * 4),
    ml("Normalizer", i=[(7, 4)], o=[(7, 4)], a={"norm": "L2"}, arithmetic=3 * 7 * 4, transcendentals=7),
    ml("LabelEncoder", i=[(7,)], o=[labels(7)], role="move"),
    ml("FeatureVectorizer", i=[(7, 4), (7, 1)], o=[(7, 5)], role="move"),
    ml("DictVectorizer", i=[unknown()], o=[(1, 5)], role="move", reads=5 * FLOAT_BYTES),
    ml("ZipMap", i=[(7, 4)], o=[unknown()], role="move", writes=7 * 4 * FLOAT_BYTES),
]


@pytest.mark.parametrize("case", LINEAR_CASES, ids=str)
def test_linear_models(case: Case) -> None:
    """Samples x features x classes multiply-adds, and what is done to the scores."""
    case.check()


@pytest.mark.parametrize("case", SVM_CASES, ids=str)
def test_support_vectors(case: Case) -> None:
    """Samples x vectors x features multiply-adds, the kernel of each pair, and the weights of the answers."""
    case.check()


@pytest.mark.parametrize("case", TREE_CASES, ids=str)
def test_trees(case: Case) -> None:
    """Each sample goes the longest path of each tree, and adds the weights of a leaf."""
    case.check()


@pytest.mark.parametrize("case", FEATURE_CASES, ids=str)
def test_features(case: Case) -> None:
    """Preparing features is elementwise work, or bytes alone."""
    case.check()


def chained(count: int) -> dict[str, Attribute]:
    """Return a tree whose nodes all have the next one on both sides: 2 ** count paths."""
    following = tuple(min(n + 1, count - 1) for n in range(count))
    ends = tuple(int(n == count - 1) for n in range(count))
    return {
        "tree_roots": (0,),
        "nodes_truenodeids": following,
        "nodes_trueleafs": ends,
        "nodes_falsenodeids": following,
        "nodes_falseleafs": ends,
        "leaf_weights": tensor(count),
    }


def test_a_deep_tree_takes_no_time() -> None:
    """Paths are not walked one by one: 100,000 nodes in a row, each with two ways to the next."""
    cost = cost_of(make_node("TreeEnsemble", [(1, 4)], [(1, 1)], attributes=chained(100_000), domain=ML))
    assert cost.arithmetic == 100_000 + 1


@pytest.mark.parametrize(
    ("op_type", "attributes", "said"),
    [
        ("TreeEnsembleRegressor", TREES | {"nodes_truenodeids": (1, 0, *TRUE[2:])}, "in circles"),
        ("TreeEnsembleRegressor", TREES | {"nodes_truenodeids": (1, 9, *TRUE[2:])}, "lack a node"),
        ("TreeEnsemble", INDEXED | {"nodes_truenodeids": (0, 1, 3)}, "in circles"),
        ("TreeEnsemble", INDEXED | {"nodes_truenodeids": (9, 1, 3)}, "lack a node"),
        ("TreeEnsemble", INDEXED | {"tree_roots": (-1,)}, "lack a node"),
        ("TreeEnsemble", INDEXED | {"post_transform": 5}, "no post_transform 5"),
        ("SVMRegressor", SVR | {"kernel_type": "COSINE"}, "no kernel 'COSINE'"),
    ],
)
def test_a_broken_model_is_refused(op_type: str, attributes: dict[str, Attribute], said: str) -> None:
    """Nodes that lead nowhere or in circles, and names that the specification lacks, are said."""
    node = make_node(op_type, [(7, 4)], [(7, 1)], attributes=attributes, domain=ML)
    with pytest.raises(FeasibilityError, match=said):
        cost_of(node)


WITH_BODY = {"FlexAttention"}  # onnx defines it by a function, which is counted in its place
BESIDE = [s for s in defs.get_all_schemas_with_history() if s.domain]


def test_every_operator_beside_ai_onnx_is_shaped_and_counted_or_named() -> None:
    """Each version of each operator of ONNX's other domains has both rules, a body, or a reason."""
    missing = [
        f"{schema.domain}::{schema.name}-{schema.since_version}"
        for schema in BESIDE
        if (schema.domain, schema.name) not in NOT_COUNTED
        and schema.name not in WITH_BODY
        and not (
            DEFAULT.find(schema.domain, schema.name, schema.since_version)
            and (schema.has_type_and_shape_inference_function or (schema.domain, schema.name) in OWN)
        )
    ]
    assert [] == missing
    assert len(BESIDE) >= 30


def test_no_operator_of_ai_onnx_ml_is_invented() -> None:
    """Every name that a rule holds for ai.onnx.ml exists in ONNX."""
    names = {schema.name for schema in BESIDE if schema.domain == ML}
    ruled = {op for domain, op, _ in DEFAULT if domain == ML} | {op for domain, op in OWN if domain == ML}
    assert set() == ruled - names
