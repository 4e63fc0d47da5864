from __future__ import annotations

from pathlib import Path

import pytest

import feasibility as fe
from feasibility.views.vary import MAX_VALUES, doublings, steps

CORPUS = Path(__file__).parents[1] / "corpus"
BERT = CORPUS / "xtremedistil_l6_h256.onnx"
LAYERS, WIDTH, WIDE, CLASSES = 6, 256, 1024, 6


def fmas(tokens: int) -> int:
    """Return what XtremeDistil multiplies: 6 layers, the pooler and 6 classes on one token."""
    dense = tokens * (4 * WIDTH * WIDTH + 2 * WIDTH * WIDE)
    attention = 2 * tokens * tokens * WIDTH
    return LAYERS * (dense + attention) + WIDTH * WIDTH + CLASSES * WIDTH


def test_a_model_is_counted_once_for_each_size() -> None:
    """The counts follow the formula of the network, in the order asked for."""
    costs = fe.vary(BERT, "sequence", (128, 16, 33), dims={"batch": 1})
    assert [cost.fmas for cost in costs] == [fmas(128), fmas(16), fmas(33)]
    assert [dict(cost.dims) for cost in costs] == [{"batch": 1, "sequence": n} for n in (128, 16, 33)]


def test_a_child_counts_the_same() -> None:
    """Reading in a child process gives what this process gives."""
    assert fe.vary(BERT, "sequence", (8, 16), isolated=True) == fe.vary(BERT, "sequence", (8, 16))


def test_another_dimension_is_refused_with_those_there_are() -> None:
    """The sentence names the free dimensions of the model."""
    with pytest.raises(fe.UsageError, match="no free dimension 'tokens'") as refused:
        fe.vary(BERT, "tokens", (1, 2))
    assert refused.value.hint == "its free dimensions are 'batch', 'sequence'"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((), "1 to 64 values at a time, not 0"),
        (tuple(range(1, 66)), "1 to 64 values at a time, not 65"),
        ((8, 16, 8), "take the value 8 twice"),
    ],
)
def test_values_that_make_no_table_are_refused(values: tuple[int, ...], sentence: str) -> None:
    """None, more than 64, and one that comes twice end in a sentence before anything is read."""
    with pytest.raises(fe.UsageError, match=sentence):
        fe.vary("nowhere.onnx", "sequence", values)


def test_a_dimension_cannot_be_bound_and_vary() -> None:
    """By name or by position, one of both has to go."""
    with pytest.raises(fe.UsageError, match="'sequence' cannot both be 8 and vary"):
        fe.vary(BERT, "sequence", (1, 2), dims={"sequence": 8})
    with pytest.raises(fe.UsageError, match=r"'input_ids\[1\]' cannot both be 8 and vary"):
        fe.vary(BERT, "input_ids[1]", (1, 2), inputs={"input_ids": (1, 8)})


def test_standard_input_is_read_once() -> None:
    """Several sizes need a file that can be read again."""
    with pytest.raises(fe.UsageError, match="standard input can be read only once, and 'n' takes 2 values"):
        fe.vary("-", "n", (1, 2))


@pytest.mark.parametrize(
    ("first", "last", "values"),
    [(16, 128, (16, 32, 64, 128)), (3, 13, (3, 6, 12)), (1, 1, (1,)), (5, 9, (5,))],
)
def test_doublings_stay_within_both_ends(first: int, last: int, values: tuple[int, ...]) -> None:
    """Each is twice the one before it, and the last is not above the end."""
    assert doublings(first, last) == values


def test_the_longest_doubling_fits() -> None:
    """From 1 to the largest size that an option takes are 60 values, fewer than the limit."""
    assert len(doublings(1, 10**18 - 1)) == 60 < MAX_VALUES


@pytest.mark.parametrize(
    ("first", "last", "step", "values"),
    [(16, 64, 16, (16, 32, 48, 64)), (0, 5, 2, (0, 2, 4)), (7, 7, 1, (7,))],
)
def test_steps_stay_within_both_ends(first: int, last: int, step: int, values: tuple[int, ...]) -> None:
    """Each is a step above the one before it, and the last is not above the end."""
    assert steps(first, last, step) == values


@pytest.mark.parametrize(
    ("ends", "sentence"),
    [
        ((64, 16), "64..16 ends before it starts"),
        ((0, 16), "doubling 0 leads nowhere"),
    ],
)
def test_ends_that_span_nothing_are_refused(ends: tuple[int, int], sentence: str) -> None:
    """A sentence says why there is no doubling."""
    with pytest.raises(fe.UsageError, match=sentence):
        doublings(*ends)


@pytest.mark.parametrize(
    ("span", "sentence"),
    [
        ((1, 10**18, 1), "not 1,000,000,000,000,000,000"),
        ((1, 65, 1), "1 to 64 values at a time, not 65"),
        ((1, 9, 0), "a step of 0 leads nowhere"),
        ((9, 1, 1), "9..1 ends before it starts"),
    ],
)
def test_steps_that_make_no_table_are_refused(span: tuple[int, int, int], sentence: str) -> None:
    """Too many steps are refused before any is made."""
    with pytest.raises(fe.UsageError, match=sentence):
        steps(*span)
