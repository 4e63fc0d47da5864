"""The JSON form of a decision: the contract's keys, nothing lost, nothing that JSON cannot say."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feasibility.decide import Decision, decide
from feasibility.errors import UsageError
from feasibility.units import Bytes
from tests.timing_parts import model, network, scenario, step, tensor, work


def answer(**choices: Any) -> Decision:  # noqa: ANN401 (choices of a scenario)
    """Return a decision with every kind of field in use."""
    cost = model(
        work(5 * 10**9),
        step("y", "z", None, reason="no cost rule"),
        inputs=(tensor("x", 2, 3),),
        outputs=(tensor("y", 4),),
        download_bytes=15_000_000,
    )
    return decide(scenario(cost, **choices))


@given(
    flops=st.integers(0, 10**15).map(lambda n: 2 * n),
    rtt_s=st.floats(0, 10),
    choices=st.sampled_from([{}, {"cold": True}, {"calls": 7}, {"payload": Bytes(10**6)}]),
    evidence=st.sampled_from(["given", "measured", "estimate"]),
)
def test_nothing_is_lost(flops: int, rtt_s: float, choices: dict[str, Any], evidence: Any) -> None:  # noqa: ANN401
    """Written as JSON and read back, a decision equals itself; no number is infinite or NaN."""
    cost = model(work(flops), inputs=(tensor("x", 2, 3),), download_bytes=10**7)
    decision = decide(scenario(cost, link=network(rtt_s=rtt_s, evidence=evidence), **choices))
    text = json.dumps(decision.to_dict(), allow_nan=False)
    assert decision == Decision.from_dict(json.loads(text))
    assert decision == Decision.from_dict(decision.to_dict())


def test_unknown_nodes_survive_the_round_trip() -> None:
    """Coverage comes back with names and reasons."""
    decision = answer()
    assert decision.coverage.unknown
    assert decision == Decision.from_dict(json.loads(json.dumps(decision.to_dict())))


def test_keys_are_those_of_the_contract() -> None:
    """Every key of the published contract is there, with its unit in the name."""
    found = answer().to_dict()
    assert [
        "schema_version", "model", "totals", "coverage", "scenario", "verdict", "feasible", "confidence",
        "compared", "compared_s", "client", "server", "checks", "window", "break_even", "changes", "reasons",
        "sources",
    ] == list(found)  # fmt: skip
    inner = {key: list(value) for key, value in found.items() if isinstance(value, dict)}
    assert [
        "device",
        "unit",
        "runtime",
        "precision",
        "inference_s",
        "first_call_s",
        "phases",
        "groups",
        "group_count",
    ] == inner["client"]
    assert [
        "device", "unit", "runtime", "precision", "inference_s", "call_s", "first_call_s", "phases",
        "service",
    ] == inner["server"]  # fmt: skip
    assert [
        "window_s", "peak_flops", "achievable_flops", "passes_at_peak", "passes_achievable",
    ] == inner["window"]  # fmt: skip
    assert [
        "rtt_s", "downlink_bits_per_s", "payload_bytes", "calls", "client_flops_per_s", "traffic_per_s",
    ] == inner["break_even"]  # fmt: skip
    assert ["path", "file_bytes", "graph_sha256", "external_files", "opsets", "inputs", "outputs"] == inner[
        "model"
    ]
    assert {"client": {"value": "near/gpu", "origin": "a test"}} == found["scenario"]


def test_values_are_plain() -> None:
    """Intervals, checks, phases and tensors are plain objects in SI base units."""
    found: Any = answer().to_dict()
    assert ["low", "typical", "high"] == list(found["client"]["inference_s"])
    assert 0.010 == pytest.approx(found["client"]["inference_s"]["typical"])
    assert {"name": "x", "shape": [2, 3], "dtype": "float"} == found["model"]["inputs"][0]
    assert ["name", "passed", "actual", "limit", "quantity_unit", "message"] == list(found["checks"][0])
    assert {"name", "seconds"} == set(found["server"]["phases"][0])
    assert 0.150 == found["window"]["window_s"]


def test_same_scenario_gives_the_same_bytes() -> None:
    """Nothing in an answer depends on when it was asked for."""
    assert json.dumps(answer().to_dict()) == json.dumps(answer().to_dict())


def test_later_keys_are_ignored() -> None:
    """A key that a later version adds does not keep this one from reading."""
    decision = answer()
    found: Any = decision.to_dict() | {"weather": "fine"}
    found["client"]["colour"] = "blue"
    assert decision == Decision.from_dict(found)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("schema_version",), 2, "schema_version 2 is not 1"),
        (("verdict",), "perhaps", "'perhaps' is no verdict"),
        (("compared",), "apples", "'apples' is nothing that is compared"),
        (("client", "inference_s"), 3, r"decision.client.inference_s: an object is expected, not 3"),
        (("totals", "fmas"), "many", r"decision.totals: 'fmas' has the wrong type, 'many'"),
        (("checks",), {}, r"decision: 'checks' has the wrong type"),
        (("reasons",), [1], r"decision: 'reasons' has the wrong type, 1"),
        (("break_even", "calls"), "often", r"decision.break_even: 'calls' has the wrong type"),
        (("feasible",), "yes", r"decision: 'feasible' has the wrong type"),
    ],
)
def test_wrong_fields_are_named(path: tuple[str, ...], value: object, words: str) -> None:
    """Something else than a decision is refused with the place and the value."""
    found: Any = deepcopy(answer().to_dict())
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(UsageError, match=words):
        Decision.from_dict(found)


def test_missing_fields_are_named() -> None:
    """A missing key is named with the object that lacks it."""
    found: Any = deepcopy(answer().to_dict())
    del found["window"]["window_s"]
    with pytest.raises(UsageError, match=r"decision\.window lacks 'window_s'"):
        Decision.from_dict(found)
