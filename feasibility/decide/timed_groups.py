"""Say which groups of a model take longest, and what bounds each."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Self

from feasibility.decide.fields import Fields
from feasibility.timing.compute import ComputeTime

MOST = 15  # groups that an answer names


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedGroup:
    """Nodes that run as one kernel, and their time over all runs.

    `bound` is the largest part of it: compute, bandwidth or overhead.
    """

    name: str
    op_type: str
    nodes: int
    runs: int
    runtime: str  # another one than the client's where the group falls back
    seconds: float
    share: float  # of the whole inference
    bound: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "op_type": self.op_type,
            "nodes": self.nodes,
            "runs": self.runs,
            "runtime": self.runtime,
            "seconds": self.seconds,
            "share": self.share,
            "bound": self.bound,
        }

    @classmethod
    def from_dict(cls, fields: Fields) -> Self:
        """Read the JSON form back."""
        return cls(
            name=fields.text("name"),
            op_type=fields.text("op_type"),
            nodes=fields.integer("nodes"),
            runs=fields.integer("runs"),
            runtime=fields.text("runtime"),
            seconds=fields.number("seconds"),
            share=fields.number("share"),
            bound=fields.text("bound"),
        )


def slowest(compute: ComputeTime, runtime: str, fallback: str | None) -> tuple[TimedGroup, ...]:
    """Return the groups that take longest, the longest first; equal ones in the order they run."""
    timed = [(group.seconds, group, runtime) for group in compute.groups]
    timed += [(group.seconds, group, fallback or runtime) for group in compute.rest]
    total = compute.interval.typical.value
    return tuple(
        TimedGroup(
            name=group.group.head.node.name,
            op_type=group.group.head.node.op_type,
            nodes=1 + len(group.group.followers),
            runs=group.group.head.runs,
            runtime=where,
            seconds=seconds,
            share=seconds / total if total else 0.0,
            bound=group.bound,
        )
        for seconds, group, where in heapq.nlargest(MOST, timed, key=lambda row: row[0])
    )
