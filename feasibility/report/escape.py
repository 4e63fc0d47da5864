"""Make text from a model or a file harmless in each sink: terminal, Markdown and spreadsheet.

JSON needs nothing of its own: `json.dumps` escapes what is not ASCII.
"""

from __future__ import annotations

import re

_BYTE = 0xFF
_BASIC_PLANE = 0xFFFF
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!@])")
# what makes a spreadsheet compute a cell, full-width forms too (OWASP, CSV injection)
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BACKTICKS = re.compile(r"`+")


def printable(text: str) -> str:
    """Return the text with every control, format and lone surrogate character written out.

    Colours, newlines, bidirectional overrides and zero-width characters are all
    among those that Python calls not printable.
    """
    return text if text.isprintable() else "".join(map(_written_out, text))


def _written_out(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code <= _BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _BASIC_PLANE else f"\\U{code:08x}"


def markdown_prose(text: str) -> str:
    """Return the text with every character that Markdown reads as markup escaped."""
    return _MARKDOWN_SPECIAL.sub(r"\\\1", printable(text))


def markdown_code(text: str) -> str:
    """Return a code span, fit for a table cell, that shows the text as it is."""
    shown = printable(text).replace("|", "\\|")
    longest = max((len(run) for run in _BACKTICKS.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if longest or not shown.strip() else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def spreadsheet(text: str) -> str:
    """Return the text with an apostrophe before what a spreadsheet would take as a formula."""
    shown = printable(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
