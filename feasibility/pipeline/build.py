"""Turn the file of a chain and the counts of its models into a Chain: times, limits, tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from feasibility.cost import ModelCost
from feasibility.decide.checks import memory_limit
from feasibility.decide.records import Placement, Scenario
from feasibility.decide.sides import download_bytes, load_time, memory_need, timed
from feasibility.errors import ModelError
from feasibility.ir import TensorSpec
from feasibility.pipeline.file import USER, Reference, Source, StageEntry, reference, references
from feasibility.pipeline.records import Chain, Run, Stage, Wire
from feasibility.pipeline.search import USER as THE_USER
from feasibility.pipeline.search import Side
from feasibility.profiles.models import NetworkProfile
from feasibility.profiles.strict_yaml import Location, Problem, quote, report
from feasibility.profiles.validate import nearest
from feasibility.timing import network as links
from feasibility.timing.compute import ComputeTime, partitions
from feasibility.timing.placement import lacks
from feasibility.units import Bytes

# the settings of a scenario that a chain depends on; the others compare calls of one model
_SETTINGS = (
    "client", "runtime", "precision", "server", "server_runtime", "server_precision",
    "network", "rtt", "downlink", "uplink",
)  # fmt: skip
_DEMANDS: Mapping[tuple[str, Side], str] = MappingProxyType(
    {
        ("private", Side.SERVER): "its inputs must not leave the client (private)",
        ("secret", Side.CLIENT): "its weights must not be shipped (secret)",
    }
)


def build(source: Source, costs: Sequence[ModelCost], scenario: Scenario) -> Chain:
    """Return the chain; `costs` are of the stages, in their order.

    The scenario says where the sides are and how they are linked. Raise ProfileError for
    inputs and outputs that the models do not have, each at its place in the file.
    """
    problems = [
        Problem(source.document.value_place(location), message)
        for location, message in _misfits(source, costs)
    ]
    if problems:
        raise report(source.path, problems)
    try:
        return _chain(source, costs, scenario)
    except OverflowError:
        raise immeasurable() from None


def immeasurable() -> ModelError:
    """Return the error for models that no clock could time."""
    return ModelError(
        "the models of the chain declare sizes so large that no time can be computed",
        hint="look at their largest tensors with `feasible profile`",
    )


def _chain(source: Source, costs: Sequence[ModelCost], scenario: Scenario) -> Chain:
    entries = zip(source.file.stages, source.models, costs, strict=True)
    stages = tuple(_stage(entry, path, replace(scenario, cost=cost)) for entry, path, cost in entries)
    return Chain(
        name=source.file.name,
        path=source.path,
        stages=stages,
        wires=tuple(_wires(source, costs, scenario.network)),
        client=scenario.client,
        server=scenario.server,
        network=scenario.network,
        settings={key: scenario.settings[key] for key in _SETTINGS if key in scenario.settings},
        notes=tuple(dict.fromkeys((*_notes(source, costs), *_time_notes(stages, scenario)))),
    )


def _misfits(source: Source, costs: Sequence[ModelCost]) -> Iterator[tuple[Location, str]]:
    """Yield what the file says and the models do not have."""
    outputs = _outputs(source, costs)
    for index, (entry, cost) in enumerate(zip(source.file.stages, costs, strict=True)):
        yield from _input_misfits(("stages", index, "inputs"), entry, cost)
    for where, found in references(source):
        yield from _output_misfits(where, found, outputs)


def _outputs(source: Source, costs: Sequence[ModelCost]) -> dict[str, dict[str, TensorSpec]]:
    """Return the outputs of each stage by name."""
    pairs = zip(source.file.stages, costs, strict=True)
    return {entry.id: {spec.name: spec for spec in cost.model.outputs} for entry, cost in pairs}


def _input_misfits(where: Location, entry: StageEntry, cost: ModelCost) -> Iterator[tuple[Location, str]]:
    """Yield inputs that the model lacks, that come from nowhere, or whose size nobody knows."""
    known = {spec.name: spec for spec in cost.model.inputs}
    for name, text in entry.inputs.items():
        if name not in known:
            hint = nearest(name, known) or f"; its inputs are {', '.join(map(quote, known)) or 'none'}"
            yield (*where, name), f"{entry.model} has no input {quote(name)}{hint}"
        elif text == USER and known[name].shape is None:
            yield (*where, name), f"the size of {quote(name)} is unknown; bind its dimensions under dims"
    for name in known:
        if name not in entry.inputs:
            yield where, f"input {quote(name)} of {entry.id} comes from nowhere; write where it comes from"


def _output_misfits(
    where: Location, found: Reference, outputs: Mapping[str, Mapping[str, TensorSpec]]
) -> Iterator[tuple[Location, str]]:
    """Yield an output that a stage lacks, or whose size nobody knows."""
    known = outputs[found.stage]
    if found.output not in known:
        hint = nearest(found.output, known) or f"; its outputs are {', '.join(map(quote, known)) or 'none'}"
        yield where, f"stage {quote(found.stage)} has no output {quote(found.output)}{hint}"
    elif known[found.output].shape is None:
        name = quote(f"{found.stage}.{found.output}")
        yield where, f"the size of {name} is unknown; bind the dimensions of {found.stage} under dims"


def _stage(entry: StageEntry, path: str, scenario: Scenario) -> Stage:
    cost = scenario.cost
    near, far = timed(cost, scenario.client), timed(cost, scenario.server)
    return Stage(
        id=entry.id,
        model=entry.model,
        path=path,
        repeats=entry.repeats,
        cost=cost,
        runs=(
            _run(entry, cost, scenario.client, near, Side.CLIENT),
            _run(entry, cost, scenario.server, far, Side.SERVER),
        ),
        download_bytes=download_bytes(scenario),
        load=load_time(cost, scenario.client, near),
    )


def _run(entry: StageEntry, cost: ModelCost, place: Placement, compute: ComputeTime, side: Side) -> Run:
    need = memory_need(cost, place)
    return Run(
        one=compute.interval,
        total=entry.repeats * compute.interval,
        weight_bytes=need.weight_bytes,
        activation_bytes=need.activation_bytes,
        barred=(
            *_demands(entry, side),
            *_lacking(cost, place),
            *_too_large(need.need_bytes, place),
        ),
        notes=compute.notes,
    )


def _demands(entry: StageEntry, side: Side) -> Iterator[str]:
    """Yield what the file says against a side."""
    yield from (
        sentence for (name, where), sentence in _DEMANDS.items() if where is side and getattr(entry, name)
    )
    if entry.place is not None and entry.place != side.word:
        yield f"it is placed on the {entry.place}"


def _lacking(cost: ModelCost, place: Placement) -> Iterator[str]:
    """Yield the operators that the runtime lacks and nobody there takes over."""
    if place.rest is not None and place.rest.runtime is None:
        found = partitions(cost, place.rest.table.supported)
        if found.breakers:
            yield f"{lacks(found, place.runtime.id)}"


def _too_large(need_bytes: int, place: Placement) -> Iterator[str]:
    if need_bytes > room_bytes(place):
        yield memory_sentence(need_bytes, place)


def room_bytes(place: Placement) -> float:
    """Return what weights and activations may take there, beside the runtime's own memory."""
    limit, _ = memory_limit(place)
    return limit.value.value - place.runtime.memory_overhead.value.value


