"""Send every node case of the onnx package through the product: its own outputs are the expected shapes.

A case gives shape-deciding integers (axes, sizes, pads) as inputs, where real files have
constants; so each case runs as it is, where sizes may be assumed, and with those inputs fixed,
where every shape must be the one that the case's output data has.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, shape_inference
from onnx.backend.test.case.node import collect_testcases

from feasibility import api
from feasibility.cost import ModelCost, Totals

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

PARTS = 8  # of the cases, so that several processes share them
TWIN = "_expanded"
LARGEST_FIXED = 1024  # elements of an input that may decide a shape
# operators whose outputs may be shorter than the walk says, and why
BOUNDED = {"Unique": "as long as there are distinct elements, at most as many as there are elements"}
# where ONNX's own inference differs from the case's own output data, which the walk equals
ONNX_IS_WRONG = {"STFT": "onnx 1.23.2 takes onesided for 0 where the attribute is left out; its default is 1"}
# operators whose rule counts less than the body that defines them, and why
CHEAPER = {
    "AffineGrid": "the body of a 2-D grid computes a third coordinate",
    "Attention": "the body multiplies by keys that nonpad_kv_seqlen says are padding",
}
# operators whose body does just the arithmetic that the rule counts; the others differ by a stated
# convention (a choice counts once here, as Less and Where there)
SAME_WORK = {
    "HardSigmoid", "HardSwish", "LogSoftmax", "Mish", "ReduceL1",
    "ReduceSumSquare", "Relu", "Softmax", "Softplus", "Softsign", "SwiGLU",
}  # fmt: skip
# shapes that depend on text, which no graph holds
UNKNOWABLE = {("StringSplit", "substrings"): "as many parts as the separators in the text make"}


@cache
def cases() -> Mapping[str, Any]:
    """Return every node case by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numpy, in the data of the cases
        return {case.name: case for case in collect_testcases(None)}


def part(number: int) -> Iterator[Any]:
    """Yield the cases of one part; twins stand in the same."""
    names = sorted({name.removesuffix(TWIN) for name in cases()})
    for name in names[number::PARTS]:
        yield from (cases()[n] for n in (name, name + TWIN) if n in cases())


def fed(case: Any) -> Iterator[tuple[onnx.ValueInfoProto, Array]]:  # noqa: ANN401 (onnx types no case)
    """Yield the tensors that a case feeds."""
    for value, data in zip(case.model.graph.input, case.data_sets[0][0], strict=False):
        if value.type.HasField("tensor_type") and isinstance(data, np.ndarray | np.generic):
            yield value, np.asarray(data)


def sizes(case: Any, model: onnx.ModelProto) -> dict[str, int]:  # noqa: ANN401 (as above)
    """Return what the data says of dimensions that the model leaves free or 0."""
    inputs = {value.name for value in model.graph.input}
    return {
        f"{value.name}[{axis}]": size
        for value, data in fed(case)
        if value.name in inputs
        for axis, (dim, size) in enumerate(zip(value.type.tensor_type.shape.dim, data.shape, strict=False))
        if not dim.dim_value
    }


def fixed(case: Any) -> onnx.ModelProto:  # noqa: ANN401 (as above)
    """Return the model with its short integer inputs, and the numbers of a Range, as constants."""
    is_range = "range" in case.name
    decided = {
        value.name: data
        for value, data in fed(case)
        if data.ndim <= 1 and data.size <= LARGEST_FIXED and (data.dtype.kind in "iub" or is_range)
    }
    if not decided:
        unchanged: onnx.ModelProto = case.model
        return unchanged
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    free = [value for value in model.graph.input if value.name not in decided]
    del model.graph.input[:]
    model.graph.input.extend(free)
    model.graph.initializer.extend(numpy_helper.from_array(data, name) for name, data in decided.items())
    return model


@cache
def as_given(name: str) -> ModelCost:
    """Count a case as the package has it."""
    case = cases()[name]
    return api.profile(case.model, dims=sizes(case, case.model))


@cache
def with_integers(name: str) -> ModelCost:
    """Count a case with what decides its shapes fixed."""
    case = cases()[name]
    model = fixed(case)
    return as_given(name) if model is case.model else api.profile(model, dims=sizes(case, model))


