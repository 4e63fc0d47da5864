"""Draw a figure and write it: to a file, or as SVG to standard output."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feasibility import api, writing
from feasibility.alike import closest
from feasibility.cli import answers
from feasibility.cli.options import FigureKind
from feasibility.cli.output import put, put_text
from feasibility.errors import UsageError
from feasibility.report.escape import printable

if TYPE_CHECKING:
    from feasibility.cost import ModelCost
    from feasibility.loader.isolate import Worker
    from feasibility.plots.style import Drawing

_ORIGIN = "command line"
_DEVICE = "m1"  # where nobody names one, as `api.decide` has it
_RTTS, _DOWNLINKS = "5ms..1s", "1Mbit/s..1Gbit/s"  # of a map, where nobody says
_MAP_POINTS = 25  # on each axis: 625 verdicts, about a second
_ALWAYS = frozenset({"kind", "model", "out", "dim", "input"})
_PLACE = frozenset({"device", "runtime", "precision"})
_LINK = frozenset(
    {"network", "rtt", "down", "up", "cdn_rtt", "resumed", "server", "server_precision", "calls", "cache_hit"}
)
_CALL = _PLACE | _LINK | {"cold", "payload", "response"}

_Choices = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """How a kind is drawn, and which options say something about it."""

    draw: Callable[[ModelCost, _Choices], Drawing]
    options: frozenset[str]


def plot(kind: str, model: str | None, out: str, given: _Choices, worker: Worker | None) -> None:
    """Draw what is asked for, and say what was written; UsageError before anything is read."""
    name = _kind(kind)
    choices = {option: value for option, value in given.items() if _is_given(value)}
    _quieten()
    from feasibility.plots.style import form_of, render

    form = "svg" if out == writing.STDOUT else form_of(out)
    writing.check_writable(out)
    ax = _history(model, choices) if name is FigureKind.HISTORY else _drawn(name, model, choices, worker)
    content = render(ax, form)
    if out == writing.STDOUT:
        put(content.decode())
        return
    writing.write(out, content)
    shown = " ".join(ax.get_title(loc="left").split())
    put_text(f"{printable(out)}: {shown}\n")


def _kind(word: str) -> FigureKind:
    if word in tuple(FigureKind):
        return FigureKind(word)
    near = closest(word.lower(), FigureKind)
    msg = f"there is no figure {word!r}"
    raise UsageError(msg, hint=f"did you mean {near}?" if near else f"one of {', '.join(FigureKind)}")


def _is_given(value: object) -> bool:
    """Tell a choice from a default; 0 is a choice."""
    return value is not None and value is not False and value not in ([], ())


def _quieten() -> None:
    """Keep matplotlib from talking about its caches, and from loading a window's backend."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    os.environ.pop("MPLBACKEND", None)


def _drawn(name: FigureKind, model: str | None, choices: _Choices, worker: Worker | None) -> Drawing:
    figure = _FIGURES[name]
    _refuse(name, choices, figure.options | _ALWAYS)
    if model is None:
        msg = f"{name.value} needs a model"
        raise UsageError(msg, hint=f"like: feasible plot {name.value} model.onnx -o {name.value}.svg")
    sizes = answers.Sizes(choices.get("dim", ()), choices.get("input", ()))
    return figure.draw(answers.read(model, sizes, worker), choices)


def _refuse(name: FigureKind, choices: _Choices, known: frozenset[str]) -> None:
    """Raise UsageError for an option that would change nothing."""
    for option in choices:
        if option not in known:
            msg = f"--{option.replace('_', '-')} does not go with {name.value}"
            raise UsageError(msg)


def _history(model: str | None, choices: _Choices) -> Drawing:
    from feasibility import plots

    _refuse(FigureKind.HISTORY, choices, frozenset({"kind", "model", "out", "rtt"}))
    if model is not None:
        msg = f"history is of chips, and {model!r} is named"
        raise UsageError(msg, hint="leave the model out")
    return plots.history(choices.get("rtt", plots.DEFAULT_RTT))


def _of(choices: _Choices, names: frozenset[str]) -> dict[str, Any]:
    return {name: choices[name] for name in sorted(names) if name in choices}


def _roofline(cost: ModelCost, choices: _Choices) -> Drawing:
    from feasibility import plots

    return plots.roofline(cost, choices.get("device", _DEVICE), **_of(choices, _PLACE - {"device"}))


def _modules(cost: ModelCost, choices: _Choices) -> Drawing:
    from feasibility import plots

    names = (_PLACE - {"device"}) | {"depth", "top"}
    return plots.modules(cost, choices.get("device", _DEVICE), **_of(choices, names))


def _memory(cost: ModelCost, choices: _Choices) -> Drawing:
    from feasibility import plots

    return plots.memory(cost, choices.get("device"), **_of(choices, _PLACE - {"device"}))


def _race(cost: ModelCost, choices: _Choices) -> Drawing:
    from feasibility import plots

    client = choices.get("device", _DEVICE)
    return plots.race(api.decide(cost, client=client, origin=_ORIGIN, **_of(choices, _CALL - {"device"})))


def _crossover(cost: ModelCost, choices: _Choices) -> Drawing:
    """Draw first calls where nobody gives a number of calls: a downlink matters to both."""
    from feasibility import plots

    for name, span in (("rtt", _RTTS), ("down", _DOWNLINKS)):
        if ".." not in choices.get(name, span):
            msg = f"--{name} {choices[name]} is one value, and a map is over many"
            raise UsageError(msg, hint=f"like --{name} {span}")
    axes = {"rtt": choices.get("rtt", _RTTS), "down": choices.get("down", _DOWNLINKS)}
    rest = _of(choices, _CALL - {"device", "rtt", "down"})
    compared = {} if "calls" in choices else {"cold": True}
    client = choices.get("device", _DEVICE)
    found = api.sweep(cost, points=_MAP_POINTS, client=client, **axes, **(rest | compared))
    return plots.crossover(found)


_FIGURES: Mapping[FigureKind, _Figure] = {
    FigureKind.ROOFLINE: _Figure(draw=_roofline, options=_PLACE),
    FigureKind.RACE: _Figure(draw=_race, options=_CALL),
    FigureKind.CROSSOVER: _Figure(draw=_crossover, options=_CALL),
    FigureKind.MODULES: _Figure(draw=_modules, options=_PLACE | {"depth", "top"}),
    FigureKind.MEMORY: _Figure(draw=_memory, options=_PLACE),
}
