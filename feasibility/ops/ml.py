"""Count classical machine learning (ai.onnx.ml): linear models, trees, support vectors, features.

Their models lie in attributes: what an operator reads of them is in `reads`, 32 bits a number, and
they are no parameters, which only tensors are. Trees are counted to the end of their longest path:
which path a sample takes is its data's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple, NoReturn

from feasibility.cost import OpCost
from feasibility.errors import FeasibilityError
from feasibility.ir import ML_DOMAIN, DType, Node, TensorSpec
from feasibility.ops.elementwise import SIGMOID, PerElement
from feasibility.ops.roles import heavy, light, move
from feasibility.ops.rules import Family

family = Family(ML_DOMAIN)

_NO_WORK = PerElement(0)
_SOFTMAX = PerElement(4, 1)  # maximum, difference, exp, sum, quotient
_PROBIT = PerElement(3, 1)  # sqrt 2 * erfinv(2 * x - 1)
_POST_TRANSFORMS: Mapping[str | int, PerElement] = {  # TreeEnsemble-5 numbers them
    "NONE": _NO_WORK,
    "SOFTMAX": _SOFTMAX,
    "LOGISTIC": SIGMOID,
    "SOFTMAX_ZERO": _SOFTMAX,
    "PROBIT": _PROBIT,
    **dict(enumerate((_NO_WORK, _SOFTMAX, SIGMOID, _SOFTMAX, _PROBIT))),
}
_LABELS_FIRST = frozenset({"LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"})


def _samples(node: Node) -> int:
    """Return how many samples X has: [N, C], or [C] for one."""
    dims = node.input(0).dims
    return dims[0] if len(dims) > 1 else 1


def _post(node: Node) -> tuple[int, int]:
    """Return arithmetic and transcendentals of what is done to the scores at the end."""
    scores = node.output(int(node.op_type in _LABELS_FIRST)).numel
    kind = node.attributes.get("post_transform", "NONE")
    work = _POST_TRANSFORMS.get(kind) if isinstance(kind, str | int) else None
    if work is None:
        _refuse(node, f"there is no post_transform {kind!r}")
    return work.arithmetic * scores, work.transcendentals * scores


def _numbers(node: Node, *names: str) -> int:
    """Return how many numbers attributes hold, as lists or as tensors."""
    found = [node.attributes.get(name, ()) for name in names]
    return sum(each.numel if isinstance(each, TensorSpec) else _length(each) for each in found)


def _length(found: object) -> int:
    return len(found) if isinstance(found, tuple) else 0


def _read(node: Node, numbers: int) -> int:
    """Return the bytes of X and of numbers in attributes."""
    return node.input(0).nbytes + DType.FLOAT.nbytes(numbers)


def _refuse(node: Node, why: str) -> NoReturn:
    msg = f"node {node.name!r} ({node.domain}::{node.op_type}): {why}"
    raise FeasibilityError(msg)


@family.op("LinearClassifier", "LinearRegressor")
def linear(node: Node) -> OpCost:
    """Multiply samples by coefficients.

    Shapes:  X [N, C], coefficients [E, C], scores [N, E]
    Count:   fmas = N * |coefficients|; arithmetic = N * |intercepts|; of each score the post transform:
             SOFTMAX 4 arithmetic and an exp, LOGISTIC and PROBIT 3 and an exp or erfinv
    Ignores: the choice of the label
    Dtype:   of X
    Source:  ONNX LinearClassifier-1, LinearRegressor-1 (ai.onnx.ml)
    """
    coefficients, intercepts = _numbers(node, "coefficients"), _numbers(node, "intercepts")
    rows, (arithmetic, transcendentals) = _samples(node), _post(node)
    return heavy(
        node,
        fmas=rows * coefficients,
        arithmetic=rows * intercepts + arithmetic,
        transcendentals=transcendentals,
        reads=_read(node, coefficients + intercepts),
    )


class _Kernel(NamedTuple):
    """Work for a pair of vectors beside their product: per feature, and then once."""

    per_feature: int
    once: PerElement


_KERNELS: Mapping[str, _Kernel] = {
    "LINEAR": _Kernel(0, _NO_WORK),
    "POLY": _Kernel(0, PerElement(2, 1)),  # (gamma * product + coef0) ** degree
    "RBF": _Kernel(1, PerElement(1, 1)),  # exp(-gamma * sum of squared differences)
    "SIGMOID": _Kernel(0, PerElement(2, 1)),  # tanh(gamma * product + coef0)
}
_PLATT = SIGMOID.plus(2)  # 1 / (1 + exp(a * score + b))


@family.op("SVMClassifier", "SVMRegressor")
def support_vectors(node: Node) -> OpCost:
    """Compare samples with support vectors through a kernel, and weigh the answers.

    Shapes:  X [N, C], V support vectors of C, coefficients [classes - 1, V], scores [N, E]
    Count:   fmas = N * (V * C + |coefficients|), without vectors N * |coefficients|; per sample and
             vector POLY and SIGMOID 2 arithmetic and a transcendental, RBF C + 1 and an exp; per sample
             |rho| additions, 5 arithmetic and an exp for each of prob_a; the post transform (see
             LinearClassifier)
    Ignores: the vote, and how probabilities of pairs become those of classes
    Dtype:   of X
    Source:  ONNX SVMClassifier-1, SVMRegressor-1 (ai.onnx.ml)
    """
    rows, elements = _samples(node), _numbers(node, "support_vectors")
    columns = node.input(0).dims[-1]
    vectors = elements // columns if columns else 0
    coefficients, offsets, pairs = (_numbers(node, name) for name in ("coefficients", "rho", "prob_a"))
    kernel, (arithmetic, transcendentals) = _kernel(node), _post(node)
    work = vectors * (kernel.per_feature * columns + kernel.once.arithmetic)
    return heavy(
        node,
        fmas=rows * (vectors * columns + coefficients),
        arithmetic=rows * (work + offsets + pairs * _PLATT.arithmetic) + arithmetic,
        transcendentals=rows * (vectors * kernel.once.transcendentals + pairs) + transcendentals,
        reads=_read(node, elements + coefficients + offsets + 2 * pairs),
    )


def _kernel(node: Node) -> _Kernel:
    name = node.string("kernel_type", "LINEAR")
    return _KERNELS[name] if name in _KERNELS else _refuse(node, f"there is no kernel {name!r}")


class _Forest(NamedTuple):
    """Trees: for each node that asks something, those of its children that do, and where trees start."""

    children: Sequence[Sequence[int]]
    roots: Sequence[int]
    trees: int
    leaves: int


@family.op("TreeEnsembleClassifier", "TreeEnsembleRegressor")
def tree_lists(node: Node) -> OpCost:
    """Send samples down trees and add up what the leaves say.

    Shapes:  X [N, C], T trees, scores [N, E]
    Count:   arithmetic = N * (comparisons + additions): a comparison for each node that asks something on
             the longest path of each tree, T times the mean number of weights of a leaf; the post
             transform (see LinearClassifier)
    Ignores: that samples leave a tree earlier; base values; the choice of the label
    Dtype:   of X
    Source:  ONNX TreeEnsembleClassifier-3, TreeEnsembleRegressor-3 (ai.onnx.ml)
    """
    forest = _listed(node)
    weights = sum(_numbers(node, f"{of}_weights", f"{of}_weights_as_tensor") for of in ("class", "target"))
    added = -(-forest.trees * weights // forest.leaves) if forest.leaves else 0
    return _forest(node, forest, added=added, weights=weights)


@family.op("TreeEnsemble")
def tree_ensemble(node: Node) -> OpCost:
    """Send samples down trees and add up what the leaves say.

    Shapes:  X [N, C], T trees, Y [N, n_targets]
    Count:   arithmetic = N * (comparisons + T): a comparison for each node on the longest path of each
             tree, one addition for each tree; the post transform (see LinearClassifier)
    Ignores: that samples leave a tree earlier; all members of a set (BRANCH_MEMBER) but one
    Dtype:   of X
    Source:  ONNX TreeEnsemble-5 (ai.onnx.ml)
    """
    forest = _indexed(node)
    return _forest(node, forest, added=forest.trees, weights=_numbers(node, "leaf_weights"))


def _forest(node: Node, forest: _Forest, *, added: int, weights: int) -> OpCost:
    """Cost samples that go down trees and add so many numbers."""
    heights = _heights(node, forest.children)
    compared = sum(heights[root] for root in forest.roots)
    arithmetic, transcendentals = _post(node)
    return light(
        node,
        arithmetic=_samples(node) * (compared + added) + arithmetic,
        transcendentals=transcendentals,
        reads=_read(node, len(forest.children) + weights),
    )


def _listed(node: Node) -> _Forest:
    """Read trees whose nodes have a tree, an id in it and a mode."""
    trees, modes = node.ints("nodes_treeids"), node.attributes.get("nodes_modes")
    places = list(zip(trees, node.ints("nodes_nodeids"), strict=True))
    sides = zip(node.ints("nodes_truenodeids"), node.ints("nodes_falsenodeids"), strict=True)
    asks = [mode != "LEAF" for mode in modes] if isinstance(modes, tuple) else []
    rows = [row for row, asking in zip(zip(places, sides, strict=True), asks, strict=True) if asking]
    below = [[(tree, child) for child in children] for (tree, _), children in rows]
    called = set(chain.from_iterable(below))
    if not called <= set(places):
        _refuse(node, "its trees lack a node")
    number = {place: n for n, (place, _) in enumerate(rows)}
    return _Forest(
        children=[[number[place] for place in children if place in number] for children in below],
        roots=[n for n, (place, _) in enumerate(rows) if place not in called],
        trees=len(set(trees)),
        leaves=len(places) - len(rows),
    )


def _indexed(node: Node) -> _Forest:
    """Read trees whose nodes all ask something; an index counts nodes or leaves."""
    sides = [
        zip(node.ints(f"nodes_{side}nodeids"), node.ints(f"nodes_{side}leafs"), strict=True)
        for side in ("true", "false")
    ]
    children = [[place for place, is_leaf in both if not is_leaf] for both in zip(*sides, strict=True)]
    roots = node.ints("tree_roots")
    places = range(len(children))
    if not all(place in places for place in chain(roots, *children)):
        _refuse(node, "its trees lack a node")
    return _Forest(children, roots, trees=len(roots), leaves=_numbers(node, "leaf_weights"))


def _heights(node: Node, children: Sequence[Sequence[int]]) -> Sequence[int]:
    """Return how many nodes the longest path down from each has, itself among them."""
    parents = [0] * len(children)
    for child in chain.from_iterable(children):
        parents[child] += 1
    order = [place for place, above in enumerate(parents) if not above]
    for place in order:  # grows on the way: parents before children
        for child in children[place]:
            parents[child] -= 1
            if not parents[child]:
                order.append(child)
    if len(order) < len(children):
        _refuse(node, "its trees run in circles")
    heights = [1] * len(children)
    for place in reversed(order):
        heights[place] = 1 + max((heights[child] for child in children[place]), default=0)
    return heights


# so much work for each element of the first output
_PER_ELEMENT = {
    "Binarizer": PerElement(1),  # x > threshold
    "Imputer": PerElement(1),  # x == replaced
    "OneHotEncoder": PerElement(1),  # x == category
    "Scaler": PerElement(2),  # (x - offset) * scale
}
for _name, _rule in _PER_ELEMENT.items():
    family.add(_name, _rule)

# a look-up of each element, or columns put side by side: bytes alone
for _name in ("ArrayFeatureExtractor", "CategoryMapper", "FeatureVectorizer", "LabelEncoder"):
    family.add(_name, move)


@family.op("Normalizer")
def normalizer(node: Node) -> OpCost:
    """Divide each row by its largest value, its sum, or its length.

    Shapes:  X and Y alike, [N, C] or [C]
    Count:   per element 2 arithmetic for MAX (compare, divide), 3 for L1 (absolute value, add, divide) and
             for L2 (square, add, divide); a square root per row for L2
    Dtype:   of X
    Source:  ONNX Normalizer-1 (ai.onnx.ml)
    """
    kind = node.string("norm", "MAX")
    return light(
        node,
        arithmetic=node.output(0).numel * (2 if kind == "MAX" else 3),
        transcendentals=_samples(node) if kind == "L2" else 0,
    )


@family.op("CastMap", "DictVectorizer")
def from_map(node: Node) -> OpCost:
    """Write the values of a map side by side, in the order of its keys or of a vocabulary.

    Shapes:  X a map, Y [1, C]
    Count:   nothing but bytes: C elements read and written
    Ignores: the keys, and the search for them
    Dtype:   of Y
    Source:  ONNX CastMap-1, DictVectorizer-1 (ai.onnx.ml)
    """
    return move(node, reads=node.output(0).nbytes)


@family.op("ZipMap")
def zip_map(node: Node) -> OpCost:
    """Write one map from class to score for each sample.

    Shapes:  X [N, E]; Z a sequence of N maps
    Count:   nothing but bytes: the scores read and written
    Ignores: the keys
    Dtype:   of X
    Source:  ONNX ZipMap-1 (ai.onnx.ml)
    """
    return move(node, writes=node.input(0).nbytes)
