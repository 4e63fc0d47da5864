"""Ask onnx-tool what it counts, in a child process with limits.

onnx-tool wants the weights, prints to standard output, and fails on many files. It is
given the graph without weights: each stands as a model input of its type and shape,
which changes no count. It infers the shapes itself; where it cannot, it gets ours and
counts with those. Whatever goes wrong is a note in the answer.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from itertools import chain
from math import prod
from typing import IO, TYPE_CHECKING, Any

from feasibility.ir import DEFAULT_DOMAIN
from feasibility.loader.isolate import ONE_THREAD, limit

if TYPE_CHECKING:
    import onnx
    from onnx_tool.graph import Graph as ToolGraph

    from feasibility.ir import Graph

EXTRA_MEMORY_BYTES = 1536 * 2**20  # beside what reading a graph may take: it computes values with numpy
WALL_LIMIT_S = 60.0
_VERSION = "onnx-tool"  # its distribution
_MAX_SAID = 200  # characters of a message of onnx-tool's

OpKey = tuple[str, str]  # domain, op_type
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What onnx-tool counts per operator type, and what it needed for it.

    `macs` and `nodes` are per operator type. `failure` says why there is no count at all;
    `own_shapes_failed` why it counted with our shapes. It gave another shape than we do to
    `differing` tensors, of which `example` is one. `unregistered` are operator types that it
    has no rule for and counts as 0, `refused` those whose count it could not compute.
    """

    version: str = ""
    failure: str = ""
    macs: Mapping[OpKey, int] = field(default_factory=dict)
    nodes: Mapping[OpKey, int] = field(default_factory=dict)
    own_shapes_failed: str = ""
    differing: int = 0
    example: str = ""
    unregistered: tuple[OpKey, ...] = ()
    refused: tuple[OpKey, ...] = ()


