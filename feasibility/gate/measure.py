"""Measure a model as the gate needs it: counts, and a decision for each target."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from feasibility.cost import Coverage, ModelCost
from feasibility.decide import decide
from feasibility.decide.records import Decision
from feasibility.decide.scenario import Choices, build
from feasibility.errors import FeasibilityError
from feasibility.gate.beside import Beside, weights_beside
from feasibility.gate.config import ModelEntry, Target
from feasibility.gate.lock import LockedModel, LockedTarget, Numbers, key_of, rounded
from feasibility.gate.parts import module_depth, module_sums
from feasibility.gate.source import Source
from feasibility.memory import memory_at
from feasibility.profiles.strict_yaml import Problem, quote, report

Count: TypeAlias = Callable[[str, Mapping[str, int], Mapping[str, tuple[int, ...]]], ModelCost]

_FILES = (
    "device",
    "runtime",
    "network",
    "server",
    "host",
)  # names that may be paths, from the config's folder
_SUFFIXES = (".yaml", ".yml")
_ORIGIN = "the gate's config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A model that could be counted, and what each of its targets says."""

    path: str  # from the folder of the config
    entry: ModelEntry
    cost: ModelCost
    decisions: Mapping[str, Decision]  # by the target's name
    beside: Beside  # what its weights take where they lie in files of their own
    is_named_twice: bool = False  # with other sizes

    @property
    def label(self) -> str:
        """Return what to call it: its path, and its sizes where another entry has the same path."""
        sizes = {**self.entry.dims, **{name: list(shape) for name, shape in self.entry.inputs.items()}}
        said = ", ".join(f"{name}={size}" for name, size in sizes.items())
        return f"{self.path} ({said})" if self.is_named_twice and said else self.path

    @property
    def read(self) -> Iterator[str]:
        """Yield the files that were looked at, from the folder of the config."""
        yield self.path
        for name in self.cost.model.external_files:
            yield os.path.join(os.path.dirname(self.path), name)  # noqa: PTH118, PTH120 (as it was written)

    @property
    def numbers(self) -> Numbers:
        """Return what needs no device, files as they lie here."""
        beside = self.cost.model.file_bytes + self.beside.nbytes
        return self.declared.model_copy(update={"download": max(self.declared.download, beside)})

    @property
    def declared(self) -> Numbers:
        """Return what needs no device, wherever its weights lie: what the lock keeps."""
        totals = self.cost.totals
        return Numbers(
            download=totals.download_bytes,
            parameters=totals.parameters,
            fmas=totals.fmas,
            flops=totals.flops,
            peak_memory=memory_at(self.cost).need_bytes,
            coverage=covered(self.cost.coverage),
        )

    @property
    def notes(self) -> Iterator[str]:
        """Yield what to know of files of weights that are not there."""
        for name in self.beside.missing:
            yield f"{self.path}: its weights {name!r} are not beside it, so that their declared size counts."

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells this model from others in the lock file."""
        return key_of(self.path, self.entry.dims, self.entry.inputs)

    def value(self, rule: str, target: str | None, at: str = "p50") -> float:
        """Return what a rule measures in SI units: a number, or a time on a target at its median or p90."""
        if target is None:
            return self.numbers.of(rule)
        return time_of(self.decisions[target], rule, at)

    def locked(self) -> LockedModel:
        """Return what the lock file keeps of it."""
        depth = module_depth(self.cost)
        return LockedModel(
            path=self.path,
            dims=self.entry.dims,
            inputs=self.entry.inputs,
            graph_sha256=self.cost.model.graph_sha256,
            numbers=self.declared,
            targets={name: _locked_target(found) for name, found in self.decisions.items()},
            module_depth=depth,
            modules=module_sums(self.cost, depth),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """A model that the config names and that cannot be counted, or decided for, and why."""

    path: str
    entry: ModelEntry
    problem: str
    hint: str


def time_of(decision: Decision, rule: str, at: str) -> float:
    """Return the seconds of an inference or of the first call, at the median or at p90."""
    times = decision.client.inference if rule == "inference" else decision.client.first_call
    return (times.high if at == "p90" else times.typical).value


def covered(coverage: Coverage) -> float:
    """Return the share of nodes whose cost is known."""
    return 1 - len(coverage.unknown) / coverage.nodes if coverage.nodes else 1.0


def measure(source: Source, count: Count) -> Iterator[tuple[int, Measured | Unmeasured]]:
    """Yield every model of the config with the index of its entry, a glob's in the order of their names."""
    entries = [
        (index, path)
        for index, entry in enumerate(source.config.models)
        for path in _paths(source.folder, entry.path)
    ]
    named = [path for _, path in entries]
    for index, path in entries:
        found = _measured(source, path, source.config.models[index], count)
        if isinstance(found, Measured) and named.count(path) > 1:
            found = replace(found, is_named_twice=True)
        yield index, found


