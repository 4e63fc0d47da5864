"""Look how large the files of weights beside a model are; a pointer of Git LFS says it of the real file."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_POINTER_BYTES = 1024  # the most that a pointer may have (git-lfs, docs/spec.md)
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\r?\n(?s:.*)\nsize (?P<size>\d{1,18})\s*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The bytes of files beside a model, and those that are not there."""

    nbytes: int = 0
    missing: tuple[str, ...] = ()


def weights_beside(model: Path, names: Sequence[str]) -> Beside:
    """Add up the files that a model names, inside its own folder; what lies elsewhere is not looked at."""
    folder = Path(os.path.realpath(model.parent))
    sizes = {name: _size(folder, name) for name in names}
    return Beside(
        nbytes=sum(size for size in sizes.values() if size is not None),
        missing=tuple(name for name, size in sizes.items() if size is None),
    )


def _size(folder: Path, name: str) -> int | None:
    """Return the bytes of a file, or those that a pointer promises; None where it is none."""
    try:
        path = Path(os.path.realpath(folder / name))
        if not path.is_relative_to(folder) or not path.is_file():
            return None
        size = path.stat().st_size
        pointer = _POINTER.fullmatch(path.read_bytes()) if size <= _POINTER_BYTES else None
    except (OSError, ValueError):
        return None
    return int(pointer["size"]) if pointer else size
