"""Group nodes by the module that their names tell: a tree of sums, each with its children's."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from os.path import commonprefix
from typing import TypeAlias

from feasibility.cost import Group, ModelCost, NodeCost, group_by
from feasibility.ir import Node
from feasibility.pause import collector_paused

Path: TypeAlias = tuple[str, ...]

DEFAULT_DEPTH = 2  # the blocks of a network and what they consist of, on one screen
_NUMBER = re.compile(r"\d+")
_DIGITS = 12  # no network has more layers
MAX_DEPTH = 16  # scopes; real names have up to 10, and a hostile file may hold thousands in each


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The sum over all nodes in a module and in the modules inside it.

    The first one is the whole graph: no path, level 0. Its children are level 1; the
    scopes that all nodes share make no level of their own.
    """

    path: Path
    level: int
    sums: Group
    unknown: int  # nodes that the sums lack

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "path": list(self.path),
            "level": self.level,
            "nodes": self.sums.nodes,
            "unknown_nodes": self.unknown,
            "fmas": self.sums.fmas,
            "arithmetic": self.sums.arithmetic,
            "transcendentals": self.sums.transcendentals,
            "flops": self.sums.flops,
            "read_bytes": self.sums.read_bytes,
            "written_bytes": self.sums.written_bytes,
            "parameter_bytes": self.sums.parameter_bytes,
        }


def path_of(node: Node) -> Path:
    """Return the modules that a node is in: as its exporter says, else as its name tells."""
    return node.scopes[:MAX_DEPTH] or module_path(node.name)


def module_path(name: str) -> Path:
    """Return the scopes in a node's name: /a/b/MatMul is in a and b, as is a.b.matmul.

    Where a name has slashes, a dot separates nothing: layers.0 is one scope then.
    """
    separator = "/" if "/" in name else "."
    return tuple(filter(None, name.split(separator)[:-1]))[:MAX_DEPTH]


def trunk(paths: Iterable[Path]) -> Path:
    """Return the scopes that all named modules share; the last of a single module's stays its own."""
    named = {path for path in paths if path}
    shared: Path = tuple(commonprefix([*named]))  # noqa: RUF071 (of scopes, not of characters)
    return shared[:-1] if named == {shared} else shared


@collector_paused()
def modules(cost: ModelCost, depth: int = DEFAULT_DEPTH) -> tuple[Module, ...]:
    """Return the modules down to a depth, parents before children, the costliest child first.

    Depth 0 is all there are.
    """
    paths = [path_of(found.node) for found in cost.nodes]
    shared = len(trunk(paths))
    deepest = max(map(len, paths), default=0)
    last = min(shared + depth, deepest) if depth else deepest
    pairs = list(zip(paths, cost.nodes, strict=True))
    found = _level(pairs, 0, 0)
    for length in range(shared + 1, last + 1):
        found += _level(pairs, length, length - shared)
    return _in_tree_order(found)


def costliest(found: Sequence[Module], top: int) -> tuple[Module, ...]:
    """Return the `top` costliest modules in the order of the tree; 0 is all of them.

    No module costs more than the one that holds it, so none is shown without that.
    """
    if not top:
        return tuple(found)
    ranked = sorted(enumerate(found), key=lambda pair: (*_cost(pair[1]), pair[1].level, pair[0]))
    return tuple(module for _, module in sorted(ranked[:top], key=itemgetter(0)))


def _level(pairs: Sequence[tuple[Path, NodeCost]], length: int, level: int) -> list[Module]:
    """Sum over the first `length` scopes of all names that have so many."""
    members = {id(node): path[:length] for path, node in pairs if len(path) >= length}
    nodes = [node for path, node in pairs if len(path) >= length]
    unknown: defaultdict[Path, int] = defaultdict(int)
    for node in nodes:
        unknown[members[id(node)]] += is_unknown(node)
    groups = group_by(nodes, lambda node: members[id(node)])
    return [Module(path=g.key, level=level, sums=g, unknown=unknown[g.key]) for g in groups]


def is_unknown(found: NodeCost) -> bool:
    """Tell whether nobody can tell what the node costs."""
    return found.cost is None and bool(found.reason)


def _cost(module: Module) -> tuple[int, int]:
    """Order by what is computed, then by what is moved, most first."""
    return -module.sums.flops, -module.sums.read_bytes - module.sums.written_bytes


def natural(scope: str) -> str:
    """Return a key that orders the numbers in a scope by their size: layers.9 before layers.10."""
    return _NUMBER.sub(lambda found: found[0].zfill(_DIGITS), scope)


def _in_tree_order(found: Sequence[Module]) -> tuple[Module, ...]:
    children: defaultdict[Path, list[Module]] = defaultdict(list)
    for module in found[1:]:
        children[module.path[:-1] if module.level > 1 else ()].append(module)
    ordered, waiting = [], [*found[:1]]
    while waiting:
        module = waiting.pop()
        ordered.append(module)
        siblings = children[module.path]
        siblings.sort(key=lambda child: (*_cost(child), natural(child.path[-1])), reverse=True)
        waiting += siblings
    return tuple(ordered)
