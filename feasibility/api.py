"""Offer the verbs everyone uses: profile a model, decide where it runs, explain why.

Each verb imports what it needs when it is called, so that counting loads neither
pydantic nor YAML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from feasibility.cost import ModelCost
from feasibility.errors import ModelError, UsageError
from feasibility.inputs import Inputs, check_inputs, positions
from feasibility.ops import DEFAULT, RuleSet

if TYPE_CHECKING:
    from feasibility.calibration.accuracy import Accuracy
    from feasibility.conventions import ConventionTotal, CrossCheck
    from feasibility.decide.limits import Limits
    from feasibility.decide.records import Decision
    from feasibility.gate.records import GateReport
    from feasibility.ir import Model
    from feasibility.loader.isolate import Worker
    from feasibility.pipeline.file import Source as ChainSource
    from feasibility.pipeline.records import ChainAnswer
    from feasibility.profiles.hosts import HostProfile
    from feasibility.profiles.models import DeviceProfile, NetworkProfile, RuntimeProfile
    from feasibility.report.frame import Frame
    from feasibility.units import BitsPerSecond, Bytes, PerSecond, Seconds
    from feasibility.views.diff import Diff
    from feasibility.views.sweep import Sweep

STDIN = "-"
_NO_FILE = frozenset({STDIN, "<bytes>", "<ModelProto>"})  # models that came from elsewhere
PANEL = ("pixel-6a", "a17-pro", "laptop-cpu-4c", "m1", "rtx-3060")  # who answers when no device is named


class ModelProto(Protocol):
    """An onnx.ModelProto, named without importing onnx."""

    def SerializeToString(self) -> bytes:  # noqa: N802 (protobuf's name)
        """Return the file's bytes."""
        ...


Source: TypeAlias = str | PathLike[str] | bytes | ModelProto


def profile(
    model: Source,
    *,
    dims: Mapping[str, int] | None = None,
    inputs: Inputs | None = None,
    rules: RuleSet = DEFAULT,
    isolated: bool | Worker = False,
) -> ModelCost:
    """Count what one forward pass of an ONNX model costs, without reading its weights.

    `dims` binds free dimensions by name, `inputs` those of an input by position, like
    {"image": (1, 3, 224, 224)}; the rest get defaults that `coverage.assumed` names.
    `isolated` reads the file in a child process with limits, as files from
    strangers deserve; it takes a path. Raise ModelError when the model cannot be read.
    """
    from feasibility.profiler import profile as count

    return count(_bound(model, dims or {}, inputs or {}, rules, isolated), rules)


def _bound(
    model: Source,
    dims: Mapping[str, int],
    inputs: Inputs,
    rules: RuleSet,
    isolated: bool | Worker,  # noqa: FBT001 (a worker or whether to start one)
) -> Model:
    """Walk with the sizes given; where they do not fit, say which input they do not fit."""
    given = positions(dims, inputs)
    try:
        walked = _walk(model, given, rules, isolated)
    except UsageError:
        with suppress(ModelError):  # what went wrong first says more
            check_inputs(inputs, _walk(model, dims, rules, isolated).graph.inputs)
        raise
    check_inputs(inputs, walked.graph.inputs)
    return walked


def _walk(model: Source, dims: Mapping[str, int], rules: RuleSet, isolated: bool | Worker) -> Model:  # noqa: FBT001 (a worker or whether to start one)
    if not isolated:
        from feasibility.loader import load

        return load(cast("Any", model), dims=dims, rules=rules)
    if not isinstance(model, str | PathLike):
        msg = f"isolated=True reads a file; {type(model).__name__} is not a path"
        raise UsageError(msg, hint="write the model to a file, or leave isolated out")
    if isolated is not True:
        return isolated.load(fspath(model), dims, rules=rules)
    from feasibility.loader.isolate import Worker

    with Worker.start() as worker:
        return worker.load(fspath(model), dims, rules=rules)