def files_of(source: Source) -> Iterator[str]:
    """Yield the files that the targets name, and the one that the config hides."""
    for target in source.config.targets.values():
        named = (str(getattr(target, name) or "") for name in _FILES)
        yield from (name for name in named if name.endswith(_SUFFIXES))
    if source.hidden is not None:
        yield source.hidden.name


def _paths(folder: Path, pattern: str) -> list[str]:
    """Return the files that a path or a glob names; the pattern itself where it matches none."""
    if not glob.has_magic(pattern) or (folder / pattern).is_file():
        return [os.path.normpath(pattern).replace(os.sep, "/")]
    pattern = os.path.normpath(pattern)
    found = sorted(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207 (Path.glob refuses ../)
    files = {os.path.realpath(folder / path): path for path in reversed(found) if (folder / path).is_file()}
    return sorted(path.replace(os.sep, "/") for path in files.values()) or [pattern]


def _measured(source: Source, path: str, entry: ModelEntry, count: Count) -> Measured | Unmeasured:
    if glob.has_magic(path) and not (source.folder / path).is_file():
        problem, hint = f"no file matches {path!r}", "correct the path, which starts from the config's folder"
        return Unmeasured(path=path, entry=entry, problem=problem, hint=hint)
    try:
        cost = count(os.path.join(source.folder, path), entry.dims, entry.inputs)  # noqa: PTH118 (Path drops ./)
    except FeasibilityError as error:
        return Unmeasured(path=path, entry=entry, problem=error.message, hint=error.hint or "")
    decisions = _decisions(source, entry, cost)
    beside = weights_beside(source.folder / path, cost.model.external_files)
    return Measured(path=path, entry=entry, cost=cost, decisions=decisions, beside=beside)


def _decisions(source: Source, entry: ModelEntry, cost: ModelCost) -> dict[str, Decision]:
    """Decide for each target; raise ProfileError with every one that names what does not exist or fit."""
    targets, found = source.config.targets, {}
    problems: list[Problem] = []
    for name in targets if entry.targets is None else entry.targets:
        try:
            found[name] = decide(build(cost, choices(targets[name], source.folder)))
        except FeasibilityError as error:
            words = f"target {quote(name)}: {error.message}" + (f" ({error.hint})" if error.hint else "")
            problems.append(Problem(source.document.key_place(("targets", name)), words))
    if problems:
        raise report(source.document.name, problems)
    return found


def choices(target: Target, folder: Path) -> Choices:
    """Return what a target chooses; files that it names start from the config's folder."""
    given = target.model_dump(exclude_none=True)
    for name in _FILES:
        if str(given.get(name, "")).endswith(_SUFFIXES):
            given[name] = os.path.join(folder, given[name])  # noqa: PTH118 (as above)
    device = given.pop("device")
    return Choices(client=device, default_client=device, origin=_ORIGIN, **given)


def _locked_target(decision: Decision) -> LockedTarget:
    return LockedTarget(
        inference_s=rounded(time_of(decision, "inference", "p50")),
        inference_p90_s=rounded(time_of(decision, "inference", "p90")),
        first_call_s=rounded(time_of(decision, "first_call", "p50")),
        first_call_p90_s=rounded(time_of(decision, "first_call", "p90")),
        verdict=decision.verdict.value,
    )
