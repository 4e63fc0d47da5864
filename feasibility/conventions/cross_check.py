"""Set onnx-tool's count beside ours, operator type by operator type, and say why they differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from feasibility.conventions.instructions import ONNX_TOOL
from feasibility.conventions.records import OpKey
from feasibility.conventions.total import count_of
from feasibility.cost import Group, ModelCost
from feasibility.loader.crosscheck import Opinion

_READ_VERSIONS = "1.0."  # the conventions were read from 1.0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One operator type: our counts of its nodes, onnx-tool's, and why they differ."""

    domain: str
    op_type: str
    nodes: int
    fmas: int
    other: int  # arithmetic and transcendentals
    theirs: int
    is_explained: bool
    why: str  # empty where both say the same

    @property
    def ours(self) -> int:
        """Return our operations, a multiply-add being one: what compares with onnx-tool's."""
        return self.fmas + self.other

    @property
    def difference(self) -> int:
        """Return how much more onnx-tool counts."""
        return self.theirs - self.ours

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "domain": self.domain,
            "op_type": self.op_type,
            "nodes": self.nodes,
            "fmas": self.fmas,
            "other": self.other,
            "onnx_tool": self.theirs,
            "difference": self.difference,
            "is_explained": self.is_explained,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheck:
    """onnx-tool's count beside ours; without rows where onnx-tool failed, which a note says."""

    version: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    @property
    def ours(self) -> int:
        """Return our operations in all, a multiply-add being one."""
        return sum(row.ours for row in self.rows)

    @property
    def theirs(self) -> int:
        """Return onnx-tool's count in all."""
        return sum(row.theirs for row in self.rows)

    @property
    def unexplained(self) -> tuple[Row, ...]:
        """Return the operator types whose difference the conventions do not explain."""
        return tuple(row for row in self.rows if not row.is_explained)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "tool": ONNX_TOOL.name,
            "version": self.version,
            "ours": self.ours,
            "onnx_tool": self.theirs,
            "rows": [row.to_dict() for row in self.rows],
            "notes": list(self.notes),
        }


def compare(cost: ModelCost, opinion: Opinion) -> CrossCheck:
    """Return both counts side by side, the operator type that differs most first."""
    if opinion.failure:
        note = f"onnx-tool gives no count: {opinion.failure}"
        return CrossCheck(version=opinion.version, rows=(), notes=(note,))
    expected, unknown = _expected(cost), {(node.domain, node.op_type) for node in cost.coverage.unknown}
    ours = {(group.key[0], group.key[1]): group for group in cost.by_op()}
    keys = sorted(ours.keys() | opinion.macs.keys())
    rows = [_row(key, ours.get(key), None if key in unknown else expected[key], opinion) for key in keys]
    rows = [row for row in rows if row.ours or row.theirs]
    rows.sort(key=lambda row: (-abs(row.difference), -row.ours, row.domain, row.op_type))
    return CrossCheck(version=opinion.version, rows=tuple(rows), notes=_notes(opinion))


def _expected(cost: ModelCost) -> Counter[OpKey]:
    """Return what onnx-tool's convention gives on our shapes."""
    counts: Counter[OpKey] = Counter()
    for found in cost.nodes:
        counts[found.node.domain, found.node.op_type] += count_of(found, ONNX_TOOL) or 0
    return counts


def _row(key: OpKey, group: Group | None, expected: int | None, opinion: Opinion) -> Row:
    why, is_explained = _why(key, group, expected, opinion)
    return Row(
        domain=key[0],
        op_type=key[1],
        nodes=group.nodes if group else 0,
        fmas=group.fmas if group else 0,
        other=_operations(group) - group.fmas if group else 0,
        theirs=opinion.macs.get(key, 0),
        is_explained=is_explained,
        why=why,
    )


def _operations(group: Group | None) -> int:
    return group.fmas + group.arithmetic + group.transcendentals if group else 0


def _why(key: OpKey, ours: Group | None, expected: int | None, opinion: Opinion) -> tuple[str, bool]:
    """Return the reason of a difference, and whether it explains it; the first case that holds.

    `expected` is what onnx-tool's rule gives with our shapes, None where we do not know all.
    """
    theirs, formula = opinion.macs.get(key, 0), ONNX_TOOL.formulas.get(key[1])
    seen, there = opinion.nodes.get(key, 0), ours.nodes if ours else 0
    says = formula.says if formula else "it counts 0 for this operator"
    cases = (
        (theirs == _operations(ours), "", True),
        (key in opinion.unregistered, "it has no rule for this operator and counts 0", True),
        (key in opinion.refused, "it could not count all of these nodes", False),
        (expected is None, "we do not know the sizes of all these nodes", False),
        (seen < there, f"it sees {seen} of these nodes: it does not look into bodies and functions", True),
        (theirs == expected, says, True),
        (True, f"not explained: its rule ({says}) gives {expected or 0:,} with our shapes", False),
    )
    return next((why, is_explained) for holds, why, is_explained in cases if holds)


def _notes(opinion: Opinion) -> tuple[str, ...]:
    notes = []
    if opinion.own_shapes_failed:
        notes.append(
            "onnx-tool could not infer the shapes, so it counted with ours: " + opinion.own_shapes_failed
        )
    if opinion.differing:
        notes.append(
            f"onnx-tool infers another shape than we do for {opinion.differing} tensors: {opinion.example}"
        )
    if not opinion.version.startswith(_READ_VERSIONS):
        notes.append(f"the reasons are those of onnx-tool 1.0.1; this is {opinion.version}")
    return tuple(notes)