def _counted(model: ModelCost | Source, dims: Mapping[str, int] | None, inputs: Inputs | None) -> ModelCost:
    """Count what is not counted yet; raise UsageError for sizes that a count cannot take any more."""
    if not isinstance(model, ModelCost):
        return profile(model, dims=dims, inputs=inputs)
    for name, given in {"dims": dims, "inputs": inputs}.items():
        if given:
            msg = f"{name} {dict(given)!r} come too late: the model is counted already"
            raise UsageError(msg, hint="give them to feasibility.profile()")
    return model


def vary(  # noqa: PLR0913 (as profile, and what varies)
    model: Source,
    dimension: str,
    values: Sequence[int],
    *,
    dims: Mapping[str, int] | None = None,
    inputs: Inputs | None = None,
    rules: RuleSet = DEFAULT,
    isolated: bool | Worker = False,
) -> tuple[ModelCost, ...]:
    """Count a model once for each size of a free dimension, in the order given; 64 sizes at most.

    The other arguments are those of `profile`. Raise UsageError for a dimension that the
    model lacks, and for standard input, which can be read only once.
    """
    from feasibility.views.vary import check_values

    given = positions(dims or {}, inputs or {})
    check_values(dimension, values, given)
    if model == STDIN and len(values) > 1:
        msg = f"standard input can be read only once, and {dimension!r} takes {len(values)} values"
        raise UsageError(msg, hint="write the model to a file and name that")
    each = [{dimension: size} | given for size in values]
    return tuple(profile(model, dims=bound, inputs=inputs, rules=rules, isolated=isolated) for bound in each)


def diff(
    old: ModelCost | Source,
    new: ModelCost | Source,
    *,
    dims: Mapping[str, int] | None = None,
    inputs: Inputs | None = None,
    depth: int = 2,
) -> Diff:
    """Return what changed from one model to another: totals, modules and operator types.

    Modules are those that node names tell, down to `depth` (0: as deep as they go).
    `dims` and `inputs` bind both models, where these are not counted yet.
    """
    from feasibility.views.diff import diff as compare

    return compare(_counted(old, dims, inputs), _counted(new, dims, inputs), depth)


def convention(cost: ModelCost, tool: str) -> ConventionTotal:
    """Return what "torchvision" (its model tables), "fvcore" or "onnx-tool" would count for a model.

    Where batch normalisation is folded into convolutions, `unfolded_total` is what the tool
    says of the network before that. Raise UsageError for another tool.
    """
    from feasibility.conventions import convention as count

    return count(cost, tool)


def cross_check(
    model: ModelCost | str | PathLike[str],
    *,
    dims: Mapping[str, int] | None = None,
    inputs: Inputs | None = None,
) -> CrossCheck:
    """Let onnx-tool count a model file, and return its count beside ours per operator type, with reasons.

    It runs in a child process with limits; whatever fails there is a note. `dims` and `inputs`
    are for a model that is not counted yet. Raise UsageError for a model that did not come from a file.
    """
    from feasibility.conventions import compare
    from feasibility.loader.crosscheck import ask

    cost = _counted(model, dims, inputs)
    if cost.model.path in _NO_FILE:
        msg = f"the cross-check reads the model file again, and {cost.model.path!r} is none"
        raise UsageError(msg, hint="write the model to a file and name that")
    return compare(cost, ask(cost.model.path, cost.dims))


