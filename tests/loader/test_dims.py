from __future__ import annotations

import pytest
from onnx import helper

from feasibility.errors import UsageError
from feasibility.loader import load
from feasibility.loader.dims import Dimensions, parse
from tests.loader.graphs import model, value

node = helper.make_node


@pytest.mark.parametrize(
    ("name", "axis", "shape", "size"),
    [
        ("batch", 0, ("batch", 3), 1),
        ("batch_size", 0, ("batch_size", 3), 1),
        ("N", 0, ("N", 3), 1),
        ("sequence", 1, ("batch", "sequence"), 128),
        ("decoder_sequence_length", 1, ("batch", "decoder_sequence_length"), 128),
        ("num_tokens", 0, ("num_tokens",), 128),
        ("height", 2, (1, 4, "height", "width"), 224),
        ("W", 3, (1, 3, "H", "W"), 224),
        ("unk__3", 2, (1, 3, "unk__3", "unk__4"), 224),
        ("x[1]", 1, ("x[0]", "x[1]", "x[2]", 3), 224),
        ("unk__7", 1, (1, "unk__7"), 1),
    ],
)
def test_default_follows_name_then_image_layout(
    name: str, axis: int, shape: tuple[int | str, ...], size: int
) -> None:
    """A free dimension gets the size its name suggests, an image's sides 224, anything else 1."""
    assert size == Dimensions({}).bind(name, axis, shape)


def test_given_size_wins_and_is_not_an_assumption() -> None:
    """What the caller gives is used and not listed as assumed."""
    dims = Dimensions({"sequence": 77})
    assert dims.bind("sequence", 1, ("batch", "sequence")) == 77
    assert dims.sentences() == ()


@pytest.mark.parametrize(
    ("expression", "size"),
    [
        ("past + 1", 1024 + 1),
        ("2*past", 2 * 1024),
        ("(past+8)/4", (1024 + 8) // 4),
        ("past - 24 - 900", 1024 - 24 - 900),
        ("past//3", 1024 // 3),
    ],
)
def test_expression_follows_the_dimension_it_names(expression: str, size: int) -> None:
    """A dimension written as arithmetic over another follows the size of that one."""
    assert size == Dimensions({"past": 1024}).bind(expression, 1, ("batch", expression))


@pytest.mark.parametrize(
    "text", ["a" * 300, "past +", "floor(past/2)", "a b", "1 +* 2", "past; import os", "a-b", "(" * 255]
)
def test_what_is_no_expression_is_a_plain_name(text: str) -> None:
    """Text outside the closed grammar is taken as a name: assumed, and never evaluated."""
    dims = Dimensions({})
    dims.bind(text, 1, ("batch", text))
    assert list(dims.assumed) == [text]


def test_parse_keeps_names_with_hyphens_whole() -> None:
    """`batch-size` is one name, `past-1` is a difference."""
    assert parse("batch-size") == ("batch-size",)
    assert parse("past-1") == ("past", "-", "1")


def test_unused_dimension_is_refused_with_the_known_names() -> None:
    """A --dim that the model lacks is an error naming those it has."""
    dims = Dimensions({"sequense": 5})
    dims.bind("sequence", 1, ("sequence",))
    with pytest.raises(UsageError, match="no free dimension 'sequense'") as caught:
        dims.check_all_used()
    assert caught.value.hint == "did you mean 'sequence'? its free dimensions are 'sequence'"


@pytest.mark.parametrize("size", [-1, 2**62])
def test_impossible_size_is_refused(size: int) -> None:
    """A dimension is at least 0 and at most 2^40."""
    with pytest.raises(UsageError, match="'batch' cannot be"):
        Dimensions({"batch": size})


def test_sizes_given_by_position_bind_the_name_everywhere() -> None:
    """`x[0]=4` gives the free dimension of that place its size, also where another input shares it."""
    proto = model([node("Add", ["a", "x"], ["y"])], {"a": ("batch", 3), "x": ("batch", 3)}, ["y"])
    found = load(proto, dims={"x[0]": 4, "x[1]": 3})
    assert [spec.shape for spec in found.graph.inputs] == [(4, 3), (4, 3)]
    assert (dict(found.dims), found.assumed) == ({"batch": 4}, ())


def test_an_input_without_a_shape_gets_the_one_given() -> None:
    """Where the file declares no rank, the positions that are given make the shape."""
    proto = model([node("Relu", ["x"], ["y"])], {}, ["y"])
    proto.graph.input.append(value("x", None))
    found = load(proto, dims={"x[0]": 2, "x[1]": 5})
    assert found.graph.outputs[0].shape == (2, 5)


@pytest.mark.parametrize(
    ("dims", "sentence"),
    [
        ({"x[1]": 4}, "input 'x' has the size 3 along axis 1, not 4"),
        ({"x[0]": 4, "a[0]": 5}, "input 'x' has the size 5 along axis 0, not 4"),
        ({"x[2]": 4}, r"the model has no free dimension 'x\[2\]'"),
    ],
)
def test_sizes_given_by_position_have_to_fit(dims: dict[str, int], sentence: str) -> None:
    """A fixed size, a size given elsewhere and a missing axis contradict, in a sentence."""
    proto = model([node("Add", ["a", "x"], ["y"])], {"a": ("batch", 3), "x": ("batch", 3)}, ["y"])
    with pytest.raises(UsageError, match=sentence):
        load(proto, dims=dims)


@pytest.mark.parametrize(
    ("dims", "total"),
    [
        ({"past_sequence_length": 1024, "sequence_length": 1}, 1024 + 1),
        ({"past_sequence_length": 1024, "sequence_length": 1, "total_sequence_length": 7}, 7),
        ({}, 128 + 128),
    ],
)
def test_a_total_that_nobody_gave_is_past_and_new(dims: dict[str, int], total: int) -> None:
    """Where inputs name a past, a new and a total length, the total follows; it stays an assumption."""
    inputs = {
        "mask": ("total_sequence_length",),
        "x": ("sequence_length",),
        "past": ("past_sequence_length",),
    }
    found = load(model([node("Relu", ["mask"], ["y"])], inputs, ["y"]), dims=dims)
    assert found.graph.inputs[0].shape == (total,)
    assert ("total_sequence_length" in dims) is (f"total_sequence_length={total}" not in found.assumed)


def test_a_total_without_its_parts_is_any_length() -> None:
    """A total length alone gets the default of a sequence."""
    found = load(model([node("Relu", ["mask"], ["y"])], {"mask": ("total_sequence_length",)}, ["y"]))
    assert found.graph.inputs[0].shape == (128,)


def test_a_cache_may_be_empty() -> None:
    """Before the first token the past has length 0, and the total is that of the new tokens."""
    dims = Dimensions({"past": 0, "new": 5})
    assert [0, 5, 0 + 5] == [dims.bind(name, 1, ("batch", name)) for name in ("past", "new", "past + new")]
