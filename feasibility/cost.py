"""Add up what nodes cost: records, sums and group-bys.

The convention, said once: one fused multiply-add (FMA, also MAC) is one multiply
and one add, so `flops = 2 * fmas + arithmetic + transcendentals`. Records hold
exact integers; `flops` is derived and never stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from feasibility.ir import Body, DType, Node, TensorSpec
from feasibility.units import Bytes, Flops, format_count

FLOPS_PER_FMA = 2

_NOTHING_PACKED: Mapping[int, int] = MappingProxyType({})

Role = Literal["heavy", "light", "view", "move"]
OpClass = Literal["dense", "pointwise", "depthwise", "grouped", "matmul"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpCost:
    """What one run of one operator computes and moves.

    heavy: linear algebra; light: elementwise and reductions; view: moves nothing;
    move: copies. `reads` and `writes` are bytes and override the tensor specs where
    a rule knows better (Gather reads rows, not the table). `op_class` tells the time
    model which efficiency a heavy operator reaches. `packed` gives the elements of an
    input that holds several of them in one byte, by its index.
    """

    fmas: int = 0
    arithmetic: int = 0
    transcendentals: int = 0
    dtype: DType
    role: Role
    op_class: OpClass | None = None
    reads: int | None = None
    writes: int | None = None
    packed: Mapping[int, int] = field(default_factory=lambda: _NOTHING_PACKED)

    @property
    def flops(self) -> int:
        """Return 2 * fmas + arithmetic + transcendentals."""
        return FLOPS_PER_FMA * self.fmas + self.arithmetic + self.transcendentals


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCost:
    """A node, how often it runs, and its cost; `cost` is None when nobody can tell."""

    node: Node
    cost: OpCost | None  # None: folded (reason is empty) or unknown (reason says why)
    reason: str = ""
    runs: int = 1
    read_bytes: int = 0  # of one run
    written_bytes: int = 0  # of one run
    parameters: int = 0
    parameter_bytes: int = 0
    live_bytes: int = 0  # activations alive while it runs

    @property
    def fmas(self) -> int:
        """Return multiply-adds over all runs."""
        return self.runs * self.cost.fmas if self.cost else 0

    @property
    def arithmetic(self) -> int:
        """Return other additions, multiplications and comparisons over all runs."""
        return self.runs * self.cost.arithmetic if self.cost else 0

    @property
    def transcendentals(self) -> int:
        """Return exp, log, erf, sqrt and their kin over all runs."""
        return self.runs * self.cost.transcendentals if self.cost else 0

    @property
    def flops(self) -> int:
        """Return 2 * fmas + arithmetic + transcendentals over all runs."""
        return self.runs * self.cost.flops if self.cost else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakMemory:
    """The most activation bytes alive at once, the node where, the naive sum, and the bytes at each node."""

    peak_bytes: int
    node: str
    sum_bytes: int
    live: tuple[int, ...]  # while each node runs, in order


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """Name a model: its file, the opsets it imports, its inputs and outputs."""

    path: str
    file_bytes: int
    graph_sha256: str  # of the file without the tensors above 8 KiB
    external_files: tuple[str, ...]  # of weights beside the file, as the model names them; never opened
    opsets: Mapping[str, int]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "path": self.path,
            "file_bytes": self.file_bytes,
            "graph_sha256": self.graph_sha256,
            "external_files": list(self.external_files),
            "opsets": dict(self.opsets),
            "inputs": [tensor_to_dict(spec) for spec in self.inputs],
            "outputs": [tensor_to_dict(spec) for spec in self.outputs],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A node that could not be counted, and why."""

    name: str
    domain: str
    op_type: str
    reason: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {"name": self.name, "domain": self.domain, "op_type": self.op_type, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of a model was counted; nodes = counted + folded + len(unknown)."""

    nodes: int
    counted: int
    folded: int
    unknown: tuple[Unknown, ...]
    assumed: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "nodes": self.nodes,
            "counted": self.counted,
            "folded": self.folded,
            "unknown": [node.to_dict() for node in self.unknown],
            "assumed": list(self.assumed),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The sums of a model, all exact; bytes at stored width."""

    fmas: int
    arithmetic: int
    transcendentals: int
    parameters: int
    embedding_parameters: int
    parameter_bytes: int
    download_bytes: int
    read_bytes: int
    written_bytes: int
    peak_activation_bytes: int
    peak_activation_node: str

    @property
    def flops(self) -> int:
        """Return 2 * fmas + arithmetic + transcendentals."""
        return FLOPS_PER_FMA * self.fmas + self.arithmetic + self.transcendentals

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form, the derived `flops` included."""
        return {
            "fmas": self.fmas,
            "arithmetic": self.arithmetic,
            "transcendentals": self.transcendentals,
            "flops": self.flops,
            "parameters": self.parameters,
            "embedding_parameters": self.embedding_parameters,
            "parameter_bytes": self.parameter_bytes,
            "download_bytes": self.download_bytes,
            "read_bytes": self.read_bytes,
            "written_bytes": self.written_bytes,
            "peak_activation_bytes": self.peak_activation_bytes,
            "peak_activation_node": self.peak_activation_node,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DTypeSum:
    """What runs in an element type, and the parameters that are stored in it."""

    dtype: DType
    fmas: int = 0
    arithmetic: int = 0
    transcendentals: int = 0
    parameters: int = 0
    parameter_bytes: int = 0

    @property
    def flops(self) -> int:
        """Return 2 * fmas + arithmetic + transcendentals."""
        return FLOPS_PER_FMA * self.fmas + self.arithmetic + self.transcendentals

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "dtype": self.dtype.name.lower(),
            "fmas": self.fmas,
            "arithmetic": self.arithmetic,
            "transcendentals": self.transcendentals,
            "flops": self.flops,
            "parameters": self.parameters,
            "parameter_bytes": self.parameter_bytes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The sum over nodes that share a key (an operator type, a module)."""

    key: tuple[str, ...]
    nodes: int
    fmas: int
    arithmetic: int
    transcendentals: int
    read_bytes: int
    written_bytes: int
    parameter_bytes: int

    @property
    def flops(self) -> int:
        """Return 2 * fmas + arithmetic + transcendentals."""
        return FLOPS_PER_FMA * self.fmas + self.arithmetic + self.transcendentals


@dataclass(frozen=True, kw_only=True)
class ModelCost:
    """What one forward pass of a model costs: totals, coverage, and every node.

    Printing it gives one line; `fmas` is an int, `flops` and the byte totals carry
    their unit. All numbers are for one pass with the dimensions in `dims`.
    """

    model: ModelRef
    dims: Mapping[str, int]
    totals: Totals
    coverage: Coverage
    nodes: tuple[NodeCost, ...]
    by_dtype: tuple[DTypeSum, ...]  # what is computed in and stored as each type, most FLOP first
    bodies: tuple[Body, ...] = ()  # of loops, branches and repeated calls, by places among the nodes

    def __hash__(self) -> int:
        """Return the object's own hash: what is kept of a model is found by it, and comparing takes long."""
        return object.__hash__(self)

    @property
    def fmas(self) -> int:
        """Return multiply-adds of linear algebra."""
        return self.totals.fmas

    @property
    def flops(self) -> Flops:
        """Return 2 * fmas + arithmetic + transcendentals."""
        return Flops(self.totals.flops)

    @property
    def parameters(self) -> int:
        """Return trained elements, each counted once however often it is used."""
        return self.totals.parameters

    @property
    def parameter_bytes(self) -> Bytes:
        """Return the bytes of the parameters at stored width."""
        return Bytes(self.totals.parameter_bytes)

    @property
    def download_bytes(self) -> Bytes:
        """Return the file plus what its external data declares."""
        return Bytes(self.totals.download_bytes)

    @property
    def peak_activation_bytes(self) -> Bytes:
        """Return the most activation bytes alive at once."""
        return Bytes(self.totals.peak_activation_bytes)

    def by_op(self) -> Groups:
        """Return sums per operator type, costliest first; `by_op().top(5)` are the first five."""
        return group_by(self.nodes, lambda n: (n.node.domain, n.node.op_type))

    def __str__(self) -> str:
        seen = self.coverage.nodes - len(self.coverage.unknown)
        share = seen / self.coverage.nodes if self.coverage.nodes else 1.0
        return (
            f"{format_count(self.fmas)} FMA, {self.flops}, {format_count(self.parameters)} parameters, "
            f"{self.parameter_bytes}, coverage {100 * share:.3g} % ({seen}/{self.coverage.nodes} nodes)"
        )


def tensor_to_dict(spec: TensorSpec) -> dict[str, object]:
    """Return the JSON form of a tensor: name, shape (null if unknown), dtype in ONNX's own word."""
    shape = None if spec.shape is None else list(spec.shape)
    return {"name": spec.name, "shape": shape, "dtype": spec.dtype.name.lower()}


class Groups(tuple[Group, ...]):
    """Groups, costliest first."""

    __slots__ = ()

    def top(self, count: int) -> Groups:
        """Return the costliest `count` groups."""
        return Groups(self[:count])


def group_by(nodes: Iterable[NodeCost], key: Callable[[NodeCost], tuple[str, ...]]) -> Groups:
    """Sum the nodes that share a key, costliest first, ties by key."""
    members: dict[tuple[str, ...], list[NodeCost]] = {}
    for node in nodes:
        members.setdefault(key(node), []).append(node)
    groups = [_sum_group(k, found) for k, found in members.items()]
    return Groups(sorted(groups, key=lambda g: (-g.flops, -g.read_bytes - g.written_bytes, g.key)))


def _sum_group(key: tuple[str, ...], found: list[NodeCost]) -> Group:
    return Group(
        key=key,
        nodes=len(found),
        fmas=sum(n.fmas for n in found),
        arithmetic=sum(n.arithmetic for n in found),
        transcendentals=sum(n.transcendentals for n in found),
        read_bytes=sum(n.runs * n.read_bytes for n in found),
        written_bytes=sum(n.runs * n.written_bytes for n in found),
        parameter_bytes=sum(n.parameter_bytes for n in found),
    )