def memory_sentence(need_bytes: int, place: Placement) -> str:
    """Say what is needed, the runtime's own memory included, and what may be used."""
    _, words = memory_limit(place)
    whole = Bytes(need_bytes + place.runtime.memory_overhead.value.value)
    return f"{whole} of memory are needed on {place.device.id}, where {words}"


def _wires(source: Source, costs: Sequence[ModelCost], network: NetworkProfile) -> Iterator[Wire]:
    """Yield what comes from the user, then every output that some stage or the user reads."""
    stages = source.file.stages
    for index, (entry, cost) in enumerate(zip(stages, costs, strict=True)):
        for spec in cost.model.inputs:
            if entry.inputs[spec.name] == USER:
                name = f"{entry.id}.{spec.name}"
                yield _wire(name, spec, network, THE_USER, (index,))
    for index, (entry, cost) in enumerate(zip(stages, costs, strict=True)):
        for spec in cost.model.outputs:
            name = f"{entry.id}.{spec.name}"
            readers = [i for i, other in enumerate(stages) if name in other.inputs.values()]
            asked = (*([THE_USER] if name in source.file.result else []), *readers)
            private = any(stages[reader].private for reader in readers)
            if asked:
                yield _wire(name, spec, network, index, asked, private=private)


def _wire(  # noqa: PLR0913 (one argument for each thing that sets a tensor apart)
    name: str,
    spec: TensorSpec,
    network: NetworkProfile,
    source: int,
    readers: tuple[int, ...],
    *,
    private: bool = False,
) -> Wire:
    idle_s = links.round_trip(network).typical.value
    size = spec.nbytes
    return Wire(
        name=name,
        spec=spec,
        source=source,
        readers=readers,
        up_s=links.warm_exchange(network, up_bytes=size, down_bytes=0).typical.value - idle_s,
        down_s=links.warm_exchange(network, up_bytes=0, down_bytes=size).typical.value - idle_s,
        private=private,
    )


def _notes(source: Source, costs: Sequence[ModelCost]) -> Iterator[str]:
    """Yield what was assumed or left out when the models were counted."""
    outputs = _outputs(source, costs)
    for entry, cost in zip(source.file.stages, costs, strict=True):
        yield from _assumptions(entry, cost)
        for spec in cost.model.inputs:
            found = reference(entry.inputs[spec.name])
            if found is not None:
                yield from _unlike(entry, spec, found, outputs[found.stage][found.output])


def _time_notes(stages: Sequence[Stage], scenario: Scenario) -> Iterator[str]:
    """Yield what the times of each side assume."""
    for side, place in zip(Side, (scenario.client, scenario.server), strict=True):
        for stage in stages:
            yield from (f"On {place.device.id}: {note}." for note in stage.runs[side].notes)


def _assumptions(entry: StageEntry, cost: ModelCost) -> Iterator[str]:
    unknown, assumed = len(cost.coverage.unknown), cost.coverage.assumed
    if unknown:
        nodes = f"{unknown} of {cost.coverage.nodes} nodes"
        yield f"{entry.id}: {nodes} are not counted; its times are lower bounds."
    if assumed:
        yield f"{entry.id}: assumed {'; '.join(assumed[:_MOST_SAID])} (dims in the file sets it)."


_MOST_SAID = 8  # assumptions of a stage; a hostile model may hold a million


def _unlike(entry: StageEntry, spec: TensorSpec, found: Reference, given: TensorSpec) -> Iterator[str]:
    """Say where a stage writes another shape than the next one reads."""
    if spec.shape is not None and spec.shape != given.shape:
        yield (
            f"{found.stage}.{found.output} is {_shape(given)}, and {entry.id} reads {_shape(spec)} from it: "
            "something lies between them, or dims are to be bound."
        )


def _shape(spec: TensorSpec) -> str:
    return f"[{', '.join(map(str, spec.shape or ()))}]"
