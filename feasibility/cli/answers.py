"""Read models, decide, and write the answers: what the commands have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from feasibility import api
from feasibility.cli.options import Format, Side, Tool
from feasibility.cli.output import put, put_text, talk
from feasibility.errors import ExitCode, UsageError
from feasibility.report import json, markdown, text, text_cost, text_crosscheck

if TYPE_CHECKING:
    from feasibility.conventions import ConventionTotal, CrossCheck
    from feasibility.cost import ModelCost
    from feasibility.decide.records import Decision
    from feasibility.loader.isolate import Worker

_STDIN = "-"
_MAX_DIGITS = 18  # sizes are 64-bit integers in ONNX
_ORIGIN = "command line"


def once(models: Sequence[str]) -> Sequence[str]:
    """Return the models; standard input can be read only once."""
    if models.count(_STDIN) > 1:
        raise UsageError("standard input (-) is named twice, and can be read only once")
    return models


def read(path: str, dims: Iterable[str], worker: Worker | None, *, verbose: bool) -> ModelCost:
    """Count a model in the child that was started for it."""
    cost = api.profile(path, dims=parse_dims(dims), isolated=worker or True)
    if verbose:
        talk(f"read {path}: {cost}")
    return cost


def parse_dims(texts: Iterable[str]) -> dict[str, int]:
    """Read `name=N` pairs."""
    dims: dict[str, int] = {}
    for given in texts:
        name, _, size = given.rpartition("=")
        if not name or not size.isascii() or not size.isdigit() or len(size) > _MAX_DIGITS:
            msg = f"--dim {given!r} is not a name and a whole number"
            raise UsageError(msg, hint="write it like --dim batch=1")
        if dims.setdefault(name, int(size)) != int(size):
            msg = f"--dim {name!r} is given twice, as {dims[name]} and {size}"
            raise UsageError(msg)
    return dims


def decide_all(
    costs: Iterable[ModelCost], devices: Sequence[str], choices: Mapping[str, Any]
) -> list[Decision]:
    """Decide for each model on each device, or on the panel where no device is named."""
    places: list[dict[str, Any]] = [{"client": device} for device in devices]
    places = places or [{"default_client": device} for device in api.PANEL]
    return [api.decide(cost, origin=_ORIGIN, **place, **choices) for cost in costs for place in places]


def show(decisions: Sequence[Decision], form: Format, *, why: bool, quiet: bool) -> None:
    """Write the verdicts."""
    if form is Format.TEXT:
        put_text(_text(decisions, why=why, quiet=quiet))
    elif len(decisions) == 1:
        put(_ONE[form](decisions[0]))
    else:
        put(_MANY[form](decisions))


_ONE: Mapping[Format, Callable[[Decision], str]] = {
    Format.JSON: json.render,
    Format.MARKDOWN: markdown.render,
}
_MANY: Mapping[Format, Callable[[Sequence[Decision]], str]] = {
    Format.JSON: json.render_many,
    Format.MARKDOWN: markdown.render_many,
}


def _text(decisions: Sequence[Decision], *, why: bool, quiet: bool) -> str:
    if quiet:
        return text.render_short(decisions)
    if len(decisions) == 1:
        return text.render(decisions[0], why=why)
    each = [text.render(decision, why=True) for decision in decisions] if why else []
    return "\n".join([text.render_many(decisions), *each])


class Opinions(NamedTuple):
    """What other tools say of a model, where that was asked."""

    convention: ConventionTotal | None = None
    check: CrossCheck | None = None


def second_opinions(cost: ModelCost, tool: Tool | None, *, cross_check: bool) -> Opinions:
    """Count as another tool does, and let onnx-tool count, where asked."""
    return Opinions(
        None if tool is None else api.convention(cost, tool.value),
        api.cross_check(cost) if cross_check else None,
    )


_NO_OPINIONS = Opinions()


def show_cost(  # noqa: PLR0913 (one parameter per option)
    cost: ModelCost,
    form: Format,
    *,
    by: str,
    top: int,
    precision: str | None = None,
    opinions: Opinions = _NO_OPINIONS,
) -> None:
    """Write the counts of a model, the memory it needs at a precision, and what other tools say."""
    if form is Format.JSON:
        put(json.render_cost(cost, precision=precision, convention=opinions.convention, check=opinions.check))
    elif form is Format.MARKDOWN:
        put("\n".join([markdown.render_cost(cost, top=top), *_pages(opinions, markdown, top)]))
    else:
        counts = text_cost.render_cost(cost, by=by, top=top, precision=precision)
        put_text("\n".join([counts, *_pages(opinions, text_crosscheck, top)]))


class _Views(Protocol):
    """A module that shows second opinions in one format."""

    def render_convention(self, found: ConventionTotal) -> str: ...
    def render_cross_check(self, check: CrossCheck, *, top: int = 0) -> str: ...


def _pages(opinions: Opinions, views: _Views, top: int) -> list[str]:
    found = [] if opinions.convention is None else [views.render_convention(opinions.convention)]
    return found if opinions.check is None else [*found, views.render_cross_check(opinions.check, top=top)]


def exit_code(decisions: Iterable[Decision], require: Side | None, *, strict: bool) -> ExitCode:
    """Return 1 where a required verdict is missed (and say so), 3 where --strict and undecided, else 0."""
    verdicts = [decision.verdict.value for decision in decisions]
    missed = [verdict for verdict in verdicts if require is not None and verdict != require.value]
    if require is not None and missed:
        others = ", ".join(sorted(set(missed)))
        talk(f"--require {require.value} is not met: {len(missed)} of {len(verdicts)} say {others}")
        return ExitCode.GATE_FAILED
    if strict and "undecided" in verdicts:
        return ExitCode.UNDECIDED
    return ExitCode.ANSWERED
