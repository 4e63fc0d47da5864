"""Draw what the numbers say: each figure takes and returns matplotlib Axes, and touches no global state.

    ax = roofline(cost, "m1")
    save(ax, "roofline.svg")

Beside each figure, `..._points` returns the numbers that it draws. Matplotlib loads when
something is drawn.
"""

from __future__ import annotations

from feasibility.plots.crossover import Crossover, crossover, crossover_points
from feasibility.plots.history import DEFAULT_RTT, History, history, history_points
from feasibility.plots.memory import MemoryCourse, memory, memory_points
from feasibility.plots.modules import ModuleTimes, modules, modules_points
from feasibility.plots.race import Race, race, race_points
from feasibility.plots.roofline import Roofline, roofline, roofline_points
from feasibility.plots.style import render, save

__all__ = [
    "DEFAULT_RTT",
    "Crossover",
    "History",
    "MemoryCourse",
    "ModuleTimes",
    "Race",
    "Roofline",
    "crossover",
    "crossover_points",
    "history",
    "history_points",
    "memory",
    "memory_points",
    "modules",
    "modules_points",
    "race",
    "race_points",
    "render",
    "roofline",
    "roofline_points",
    "save",
]
