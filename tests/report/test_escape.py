from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feasibility.report.escape import markdown_code, markdown_prose, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("conv_1", "conv_1"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\r\t", "two\\x0alines\\x0d\\x09"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\x9b31m", "\\x9b31m"),
        ("lone \ud800", "lone \\ud800"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("Faltung Größe 卷积", "Faltung Größe 卷积"),
    ],
)
def test_control_and_format_characters_are_written_out(text: str, shown: str) -> None:
    """What a terminal would obey is shown as an escape; letters of any script stay."""
    assert shown == printable(text)


@given(st.text())
def test_nothing_that_is_not_printable_gets_through(text: str) -> None:
    """Whatever a name holds, what is shown is printable."""
    assert printable(text).isprintable()


def test_markup_in_prose_is_escaped() -> None:
    """Brackets, asterisks, pipes, tags and mentions are text, not Markdown."""
    assert r"\[x\]\(y\)".replace(r"\(", "(").replace(r"\)", ")") == markdown_prose("[x](y)")
    assert r"\*a\* \| \<b\> \@you \#1" == markdown_prose("*a* | <b> @you #1")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("gemm", "`gemm`"),
        ("a|b", r"`a\|b`"),
        ("a`b", "`` a`b ``"),
        ("``", "``` `` ```"),
        ("", "`  `"),
        ("[/x]\n", r"`[/x]\x0a`"),
    ],
)
def test_a_code_span_holds_any_name(text: str, span: str) -> None:
    """A span's fence is longer than any run of backticks inside, and a pipe ends no cell."""
    assert span == markdown_code(text)
