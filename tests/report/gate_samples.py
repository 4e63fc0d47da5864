"""Build reports of the gate by hand: one of every outcome, one that is passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from feasibility.gate.records import Exemption, Finding, GateReport, Spot

TODAY = date(2026, 11, 27)
ENCODER, DECODER, TINY = "models/encoder.onnx", "models/decoder.onnx", "models/tiny.onnx"


def finding(**changes: Any) -> Finding:  # noqa: ANN401 (any field)
    """Return a download of 18.2 MB where 25 MB are allowed."""
    base = Finding(
        rule="download",
        model=DECODER,
        path=DECODER,
        target=None,
        level="error",
        outcome="passed",
        budget_text="25 MB",
        now_text="18.2 MB",
        base_text="18.1 MB",
        unit="bytes",
        budget=25e6,
        now=18.2e6,
        base=18.1e6,
        spot=Spot(line=9, column=7),
        message=f"the download of {DECODER} is 18.2 MB, within 25 MB",
    )
    return replace(base, **changes)


OVER = finding(
    model=ENCODER,
    path=ENCODER,
    outcome="over",
    now_text="26.4 MB",
    base_text="24.9 MB",
    now=26.4e6,
    base=24.9e6,
    spot=Spot(line=12, column=7),
    message=f"the download of {ENCODER} is 26.4 MB, and the budget is 25 MB",
    note="Ask the web team before you raise this: the page promises 25 MB.",
    why=("encoder/layer.0 has 1.5 MB of weights more than the baseline",),
    fixes=("1.4 MB less (5.3 %)", "fp16 weights: 13.2 MB", "or a budget of 26.4 MB"),
)
SLOW = finding(
    rule="inference",
    model=ENCODER,
    path=ENCODER,
    target="phone",
    outcome="over",
    budget_text="30 ms",
    now_text="92 ms (60 ms to 140 ms)",
    base_text="88 ms",
    unit="s",
    budget=0.03,
    now=0.092,
    base=0.088,
    spot=Spot(line=14, column=7),
    message=(
        f"an inference of {ENCODER} on phone is 92 ms, and the budget is 30 ms; "
        "its waiver ended on 2026-10-31"
    ),
    exemption=Exemption(
        until=date(2026, 10, 31),
        reason="Until the NPU build lands.",
        spot=Spot(line=40, column=3),
        has_ended=True,
    ),
)
UNTOLD = finding(
    rule="coverage",
    model=ENCODER,
    path=ENCODER,
    outcome="untold",
    budget_text="100 %",
    now_text="cannot tell",
    base_text="-",
    unit="share",
    budget=1.0,
    now=None,
    base=None,
    spot=Spot(line=15, column=7),
    message=f"{ENCODER} cannot be counted in full: 2 nodes are not: com.acme::Fancy",
    why=("fancy: no cost rule",),
)
WARNS = finding(
    rule="growth.download",
    outcome="over",
    level="warn",
    budget_text="+2 %",
    now_text="+6.0 %",
    base_text="18.1 MB",
    unit="share",
    budget=0.02,
    now=0.06,
    base=None,
    spot=Spot(line=21, column=9),
    message=f"the download of {DECODER} grew by +1.09 MB (+6 %); 2 % and 0 B are allowed",
    fixes=("724 kB less", "or a waiver with a day and a reason"),
)
WAIVED = finding(
    rule="peak_memory",
    target="phone",
    outcome="waived",
    budget_text="200 MB",
    now_text="240 MB",
    base_text="240 MB",
    budget=200e6,
    now=240e6,
    base=240e6,
    spot=Spot(line=23, column=7),
    message=f"the memory needed of {DECODER} on phone is 240 MB, and the budget is 200 MB",
    exemption=Exemption(
        until=date(2027, 1, 31),
        reason="The cache is rewritten in January.",
        spot=Spot(line=44, column=3),
        has_ended=False,
    ),
)
NEW = finding(
    rule="growth.inference",
    model=TINY,
    path=TINY,
    target="browser",
    outcome="new",
    budget_text="+10 %",
    now_text="4.1 ms",
    base_text="-",
    unit="share",
    budget=0.1,
    now=None,
    base=None,
    spot=Spot(line=27, column=9),
    message=f"{TINY} on browser is not in the baseline, so there is nothing that it grew from",
)
LOCKED = finding(
    rule="lock",
    model="",
    outcome="over",
    budget_text="in step",
    now_text="2 lines differ",
    base_text="-",
    unit="none",
    budget=None,
    now=2.0,
    base=None,
    spot=Spot(line=1, column=1),
    message="feasible.lock does not say what is measured now of models/encoder.onnx",
    fixes=("feasible gate --update writes it anew",),
)

FAILING = GateReport(
    config="ci/feasible.yaml",
    baseline="ci/feasible.lock at main (3f2a91c)",
    today=TODAY,
    models=(ENCODER, DECODER, TINY),
    findings=(OVER, SLOW, UNTOLD, finding(), WARNS, WAIVED, NEW, LOCKED),
    notes=("phone is a Pixel 8; its times are predicted, not measured.",),
)
PASSING = GateReport(
    config="feasible.yaml",
    baseline="",
    today=TODAY,
    models=(DECODER, TINY),
    findings=(
        finding(),
        finding(
            rule="inference",
            target="phone",
            budget_text="30 ms",
            now_text="12 ms",
            base_text="-",
            unit="s",
            budget=0.03,
            now=0.012,
            base=None,
            spot=Spot(line=10, column=7),
            message=f"an inference of {DECODER} on phone is 12 ms, within 30 ms",
        ),
        finding(
            model=TINY, now_text="90 kB", base_text="-", now=90e3, base=None, spot=Spot(line=14, column=7)
        ),
    ),
)
