"""Write the first config of a repository: what its models measure today, and a quarter more."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeAlias

from feasibility.cost import ModelCost
from feasibility.decide.records import Decision, Verdict
from feasibility.memory import memory_at
from feasibility.units import Bytes, Flops, Seconds, format_count

_Writer: TypeAlias = Callable[[float], str]

HEADROOM = 1.25
_DIGITS = 3  # of a budget
_GROWTH_SHARE = "5%"
_NO_NAME = re.compile(r"[^A-Za-z0-9 ._-]+")  # what a target's name has none of (gate.config)
_LONGEST_NAME = 40
_BASIC_PLANE = 0xFFFF
_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__"})
MOST_MODELS = 50  # that are looked for; more should be named by a glob in the config


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A model of the repository, counted, and what the first target says of it."""

    path: str  # from the folder of the config
    cost: ModelCost
    decision: Decision
    download_bytes: int  # with what lies beside it


def models_in(folder: Path) -> Iterator[str]:
    """Yield the ONNX files below a folder, sorted; hidden folders and installed packages are left out."""
    for path in sorted(folder.rglob("*.onnx")):
        parts = path.relative_to(folder).parts
        name = "/".join(parts)
        is_hidden = any(part.startswith(".") or part in _SKIPPED for part in parts)
        if path.is_file() and name.isprintable() and not is_hidden:
            yield name


def config_text(starts: Sequence[Start], device: str, network: str) -> str:
    """Return a feasible.yaml whose budgets are what each model measures and a quarter more."""
    lines = [
        "# Budgets of the models in this repository, which `feasible gate` holds them to:",
        "# each is what the model measured when this file was written (now), and 25 % more.",
        "targets:",
        f"  {_key(device)}:",
        f"    device: {_text(device)}",
        f"    network: {_text(network)}",
        "models:",
    ]
    for start in starts:
        lines += _entry(start)
    return "\n".join(lines) + "\n"


def _entry(start: Start) -> Iterator[str]:
    yield f"  - path: {_text(start.path)}"
    if start.cost.dims:
        dims = ", ".join(f"{_text(name)}: {size}" for name, size in start.cost.dims.items())
        yield f"    dims: {{{dims}}}"
    yield "    budget:"
    for rule, budget, now in _budgets(start):
        yield f"      {rule}: {budget}" + (f" # now {now}" if now else "")
    yield "    growth: # against feasible.lock.json where the branch began; both must be passed"
    for rule, amount in _growth(start.cost):
        yield f'      {rule}: {{share: "{_GROWTH_SHARE}", amount: "{amount}"}}'


def _budgets(start: Start) -> Iterator[tuple[str, str, str]]:
    """Yield each rule with its budget and what is measured now."""
    totals, client = start.cost.totals, start.decision.client
    yield from (
        _size("download", start.download_bytes),
        ("parameters", _more(totals.parameters, format_count), format_count(totals.parameters)),
        ("fmas", _more(totals.fmas, format_count), format_count(totals.fmas)),
        ("flops", _more(totals.flops, _flops), _flops(totals.flops)),
        _size("peak_memory", memory_at(start.cost).need_bytes),
        _time("inference", client.inference.typical.value),
        _time("first_call", client.first_call.typical.value),
    )
    if start.decision.verdict is Verdict.CLIENT:
        yield "verdict", "client", ""
    yield "coverage", '"100%"', ""


def _size(rule: str, value: int) -> tuple[str, str, str]:
    return rule, _more(value, lambda size: str(Bytes(size))), str(Bytes(value))


def _time(rule: str, value: float) -> tuple[str, str, str]:
    return rule, _more(value, lambda seconds: str(Seconds(seconds))), str(Seconds(value))


def _flops(value: float) -> str:
    return str(Flops(value))


def _more(value: float, write: _Writer) -> str:
    """Write a quarter more than a value, rounded up to three digits."""
    most = value * HEADROOM
    step = 10.0 ** (math.floor(math.log10(most)) - _DIGITS + 1) if most > 0 else 1.0
    return f'"{write(math.ceil(most / step) * step)}"'


def _growth(cost: ModelCost) -> Iterator[tuple[str, str]]:
    """Yield what may grow by 5 %, and by a hundredth of what it is at least."""
    yield "download", str(Bytes(_hundredth(cost.totals.download_bytes)))
    yield "fmas", format_count(_hundredth(cost.totals.fmas))


def _hundredth(value: int) -> int:
    """Return the power of ten that is a hundredth of it or a little more than a thousandth."""
    return int(10 ** max(0, len(str(value)) - _DIGITS))


def _key(device: str) -> str:
    """Return a target's name for a device, which may be a path."""
    stem = PurePath(device).stem if device.endswith((".yaml", ".yml")) else device
    return _text(_NO_NAME.sub("-", stem).lstrip(" ._-")[:_LONGEST_NAME] or "device")


def _text(text: str) -> str:
    """Quote a text so that YAML reads it as it is: JSON's strings are YAML's, but for pairs of surrogates."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() or ord(c) > _BASIC_PLANE else f"\\u{ord(c):04x}" for c in quoted)


def workflow_text(install: str, pins: Mapping[str, str], below: str, *, lfs: bool) -> str:
    """Return a workflow of GitHub Actions that runs the gate on pull requests, and needs no secret.

    `below` is the folder of the config from the top of the repository; `lfs` fetches models from Git LFS.
    """
    fetched = "\n          lfs: true # a pointer cannot be judged" if lfs else ""
    place = f"\n        working-directory: {_text(below)}" if below not in {"", "."} else ""
    return f"""\
# Holds the models of a pull request to feasible.yaml. It needs no secret and writes nothing, so
# that it is safe for forks.
name: feasible
on:
  pull_request:
permissions:
  contents: read
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@{pins["actions/checkout"]}
        with:
          fetch-depth: 0 # the baseline lies where the branch began
          persist-credentials: false{fetched}
      - uses: actions/setup-python@{pins["actions/setup-python"]}
        with:
          python-version: "3.12"
      - run: {install}
      - run: feasible gate --out github=-{place}
"""
