"""Sum what runs in each element type, and the parameters that are stored in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from feasibility.cost import DTypeSum, NodeCost
from feasibility.ir import DType
from feasibility.profiler.parameters import Parameter, Parameters


def by_dtype(nodes: Iterable[NodeCost], parameters: Iterable[Parameters]) -> tuple[DTypeSum, ...]:
    """Return one sum for each type that computes or stores something, most FLOP first."""
    work: dict[DType, list[NodeCost]] = defaultdict(list)
    stored: dict[DType, list[Parameter]] = defaultdict(list)
    for found, own in zip(nodes, parameters, strict=True):
        if found.cost is not None and found.runs and found.cost.flops:
            work[found.cost.dtype].append(found)
        for parameter in own:
            stored[parameter.dtype].append(parameter)
    sums = [_sum(dtype, work.get(dtype, ()), stored.get(dtype, ())) for dtype in {**work, **stored}]
    return tuple(sorted(sums, key=lambda s: (-s.flops, -s.parameter_bytes, s.dtype.name)))


def _sum(dtype: DType, work: Sequence[NodeCost], stored: Sequence[Parameter]) -> DTypeSum:
    return DTypeSum(
        dtype=dtype,
        fmas=sum([n.fmas for n in work]),
        arithmetic=sum([n.arithmetic for n in work]),
        transcendentals=sum([n.transcendentals for n in work]),
        parameters=sum([p.elements for p in stored]),
        parameter_bytes=sum([p.nbytes for p in stored]),
    )
