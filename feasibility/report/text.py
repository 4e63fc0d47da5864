"""Render answers as plain text for a terminal or a pipe; colour on a terminal only.

`render*` are pure and give the same text everywhere; `print_coloured` alone needs
rich, and is called only where standard output is a terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from feasibility.report import advice, wording
from feasibility.report.escape import printable
from feasibility.report.layout import Column, bullets, fields, paragraph, table
from feasibility.report.wording import NOTHING, percent
from feasibility.units import PerSecond, Seconds

if TYPE_CHECKING:  # the records import pydantic, which `feasible profile` does without
    from feasibility.decide.records import Decision
    from feasibility.decide.timed_groups import TimedGroup

_COLOURS = {"client": "green", "server": "blue", "neither": "red", "undecided": "yellow"}
_HEADINGS = (
    "why",
    "what would flip it",
    "what would pass",
    "waived",
    "notes",
    "phases of the first call",
    "checks",
    "who chose what",
    "sources",
    "checks that fail",
)


def render(decision: Decision, *, why: bool = False) -> str:
    """Return the answer: verdict first, then what it rests on, then what would flip it.

    `why` adds the phases of both sides, every check, who chose what, and the sources.
    """
    blocks = [
        lead(decision),
        fields(_facts(decision)),
        bullets("why", decision.reasons),
        bullets("what would flip it", advice.flips(decision)),
        *(_details(decision) if why else ()),
    ]
    return _page(blocks)


def _page(blocks: Iterable[Sequence[str]]) -> str:
    """Join the blocks that hold something, an empty line between them."""
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_short(decisions: Sequence[Decision]) -> str:
    """Return the verdicts and what they assume about the models, nothing else."""
    models = len({decision.model.path for decision in decisions}) > 1
    devices = len({_unit(decision) for decision in decisions}) > 1
    return "".join(_short(decision, models=models, devices=devices) for decision in decisions)


def _short(decision: Decision, *, models: bool, devices: bool) -> str:
    """Say the verdict in one line; name the model among several, the device where a limit speaks of none."""
    names = [decision.model.path] if models else []
    names += [_unit(decision)] if devices and wording.failed_checks(decision) else []
    named = f"{' on '.join(names)}: " if names else ""
    return printable(named + " ".join(_said(decision))) + "\n"


def lead(decision: Decision) -> list[str]:
    """Return the opening lines: the verdict, then what it assumes about the model."""
    verdict, *notes = _said(decision)
    return [line for said in (verdict, *notes) for line in paragraph(said)]


def _said(decision: Decision) -> list[str]:
    """Return the verdict with what it assumes, and what to note of the model."""
    said = (wording.headline(decision), wording.assumptions(decision.coverage), wording.pays_off(decision))
    return [" ".join(filter(None, said)), *wording.notes(decision.coverage, decision.model)]


def _facts(decision: Decision) -> list[tuple[str, str]]:
    assumption, narrow = advice.largest_assumption(decision)
    client, server, limits = decision.client, decision.server, wording.limits(decision)
    return [
        ("compared", wording.label(decision)),
        ("model", f"{decision.model.path}: {wording.work(decision.totals, decision.coverage)}"),
        ("client", f"{client.inference} on {wording.where(client)}"),
        ("server", f"{server.inference} on {wording.where(server)}{wording.assumed(decision, 'server')}"),
        ("a call", wording.call(decision)),
        *([("traffic", wording.traffic(decision.server.service))] if decision.server.service else []),
        ("network", wording.network(decision)),
        ("window", wording.window(decision)),
        ("download", wording.download(decision)),
        ("memory", wording.memory(decision)),
        *([("limits", limits)] if limits else []),
        ("coverage", wording.coverage_line(decision.coverage)),
        ("unsure", assumption),
        ("narrow it", narrow),
    ]


def _details(decision: Decision) -> list[list[str]]:
    phases = [
        (name, phase.name, str(phase.seconds))
        for name, side in (("client", decision.client), ("server", decision.server))
        for phase in side.phases
    ]
    choices = [(key, setting.origin, setting.value) for key, setting in decision.scenario.items()]
    checks = [(check.name, _OUTCOMES[check.passed], check.message) for check in decision.checks]
    return [
        _groups(decision),
        _batches(decision),
        _listing("phases of the first call", phases),
        _listing("checks", checks),
        _listing("who chose what", choices),
        bullets("sources", decision.sources),
    ]


def _groups(decision: Decision) -> list[str]:
    """Return the slowest kernels of an inference on the client, and what bounds each."""
    side = decision.client
    rows = [
        (
            "  " + str(Seconds(group.seconds)),
            f"{100 * group.share:.0f} %",
            _BOUNDS[group.bound],
            group.op_type if group.nodes == 1 else f"{group.op_type} +{group.nodes - 1}",
            _kernel(group, side.runtime),
        )
        for group in side.groups
    ]
    if not rows:
        return []
    rest = side.group_count - len(rows)
    left = max(0.0, 1 - sum(group.share for group in side.groups))
    tail = [f"  {rest:,} more groups and fixed costs take {100 * left:.0f} %"] if rest > 0 else []
    columns = [Column("", right=True), Column("", right=True), Column(""), Column(""), Column("")]
    return [f"slowest groups on {side.device}", *table(columns, rows)[1:], *tail]


def _batches(decision: Decision) -> list[str]:
    """Return what one replica that never lacks requests does, for each size of batch."""
    service = decision.server.service
    rows = [
        (
            f"  {batch.size}",
            str(Seconds(batch.service_s)),
            str(PerSecond(batch.per_s)),
            "" if batch.usd_per_million is None else f"{batch.usd_per_million:,.2f} USD a million",
        )
        for batch in (service.batches if service else ())
    ]
    if not rows:
        return []
    columns = [Column("", right=True), Column("", right=True), Column("", right=True), Column("")]
    return [f"full batches on {decision.server.device}", *table(columns, rows)[1:]]


def _kernel(group: TimedGroup, runtime: str) -> str:
    """Name a kernel; exporters end a name with the operator, which stands beside it already."""
    name = group.name.removesuffix(f"/{group.op_type}")
    return name if group.runtime == runtime else f"{name} (by {group.runtime})"


_BOUNDS = {"compute": "arithmetic", "bandwidth": "memory", "overhead": "overhead"}
_OUTCOMES = {True: "passed", False: "failed", None: "not judged"}


def _listing(title: str, rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return a titled table without column heads."""
    if not rows:
        return []
    body = table([Column(""), Column(""), Column("")], [("  " + a, b, c) for a, b, c in rows])
    return [title, *body[1:]]


