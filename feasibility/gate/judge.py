"""Hold measured models to their budgets: one finding per budget, and nothing passes that nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from feasibility.gate import growth, limits
from feasibility.gate.baseline import Baseline
from feasibility.gate.config import ON_TARGETS, Budget, Growth, compares
from feasibility.gate.lockfile import lock_finding
from feasibility.gate.measure import Measured, Unmeasured, files_of
from feasibility.gate.records import NOTHING, WHOLE, Finding, GateReport
from feasibility.gate.rules import RULES
from feasibility.gate.source import Source
from feasibility.gate.subject import Subject
from feasibility.gate.waivers import waived, waiver_notes


def judge(
    source: Source, found: Sequence[tuple[int, Measured | Unmeasured]], baseline: Baseline, today: date
) -> GateReport:
    """Return what every budget says; models in the order of the config."""
    models = [model for _, model in found]
    findings = [finding for index, model in found for finding in _findings(source, index, model, baseline)]
    findings += lock_finding(source, models)
    return GateReport(
        config=source.document.name,
        baseline=baseline.words,
        today=today,
        models=tuple(dict.fromkeys(_label(model) for model in models)),
        findings=tuple(waived(source, finding, today) for finding in findings),
        read=(*files_of(source), *(name for model in models for name in _read(model))),
        notes=tuple(
            dict.fromkeys((*_notes(source, models, baseline), *waiver_notes(source, findings, today)))
        ),
    )


def _notes(source: Source, models: Sequence[Measured | Unmeasured], baseline: Baseline) -> Iterator[str]:
    """Yield what to know beside the findings: no baseline, models that are gone, a table that is hidden."""
    if baseline.problem and compares(source.config):
        yield f"Nothing is compared with a baseline: {baseline.problem}. To change that: {baseline.hint}."
    lock = baseline.lock
    used = {each.key for m in models if lock and isinstance(m, Measured) and (each := lock.find(m.key))}
    unread = {m.path for m in models if isinstance(m, Unmeasured)}
    for each in lock.models if lock else ():
        if each.key not in used and each.path not in unread:
            sizes = "".join(f", {name}={size}" for name, size in each.dims.items())
            yield f"The baseline has {each.path}{sizes}, which nothing here is compared with."
    if source.hidden is not None:
        yield f"[tool.feasible] in {source.hidden.name} is not looked at: {source.path.name} comes before it."
    for model in models:
        if isinstance(model, Measured):
            yield from model.notes


def _findings(
    source: Source, index: int, model: Measured | Unmeasured, baseline: Baseline
) -> Iterator[Finding]:
    if isinstance(model, Unmeasured):
        yield _unmeasured(source, index, model)
        return
    base = baseline.lock.find(model.key) if baseline.lock else None
    subject = Subject(source=source, index=index, measured=model, base=base, baseline=baseline)
    yield from _budgets(subject)
    yield from _growths(subject)


def _label(model: Measured | Unmeasured) -> str:
    return model.label if isinstance(model, Measured) else model.path


def _read(model: Measured | Unmeasured) -> Iterator[str]:
    yield from model.read if isinstance(model, Measured) else (model.path,)


def _unmeasured(source: Source, index: int, model: Unmeasured) -> Finding:
    """Return the finding of a model that cannot be judged: it never passes, and no waiver covers it."""
    return Finding(
        rule=WHOLE,
        model=model.path,
        path=model.path,
        target=None,
        level="error",
        outcome="untold",
        budget_text="readable",
        now_text="unreadable",
        base_text=NOTHING,
        unit="none",
        budget=None,
        now=None,
        base=None,
        spot=source.spot("models", index, "path"),
        message=f"{model.path} cannot be judged: {model.problem}",
        note=model.entry.message,
        fixes=(model.hint,) if model.hint else (),
    )


def _budgets(subject: Subject) -> Iterator[Finding]:
    budget = subject.measured.entry.budget
    if budget.coverage is None and subject.measured.cost.coverage.unknown:
        yield limits.uncounted(subject)
    for name in Budget.model_fields:
        limit = getattr(budget, name)
        if limit is None or limit.level == "off":
            continue
        for target in _targets(subject, name):
            if name == "verdict":
                yield limits.verdict(subject, limit, target or "")
            else:
                yield limits.limited(subject, RULES[name], limit, target)


def _growths(subject: Subject) -> Iterator[Finding]:
    for name in Growth.model_fields:
        allowed = getattr(subject.measured.entry.growth, name)
        if allowed is not None and allowed.level != "off":
            for target in _targets(subject, name):
                yield growth.grown(subject, RULES[name], allowed, target)


def _targets(subject: Subject, rule: str) -> Iterable[str | None]:
    return subject.measured.decisions if rule in ON_TARGETS else (None,)
