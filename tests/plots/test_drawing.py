from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

import feasibility as fe
from feasibility import plots
from feasibility.cost import ModelCost
from feasibility.decide.records import Decision
from feasibility.errors import UsageError
from feasibility.plots import style
from feasibility.units import Bytes, Seconds
from feasibility.views.sweep import sweep
from tests.timing_parts import device, model, runtime, step, tensor

ROOT = Path(__file__).parent.parent.parent
HOSTILE = "\x1b[31m$\\frac{x}$\u202e--><script>alert(1)</script>\n\x00&\u4e00\ud800]]>" + "long" * 500
SVG = "{http://www.w3.org/2000/svg}"


def network(name: str = "m/block/mm") -> ModelCost:
    """Return a product and an addition, each of which lies in a module."""
    x, w, y = tensor("x", 100, 100), tensor("w", 100, 100, constant=True), tensor(name, 100, 100)
    first = step((x, w), (y,), "heavy", fmas=10**6, op_class="matmul", parameters=10**4)
    second = step((y, x), (tensor(f"{name}/add", 100, 100),), "light", arithmetic=10**4)
    nodes = replace(first, live_bytes=80_000), replace(second, live_bytes=120_000)
    cost = model(
        *nodes,
        inputs=(x,),
        parameters=10**4,
        parameter_bytes=40_000,
        download_bytes=40_000,
        peak_activation_bytes=120_000,
    )
    return replace(cost, model=replace(cost.model, path=f"{name}.onnx"))


def decided(cost: ModelCost) -> Decision:
    """Return a verdict on first calls, whose phases are many."""
    return fe.decide(cost, client="m1", cold=True)


DRAWN: Mapping[str, Callable[[ModelCost], Axes]] = {
    "roofline": lambda cost: plots.roofline(cost, "pixel-6a"),
    "race": lambda cost: plots.race(decided(cost)),
    "crossover": lambda cost: plots.crossover(
        sweep(cost, {"rtt": "5ms..1s", "down": "1Mbit/s..1Gbit/s", "cold": True}, 4)
    ),
    "modules": lambda cost: plots.modules(cost, "pixel-6a"),
    "memory": lambda cost: plots.memory(cost, "m1"),
    "history": lambda _: plots.history("20ms"),
}
LABELS = {
    "roofline": ("Arithmetic intensity (FLOP per byte moved)", "Rate (FLOP/s)"),
    "race": ("Time (s)", ""),
    "crossover": ("Round trip (ms)", "Downlink (Mbit/s)"),
    "modules": ("Estimated time of one inference (us)", ""),
    "memory": ("Node in execution order (2 run)", "Activations alive (kB)"),
    "history": ("Year of the chip", "FLOP in 20 ms, at the peak"),
}


@pytest.mark.parametrize("kind", DRAWN)
def test_a_figure_says_what_it_shows_and_in_which_unit(kind: str) -> None:
    """Each has a title, and axes with their unit; a lane or bar is named instead."""
    ax = DRAWN[kind](network())
    assert ax.get_title(loc="left")
    assert (ax.get_xlabel(), ax.get_ylabel()) == LABELS[kind]
    assert ax.get_ylabel() or all(label.get_text() for label in ax.get_yticklabels())


@pytest.mark.parametrize("kind", DRAWN)
def test_hostile_names_are_text_and_fit(kind: str) -> None:
    """Markup, mathematics, control characters and endless names end in plain SVG, inside the figure."""
    ax = DRAWN[kind](network(HOSTILE))
    svg = plots.render(ax, "svg").decode()
    tree = ET.fromstring(svg)  # noqa: S314 (our own)
    tags = {element.tag.removeprefix(SVG) for element in tree.iter()}
    assert not tags & {"script", "foreignObject", "image", "a"}
    assert svg.replace("\n", "").isprintable()
    _assert_inside(ax)


@pytest.mark.parametrize("kind", DRAWN)
def test_nothing_is_cut_off(kind: str) -> None:
    """All text of a figure of a real size lies inside it, and title and legend do not meet."""
    _assert_inside(DRAWN[kind](network("m/encoder.layers.11/self_attention/product")))


