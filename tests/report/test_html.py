from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import feasibility as fe
from feasibility.report import html
from feasibility.views.axes import Axis
from feasibility.views.sweep import Point, Sweep
from tests.samples import cost, decision
from tests.views.counted import Row, counted

ENCODER = Path(__file__).parents[2] / "examples" / "sd_text_encoder.onnx"
HOSTILE = "<script>alert(1)</script>&\"'\x1b[31m\u202e</style><b onclick=x>"
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input"})
C, S, U = fe.Verdict.CLIENT, fe.Verdict.SERVER, fe.Verdict.UNDECIDED


class Seen(HTMLParser):
    """What a browser would see: tags that all close, attributes, text by tag."""

    def __init__(self, text: str) -> None:
        """Read the text and hold it to be well formed."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        assert tag not in _VOID
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Hold it to close the last that is open."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text, the style apart."""
        if self._open and self._open[-1] != "style":
            self.text.append((self._open[-1], data))

    def words(self) -> str:
        """Return all text."""
        return " ".join(data for _, data in self.text)

    def rows(self) -> list[list[str]]:
        """Return the cells of each map row that hold a verdict, repeated over their span."""
        cells = [
            (attrs["class"], int(attrs["colspan"] or 1)) for tag, attrs in self.tags if _is_cell(tag, attrs)
        ]
        return [[str(verdict)] * span for verdict, span in cells]


def _is_cell(tag: str, attrs: dict[str, str | None]) -> bool:
    return tag == "td" and "colspan" in attrs


def grid(sizes: tuple[int, ...], verdict: Any) -> Sweep:  # noqa: ANN401 (a function of the place)
    """Return a sweep of this shape whose verdict is a function of the indices."""
    names = ("rtt", "client", "precision")[: len(sizes)]
    labels = [tuple(f"{name}{at}" for at in range(size)) for name, size in zip(names, sizes, strict=True)]
    places: list[tuple[int, ...]] = [()]
    for size in sizes:
        places = [(*place, at) for place in places for at in range(size)]
    return Sweep(
        axes=tuple(
            Axis(name=name, key=name, labels=each, numbers=None)
            for name, each in zip(names, labels, strict=True)
        ),
        points=tuple(
            Point(
                at=place,
                labels=tuple(labels[number][at] for number, at in enumerate(place)),
                decision=decision(verdict=verdict(*place)),
            )
            for place in places
        ),
    )


