from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feasibility import plots
from feasibility.errors import UsageError
from tests.timing_parts import model, work

COST = model(work(10**9))
ANY: Any = plots  # called as nobody should


@pytest.mark.parametrize(
    ("draw", "said", "hint"),
    [
        (lambda: ANY.roofline("m", "m1"), "roofline takes a ModelCost, and was given 'm'", "fe.profile("),
        (lambda: ANY.modules(Path("m"), "m1"), "modules takes a ModelCost, and was given 'm'", "fe.profile("),
        (lambda: ANY.memory(None), "memory takes a ModelCost, and was given a NoneType", "fe.profile("),
        (lambda: ANY.race(COST), "race takes a Decision, and was given a ModelCost", "fe.decide("),
        (lambda: ANY.crossover(COST), "crossover takes a Sweep, and was given a ModelCost", "fe.sweep("),
    ],
    ids=["roofline", "modules", "memory", "race", "crossover"],
)  # fmt: skip
def test_a_figure_of_something_else_is_refused(draw: Callable[[], object], said: str, hint: str) -> None:
    """One sentence says what was given, and the hint how to get what is drawn."""
    with pytest.raises(UsageError) as caught:
        draw()
    assert caught.value.message == said
    assert hint in (caught.value.hint or "")


def test_another_format_is_refused() -> None:
    """A figure is rendered as svg or png."""
    with pytest.raises(UsageError, match="'jpg' is no format of figures"):
        ANY.render(plots.history(), "jpg")
