from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import feasibility as fe
from feasibility import notebook
from feasibility.calibration.accuracy import Accuracy
from feasibility.conventions.cross_check import CrossCheck
from feasibility.conventions.records import ConventionTotal
from feasibility.decide.limits import Limits
from feasibility.gate.records import GateReport
from feasibility.pipeline.records import ChainAnswer
from feasibility.report import (
    gate_text,
    text_chain,
    text_crosscheck,
    text_diff,
    text_limits,
    text_profiles,
)
from feasibility.views.diff import Diff
from feasibility.views.modules import Module
from tests.notebooks.kernel import ROOT, cells, execute
from tests.report.gate_samples import FAILING
from tests.samples import cost, decision
from tests.views.counted import Row, counted

SHOWN = {
    ("feasibility.cost", "ModelCost"),
    ("feasibility.decide.records", "Decision"),
    ("feasibility.views.sweep", "Sweep"),
}
SAID = {  # as text alone
    Accuracy,
    ChainAnswer,
    ConventionTotal,
    CrossCheck,
    fe.DeviceProfile,
    Diff,
    GateReport,
    Limits,
    Module,
    fe.NetworkProfile,
}

MODULE = "a\\x1b/q: 1 nodes, 6 FMA, 12 FLOP, 4 B of weights"


class Formatter:
    """What IPython calls a formatter of one MIME type."""

    def __init__(self) -> None:
        """Know no type yet."""
        self.by_name: dict[tuple[str, str], Callable[..., Any]] = {}

    def for_type_by_name(self, module: str, name: str, function: Callable[..., Any]) -> None:
        """Keep the function."""
        self.by_name[module, name] = function


def shell() -> Any:  # noqa: ANN401 (a stand-in for IPython's)
    """Return a shell that shows text and HTML."""
    formatters = {"text/html": Formatter(), "text/plain": Formatter()}
    return SimpleNamespace(display_formatter=SimpleNamespace(formatters=formatters))


def loaded(code: str) -> set[str]:
    """Return the modules that a fresh interpreter holds after running code."""
    code = f"{code}\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_the_extension_registers_by_name() -> None:
    """`%load_ext feasibility` registers three types in HTML, and what verbs return as text."""
    found = shell()
    fe.load_ipython_extension(found)  # type: ignore[attr-defined,unused-ignore]
    formatters = found.display_formatter.formatters
    said = {(kind.__module__, kind.__name__) for kind in SAID}
    assert set(formatters["text/html"].by_name) == SHOWN
    assert set(formatters["text/plain"].by_name) == SHOWN | said


def test_names_are_those_of_the_types() -> None:
    """Each name that is registered is where its type says that it lives."""
    assert {(kind.__module__, kind.__name__) for kind in (fe.ModelCost, fe.Decision, fe.Sweep)} == SHOWN


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda: fe.limits("m1", deadline="30ms"), text_limits.render),
        (lambda: fe.device("m1"), text_profiles.render_device),
        (lambda: fe.network("essay"), text_profiles.render_network),
        (lambda: FAILING, gate_text.render),
        (lambda: fe.convention(cost(), "fvcore"), text_crosscheck.render_convention),
        (lambda: fe.diff(cost(), cost()), text_diff.render_diff),
        (lambda: fe.chain(ROOT / "examples" / "stable_diffusion" / "chain.yaml"), text_chain.render_chain),
        (lambda: fe.modules(counted(Row(name="/a\x1b/q/MatMul", fmas=6, weights=4)))[1], lambda _: MODULE),
    ],
)
def test_what_verbs_return_is_shown_as_the_command_line_does(
    answer: Callable[[], Any], text: Callable[[Any], str]
) -> None:
    """Not their fields, but the text, without its last line break."""
    found, written, answered = shell(), list[str](), answer()
    notebook.register(found)
    by_name = found.display_formatter.formatters["text/plain"].by_name
    kind = type(answered)
    by_name[kind.__module__, kind.__name__](answered, SimpleNamespace(text=written.append), False)
    assert written == [text(answered).rstrip("\n")]


def test_a_verb_and_its_answer_load_no_view() -> None:
    """HTML is made when it is asked for: deciding imports no page."""
    assert "feasibility.report.html" not in loaded(
        "import feasibility as fe\nfe.decide, fe.ModelCost._repr_html_"
    )


def test_without_html_a_few_lines_of_text_are_shown() -> None:
    """A count is one line, not its 1,000 nodes; a decision is what `explain` says."""
    found, written = shell(), list[str]()
    notebook.register(found)
    by_name = found.display_formatter.formatters["text/plain"].by_name
    printer = SimpleNamespace(text=written.append)
    by_name["feasibility.cost", "ModelCost"](cost(), printer, False)
    by_name["feasibility.decide.records", "Decision"](decision(), printer, False)
    assert written == [str(cost()), fe.explain(decision()).rstrip("\n")]


def test_nothing_happens_without_ipython() -> None:
    """A script's import neither registers nor loads anything more."""
    assert "feasibility.notebook" not in loaded("import feasibility")


def test_ipython_without_a_shell_is_left_alone() -> None:
    """IPython that is imported but runs no shell, or is only half loaded, has nothing to register with."""
    fake = "import sys, types\nsys.modules['IPython'] = fake = types.ModuleType('IPython')"
    for given in ("", "\nfake.get_ipython = lambda: None"):
        assert "feasibility.cost" not in loaded(f"{fake}{given}\nimport feasibility")


@pytest.mark.parametrize(
    "first", ["import feasibility as fe", "%load_ext feasibility\nimport feasibility as fe"]
)
def test_a_real_kernel_shows_html(first: str, tmp_path: Path) -> None:
    """Importing is enough for a count, a decision and a sweep to come as HTML, and as text beside it."""
    run = cells(
        f"{first}\nimport sys\nprint('onnx' in sys.modules, 'pydantic' in sys.modules)",
        "cost = fe.profile('examples/sd_text_encoder.onnx')\ncost",
        "fe.decide(cost, client='m1', rtt='150ms')",
        "fe.sweep(cost, rtt='1ms..1s', device=['m1', 'pixel-6a'])",
        "fe.to_frame(fe.modules(cost))",
        "fe.limits(device='m1', deadline='30ms')",
        "fe.modules(cost, depth=1)",
    )
    start, count, answer, sweep, frame, limits, modules = execute(run, ROOT, tmp_path)
    assert start == {"stream": "False False\n"}
    for shown in (count, answer, sweep):
        assert shown["text/html"].startswith('<div class="feasible">')
    assert count["text/plain"].startswith("6.65 G FMA, 13.3 GFLOP, 123 M parameters")
    assert answer["text/plain"].startswith("client (>99 % sure): m1 gpu takes 21.1 ms")
    assert '<b class="client">client</b> (&gt;99 % sure): m1 gpu takes 21.1 ms' in answer["text/html"]
    assert sweep["text/plain"].startswith("examples/sd_text_encoder.onnx: 17 rtt x 2 client = 34 points")
    assert "m/encoder/layers.0" in frame["text/html"]
    assert limits["text/plain"].startswith("What m1 gpu runs in 30 ms with metal, fp32")
    assert modules["text/plain"].splitlines()[1].strip().startswith("m/encoder: 1104 nodes, 6.65 G FMA, ")