PAGES = {
    "cost": html.render_cost(cost()),
    "decision": html.render_decision(decision()),
    "sweep": html.render_sweep(grid((2, 3), lambda i, j: (C, S, U)[(i + j) % 3])),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_is_whole_and_needs_nothing(page: str) -> None:
    """Every tag closes; there is no script, no address, no id and no style that leaves its block."""
    seen = Seen(page)
    assert {tag for tag, _ in seen.tags} <= {
        "div", "style", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "i", "u",
        "details", "summary", "ul", "li",
    }  # fmt: skip
    assert {name for _, attrs in seen.tags for name in attrs} <= {
        "class", "style", "scope", "colspan", "rowspan", "open",
    }  # fmt: skip
    assert not re.search(r"https?:|url\(|@import|javascript:", page)
    style = page[page.index("<style>") + 7 : page.index("</style>")]
    rules = re.findall(r"([^{}]+)\{", style.replace("@media(prefers-color-scheme:dark){", ""))
    assert len(rules) > 10
    assert all(name.strip().startswith(".feasible") for rule in rules for name in rule.split(","))


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_follows_the_theme(page: str) -> None:
    """JupyterLab's colours come first; without them the browser's preference for dark is heard."""
    assert "var(--jp-content-font-color1,#1b1b1b)" in page
    dark = page[page.index("@media(prefers-color-scheme:dark)") :]
    assert "var(--jp-content-font-color1,#e4e4e4)" in dark


def _luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb (WCAG 2.2)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_verdict_is_legible_on_its_colour() -> None:
    """Word and background contrast by 4.5 to 1 or more, the AA level of WCAG, in either theme."""
    pairs = re.findall(
        r"\.(client|server|neither|undecided)\{background:(#\w+);color:(#\w+)\}", PAGES["cost"]
    )
    assert {name for name, _, _ in pairs} == {verdict.value for verdict in fe.Verdict}
    for _, behind, colour in pairs:
        full = colour if len(colour) == 7 else "#" + "".join(2 * c for c in colour[1:])
        lights = sorted((_luminance(behind), _luminance(full)))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5


def test_text_from_a_model_is_text() -> None:
    """Names become no markup, in a count, a decision and a sweep; what is not printable is written out."""
    model = replace(cost(path=HOSTILE), nodes=counted(Row(name="/a/b", op=HOSTILE, fmas=4)).nodes)
    answer = decision(model, reasons=(HOSTILE,), changes=(HOSTILE,))
    axis = Axis(name="client", key="client", labels=(HOSTILE,), numbers=None)
    sweep = Sweep(axes=(axis,), points=(Point(at=(0,), labels=(HOSTILE,), decision=answer),))
    for page in (html.render_cost(model), html.render_decision(answer), html.render_sweep(sweep)):
        seen = Seen(page)
        assert {"script", "onclick"}.isdisjoint({tag for tag, _ in seen.tags})
        assert not any("onclick" in attrs for _, attrs in seen.tags)
        assert "\x1b" not in page
        assert "\u202e" not in page
        assert "<script>alert(1)</script>&\"'\\x1b[31m\\u202e</style>" in seen.words()


def test_a_decision_leads_with_its_verdict() -> None:
    """The word stands first; both times, what would flip it and why are there."""
    seen = Seen(html.render_decision(decision()))
    assert seen.text[0] == ("b", "client")
    words = seen.words()
    assert "(92 % sure): m1 gpu takes 20 ms, server a100 152 ms with round trip." in words
    assert "20 ms (12.8 ms to 31.3 ms)" in words
    assert "server, if the round trip were below 18 ms (now 150 ms)" in words
    assert "The round trip alone takes longer than m1 does." in words
    assert "essay (assumed): rtt 150 ms (command line), down 150 Mbit/s, up 20 Mbit/s" in words


def test_bars_are_on_one_scale() -> None:
    """The longest p90 is the whole width: 20 ms of 200 ms are a tenth of it."""
    slow = fe.Interval(low=fe.Seconds(0.05), typical=fe.Seconds(0.1), high=fe.Seconds(0.2))
    fast = fe.Interval(low=fe.Seconds(0.01), typical=fe.Seconds(0.02), high=fe.Seconds(0.05))
    answer = replace(decision(), client_time=fast, server_time=slow)
    styles = [attrs["style"] for tag, attrs in Seen(html.render_decision(answer)).tags if tag in {"i", "u"}]
    assert styles == ["width:10.0%", "left:5.0%;width:20.0%", "width:50.0%", "left:25.0%;width:75.0%"]


def test_times_of_nothing_have_no_bar() -> None:
    """A model that takes no time divides by none."""
    none = fe.Interval.exact(0)
    page = html.render_decision(replace(decision(), client_time=none, server_time=none))
    assert "width:0.0%" in page


def test_a_decision_is_small() -> None:
    """The text encoder's answer takes less than 8 kB, and so does one with names of a megabyte."""
    assert len(html.render_decision(fe.decide(fe.profile(ENCODER))).encode()) < 8_000
    long = decision(cost(path="x" * 10**6), reasons=("y" * 10**6,) * 3)
    assert len(html.render_decision(long).encode()) < 8_000


def test_many_reasons_are_counted() -> None:
    """Eight are listed, and a line says how many more there are."""
    words = Seen(html.render_decision(decision(reasons=tuple(f"reason {n}." for n in range(11))))).words()
    assert "reason 7." in words
    assert "reason 8." not in words
    assert "and 3 more (fe.explain)" in words


def test_a_cost_shows_its_costliest_operator_types() -> None:
    """Eight types have a row, the rest is summed: ten types of 2 x 1 to 2 x 10 FLOP, of which two hold 6."""
    model = counted(*(Row(name=f"/n{at}", op=f"Op{at}", fmas=at) for at in range(1, 11)))
    words = Seen(html.render_cost(model)).words()
    assert "Op10" in words
    assert "Op3" in words
    assert "Op2" not in words
    assert "2 more operator types: 6 FLOP." in words


def test_a_cost_names_what_is_not_counted() -> None:
    """An uncounted node is said before any number is believed."""
    words = Seen(PAGES["cost"]).words()
    assert "Not counted: 'fancy' (com.acme::Fancy): no cost rule." in words
    assert "Assumed batch=1" in words


def test_the_longest_axis_runs_across_and_equal_neighbours_are_one_cell() -> None:
    """Two precisions, four round trips: a row each, a cell for each run of one verdict."""
    page = html.render_sweep(grid((4, 2), lambda i, j: C if i + j > 2 else S))
    assert Seen(page).rows() == [["server"] * 3, ["client"], ["server"] * 2, ["client"] * 2]


def test_what_holds_everywhere_is_said_once() -> None:
    """The server and the link of all points stand above the map; a client that varies does not."""
    words = Seen(PAGES["sweep"]).words()
    assert "a100 gpu, tensorrt, fp16" in words
    assert "essay (assumed)" in words
    other = replace(decision(), server=replace(decision().server, device="t4"))
    sweep = grid((2,), lambda _: C)
    changed = replace(sweep, points=(sweep.points[0], replace(sweep.points[1], decision=other)))
    assert "a100 gpu" not in Seen(html.render_sweep(changed)).words()


def test_a_large_map_is_thinned_and_says_so() -> None:
    """Of 33 x 20 x 3 points 17 columns and 8 x 3 rows are shown, ends included."""
    sweep = grid((33, 20, 3), lambda i, j, k: (C, S)[(i + j + k) // 2 % 2])
    page = html.render_sweep(sweep)
    words = Seen(page).words()
    assert sum(len(run) for run in Seen(page).rows()) == 17 * 8 * 3
    assert "Shown are 17 of 33 values of rtt and 8 of 20 values of client" in words
    assert {"rtt0", "rtt32", "client0", "client19"} <= set(words.split())
    assert len(page.encode()) < 30_000


def test_an_axis_that_changes_nothing_is_said() -> None:
    """Loaded calls do not wait for the downlink: the page says what would make it matter."""
    sweep = fe.sweep(cost(), rtt=["1ms", "1s"], down=["10Mbit/s", "150Mbit/s"])
    words = Seen(html.render_sweep(sweep)).words()
    assert "down changes no verdict and no time here: give calls= or cold=True." in words
    assert "changes no verdict" not in Seen(PAGES["sweep"]).words()


def test_answers_have_the_page_that_is_asked_of_them() -> None:
    """Whoever calls _repr_html_ gets the page, in IPython or not."""
    model = cost()
    answer, sweep = fe.decide(model), fe.sweep(model, rtt=["1ms", "1s"])
    answers: tuple[Any, ...] = (model, answer, sweep)
    pages = [html.render_cost(model), html.render_decision(answer), html.render_sweep(sweep)]
    assert [found._repr_html_() for found in answers] == pages


def test_a_sweep_of_one_axis_is_one_row() -> None:
    """Without other axes there is a single row, without a head."""
    assert Seen(html.render_sweep(grid((3,), lambda i: (C, C, S)[i]))).rows() == [["client"] * 2, ["server"]]


def test_many_short_axes_are_thinned_too() -> None:
    """Axes of two values each still fit: one is left with its first value."""
    assert html._kept((5, 2, 2, 2, 2, 2), 0)[1:].count([0, 1]) == 4
    assert html._kept((1, 1), 0) == [[0], [0]]