def render_many(decisions: Sequence[Decision]) -> str:
    """Return one line per model and device, after what holds for all of them."""
    first = decisions[0]
    models = {d.model.path: d for d in decisions}
    rows = _one_model(decisions) if len(models) == 1 else _several_models(decisions)
    lines = [*paragraph(_tally(decisions)), *(line for d in models.values() for line in _model_line(d))]
    failures = _failures(decisions, several=len(models) > 1)
    return _page([lines, fields(_shared(first, len(models))), rows, bullets("checks that fail", failures)])


def _tally(decisions: Sequence[Decision]) -> str:
    """Return how often each side wins, in one sentence: `client on 3 of 5 devices, ...`."""
    models = len({d.model.path for d in decisions})
    devices = len(decisions) // models
    word, what = ("on", "devices") if models == 1 else ("for", "models") if devices == 1 else ("in", "cases")
    won = Counter(d.verdict.value for d in decisions)
    (first, most), *others = won.most_common()
    rest = "".join(f", {verdict} {word} {count}" for verdict, count in others)
    return f"{first} {word} {most} of {len(decisions)} {what}{rest}."


def _shared(decision: Decision, models: int) -> list[tuple[str, str]]:
    """Return what holds for every line of the table."""
    server = f"{wording.where(decision.server)}{wording.assumed(decision, 'server')}"
    if models == 1:
        server = f"{wording.compared_times(decision)[1]} on {server}"
    rows = [
        ("compared", wording.label(decision)),
        ("server", server),
        ("network", wording.network(decision)),
    ]
    if decision.server.service and models == 1:
        rows.append(("traffic", wording.traffic(decision.server.service)))
    if wording.assumed(decision, "client"):
        rows.append(("devices", "typical ones (assumed)"))
    if models == 1:
        rows.append(("download", f"{wording.download_size(decision)} once{wording.packed(decision)}"))
    return [*rows, ("more", "name one model and one --device: memory, reasons, and what would flip it")]


