"""Divide a model into the modules that its nodes are in, so that later what grew has a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from feasibility.cost import Group, ModelCost, NodeCost, group_by
from feasibility.gate.lock import LockedModule
from feasibility.views.modules import DEFAULT_DEPTH, path_of, trunk

LOOSE = "(no module)"
OTHERS = "(other modules)"  # all that a lock has no room for
_MOST = 200  # modules that are kept, the largest: most networks have fewer than 100 at this depth

_Key = Callable[[NodeCost], tuple[str, ...]]


def module_depth(cost: ModelCost) -> int:
    """Return at how many scopes names are cut: the shared ones and two more; 0 where names tell none."""
    paths = {path_of(found.node) for found in cost.nodes}
    return len(trunk(paths)) + DEFAULT_DEPTH if any(paths) else 0


def module_sums(cost: ModelCost, depth: int) -> dict[str, LockedModule]:
    """Return the sums of disjoint modules, each node in one of them; of operator types where depth is 0."""
    groups = group_by(cost.nodes, _at(depth))
    flops = sum(group.flops for group in groups) or 1
    weights = sum(group.parameter_bytes for group in groups) or 1
    ranked = sorted(groups, key=lambda group: -group.flops / flops - group.parameter_bytes / weights)
    kept = {_name(group, depth): _sums(group) for group in ranked[:_MOST]}
    return kept | ({OTHERS: _together(ranked[_MOST:])} if len(ranked) > _MOST else {})


def _at(depth: int) -> _Key:
    if not depth:
        return lambda found: (found.node.op_type,)
    return lambda found: path_of(found.node)[:depth]


def _name(group: Group, depth: int) -> str:
    return "/".join(group.key) if group.key or not depth else LOOSE


def _together(groups: Iterable[Group]) -> LockedModule:
    sums = [_sums(group) for group in groups]
    return LockedModule(
        flops=sum(each.flops for each in sums), parameter_bytes=sum(each.parameter_bytes for each in sums)
    )


def _sums(group: Group) -> LockedModule:
    return LockedModule(flops=group.flops, parameter_bytes=group.parameter_bytes)
