"""Build the cost of a node by its role."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from feasibility.cost import OpClass, OpCost
from feasibility.ir import DType, Node
from feasibility.ops.sizes import running_dtype

_NOTHING_PACKED: Mapping[int, int] = MappingProxyType({})


def light(  # noqa: PLR0913 (one argument per field of the record)
    node: Node,
    *,
    arithmetic: int = 0,
    transcendentals: int = 0,
    dtype: DType | None = None,
    reads: int | None = None,
    writes: int | None = None,
) -> OpCost:
    """Cost elementwise work, reductions and their kin; it runs as `heavy` does, without linear algebra."""
    return OpCost(
        arithmetic=arithmetic,
        transcendentals=transcendentals,
        dtype=dtype or running_dtype(node),
        role="light",
        reads=reads,
        writes=writes,
    )


def heavy(  # noqa: PLR0913 (one argument per field of the record)
    node: Node,
    *,
    fmas: int,
    arithmetic: int = 0,
    transcendentals: int = 0,
    op_class: OpClass = "matmul",
    dtype: DType | None = None,
    reads: int | None = None,
    packed: Mapping[int, int] = _NOTHING_PACKED,
) -> OpCost:
    """Cost linear algebra; it runs in the first float type unless `dtype` says otherwise.

    `packed` gives the weights that an input holds several of in one byte, by its index.
    """
    return OpCost(
        fmas=fmas,
        arithmetic=arithmetic,
        transcendentals=transcendentals,
        dtype=dtype or running_dtype(node),
        role="heavy",
        op_class=op_class,
        reads=reads,
        packed=packed,
    )


def move(
    node: Node,
    *,
    arithmetic: int = 0,
    reads: int | None = None,
    writes: int | None = None,
    packed: Mapping[int, int] = _NOTHING_PACKED,
) -> OpCost:
    """Cost a copy; bytes come from the tensor specs unless given, `packed` as in `heavy`."""
    return OpCost(
        arithmetic=arithmetic,
        dtype=running_dtype(node),
        role="move",
        reads=reads,
        writes=writes,
        packed=packed,
    )


def view(node: Node) -> OpCost:
    """Cost a new name for the same bytes: nothing."""
    return OpCost(dtype=running_dtype(node), role="view", reads=0, writes=0)
