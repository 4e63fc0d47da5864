"""Compare what two models cost: in all, per module and per operator type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

from feasibility.cost import Coverage, Group, ModelCost, ModelRef, NodeCost, Totals, group_by
from feasibility.views.modules import DEFAULT_DEPTH, is_unknown, natural, path_of, trunk

SCHEMA_VERSION = 1
_COUNTS = (
    "nodes", "fmas", "arithmetic", "transcendentals", "flops",
    "read_bytes", "written_bytes", "parameter_bytes",
)  # fmt: skip
TOTALS = (
    "fmas", "arithmetic", "transcendentals", "flops", "parameters", "embedding_parameters",
    "parameter_bytes", "download_bytes", "read_bytes", "written_bytes", "peak_activation_bytes",
)  # fmt: skip

_Key = Callable[[NodeCost], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a module or an operator type costs in two models; None where one lacks it."""

    key: tuple[str, ...]
    old: Group | None
    new: Group | None
    old_unknown: int = 0  # nodes that the sums lack
    new_unknown: int = 0

    def delta(self, count: str) -> int:
        """Return new - old of "flops", "read_bytes", "nodes" or another sum of a group."""
        return _sum(self.new, count) - _sum(self.old, count)

    @property
    def is_none(self) -> bool:
        """Tell whether every sum is the same on both sides."""
        return self.old_unknown == self.new_unknown and not any(map(self.delta, _COUNTS))

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form; a side that lacks it is null."""
        return {
            "old": _side(self.old, self.old_unknown),
            "new": _side(self.new, self.new_unknown),
            "delta": {count: self.delta(count) for count in _COUNTS}
            | {"unknown_nodes": self.new_unknown - self.old_unknown},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What changed between two models; rows that did not change are left out.

    The modules are disjoint, each node in one of them: their changes add up to the
    change of the totals, as those of the operator types do. Largest change first.
    """

    old: ModelRef
    new: ModelRef
    old_totals: Totals
    new_totals: Totals
    old_coverage: Coverage
    new_coverage: Coverage
    modules: tuple[Change, ...]
    ops: tuple[Change, ...]

    def delta(self, total: str) -> int:
        """Return new - old of one of the totals."""
        return _total(self.new_totals, total) - _total(self.old_totals, total)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing changed in what the models cost."""
        return not (self.modules or self.ops or any(map(self.delta, TOTALS)))

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form, `feasible schema diff`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "old": self.old.to_dict(),
            "new": self.new.to_dict(),
            "totals": {
                "old": self.old_totals.to_dict(),
                "new": self.new_totals.to_dict(),
                "delta": {total: self.delta(total) for total in TOTALS},
            },
            "coverage": {"old": self.old_coverage.to_dict(), "new": self.new_coverage.to_dict()},
            "modules": [{"path": list(change.key)} | change.to_dict() for change in self.modules],
            "ops": [
                {"domain": change.key[0], "op_type": change.key[1]} | change.to_dict() for change in self.ops
            ],
        }


def diff(old: ModelCost, new: ModelCost, depth: int = DEFAULT_DEPTH) -> Diff:
    """Compare two models, their modules down to a depth (0: as deep as the names go)."""
    return Diff(
        old=old.model,
        new=new.model,
        old_totals=old.totals,
        new_totals=new.totals,
        old_coverage=old.coverage,
        new_coverage=new.coverage,
        modules=_changes(old, new, _module_at(old, new, depth)),
        ops=_changes(old, new, lambda found: (found.node.domain, found.node.op_type)),
    )


def _module_at(old: ModelCost, new: ModelCost, depth: int) -> _Key:
    """Return the module of a node, cut where both models' tree has the depth."""
    paths = {path_of(found.node) for found in chain(old.nodes, new.nodes)}
    end = len(trunk(paths)) + depth if depth else None
    return lambda found: path_of(found.node)[:end]


def _changes(old: ModelCost, new: ModelCost, key: _Key) -> tuple[Change, ...]:
    before, after = _groups(old, key), _groups(new, key)
    lost, missing = _unknown(old, key), _unknown(new, key)
    changes = [
        Change(key=k, old=before.get(k), new=after.get(k), old_unknown=lost[k], new_unknown=missing[k])
        for k in {**before, **after}
    ]
    return tuple(sorted((c for c in changes if not c.is_none), key=_rank))


def _groups(cost: ModelCost, key: _Key) -> dict[tuple[str, ...], Group]:
    return {group.key: group for group in group_by(cost.nodes, key)}


def _unknown(cost: ModelCost, key: _Key) -> Counter[tuple[str, ...]]:
    return Counter(key(found) for found in cost.nodes if is_unknown(found))


def _rank(change: Change) -> tuple[int, int, int, list[str]]:
    """Order by how much the cost changes, either way."""
    moved = change.delta("read_bytes") + change.delta("written_bytes")
    return (
        -abs(change.delta("flops")),
        -abs(moved),
        -abs(change.delta("parameter_bytes")),
        [*map(natural, change.key)],
    )


def _side(group: Group | None, unknown: int) -> dict[str, int] | None:
    if group is None:
        return None
    return {count: _sum(group, count) for count in _COUNTS} | {"unknown_nodes": unknown}


def _sum(group: Group | None, count: str) -> int:
    value: int = 0 if group is None else getattr(group, count)
    return value


def _total(totals: Totals, name: str) -> int:
    value: int = getattr(totals, name)
    return value
