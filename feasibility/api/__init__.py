"""Offer the verbs everyone uses: profile a model, decide where it runs, explain why.

Each verb imports what it needs when it is called, so that counting loads neither
pydantic nor YAML.
"""

from __future__ import annotations

from feasibility.api.catalog import device, devices, network, networks, runtime, runtimes, runtimes_of
from feasibility.api.counts import STDIN, ModelProto, Source, convention, cross_check, diff, profile, vary
from feasibility.api.gates import gate, update_lock
from feasibility.api.measuring import accuracy, calibrate
from feasibility.api.verdicts import chain, decide, explain, limits, sweep, to_frame

PANEL = ("pixel-6a", "a17-pro", "laptop-cpu-4c", "m1", "rtx-3060")  # who answers when no device is named

__all__ = [
    "PANEL",
    "STDIN",
    "ModelProto",
    "Source",
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
    "network",
    "networks",
    "profile",
    "runtime",
    "runtimes",
    "runtimes_of",
    "sweep",
    "to_frame",
    "update_lock",
    "vary",
]
