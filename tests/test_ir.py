from __future__ import annotations

import onnx
import pytest

from feasibility.errors import FeasibilityError, UnknownShapeError
from feasibility.ir import DType, Node, TensorSpec

SPEC = TensorSpec(name="x", dtype=DType.FLOAT, shape=(2, 3, 5))


def node(**attributes: object) -> Node:
    """Return a node with one input, one absent input, a constant one and one output."""
    axes = TensorSpec(name="axes", dtype=DType.INT64, shape=(2,), value=(0, 2), constant=True)
    return Node(
        name="n",
        domain="ai.onnx",
        op_type="Op",
        opset=20,
        inputs=(SPEC, None, axes),
        outputs=(SPEC,),
        attributes=attributes,  # type: ignore[arg-type]
    )


def test_element_types_are_those_of_onnx() -> None:
    """Every type of the installed onnx is known under its own name and number."""
    assert {m.name: m.code for m in DType} == dict(onnx.TensorProto.DataType.items())


@pytest.mark.parametrize(
    ("dtype", "numel", "nbytes"),
    [
        (DType.FLOAT, 3, 12),
        (DType.INT4, 3, 2),  # two elements a byte, rounded up
        (DType.UINT2, 5, 2),
        (DType.FLOAT8E4M3FN, 3, 3),
        (DType.COMPLEX128, 1, 16),
        (DType.BOOL, 7, 7),
        (DType.FLOAT, 0, 0),
    ],
)
def test_packed_elements_take_their_stored_width(dtype: DType, numel: int, nbytes: int) -> None:
    """Four-bit weights take half a byte, and a part of a byte is a byte."""
    assert nbytes == dtype.nbytes(numel)


def test_kinds_of_element_types() -> None:
    """Floats and quantised integers are told apart; int32 and int64 are neither."""
    assert {d for d in DType if d.is_quantised} == {
        DType.UINT8, DType.INT8, DType.UINT16, DType.INT16, DType.UINT4, DType.INT4, DType.UINT2, DType.INT2,
    }  # fmt: skip
    assert DType.BFLOAT16.is_float
    assert DType.DOUBLE.is_float
    assert not DType.INT32.is_float
    assert DType.from_code(999) is DType.UNDEFINED


def test_sizes_follow_the_shape() -> None:
    """Sizes multiply the dimensions; a scalar has one element."""
    assert (SPEC.numel, SPEC.nbytes) == (2 * 3 * 5, 2 * 3 * 5 * 4)
    assert TensorSpec(name="s", dtype=DType.INT64, shape=()).numel == 1


def test_unknown_shape_raises_with_the_tensors_name() -> None:
    """Asking an unknown shape for its size is an error, never zero."""
    unknown = TensorSpec(name="y\n", dtype=DType.FLOAT, shape=None)
    for ask in ("dims", "numel", "nbytes"):
        with pytest.raises(UnknownShapeError, match=r"'y\\n'"):
            getattr(unknown, ask)


def test_attributes_have_defaults_and_types() -> None:
    """An absent attribute gives the default, one of the wrong type an error with its value."""
    found = node(group=4, alpha=0.5, mode="linear", pads=(1, 2))
    assert (found.int("group", 1), found.int("gone", 7)) == (4, 7)
    assert (found.float("alpha", 1.0), found.float("gone", 2.5)) == (0.5, 2.5)
    assert (found.string("mode"), found.string("gone", "x")) == ("linear", "x")
    assert (found.ints("pads"), found.ints("gone", (9,))) == ((1, 2), (9,))
    for ask in (lambda: found.int("mode", 1), lambda: found.string("group"), lambda: found.ints("alpha")):
        with pytest.raises(FeasibilityError, match="has the wrong type"):
            ask()
    with pytest.raises(FeasibilityError, match="lacks 'gone'"):
        found.ints("gone")


def test_integers_come_from_the_attribute_or_the_input() -> None:
    """The same accessor serves opsets that moved an attribute to an input."""
    assert node(axes=(1,)).ints("axes", input=2) == (1,)
    assert node().ints("axes", input=2) == (0, 2)
    assert node().ints("axes", (5,), input=1) == (5,)
    with pytest.raises(UnknownShapeError, match="needs the value of 'x'"):
        node().ints("axes", input=0)


def test_optional_inputs_and_outputs() -> None:
    """An absent input is told, and asking for it is an error."""
    found = node()
    assert [found.has_input(n) for n in range(4)] == [True, False, True, False]
    assert [found.has_output(n) for n in range(2)] == [True, False]
    with pytest.raises(FeasibilityError, match="lacks input 1"):
        found.input(1)
    with pytest.raises(FeasibilityError, match="lacks output 1"):
        found.output(1)
