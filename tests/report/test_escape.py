from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feasibility.report.escape import clipped, markdown_code, markdown_prose, printable
from tests.runner import commands


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
    assert r"\*a\* \| \<b\> \~x\~ \&amp; \!" == markdown_prose("*a* | <b> ~x~ &amp; !")


@pytest.mark.parametrize(
    "word",
    [
        "@team", "(@a/b)", "me@example.org", "#1", "owner/repo#12", "GH-7", "gh-7", "https://example.org/x",
        "see:http://x", "www.example.org", ":+1:", ":smile:", "$x^2$", "a$b",
    ],
)  # fmt: skip
def test_a_word_that_github_would_act_on_is_code(word: str) -> None:
    """Links, mentions, references, emoji and formulas are found in the finished page: no backslash helps."""
    assert markdown_prose(f"before {word} after") == f"before `{word}` after"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1. first", "1\\. first"),
        ("- item", "\\- item"),
        ("---", "\\---"),
        ("+ item", "\\+ item"),
        ("12) item", "12\\) item"),
        ("+2 % of 26.4 MB", "+2 % of 26.4 MB"),
        ("    code", "code"),
        ("a - b", "a - b"),
    ],
)
def test_a_sentence_begins_no_list(text: str, shown: str) -> None:
    """What would be a list, a rule or code at the start of a line is a sentence."""
    assert markdown_prose(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", "\\x3a:error::x"),
        ("a ::set-output name=a::b", "a \\x3a:set-output name=a::b"),
        ("com.acme::warning::x", "com.acme\\x3a:warning::x"),
        ("a::Add-Mask::x", "a\\x3a:Add-Mask::x"),
        ("::what-comes::x", "\\x3a:what-comes::x"),
        ("com.acme::error", "com.acme\\x3a:error"),
        ("##[command]", "\\x23#[command]"),
        ("a##[[group]", "a\\x23#[[group]"),
        ("com.acme::Fancy", "com.acme::Fancy"),
        ("'fancy' (com.acme::Fancy): no", "'fancy' (com.acme::Fancy): no"),
        ("## [x] #1", "## [x] #1"),
    ],
)
def test_what_a_runner_would_obey_is_written_out(text: str, shown: str) -> None:
    """A line of a log that holds `##[name]` or begins with `::name` is a command, and texts wrap anywhere."""
    assert printable(text) == shown
    assert printable(shown) == shown


PIECES = ["::", ":", "error", "Error", " ", "##[", "#", "[", "]", "x", "\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_cut_of_a_text_is_a_command(text: str) -> None:
    """Wherever a line is broken, the rest of it is none of the runner's commands."""
    shown = printable(text)
    for start in range(len(shown)):
        assert not {found.name.lower() for found in commands(shown[start:])} & {"error", "##["}


def test_what_is_left_out_is_counted() -> None:
    """Of 1,000 characters in 40, 9 stand before the 31 that may be needed to say so."""
    assert clipped("short", 5) == "short"
    assert clipped("x" * 1000, 40) == "x" * 9 + "... (991 characters left out)"


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
