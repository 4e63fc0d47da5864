"""Break text into lines: in titles rather after a comma, never between a number or device and its unit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

NO_BREAK = "\u00a0"  # `printable` leaves none, so each one found later was put in here
_CLOSE = re.compile(r"(?<=\d) (?=[A-Za-z%])|(?<=\S) (?=[cgn]pu\b)")  # 12 GB/s, m1 gpu
_PAUSES = (",", ":", ";")
_LEANING = frozenset({"a", "against", "for", "into", "needs", "of", "on", "over"})  # on what follows
_TORN = 0.04  # what a line that ends within a phrase costs, beside the squared share of it that is empty
_HANGING = 0.2  # what one costs that ends with a word that leans on the next


class _Broken(NamedTuple):
    """Where lines start, and what they cost."""

    cost: float
    starts: tuple[int, ...]


def filled(text: str, columns: int) -> str:
    """Return text in lines, each as full as it gets."""
    lines: list[str] = []
    for word in _words(text, columns):
        if lines and len(lines[-1]) + 1 + len(word) <= columns:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines).replace(NO_BREAK, " ")


def balanced(text: str, columns: int) -> str:
    """Return text in as few lines as it takes, alike in length, that rather end where a reader pauses."""
    words = list(_words(text, columns))
    count = len(filled(text, columns).splitlines())
    best = {0: _Broken(0.0, ())}  # by the words that are set, all in the lines so far
    for _ in range(count):
        best = _one_more_line(best, words, columns)
    starts = best[len(words)].starts
    lines = (words[a:b] for a, b in pairwise((*starts, len(words))))
    return "\n".join(map(" ".join, lines)).replace(NO_BREAK, " ")


def _one_more_line(best: Mapping[int, _Broken], words: Sequence[str], columns: int) -> dict[int, _Broken]:
    """Return the cheapest way to each word that a further line may end with."""
    found: dict[int, _Broken] = {}
    for start, before in best.items():
        for end in range(start + 1, len(words) + 1):
            cost = before.cost + _cost(words[start:end], columns, is_last=end == len(words))
            if cost == inf:
                break
            way = _Broken(cost, (*before.starts, start))
            found[end] = min(way, found.get(end, way))
    return found


def _words(text: str, columns: int) -> Iterator[str]:
    """Yield what is not broken; a word that no line holds is, wherever the line ends."""
    for word in _CLOSE.sub(NO_BREAK, text).split(" "):
        for start in range(0, len(word), columns):
            yield word[start : start + columns]


def _cost(words: Sequence[str], columns: int, *, is_last: bool) -> float:
    """Rate a line: the emptier, the worse."""
    length = sum(map(len, words)) + len(words) - 1
    if length > columns:
        return inf
    return (1 - length / columns) ** 2 + (0.0 if is_last else _break_cost(words[-1]))


def _break_cost(word: str) -> float:
    if word in _LEANING:
        return _HANGING
    return 0.0 if word.endswith(_PAUSES) else _TORN
