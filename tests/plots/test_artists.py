from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.patches import Rectangle, StepPatch

from feasibility import plots
from feasibility.cost import ModelCost, NodeCost
from feasibility.decide.records import Verdict
from feasibility.plots import style
from feasibility.units import Seconds
from feasibility.views.axes import Axis
from feasibility.views.sweep import Point, Sweep
from tests.samples import decision
from tests.timing_parts import device, model, runtime, step, tensor

CLIENT, SERVER = Verdict.CLIENT, Verdict.SERVER


def bars(ax: Axes) -> dict[str, list[tuple[float, float, str]]]:
    """Return start, width and colour of each bar of each label, those without width left out."""
    found: dict[str, list[tuple[float, float, str]]] = {}
    for container in ax.containers:
        if isinstance(container, BarContainer):
            found.setdefault(str(container.get_label()), []).extend(map(bar, container))
    return {label: [each for each in listed if each[1]] for label, listed in found.items()}


def bar(patch: Rectangle) -> tuple[float, float, str]:
    """Return where a bar starts, how wide it is, and its colour."""
    return round(float(patch.get_x()), 6), round(float(patch.get_width()), 6), hexed(patch.get_facecolor())


def hexed(colour: Any) -> str:  # noqa: ANN401 (whatever an artist gives)
    """Return a colour as the house writes it."""
    return to_hex(colour).upper()


def numbers(array: object) -> Any:  # noqa: ANN401 (nested as the array is)
    """Return the lists of an artist's array."""
    return np.asarray(array, dtype=float).tolist()


def dots(ax: Axes) -> dict[str, PathCollection]:
    """Return the scattered marks by their label."""
    return {str(each.get_label()): each for each in ax.collections if isinstance(each, PathCollection)}


def colours(found: PathCollection) -> list[str]:
    """Return what marks are filled with."""
    return [hexed(each) for each in numbers(found.get_facecolor())]


def lines(ax: Axes, dashes: str) -> Iterator[list[tuple[float, float]]]:
    """Yield the points of each line of a kind."""
    for line in ax.lines:
        if line.get_linestyle() == dashes:
            yield [(x, y) for x, y in numbers(line.get_xydata())]


def product(name: str, fmas: int, side: int = 1) -> NodeCost:
    """Return a product of two square matrices that computes so much, whatever their size."""
    x, w, y = tensor("x", side, side), tensor("w", side, side, constant=True), tensor(name, side, side)
    return step((x, w), (y,), "heavy", fmas=fmas, op_class="matmul")


def two_blocks() -> ModelCost:
    """Return 3 ms and 1 ms of arithmetic, and 12 MB that take 0.48 ms at 25 GB/s beside nothing computed."""
    return model(product("m/a/mm", 75 * 10**7), product("m/b/mm", 25 * 10**7), product("m/c/mm", 500, 1000))


def test_dots_have_the_colour_of_their_bound_and_an_area_of_their_share() -> None:
    """3 and 1 ms are three to one, beyond the least area; memory traffic is blue."""
    found = dots(plots.roofline(two_blocks(), device(), runtime=runtime()))
    assert list(found) == ["arithmetic 89 %", "memory traffic 11 %"]
    arithmetic, traffic = found.values()
    assert (colours(arithmetic), colours(traffic)) == ([style.VERMILLION], [style.BLUE])
    least = 14
    large, small = arithmetic.get_sizes()
    assert (large - least) / (small - least) == pytest.approx(3, rel=1e-3)
    assert (small - least) / (traffic.get_sizes()[0] - least) == pytest.approx(1 / 0.48, rel=1e-3)


def test_dots_stand_at_their_intensity_and_rate() -> None:
    """1.5 GFLOP over 12 bytes in 3 ms are 0.5 TFLOP/s."""
    arithmetic, _ = dots(plots.roofline(two_blocks(), device(), runtime=runtime())).values()
    assert numbers(arithmetic.get_offsets())[0] == pytest.approx([1.5e9 / 12, 0.5e12], rel=1e-3)


def test_the_runtimes_roof_is_dashed_below_the_data_sheets() -> None:
    """1 TFLOP/s and 100 GB/s meet at 10, half and a quarter of them at 20; the legend names both."""
    ax = plots.roofline(two_blocks(), device(), runtime=runtime())
    (sheet,), (reached,) = lines(ax, "-"), lines(ax, "--")
    assert sheet[1] == pytest.approx((10, 1e12))
    assert reached[1] == pytest.approx((20, 0.5e12))
    assert [each.get_label() for each in ax.lines] == [
        "data sheet: 1 TFLOP/s, 100 GB/s",
        "what rt reaches: 500 GFLOP/s, 25 GB/s",
    ]


