"""Find the true number of channels where ONNX Runtime's optimiser rounded it up to a block.

In com.microsoft.nchwc a tensor [N, C, H, W] holds C in blocks of 8 or 16, and weights are
filled up with zeros that nobody asked to multiply. So that a graph costs the same before and
after, one pass gives tensors and weights the sizes they had. What enters and leaves the layout
says its channels (ReorderInput, ReorderOutput), as do the zeros that end a bias; depthwise
convolutions, pooling, sums and activations hand them on, in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from feasibility.errors import FeasibilityError
from feasibility.ir import NCHWC_DOMAIN, Graph, Node, TensorSpec

_LARGEST_BLOCK = 16  # MlasNchwcGetBlockSize: 16 with AVX-512 and on Arm, 8 with AVX (mlas, 2026-11)
_CHANNELS = 1  # the axis
_IMAGE = 4  # the rank that the layout is made for
_SUM = 3  # the input of Conv that is added to its output


@dataclass(slots=True)
class _Channels:
    """Which tensors have equally many channels, what is told of them, and what biases suggest."""

    parents: dict[str, str] = field(default_factory=dict)
    told: list[tuple[str, int]] = field(default_factory=list)
    suggested: list[tuple[str, int]] = field(default_factory=list)

    def first(self, name: str) -> str:
        """Return the tensor that stands for all that are equal; paths are halved on the way."""
        while (parent := self.parents.setdefault(name, name)) != name:
            self.parents[name] = name = self.parents[parent]
        return name

    def equal(self, names: Iterable[str]) -> None:
        """Note that these tensors have equally many channels."""
        first, *others = map(self.first, names)
        self.parents.update(dict.fromkeys(others, first))

    def known(self) -> dict[str, int]:
        """Return the channels by the tensor that stands for all; the fullest of the biases decides."""
        found: dict[str, int] = {}
        for name, channels in self.suggested:
            found[self.first(name)] = max(channels, found.get(self.first(name), 0))
        return found | {self.first(name): channels for name, channels in self.told}


def _reorder_input(node: Node, channels: _Channels) -> None:
    axis = -1 if node.int("channels_last", 0) else _CHANNELS
    channels.told.append((node.output(0).name, node.input(0).dims[axis]))


def _reorder_output(node: Node, channels: _Channels) -> None:
    channels.told.append((node.input(0).name, node.int("channels", 0)))


def _conv(node: Node, channels: _Channels) -> None:
    x, w, y = node.input(0), node.input(1), node.output(0)
    group, (out, depth) = node.int("group", 1), w.dims[:2]
    suggested = node.int("channels", 0)  # the loader's, from the bias
    if suggested:
        channels.suggested.append((y.name, suggested))
    if node.has_input(_SUM):
        channels.equal((y.name, node.input(_SUM).name))
    if group == out and depth == 1:
        channels.equal((x.name, y.name))
    elif group > 1:  # only multiples of a block are converted
        channels.told += [(y.name, out), (x.name, depth * group)]


def _concat(node: Node, channels: _Channels) -> None:
    """Only multiples of a block are put side by side."""
    specs = (spec for spec in (*node.inputs, *node.outputs) if spec is not None)
    channels.told += [(spec.name, spec.dims[_CHANNELS]) for spec in specs]


def _same(node: Node, channels: _Channels) -> None:
    channels.equal(
        spec.name for spec in (*node.inputs, *node.outputs) if spec is not None and _is_image(spec)
    )


_TELLS: Mapping[str, Callable[[Node, _Channels], None]] = {
    "Concat": _concat,
    "Conv": _conv,
    "ReorderInput": _reorder_input,
    "ReorderOutput": _reorder_output,
}


def _tells(node: Node, channels: _Channels) -> bool:
    """Take in what a node says; tell whether it fits its operator (its rule names it otherwise)."""
    try:
        _TELLS.get(node.op_type, _same)(node, channels)
    except (FeasibilityError, LookupError, ValueError):
        return False
    return True


class Unpadded(NamedTuple):
    """The graph with the sizes that it had, and a sentence for each size that stayed padded."""

    graph: Graph
    assumed: tuple[str, ...] = ()


def unpadded(graph: Graph) -> Unpadded:
    """Return the graph as it was before its channels were rounded up to blocks."""
    if not any(node.domain == NCHWC_DOMAIN for node in graph.nodes):
        return Unpadded(graph)
    channels = _Channels()
    nodes = [node for node in _blocked(graph.nodes) if _is_shaped(node) and _tells(node, channels)]
    known = channels.known()
    sizes = {spec.name: known.get(channels.first(spec.name)) for node in nodes for spec in _written(node)}
    shapes = _shapes(nodes, sizes)
    return Unpadded(
        replace(graph, nodes=tuple([_reshape(node, shapes) for node in graph.nodes])),
        tuple(_sentences(nodes, sizes)),
    )


def _blocked(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield the nodes of the layout, and those of other domains that work on its tensors."""
    names: set[str] = set()
    for node in nodes:
        reads = any(spec is not None and spec.name in names for spec in node.inputs)
        if node.domain == NCHWC_DOMAIN or reads:
            names.update(spec.name for spec in _written(node))
            yield node


