"""Build models of one node of com.microsoft, and ask ONNX Runtime about their outputs.

Where the CPU has a kernel the model runs, and its outputs are looked at. Where only other
devices have one, ONNX Runtime still infers shapes, strictly: it takes the right ones as
declared outputs and refuses wrong ones before it looks for a kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from feasibility.ir import MICROSOFT_DOMAIN, DType
from feasibility.loader import load

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Outputs: TypeAlias = Mapping[str, tuple[DType, tuple[int, ...] | None]]

OPSET, IR = 21, 10
_NO_KERNEL = "NOT_IMPLEMENTED"  # what ONNX Runtime says when all but the kernel is right


@dataclass(frozen=True, kw_only=True)
class Fed:
    """An input of the graph: random numbers of a type and shape, or the values given."""

    dtype: DType
    shape: tuple[int, ...]
    values: Array | None = None

    def array(self, rng: np.random.Generator) -> Array:
        """Return what a run is fed with."""
        if self.values is not None:
            return self.values
        kind = helper.tensor_dtype_to_np_dtype(self.dtype.code)
        if self.dtype.is_float:
            return rng.uniform(-1, 1, self.shape).astype(kind)
        return rng.integers(0, 2 if self.dtype is DType.BOOL else 100, self.shape).astype(kind)


@dataclass(frozen=True)
class Stored:
    """An initializer."""

    values: Array


Given: TypeAlias = Fed | Stored | None


def fed(*shape: int, dtype: DType = DType.FLOAT) -> Fed:
    """Return an input of random numbers."""
    return Fed(dtype=dtype, shape=shape)


def told(values: object, dtype: str = "int32") -> Fed:
    """Return an input that a run is fed with but that the graph does not know."""
    array = np.asarray(values, dtype)
    code = helper.np_dtype_to_tensor_dtype(array.dtype)
    return Fed(dtype=DType.from_code(code), shape=array.shape, values=array)


def known(values: object, dtype: str = "int32") -> Stored:
    """Return a constant."""
    return Stored(np.asarray(values, dtype))


def filled(value: float, *shape: int, dtype: str = "float32") -> Stored:
    """Return a constant of one number: a scale, a zero point, weights."""
    return Stored(np.full(shape, value, dtype))


@dataclass(frozen=True, kw_only=True)
class OneNode:
    """A node with its inputs and attributes.

    `outputs` says how many are asked for, or which; `free` names the axes that ONNX
    Runtime's own inference leaves open, as "o1[0] o1[1]".
    """

    op: str
    i: Sequence[Given]
    a: Mapping[str, Any] = field(default_factory=dict)
    outputs: int | Sequence[bool] = 1
    form: str = ""
    free: str = ""

    def __str__(self) -> str:
        return f"{self.op}-{self.form}" if self.form else self.op

    @property
    def names(self) -> list[str]:
        """Return the names of the outputs, empty where one is not asked for."""
        asked = [True] * self.outputs if isinstance(self.outputs, int) else self.outputs
        return [f"o{n}" if is_asked else "" for n, is_asked in enumerate(asked)]

    def model(self, declared: Outputs | None = None) -> onnx.ModelProto:
        """Return the model; outputs are untyped unless declared."""
        names = [f"i{n}" if given is not None else "" for n, given in enumerate(self.i)]
        inputs = [
            helper.make_tensor_value_info(name, given.dtype.code, given.shape)
            for name, given in zip(names, self.i, strict=True)
            if isinstance(given, Fed)
        ]
        stored = [
            numpy_helper.from_array(given.values, name)
            for name, given in zip(names, self.i, strict=True)
            if isinstance(given, Stored)
        ]
        outputs = [onnx.ValueInfoProto(name=name) for name in self.names if name]
        if declared is not None:
            outputs = [helper.make_tensor_value_info(o, d.code, s) for o, (d, s) in declared.items()]
        node = helper.make_node(self.op, names, self.names, name="n", domain=MICROSOFT_DOMAIN, **self.a)
        graph = helper.make_graph([node], "one", inputs, outputs, stored)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT_DOMAIN, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR)

    def walked(self) -> Outputs:
        """Return type and shape of every output as the loader finds them."""
        node = load(self.model()).graph.nodes[-1]
        return {spec.name: (spec.dtype, spec.shape) for spec in node.outputs if spec is not None}

    def ran(self) -> Outputs:
        """Return type and shape of every output of a run on the CPU."""
        rng = np.random.default_rng(0)
        feeds = {f"i{n}": given.array(rng) for n, given in enumerate(self.i) if isinstance(given, Fed)}
        typed = {name: (dtype, None) for name, (dtype, _) in self.walked().items()}
        found = _session(self.model(typed)).run(None, feeds)
        return {name: _type_of(array) for name, array in zip(typed, found, strict=True)}

    def refusal(self, declared: Outputs) -> str:
        """Return what ONNX Runtime has against declared outputs."""
        try:
            _session(self.model(declared))
        except Exception as error:  # noqa: BLE001 (its classes have no common base)
            return "" if _NO_KERNEL in str(error) else str(error)
        return ""

    def accepted(self) -> str:
        """Return the axes at which ONNX Runtime takes a wrong size, as "o1[0] o1[1]"."""
        walked = self.walked()
        wrong = ((f"{name}[{axis}]", outputs) for name, axis, outputs in _widened(walked))
        return " ".join(place for place, outputs in wrong if not self.refusal(outputs))


def _widened(outputs: Outputs) -> Iterator[tuple[str, int, Outputs]]:
    """Yield the outputs with one dimension one too large, for each."""
    for name, (dtype, shape) in outputs.items():
        for axis in range(len(shape or ())):
            dims = tuple(size + (n == axis) for n, size in enumerate(shape or ()))
            yield name, axis, {**outputs, name: (dtype, dims)}


def _type_of(array: Array) -> tuple[DType, tuple[int, ...]]:
    return DType.from_code(helper.np_dtype_to_tensor_dtype(array.dtype)), array.shape


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong comes as an exception
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.strict_shape_type_inference", "1")
    data = model.SerializeToString()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