def test_module_bars_are_stacked_and_add_up() -> None:
    """In one module traffic follows arithmetic; a start of 2 ms is grey; with it all is 6.48 ms."""
    cost = model(product("m/a/mm", 75 * 10**7), product("m/a/c", 500, 1000), product("m/b/mm", 75 * 10**7))
    ax = plots.modules(cost, device(), runtime=runtime(constant=Seconds(2e-3)), depth=1)
    assert bars(ax) == {
        "arithmetic": [(0, 3, style.VERMILLION), (0, 3, style.VERMILLION)],
        "memory traffic": [(3, 0.480002, style.BLUE)],
        "start and crossings": [(0, 2, style.GREY)],
    }


@pytest.mark.parametrize("top", [0, 1, 2])
def test_each_module_bar_is_as_wide_as_its_seconds(top: int) -> None:
    """However many are shown apart, parts of a row add up to what is written beside it."""
    place, rate = device(), runtime(constant=Seconds(2e-3))
    found = plots.modules_points(two_blocks(), place, runtime=rate, top=top)
    ax = plots.modules(two_blocks(), place, runtime=rate, top=top)
    rows = dict.fromkeys(range(len(found.bars)), 0.0)
    for patch in ax.patches:
        assert isinstance(patch, Rectangle)
        rows[round(patch.get_y() + patch.get_height() / 2)] += patch.get_width() * 1e-3
    assert list(rows.values()) == pytest.approx([each.seconds for each in found.bars])
    legend = ax.get_legend()
    assert legend is not None
    assert "start and crossings" in [text.get_text() for text in legend.get_texts()]


def test_lanes_are_phases_one_after_the_other() -> None:
    """150 ms of round trip are blue, and 2 ms of inference follow; on the device it is 20 ms, and wins."""
    ax = plots.race(decision())
    assert bars(ax) == {
        "inference": [(150, 2, style.GREEN), (0, 20, style.GREEN)],
        "round trip": [(0, 150, style.BLUE)],
    }
    rows = [patch.get_y() + patch.get_height() / 2 for patch in ax.patches if isinstance(patch, Rectangle)]
    assert rows == [0, 0, 1]
    assert [label.get_text().partition(":")[0] for label in ax.get_yticklabels()] == ["server", "client"]
    (star,) = (text for text in ax.texts if "wins" in text.get_text())
    assert star.xy[1] == 1  # type: ignore[attr-defined]  # an annotation


def test_whiskers_go_from_p10_to_p90() -> None:
    """Each lies on its lane, from the low to the high end of the time compared."""
    found = decision()
    paths = [path for part in plots.race(found).collections for path in part.get_paths()]
    for row, (side, path) in enumerate(zip((found.server_time, found.client_time), paths, strict=True)):
        ends = [[end.value * 1e3, row] for end in (side.low, side.high)]
        assert numbers(path.vertices) == [pytest.approx(end) for end in ends]


def a_map(verdicts: str) -> Sweep:
    """Return a map of 2 round trips and 2 downlinks, c or s for each, the first round trip first."""
    rtt = Axis(name="rtt", key="rtt_s", labels=("10 ms", "1 s"), numbers=(0.01, 1.0))
    down = Axis(name="down", key="downlink_bits_per_s", labels=("1", "100"), numbers=(1e6, 1e8))
    places = [(i, j) for i in range(2) for j in range(2)]
    return Sweep(
        axes=(rtt, down),
        points=tuple(
            Point(
                at=at,
                labels=(),
                decision=decision(verdict=CLIENT if letter == "c" else SERVER, compared="cold"),
            )
            for at, letter in zip(places, verdicts, strict=True)
        ),
    )


def test_each_verdict_fills_its_cells_in_its_colour() -> None:
    """The client has all of 1 Mbit/s, up to 10; of 100 Mbit/s the server has what is below 100 ms."""
    cells = [
        (str(part.get_label()), hexed(numbers(part.get_facecolor())[0]), path.get_extents())
        for part in plots.crossover(a_map("cscc")).collections
        if isinstance(part, PolyCollection)
        for path in part.get_paths()
    ]
    named = {label: colour for label, colour, _ in cells if not label.startswith("_")}
    assert named == {"client": style.SKY, "server": style.ORANGE}
    filled = sorted((colour, *box.min, *box.max) for _, colour, box in cells)
    assert filled == [
        (style.SKY, *map(pytest.approx, (1e-3, 1e5, 10, 1e7))),
        (style.SKY, *map(pytest.approx, (0.1, 1e7, 10, 1e9))),
        (style.ORANGE, *map(pytest.approx, (1e-3, 1e7, 0.1, 1e9))),
    ]


