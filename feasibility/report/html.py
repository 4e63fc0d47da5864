"""Render answers as small HTML for a notebook: no script, nothing from elsewhere, light and dark.

Where a front end strips the style, plain tables and words remain; every verdict is a word
beside its colour.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby, product
from typing import TYPE_CHECKING, Any

from feasibility.cost import ModelCost
from feasibility.ir import TensorSpec
from feasibility.report import advice, wording
from feasibility.report.escape import printable
from feasibility.report.text_cost import OP_TITLES, op_rows, tensor
from feasibility.units import Bytes, Flops

if TYPE_CHECKING:  # the records import pydantic, which counting does without
    from feasibility.decide.records import Decision
    from feasibility.timing.interval import Interval
    from feasibility.views.axes import Axis
    from feasibility.views.sweep import Sweep

TOP_OPS = 8
MOST_COLUMNS = 17  # 800 pixels hold them, with a label at every second
MOST_ROWS = 24
_LABELS = 10
_MOST_TEXT = 400  # characters of a cell; a hostile file may hold names of megabytes
_MOST_ITEMS = 8
_TENSORS = 4

# JupyterLab's variables follow its theme, and the browser's preference decides elsewhere. The verdicts
# have the colours of the figures (Okabe and Ito, Color Universal Design, 2008), legible on both.
_STYLE = """<style>
.feasible{--fg:var(--jp-content-font-color1,#1b1b1b);--dim:var(--jp-content-font-color2,#595959);\
--line:var(--jp-border-color2,#d5d5d5);color:var(--fg);max-width:60em;\
font:13px/1.45 var(--jp-content-font-family,system-ui,sans-serif)}
@media(prefers-color-scheme:dark){.feasible{--fg:var(--jp-content-font-color1,#e4e4e4);\
--dim:var(--jp-content-font-color2,#a8a8a8);--line:var(--jp-border-color2,#4a4a4a)}}
.feasible p{margin:.3em 0}.feasible ul{margin:.2em 0;padding-left:1.4em}
.feasible table{border-collapse:collapse;margin:.4em 0;font-size:12px}
.feasible tr,.feasible td,.feasible th{background:none;border:0}
.feasible td,.feasible th{padding:1px 8px 1px 0;text-align:left;vertical-align:top;color:var(--fg);\
overflow-wrap:anywhere;max-width:48em;white-space:normal}
.feasible th{font-weight:400;color:var(--dim);white-space:nowrap}
.feasible .n{text-align:right;white-space:nowrap}
.feasible tbody tr{border-top:1px solid var(--line)}.feasible summary{cursor:pointer;color:var(--dim)}
.feasible b{padding:0 .45em;border-radius:3px}
.feasible .client{background:#56b4e9;color:#000}.feasible .server{background:#e69f00;color:#000}
.feasible .neither{background:#595959;color:#fff}.feasible .undecided{background:#e4e4e4;color:#000}
.feasible .t{position:relative;height:10px;width:22em;margin-top:4px}
.feasible .t i{position:absolute;height:10px;border-radius:2px}
.feasible .t u{position:absolute;top:4px;height:2px;background:var(--fg)}
.feasible .m td{text-align:center;padding:1px 2px;border:1px solid var(--line);white-space:nowrap}
.feasible .m th{padding:1px 5px 1px 0}.feasible .m thead th{font-size:11px;padding:0 4px 0 1px}
.feasible .s{overflow-x:auto}
</style>"""


def render(found: Any) -> str:  # noqa: ANN401 (what has a page, none of which is imported for it)
    """Return the page of a count, a decision or a sweep."""
    return _PAGES[type(found).__name__](found)


def render_decision(decision: Decision) -> str:
    """Return the verdict, the two times as bars, what they rest on, and what would flip it."""
    verdict = decision.verdict.value
    said = wording.headline(decision).removeprefix(verdict)
    more = (wording.assumptions(decision.coverage), wording.pays_off(decision))
    notes = [*filter(None, more), *wording.notes(decision.coverage, decision.model)]
    return _page(
        f'<p><b class="{verdict}">{verdict}</b>{_text(said)}</p>',
        _paragraph(" ".join(notes)),
        _bars(decision),
        _listing("what would flip it", advice.flips(decision), is_open=True),
        _listing("why", decision.reasons),
        _folded("what it rests on", _fields(_facts(decision))),
    )


def _facts(decision: Decision) -> list[tuple[str, str]]:
    unsure, narrow = advice.largest_assumption(decision)
    service, limits = decision.server.service, wording.limits(decision)
    return [
        ("compared", wording.label(decision)),
        ("model", f"{decision.model.path}: {wording.work(decision.totals, decision.coverage)}"),
        *([("traffic", wording.traffic(service))] if service else []),
        ("network", wording.network(decision)),
        ("window", wording.window(decision)),
        ("download", wording.download(decision)),
        ("memory", wording.memory(decision)),
        *([("limits", limits)] if limits else []),
        ("coverage", wording.coverage_line(decision.coverage)),
        ("unsure", unsure),
        ("narrow it", narrow),
    ]


def _bars(decision: Decision) -> str:
    """Draw the times that are compared on one scale: a bar to the typical one, a line from p10 to p90."""
    sides = (
        ("client", decision.client_time, wording.where(decision.client)),
        (
            "server",
            decision.server_time,
            wording.where(decision.server) + wording.assumed(decision, "server"),
        ),
    )
    longest = max(time.high.value for _, time, _ in sides) or 1.0
    rows = (
        f'<tr><th scope="row">{name}</th><td class="n">{_text(str(time))}</td>'
        f"<td>{_bar(name, time, longest)}</td><td>{_text(where)}</td></tr>"
        for name, time, where in sides
    )
    return f"<table>{''.join(rows)}</table>"


def _bar(name: str, time: Interval, longest_s: float) -> str:
    low, typical, high = (100 * each.value / longest_s for each in (time.low, time.typical, time.high))
    return (
        f'<div class="t"><i class="{name}" style="width:{typical:.1f}%"></i>'
        f'<u style="left:{low:.1f}%;width:{high - low:.1f}%"></u></div>'
    )


def render_cost(cost: ModelCost) -> str:
    """Return the totals of a model and its costliest operator types."""
    totals, coverage = cost.totals, cost.coverage
    rows = op_rows(cost)
    hidden = cost.by_op()[TOP_OPS:]
    rest = (
        f"{len(hidden)} more operator types: {Flops(sum(group.flops for group in hidden))}." if hidden else ""
    )
    notes = (wording.assumptions(coverage), *wording.notes(coverage, cost.model))
    return _page(
        _paragraph(f"{cost.model.path}: {wording.work(totals, coverage)}. {' '.join(filter(None, notes))}"),
        _fields(
            [
                ("download", str(Bytes(totals.download_bytes))),
                ("activations", f"{Bytes(totals.peak_activation_bytes)} alive at most"),
                ("coverage", wording.coverage_line(coverage)),
                ("inputs", _tensors(cost.model.inputs)),
                ("outputs", _tensors(cost.model.outputs)),
            ]
        ),
        _table(OP_TITLES, rows[:TOP_OPS]) if rows else "",
        _paragraph(rest),
    )


def render_sweep(sweep: Sweep) -> str:
    """Return a map of the verdicts: the longest axis across, every combination of the others down."""
    sizes = sweep.shape
    across = sizes.index(max(sizes))
    kept = _kept(sizes, across)
    won = ", ".join(f"{verdict.value} {count:,}" for verdict, count in sweep.tally.items())
    counted = " x ".join(f"{len(axis.labels)} {axis.name}" for axis in sweep.axes)
    return _page(
        _paragraph(f"{sweep.model.path}: {counted}, {len(sweep.points):,} verdicts: {won}."),
        _fields(_constant(sweep)),
        _map(sweep, across, kept),
        _paragraph(_left_out(sweep.axes, kept)),
        *(_paragraph(f"{said}.") for said in sweep.idle),
    )


_PAGES: Mapping[str, Callable[[Any], str]] = {
    "ModelCost": render_cost,
    "Decision": render_decision,
    "Sweep": render_sweep,
}


def _kept(sizes: Sequence[int], across: int) -> list[list[int]]:
    """Return the indices that are shown of each axis; the longest rows' axis is thinned first."""
    most = [MOST_COLUMNS if number == across else size for number, size in enumerate(sizes)]
    while True:
        kept = [_thinned(size, limit) for size, limit in zip(sizes, most, strict=True)]
        lengths = [0 if number == across else len(each) for number, each in enumerate(kept)]
        if math.prod(filter(None, lengths)) <= MOST_ROWS:
            return kept
        most[lengths.index(max(lengths))] = max(lengths) - 1


def _thinned(size: int, most: int) -> list[int]:
    """Return every so manieth index, both ends among them."""
    if most == 1:
        return [0]
    step = max(1, math.ceil((size - 1) / (most - 1)))
    return sorted({*range(0, size, step), size - 1})


def _constant(sweep: Sweep) -> list[tuple[str, str]]:
    """Say what is the same at every point."""
    first = sweep.points[0].decision
    return [
        (name, said(first))
        for name, said in _CONTEXT
        if all(said(point.decision) == said(first) for point in sweep.points)
    ]


_CONTEXT: Sequence[tuple[str, Callable[[Decision], str]]] = (
    ("compared", wording.label),
    ("client", lambda found: wording.where(found.client)),
    ("server", lambda found: wording.where(found.server) + wording.assumed(found, "server")),
    ("network", wording.network),
)


def _map(sweep: Sweep, across: int, kept: Sequence[Sequence[int]]) -> str:
    others = [axis for axis in sweep.axes if axis is not sweep.axes[across]]
    columns = sweep.axes[across]
    names = "".join(f'<th scope="col" rowspan="2">{_text(axis.name)}</th>' for axis in others)
    span = len(kept[across])
    step = 1 if span <= _LABELS else 2
    labels = [columns.labels[at] for at in kept[across][::step]]
    heads = "".join(f'<th scope="colgroup" colspan="{step}">{_text(label)}</th>' for label in labels[:-1])
    heads += f'<th scope="colgroup">{_text(labels[-1])}</th>'
    rows = product(*(each for number, each in enumerate(kept) if number != across))
    body = "".join(_map_row(sweep, across, kept[across], row) for row in rows)
    return (
        f'<div class="s"><table class="m"><thead><tr>{names}'
        f'<th scope="colgroup" colspan="{span}">{_text(columns.name)}</th></tr><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _map_row(sweep: Sweep, across: int, columns: Sequence[int], row: Sequence[int]) -> str:
    """Return a line of the map; neighbours with the same verdict are one cell."""
    points = [sweep.at(*row[:across], column, *row[across:]) for column in columns]
    labels = points[0].labels[:across] + points[0].labels[across + 1 :]
    heads = "".join(f'<th scope="row">{_text(label)}</th>' for label in labels)
    runs = groupby(point.decision.verdict.value for point in points)
    cells = ((verdict, len(list(run))) for verdict, run in runs)
    return f"<tr>{heads}{''.join(_cell(verdict, span) for verdict, span in cells)}</tr>"


def _cell(verdict: str, span: int) -> str:
    return f'<td class="{verdict}" colspan="{span}">{verdict}</td>'


def _left_out(axes: Sequence[Axis], kept: Sequence[Sequence[int]]) -> str:
    thinned = [
        f"{len(shown)} of {len(axis.labels)} values of {axis.name}"
        for axis, shown in zip(axes, kept, strict=True)
        if len(shown) < len(axis.labels)
    ]
    return f"Shown are {' and '.join(thinned)}; fe.to_frame(sweep) has all." if thinned else ""


def _page(*blocks: str) -> str:
    return f'<div class="feasible">{_STYLE}{"".join(blocks)}</div>'


def _text(text: str) -> str:
    """Return text as HTML shows it: what it says, without its middle where nobody would read it."""
    if len(text) > _MOST_TEXT:
        text = f"{text[: _MOST_TEXT // 2]} [...] {text[-_MOST_TEXT // 2 :]}"
    return html.escape(printable(text))


def _paragraph(text: str) -> str:
    return f"<p>{_text(text)}</p>" if text.strip() else ""


def _fields(rows: Iterable[tuple[str, str]]) -> str:
    lines = (f'<tr><th scope="row">{_text(name)}</th><td>{_text(said)}</td></tr>' for name, said in rows)
    return f"<table>{''.join(lines)}</table>"


def _listing(title: str, sentences: Iterable[str], *, is_open: bool = False) -> str:
    said = list(sentences)
    hidden = len(said) - _MOST_ITEMS
    shown = said[:_MOST_ITEMS] + ([f"and {hidden:,} more (fe.explain)"] if hidden > 0 else [])
    items = "".join(f"<li>{_text(each)}</li>" for each in shown)
    return _folded(title, f"<ul>{items}</ul>", is_open=is_open) if said else ""


def _folded(title: str, body: str, *, is_open: bool = False) -> str:
    return f"<details{' open' * is_open}><summary>{title}</summary>{body}</details>"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose last column is words and all others numbers."""
    heads = "".join(
        f'<th scope="col"{_side(at, titles)}>{_text(each)}</th>' for at, each in enumerate(titles)
    )
    lines = (
        "".join(f"<td{_side(at, titles)}>{_text(each)}</td>" for at, each in enumerate(row)) for row in rows
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="s"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def _side(at: int, titles: Sequence[str]) -> str:
    return ' class="n"' if at < len(titles) - 1 else ""


def _tensors(specs: Sequence[TensorSpec]) -> str:
    more = f"; and {len(specs) - _TENSORS} more" if len(specs) > _TENSORS else ""
    return "; ".join(map(tensor, specs[:_TENSORS])) + more or wording.NOTHING
