from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feasibility.plots.lines import balanced, filled


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("one two three", 20, ["one two three"]),
        ("aaaa bbbb, cccc dddd", 12, ["aaaa bbbb,", "cccc dddd"]),
        ("aaaa, bbbb cccc dddd eeee", 22, ["aaaa, bbbb", "cccc dddd eeee"]),
        ("a model on an npu, coreml-ane, fp16", 25, ["a model on an npu,", "coreml-ane, fp16"]),
        ("aa bbb, ccc dddd eee", 16, ["aa bbb,", "ccc dddd eee"]),  # 11 and 8 were more alike
        ("server wins (63 % sure)", 16, ["server wins", "(63 % sure)"]),
        ("all but none of 100 ms in all", 16, ["all but none", "of 100 ms in all"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("", 9, []),
    ],
)  # fmt: skip
def test_lines_are_balanced_and_break_at_a_pause(text: str, columns: int, lines: list[str]) -> None:
    """No orphans, no break within coreml-ane, before a unit or after a preposition."""
    assert balanced(text, columns).splitlines() == lines


def test_filled_lines_are_full() -> None:
    """Each line takes what it can, but for a number or a device, which keeps its unit."""
    assert filled("on an a-pro gpu", 11).splitlines() == ["on an", "a-pro gpu"]
    assert filled("a bb ccc dddd 12 GB/s", 9).splitlines() == ["a bb ccc", "dddd", "12 GB/s"]


@given(
    st.lists(st.sampled_from(["a", "on", "x,", "9", "ms", "word", "hyphen-ed", "long" * 6]), max_size=12),
    st.integers(4, 20),
)
def test_no_word_is_lost_and_no_line_too_long(words: list[str], columns: int) -> None:
    """Both ways of breaking keep every letter in as many lines, none above the limit."""
    text = " ".join(words)
    found, greedy = balanced(text, columns), filled(text, columns)
    assert "".join(found.split()) == "".join(greedy.split()) == "".join(words)
    assert len(found.splitlines()) == len(greedy.splitlines())
    assert all(len(line) <= columns for line in (*found.splitlines(), *greedy.splitlines()))
    assert not any(a.endswith("9") and b.startswith("ms") for a, b in pairwise(found.splitlines()))
