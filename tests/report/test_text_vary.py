from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from feasibility.cost import ModelCost
from feasibility.report import markdown
from feasibility.report.layout import WIDTH
from feasibility.report.text_vary import render_vary, sentences, vary_rows
from tests.views.counted import Row, counted


def at(tokens: int, *, weights: int = 4_000_000, lost: bool = False) -> ModelCost:
    """Return a model of one product over so many tokens; where lost, with a node without a rule."""
    rows = [Row(name="fc", fmas=1000 * tokens, reads=4 * tokens, weights=weights)]
    fancy = [Row(name="fancy", op="Fancy", fmas=None)] if lost else []
    found = counted(*rows, *fancy, path="encoder.onnx", tokens=tokens)
    return replace(found, totals=replace(found.totals, peak_activation_bytes=100 * tokens))


SIZES = [at(16), at(256), at(4096, lost=True)]


def test_over_a_dimension(golden: Callable[[str, str], None]) -> None:
    """The text is the golden file's: what stays is said once, and each size has its line."""
    golden("vary.txt", render_vary("tokens", SIZES))


def test_over_a_dimension_in_markdown(golden: Callable[[str, str], None]) -> None:
    """The Markdown is the golden file's: the sentences as a list, then the table."""
    golden("vary.md", markdown.render_vary("tokens", SIZES))


def test_parameters_are_a_column_where_they_change() -> None:
    """A dimension that makes weights larger shows how many there are for each size."""
    rows = vary_rows("tokens", [at(1, weights=4000), at(2, weights=8000)])
    assert [row[-1] for row in rows] == ["parameters", "1 k", "2 k"]
    assert "parameters" not in vary_rows("tokens", [at(1), at(2)])[0]


def test_one_size_is_one_line() -> None:
    """A single value is no span."""
    assert next(sentences("tokens", [at(8)])).startswith("encoder.onnx: tokens = 8. Parameters: 1 M ")


def test_what_only_some_sizes_lack_is_said_of_those() -> None:
    """The sizes at which a node is not counted are named, and their sums are at least that."""
    said = list(sentences("tokens", SIZES))
    assert said[-1].startswith("With tokens = 4,096: Not counted: 'fancy'")
    assert [row[1] for row in vary_rows("tokens", SIZES)[1:]] == ["16 k", "256 k", ">=4.1 M"]


def test_only_assumptions_that_all_sizes_share_are_said() -> None:
    """What was assumed at one size alone is not said of all."""
    other = replace(SIZES[1], coverage=replace(SIZES[1].coverage, assumed=("batch=1", "trips=3")))
    assert "Assumed batch=1 (--dim NAME=N sets it)." in list(sentences("tokens", [SIZES[0], other]))


def test_memory_is_that_of_a_precision() -> None:
    """At fp16 the one million float weights take 2 MB."""
    said = list(sentences("tokens", [at(8)], "fp16"))
    assert "weights at fp16" in said[1]


def test_lines_fit_and_names_are_harmless() -> None:
    """A name cannot colour a terminal, and wide numbers keep to 80 columns."""
    wide = replace(at(1), dims={"n\x1b[31m": 10**12})
    lines = render_vary("n\x1b[31m", [wide]).splitlines()
    assert all(line.isprintable() for line in lines)
    assert max(map(len, render_vary("tokens", [at(10**12)]).splitlines())) <= WIDTH
