"""Read what options say: NAME=N, NAME=AxBxC, NAME=FROM..TO."""

from __future__ import annotations

from collections.abc import Iterable

from feasibility.errors import UsageError
from feasibility.views import vary

_MAX_DIGITS = 18  # sizes are 64-bit integers in ONNX
_RANGE = ".."


def parse_dims(texts: Iterable[str]) -> dict[str, int]:
    """Read `name=N` pairs."""
    dims: dict[str, int] = {}
    for given in texts:
        name, _, size = given.rpartition("=")
        if not name or not _is_size(size):
            msg = f"--dim {given!r} is not a name and a whole number"
            raise UsageError(msg, hint="write it like --dim batch=1")
        if dims.setdefault(name, int(size)) != int(size):
            msg = f"--dim {name!r} is given twice, as {dims[name]} and {size}"
            raise UsageError(msg)
    return dims


def parse_inputs(texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Read `name=1x3x224x224` shapes."""
    inputs: dict[str, tuple[int, ...]] = {}
    for given in texts:
        name, _, sizes = given.rpartition("=")
        if not name or not all(map(_is_size, sizes.split("x"))):
            msg = f"--input {given!r} is not a name and sizes with x between them"
            raise UsageError(msg, hint="write it like --input image=1x3x224x224")
        shape = tuple(map(int, sizes.split("x")))
        if inputs.setdefault(name, shape) != shape:
            msg = f"--input {name!r} is given twice"
            raise UsageError(msg)
    return inputs


def parse_vary(given: str) -> tuple[str, tuple[int, ...]]:
    """Read `name=FROM..TO` (doublings), `name=FROM..TO:STEP` or `name=1,8,64`."""
    name, _, said = given.rpartition("=")
    values = _span(said) if _RANGE in said else _list(said)
    if not name or values is None:
        msg = f"--vary {given!r} is not a name and values"
        hint = "write it like --vary sequence=16..2048, sequence=16..128:16 or sequence=1,8,64"
        raise UsageError(msg, hint=hint)
    return name, values


def _list(text: str) -> tuple[int, ...] | None:
    sizes = text.split(",")
    return tuple(map(int, sizes)) if all(map(_is_size, sizes)) else None


def _span(text: str) -> tuple[int, ...] | None:
    ends, has_step, step = text.partition(":")
    first, _, last = ends.partition(_RANGE)
    if not (_is_size(first) and _is_size(last) and (_is_size(step) or not has_step)):
        return None
    if has_step:
        return vary.steps(int(first), int(last), int(step))
    return vary.doublings(int(first), int(last))


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
