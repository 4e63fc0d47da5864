"""Count Einsum of any equation: ellipsis, repeated labels, implicit output."""

from __future__ import annotations

from collections import Counter
from math import prod

from feasibility.cost import OpCost
from feasibility.errors import FeasibilityError
from feasibility.ir import Node, TensorSpec
from feasibility.ops.roles import heavy, light, move
from feasibility.ops.rules import Family

family = Family()

_ELLIPSIS = "..."
_SHOWN = 80  # characters of an equation in a message

Label = str | int  # a letter, or an axis of the ellipsis counted from the end (-1, -2, ...)
Term = tuple[Label, ...]


@family.op("Einsum")
def einsum(node: Node) -> OpCost:
    """Sum of products over labelled axes.

    Shapes:  as the equation says
    Count:   one operand: a copy, or one addition per element where a label is summed. Two: the
             product of the sizes of all labels, as fmas where a label is summed, else as plain
             multiplies. More: left to right, each result taken with the next operand, keeping
             the labels that later operands or the output need
    Ignores: a cheaper order of more than two operands
    Dtype:   of the first float operand
    Source:  ONNX Einsum-28; numpy.einsum; tests/laws compare it with a loop
    """
    operands = tuple(node.input(i) for i in range(len(node.inputs)))
    terms, output = _parse(node, operands)
    sizes = _label_sizes(node, terms, operands)
    if len(terms) == 1:
        return _single(node, terms[0], output, sizes)
    fmas, multiplies = _pairwise(terms, output, sizes)
    return heavy(node, fmas=fmas, arithmetic=multiplies) if fmas else light(node, arithmetic=multiplies)


def _single(node: Node, term: Term, output: Term, sizes: dict[Label, int]) -> OpCost:
    if set(term) <= set(output):
        return move(node)
    return light(node, arithmetic=prod(sizes[label] for label in set(term)))


def _pairwise(terms: list[Term], output: Term, sizes: dict[Label, int]) -> tuple[int, int]:
    """Return the fmas of steps that sum a label, and the multiplies of those that do not."""
    fmas = multiplies = 0
    have = set(terms[0])
    for term, needed in zip(terms[1:], _needed_after(terms, output), strict=True):
        joined = have | set(term)
        have = joined & needed
        work = prod(sizes[label] for label in joined)
        fmas, multiplies = (fmas, multiplies + work) if have == joined else (fmas + work, multiplies)
    return fmas, multiplies


def _needed_after(terms: list[Term], output: Term) -> list[set[Label]]:
    """Return, for each operand but the first, the labels that anything after it needs."""
    needed = [set(output)]
    for term in reversed(terms[2:]):
        needed.append(needed[-1] | set(term))
    return needed[::-1]


def _parse(node: Node, operands: tuple[TensorSpec, ...]) -> tuple[list[Term], Term]:
    """Return the labels of every axis of every operand, and those of the output."""
    equation = "".join(node.string("equation").split())
    left, arrow, right = equation.partition("->")
    texts = left.split(",")
    if len(texts) != len(operands):
        raise _wrong(node, f"has {len(texts)} terms for {len(operands)} operands")
    pairs = zip(texts, operands, strict=True)
    spread = [_spread(node, text, len(spec.dims)) for text, spec in pairs]
    terms = [_term(text, n) for text, n in zip(texts, spread, strict=True)]
    widest = max(spread)
    if arrow:
        _spread(node, right, len(_letters(right)) + widest * (_ELLIPSIS in right))
        return terms, _term(right, widest)
    return terms, (*_term(_ELLIPSIS, widest), *_implicit(texts))


def _letters(text: str) -> str:
    return text.replace(_ELLIPSIS, "", 1)


def _spread(node: Node, text: str, rank: int) -> int:
    """Return how many axes the ellipsis of a term stands for."""
    letters = _letters(text)
    if letters and not letters.isalpha():
        raise _wrong(node, "holds something other than letters")
    spread = rank - len(letters)
    if spread < 0 or (spread and _ELLIPSIS not in text):
        raise _wrong(node, f"does not fit an operand of rank {rank}")
    return spread


def _term(text: str, spread: int) -> Term:
    """Label every axis; those of an ellipsis count from its end, so that they broadcast."""
    before, _, after = text.partition(_ELLIPSIS)
    return (*before, *range(-spread, 0), *after)


def _implicit(texts: list[str]) -> tuple[str, ...]:
    """Return the labels that occur once, in order: the output where no arrow names it."""
    counts = Counter("".join(map(_letters, texts)))
    return tuple(sorted(letter for letter, n in counts.items() if n == 1))


def _label_sizes(node: Node, terms: list[Term], operands: tuple[TensorSpec, ...]) -> dict[Label, int]:
    sizes: dict[Label, int] = {}
    for term, spec in zip(terms, operands, strict=True):
        for label, length in zip(term, spec.dims, strict=True):
            known = sizes.get(label, 1)
            if 1 not in {known, length} and known != length:
                raise _wrong(node, f"gives label {label!r} the sizes {known} and {length}")
            sizes[label] = length if known == 1 else known
    return sizes


def _wrong(node: Node, what: str) -> FeasibilityError:
    equation = node.string("equation")
    shown = equation if len(equation) <= _SHOWN else equation[:_SHOWN] + "..."
    return FeasibilityError(f"node {node.name!r} (Einsum): the equation {shown!r} {what}")
