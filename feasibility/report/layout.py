"""Lay plain text out in 80 columns: paragraphs, labelled fields, tables.

Every cell passes through `printable` here, so no view can forget it. Lines wrap
and nothing is cut: a word longer than the line goes on in the next one, and a
number keeps its unit beside it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from feasibility.report.escape import printable

WIDTH = 80
_GAP = "  "
_MIN_LAST_COLUMN = 20
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=[A-Za-z%])")
_NO_BREAK = "\u00a0"  # `printable` leaves none, so each one found later was put in here


def paragraph(text: str, *, first: str = "", indent: str = "") -> list[str]:
    """Wrap one paragraph; `first` opens its first line, `indent` the others."""
    return _wrap(printable(text), WIDTH, first, indent) or [first.rstrip()]


def _wrap(text: str, width: int, first: str = "", indent: str = "") -> list[str]:
    """Break text into lines, never between a number and its unit."""
    wrapper = textwrap.TextWrapper(
        width=width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
    )
    return [line.replace(_NO_BREAK, " ") for line in wrapper.wrap(_BEFORE_UNIT.sub(_NO_BREAK, text))]


def bullets(title: str, sentences: Iterable[str]) -> list[str]:
    """Return a titled list, or nothing where there is nothing to say."""
    lines = [line for text in sentences for line in paragraph(text, first="  - ", indent="    ")]
    return [title, *lines] if lines else []


def fields(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return one labelled paragraph per row, texts aligned."""
    width = max(len(label) for label, _ in rows)
    return [
        line
        for label, text in rows
        for line in paragraph(text, first=label.ljust(width) + _GAP, indent=" " * width + _GAP)
    ]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; numbers stand to the right."""

    title: str
    right: bool = False


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table whose last column wraps under itself; the others are as wide as they need."""
    cells = [[printable(cell) for cell in row] for row in ([column.title for column in columns], *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)][:-1]
    left = sum(widths) + len(_GAP) * len(widths)
    room = max(WIDTH - left, _MIN_LAST_COLUMN)
    return [line for row in cells for line in _row(row, columns, widths, room)]


def _row(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int], room: int) -> list[str]:
    fixed = [
        cell.rjust(width) if column.right else cell.ljust(width)
        for cell, column, width in zip(row, columns, widths, strict=False)
    ]
    lead = "".join(cell + _GAP for cell in fixed)
    last = _wrap(row[-1], room) or [""]
    return [(lead + last[0]).rstrip(), *(" " * len(lead) + more for more in last[1:])]
