"""Collect what a walk records: nodes, how often each runs, what they run, and what was assumed."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from feasibility.ir import Body, Node
from feasibility.loader.scope import Tensor


class Choice(NamedTuple):
    """A size that the graph does not fix: at which node, its name, its value, and what to say of it."""

    position: int
    name: str
    size: int
    sentence: str


class Call(NamedTuple):
    """A function as it was walked for one call: its nodes, how often one call runs each, its results."""

    start: int
    stop: int
    runs: tuple[int, ...]
    results: tuple[Tensor | None, ...]


@dataclass(slots=True)
class Recorded:
    """Nodes in execution order, their runs beside them, and what belongs to places among them."""

    nodes: list[Node] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    calls: dict[Hashable, Call] = field(default_factory=dict)
    again: list[tuple[int, Call]] = field(default_factory=list)  # the node of a repeated call, and the first

    def add(self, node: Node) -> None:
        """Append a node that runs once, as far as its own body is concerned."""
        self.nodes.append(node)
        self.runs.append(1)

    def choose(self, name: str, size: int, sentence: str) -> None:
        """Remember a size that the node to come next rests on; an empty sentence was asked for."""
        self.choices.append(Choice(len(self.nodes), name, size, sentence))

    def called(self, key: Hashable, start: int, results: tuple[Tensor | None, ...]) -> None:
        """Remember the nodes from a position on as those of a function's call."""
        self.calls[key] = Call(start, len(self.nodes), tuple(self.runs[start:]), results)

    def repeat(self, call: Call) -> None:
        """Let the node to come next stand for a call that runs the nodes of an earlier one again."""
        owner = len(self.nodes)
        self.again.append((owner, call))
        self.bodies.append(Body(name="function", owner=owner, start=call.start, stop=call.stop))

    def multiply(self, start: int, count: int) -> None:
        """Let the nodes from a position on run so many times as often."""
        for index in range(start, len(self.runs)):
            self.runs[index] *= count

    def has_problem(self, start: int) -> bool:
        """Tell whether a node from a position on writes something of unknown or assumed shape."""
        return any(node.problem for node in self.nodes[start:]) or any(
            choice.position >= start for choice in self.choices
        )

    def cut(self, start: int) -> Recorded:
        """Take the nodes from a position on away, with all that belongs to them, and return them."""
        taken = Recorded(
            self.nodes[start:],
            self.runs[start:],
            [body for body in self.bodies if body.owner >= start],
            [choice for choice in self.choices if choice.position >= start],
            {key: call for key, call in self.calls.items() if call.stop > start},
            [(owner, call) for owner, call in self.again if owner >= start],
        )
        del self.nodes[start:], self.runs[start:]
        del self.bodies[len(self.bodies) - len(taken.bodies) :]
        del self.choices[len(self.choices) - len(taken.choices) :]
        del self.again[len(self.again) - len(taken.again) :]
        for key in taken.calls:
            del self.calls[key]
        return taken

    def paste(self, taken: Recorded) -> None:
        """Put back what was cut from this place."""
        self.nodes += taken.nodes
        self.runs += taken.runs
        self.bodies += taken.bodies
        self.choices += taken.choices
        self.calls |= taken.calls
        self.again += taken.again

    def result(self) -> tuple[Node, ...]:
        """Return the nodes with their runs, those of repeated calls included.

        A first call ends before it is repeated, so going backwards meets every repetition
        of a call before the repetitions inside it.
        """
        runs = list(self.runs)
        for owner, call in reversed(self.again):
            times = runs[owner]
            for index, once in enumerate(call.runs, call.start):
                runs[index] += times * once
        pairs = zip(self.nodes, runs, strict=True)
        return tuple([node if count == 1 else replace(node, runs=count) for node, count in pairs])
