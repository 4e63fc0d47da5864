from __future__ import annotations

from pathlib import Path

import pytest
from onnx import defs, helper
from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN
from feasibility.loader.rules import OWN
from feasibility.ops import DEFAULT, NOT_COUNTED
from feasibility.profiler import profile
from tests.loader.graphs import model, walked

SCHEMAS = [s for s in defs.get_all_schemas_with_history() if s.domain == ""]


def test_every_version_of_every_operator_is_counted_or_named() -> None:
    """No operator of ai.onnx, at any opset, is silently missing."""
    missing = [
        f"{schema.name}-{schema.since_version}"
        for schema in SCHEMAS
        if DEFAULT.find(DEFAULT_DOMAIN, schema.name, schema.since_version) is None
        and (DEFAULT_DOMAIN, schema.name) not in NOT_COUNTED
    ]
    assert [] == missing


def test_no_operator_is_invented() -> None:
    """Every name that the rules or the exceptions hold for ai.onnx exists in ONNX, or in ONNX Runtime."""
    names = {schema.name for schema in SCHEMAS} | listed("onnxruntime_operators.txt")
    known = {op_type for domain, op_type, _ in DEFAULT if domain == DEFAULT_DOMAIN}
    named = {op_type for domain, op_type in NOT_COUNTED if domain == DEFAULT_DOMAIN}
    assert set() == (known | named) - names


def test_every_rule_version_is_a_version_of_the_operator() -> None:
    """A rule that starts at an opset starts where ONNX changed the operator, or at 1."""
    versions = {(schema.name, schema.since_version) for schema in SCHEMAS}
    started = {key[1:] for key in DEFAULT if key[0] == DEFAULT_DOMAIN and key[2] != 1}
    assert set() == started - versions


def test_what_is_not_counted_has_a_reason_and_no_rule() -> None:
    """An exception is either a rule or a reason, never both."""
    assert all(reason.strip() for reason in NOT_COUNTED.values())
    assert set() == {key[:2] for key in DEFAULT} & set(NOT_COUNTED)


def listed(file: str) -> set[str]:
    """Return the names in a list; its head says where they come from."""
    lines = (Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def documented() -> set[str]:
    """Return the com.microsoft operators that ONNX Runtime documents."""
    return listed("contrib_operators.txt")


def test_every_contrib_operator_is_shaped_and_counted_or_named() -> None:
    """Each documented operator of com.microsoft has a shape rule and a cost rule, or a reason."""
    names = documented()
    assert len(names) >= 150
    missing = {
        name
        for name in names
        if (MICROSOFT_DOMAIN, name) not in NOT_COUNTED
        and not ((MICROSOFT_DOMAIN, name) in OWN and DEFAULT.find(MICROSOFT_DOMAIN, name, 1))
    }
    assert set() == missing


def test_the_list_holds_what_onnx_runtime_knows() -> None:
    """No operator of com.microsoft, or of ai.onnx beside ONNX's own, is missing from the lists."""
    known = {(schema.domain, schema.name) for schema in get_all_operator_schema()}
    names = {schema.name for schema in SCHEMAS} | listed("onnxruntime_operators.txt")
    assert set() == {name for domain, name in known if domain == MICROSOFT_DOMAIN} - documented()
    assert set() == {name for domain, name in known if domain == ""} - names


def test_no_contrib_operator_is_invented() -> None:
    """Every name that a shape rule or a cost rule holds for com.microsoft is a documented one."""
    rules = {op_type for domain, op_type, _ in DEFAULT if domain == MICROSOFT_DOMAIN}
    shapes = {op_type for domain, op_type in OWN if domain == MICROSOFT_DOMAIN}
    assert set() == (rules | shapes) - documented()


@pytest.mark.parametrize(
    ("domain", "op_type", "said"),
    [
        ("ai.onnx.contrib", "GPT2Tokenizer", "length of the strings"),
        ("com.microsoft.extensions", "DecodeImage", "compressed image"),
        (MICROSOFT_DOMAIN, "BeamSearch", "per token"),
        (MICROSOFT_DOMAIN, "EPContext", "another compiler"),
        (MICROSOFT_DOMAIN, "LayerNormalizationGrad", "training"),
        (DEFAULT_DOMAIN, "EfficientNMS_TRT", "TensorRT"),
    ],
)
def test_an_exception_tells_its_reason(domain: str, op_type: str, said: str) -> None:
    """A model that holds an operator nobody counts says why, in place of a bare 'no rule'."""
    node = helper.make_node(op_type, ["x"], ["y"], domain="" if domain == DEFAULT_DOMAIN else domain)
    found = profile(walked(model([node], {"x": (1, 2)}, ["y"], domains=[domain])))
    (gap,) = found.coverage.unknown
    assert said in gap.reason