def _written(node: Node) -> Iterator[TensorSpec]:
    """Yield the tensors in blocks that a node writes."""
    if node.op_type != "ReorderOutput":
        yield from (spec for spec in node.outputs if spec is not None)


def _is_shaped(node: Node) -> bool:
    """Tell whether every size is known; a node without is unknown anyway."""
    return all(spec is None or spec.shape is not None for spec in (*node.inputs, *node.outputs))


def _is_conv(node: Node) -> bool:
    return node.domain == NCHWC_DOMAIN and node.op_type == "Conv"


def _is_image(spec: TensorSpec) -> bool:
    return len(spec.dims) == _IMAGE


def _shapes(nodes: Iterable[Node], sizes: Mapping[str, int | None]) -> dict[str, tuple[int, ...]]:
    """Return the new shapes of tensors and of the weights and biases that made them."""
    shapes: dict[str, tuple[int, ...]] = {}
    for node in nodes:
        for spec in _written(node):
            shapes[spec.name] = _with_channels(spec, _CHANNELS, sizes[spec.name])
        if _is_conv(node):
            shapes.update(_weights(node, sizes))
    return shapes


def _weights(node: Node, sizes: Mapping[str, int | None]) -> Iterator[tuple[str, tuple[int, ...]]]:
    out, w = sizes[node.output(0).name], node.input(1)
    shape = _with_channels(w, 0, out)
    if node.int("group", 1) == 1:
        shape = _with_channels(replace(w, shape=shape), _CHANNELS, sizes.get(node.input(0).name))
    yield w.name, shape
    if node.has_input(2):
        yield node.input(2).name, _with_channels(node.input(2), 0, out)


def _with_channels(spec: TensorSpec, axis: int, channels: int | None) -> tuple[int, ...]:
    """Return a shape with its true channels; a number that no padding explains is not believed."""
    dims = spec.dims
    padded = dims[axis] if len(dims) > axis else 0
    if channels is None or not padded - _LARGEST_BLOCK < channels <= padded or len(dims) not in {1, _IMAGE}:
        return dims
    return (*dims[:axis], channels, *dims[axis + 1 :])


def _reshape(node: Node, shapes: Mapping[str, tuple[int, ...]]) -> Node:
    if not any(spec is not None and spec.name in shapes for spec in (*node.inputs, *node.outputs)):
        return node
    return replace(node, inputs=_reshaped(node.inputs, shapes), outputs=_reshaped(node.outputs, shapes))


def _reshaped(
    specs: Iterable[TensorSpec | None], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[TensorSpec | None, ...]:
    return tuple(
        [replace(s, shape=shapes[s.name]) if s is not None and s.name in shapes else s for s in specs]
    )


def _sentences(nodes: Iterable[Node], sizes: Mapping[str, int | None]) -> Iterator[str]:
    """Name the convolutions whose channels nothing tells, the first of them if there are more."""
    blind = [node for node in nodes if _is_conv(node) and sizes[node.output(0).name] is None]
    if blind:
        more = f" and {len(blind) - 1} more in blocks" if len(blind) > 1 else ""
        yield f"{blind[0].name}.channels={blind[0].input(1).dims[0]}{more}"