def _assert_inside(ax: Axes) -> None:
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    width, height = figure.bbox.width, figure.bbox.height
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text().strip() and text.axes is not None:
            box = text.get_window_extent()
            assert box.x0 >= -1 and box.y0 >= -1, text  # noqa: PT018 (one corner)
            assert box.x1 <= width + 1 and box.y1 <= height + 1, text  # noqa: PT018 (the other)
    title = next(each for each in ax.findobj(Text) if each.get_text() == ax.get_title(loc="left"))
    legends = [each.get_legend() for each in (ax, *ax.child_axes) if each.get_legend()]
    for legend in legends:
        assert legend is not None
        assert legend.get_window_extent().y1 <= title.get_window_extent().y0 + 1


def test_a_small_figure_keeps_its_axes() -> None:
    """A legend, title or caption wider than the caller's figure takes no width from what is drawn."""
    ax = Figure(figsize=(3, 4), layout="constrained").add_subplot()
    figure = plots.race(decided(network()), ax=ax).get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    assert ax.get_position().width > 0.3


def test_the_same_figure_is_the_same_bytes() -> None:
    """Neither hash seed, time zone, locale nor the reader's own settings change a byte of either format."""
    code = (
        "import sys; from feasibility import plots; ax = plots.history()\n"
        "for form in ('svg', 'png'): sys.stdout.buffer.write(plots.render(ax, form))"
    )

    def drawn(**environment: str) -> bytes:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | environment,
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        return done.stdout

    first = drawn(PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C")
    assert first == drawn(PYTHONHASHSEED="2", TZ="Asia/Tokyo", LC_ALL="C.UTF-8", MPLBACKEND="svg")
    assert b"Matplotlib v" not in first
    assert b"<dc:date>" not in first


def test_a_readers_settings_neither_show_nor_change() -> None:
    """A font size of the reader's is not the figure's, and stays what it was."""
    plain = plots.render(plots.history(), "svg")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "svg.hashsalt": None}):
        assert plots.render(plots.history(), "svg") == plain
        assert mpl.rcParams["font.size"] == 30


def test_axes_that_are_given_are_drawn_on() -> None:
    """A figure of the caller's own holds the drawing."""
    ax = Figure().add_subplot()
    place = device()
    assert plots.roofline(network(), place, runtime=runtime(), ax=ax) is ax


def test_points_load_no_matplotlib_and_figures_no_pyplot() -> None:
    """Numbers are had without the library that draws them, and drawing touches no global state."""
    code = (
        "import sys; from feasibility import plots as p; p.history_points(); "
        "assert 'matplotlib' not in sys.modules; p.history(); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(("name", "said"), [("a.pdf", "ends in '.pdf'"), ("a", "has no ending")])
def test_other_formats_are_refused(tmp_path: Path, name: str, said: str) -> None:
    """A figure is an .svg or .png, and nothing else is written."""
    with pytest.raises(UsageError, match=said):
        plots.save(plots.history(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_long_name_loses_its_middle() -> None:
    """Both ends say more than the middle does; forty characters are left."""
    shown = style.shortened("begin" + 100 * "x" + "end")
    assert len(shown) == 40
    assert shown.startswith("begin")
    assert shown.endswith("end")
    assert style.shortened("short") == "short"


def test_what_the_font_lacks_is_written_out() -> None:
    """DejaVu Sans has e with an accent and no Chinese; a colour code is an escape."""
    assert style.legible("\u00e9 \u4e00 \x1b") == "\u00e9 \\u4e00 \\x1b"


def test_an_axis_has_the_unit_of_its_largest_number() -> None:
    """20 ms are read in ms and 3 s in s, 5,000,000 bytes in MB and none in B."""
    assert [style.scale(Seconds, seconds) for seconds in (0.02, 3.0)] == [(1e-3, "ms"), (1, "s")]
    assert [style.scale(Bytes, nbytes) for nbytes in (5e6, 0)] == [(1e6, "MB"), (1, "B")]


def test_a_little_is_not_nothing() -> None:
    """Shares are whole percent, but what rounds to none or all of it."""
    assert [style.percent(share) for share in (0, 0.001, 0.29, 0.999, 1 - 1e-12, 1)] == [
        "0 %", "<1 %", "29 %", ">99 %", "100 %", "100 %",
    ]  # fmt: skip
