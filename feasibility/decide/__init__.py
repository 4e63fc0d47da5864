"""Compare client and server, and say what would flip the answer."""

from feasibility.decide.answer import decide
from feasibility.decide.records import (
    DEFAULT_CONFIDENCE,
    BreakEven,
    Check,
    ClientSide,
    Compared,
    Decision,
    Phase,
    Placement,
    Policy,
    Scenario,
    ServerSide,
    Setting,
    Verdict,
    Window,
)

__all__ = [
    "DEFAULT_CONFIDENCE",
    "BreakEven",
    "Check",
    "ClientSide",
    "Compared",
    "Decision",
    "Phase",
    "Placement",
    "Policy",
    "Scenario",
    "ServerSide",
    "Setting",
    "Verdict",
    "Window",
    "decide",
]