def _model_line(decision: Decision) -> list[str]:
    text = f"{decision.model.path}: {wording.work(decision.totals, decision.coverage)}."
    notes = wording.notes(decision.coverage, decision.model)
    return paragraph(" ".join((text, wording.assumptions(decision.coverage), *notes)))


def _one_model(decisions: Sequence[Decision]) -> list[str]:
    """Return a line per device: the server's time is the same for all, and the flip is shown."""
    title, flip = _FLIPS.get(decisions[0].compared, ("", None))
    columns = [*_COLUMNS, *([Column(title, right=True)] if flip else []), Column("on")]
    rows = [
        (
            *_cells(d),
            *([NOTHING if wording.failed_checks(d) else flip(d)] if flip else []),
            f"{_unit(d)} {d.client.runtime} {d.client.precision}",
        )
        for d in decisions
    ]
    return table(columns, rows)


def _even_rtt(decision: Decision) -> str:
    return NOTHING if decision.break_even.rtt is None else str(decision.break_even.rtt)


def _even_calls(decision: Decision) -> str:
    return NOTHING if decision.break_even.calls is None else wording.number(decision.break_even.calls)


_FLIPS = {"inference": ("flips at rtt", _even_rtt), "amortised": ("flips at calls", _even_calls)}


def _several_models(decisions: Sequence[Decision]) -> list[str]:
    columns = [*_COLUMNS, Column("server", right=True), Column("on")]
    rows = [(*_cells(d), str(wording.compared_times(d)[1]), f"{_unit(d)} {d.model.path}") for d in decisions]
    return table(columns, rows)


_COLUMNS = (Column("verdict"), Column("sure", right=True), Column("client", right=True))


def _cells(decision: Decision) -> tuple[str, str, str]:
    client = wording.compared_times(decision)[0]
    return decision.verdict.value, percent(decision.confidence), str(client)


def _unit(decision: Decision) -> str:
    return f"{decision.client.device}/{decision.client.unit}"


def _failures(decisions: Sequence[Decision], *, several: bool) -> list[str]:
    """Return the limits that decided: what holds everywhere once, the rest by device, runtime and model."""
    said = [[check.message for check in wording.failed_checks(d)] for d in decisions]
    everywhere = [message for message in said[0] if all(message in each for each in said)]
    runtimes = Counter((d.model.path, _unit(d)) for d in decisions)
    own = [
        f"{_named(d, model=several, runtime=runtimes[d.model.path, _unit(d)] > 1)}: {message}"
        for d, messages in zip(decisions, said, strict=True)
        for message in messages
        if message not in everywhere
    ]
    return [*everywhere, *own]


def _named(decision: Decision, *, model: bool, runtime: bool) -> str:
    """Name a line of the table by what tells it from the others."""
    path = f"{decision.model.path} on " if model else ""
    return f"{path}{_unit(decision)}{f' with {decision.client.runtime}' if runtime else ''}"


def print_coloured(text: str) -> None:
    """Print rendered text to the terminal with its verdict and its headings coloured."""
    from rich.console import Console  # noqa: PLC0415 (a pipe does without rich)
    from rich.text import Text  # noqa: PLC0415

    styled = Text(text, end="")
    styled.highlight_regex(r"(?m)^[A-Za-z]+( [a-z]+)?(?=  +\S)", "cyan")
    for heading in _HEADINGS:
        styled.highlight_regex(rf"(?m)^{heading}$", "bold")
    for verdict, colour in _COLOURS.items():
        styled.highlight_regex(rf"(?m)^{verdict}(?= [(ofi]| +>?\d+ %| +- )", f"bold {colour}")
    Console(highlight=False, markup=False, emoji=False).print(styled, end="", overflow="fold", crop=False)
