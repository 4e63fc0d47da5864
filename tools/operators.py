"""Write docs/operators.md from the rule sets: what each operator counts, and where that comes from.

    python tools/operators.py [--check] [FILE]

With --check nothing is written; exit code 1 when the file differs from what would be.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from types import CodeType, FunctionType

from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN, NCHWC_DOMAIN, DType, Node, TensorSpec
from feasibility.ops import DEFAULT, NOT_COUNTED, Rule
from feasibility.ops.roles import heavy, light, move, view
from feasibility.ops.rules import Key
from feasibility.report.escape import markdown_prose

PAGE = Path(__file__).parent.parent / "docs" / "operators.md"

_HEAD = """# Every operator

Written by `python tools/operators.py` from the rules in `feasibility/ops/`; `--check` tells whether it is
up to date. What fmas, arithmetic and transcendentals are is said in [How counting works](counting.md).
|X| is the number of elements of X; letters are the sizes that the specification of the operator gives them.
`since` is the first opset that a rule holds for. Roles: heavy is linear algebra, light is elementwise work
and reductions, move copies, view is another name for the same bytes.
"""
_NOT_COUNTED_HEAD = """
## Not counted

These are listed under unknown, with the reason, where a model holds them.

| domain | operator | reason |
|---|---|---|
"""
_COLUMNS = "| operator | since | role | count | source |\n|---|---|---|---|---|\n"

# Where the rows of tables, which have no text of their own, come from.
_SOURCES = {
    DEFAULT_DOMAIN: "ONNX {}",
    MICROSOFT_DOMAIN: "onnxruntime docs/ContribOperators.md, com.microsoft.{}",
    NCHWC_DOMAIN: "onnxruntime/core/graph/contrib_ops/nchwc_schema_defs.cc, {}",
}
_ROLES: Mapping[object, str] = {heavy: "heavy", light: "light", move: "move", view: "view"}
_BARE: Mapping[object, str] = {move: "nothing but bytes", view: "nothing"}
_SECTION = re.compile(r"^([A-Z][a-z]+): +(.*?)(?=^[A-Z][a-z]+: |\Z)", re.MULTILINE | re.DOTALL)
_PROBE = 10**6  # elements of each input; the output has one, so both factors can be read off a count


def page() -> str:
    """Return the page."""
    tables = (_table(domain, list(keys)) for domain, keys in groupby(DEFAULT, key=lambda key: key[0]))
    reasons = "".join(
        f"| {_cell(domain)} | {_cell(op_type)} | {_cell(reason)} |\n"
        for (domain, op_type), reason in sorted(NOT_COUNTED.items())
    )
    return "".join((_HEAD, *tables, _NOT_COUNTED_HEAD, reasons))


def _table(domain: str, keys: list[Key]) -> str:
    return f"\n## {domain}\n\n{_COLUMNS}{''.join(map(_row, keys))}"


def _row(key: Key) -> str:
    domain, op_type, since = key
    rule = DEFAULT.find(*key)
    assert rule is not None  # noqa: S101 (the key came from the set)
    count, source = _told(rule, _SOURCES.get(domain, f"{domain} {{}}").format(op_type))
    cells = (op_type, str(since), " or ".join(roles(rule)), count, source)
    return f"| {' | '.join(map(_cell, cells))} |\n"


def _cell(text: str) -> str:
    return markdown_prose(" ".join(text.split()))


def _told(rule: Rule, source: str) -> tuple[str, str]:
    """Return what a rule counts, and its source."""
    bare = _BARE.get(rule)
    if bare is not None:
        return bare, source
    if not isinstance(rule, FunctionType):
        return _probed(rule), source
    found = sections(rule)
    return found["Count"], found["Source"]


def sections(rule: FunctionType) -> dict[str, str]:
    """Return the sections of a rule's docstring by name."""
    return dict(_SECTION.findall(inspect.getdoc(rule) or ""))


def _probed(rule: Rule) -> str:
    """Read the factors of a table row off what it says of one node."""
    cost = rule(_probe())
    counts = {"arithmetic": cost.arithmetic, "transcendentals": cost.transcendentals}
    told = [f"{name} = {_factors(*divmod(count, _PROBE))}" for name, count in counts.items() if count]
    return "; ".join(told) or "nothing but bytes"


def _factors(of_input: int, of_output: int) -> str:
    terms = [
        f"|{what}|" if factor == 1 else f"{factor} * |{what}|"
        for factor, what in ((of_input, "X"), (of_output, "Y"))
        if factor
    ]
    return " + ".join(terms)


def _probe() -> Node:
    spec = TensorSpec(name="x", dtype=DType.FLOAT, shape=(_PROBE,))
    out = TensorSpec(name="y", dtype=DType.FLOAT, shape=(1,))
    return Node(name="n", domain="", op_type="", opset=1, inputs=(spec,) * 3, outputs=(out,))


def roles(rule: Rule) -> list[str]:
    """Return the roles that a rule can give: of the builders it mentions, else of what it calls."""
    reached = _reached(rule, set())
    return [name for builder, name in _ROLES.items() if builder in reached]


def _reached(found: object, seen: set[FunctionType]) -> set[FunctionType]:
    function = _function(found)
    if function is None or function in seen or not function.__module__.startswith("feasibility.ops"):
        return set()
    seen.add(function)
    if function in _ROLES:
        return {function}
    names = set(_names(function.__code__)) & set(function.__globals__)
    mentioned = [function.__globals__[name] for name in names]
    own = {each for each in mentioned if isinstance(each, FunctionType) and each in _ROLES}
    return own or {builder for each in mentioned for builder in _reached(each, seen)}


def _function(found: object) -> FunctionType | None:
    """Return what runs when an object, or an object of a class, is called."""
    if isinstance(found, FunctionType):
        return found
    called = vars(found if isinstance(found, type) else type(found)).get("__call__")
    return called if isinstance(called, FunctionType) else None


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def main() -> int:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file differs")
    parser.add_argument("file", nargs="?", type=Path, default=PAGE)
    asked = parser.parse_args()
    if not asked.check:
        asked.file.write_text(page(), encoding="utf-8")
    elif not asked.file.exists() or asked.file.read_text(encoding="utf-8") != page():
        print(f"{asked.file} is out of date: run python tools/operators.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
