"""Show answers as HTML in a notebook.

`import feasibility` in a running IPython calls `register`, and so does `%load_ext feasibility`.
Formatters are registered by the names of types, so that nothing is loaded before it is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Shell(Protocol):
    """An IPython shell, named without importing IPython."""

    @property
    def display_formatter(self) -> Any:  # noqa: ANN401 (IPython's)
        """Return what turns objects into MIME types."""
        ...


class Printer(Protocol):
    """IPython's pretty printer, named without importing IPython."""

    def text(self, text: str) -> None:
        """Write text."""
        ...


def _cost_html(found: Any) -> str:  # noqa: ANN401 (a ModelCost, which is not loaded yet)
    from feasibility.report.html import render_cost  # noqa: PLC0415 (as above)

    return render_cost(found)


def _decision_html(found: Any) -> str:  # noqa: ANN401
    from feasibility.report.html import render_decision  # noqa: PLC0415

    return render_decision(found)


def _sweep_html(found: Any) -> str:  # noqa: ANN401
    from feasibility.report.html import render_sweep  # noqa: PLC0415

    return render_sweep(found)


def _explained(found: Any) -> str:  # noqa: ANN401
    from feasibility.report.text import render  # noqa: PLC0415

    return render(found).rstrip("\n")


_SHOWN: Mapping[tuple[str, str], tuple[Callable[[Any], str], Callable[[Any], str]]] = {
    ("feasibility.cost", "ModelCost"): (_cost_html, str),
    ("feasibility.decide.records", "Decision"): (_decision_html, _explained),
    ("feasibility.views.sweep", "Sweep"): (_sweep_html, str),
}


def register(shell: Shell) -> None:
    """Let a shell show counts, decisions and sweeps as HTML, and as a few lines of text without it."""
    formatters = shell.display_formatter.formatters
    for (module, name), (as_html, as_text) in _SHOWN.items():
        formatters["text/html"].for_type_by_name(module, name, as_html)
        formatters["text/plain"].for_type_by_name(module, name, _printing(as_text))


def _printing(as_text: Callable[[Any], str]) -> Callable[[Any, Printer, bool], None]:
    return lambda found, printer, _: printer.text(as_text(found))


def register_running() -> None:
    """Register with the IPython that runs here, if one does."""
    running = getattr(sys.modules.get("IPython"), "get_ipython", None)  # None while IPython itself loads
    shell = running() if running is not None else None
    if shell is not None:
        register(shell)
