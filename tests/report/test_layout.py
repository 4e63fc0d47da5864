from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feasibility.report.layout import WIDTH, Column, bullets, fields, paragraph, table

LONG = "x" * 200


def test_a_paragraph_wraps_at_the_width() -> None:
    """Text of 200 short words fits 80 columns, and no word is lost."""
    lines = paragraph("word " * 200)
    assert max(map(len, lines)) <= WIDTH
    assert ["word"] * 200 == " ".join(lines).split()


def test_a_word_longer_than_the_line_goes_on_in_the_next() -> None:
    """Nothing is cut: the pieces of a long name make the name."""
    lines = paragraph(LONG)
    assert max(map(len, lines)) <= WIDTH
    assert "".join(lines) == LONG


def test_a_number_keeps_its_unit() -> None:
    """A line breaks before `150 ms`, not inside it; the same in the last column of a table."""
    text = "x" * 76 + " 150 ms"
    assert ["x" * 76, "150 ms"] == paragraph(text)
    assert ["150 ms"] == [line.strip() for line in table([Column("a"), Column("b")], [("1", text)])[2:]]


def test_fields_align_their_texts() -> None:
    """Texts start in the same column, in wrapped lines too."""
    assert ["a     one", "long  two"] == fields([("a", "one"), ("long", "two")])
    assert {line[:3] for line in fields([("a", "word " * 100)])[1:]} == {"   "}


def test_bullets_without_sentences_are_nothing() -> None:
    """A title with nothing under it is left out."""
    assert [] == bullets("why", [])
    assert ["why", "  - because"] == bullets("why", ["because"])


def test_numbers_stand_to_the_right() -> None:
    """A right column ends where its title ends."""
    rows = table([Column("n", right=True), Column("name")], [("1", "a"), ("100", "b")])
    assert ["  n  name", "  1  a", "100  b"] == rows


def test_the_last_column_wraps_under_itself() -> None:
    """A long name goes on below itself, and the row keeps its 80 columns."""
    lines = table([Column("n"), Column("name")], [("1", LONG)])
    assert max(map(len, lines)) <= WIDTH
    assert "1" + LONG == "".join(line.strip().replace(" ", "") for line in lines[1:])


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_keeps_to_the_width_and_to_its_line(label: str, text: str) -> None:
    """Newlines and controls in a cell make no line of their own."""
    for line in [*paragraph(text), *table([Column("a"), Column("b")], [("1", label + text)])]:
        assert line.isprintable()
        assert len(line) <= WIDTH
