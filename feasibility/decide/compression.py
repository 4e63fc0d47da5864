"""Say how far a compressor shrinks weights on their way to users: by what is typical, or by a sample."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from feasibility.alike import meant
from feasibility.errors import UsageError
from feasibility.profiles.models import Precision

Method = Literal["gzip", "zstd", "br"]
METHODS: tuple[Method, ...] = get_args(Method)

_BLOCK_BYTES = 2**20
_BLOCKS = 16  # of a file that are compressed, evenly apart
_INCOMPRESSIBLE = 1.0

# Compressed share of the bytes: the median of six trained models (MiniLM, Magika, Silero VAD, three of
# PP-OCRv4), gzip 9, zstd 19, brotli 9, by tools/measure_compression.py, 2026-11-27. All six: floats 0.79 to
# 0.93, halves 0.86 to 0.93, int8 0.81 to 0.95. Packed 4-bit weights were not measured: incompressible.
_TYPICAL: Mapping[str, Mapping[Method, float]] = {
    "fp32": {"gzip": 0.926, "zstd": 0.925, "br": 0.924},
    "fp16": {"gzip": 0.924, "zstd": 0.920, "br": 0.919},
    "int8": {"gzip": 0.891, "zstd": 0.891, "br": 0.885},
}
_LIKE: Mapping[str, str] = {"fp64": "fp32", "bf16": "fp16"}  # more of a bf16 is exponent: an upper bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """How a model is compressed for the download; `measured` is the share that a sample kept."""

    method: Method
    measured: float | None = None

    def share(self, precision: Precision) -> float:
        """Return the compressed share of weights of this width."""
        if self.measured is not None:
            return self.measured
        known = _TYPICAL.get(_LIKE.get(precision, precision))
        return _INCOMPRESSIBLE if known is None else known[self.method]

    def __str__(self) -> str:
        origin = "typical" if self.measured is None else "measured"
        return f"{self.method}, {origin}"


def compression(method: str, weights: str | None) -> Compression:
    """Return the compression asked for, measured on a file of weights if one is given.

    Raise UsageError for another method, a file that cannot be read or is empty, and a compressor
    that is not installed.
    """
    for known in METHODS:
        if known == method:
            return Compression(method=known, measured=None if weights is None else _measured(known, weights))
    msg = f"{method!r} is not a compression that browsers know"
    raise UsageError(msg, hint=meant(method, METHODS, f"one of {', '.join(METHODS)}"))


def _measured(method: Method, path: str) -> float:
    """Return the compressed share of a sample of the file."""
    pack = compressor(method)
    try:
        with Path(path).open("rb") as stream:
            blocks = list(_sample(stream))
    except OSError as error:
        msg = f"the weights {path!r} cannot be read: {error.strerror}"
        raise UsageError(msg, hint="name the file that users will download") from None
    size = sum(map(len, blocks))
    if not size:
        msg = f"the weights {path!r} are empty"
        raise UsageError(msg, hint="name the file that users will download")
    return min(_INCOMPRESSIBLE, sum(len(pack(block)) for block in blocks) / size)


def _sample(stream: BinaryIO) -> Iterator[bytes]:
    size = stream.seek(0, 2)
    step = max(_BLOCK_BYTES, size // _BLOCKS)
    for start in range(0, size, step):
        stream.seek(start)
        yield stream.read(_BLOCK_BYTES)


def compressor(method: Method) -> Callable[[bytes], bytes]:
    """Return what compresses bytes; UsageError if its package is not installed."""
    if method == "gzip":
        return lambda data: zlib.compress(data, 9)
    module, make = _LIBRARIES[method]
    try:
        return make(import_module(module))
    except ImportError:
        msg = f"measuring {method} needs the package {module}, which is not installed"
        raise UsageError(msg, hint="pip install 'feasible[compress]', or leave the sample out") from None


_LIBRARIES: Mapping[Method, tuple[str, Callable[..., Callable[[bytes], bytes]]]] = {
    "zstd": ("zstandard", lambda module: module.ZstdCompressor(level=19).compress),
    "br": ("brotli", lambda module: lambda data: module.compress(data, quality=9)),
}
