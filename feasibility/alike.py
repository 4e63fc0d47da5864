"""Find what was probably meant by a name that does not exist."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice

_MAX_NAME = 100  # characters of a name that are compared
_MAX_ENTRIES = 1_000  # of a folder that are looked at


def closest(name: str, names: Iterable[str]) -> str | None:
    """Return the most alike of the names, None where none is."""
    from difflib import get_close_matches  # noqa: PLC0415 (for mistakes only)

    return next(iter(get_close_matches(name[:_MAX_NAME], list(names), n=1)), None)


def beside(path: str, suffixes: tuple[str, ...]) -> str | None:
    """Return the file beside a path that does not exist whose name is the most alike, None where none is."""
    folder, name = os.path.split(path)
    try:
        with os.scandir(folder or os.curdir) as entries:
            found = (entry.name for entry in islice(entries, _MAX_ENTRIES))
            names = sorted(each for each in found if each.endswith(suffixes))
    except (OSError, ValueError):
        return None
    near = closest(name, names)
    return os.path.join(folder, near) if near else None  # noqa: PTH118 (as it was written)


def meant(name: str, names: Iterable[str], known: str) -> str:
    """Return the hint that asks for the most alike name, before what is known."""
    near = closest(name, names)
    return f"did you mean {near!r}? {known}" if near else known
