from __future__ import annotations

from feasibility.ir import DType
from tests.ops.op_cases import Case, tensor


def test_n_grams() -> None:
    """N-grams of 2 and 3 tokens, adjacent or one apart, count their tokens and one addition each."""
    Case(
        op="TfIdfVectorizer",
        i=[tensor(2, 12, dtype=DType.INT64)],
        o=[(2, 7)],
        a={"min_gram_length": 2, "max_gram_length": 3, "max_skip_count": 1, "weights": (0.5,)},
        arithmetic=2 * 12 * 2 * ((2 + 1) + (3 + 1)) + 2 * 7,
    ).check()


def test_n_grams_longer_than_the_text() -> None:
    """No n-gram is longer than the text, whatever a hostile attribute says."""
    Case(
        op="TfIdfVectorizer",
        i=[tensor(2, dtype=DType.INT64)],
        o=[(7,)],
        a={"min_gram_length": 1, "max_gram_length": 10**12, "max_skip_count": 0},
        arithmetic=2 * ((1 + 1) + (2 + 1)),
    ).check()
