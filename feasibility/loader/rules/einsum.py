"""Find what an Einsum writes: onnx's own rule hangs on hostile equations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feasibility.loader.rules.common import Rule, broadcast, given, join, known
from feasibility.loader.types import Call, Dims, Type


def einsum_dims(equation: str, shapes: Sequence[Dims]) -> Dims:
    """Return the output shape of an Einsum; raise ValueError on an equation that is not one."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        msg = f"{len(terms)} terms for {len(shapes)} inputs"
        raise ValueError(msg)
    sizes: dict[str, int | None] = {}
    ellipsis: list[Dims] = []
    for term, dims in zip(terms, shapes, strict=True):
        ellipsis.append(_label(term, dims, sizes))
    output = right if arrow else _implicit_output(left)
    head, dots, tail = output.partition("...")
    batch = broadcast(*ellipsis) if dots else ()
    return (*(sizes[c] for c in head), *batch, *(sizes[c] for c in tail))


def _label(term: str, dims: Dims, sizes: dict[str, int | None]) -> Dims:
    """Match a term's letters with a shape; return what the ellipsis covers."""
    head, dots, tail = term.partition("...")
    covered = len(dims) - len(head) - len(tail)
    if (head + tail and not (head + tail).isalpha()) or covered < 0 or (covered and not dots):
        msg = f"term {term[:64]!r} does not fit a rank of {len(dims)}"
        raise ValueError(msg)
    letters = (*zip(head, dims, strict=False), *zip(tail, dims[len(head) + covered :], strict=True))
    for letter, size in letters:
        sizes[letter] = join((sizes.get(letter, 1), size))
    return dims[len(head) : len(head) + covered]


def _implicit_output(left: str) -> str:
    """Without an arrow: the ellipsis, then the letters that occur once, sorted (ONNX Einsum-12)."""
    letters = left.replace(",", "").replace("...", "")
    once = sorted(c for c in set(letters) if letters.count(c) == 1)
    return ("..." if "..." in left else "") + "".join(once)


def einsum(call: Call) -> Sequence[Type]:
    """Return the type of an Einsum's output; raise ValueError on an equation that is not one."""
    equation = call.attribute("equation", "")
    shapes = [known(call, n) for n in range(len(call.inputs))]
    if not isinstance(equation, str):
        raise TypeError
    return (Type(given(call, 0).elem, einsum_dims(equation, shapes)),)


RULES: Mapping[str, Rule] = {"Einsum": einsum}
