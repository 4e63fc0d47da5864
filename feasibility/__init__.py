"""Say whether a model should run on the user's device or on a server.

    import feasibility as fe

    cost = fe.profile("model.onnx")
    answer = fe.decide(cost, client="m1", network=fe.network("essay", rtt="150ms"))
    print(fe.explain(answer))

Public names load what they need on first use: importing this package imports no
third-party library.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feasibility import plots
    from feasibility.api import (
        accuracy,
        calibrate,
        chain,
        convention,
        cross_check,
        decide,
        device,
        devices,
        diff,
        explain,
        gate,
        limits,
        network,
        networks,
        profile,
        runtime,
        runtimes,
        sweep,
        to_frame,
        update_lock,
        vary,
    )
    from feasibility.calibration.accuracy import Accuracy
    from feasibility.conventions.cross_check import CrossCheck
    from feasibility.conventions.records import ConventionTotal
    from feasibility.cost import Coverage, ModelCost, OpCost
    from feasibility.decide.records import Decision, Verdict
    from feasibility.errors import (
        FeasibilityError,
        MeasureError,
        ModelError,
        ProfileError,
        UnitError,
        UnknownShapeError,
        UsageError,
    )
    from feasibility.gate.records import GateReport
    from feasibility.ir import DType, Node, TensorSpec
    from feasibility.ops import DEFAULT, RuleSet
    from feasibility.profiles.models import DeviceProfile, NetworkProfile, RuntimeProfile
    from feasibility.timing.interval import Interval
    from feasibility.units import BitsPerSecond, Bytes, BytesPerSecond, Flops, FlopsPerSecond, Seconds
    from feasibility.views.diff import Change, Diff
    from feasibility.views.modules import Module, modules
    from feasibility.views.sweep import Sweep

__all__ = [
    "DEFAULT",
    "Accuracy",
    "BitsPerSecond",
    "Bytes",
    "BytesPerSecond",
    "Change",
    "ConventionTotal",
    "Coverage",
    "CrossCheck",
    "DType",
    "Decision",
    "DeviceProfile",
    "Diff",
    "FeasibilityError",
    "Flops",
    "FlopsPerSecond",
    "GateReport",
    "Interval",
    "MeasureError",
    "ModelCost",
    "ModelError",
    "Module",
    "NetworkProfile",
    "Node",
    "OpCost",
    "ProfileError",
    "RuleSet",
    "RuntimeProfile",
    "Seconds",
    "Sweep",
    "TensorSpec",
    "UnitError",
    "UnknownShapeError",
    "UsageError",
    "Verdict",
    "accuracy",
    "calibrate",
    "chain",
    "convention",
    "cross_check",
    "decide",
    "device",
    "devices",
    "diff",
    "explain",
    "gate",
    "limits",
    "modules",
    "network",
    "networks",
    "plots",
    "profile",
    "runtime",
    "runtimes",
    "sweep",
    "to_frame",
    "update_lock",
    "vary",
]

_NAMES_OF_ROOMS = {
    "api": (
        "accuracy calibrate chain convention cross_check decide device devices diff explain gate limits "
        "network networks profile runtime runtimes sweep to_frame update_lock vary"
    ),
    "calibration.accuracy": "Accuracy",
    "conventions.cross_check": "CrossCheck",
    "conventions.records": "ConventionTotal",
    "cost": "Coverage ModelCost OpCost",
    "decide.records": "Decision Verdict",
    "errors": "FeasibilityError MeasureError ModelError ProfileError UnitError UnknownShapeError UsageError",
    "gate.records": "GateReport",
    "ir": "DType Node TensorSpec",
    "ops": "DEFAULT RuleSet",
    "plots": "plots",
    "profiles.models": "DeviceProfile NetworkProfile RuntimeProfile",
    "timing.interval": "Interval",
    "units": "BitsPerSecond Bytes BytesPerSecond Flops FlopsPerSecond Seconds",
    "views.diff": "Change Diff",
    "views.modules": "Module modules",
    "views.sweep": "Sweep",
}
_ROOM_OF = {name: room for room, names in _NAMES_OF_ROOMS.items() for name in names.split()}


if not TYPE_CHECKING:  # to a type checker, only the names above exist

    def __getattr__(name: str) -> object:
        """Load a public name from its room on first use."""
        if name not in _ROOM_OF:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        room = import_module(f"{__name__}.{_ROOM_OF[name]}")
        value: object = room if _ROOM_OF[name] == name else getattr(room, name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401 (IPython's shell)
    """Show answers as HTML: what `%load_ext feasibility` calls."""
    import_module(f"{__name__}.notebook").register(shell)


class _Package(ModuleType):
    """This package, whose `decide` and `gate` stay verbs although rooms are called so too."""

    @property
    def decide(self) -> Callable[..., Any]:
        verb: Callable[..., Any] = import_module(f"{__name__}.api").decide
        return verb

    @decide.setter
    def decide(self, room: ModuleType) -> None:
        """Let the import system bind the room `feasibility.decide`, and keep the verb."""

    @property
    def gate(self) -> Callable[..., Any]:
        verb: Callable[..., Any] = import_module(f"{__name__}.api").gate
        return verb

    @gate.setter
    def gate(self, room: ModuleType) -> None:
        """Let the import system bind the room `feasibility.gate`, and keep the verb."""


sys.modules[__name__].__class__ = _Package
if "IPython" in sys.modules:  # a notebook, or something else that has loaded it
    import_module(f"{__name__}.notebook").register_running()
