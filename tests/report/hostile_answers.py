"""Give every answer of the product a name in every place that a model, a config or a profile fills."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from feasibility.cost import ModelCost, Unknown
from feasibility.decide.records import Check, Decision, Setting, Verdict
from feasibility.gate.records import Finding, GateReport, Outcome
from feasibility.ir import TensorSpec
from feasibility.pipeline import ChainAnswer
from feasibility.plots import memory, modules, render, roofline
from feasibility.report import (
    csv,
    gate_github,
    gate_junit,
    gate_markdown,
    gate_sarif,
    gate_text,
    html,
    json,
    markdown,
    text,
)
from feasibility.report.text_chain import render_chain, render_chain_short
from feasibility.report.text_cost import render_cost
from feasibility.report.text_diff import render_diff
from feasibility.report.text_vary import render_vary
from feasibility.views.diff import diff
from feasibility.views.modules import modules as by_module
from tests.pipeline.chain_parts import GIGA, TWO, placed, two
from tests.report.gate_samples import FAILING, WAIVED, finding
from tests.samples import X, cost, decision

Renderer = Callable[[str], str]


def model(name: str) -> ModelCost:
    """Return a model that is called so, as are its nodes, types, domains, inputs, dimensions and reasons."""
    base = cost(
        path=name,
        gemm=name,
        inputs=(replace(X, name=name),),
        unknown=(Unknown(name=name, domain=name, op_type=name, reason=name),),
        assumed=(f"{name}=1",),
    )
    nodes = tuple(
        replace(
            each,
            node=replace(
                each.node, name=name, op_type=name, domain=name, inputs=_called(each.node.inputs, name)
            ),
            reason=each.reason and name,
        )
        for each in base.nodes
    )
    deep = replace(base.nodes[0], node=replace(base.nodes[0].node, name=f"/{name}/{name}/Gemm"))
    return replace(base, nodes=(*nodes, deep), dims={name: 1})


def _called(specs: tuple[TensorSpec | None, ...], name: str) -> tuple[TensorSpec | None, ...]:
    return tuple(None if spec is None else replace(spec, name=name) for spec in specs)


def verdict(name: str) -> Decision:
    """Return a decision whose texts are all this."""
    base = decision(model(name), verdict=Verdict.SERVER, reasons=(name,), sources=(name,), changes=(name,))
    check = Check(name=name, passed=False, actual=2.0, limit=1.0, quantity_unit="bytes", message=name)
    placed_at: dict[str, Any] = {"device": name, "unit": name, "runtime": name, "precision": name}
    return replace(
        base,
        client=replace(base.client, **placed_at),
        server=replace(base.server, **placed_at),
        checks=(check,),
        scenario={key: Setting(value=each.value if key == "calls" else name, origin=name)
                  for key, each in base.scenario.items()},
    )  # fmt: skip


@cache
def _chain() -> ChainAnswer:
    with tempfile.TemporaryDirectory() as folder:
        return placed(Path(folder), TWO, two(1000 * GIGA, 1000 * GIGA))


def chain(name: str) -> ChainAnswer:
    """Return a chain with stages, tensors, files and notes of this name."""
    answer = _chain()
    stages = tuple(replace(each, id=name, model=name, path=name) for each in answer.chain.stages)
    wires = tuple(replace(each, name=name) for each in answer.chain.wires)
    changed = replace(answer.chain, name=name, path=name, stages=stages, wires=wires, notes=(name,))
    assert answer.best is not None
    requests = tuple(
        replace(
            each,
            stages=(name,),
            crossings=tuple(replace(crossing, tensor=name) for crossing in each.crossings),
        )
        for each in answer.best.requests
    )
    return replace(answer, chain=changed, best=replace(answer.best, requests=requests), reasons=(name,))


def gate(name: str) -> GateReport:
    """Return a report of every outcome in which rules, models, targets, sentences and files are this."""
    return replace(
        FAILING, config=name, baseline=name, models=(name,), findings=tuple(_findings(name)), notes=(name,)
    )


def _findings(name: str) -> Iterator[Finding]:
    assert WAIVED.exemption is not None
    outcomes: tuple[Outcome, ...] = ("passed", "over", "untold", "waived", "new")
    for outcome in outcomes:
        yield finding(
            rule=name,
            model=name,
            target=name,
            outcome=outcome,
            budget_text=name,
            now_text=name,
            base_text=name,
            message=name,
            note=name,
            why=(name, name),
            fixes=(name,),
            exemption=replace(WAIVED.exemption, reason=name, has_ended=outcome != "waived"),
        )
    yield finding(rule=name, model=name, level="warn", outcome="over", message=name)


def _other(name: str) -> ModelCost:
    """Return a model that differs from the hostile one in everything."""
    return replace(model("other"), model=replace(model("other").model, path=name))


def _figure(ax_of: Callable[[ModelCost], Axes]) -> Renderer:
    return lambda name: render(ax_of(model(name)), "svg").decode()


def _by(renderer: Callable[..., str], by: str) -> Renderer:
    return lambda name: renderer(model(name), by=by)


VERDICTS: Mapping[str, Renderer] = {
    "verdict text": lambda name: text.render(verdict(name), why=True),
    "verdict short text": lambda name: text.render_short([verdict(name), verdict("other")]),
    "verdicts text": lambda name: text.render_many([verdict(name), verdict("other")]),
    "verdict json": lambda name: json.render(verdict(name)),
    "verdicts json": lambda name: json.render_many([verdict(name)]),
    "verdict markdown": lambda name: markdown.render(verdict(name)),
    "verdicts markdown": lambda name: markdown.render_many([verdict(name), verdict("other")]),
    "verdict html": lambda name: html.render_decision(verdict(name)),
}
PROFILES: Mapping[str, Renderer] = {
    **{
        f"profile by {by} {form}": _by(renderer, by)
        for by in ("op", "node", "module")
        for form, renderer in (
            ("text", render_cost),
            ("csv", csv.render_cost),
            ("markdown", markdown.render_cost),
        )
    },
    "profile json": lambda name: json.render_cost(model(name), modules=by_module(model(name))),
    "profile html": lambda name: html.render_cost(model(name)),
    "vary text": lambda name: render_vary(name, [model(name)]),
    "vary csv": lambda name: csv.render_vary(name, [model(name)]),
    "vary json": lambda name: json.render_vary(name, [model(name)]),
    "vary markdown": lambda name: markdown.render_vary(name, [model(name)]),
    "diff text": lambda name: render_diff(diff(_other(name), model(name))),
    "diff csv": lambda name: csv.render_diff(diff(_other(name), model(name))),
    "diff json": lambda name: json.render_diff(diff(_other(name), model(name))),
    "diff markdown": lambda name: markdown.render_diff(diff(_other(name), model(name))),
    "chain text": lambda name: render_chain(chain(name)),
    "chain short text": lambda name: render_chain_short(chain(name)),
    "chain json": lambda name: json.render_chain(chain(name)),
}
GATES: Mapping[str, Renderer] = {
    "gate text": lambda name: gate_text.render(gate(name)),
    "gate short text": lambda name: gate_text.render_short(gate(name)),
    "gate json": lambda name: json.dumps(gate(name).to_dict()),
    "gate markdown": lambda name: gate_markdown.render(gate(name)),
    "gate sarif": lambda name: gate_sarif.render(gate(name)),
    "gate junit": lambda name: gate_junit.render(gate(name)),
    "gate github": lambda name: gate_github.render(gate(name)),
}
FIGURES: Mapping[str, Renderer] = {
    "roofline svg": _figure(lambda found: roofline(found, "m1")),
    "modules svg": _figure(lambda found: modules(found, "m1")),
    "memory svg": _figure(lambda found: memory(found, "m1")),
}
ANSWERS: Mapping[str, Renderer] = {**VERDICTS, **PROFILES, **GATES}