def ask(path: str, dims: Mapping[str, int]) -> Opinion:
    """Return onnx-tool's count of a model file; never raise for what it does."""
    command = [sys.executable, "-P", "-m", "feasibility.loader.crosscheck"]
    try:
        done = subprocess.run(  # noqa: S603 (ourselves)
            command,
            input=marshal.dumps((path, dict(dims))),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | ONE_THREAD,
            timeout=WALL_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Opinion(failure=f"it took more than {WALL_LIMIT_S:g} s")
    if done.returncode or not done.stdout:
        return Opinion(failure=f"its process ended with status {done.returncode}")
    return Opinion(*marshal.loads(done.stdout))  # noqa: S302 (written by our own child)


def answer(pipe: IO[bytes], out: IO[bytes]) -> None:
    """Read one request, ask onnx-tool, and write what it says."""
    path, dims = marshal.loads(pipe.read())  # noqa: S302 (written by our own parent)
    limit(EXTRA_MEMORY_BYTES)
    try:
        said = opinion(path, dims)
    except Exception as error:  # noqa: BLE001 (onnx-tool raises anything)
        said = Opinion(failure=_sentence(error))
    out.write(marshal.dumps(astuple(said)))


def opinion(path: str, dims: Mapping[str, int]) -> Opinion:
    """Let onnx-tool count a model in this process."""
    from importlib.metadata import version  # noqa: PLC0415

    from onnx_tool.graph import Graph as ToolGraph  # noqa: PLC0415 (the child only)
    from onnx_tool.utils import ModelConfig  # noqa: PLC0415

    from feasibility.loader.read import read  # noqa: PLC0415
    from feasibility.loader.walk import walk  # noqa: PLC0415
    from feasibility.ops import DEFAULT  # noqa: PLC0415

    source = read(path)
    walked = walk(source, dims, lambda *key: DEFAULT.find(*key) is not None).graph
    stand_in(source.proto.graph, walked)
    graph = ToolGraph(source.proto.graph, ModelConfig({"node_rename": True}))  # names may occur twice
    shapes = {s.name: s.shape for s in _written(walked) if s.shape is not None}
    failed = _infer(graph, shapes)
    found, example = ([], "") if failed else _differing(graph, shapes)
    macs, refused = _count(graph)
    return Opinion(
        version=version(_VERSION),
        macs=macs,
        nodes=dict(Counter(map(_key, graph.nodemap.values()))),
        own_shapes_failed=failed,
        differing=len(found),
        example=example,
        unregistered=_unregistered(graph),
        refused=refused,
    )


def stand_in(graph: onnx.GraphProto, walked: Graph) -> None:
    """Turn weights without values into inputs of their shape, and bind the free dimensions of inputs."""
    from onnx import helper  # noqa: PLC0415

    stored = {tensor.name for tensor in graph.initializer}
    known = {s.name: s for s in _written(walked)} | {s.name: s for s in walked.inputs}
    names = [value.name for value in graph.input if value.name not in stored]
    values = [
        helper.make_tensor_value_info(name, known[name].dtype.code, known[name].shape)
        for name in names
        if name in known
    ]
    weights, kept = _split(graph.initializer)
    constants, nodes = _split_constants(graph.node)
    values += [helper.make_tensor_value_info(n, t.data_type, list(t.dims)) for n, t in weights + constants]
    del graph.input[:], graph.initializer[:], graph.node[:], graph.value_info[:]
    graph.input.extend(values)
    graph.initializer.extend(kept)
    graph.node.extend(nodes)


def _split(
    initializers: Sequence[onnx.TensorProto],
) -> tuple[list[tuple[str, onnx.TensorProto]], list[onnx.TensorProto]]:
    """Part tensors whose values are not here, or not of a type that onnx-tool reads, from the others."""
    away, kept = [], []
    for tensor in initializers:
        if _is_readable(tensor):
            kept.append(tensor)
        else:
            away.append((tensor.name, tensor))
    return away, kept


def _split_constants(
    nodes: Sequence[onnx.NodeProto],
) -> tuple[list[tuple[str, onnx.TensorProto]], list[onnx.NodeProto]]:
    """Part Constant nodes whose values are not here from the other nodes."""
    away, kept = [], []
    for node in nodes:
        tensors = [a.t for a in node.attribute if a.name == "value"] if node.op_type == "Constant" else []
        if tensors and not _is_readable(tensors[0]):
            away.append((node.output[0], tensors[0]))
        else:
            kept.append(node)
    return away, kept


def _is_readable(tensor: onnx.TensorProto) -> bool:
    from onnx_tool.tensor import onnxdtype2npdtype  # noqa: PLC0415

    payload = (
        tensor.raw_data, tensor.float_data, tensor.int32_data, tensor.int64_data,
        tensor.double_data, tensor.string_data,
    )  # fmt: skip
    return onnxdtype2npdtype(tensor.data_type) is not None and (any(payload) or not prod(tensor.dims))


def _written(walked: Graph) -> Iterator[Any]:
    """Yield the spec of every tensor that a node reads or writes."""
    return (s for n in walked.nodes for s in chain(n.inputs, n.outputs) if s is not None)


def _infer(graph: ToolGraph, shapes: Mapping[str, Shape]) -> str:
    """Let onnx-tool infer all shapes; where it fails, give it ours and return why."""
    try:
        graph.graph_reorder_nodes()
        graph.shape_infer(None)
    except Exception as error:  # noqa: BLE001 (onnx-tool raises anything)
        for name, tensor in graph.tensormap.items():
            if name in shapes:
                tensor.update_shape(list(shapes[name]))
        return _sentence(error)
    return ""


def _differing(graph: ToolGraph, shapes: Mapping[str, Shape]) -> tuple[list[str], str]:
    """Return the tensors that onnx-tool gave another shape than we do, and the first with both."""
    found = [n for n in graph.producedby if n in shapes and _shape(graph, n) != list(shapes[n])]
    if not found:
        return found, ""
    return found, f"{found[0]!r} is {_shape(graph, found[0])} there and {list(shapes[found[0]])} here"


def _shape(graph: ToolGraph, name: str) -> list[object]:
    return [int(size) if isinstance(size, int | float) else size for size in graph.tensormap[name].shape]


def _count(graph: ToolGraph) -> tuple[dict[OpKey, int], tuple[OpKey, ...]]:
    """Ask onnx-tool for the count of each node, and name the operator types that it refuses."""
    macs: Counter[OpKey] = Counter()
    refused: set[OpKey] = set()
    for node in graph.nodemap.values():
        inputs, outputs = ([graph.tensormap[n] for n in names] for names in (node.input, node.output))
        try:
            macs[_key(node)] += int(node.profile(inputs, outputs)[0])
        except Exception:  # noqa: BLE001 (onnx-tool raises anything)
            macs[_key(node)] += 0
            refused.add(_key(node))
    return dict(macs), tuple(sorted(refused))


def _unregistered(graph: ToolGraph) -> tuple[OpKey, ...]:
    from onnx_tool.node import Node  # noqa: PLC0415

    return tuple(sorted({_key(node) for node in graph.nodemap.values() if type(node) is Node}))


def _key(node: Any) -> OpKey:  # noqa: ANN401 (onnx-tool is untyped)
    return node.proto.domain or DEFAULT_DOMAIN, node.op_type


def _sentence(error: Exception) -> str:
    """Return an error of onnx-tool's as one short line."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said[:_MAX_SAID]}" if said else type(error).__name__


def main() -> None:
    """Answer the parent on what was standard output, which onnx-tool prints to."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        answer(sys.stdin.buffer, out)


if __name__ == "__main__":
    main()
