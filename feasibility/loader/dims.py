"""Give free input dimensions a size: the caller's, an expression of others, or a named default."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import count, takewhile
from typing import cast

from feasibility.alike import meant
from feasibility.errors import UsageError

MAX_EXPRESSION = 256  # characters
MAX_PARENTHESES = 16  # so that evaluating them stays within Python's stack
MAX_DIM = 2**40  # elements along one axis; beyond it a size is a mistake or an attack
SEQUENCE_DEFAULT = 128  # tokens
IMAGE_DEFAULT = 224  # pixels, the input of ImageNet classifiers
BATCH_DEFAULT = 1
_CHANNELS = (1, 3, 4)  # grey, RGB, RGBA: what makes a rank-4 input an image
_IMAGE_RANK = 4

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*(?:[.\-:][A-Za-z_]\w*)*)|(?P<number>\d+)|(?P<sign>//|[-+*/()]))"
)

# (pattern over the lower-cased name, size); the first that matches counts
_BY_NAME = (
    (re.compile(r"batch|^(n|b|bs|bsz)$"), BATCH_DEFAULT),
    (re.compile(r"seq|token|length|(^|_)len($|_)|^(s|t|l)$"), SEQUENCE_DEFAULT),
    (re.compile(r"height|width|image_size|img_size|^(h|w)$"), IMAGE_DEFAULT),
)


@dataclass(slots=True)
class Dimensions:
    """Collect what free dimensions were bound to, by name, and which were assumed."""

    given: Mapping[str, int]
    bound: dict[str, int] = field(default_factory=dict)
    assumed: dict[str, int] = field(default_factory=dict)
    placed: set[str] = field(default_factory=set)  # INPUT[AXIS] that were given and found
    names: frozenset[str] = frozenset()  # of all inputs, before any is bound

    def __post_init__(self) -> None:
        """Refuse sizes that no tensor has."""
        for name, size in self.given.items():
            if not 0 <= size <= MAX_DIM:  # 0 is the length of a cache before the first token
                msg = f"dimension {name!r} cannot be {size}"
                raise UsageError(msg, hint="give a size that a tensor has, like --dim batch=1")

    def bind(self, name: str, axis: int, shape: tuple[int | str | None, ...]) -> int:
        """Return the size of a free dimension; `shape` is its tensor's, with the free ones as names."""
        if name in self.given or name in self.bound:
            self.bound[name] = self.given.get(name, self.bound.get(name, 0))
            return self.bound[name]
        parts = parse(name)
        if parts is not None and len(parts) > 1 and _evaluate(parts, lambda _: _PROBE) is not None:
            size = _evaluate(parts, lambda part: self.bind(part, axis, shape))
            if size is not None and 0 <= size <= MAX_DIM:
                self.bound[name] = size
                return size
        total = self._total(name, axis, shape)
        self.bound[name] = self.assumed[name] = total or default_size(name, axis, shape)
        return self.bound[name]

    def _total(self, name: str, axis: int, shape: tuple[int | str | None, ...]) -> int | None:
        """Return past + new for a total length that nobody gave, where the inputs have both by name."""
        new = name.removeprefix("total_")
        parts = (f"past_{new}", new)
        if new == name or new.startswith("total_") or not self.names.issuperset(parts):
            return None
        return sum(self.bind(part, axis, shape) for part in parts)

    def place(self, tensor: str, shape: tuple[int | str, ...] | None) -> tuple[int | str, ...] | None:
        """Apply sizes given by position, as INPUT[AXIS]; return the shape where none is declared.

        Raise UsageError for a size that contradicts the file or another position.
        """
        if shape is None:
            known = tuple(takewhile(lambda size: size is not None, map(self._at(tensor), count())))
            self.placed.update(f"{tensor}[{axis}]" for axis in range(len(known)))
            return cast("tuple[int, ...]", known) or None
        for axis, stated in enumerate(shape):
            size = self._at(tensor)(axis)
            if size is not None:
                self.placed.add(f"{tensor}[{axis}]")
                self._check_place(tensor, axis, size, self.bound.get(str(stated), stated))
                if isinstance(stated, str):
                    self.bound[stated] = size
        return shape

    def _at(self, tensor: str) -> Callable[[int], int | None]:
        return lambda axis: self.given.get(f"{tensor}[{axis}]")

    @staticmethod
    def _check_place(tensor: str, axis: int, size: int, stated: int | str) -> None:
        if isinstance(stated, int) and stated != size:
            msg = f"input {tensor!r} has the size {stated} along axis {axis}, not {size}"
            raise UsageError(msg, hint="give the shape that the model has; free dimensions may differ")

    def check_all_used(self, others: Collection[str] = ()) -> None:
        """Refuse a given dimension that neither the inputs nor `others` have."""
        names = {*self.bound, *others}
        unused = sorted(set(self.given) - names - self.placed)
        if unused:
            known = ", ".join(repr(n) for n in sorted(names)) or "none: all its inputs have fixed shapes"
            msg = f"the model has no free dimension {unused[0]!r}"
            raise UsageError(msg, hint=meant(unused[0], names, f"its free dimensions are {known}"))

    def sentences(self) -> tuple[str, ...]:
        """Say each assumption as NAME=SIZE."""
        return tuple(f"{name}={size}" for name, size in self.assumed.items())


def default_size(name: str, axis: int, shape: tuple[int | str | None, ...]) -> int:
    """Choose the size of a dimension that nobody gave."""
    lowered = name.lower()
    by_name = next((size for pattern, size in _BY_NAME if pattern.search(lowered)), None)
    if by_name is not None:
        return by_name
    if len(shape) == _IMAGE_RANK:
        channels_first = shape[1] in _CHANNELS and axis in {2, 3}
        channels_last = shape[3] in _CHANNELS and axis in {1, 2}
        if channels_first or channels_last:
            return IMAGE_DEFAULT
    return BATCH_DEFAULT


def parse(text: str) -> tuple[str, ...] | None:
    """Split a dimension expression into tokens; None when it is not one."""
    if len(text) > MAX_EXPRESSION or text.count("(") > MAX_PARENTHESES:
        return None
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            return None
        tokens.append(match.group().strip())
        at = match.end()
    return tuple(tokens)


_PROBE = 2**20  # stands for any size while the grammar of an expression is checked

_OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.floordiv, "//": operator.floordiv,
}  # fmt: skip


def _evaluate(tokens: tuple[str, ...], lookup: Callable[[str], int]) -> int | None:
    """Evaluate names, integers, + - * / and parentheses; None when malformed."""
    rest = list(reversed(tokens))

    def total(operators: tuple[str, ...], operand: Callable[[], int]) -> int:
        left = operand()
        while rest and rest[-1] in operators:
            left = _OPERATORS[rest.pop()](left, operand())
        return left

    def atom() -> int:
        token = rest.pop()
        if token == "(":  # noqa: S105 (a parenthesis)
            inner = expression()
            if rest.pop() != ")":
                raise ValueError(token)
            return inner
        if token.isdigit():
            return int(token)
        if not (token[0].isalpha() or token[0] == "_"):
            raise ValueError(token)
        return lookup(token)

    def expression() -> int:
        return total(("+", "-"), lambda: total(("*", "/", "//"), atom))

    try:
        value = expression()
    except (ValueError, IndexError, ZeroDivisionError):
        return None
    return None if rest else value