def decide(  # noqa: PLR0913 (each is a choice of the scenario, all but the model have defaults)
    model: ModelCost | Source,
    *,
    client: str | DeviceProfile | None = None,
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

    Left out: client `default_client`, server "a100" at "fp16", network "essay". A device
    is an id, "id/unit", a YAML file or a profile; `rtt`, `down` and `up` replace what the
    network says. `calls` compares averages over that many calls per download, `cold` first
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

    cost = _counted(model, dims, inputs)
    choices = Choices(
        client=client,
        server=server,
        network=network,
        rtt=rtt,
        down=down,
        up=up,
        cdn_rtt=cdn_rtt,
        resumed=resumed,
        runtime=runtime,
        precision=precision,
        server_precision=server_precision,
        calls=calls,
        cache_hit=cache_hit,
        cold=cold,
        payload=payload,
        response=response,
        max_download=max_download,
        compress=compress,
        weights=weights,
        host=host,
        fps=fps,
        traffic=traffic,
        p99=p99,
        max_batch=max_batch,
        offline=offline,
        private_input=private_input,
        secret_model=secret_model,
        confidence=confidence,
        default_client=default_client,
        origin=origin,
    )
    return decide_scenario(build(cost, choices))


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

    return run(_counted(model, dims, inputs), choices, points)


def to_frame(found: object) -> Frame:
    """Return a pandas DataFrame with a row per node of a count, per point of a sweep, or per decision.

    Modules, limits and devices make frames too, and so do lists of these. Columns carry their unit. Raise
    UsageError for anything else, and without pandas (`pip install 'feasible[notebook]'`).
    """
    from feasibility.report.frame import to_frame as tabulate

    return tabulate(found)


def chain(  # noqa: PLR0913 (each is a choice of the scenario, all but the file have defaults)
    path: str | PathLike[str],
    *,
    client: str | DeviceProfile | None = None,
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

    choices = Choices(
        client=client,
        server=server,
        network=network,
        rtt=rtt,
        down=down,
        up=up,
        runtime=runtime,
        precision=precision,
        server_precision=server_precision,
        default_client=default_client,
        origin=origin,
    )
    source = pipeline.read(path)
    costs = _stage_costs(source, isolated)
    return pipeline.answer(pipeline.build(source, costs, build(costs[0], choices)))


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


def gate(
    config: str | PathLike[str] | None = None,
    *,
    base: str | None = None,
    today: date | None = None,
    isolated: bool | Worker = False,
) -> GateReport:
    """Judge models against the budgets of a config file.

    Left out, that is the closest feasible.yaml or pyproject.toml. `base` is the branch that
    growth is counted from, `today` the day that waivers are held against.
    Raise UsageError where there is no config, ProfileError with all its problems.
    """
    from feasibility.gate.run import run

    return run(config, _counter(isolated), branch=base, today=today or date.today())  # noqa: DTZ011 (waivers end where people are)


def update_lock(
    config: str | PathLike[str] | None = None, *, isolated: bool | Worker = False
) -> tuple[Path, int]:
    """Write what the models of a config measure to feasible.lock.json; return its path and their number."""
    from feasibility.gate.run import update

    return update(config, _counter(isolated))


def _counter(isolated: bool | Worker) -> Callable[[str, Mapping[str, int], Inputs], ModelCost]:  # noqa: FBT001 (as above)
    """Return what counts the models of a gate."""
    return lambda path, dims, inputs: profile(path, dims=dims, inputs=inputs, isolated=isolated)


def limits(
    client: str | DeviceProfile,
    *,
    deadline: str | Seconds,
    max_download: str | Bytes | None = None,
    runtime: str | RuntimeProfile | None = None,
    precision: str | None = None,
) -> Limits:
    """Return the largest models that a device runs within a deadline ("30ms") and a download ("5MB").

    Raise UsageError for what does not exist or fit, UnitError for a quantity without a unit.
    """
    from feasibility.decide.limits import limits as fit
    from feasibility.decide.scenario import place, quantity
    from feasibility.units import Bytes, Seconds

    seconds = quantity(Seconds, "deadline", deadline) or Seconds(0)
    return fit(place(client, runtime, precision), seconds, quantity(Bytes, "max_download", max_download))


def calibrate(
    path: str | PathLike[str] | None = None,
    *,
    models: Sequence[str] = (),
    seconds: float | None = None,
    progress: Callable[[float], None] | None = None,
) -> DeviceProfile:
    """Measure this machine with ONNX Runtime and write its profile, `my-machine` of the user's folder.

    It times some 45 generated graphs in turns, with all threads and with one, as floats and as
    int8, in about `seconds` (75), and `models` (files) as well; `progress` is told the share that is done.
    Needs `pip install 'feasible[measure]'`. Raise MeasureError for what cannot be run.
    """
    with _measuring():
        from feasibility.calibration import machine
    return machine.calibrate_here(
        None if path is None else Path(path),
        anchors=models,
        budget_s=machine.DEFAULT_BUDGET_S if seconds is None else seconds,
        progress=progress or _silent,
    )


def accuracy(
    models: Sequence[ModelCost | Source],
    device: str | DeviceProfile = "my-machine",
    *,
    seconds_each: float = 1.0,
    progress: Callable[[float], None] | None = None,
) -> Accuracy:
    """Run models on this machine with random weights, beside what a device's profile predicts.

    A device is an id, "id/unit" or a profile, whose CPU this machine's is. Raise UsageError for
    models that did not come from a file, MeasureError for one that cannot be run.
    """
    with _measuring():
        from feasibility.calibration import machine
    from feasibility.decide.scenario import place

    costs = [_counted(model, None, None) for model in models]
    for cost in costs:
        if cost.model.path in _NO_FILE:
            msg = f"a run reads the model file again, and {cost.model.path!r} is none"
            raise UsageError(msg, hint="write the model to a file and name that")
    found = place(device, machine.RUNTIME, None)
    return machine.accuracy_here(
        costs, found.device, found.unit, seconds_each=seconds_each, progress=progress or _silent
    )


@contextmanager
def _measuring() -> Iterator[None]:
    """Turn a missing ONNX Runtime into UsageError."""
    try:
        yield
    except ImportError as error:
        if error.name != "onnxruntime":
            raise
        msg = "ONNX Runtime, which measures, is not installed"
        raise UsageError(msg, hint="pip install 'feasible[measure]'") from None


def _silent(_: float) -> None:
    """Tell nobody."""


def explain(decision: Decision, *, why: bool = False) -> str:
    """Return the answer as text: the verdict, what it rests on, and what would flip it.

    `why` adds the phases of both sides, the checks, who chose what, and the sources.
    """
    from feasibility.report.text import render

    return render(decision, why=why)


def device(name: str | PathLike[str]) -> DeviceProfile:
    """Return a device by its id (see `devices`) or from its YAML file.

    Raise UsageError where there is none, ProfileError with every problem of a file.
    """
    from feasibility.profiles import catalog

    return catalog.device(name)


def runtime(name: str | PathLike[str]) -> RuntimeProfile:
    """Return a runtime by its id (see `runtimes`) or from its YAML file."""
    from feasibility.profiles import catalog

    return catalog.runtime(name)


def network(
    name: str | PathLike[str],
    *,
    rtt: str | Seconds | None = None,
    down: str | BitsPerSecond | None = None,
    up: str | BitsPerSecond | None = None,
    cdn_rtt: str | Seconds | None = None,
) -> NetworkProfile:
    """Return a network by its id (see `networks`) or from its YAML file.

    `rtt`, `down`, `up` and `cdn_rtt` stand in for its own; text needs a unit, else UnitError.
    """
    from feasibility.profiles import catalog

    return catalog.network(name, rtt=rtt, down=down, up=up, cdn_rtt=cdn_rtt)


def devices() -> tuple[str, ...]:
    """Return the ids of the devices that are known."""
    from feasibility.profiles import catalog

    return tuple(catalog.device_ids())


def runtimes() -> tuple[str, ...]:
    """Return the ids of the runtimes that are known."""
    from feasibility.profiles import catalog

    return tuple(catalog.runtime_ids())


def runtimes_of(device: str) -> tuple[tuple[str, str], ...]:
    """Return ("id/unit", runtime) for each runtime of each unit of a device, or of the unit that it names."""
    from feasibility.decide.scenario import placements

    return placements(device)


def networks() -> tuple[str, ...]:
    """Return the ids of the networks that are known."""
    from feasibility.profiles import catalog

    return tuple(catalog.network_ids())
