"""Read models, decide, and write the answers: what the commands have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from feasibility import api
from feasibility.cli import progress
from feasibility.cli.options import Format, Side
from feasibility.cli.output import put, put_text, talk
from feasibility.cli.parsing import parse_dims, parse_inputs
from feasibility.errors import ExitCode, UsageError
from feasibility.report import json, markdown, text

if TYPE_CHECKING:
    from feasibility.cost import ModelCost
    from feasibility.decide.records import Decision
    from feasibility.loader.isolate import Worker

_STDIN = "-"
_ORIGIN = "command line"


def once(models: Sequence[str]) -> Sequence[str]:
    """Return the models; standard input can be read only once."""
    if models.count(_STDIN) > 1:
        raise UsageError("standard input (-) is named twice, and can be read only once")
    return models


class Sizes(NamedTuple):
    """The sizes that the command line gives: NAME=N and NAME=AxBxC, as they are written."""

    dims: Sequence[str] = ()
    inputs: Sequence[str] = ()


def read(path: str, sizes: Sizes, worker: Worker | None, *, verbose: bool = False) -> ModelCost:
    """Count a model in the child that was started for it."""
    dims, inputs = parse_dims(sizes.dims), parse_inputs(sizes.inputs)
    cost = api.profile(path, dims=dims, inputs=inputs, isolated=worker or True)
    if verbose:
        talk(f"read {path}: {cost}")
    return cost


def read_all(
    paths: Sequence[str], sizes: Sizes, worker: Worker | None, *, quiet: bool = False, verbose: bool = False
) -> list[ModelCost]:
    """Count models one after the other, and show people who wait how far that is."""

    def count(path: str) -> ModelCost:
        return read(path, sizes, worker, verbose=verbose)

    label = "reading models" if len(paths) > 1 else "reading the model"
    return progress.each(label, count, once(paths), hidden=quiet or verbose)


def places(devices: Sequence[str], runtime: str | None, *, all_runtimes: bool) -> list[dict[str, Any]]:
    """Return where to decide for: the devices named, else the panel; or each runtime of each unit."""
    if not all_runtimes:
        named = [{"client": device} for device in devices]
        panel = [{"default_client": device} for device in api.PANEL]
        return [place | {"runtime": runtime} for place in named or panel]
    if runtime is not None:
        msg = f"--runtime {runtime} and --all-runtimes contradict each other"
        raise UsageError(msg, hint="leave one of them out")
    return [
        {"client": client, "runtime": name}
        for device in devices or api.PANEL
        for client, name in api.runtimes_of(device)
    ]


def decide_all(
    costs: Iterable[ModelCost],
    places: Sequence[Mapping[str, Any]],
    choices: Mapping[str, Any],
    *,
    quiet: bool = False,
) -> list[Decision]:
    """Decide for each model in each place."""

    def decide(each: tuple[ModelCost, Mapping[str, Any]]) -> Decision:
        cost, place = each
        return api.decide(cost, origin=_ORIGIN, **place, **choices)

    pairs = [(cost, place) for cost in costs for place in places]
    return progress.each("deciding", decide, pairs, hidden=quiet)


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
