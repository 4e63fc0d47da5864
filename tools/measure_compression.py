"""Measure how far general compressors shrink trained weights, at three widths.

    pip install 'feasible[compress]'; python -m tools.measure_compression FILE...    (.onnx or .safetensors)

Of each file's float32 tensors of 1,024 elements and more, up to 8 MiB of floats: as they are, as halves, and
as int8 (symmetric, one scale for each row). The figures are the compressed share of the bytes, as in
feasibility/decide/compression.py: gzip 9, zstd 19, brotli 9.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from feasibility.decide.compression import METHODS, compressor

Floats = NDArray[np.float32]

SAMPLE = 2**21  # floats of a file: 8 MiB
SMALLEST = 1024


def onnx_tensors(path: Path) -> Iterator[Floats]:
    """Yield the weights of an ONNX file, those of Constant nodes too."""
    graph = onnx.load(str(path)).graph
    constants = (a.t for node in graph.node if node.op_type == "Constant" for a in node.attribute)
    for tensor in (*graph.initializer, *constants):
        if tensor.data_type == onnx.TensorProto.FLOAT:
            yield onnx.numpy_helper.to_array(tensor)


def safetensors(path: Path) -> Iterator[Floats]:
    """Yield the weights of a safetensors file: a length, a JSON header, the bytes."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            first, last = entry["data_offsets"]
            found = np.frombuffer(data[start + first : start + last], dtype="<f4")
            yield found.reshape(entry["shape"])


def int8(tensor: Floats) -> bytes:
    """Quantise symmetrically, one scale for each row."""
    rows = tensor.reshape(tensor.shape[0], -1)
    scales = np.abs(rows).max(axis=1, keepdims=True) / 127
    found: NDArray[np.int8] = np.round(rows / np.maximum(scales, 1e-30)).astype(np.int8)
    return found.tobytes()


def sample(tensors: Iterator[Floats]) -> Iterator[Floats]:
    """Yield the large tensors until the sample is full."""
    left = SAMPLE
    for tensor in sorted((t for t in tensors if t.size >= SMALLEST), key=lambda t: -t.size):
        if left > 0:
            rows = max(1, min(tensor.shape[0], left // max(1, tensor.size // tensor.shape[0])))
            yield tensor[:rows]
            left -= tensor[:rows].size


def main(paths: list[str]) -> None:
    """Print a line per file and width."""
    print(f"{'file':32} {'width':6} " + " ".join(f"{name:>6}" for name in METHODS))
    for path in map(Path, paths):
        tensors = list(sample(safetensors(path) if path.suffix == ".safetensors" else onnx_tensors(path)))
        widths = {
            "fp32": b"".join(t.astype("<f4").tobytes() for t in tensors),
            "fp16": b"".join(t.astype("<f2").tobytes() for t in tensors),
            "int8": b"".join(map(int8, tensors)),
        }
        for width, data in widths.items():
            shares = (len(pack(data)) / len(data) for pack in map(compressor, METHODS))
            print(f"{path.name[:32]:32} {width:6} " + " ".join(f"{share:6.3f}" for share in shares))


if __name__ == "__main__":
    main(sys.argv[1:])
