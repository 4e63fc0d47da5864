"""Make text from a model or a file harmless in each sink: terminal, Markdown and spreadsheet.

JSON needs little of its own: `json.dumps` escapes what is not ASCII.
"""

from __future__ import annotations

import re

_BYTE = 0xFF
_BASIC_PLANE = 0xFFFF
_LEFT_OUT = "... ({:,} characters left out)"
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!@])")
# what makes a spreadsheet compute a cell, full-width forms too (OWASP, CSV injection)
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BACKTICKS = re.compile(r"`+")
# What a runner of GitHub Actions obeys in a log (actions/runner, ActionCommand.cs): `##[name]` anywhere in
# a line, and `::name` at its start, which may be at any word, and for a name it knows inside one: texts wrap.
_COMMANDS = (
    "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group",
    "internal-set-repo-path", "notice", "remove-matcher", "save-state", "set-env", "set-output",
    "stop-commands", "warning",
)  # fmt: skip
_RUNNER = re.compile(rf"#(?=#\[)|(?<!\S):(?=:)|:(?=:(?:{'|'.join(_COMMANDS)})(?:[ :]|$))", re.IGNORECASE)
# What GitHub makes of plain words, escaped or not (github/cmark-gfm, issue 181): links, mentions, references,
# emoji, formulas
_ACTIVE_WORD = re.compile(r"://|www\.|@|\bgh-\d|#\w|:[\w+-]+:|\$", re.IGNORECASE)
_LIST_MARKER = re.compile(r"^(\d*)([-+=.)])(?=[-= ]|$)")


def printable(text: str) -> str:
    """Return the text with every control, format and lone surrogate character written out.

    Colours, newlines, bidirectional overrides and zero-width characters are all
    among those that Python calls not printable. So is the first character of what
    a runner of GitHub Actions would take for a command.
    """
    shown = text if text.isprintable() else "".join(map(_written_out, text))
    return _RUNNER.sub(lambda found: f"\\x{ord(found[0]):02x}", shown)


def clipped(text: str, most: int) -> str:
    """Return the text, or as much of it as leaves room to say how much is left out."""
    if len(text) <= most:
        return text
    kept = max(0, most - len(_LEFT_OUT.format(len(text))))
    return text[:kept] + _LEFT_OUT.format(len(text) - kept)


def _written_out(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code <= _BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _BASIC_PLANE else f"\\U{code:08x}"


def markdown_prose(text: str) -> str:
    """Return the text with every character that Markdown reads as markup escaped.

    A word that GitHub would make a link, a mention or a formula is a code span: it
    looks for those in the finished page, where no backslash is left.
    """
    words = printable(text).strip().split(" ")
    return _LIST_MARKER.sub(r"\1\\\2", " ".join(map(_prose_word, words)))


def _prose_word(word: str) -> str:
    if _ACTIVE_WORD.search(word):
        return markdown_code(word)
    return _MARKDOWN_SPECIAL.sub(r"\\\1", word)


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
