from __future__ import annotations

import pytest

from feasibility.cli.parsing import parse_inputs, parse_vary
from feasibility.errors import UsageError


def test_shapes_of_several_inputs() -> None:
    """Sizes stand between x; the last equals sign separates, as a name may hold one."""
    said = ["image=1x3x224x224", "a=b=77", "cache=0"]
    assert parse_inputs(said) == {"image": (1, 3, 224, 224), "a=b": (77,), "cache": (0,)}


@pytest.mark.parametrize(
    "given",
    ["image", "=1x3", "image=", "image=1x", "image=1,3", "image=1X3", "image=-1x3", "image=1x" + "9" * 19],
)
def test_a_shape_that_is_none_is_refused(given: str) -> None:
    """Anything but NAME=AxB ends in a sentence that shows what was given."""
    with pytest.raises(UsageError) as refused:
        parse_inputs([given])
    assert refused.value.message == f"--input {given!r} is not a name and sizes with x between them"


def test_an_input_given_twice_must_agree() -> None:
    """Two shapes for one input are a mistake; the same one twice is none."""
    assert parse_inputs(["x=1x2", "x=1x2"]) == {"x": (1, 2)}
    with pytest.raises(UsageError, match="--input 'x' is given twice"):
        parse_inputs(["x=1x2", "x=1x3"])


@pytest.mark.parametrize(
    ("given", "name", "values"),
    [
        ("sequence=16..128", "sequence", (16, 32, 64, 128)),
        ("sequence=16..64:16", "sequence", (16, 32, 48, 64)),
        ("batch=1,8,64", "batch", (1, 8, 64)),
        ("batch=7", "batch", (7,)),
        ("x[2]=8..8", "x[2]", (8,)),
        ("a=b=2..4", "a=b", (2, 4)),
    ],
)
def test_values_of_a_dimension(given: str, name: str, values: tuple[int, ...]) -> None:
    """A span doubles or steps, a list is taken as it is."""
    assert parse_vary(given) == (name, values)


@pytest.mark.parametrize(
    "given",
    [
        "n",
        "=1..2",
        "n=",
        "n=1..",
        "n=..2",
        "n=1..2:",
        "n=1...2",
        "n=1..2:x",
        "n=1,,2",
        "n=1-2",
        "n=-1..2",
        "n=1:2",
    ],
)
def test_values_that_are_none_are_refused(given: str) -> None:
    """Anything else ends in a sentence, with one example of each form."""
    with pytest.raises(UsageError) as refused:
        parse_vary(given)
    assert refused.value.message == f"--vary {given!r} is not a name and values"
    assert "sequence=16..2048, sequence=16..128:16 or sequence=1,8,64" in (refused.value.hint or "")
