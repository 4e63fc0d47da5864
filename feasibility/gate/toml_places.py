"""Find the lines of keys in a TOML file, which the standard library's parser does not tell.

It looks at headers and at keys that begin a line or follow { or a comma; where a file is
written in another way, the place of the nearest table above stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from feasibility.profiles.strict_yaml import Location, Place

_HEADER = re.compile(r"\s*(?P<open>\[\[?)(?P<path>[^\[\]]+)\]")
_KEY = re.compile(
    r"""(?:^|[{,])\s*(?P<key>(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*="""
)
_PART = re.compile(r"""\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[A-Za-z0-9_-]+))\s*\.?""")


def places(text: str) -> dict[Location, Place]:
    """Return the place of each header and key, by its path of keys and indices."""
    found: dict[Location, Place] = {}
    table: Location = ()
    counts: dict[Location, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header is None:
            for location, column in _keys(line):
                found.setdefault((*table, *location), Place(number, column))
            continue
        table = _table(_parts(header["path"]), counts, is_array=header["open"] == "[[")
        found.setdefault(table, Place(number, header.start("open") + 1))
    return found


def _parts(text: str) -> Location:
    found = (match["double"] or match["single"] or match["bare"] for match in _PART.finditer(text))
    return tuple(part for part in found if part is not None)


def _table(path: Location, counts: dict[Location, int], *, is_array: bool) -> Location:
    """Return where a header stands, each array of tables at its last index."""
    location: Location = ()
    for depth, part in enumerate(path, start=1):
        location = (*location, part)
        if is_array and depth == len(path):
            counts[location] = counts.get(location, -1) + 1
        if location in counts:
            location = (*location, counts[location])
    return location


def _keys(line: str) -> Iterator[tuple[Location, int]]:
    """Yield the keys of a line: the first one, and those of the inline tables that it opens."""
    above: list[Location] = [()]
    last: Location = ()
    position = 0
    for match in _KEY.finditer(line):
        between = line[position : match.start("key")]
        deeper = between.count("{") - between.count("}")
        above += [last] * deeper  # none where it is negative
        del above[max(1, len(above) + min(0, deeper)) :]
        last = (*above[-1], *_parts(match["key"]))
        position = match.end()
        yield last, match.start("key") + 1