@pytest.mark.parametrize(
    ("verdicts", "title"),
    [
        ("csss", "Client or server, for the first call: m.onnx, a gpu against b"),
        (
            "ssss",
            "m.onnx, a gpu against b: server everywhere, for the first call; --calls N shares the download",
        ),
        ("cccc", "m.onnx, a gpu against b: client everywhere, for the first call"),
    ],
)  # fmt: skip
def test_a_map_says_what_is_compared(verdicts: str, title: str) -> None:
    """Where it has one colour it says which, and what may change that."""
    first = decision(compared="cold")
    sides = replace(first.client, device="a"), replace(first.server, device="b")
    found = a_map(verdicts)
    points = [
        replace(
            each,
            decision=replace(
                each.decision, model=replace(first.model, path="m.onnx"), client=sides[0], server=sides[1]
            ),
        )
        for each in found.points
    ]
    ax = plots.crossover(replace(found, points=tuple(points)))
    assert " ".join(ax.get_title(loc="left").split()) == title


def remembered() -> ModelCost:
    """Return 40 and 80 kB alive at two nodes, and 20 kB of weights."""
    first, second = step("x", "y"), step("y", "z")
    nodes = replace(first, live_bytes=40_000), replace(second, live_bytes=80_000)
    return model(*nodes, parameter_bytes=20_000, parameters=5_000, peak_activation_bytes=80_000)


def test_the_course_of_memory_is_drawn_with_its_peak() -> None:
    """40 and 80 kB, each one node wide, and the mark at the middle of the second."""
    ax = plots.memory(remembered())
    steps = [patch.get_data() for patch in ax.patches if isinstance(patch, StepPatch)]
    assert [(numbers(heights), numbers(edges)) for heights, edges, _ in steps] == [([40, 80], [0, 1, 2])] * 2
    (peak,) = (line for line in ax.lines if line.get_marker() == "v")
    assert (peak.get_xdata(), peak.get_ydata()) == ([1.5], [80])


def test_the_bar_of_what_is_needed_is_stacked_up_to_the_limit() -> None:
    """20 kB of weights, 80 of activations and 7 of the runtime, one after the other; 2 GB are the limit."""
    ax = plots.memory(remembered(), device(app=2.0), runtime=runtime(overhead_bytes=7_000))
    (inside,) = ax.child_axes
    assert isinstance(inside, Axes)
    assert bars(inside) == {
        "weights 20 kB": [(0, 20_000, style.ORANGE)],
        "peak of activations 80 kB": [(20_000, 80_000, style.SKY)],
        "runtime 7 kB": [(100_000, 7_000, style.PURPLE)],
    }
    (limit,) = inside.lines
    assert (limit.get_xdata(), limit.get_label()) == ([2e9, 2e9], "limit 2 GB")


def test_chips_stand_at_their_year_and_what_fits_into_the_window() -> None:
    """2.6 TFLOP/s of the M1 of 2020 are 260 GFLOP in 100 ms; estimates are hollow."""
    found = dots(plots.history("100ms"))
    macs: Any = next(each for label, each in found.items() if label.startswith("M-series GPU fp32"))
    assert macs.get_offsets()[0].tolist() == pytest.approx([2020, 2.6e11])
    for series in plots.history_points("100ms").rates:
        shown = next(each for label, each in found.items() if label.startswith(series.name))
        edge = hexed(numbers(shown.get_edgecolor())[0])
        assert colours(shown) == ["#FFFFFF" if mark.estimated else edge for mark in series.marks]


def test_lines_of_growth_are_those_of_the_legend() -> None:
    """Each dashed line doubles in the years that its series' label says."""
    ax = plots.history("100ms")
    grown = [each for each in plots.history_points("100ms").rates if each.growth]
    for series, ((x0, y0), (x1, y1)) in zip(grown, lines(ax, "--"), strict=True):
        assert series.growth is not None
        assert y1 / y0 == pytest.approx(2 ** ((x1 - x0) / series.growth.doubling_years))
        assert f"{series.name}: doubles in {series.growth.doubling_years:.1f} years" in dots(ax)
