from __future__ import annotations

from onnx import defs

from feasibility.ir import DEFAULT_DOMAIN
from feasibility.ops import DEFAULT, NOT_COUNTED

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
    """Every name that the rules or the exceptions hold for ai.onnx exists in ONNX."""
    names = {schema.name for schema in SCHEMAS}
    known = {op_type for domain, op_type, _ in DEFAULT if domain == DEFAULT_DOMAIN}
    assert set() == (known | {op_type for _, op_type in NOT_COUNTED}) - names


def test_every_rule_version_is_a_version_of_the_operator() -> None:
    """A rule that starts at an opset starts where ONNX changed the operator, or at 1."""
    versions = {(schema.name, schema.since_version) for schema in SCHEMAS}
    started = {key[1:] for key in DEFAULT if key[0] == DEFAULT_DOMAIN and key[2] != 1}
    assert set() == started - versions


def test_what_is_not_counted_has_a_reason_and_no_rule() -> None:
    """An exception is either a rule or a reason, never both."""
    assert all(reason.strip() for reason in NOT_COUNTED.values())
    assert set() == {key[:2] for key in DEFAULT} & set(NOT_COUNTED)
