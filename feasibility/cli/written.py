"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from feasibility.errors import UsageError

STDOUT = "-"


def check_writable(path: str) -> None:
    """Raise UsageError for a file that cannot be written, before anything is worked out for it."""
    if path == STDOUT:
        return
    folder = Path(path).parent
    if "\0" in path or not folder.is_dir():
        msg = f"{path!r} cannot be written: there is no folder {str(folder)!r}"
        raise UsageError(msg, hint="make the folder first")
    if Path(path).is_dir():
        msg = f"{path!r} is a folder"
        raise UsageError(msg, hint="name a file in it")
    if not os.access(folder, os.W_OK):
        msg = f"{path!r} cannot be written: the folder {str(folder)!r} is not yours to write to"
        raise UsageError(msg)


def write(path: str, content: bytes) -> None:
    """Put a file in place in one step; what was there stays where that fails."""
    check_writable(path)
    target = Path(path)
    if target.exists() and not target.is_file():  # /dev/stderr, a pipe
        target.write_bytes(content)
        return
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(name, 0o666 & ~_umask())  # noqa: PTH101 (as `open` would have made it)
        os.replace(name, target)  # noqa: PTH105 (a string)
    except OSError as error:
        with contextlib.suppress(OSError, UnboundLocalError):
            os.unlink(name)  # noqa: PTH108 (as above)
        msg = f"{path!r} cannot be written: {error.strerror}"
        raise UsageError(msg) from None


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
