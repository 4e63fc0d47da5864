"""Render the table of devices: text that fits the terminal, JSON, CSV, Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feasibility.report import json
from feasibility.report.escape import markdown_code, printable, spreadsheet
from feasibility.report.layout import paragraph
from feasibility.report.wording import NOTHING
from feasibility.units import Bytes, BytesPerSecond, FlopsPerSecond, format_count

if TYPE_CHECKING:  # only the annotations need them
    from feasibility.profiles.models import Precision
    from feasibility.views.devices import Row

_GAP = "  "
_INDENT = "  "
_UNITS = (
    "peaks (FLOP/s, int8 OP/s) and bandwidth are of the default unit, or of those that --unit asks for; "
    "evidence: the weakest of these numbers"
)
_MORE = "every source: feasible devices show ID; auto is this machine: --device auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column: title and cell, both in short too, and when it is left out (0: never, 1: first)."""

    title: str
    cell: Callable[[Row], str]
    short_title: str = ""
    short: Callable[[Row], str] | None = None
    is_number: bool = False
    leaves: int = 0

    def cells(self, rows: Iterable[Row], *, is_short: bool) -> list[str]:
        """Return the title and the cells below it, one width all."""
        cell = self.short or self.cell if is_short else self.cell
        title = self.short_title or self.title if is_short else self.title
        texts = [printable(text) for text in (title, *map(cell, rows))]
        width = max(map(len, texts))
        return [text.rjust(width) if self.is_number else text.ljust(width) for text in texts]


def _rate(row: Row, precision: Precision, symbol: str) -> str:
    rate = row.peak(precision)
    return NOTHING if rate is None else str(FlopsPerSecond(rate)).replace("FLOP/s", symbol)


_COLUMNS = (
    _Column(title="id", cell=lambda row: row.name),
    _Column(title="class", cell=lambda row: row.device.device_class, leaves=4),
    _Column(title="year", cell=lambda row: str(row.device.year), is_number=True, leaves=2),
    _Column(title="units", cell=lambda row: " ".join(row.units), leaves=1),
    _Column(
        title="fp32",
        cell=lambda row: _rate(row, "fp32", "FLOP/s"),
        short=lambda row: _rate(row, "fp32", ""),
        is_number=True,
    ),
    _Column(
        title="fp16",
        cell=lambda row: _rate(row, "fp16", "FLOP/s"),
        short=lambda row: _rate(row, "fp16", ""),
        is_number=True,
    ),
    _Column(
        title="int8",
        cell=lambda row: _rate(row, "int8", "OP/s"),
        short=lambda row: _rate(row, "int8", ""),
        is_number=True,
    ),
    _Column(
        title="bandwidth",
        cell=lambda row: str(BytesPerSecond(row.bandwidth)),
        short_title="B/s",
        short=lambda row: format_count(row.bandwidth),
        is_number=True,
    ),
    _Column(title="memory", cell=lambda row: str(Bytes(row.memory)), is_number=True, leaves=5),
    _Column(title="evidence", cell=lambda row: row.evidence, leaves=6),
    _Column(title="name", cell=lambda row: row.device.name, leaves=3),
)


def render_text(
    rows: Sequence[Row], *, width: int | None = None, also: Mapping[str, Sequence[str]] | None = None
) -> str:
    """Return one line per row, then the names that `also` gives to each id.

    With a width, lines keep to it: numbers get shorter, and columns that matter less are left out.
    """
    known = [f"{name}: {', '.join(names)}" for name, names in (also or {}).items() if names]
    notes = [
        line for text in (*known, _UNITS, _MORE) for line in paragraph(text, first=_INDENT, indent=_INDENT)
    ]
    return "\n".join([*_fitted(rows, width), *notes]) + "\n"


def _fitted(rows: Sequence[Row], width: int | None) -> list[str]:
    """Return the table in full, else in short with the most important columns that fit."""
    lines = _table(_COLUMNS, rows)
    if width is None or max(map(len, lines)) <= width:
        return lines
    kept = [column for column in _COLUMNS if not column.leaves]
    lines = _table(kept, rows, is_short=True)
    for extra in sorted((c for c in _COLUMNS if c.leaves), key=lambda column: -column.leaves):
        wider = [column for column in _COLUMNS if column in kept or column is extra]
        more = _table(wider, rows, is_short=True)
        if max(map(len, more)) <= width:
            kept, lines = wider, more
    return lines


def _table(columns: Iterable[_Column], rows: Sequence[Row], *, is_short: bool = False) -> list[str]:
    cells = [column.cells(rows, is_short=is_short) for column in columns]
    return [_GAP.join(line).rstrip() for line in zip(*cells, strict=True)]


def render_json(rows: Iterable[Row]) -> str:
    """Return the rows as JSON, in SI base units."""
    return json.dumps({"schema_version": json.SCHEMA_VERSION, "devices": [row.to_dict() for row in rows]})


def render_csv(rows: Sequence[Row]) -> str:
    """Return a header and a line per row, called as the keys of the JSON; lists are separated by spaces."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0].to_dict())
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row.to_dict().values()])
    return out.getvalue()


def _csv_cell(value: object) -> object:
    text = " ".join(value) if isinstance(value, list) else value
    return spreadsheet(text) if isinstance(text, str) else text


def render_markdown(rows: Iterable[Row]) -> str:
    """Return a table with a row per device."""
    body = [[markdown_code(column.cell(row)) for column in _COLUMNS] for row in rows]
    lines = [[column.title for column in _COLUMNS], ["---"] * len(_COLUMNS), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
