"""Read every format strictly, and hold it to have nothing active in it and no control byte."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from junitparser import JUnitXml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from feasibility.report.gate_markdown import MARKER
from tests.report.sarif_schema import valid_run
from tests.runner import Command, commands

# controls, formats, surrogates, private use, not assigned (Unicode, general categories)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_RUNNER_KNOWS = frozenset(
    {
        "##[", "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice",
        "remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning",
        "internal-set-repo-path",
    }
)  # fmt: skip
_OWN_HTML = re.compile(rf"{re.escape(MARKER)}|</details>|<details><summary>\d+ budgets? holds?</summary>")
# what GitHub looks for in the text of a finished page
_FOUND_BY_GITHUB = re.compile(r"https?:|www\.|@\w|(?:^|\W|\w)#\d|\bGH-\d|:[\w+]+:|\$", re.IGNORECASE)
_NO_MARKUP = frozenset(
    {"link_open", "image", "em_open", "s_open", "fence", "code_block", "hr", "blockquote_open"}
)
_FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
_NO_ATTRIBUTE = re.compile(r"on\w*|href|src|srcset|action|formaction|data|poster|background|id|xlink:href")
_NO_TAG = frozenset(
    {"script", "img", "iframe", "object", "embed", "a", "link", "meta", "base", "form", "svg"}
)
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"


def shows_only_text(output: str) -> None:
    """Hold an output to characters that are seen, and newlines."""
    hidden = {c for c in output if c != "\n" and unicodedata.category(c) in _HIDDEN}
    assert not hidden, sorted(map(ascii, hidden))


def asks_nothing_of_the_runner(output: str) -> None:
    """Hold every line of a log to be none that a runner of GitHub Actions obeys."""
    assert not {found.name.lower() for found in commands(output)} & _RUNNER_KNOWS


def read_text(output: str) -> None:
    """Hold text to end in a newline, and its lines in no blank."""
    assert output.endswith("\n")


def read_json(output: str) -> None:
    """Hold JSON to be ASCII that a strict parser takes."""
    assert output.isascii()
    json.loads(output, parse_constant=_refuse)


def _refuse(name: str) -> None:
    msg = f"{name} is no JSON"
    raise ValueError(msg)


def read_markdown(output: str) -> None:
    """Hold Markdown to have no HTML but our own, no link, no image, and nothing that GitHub would act on."""
    for token in _tokens(MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(output)):
        assert token.type not in _NO_MARKUP, token
        if token.type in {"html_block", "html_inline"}:
            assert all(_OWN_HTML.fullmatch(line) for line in token.content.splitlines()), token.content
        if token.type == "text":
            assert not _FOUND_BY_GITHUB.search(token.content), token.content

    _has_whole_rows(output)


def _has_whole_rows(output: str) -> None:
    """Hold the rows of each table to as many cells as its head has, by the pipes that nothing escapes."""
    for block in re.findall(r"(?:^\|.*\n)+", output, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}) == 1, block


def _tokens(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _tokens(token.children or [])


def read_csv(output: str) -> None:
    """Hold CSV to rows of one length, without a cell that a spreadsheet computes."""
    rows = list(csv.reader(output.splitlines(), strict=True))
    assert len({len(row) for row in rows}) == 1
    assert not [cell for row in rows for cell in row if cell.lstrip(" ").startswith(_FORMULA)]


def read_junit(output: str) -> None:
    """Hold JUnit to be XML that expat and junitparser read, of the elements that we write."""
    root = ET.fromstring(output)  # noqa: S314 (our own)
    assert {each.tag for each in root.iter()} <= {
        "testsuites", "testsuite", "testcase", "failure", "skipped", "system-out",
    }  # fmt: skip
    assert [case for suite in JUnitXml.fromstring(output.encode()) for case in suite]


def read_sarif(output: str) -> None:
    """Hold SARIF to its schema, and its addresses to be relative."""
    read_json(output)
    for text in _strings(json.loads(output)):
        shows_only_text(text)
    for result in valid_run(output)["results"]:
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"(?:[\w.~/-]|%[0-9A-F]{2})*", uri)
        assert not uri.startswith(("/", ".."))
        assert not re.search(r"(?<!\\)\]\(", result["message"]["text"])


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for part in pair for text in _strings(part))
    elif isinstance(value, list):
        yield from (text for part in value for text in _strings(part))


def read_github(output: str) -> list[Command]:
    """Hold each line to be an annotation of ours, and return them."""
    found = commands(output)
    assert len(found) == len(output.splitlines())
    assert {each.name for each in found} <= {"error", "warning", "notice"}
    assert all(set(each.properties) <= {"file", "line", "col", "title"} for each in found)
    assert all("\n" not in each.data for each in found)
    return found


class _Page(HTMLParser):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Hold a tag to do nothing."""
        assert tag not in _NO_TAG, tag
        assert not [name for name, _ in attrs if _NO_ATTRIBUTE.fullmatch(name)], attrs
        assert all("url(" not in (value or "") for _, value in attrs), attrs

    def handle_comment(self, data: str) -> None:
        """Hold a page to have no comment."""
        raise AssertionError(data)


def read_html(output: str) -> None:
    """Hold a page to have no script, no handler, no address and no comment."""
    page = _Page()
    page.feed(output)
    page.close()


def read_svg(output: str) -> None:
    """Hold a figure to be XML that draws and does nothing else."""
    for element in ET.fromstring(output).iter():  # noqa: S314 (our own)
        tag = str(element.tag)
        assert tag not in {f"{_SVG}{name}" for name in ("script", "a", "image", "foreignObject", "animate")}
        assert not [name for name in element.keys() if name.lower().startswith("on")]  # noqa: SIM118 (an Element)
        assert (element.get(_XLINK) or "#").startswith("#")


READERS: Mapping[str, Callable[[str], object]] = {
    "text": read_text,
    "json": read_json,
    "markdown": read_markdown,
    "csv": read_csv,
    "junit": read_junit,
    "sarif": read_sarif,
    "html": read_html,
    "svg": read_svg,
}


def read(output: str, form: str) -> None:
    """Hold an output to its format, to text that is seen, and to ask nothing of a runner."""
    shows_only_text(output)
    if form == "github":
        read_github(output)
        return
    asks_nothing_of_the_runner(output)
    READERS[form](output)
