"""Name the config file of a gate as tools name files: from the top of the checkout."""

from __future__ import annotations

from pathlib import PurePath

_UP = ".."


def repository_path(config: str, root: PurePath | None = None) -> str:
    """Return the path below the checkout, with slashes and without `.` and `..`.

    An absolute path is told from `root` where it is below it. Elsewhere nobody knows the
    way from the checkout, and no path of a machine is for a report: the name of the file
    remains of an absolute path, and of one that climbs what it descends to.
    """
    path = PurePath(config)
    if path.is_absolute():
        below = root is not None and path.is_relative_to(root)
        path = path.relative_to(root) if root is not None and below else PurePath(path.name)
    return "/".join(_normal(path.parts))


def _normal(parts: tuple[str, ...]) -> list[str]:
    """Resolve each `..` against the part before it; drop what has none."""
    kept: list[str] = []
    for part in parts:
        if part == _UP:
            del kept[-1:]
        else:
            kept.append(part)
    return kept
