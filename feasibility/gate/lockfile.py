"""Write feasible.lock.json, and tell whether the one that lies here says what models measure now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version

from feasibility import writing
from feasibility.errors import ProfileError, UsageError
from feasibility.gate.baseline import on_disk
from feasibility.gate.config import compares
from feasibility.gate.doubts import SHOWN
from feasibility.gate.lock import Lock, LockedModel, dump, load
from feasibility.gate.measure import Measured, Unmeasured
from feasibility.gate.records import LOCK, UPDATE, Finding
from feasibility.gate.source import LOCK_NAME, Source


def write(source: Source, found: Sequence[Measured | Unmeasured]) -> Lock:
    """Write the lock file beside the config, whole or not at all; raise where a model cannot be measured."""
    for model in found:
        if isinstance(model, Unmeasured):
            msg = f"{LOCK_NAME} is not written: {model.path} cannot be judged: {model.problem}"
            raise UsageError(msg, hint=model.hint or None)
    lock = Lock(feasible=version("feasible"), models=tuple(_locked(found)))
    writing.write(str(source.folder / LOCK_NAME), dump(lock).encode())
    return lock


def lock_finding(source: Source, found: Sequence[Measured | Unmeasured]) -> Iterator[Finding]:
    """Yield a finding where the lock file is used and does not say what the models measure."""
    level = source.config.lock
    content = on_disk(source.folder)
    if level == "off" or (content is None and not compares(source.config)):
        return
    if any(isinstance(model, Unmeasured) for model in found):
        return  # that fails already, and nobody knows what the lock should say
    problem = _problem(content, _locked(found))
    if problem:
        yield Finding(
            rule=LOCK,
            model="",
            target=None,
            level=level,
            outcome="over",
            budget_text="up to date",
            now_text="stale" if content is not None else "missing",
            base_text="-",
            unit="none",
            budget=None,
            now=None,
            base=None,
            spot=source.spot("lock"),
            message=problem,
            fixes=(f"{UPDATE}, and commit it",),
        )


def _locked(found: Sequence[Measured | Unmeasured]) -> list[LockedModel]:
    """Return what the lock keeps of each model, once where two entries name it with the same sizes."""
    models = [model.locked() for model in found if isinstance(model, Measured)]
    merged: dict[tuple[object, ...], LockedModel] = {}
    for model in models:
        first = merged.get(model.key)
        targets = model.targets if first is None else {**first.targets, **model.targets}
        merged[model.key] = model.model_copy(update={"targets": targets})
    return list(merged.values())


def _problem(content: bytes | None, models: Sequence[LockedModel]) -> str:
    """Say what is wrong with the lock file as it lies here, or nothing."""
    if content is None:
        return f"There is no {LOCK_NAME}"
    try:
        lock = load(content, LOCK_NAME)
    except ProfileError as error:
        return error.problems[0]
    now = {model.key: model for model in models}
    then = {model.key: model for model in lock.models}
    changed = [key for key in {**now, **then} if now.get(key) != then.get(key)]
    if not changed:
        return ""
    names = list(dict.fromkeys(str(key[0]) for key in changed))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{LOCK_NAME} does not say what is measured now of {', '.join(names[:SHOWN])}{more}"
