"""Render what changed between two models as plain text (`feasible diff`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from feasibility.cost import Group
from feasibility.report import wording
from feasibility.report.layout import Column, paragraph, table
from feasibility.report.text_cost import operator
from feasibility.report.text_module import UNCOUNTED, path_text
from feasibility.report.wording import NOTHING
from feasibility.units import Bytes, Flops, format_count
from feasibility.views.diff import Change, Diff

TOTAL_TITLES = ("", "old", "new", "change")
CHANGE_TITLES = ("nodes", "old FLOP", "new FLOP", "change", "moved", "weights")
_SAME = "same"
_LOOSE = "(no module)"

_Show = Callable[[int], str]
_Name = Callable[[Change], str]


def _size(count: int) -> str:
    return str(Bytes(count))


_TOTALS: tuple[tuple[str, str, _Show], ...] = (
    ("FLOP", "flops", format_count),
    ("FMA", "fmas", format_count),
    ("other arithmetic", "arithmetic", format_count),
    ("exp, erf, sqrt, ...", "transcendentals", format_count),
    ("parameters", "parameters", format_count),
    ("weights", "parameter_bytes", _size),
    ("download", "download_bytes", _size),
    ("read", "read_bytes", _size),
    ("written", "written_bytes", _size),
    ("activations alive", "peak_activation_bytes", _size),
)


def render_diff(found: Diff, *, top: int = 0) -> str:
    """Return the totals of both models, and the modules and operator types that changed, most first."""
    lines = [line for said in sentences(found) for line in paragraph(said)]
    if found.is_empty:
        return "\n".join(lines) + "\n"
    columns = [Column(""), Column("old", right=True), Column("new", right=True), Column("change")]
    lines += ["", *table(columns, total_rows(found))]
    lines += _table(found.modules, "module", module_name, top)
    lines += _table(found.ops, "operator type", op_name, top)
    return "\n".join(lines) + "\n"


def sentences(found: Diff) -> Iterator[str]:
    """Say how the work changed, and what is not counted on either side."""
    old, new = Flops(found.old_totals.flops), Flops(found.new_totals.flops)
    names = f"{found.old.path} -> {found.new.path}"
    if found.is_empty:
        yield f"{names}: nothing changed in what they cost, {new} a pass."
    elif old == new:
        yield f"{names}: {new} a pass as before, but not everything is the same."
    else:
        change = signed(found.delta("flops"), lambda count: str(Flops(count)))
        yield f"{names}: {old} to {new} a pass, {change}{_percent(found, 'flops')}."
    for side, coverage in (("Old", found.old_coverage), ("New", found.new_coverage)):
        if coverage.unknown:
            yield f"{side}: {wording.uncounted(coverage)}"


def total_rows(found: Diff) -> list[tuple[str, ...]]:
    """Return the cells of each total, in the order of TOTAL_TITLES."""
    return [
        (
            label,
            show(getattr(found.old_totals, name)),
            show(getattr(found.new_totals, name)),
            signed(found.delta(name), show) + _percent(found, name),
        )
        for label, name, show in _TOTALS
    ]


def change_rows(changes: Sequence[Change], name: _Name) -> list[tuple[str, ...]]:
    """Return the cells of each change, in the order of CHANGE_TITLES, and its name."""
    return [(*_cells(change), name(change) + _note(change)) for change in changes]


def module_name(change: Change) -> str:
    """Show the path of a module; nodes whose names tell none are together."""
    return path_text(change.key) if change.key else _LOOSE


def op_name(change: Change) -> str:
    """Show an operator type."""
    return operator(*change.key)


def signed(count: int, show: _Show = format_count) -> str:
    """Show a change with its sign; none is "same"."""
    if not count:
        return _SAME
    return f"{'+' if count > 0 else '-'}{show(abs(count))}"


def _percent(found: Diff, total: str) -> str:
    """Show a change beside what it starts from, where both say something."""
    before, change = getattr(found.old_totals, total), found.delta(total)
    return f" ({100 * change / before:+.1f} %)" if before and change else ""


def _table(changes: Sequence[Change], what: str, name: _Name, top: int) -> list[str]:
    """Return a table of the changes, or that there are none."""
    if not changes:
        return ["", f"No {what} changed."]
    columns = [*(Column(title, right=True) for title in CHANGE_TITLES), Column(what)]
    lines = ["", *table(columns, change_rows(changes[: top or None], name))]
    hidden = changes[top:] if top else ()
    return lines + (paragraph(_rest(hidden, what)) if hidden else [])


def _rest(hidden: Sequence[Change], what: str) -> str:
    more = signed(sum(change.delta("flops") for change in hidden))
    many = what if len(hidden) == 1 else f"{what}s"
    return f"{len(hidden)} more {many} changed: FLOP {more} (--top 0 shows all)."


def _cells(change: Change) -> tuple[str, ...]:
    moved = change.delta("read_bytes") + change.delta("written_bytes")
    is_unknown = change.old_unknown or change.new_unknown
    return (
        signed(change.delta("nodes"), str),
        _flops(change.old, change.old_unknown),
        _flops(change.new, change.new_unknown),
        UNCOUNTED if is_unknown and not change.delta("flops") else signed(change.delta("flops")),
        signed(moved, _size),
        signed(change.delta("parameter_bytes"), _size),
    )


def _flops(side: Group | None, unknown: int) -> str:
    """Show the work of one side; what some of its nodes lack is not shown as complete."""
    if side is None:
        return NOTHING
    if not unknown:
        return format_count(side.flops)
    return f">={format_count(side.flops)}" if side.flops else UNCOUNTED


def _note(change: Change) -> str:
    """Say what a name alone does not: that one side lacks it, or that some of it is not counted."""
    lost = max(change.old_unknown, change.new_unknown)
    notes = {
        "new": change.old is None,
        "gone": change.new is None,
        f"{lost} not counted": lost > 0,
    }
    said = ", ".join(note for note, holds in notes.items() if holds)
    return f" ({said})" if said else ""
