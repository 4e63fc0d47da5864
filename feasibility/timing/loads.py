"""Say what each group of a model asks of a unit: operations, and bytes at run precision.

Formed once for a model and the widths that its elements have while they run, however many
units are then asked how long they take.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from feasibility.cost import ModelCost, NodeCost, OpClass, OpCost
from feasibility.ir import DType, TensorSpec
from feasibility.timing.groups import FUSING, FusedGroup, Fusion, fuse
from feasibility.timing.kernels import PLAIN, Kernels, computed_share
from feasibility.timing.placement import OpKind, divided
from feasibility.units import BITS_PER_BYTE


class Widths(NamedTuple):
    """The bits of an element while a model runs, for every stored type."""

    activations: tuple[tuple[DType, int], ...]
    weights: tuple[tuple[DType, Fraction], ...]


AS_STORED = Widths(
    activations=tuple((dtype, dtype.bits) for dtype in DType),
    weights=tuple((dtype, Fraction(dtype.bits)) for dtype in DType),
)

_KEPT = 16  # models and widths whose loads are kept
_DEFAULT_CLASS: OpClass = "dense"


class _Bits(NamedTuple):
    """Widths to look up."""

    activations: Mapping[DType, int]
    weights: Mapping[DType, tuple[int, int]]  # as a fraction: this is asked for each tensor

    def nbytes(self, spec: TensorSpec) -> int:
        """Return the bytes of a tensor while the model runs."""
        if spec.constant:
            bits, of = self.weights[spec.dtype]
            return -(-spec.numel * bits // (of * BITS_PER_BYTE))
        return -(-spec.numel * self.activations[spec.dtype] // BITS_PER_BYTE)


class Load(NamedTuple):
    """What one run of a group asks for; `op_class` is None for a light group."""

    group: FusedGroup
    op_class: OpClass | None
    dtype: DType
    runs: int
    flops: float  # of heavy groups, as kernels compute them
    weight_bytes: int
    activation_bytes: int


class Side(NamedTuple):
    """The part of a model that stays with a runtime, or the part that falls back to another."""

    supported: frozenset[OpKind]
    falls_back: bool


@lru_cache(maxsize=_KEPT)
def loads(
    cost: ModelCost,
    widths: Widths,
    fusion: Fusion = FUSING,
    kernels: Kernels = PLAIN,
    side: Side | None = None,
) -> tuple[Load, ...]:
    """Return the loads in execution order.

    Where a runtime does not run every operator, `side` says whose part is meant.
    """
    bits = _Bits(dict(widths.activations), {t: each.as_integer_ratio() for t, each in widths.weights})
    groups: Iterable[FusedGroup] = fuse(cost, fusion)
    if side is not None:
        groups = divided(groups, side.supported)[side.falls_back]
    return tuple(_load(group, bits, kernels) for group in groups)


def _load(group: FusedGroup, bits: _Bits, kernels: Kernels) -> Load:
    """Count the bytes of the head: what the others of a group read and write stays in caches."""
    head = group.head
    dtype = head.cost.dtype if head.cost else DType.UNDEFINED
    moved = _outer_traffic(group, bits) if group.whole and group.followers else _traffic(head, bits)
    weights = 0
    if group.heavy:
        weights = min(moved, _distinct(tuple(s for s in head.node.inputs if s and s.constant), bits))
    return Load(
        group=group,
        op_class=_class(head) if group.heavy else None,
        dtype=dtype,
        runs=head.runs,
        flops=group.flops * computed_share(head, kernels) if group.heavy else 0,
        weight_bytes=weights,
        activation_bytes=moved - weights,
    )


def _class(head: NodeCost) -> OpClass:
    return (head.cost.op_class if head.cost else None) or _DEFAULT_CLASS


def _traffic(node: NodeCost, bits: _Bits) -> int:
    """Return the bytes one run moves at run precision; a rule's own count overrides the specs."""
    cost = node.cost
    if cost is None:
        return 0
    return _side(cost.reads, node.node.inputs, cost, bits) + _side(cost.writes, node.node.outputs, cost, bits)


def _side(counted: int | None, specs: tuple[TensorSpec | None, ...], cost: OpCost, bits: _Bits) -> int:
    return _distinct(specs, bits) if counted is None else _rescaled(counted, cost.dtype, bits)


def _outer_traffic(group: FusedGroup, bits: _Bits) -> int:
    """Return the bytes that a whole group reads from outside and its last node writes."""
    members = (group.head, *group.followers)
    made = {spec.name for member in members for spec in member.node.outputs if spec}
    read = [spec for member in members for spec in member.node.inputs if spec and spec.name not in made]
    return _distinct((*read, *members[-1].node.outputs), bits)


def _distinct(specs: tuple[TensorSpec | None, ...], bits: _Bits) -> int:
    """Return the bytes of tensors, each once; an unknown shape counts nothing."""
    each = {spec.name: spec for spec in specs if spec and spec.shape is not None}
    return sum(map(bits.nbytes, each.values()))


def _rescaled(nbytes: int, dtype: DType, bits: _Bits) -> int:
    """Return bytes that a rule counted at stored width, at run precision."""
    return nbytes * bits.activations[dtype] // dtype.bits if dtype.bits else nbytes
