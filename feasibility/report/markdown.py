"""Render answers as Markdown, for a pull request or an issue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from feasibility.report import advice, text_crosscheck, text_diff, text_module, text_vary, wording
from feasibility.report.escape import markdown_code, markdown_prose
from feasibility.report.text_cost import NODE_TITLES, OP_TITLES, node_rows, op_rows
from feasibility.views.modules import DEFAULT_DEPTH

if TYPE_CHECKING:  # the records import pydantic, which `feasible profile` does without
    from feasibility.conventions import ConventionTotal, CrossCheck
    from feasibility.cost import ModelCost
    from feasibility.decide.records import Decision
    from feasibility.views.diff import Diff


def render(decision: Decision) -> str:
    """Return one verdict with the times of both sides and what would flip it."""
    client, server = decision.client, decision.server
    where = wording.where(server) + wording.assumed(decision, "server")
    rows = [
        ("client", wording.where(client), str(client.inference), str(client.first_call.typical)),
        ("server", where, str(server.inference), str(server.first_call.typical)),
    ]
    doubt, narrow = advice.largest_assumption(decision)
    facts = [
        f"Compared: {wording.label(decision)}.",
        *([f"Traffic: {wording.traffic(decision.server.service)}."] if decision.server.service else []),
        f"Network {wording.network(decision)}.",
        f"Download {wording.download(decision)}.",
        f"Memory: {wording.memory(decision)}.",
        f"Coverage {wording.coverage_line(decision.coverage)}.",
        f"Unsure: {doubt.rstrip('.')}. To narrow it: {narrow}.",
    ]
    return _page(
        [f"### {markdown_prose(wording.headline(decision))}", _model(decision)],
        [markdown_prose(wording.pays_off(decision))],
        [_table(("side", "where", "inference", "first call"), rows)],
        [
            _list("", facts),
            _list("Why", decision.reasons),
            _list("What would flip it", advice.flips(decision)),
        ],
    )


def render_many(decisions: Sequence[Decision]) -> str:
    """Return one table row per model and device."""
    rows = [_row(decision) for decision in decisions]
    head = ("model", "client", "verdict", "sure", "client time", "server time")
    facts = [f"{markdown_code(d.client.device)}: {check}" for d in decisions for check in _failed(d)]
    first = decisions[0]
    shared = [f"Compared: {wording.label(first)}.", f"Network {wording.network(first)}."]
    models = list({d.model.path: _model(d) for d in decisions}.values())
    return _page(
        models, [_table(head, rows)], [_list("", shared), _list("Checks that fail", facts, escaped=True)]
    )


def render_cost(cost: ModelCost, *, by: str = "op", top: int = 0, depth: int = DEFAULT_DEPTH) -> str:
    """Return the totals of a model and one table row per operator type, node or module."""
    facts = [wording.work(cost.totals, cost.coverage), f"Coverage {wording.coverage_line(cost.coverage)}"]
    facts += filter(None, (wording.assumptions(cost.coverage), *wording.notes(cost.coverage, cost.model)))
    table = _table(*_TABLES[by](cost, top, depth))
    return _page([f"### {markdown_code(cost.model.path)}"], [_list("", facts)], [table])


_TABLES: Mapping[str, Callable[[ModelCost, int, int], tuple[Sequence[str], Iterable[Sequence[str]]]]] = {
    "op": lambda cost, top, _: (OP_TITLES, op_rows(cost)[: top or None]),
    "node": lambda cost, top, _: (NODE_TITLES, node_rows(cost)[: top or None]),
    "module": lambda cost, top, depth: (
        text_module.TITLES,
        text_module.module_rows(cost, depth=depth, top=top),
    ),
}


def render_vary(dimension: str, costs: Sequence[ModelCost], *, precision: str | None = None) -> str:
    """Return one table row per size of a dimension."""
    titles, *rows = text_vary.vary_rows(dimension, costs, precision)
    said = text_vary.sentences(dimension, costs, precision)
    # a title that comes from the model is a code span, as every name is
    return _page([_list("", said)], [_table((markdown_code(dimension), *titles[1:]), rows)])


def render_diff(found: Diff, *, top: int = 0) -> str:
    """Return the totals of two models, and the modules and operator types that changed."""
    parts = [_list("", text_diff.sentences(found))]
    if found.is_empty:
        return _page(parts)
    parts.append(_table(text_diff.TOTAL_TITLES, text_diff.total_rows(found)))
    for what, name, changes in (
        ("module", text_diff.module_name, found.modules),
        ("operator type", text_diff.op_name, found.ops),
    ):
        head = (*text_diff.CHANGE_TITLES, what)
        rows = text_diff.change_rows(changes[: top or None], name)
        parts.append(_table(head, rows) if rows else f"No {what} changed.")
    return _page(parts)


def render_convention(found: ConventionTotal) -> str:
    """Return what another tool would count, as a list."""
    return _page([_list("Second opinion", text_crosscheck.sentences(found))])


def render_cross_check(check: CrossCheck, *, top: int = 0) -> str:
    """Return onnx-tool's count beside ours, one table row per operator type."""
    rows = text_crosscheck.rows(check)[: top or None]
    table = [_table(text_crosscheck.TITLES, rows)] if rows else []
    said = [text_crosscheck.summary(check), *check.notes]
    return _page([_list("onnx-tool", said)], table)


def _model(decision: Decision) -> str:
    notes = (
        wording.assumptions(decision.coverage),
        *wording.notes(decision.coverage, decision.model),
    )
    said = markdown_prose(
        " ".join(filter(None, (f"{wording.work(decision.totals, decision.coverage)}.", *notes)))
    )
    return f"{markdown_code(decision.model.path)}: {said}"


def _row(decision: Decision) -> tuple[str, ...]:
    client, server = wording.compared_times(decision)
    return (
        decision.model.path,
        f"{decision.client.device}/{decision.client.unit}",
        decision.verdict.value,
        wording.percent(decision.confidence),
        str(client),
        str(server),
    )


def _failed(decision: Decision) -> list[str]:
    return [markdown_prose(check.message) for check in wording.failed_checks(decision)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([markdown_code(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _list(title: str, sentences: Iterable[str], *, escaped: bool = False) -> str:
    items = [f"* {text if escaped else markdown_prose(text)}" for text in sentences]
    return "\n".join([f"**{title}**\n", *items] if title and items else items)


def _page(*parts: Iterable[str]) -> str:
    return "\n\n".join(block for part in parts for block in part if block) + "\n"