def op_types(case: Any) -> set[str]:  # noqa: ANN401 (as above)
    """Return the operators of a case."""
    return {node.op_type for node in case.model.graph.node}


every_part = pytest.mark.parametrize("number", range(PARTS))


@every_part
def test_every_case_is_counted_or_says_what_it_is_not(number: int) -> None:
    """As the package has it, each case loads, walks and costs; known, folded and unknown are all nodes."""
    found = [as_given(case.name).coverage for case in part(number)]
    assert len(found) > 1800 // PARTS
    assert all(c.nodes == c.counted + c.folded + len(c.unknown) for c in found)
    assert all(unknown.reason for c in found for unknown in c.unknown)


@every_part
def test_shapes_are_those_of_the_output_data(number: int) -> None:
    """With the integers known, every output has the shape of the case's own data, or its stated bound."""
    wrong, compared = [], 0
    for case in part(number):
        outputs = with_integers(case.name).model.outputs
        for spec, data in zip(outputs, case.data_sets[0][1], strict=True):
            if isinstance(data, np.ndarray | np.generic):
                compared += 1
                if spec.shape is None and any((op, spec.name) in UNKNOWABLE for op in op_types(case)):
                    continue
                if not fits(spec.shape, np.shape(data), is_bound=bool(BOUNDED.keys() & op_types(case))):
                    wrong.append((case.name, spec.name, spec.shape, np.shape(data)))
    assert [] == wrong
    assert compared > 1950 // PARTS


def fits(walked: tuple[int, ...] | None, real: tuple[int, ...], *, is_bound: bool) -> bool:
    """Tell whether a shape is the real one, or at least as large where it is a bound."""
    if walked is None or len(walked) != len(real):
        return False
    return all(ours >= size if is_bound else ours == size for ours, size in zip(walked, real, strict=True))


@every_part
def test_no_shape_contradicts_onnx(number: int) -> None:
    """Where onnx's own inference knows a dimension of a value, the walk has the same."""
    wrong, compared = [], 0
    for case in part(number):
        if ONNX_IS_WRONG.keys() & op_types(case):
            continue
        ours = {
            spec.name: spec.shape
            for found in with_integers(case.name).nodes
            for spec in found.node.outputs
            if spec is not None and spec.shape is not None
        }
        for name, dims in inferred(fixed(case)).items():
            shape = ours.get(name)
            if shape is not None:
                compared += 1
                agree = len(dims) == len(shape) and all(d in {0, s} for d, s in zip(dims, shape, strict=True))
                wrong += [] if agree else [(case.name, name, shape, dims)]
    assert [] == wrong
    assert compared > 3000 // PARTS


def inferred(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Return what onnx knows of the shapes of a model's values; 0 where it knows nothing of a dimension."""
    found = shape_inference.infer_shapes(model, data_prop=True).graph
    return {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for value in (*found.value_info, *found.output)
        if value.type.tensor_type.HasField("shape")
    }


@every_part
def test_an_operator_costs_what_its_body_costs(number: int) -> None:
    """A rule and the body that defines its operator count the same multiply-adds, or fewer for a reason."""
    different, compared = [], 0
    for case in part(number):
        body = cases().get(case.name + TWIN)
        if body is None:
            continue
        ours, its = (with_integers(each.name) for each in (case, body))
        compared += 1
        assert ours.coverage.unknown == its.coverage.unknown == ()
        if not agree(ours.totals, its.totals, op_types(case)):
            different.append((case.name, work(ours.totals), work(its.totals)))
    assert [] == different
    assert compared >= 400 // PARTS


def agree(ours: Totals, its: Totals, of: set[str]) -> bool:
    """Tell whether a rule and a body count the same: all work where the body does just that."""
    if SAME_WORK & of:
        return work(ours) == work(its)
    return ours.fmas == its.fmas or bool(CHEAPER.keys() & of and ours.fmas < its.fmas)


def work(totals: Totals) -> tuple[int, int, int]:
    """Return the three counts."""
    return totals.fmas, totals.arithmetic, totals.transcendentals
