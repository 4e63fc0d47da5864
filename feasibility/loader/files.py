"""Open what a user names as bytes to slice, without ever blocking or changing anything."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from feasibility.alike import beside
from feasibility.errors import ModelError
from feasibility.loader import kinds
from feasibility.loader.wire import Buffer

STDIN = "-"
MAX_PIPED_BYTES = 2**31 - 1  # what one protobuf message may have; a file on disk has no such limit here
_PIECE_BYTES = 2**20

# A named pipe blocks whoever opens it; these flags, where the platform has them, prevent that.
_OPEN_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
)
_NOT_A_FILE = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


class File:
    """A file on disk that is read where it is sliced."""

    def __init__(self, file: BinaryIO) -> None:
        """Take an open file; its size is what it has now."""
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        """Return the bytes of a slice without step; fewer where the file has shrunk."""
        start, stop, _ = part.indices(self._size)
        self._file.seek(start)
        return self._file.read(max(0, stop - start))  # a buffered file reads until it has all, or the end


@contextmanager
def opened(path: str) -> Iterator[Buffer]:
    """Give the bytes of a regular file or, for "-", of standard input; raise ModelError."""
    if path == STDIN:
        yield b"".join(piped())
        return
    url = kinds.of_url(path)
    if url is not None:
        msg = f"{path!r} is {url.what}"
        raise ModelError(msg, hint=url.hint)
    try:
        descriptor = _open(path)
    except ModelError:
        raise
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    with os.fdopen(descriptor, "rb") as file:
        try:
            yield File(file)
        except OSError as error:
            raise _unreadable(path, error) from None


def _open(path: str) -> int:
    """Open a regular file; refuse everything that would block or act."""
    _refuse_special(path, os.stat(path).st_mode)  # noqa: PTH116 (Path("") is the current folder)
    descriptor = os.open(path, _OPEN_FLAGS)
    try:  # the path may have changed hands in between
        _refuse_special(path, os.fstat(descriptor).st_mode)
    except ModelError:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_special(path: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        kind = kinds.of_folder(path)
        msg = f"{path!r} is {kind.what}, not a file"
        raise ModelError(msg, hint=kind.hint)
    for test, name in _NOT_A_FILE:
        if test(mode):
            msg = f"{path!r} is {name}, not a file"
            raise ModelError(msg, hint="pipe the model in: feasible - < FILE")


def _unreadable(path: str, error: OSError | ValueError) -> ModelError:
    """Say why a path cannot be read."""
    if not isinstance(error, OSError):
        return ModelError(f"{path!r} is not a possible path ({error})", hint="check the path")
    if error.errno != errno.ENOENT:
        return ModelError(f"cannot read {path!r}: {error.strerror or error}", hint="check its permissions")
    if path and Path(path).is_symlink():
        target = str(Path(path).readlink())
        return ModelError(f"{path!r} is a link to {target!r}, which does not exist", hint="check the link")
    near = beside(path, (".onnx", ".ONNX"))
    hint = f"did you mean {near!r}?" if near else kinds.neighbours(path)
    return ModelError(f"there is no file {path!r}", hint=hint)


def piped() -> Iterator[bytes]:
    """Pass on standard input in pieces; refuse a terminal, which would wait for typing."""
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None or stream.isatty():
        raise ModelError("standard input holds no model", hint="pipe one in: feasible - < model.onnx")
    left = MAX_PIPED_BYTES
    while piece := stream.read(min(_PIECE_BYTES, left + 1)):
        left -= len(piece)
        if left < 0:
            msg = f"standard input gives more than {MAX_PIPED_BYTES:,} bytes, protobuf's limit"
            raise ModelError(msg, hint="save it to a file and pass the path, which has no such limit")
        yield piece
