"""Shape rules of ai.onnx.ml, where onnx has none or no complete one (ONNX ML-1 to ML-5).

What the specification leaves open (X of one sample, scores of two classes) is as ONNX Runtime has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx

from feasibility.ir import DType, TensorSpec
from feasibility.loader.rules.common import (
    Rule,
    given,
    integers,
    known,
    like,
    number,
    plus,
    same_as_first,
    times,
)
from feasibility.loader.types import Call, Dims, Type


def _rows(dims: Dims) -> int | None:
    """Return how many samples X has: [N, C], or [C] for one."""
    return dims[0] if len(dims) > 1 else 1


def _floats(*dims: int | None) -> Type:
    return Type(DType.FLOAT.code, dims)


def _floats_like_first(call: Call) -> Sequence[Type]:
    return (_floats(*known(call, 0)),)


def _regressor(targets: str) -> Rule:
    """Return the rule of a regressor: a row of as many numbers as an attribute says for each sample."""
    return lambda call: (_floats(_rows(known(call, 0)), number(call, targets, 1)),)


def _labels(call: Call) -> tuple[int, int]:
    """Return the type of an operator's class labels, and how many there are."""
    for name, dtype in _LABELS.items():
        found = call.attribute(name, ())
        if isinstance(found, tuple) and found:
            return dtype.code, len(found)
    msg = "class labels are missing"
    raise ValueError(msg)


_LABELS = {
    "classlabels_strings": DType.STRING,
    "classlabels_ints": DType.INT64,
    "classlabels_int64s": DType.INT64,
}


def _classifier(call: Call) -> Sequence[Type]:
    """Return the label of each sample, and a score for each class."""
    (elem, classes), rows = _labels(call), _rows(known(call, 0))
    return (Type(elem, (rows,)), _floats(rows, classes))


def _svm_classifier(call: Call) -> Sequence[Type]:
    """Return labels, and scores: of each pair of classes where vectors vote without probabilities."""
    labels, scores = _classifier(call)
    rows, classes = known(call, 0), _labels(call)[1]
    votes = call.attribute("support_vectors", ()) and not call.attribute("prob_a", ())
    if not votes or classes == _ONE_PAIR:
        return (labels, scores)
    return (labels, _floats(_rows(rows), classes * (classes - 1) // 2))


_ONE_PAIR = 2  # classes, whose score is written with both signs


def _vectorized(call: Call) -> Sequence[Type]:
    """Put the columns of all inputs side by side, of each as many as inputdimensions says."""
    shapes = [known(call, index) for index in range(len(call.inputs))]
    columns = integers(call, "inputdimensions", ())
    return (_floats(_rows(shapes[0]), plus(*columns) if columns else plus(*[dims[-1] for dims in shapes])),)


def _extracted(call: Call) -> Sequence[Type]:
    """Choose columns; a vector becomes one row."""
    dims = known(call, 0)
    return (like(call, 0, *(dims[:-1] or (1,)), times(*known(call, 1))),)


def _encoded(call: Call) -> Sequence[Type]:
    """Return the shape of X with the elements that keys stand for."""
    return (Type(_values(call).code, known(call, 0)),)


def _values(call: Call) -> DType:
    """Return the type of what an encoder writes; version 1 goes from text to numbers or back."""
    for name, dtype in _VALUES.items():
        if call.attribute(name, ()):
            return dtype
    table = call.attribute("values_tensor", ())
    if isinstance(table, TensorSpec):
        return table.dtype
    return DType.INT64 if given(call, 0).elem == DType.STRING.code else DType.STRING


_VALUES = {
    "values_strings": DType.STRING,
    "values_int64s": DType.INT64,
    "values_floats": DType.FLOAT,
}


def _vector(call: Call) -> Sequence[Type]:
    """Return one row with a column for each word of the vocabulary, of the type of the map's values."""
    vocabulary = integers(call, "int64_vocabulary", ()) or call.attribute("string_vocabulary", ())
    proto = onnx.TypeProto.FromString(given(call, 0).opaque)
    elem = proto.map_type.value_type.tensor_type.elem_type
    return (Type(elem, (1, len(vocabulary) if isinstance(vocabulary, tuple) else None)),)


def _cast_map(call: Call) -> Sequence[Type]:
    """Return one row: of max_map columns, or (DENSE) of as many as the map has keys."""
    is_sparse = call.attribute("map_form", "DENSE") == "SPARSE"
    elem = _CASTS[str(call.attribute("cast_to", "TO_FLOAT"))].code
    return (Type(elem, (1, number(call, "max_map", 1) if is_sparse else None)),)


_CASTS = {"TO_FLOAT": DType.FLOAT, "TO_STRING": DType.STRING, "TO_INT64": DType.INT64}

RULES: Mapping[str, Rule] = {
    "ArrayFeatureExtractor": _extracted,
    "CastMap": _cast_map,
    "DictVectorizer": _vector,
    "FeatureVectorizer": _vectorized,
    "Imputer": same_as_first,
    "LabelEncoder": _encoded,
    "LinearClassifier": _classifier,
    "LinearRegressor": _regressor("targets"),
    "Normalizer": _floats_like_first,
    "SVMClassifier": _svm_classifier,
    "SVMRegressor": lambda call: (_floats(_rows(known(call, 0)), 1),),
    "Scaler": _floats_like_first,
    "TreeEnsembleClassifier": _classifier,
    "TreeEnsembleRegressor": _regressor("n_targets"),
}
