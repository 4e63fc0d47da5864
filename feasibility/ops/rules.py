"""Hold rules: what a rule is, the family that collects some, the set that finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from feasibility.cost import OpCost
from feasibility.ir import DEFAULT_DOMAIN, Node

Rule: TypeAlias = Callable[[Node], OpCost]
Key: TypeAlias = tuple[str, str, int]  # domain, op_type, first opset the rule holds for
RuleT = TypeVar("RuleT", bound=Rule)


class Family:
    """Collect the rules of one module; a key given twice raises ValueError."""

    def __init__(self, domain: str = DEFAULT_DOMAIN) -> None:
        self.domain = domain
        self.rules: dict[Key, Rule] = {}

    def add(self, op_type: str, rule: Rule, *, since: int = 1) -> None:
        """Register a rule under one name."""
        _insert(self.rules, (self.domain, op_type, since), rule)

    def op(self, *op_types: str, since: int = 1) -> Callable[[RuleT], RuleT]:
        """Register the decorated rule under these names, from opset `since` on."""

        def register(rule: RuleT) -> RuleT:
            for op_type in op_types:
                self.add(op_type, rule, since=since)
            return rule

        return register


class RuleSet:
    """Find the rule of an operator; immutable, iterates over its keys in order."""

    __slots__ = ("_versions",)

    def __init__(self, rules: Mapping[Key, Rule]) -> None:
        versions: dict[tuple[str, str], list[tuple[int, Rule]]] = {}
        for domain, op_type, since in sorted(rules):
            newest_first = versions.setdefault((domain, op_type), [])
            newest_first.insert(0, (since, rules[domain, op_type, since]))
        self._versions = {name: tuple(found) for name, found in versions.items()}

    @classmethod
    def merged(cls, families: Iterable[Family]) -> RuleSet:
        """Join families; a key that two of them hold raises ValueError."""
        rules: dict[Key, Rule] = {}
        for family in families:
            for key, rule in family.rules.items():
                _insert(rules, key, rule)
        return cls(rules)

    def find(self, domain: str, op_type: str, opset: int) -> Rule | None:
        """Return the newest rule that is not newer than `opset`, or None."""
        for since, rule in self._versions.get((domain, op_type), ()):
            if since <= opset:
                return rule
        return None

    def with_op(self, domain: str, op_type: str, rule: Rule, since: int = 1) -> RuleSet:
        """Return a set in which `rule` counts this operator from opset `since` on.

        It replaces what this set knows for those opsets; older ones keep their rule.
        """
        kept = {key: old for key, old in self._items() if key[:2] != (domain, op_type) or key[2] < since}
        return RuleSet({**kept, (domain, op_type, since): rule})

    def _items(self) -> Iterator[tuple[Key, Rule]]:
        for (domain, op_type), versions in self._versions.items():
            for since, rule in reversed(versions):
                yield (domain, op_type, since), rule

    def __iter__(self) -> Iterator[Key]:
        return (key for key, _ in self._items())

    def __len__(self) -> int:
        return sum(map(len, self._versions.values()))


def _insert(rules: dict[Key, Rule], key: Key, rule: Rule) -> None:
    if key in rules:
        msg = f"two rules for {key[0]}::{key[1]}-{key[2]}"
        raise ValueError(msg)
    rules[key] = rule
