"""Run models whose weights are absent in ONNX Runtime: random numbers stand in for them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from feasibility.ir import TensorSpec
from feasibility.loader.runnable import Array, constants, is_external

ROOT = Path(__file__).parents[2]
SEED = 20261126
BLOCK = 4096  # numbers that are drawn; larger tensors repeat them


def stored(name: str) -> onnx.ModelProto:
    """Return an example graph by its path without suffix; its weights lie elsewhere."""
    proto = onnx.load(ROOT / f"{name}.onnx", load_external_data=False)
    fill(constants(proto))  # a session can be given initializers, and nothing else
    return proto


def drawn(code: int, dims: Iterable[int]) -> Array:
    """Return small numbers of an element type of onnx: positive where real, 0 or 1 where not."""
    rng, kind, shape = np.random.default_rng(SEED), helper.tensor_dtype_to_np_dtype(code), tuple(dims)
    real = np.issubdtype(kind, np.floating)
    block = rng.uniform(0.01, 0.06, BLOCK) if real else rng.integers(0, 2, BLOCK)
    return np.resize(block.astype(kind), prod(shape)).reshape(shape)


def feeds_of(specs: Iterable[TensorSpec]) -> dict[str, Array]:
    """Return random inputs of the shapes that the walk assumed."""
    return {spec.name: drawn(spec.dtype.code, spec.dims) for spec in specs}


def showing_all(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy whose outputs are all results of its nodes, and which declares no shape of any."""
    copy: onnx.ModelProto = onnx.ModelProto.FromString(proto.SerializeToString())
    del copy.graph.value_info[:], copy.graph.output[:]
    names = dict.fromkeys(name for node in copy.graph.node for name in node.output if name)
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return copy


# --- numbers for absent tensors


def fill(tensors: Iterable[TensorProto]) -> None:
    """Put numbers into those tensors that lie in a file that is not there."""
    for tensor in filter(is_external, tensors):
        tensor.CopyFrom(numpy_helper.from_array(drawn(tensor.data_type, tensor.dims), tensor.name))


def slim(proto: onnx.ModelProto, sizes: Mapping[int, int]) -> onnx.ModelProto:
    """Give absent weights other sizes, such as those of a hidden layer or a vocabulary.

    What the file declares between its nodes would contradict them.
    """
    del proto.graph.value_info[:]
    for tensor in filter(is_external, proto.graph.initializer):
        tensor.dims[:] = [sizes.get(size, size) for size in tensor.dims]
    return proto


def _weights(proto: onnx.ModelProto) -> dict[str, Array]:
    """Return numbers for each absent initializer: parts of one array per type, as large as the largest."""
    absent = list(filter(is_external, proto.graph.initializer))
    sizes: dict[int, int] = {}
    for tensor in absent:
        sizes[tensor.data_type] = max(prod(tensor.dims), sizes.get(tensor.data_type, 0))
    shared = {code: drawn(code, [size]) for code, size in sizes.items()}
    return {t.name: shared[t.data_type][: prod(t.dims)].reshape(tuple(t.dims)) for t in absent}


# --- what ONNX Runtime makes of them


def _options(level: str) -> ort.SessionOptions:
    """Return options of a session that keeps little memory and copies no weights."""
    made = ort.SessionOptions()
    made.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    made.log_severity_level = 3  # that a file is optimised for this machine alone is a warning
    made.intra_op_num_threads = 1
    made.enable_cpu_mem_arena = made.enable_mem_pattern = False
    made.add_session_config_entry("session.disable_prepacking", "1")
    return made


def _session(
    proto: onnx.ModelProto, given: Mapping[str, Array], made: ort.SessionOptions
) -> ort.InferenceSession:
    """Return a session that reads absent initializers from arrays, which must outlive it."""
    if given:
        values = [ort.OrtValue.ortvalue_from_numpy(array) for array in given.values()]
        made.add_external_initializers(list(given), values)
    return ort.InferenceSession(proto.SerializeToString(), made, providers=["CPUExecutionProvider"])


def run(proto: onnx.ModelProto, feeds: Mapping[str, Array]) -> list[Array]:
    """Return the outputs of a model as it stands in the file: nothing is optimised."""
    given = _weights(proto)
    found: list[Array] = _session(proto, given, _options("ORT_DISABLE_ALL")).run(None, dict(feeds))
    return found


def optimised(proto: onnx.ModelProto, level: str, folder: Path) -> onnx.ModelProto:
    """Return a model as ONNX Runtime's optimiser writes it; its large weights are absent again."""
    given, made, file = _weights(proto), _options(f"ORT_ENABLE_{level}"), folder / "optimised.onnx"
    made.optimized_model_filepath = str(file)
    made.add_session_config_entry("session.optimized_model_external_initializers_file_name", "weights")
    _session(proto, given, made)
    (folder / "weights").unlink(missing_ok=True)  # as large as the model
    return onnx.load(file, load_external_data=False)


def rewritten(proto: onnx.ModelProto, kind: str, heads: tuple[int, int], folder: Path) -> onnx.ModelProto:
    """Return a model as onnxruntime.transformers.optimizer writes it: fused by its own patterns alone.

    `heads` are their number and the width of all together. The tool runs as the command that it is:
    imported, it puts its folder on the path of modules.
    """
    source, target = folder / "source.onnx", folder / "rewritten.onnx"
    fill(proto.graph.initializer)
    onnx.save(proto, source)
    tool = [sys.executable, "-m", "onnxruntime.transformers.optimizer", "--disable_shape_inference"]
    files = ["--input", str(source), "--output", str(target), "--opt_level", "0"]
    size = ["--model_type", kind, "--num_heads", str(heads[0]), "--hidden_size", str(heads[1])]
    subprocess.run([*tool, *files, *size], check=True, capture_output=True)
    made = onnx.load(target)
    source.unlink()  # as large as the model, both
    target.unlink()
    return made
