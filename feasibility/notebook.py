"""Show answers in a notebook: as HTML, or as the text of the command line.

`import feasibility` in a running IPython calls `register`, and so does `%load_ext feasibility`.
Formatters are registered by the names of types, so that nothing is loaded before it is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
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


def _html(found: Any) -> str:  # noqa: ANN401 (of a type that is not loaded yet)
    from feasibility.report.html import render  # noqa: PLC0415 (as above)

    return render(found)


def _late(module: str, function: str) -> Callable[[Any], str]:
    """Return a view as text that is loaded when something is shown."""

    def text(found: Any) -> str:  # noqa: ANN401 (as above)
        render = getattr(import_module(f"feasibility.report.{module}"), function)
        return str(render(found)).rstrip("\n")

    return text


_SHOWN: Mapping[tuple[str, str], Callable[[Any], str]] = {
    ("feasibility.cost", "ModelCost"): str,
    ("feasibility.decide.records", "Decision"): _late("text", "render"),
    ("feasibility.views.sweep", "Sweep"): str,
}
# Of these there is text alone.
_SAID: Mapping[tuple[str, str], Callable[[Any], str]] = {
    ("feasibility.decide.limits", "Limits"): _late("text_limits", "render"),
    ("feasibility.views.modules", "Module"): _late("text_module", "module_line"),
    ("feasibility.views.diff", "Diff"): _late("text_diff", "render_diff"),
    ("feasibility.profiles.models", "DeviceProfile"): _late("text_profiles", "render_device"),
    ("feasibility.profiles.models", "NetworkProfile"): _late("text_profiles", "render_network"),
    ("feasibility.gate.records", "GateReport"): _late("gate_text", "render"),
    ("feasibility.pipeline.records", "ChainAnswer"): _late("text_chain", "render_chain"),
    ("feasibility.calibration.accuracy", "Accuracy"): _late("text_accuracy", "render"),
    ("feasibility.conventions.cross_check", "CrossCheck"): _late("text_crosscheck", "render_cross_check"),
    ("feasibility.conventions.records", "ConventionTotal"): _late("text_crosscheck", "render_convention"),
}


def register(shell: Shell) -> None:
    """Let a shell show counts, decisions and sweeps as HTML, and all that verbs return as text."""
    formatters = shell.display_formatter.formatters
    for module, name in _SHOWN:
        formatters["text/html"].for_type_by_name(module, name, _html)
    for (module, name), as_text in {**_SHOWN, **_SAID}.items():
        formatters["text/plain"].for_type_by_name(module, name, _printing(as_text))


def _printing(as_text: Callable[[Any], str]) -> Callable[[Any, Printer, bool], None]:
    return lambda found, printer, _: printer.text(as_text(found))


def register_running() -> None:
    """Register with the IPython that runs here, if one does."""
    running = getattr(sys.modules.get("IPython"), "get_ipython", None)  # None while IPython itself loads
    shell = running() if running is not None else None
    if shell is not None:
        register(shell)
