"""Decide where models run: one, many scenarios, chains, and how large a model may be."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING

from feasibility.api.counts import Source, counted, profile
from feasibility.api.shown import shown
from feasibility.cost import ModelCost
from feasibility.errors import UsageError
from feasibility.inputs import Inputs

if TYPE_CHECKING:
    from feasibility.decide.limits import Limits
    from feasibility.decide.records import Decision
    from feasibility.loader.isolate import Worker
    from feasibility.pipeline.file import Source as ChainSource
    from feasibility.pipeline.records import ChainAnswer
    from feasibility.profiles.hosts import HostProfile
    from feasibility.profiles.models import DeviceProfile, NetworkProfile, RuntimeProfile
    from feasibility.report.frame import Frame
    from feasibility.units import BitsPerSecond, Bytes, PerSecond, Seconds
    from feasibility.views.sweep import Sweep


def decide(  # noqa: PLR0913 (each is a choice of the scenario, all but the model have defaults)
    model: ModelCost | Source,
    *,
    client: str | DeviceProfile | None = None,
    device: str | DeviceProfile | None = None,
    server: str | DeviceProfile | None = None,
    network: str | NetworkProfile | None = None,
    rtt: str | Seconds | None = None,
    down: str | BitsPerSecond | None = None,
    up: str | BitsPerSecond | None = None,
    cdn_rtt: str | Seconds | None = None,
    resumed: bool = False,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
    server_precision: str | None = None,
    calls: int | None = None,
    cache_hit: float | None = None,
    cold: bool = False,
    payload: str | Bytes | None = None,
    response: str | Bytes | None = None,
    max_download: str | Bytes | None = None,
    compress: str | None = None,
    weights: str | None = None,
    host: str | HostProfile | None = None,
    fps: float | None = None,
    traffic: str | PerSecond | None = None,
    p99: str | Seconds | None = None,
    max_batch: int | None = None,
    offline: bool = False,
    private_input: bool = False,
    secret_model: bool = False,
    confidence: float | None = None,
    dims: Mapping[str, int] | None = None,
    inputs: Inputs | None = None,
    default_client: str = "m1",
    origin: str = "caller",
) -> Decision:
    """Decide whether the model should run on the client or on the server.

    Left out: client `default_client`, server "a100" at "fp16", network "essay"; `device` is another
    word for `client`. It is an id, "id/unit", a YAML file or a profile; `rtt`, `down` and `up` replace
    what the network says. `calls` compares averages over that many calls per download, `cold` first
    calls, `payload` ("1.5MB") calls with what they send; `cache_hit` is the share of sessions that
    find the model downloaded; `compress` ("gzip", "zstd", "br") shrinks the download as is typical, or as
    a sample of the file `weights` does. `host` ("cloudflare-pages"), `fps`, `offline`, `private_input`
    and `secret_model` are limits that come before times; `traffic` ("1000/s") is what the server
    answers within `p99`. `origin` names the chooser in the
    answer. Raise UsageError for what does not exist or fit, UnitError for a quantity
    without a unit; `dims` and `inputs` are for a model that is not counted yet.
    """
    from feasibility.decide import decide as decide_scenario
    from feasibility.decide.scenario import Choices, build
    from feasibility.views.axes import single

    cost = counted(model, dims, inputs)
    choices = {
        "client": client,
        "device": device,
        "server": server,
        "network": network,
        "rtt": rtt,
        "down": down,
        "up": up,
        "cdn_rtt": cdn_rtt,
        "resumed": resumed,
        "runtime": runtime,
        "precision": precision,
        "server_precision": server_precision,
        "calls": calls,
        "cache_hit": cache_hit,
        "cold": cold,
        "payload": payload,
        "response": response,
        "max_download": max_download,
        "compress": compress,
        "weights": weights,
        "host": host,
        "fps": fps,
        "traffic": traffic,
        "p99": p99,
        "max_batch": max_batch,
        "offline": offline,
        "private_input": private_input,
        "secret_model": secret_model,
        "confidence": confidence,
    }
    found = Choices(default_client=default_client, origin=origin, **single("decide", choices))
    return shown(decide_scenario(build(cost, found)))


def sweep(
    model: ModelCost | Source,
    *,
    points: int = 17,
    dims: Mapping[str, int] | None = None,
    inputs: Inputs | None = None,
    **choices: object,
) -> Sweep:
    """Decide at every combination of choices, like rtt="10ms..500ms" and device=["m1", "pixel-6a"].

    The choices are those of `decide`; `device` is another word for `client`. A list is an axis, and so
    is FROM..TO of a quantity or of calls: `points` values in equal ratios. Raise UsageError as `decide` does.
    """
    from feasibility.views.sweep import sweep as run

    return shown(run(counted(model, dims, inputs), choices, points))


def to_frame(found: object) -> Frame:
    """Return a pandas DataFrame: a row per node of a count, per point of a sweep, or per thing in a list.

    A list holds decisions, modules, limits, devices, networks, points of a sweep, or counts (what `vary`
    returns: a row of totals each); a report of the gate has a row per finding. Columns carry their unit.
    Raise UsageError for anything else, and without pandas (`pip install 'feasible[notebook]'`).
    """
    from feasibility.report.frame import to_frame as tabulate

    return tabulate(found)


def chain(  # noqa: PLR0913 (each is a choice of the scenario, all but the file have defaults)
    path: str | PathLike[str],
    *,
    client: str | DeviceProfile | None = None,
    device: str | DeviceProfile | None = None,
    server: str | DeviceProfile | None = None,
    network: str | NetworkProfile | None = None,
    rtt: str | Seconds | None = None,
    down: str | BitsPerSecond | None = None,
    up: str | BitsPerSecond | None = None,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
    server_precision: str | None = None,
    default_client: str = "m1",
    origin: str = "caller",
    isolated: bool | Worker = False,
) -> ChainAnswer:
    """Place the models of a chain, a YAML file (docs/chains.md), on client and server for the least time.

    The other arguments are those of `decide` and `profile`. Raise ProfileError with every problem
    of the file, UsageError for what does not exist or fit, ModelError for a model that cannot be read.
    """
    from feasibility import pipeline
    from feasibility.decide.scenario import Choices, build
    from feasibility.views.axes import single

    choices = {
        "client": client,
        "device": device,
        "server": server,
        "network": network,
        "rtt": rtt,
        "down": down,
        "up": up,
        "runtime": runtime,
        "precision": precision,
        "server_precision": server_precision,
    }
    found = Choices(default_client=default_client, origin=origin, **single("chain", choices))
    source = pipeline.read(path)
    costs = _stage_costs(source, isolated)
    return pipeline.answer(pipeline.build(source, costs, build(costs[0], found)))


def _stage_costs(source: ChainSource, isolated: bool | Worker) -> list[ModelCost]:  # noqa: FBT001 (as above)
    """Count the model of each stage, a file once for each of its sizes; say whose sizes do not fit."""
    costs: dict[tuple[str, tuple[tuple[str, int], ...]], ModelCost] = {}
    asked = []
    for path, stage in zip(source.models, source.file.stages, strict=True):
        key = (path, tuple(stage.dims.items()))
        asked.append(key)
        try:
            costs[key] = costs.get(key) or profile(path, dims=stage.dims, isolated=isolated)
        except UsageError as error:
            msg = f"stage {stage.id!r}: {error.message}"
            raise UsageError(msg, hint=error.hint) from None
    return [costs[key] for key in asked]


def limits(  # noqa: PLR0913 (as above)
    client: str | DeviceProfile | None = None,
    *,
    device: str | DeviceProfile | None = None,
    deadline: str | Seconds,
    max_download: str | Bytes | None = None,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
) -> Limits:
    """Return the largest models that a device runs within a deadline ("30ms") and a download ("5MB").

    `device` is another word for `client`; a precision that is left out is the one in which the
    runtime runs fp32 models.
    Raise UsageError for what does not exist or fit, UnitError for a quantity without a unit.
    """
    from feasibility.decide.limits import limits as fit
    from feasibility.decide.scenario import place, quantity
    from feasibility.units import Seconds
    from feasibility.views.axes import single

    choices = {
        "client": client,
        "device": device,
        "max_download": max_download,
        "runtime": runtime,
        "precision": precision,
    }
    found = single("limits", choices)
    if "client" not in found:
        msg = "limits are of a device, and none is named"
        raise UsageError(msg, hint="name one, like device='m1'")
    where = place(found["client"], found.get("runtime"), found.get("precision"))
    seconds = quantity(Seconds, "deadline", deadline) or Seconds(0)
    return fit(where, seconds, found.get("max_download"))


def explain(decision: Decision, *, why: bool = False) -> str:
    """Return the answer as text: the verdict, what it rests on, and what would flip it.

    `why` adds the phases of both sides, the checks, who chose what, and the sources.
    """
    from feasibility.report.text import render

    return render(decision, why=why)
