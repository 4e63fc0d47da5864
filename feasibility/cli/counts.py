"""Write what models cost: whole, by module, over a dimension, against another model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from feasibility import api
from feasibility.cli import progress
from feasibility.cli.answers import Sizes
from feasibility.cli.options import AnswerFormat, Grouping, TableFormat, Tool
from feasibility.cli.output import put, put_line, put_text, talk
from feasibility.cli.parsing import parse_dims, parse_inputs, parse_vary
from feasibility.errors import UsageError
from feasibility.report import (
    csv,
    json,
    markdown,
    text_cost,
    text_crosscheck,
    text_diff,
    text_limits,
    text_vary,
    wording,
)
from feasibility.report.escape import printable
from feasibility.views.modules import DEFAULT_DEPTH, costliest, modules
from feasibility.views.vary import size_of

if TYPE_CHECKING:
    from feasibility.conventions import ConventionTotal, CrossCheck
    from feasibility.cost import ModelCost
    from feasibility.decide.limits import Limits
    from feasibility.loader.isolate import Worker
    from feasibility.views.diff import Diff

_SHOWN = 20  # lines for people; programs get all
_FOR_PEOPLE = frozenset({TableFormat.TEXT, TableFormat.MARKDOWN})
_CLASHES = {
    "vary": ("by", "top", "depth", "convention", "cross_check", "quiet"),
    "csv": ("convention", "cross_check"),
    "quiet": ("by", "top", "convention", "cross_check"),
}


def check_together(given: Mapping[str, Any], form: TableFormat) -> None:
    """Raise UsageError for options that say nothing beside each other."""
    chosen = {name: value for name, value in given.items() if value is not None and value is not False}
    what = {"vary": "--vary" if "vary" in chosen else "", "csv": "--format csv" if form == "csv" else ""}
    what["quiet"] = "--quiet" if "quiet" in chosen else ""
    for name, option in what.items():
        for other in _CLASHES[name]:
            if option and other in chosen:
                msg = f"--{other.replace('_', '-')} does not go with {option}"
                raise UsageError(msg)
    if "depth" in chosen and chosen.get("by") != Grouping.MODULE:
        raise UsageError("--depth is of modules", hint="add --by module")


class View(NamedTuple):
    """What a line stands for, how many there are, and how deep modules go."""

    form: TableFormat = TableFormat.TEXT
    by: Grouping | None = None
    top: int | None = None
    depth: int | None = None
    quiet: bool = False

    @property
    def is_line(self) -> bool:
        """Tell whether one line is wanted, for a script; programs get all."""
        return self.quiet and self.form is TableFormat.TEXT

    @property
    def lines(self) -> int:
        """Return how many lines are shown, 0 for all."""
        if self.top is not None:
            return self.top
        return _SHOWN if self.form in _FOR_PEOPLE else 0

    @property
    def key(self) -> str:
        """Return what a line stands for; operator types where nobody says."""
        return (self.by or Grouping.OP).value

    @property
    def levels(self) -> int:
        """Return how deep modules go, 0 for all the way."""
        return DEFAULT_DEPTH if self.depth is None else self.depth


class Opinions(NamedTuple):
    """What other tools say of a model, where that was asked."""

    convention: ConventionTotal | None = None
    check: CrossCheck | None = None


def second_opinions(cost: ModelCost, tool: Tool | None, *, cross_check: bool) -> Opinions:
    """Count as another tool does, and let onnx-tool count, where asked."""
    with progress.bar("running onnx-tool"):
        check = api.cross_check(cost) if cross_check else None
    return Opinions(None if tool is None else api.convention(cost, tool.value), check)


def show_cost(cost: ModelCost, view: View, precision: str | None, opinions: Opinions) -> None:
    """Write the counts of a model, the memory it needs at a precision, and what other tools say."""
    if view.is_line:
        work = wording.work(cost.totals, cost.coverage)
        put_line(f"{cost.model.path}: {work}. {wording.assumptions(cost.coverage)}")
        return
    _COSTS[view.form](cost, view, precision, opinions)


def _cost_text(cost: ModelCost, view: View, precision: str | None, opinions: Opinions) -> None:
    counts = text_cost.render_cost(cost, by=view.key, top=view.lines, precision=precision, depth=view.levels)
    put_text("\n".join([counts, *_pages(opinions, text_crosscheck, view.lines)]))


def _cost_markdown(cost: ModelCost, view: View, _: str | None, opinions: Opinions) -> None:
    counts = markdown.render_cost(cost, by=view.key, top=view.lines, depth=view.levels)
    put("\n".join([counts, *_pages(opinions, markdown, view.lines)]))


def _cost_json(cost: ModelCost, view: View, precision: str | None, opinions: Opinions) -> None:
    tree = None
    if view.by is Grouping.MODULE:
        tree = costliest(modules(cost, view.levels), view.lines)
    put(
        json.render_cost(
            cost, precision=precision, convention=opinions.convention, check=opinions.check, modules=tree
        )
    )


def _cost_csv(cost: ModelCost, view: View, *_: object) -> None:
    put(csv.render_cost(cost, by=view.key, top=view.lines, depth=view.levels))


_COSTS: Mapping[TableFormat, Callable[[ModelCost, View, str | None, Opinions], None]] = {
    TableFormat.TEXT: _cost_text,
    TableFormat.JSON: _cost_json,
    TableFormat.MARKDOWN: _cost_markdown,
    TableFormat.CSV: _cost_csv,
}


class _Views(Protocol):
    """A module that shows second opinions in one format."""

    def render_convention(self, found: ConventionTotal) -> str: ...
    def render_cross_check(self, check: CrossCheck, *, top: int = 0) -> str: ...


def _pages(opinions: Opinions, views: _Views, top: int) -> list[str]:
    found = [] if opinions.convention is None else [views.render_convention(opinions.convention)]
    return found if opinions.check is None else [*found, views.render_cross_check(opinions.check, top=top)]


def vary(path: str, said: str, sizes: Sizes, worker: Worker | None) -> tuple[str, Sequence[ModelCost]]:
    """Count a model for each size of the dimension that `said` names; return its name too."""
    dimension, values = parse_vary(said)
    dims, inputs = parse_dims(sizes.dims), parse_inputs(sizes.inputs)
    with progress.bar(f"counting {len(values)} sizes of {printable(dimension)}"):
        costs = api.vary(path, dimension, values, dims=dims, inputs=inputs, isolated=worker or True)
    return dimension, costs


def show_vary(
    dimension: str, costs: Sequence[ModelCost], form: TableFormat, precision: str | None, *, verbose: bool
) -> None:
    """Write one line per size of a dimension."""
    for cost in costs if verbose else ():
        talk(f"read {cost.model.path} with {dimension}={size_of(cost, dimension)}: {cost}")
    text = _VARIED[form](dimension, costs, precision=precision)
    (put_text if form is TableFormat.TEXT else put)(text)


class _Varied(Protocol):
    """A view of a dimension."""

    def __call__(
        self, dimension: str, costs: Sequence[ModelCost], *, precision: str | None = None
    ) -> str: ...


_VARIED: Mapping[TableFormat, _Varied] = {
    TableFormat.TEXT: text_vary.render_vary,
    TableFormat.JSON: json.render_vary,
    TableFormat.MARKDOWN: markdown.render_vary,
    TableFormat.CSV: csv.render_vary,
}


def show_diff(old: ModelCost, new: ModelCost, view: View) -> None:
    """Write what changed from one model to the other."""
    found = api.diff(old, new, depth=view.levels)
    if view.is_line:
        put_line(" ".join(text_diff.sentences(found)))
        return
    text = _DIFFS[view.form](found, top=view.lines)
    (put_text if view.form is TableFormat.TEXT else put)(text)


class _Diffs(Protocol):
    """A view of what changed."""

    def __call__(self, found: Diff, *, top: int = 0) -> str: ...


_DIFFS: Mapping[TableFormat, _Diffs] = {
    TableFormat.TEXT: text_diff.render_diff,
    TableFormat.JSON: json.render_diff,
    TableFormat.MARKDOWN: markdown.render_diff,
    TableFormat.CSV: csv.render_diff,
}


def show_limits(found: Limits, form: AnswerFormat, *, quiet: bool) -> None:
    """Write how large a model may be."""
    if form is AnswerFormat.JSON:
        put(json.dumps(found.to_dict()))
    elif quiet:
        put_line(text_limits.render_short(found))
    else:
        put_text(text_limits.render(found))
