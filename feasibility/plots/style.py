"""Give every figure one look, whatever the reader's matplotlib is set to, and write it the same each time."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar

from feasibility.errors import UsageError
from feasibility.plots.lines import balanced, filled
from feasibility.report.escape import printable
from feasibility.units import Bytes, Seconds, format_count
from feasibility.writing import write

if TYPE_CHECKING:  # matplotlib takes half a second to load: only drawing does
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

Drawing: TypeAlias = "Axes"  # what figures take and return, for rooms that do not know matplotlib
Format = Literal["svg", "png"]
FORMATS: tuple[Format, ...] = ("svg", "png")

# Okabe and Ito, Color Universal Design, 2008: told apart with any colour vision
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY, PALE = "#595959", "#D9D9D9"  # text beside the point, and what is behind it
BOUND_COLOURS = {"compute": VERMILLION, "bandwidth": BLUE, "overhead": "#A6A6A6"}
BOUND_WORDS = {"compute": "arithmetic", "bandwidth": "memory traffic", "overhead": "overhead"}

_WIDTH_IN, _HEIGHT_IN = 6.0, 4.2  # 600 pixels wide at 100 dots an inch
DOTS_PER_INCH = 200
_SMALL = 7.5  # points: legends, and what is written beside a mark
_CAPTION_SIZE = 7  # points; the smallest text of a figure
_LEGEND_ROW = 12.5  # points that a row of a legend takes
_KEY_AREA = 30  # square points of a mark in a legend
_NAME_COLUMNS = 40
_LEAST_SHARE = 0.01
_DUST = 1e-9  # what a sum of shares falls short of 1
_SHORT = 50  # from the lowest to the highest value of a logarithmic axis: one label or two would be all
_LONG = 200  # characters of a name that are looked at, from either end
_AXES_SHARE = 0.775  # of a figure's width, where there is one pair of axes in it
_LEAST_COLUMNS = 20
_ELLIPSIS = "\u2026"

_STYLE: Mapping[str, Any] = {
    "font.family": ["DejaVu Sans"],  # matplotlib ships it
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": _SMALL,
    "legend.frameon": False,
    "grid.color": PALE,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "text.parse_math": False,  # a dollar in a node's name is a dollar
    "svg.fonttype": "path",  # looks the same without the font
    "svg.hashsalt": "feasible",
}
_METADATA: Mapping[Format, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": "feasible"},
    "png": {"Software": None},
}
_OF_PLACES = frozenset({"backend", "backend_fallback", "interactive", "toolbar", "timezone"})

Q = TypeVar("Q", Seconds, Bytes)


@contextmanager
def house_style() -> Iterator[None]:
    """Draw as this house does; the reader's own settings come back after."""
    import matplotlib as mpl  # noqa: PLC0415 (a figure is asked for)

    with mpl.rc_context(_settings()):
        yield


@cache
def _settings() -> dict[Any, Any]:
    """Return matplotlib's defaults without those of a window, changed to the house's."""
    import matplotlib as mpl  # noqa: PLC0415 (as above)

    return {k: v for k, v in mpl.rcParamsDefault.items() if k not in _OF_PLACES} | dict(_STYLE)


def axes_of(ax: Axes | None, height_in: float = _HEIGHT_IN) -> Axes:
    """Return the Axes that were given, else those of a new figure."""
    if ax is not None:
        return ax
    from matplotlib.figure import Figure  # noqa: PLC0415 (as above)

    return Figure(figsize=(_WIDTH_IN, height_in), layout="constrained").add_subplot()


@house_style()
def render(ax: Axes, form: Format) -> bytes:
    """Return the figure that Axes are in as a file's bytes, svg or png: the same for the same figure."""
    if form not in FORMATS:
        msg = f"{form!r} is no format of figures"
        raise UsageError(msg, hint=f"one of {', '.join(FORMATS)}")
    figure, file = ax.get_figure(root=True), io.BytesIO()
    if figure is None:
        raise ValueError("these Axes are in no figure any more")
    figure.savefig(file, format=form, dpi=DOTS_PER_INCH, metadata=_METADATA[form])
    return file.getvalue()


class Width(NamedTuple):
    """The characters that lines of a title and of a caption have room for, beside the y axis."""

    title: int
    caption: int


WIDE = Width(title=62, caption=100)  # beside numbers
NARROW = Width(title=50, caption=80)  # beside names


def title(ax: Axes, text: str, width: Width = WIDE, *, above: float = 0.0) -> None:
    """Write what is shown, over as many lines as it takes; `above` are points that something else fills."""
    ax.set_title(balanced(text, _columns(width.title, ax)), pad=6 + above)


