"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from feasibility.errors import UsageError

STDOUT = "-"


def check_writable(path: str) -> None:
    """Raise UsageError for a file that cannot be written, before anything is worked out for it."""
    if path == STDOUT:
        return
    target = resolved(path)
    folder = target.parent
    if not folder.is_dir():
        msg = f"{path!r} cannot be written: there is no folder {str(Path(path).parent)!r}"
        raise UsageError(msg, hint="make the folder first")
    if target.is_dir():
        msg = f"{path!r} is a folder"
        raise UsageError(msg, hint="name a file in it")
    if not os.access(folder, os.W_OK):
        msg = f"{path!r} cannot be written: the folder {str(folder)!r} is not yours to write to"
        raise UsageError(msg)


def resolved(path: str) -> Path:
    """Return the file that a path leads to through links, which stay; what is no file is its own.

    Raise UsageError where no path can be so long, hold such bytes, or run in circles.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (a string, perhaps with bytes that no path has)
    except (FileNotFoundError, NotADirectoryError):
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:
        msg = f"{path!r} cannot be written: {getattr(error, 'strerror', None) or error}"
        raise UsageError(msg) from None
    is_plain = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
    return Path(os.path.realpath(path) if is_plain else path)


def write(path: str, content: bytes) -> None:
    """Put a file in place in one step; what was there stays where that fails."""
    check_writable(path)
    target = resolved(path)
    try:
        if target.exists() and not target.is_file():  # a terminal, a pipe
            target.write_bytes(content)
        else:
            _replace(target, content)
    except OSError as error:
        msg = f"{path!r} cannot be written: {error.strerror}"
        raise UsageError(msg) from None


def _replace(target: Path, content: bytes) -> None:
    """Write beside the file, then put that in its place."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".feasible.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(name, 0o666 & ~_umask())  # noqa: PTH101 (as `open` would have made it)
        os.replace(name, target)  # noqa: PTH105 (a string)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 (as above)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
