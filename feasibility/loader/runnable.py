"""Make a model run: random numbers stand in for weights and inputs that are not there."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from feasibility.errors import ModelError
from feasibility.ir import TensorSpec

SEED = 20261126
_BLOCK = 4099  # numbers that are drawn; larger tensors repeat them (a prime: rows differ)

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runnable:
    """A serialized model, and arrays for those of its initializers whose file is absent."""

    model: bytes
    weights: Mapping[str, Array]


def runnable(path: str | os.PathLike[str]) -> Runnable:
    """Return a model with every weight it needs: those stored, else random ones.

    Random floats have the variance 1/fan-in, so that nothing overflows or vanishes; integers
    are zero, which is a valid index. Raise ModelError for a file that onnx cannot read.
    """
    try:
        proto = onnx.load(os.fspath(path), load_external_data=False)
        _load_what_is_there(proto, Path(path).parent)
    except Exception as error:  # noqa: BLE001 (protobuf, onnx and the system each raise their own)
        msg = f"{os.fspath(path)!r} cannot be read to be run: {str(error).splitlines()[0][:200]}"
        raise ModelError(msg) from None
    absent = [tensor for tensor in proto.graph.initializer if is_external(tensor)]
    weights = {tensor.name: drawn(tensor.data_type, tensor.dims) for tensor in absent}
    for tensor in constants(proto):  # a session is given initializers, and nothing else
        if is_external(tensor):
            tensor.CopyFrom(numpy_helper.from_array(drawn(tensor.data_type, tensor.dims), tensor.name))
    return Runnable(model=proto.SerializeToString(), weights=weights)


def feeds(specs: Iterable[TensorSpec]) -> dict[str, Array]:
    """Return random inputs of the shapes that the walk assumed."""
    return {spec.name: drawn(spec.dtype.code, spec.dims) for spec in specs}


def drawn(code: int, dims: Iterable[int]) -> Array:
    """Return numbers of an element type of onnx: normal ones where real, 0 where not."""
    kind, shape = helper.tensor_dtype_to_np_dtype(code), tuple(dims)
    count = math.prod(shape)
    if not np.issubdtype(kind, np.floating):
        return np.zeros(shape, kind)
    fan_in = count // shape[0] if len(shape) > 1 and count else 1
    block = np.random.default_rng(SEED).standard_normal(_BLOCK) / math.sqrt(fan_in)
    return np.resize(block.astype(kind), count).reshape(shape)


def _load_what_is_there(proto: onnx.ModelProto, folder: Path) -> None:
    """Read external data next to the model, unless none of it is there."""
    tensors = (*proto.graph.initializer, *constants(proto))
    named = {e.value for t in tensors if is_external(t) for e in t.external_data if e.key == "location"}
    if named and all((folder / name).is_file() for name in named):
        onnx.load_external_data_for_model(proto, str(folder))


def constants(proto: onnx.ModelProto) -> Iterator[TensorProto]:
    """Yield the tensors that lie in attributes."""
    for node in proto.graph.node:
        yield from (given.t for given in node.attribute if given.type == AttributeProto.TENSOR)


def is_external(tensor: TensorProto) -> bool:
    """Tell whether the values lie in another file."""
    return bool(tensor.data_location == TensorProto.EXTERNAL)