def _columns(wide: int, ax: Axes) -> int:
    """Return the characters that a line has room for, beside axes of any size."""
    figure = ax.get_figure(root=True)
    width_in = figure.get_figwidth() if figure else _WIDTH_IN
    share = ax.get_position().width * width_in / (_WIDTH_IN * _AXES_SHARE)
    return max(_LEAST_COLUMNS, int(wide * share))


def legend_above(ax: Axes, columns: int, *, last: Sequence[str] = (), heading: str | None = None) -> float:
    """Name what is drawn, each once, between the axes and the title; return the points that this takes."""
    from matplotlib.collections import PathCollection  # noqa: PLC0415 (as above)

    handles, labels = ax.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    ordered = sorted(named, key=lambda label: label in last)
    if not ordered:
        return 0.0
    legend = ax.legend(
        [named[label] for label in ordered],
        ordered,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        borderaxespad=0.3,
        columnspacing=1.2,
        handlelength=1.6,
        title=heading,
        title_fontsize=_SMALL,
        alignment="left",
    )
    for mark in legend.findobj(PathCollection):
        mark.set_sizes([_KEY_AREA])  # what its area means is on the axes
    legend.set_in_layout(False)  # however wide it is, the axes keep their size; the title makes room for it
    return _LEGEND_ROW * (math.ceil(len(ordered) / columns) + (heading is not None))


def note(ax: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], **looks: Any) -> None:  # noqa: ANN401 (matplotlib's own options)
    """Write small text beside a point; the offset is in points."""
    written = ax.annotate(text, at, xytext=offset, textcoords="offset points", fontsize=_SMALL, **looks)
    written.set_in_layout(False)  # it lies on the axes


def caption(ax: Axes, *sentences: str, width: Width = WIDE) -> None:
    """Write in small type, below the label of the x axis, what the figure rests on."""
    text = " ".join(filter(None, sentences))
    ax.annotate(
        filled(text, _columns(width.caption, ax)),
        xy=(0, 0),
        xycoords=("axes fraction", ax.xaxis.label),
        xytext=(0, -5),
        textcoords="offset points",
        va="top",
        fontsize=_CAPTION_SIZE,
        color=GREY,
        annotation_clip=False,
    )


def legible(text: str) -> str:
    """Return text with everything written out that is not printable or not in the figures' font."""
    known = _glyphs()
    shown = printable(text)
    return "".join(c if ord(c) in known else c.encode("unicode_escape").decode() for c in shown)


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font  # noqa: PLC0415 (as above)

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def shortened(text: str, most: int = _NAME_COLUMNS) -> str:
    """Return a name that fits a figure, without its middle where it is long."""
    shown = legible(text if len(text) <= _LONG else text[:_LONG] + text[-_LONG:])
    if len(shown) <= most:
        return shown
    head = (most - 1) // 2
    return shown[:head] + _ELLIPSIS + shown[head + 1 - most :]


def name_of(path: str) -> str:
    """Return what a model is called in a title: its file's name."""
    return shortened(path.rpartition("/")[2] or path)


def percent(share: float) -> str:
    """Show a share as whole percent; a little is not nothing, nor almost all of it all."""
    if 0 < share < _LEAST_SHARE:
        return "<1 %"
    return ">99 %" if 1 - _LEAST_SHARE < share < 1 - _DUST else f"{100 * share:.0f} %"


def log_axis(axis: Axis, write: Callable[[float], str] = format_count) -> None:
    """Label the powers of ten and, where an axis spans few of them, twice and five times each."""
    low, high = axis.get_view_interval()
    is_short = high < _SHORT * low

    def between(value: float, _: object) -> str:
        return write(value) if is_short and f"{value:e}"[0] in "25" else ""

    axis.set_major_formatter(lambda value, _: write(value))
    axis.set_minor_formatter(between)


def scale(kind: type[Q], largest: float) -> tuple[float, str]:
    """Return the unit that numbers up to the largest are read in, and its size."""
    unit = str(kind(largest)).rpartition(" ")[2]
    known = kind.factors.get(unit)
    return (1.0, kind.symbol) if known is None else (known, unit)


def save(ax: Axes, path: str | os.PathLike[str]) -> None:
    """Write the figure that Axes are in to an .svg or .png file, whole or not at all.

    Raise UsageError for another ending, and where it cannot be written.
    """
    form = form_of(path)
    write(os.fspath(path), render(ax, form))


def form_of(path: str | os.PathLike[str]) -> Format:
    """Return the format that a file's name ends in."""
    ending = Path(path).suffix.lower()
    for form in FORMATS:
        if ending == f".{form}":
            return form
    shown = f"ends in {ending!r}" if ending else "has no ending"
    msg = f"{os.fspath(path)!r} {shown}, and figures are .svg or .png"
    raise UsageError(msg, hint="like figure.svg")
