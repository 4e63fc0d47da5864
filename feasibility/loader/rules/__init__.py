"""Shape rules of ours: for domains that onnx has no schema for, and where its own do not serve."""

from __future__ import annotations

from collections.abc import Mapping

from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN, ML_DOMAIN, NCHWC_DOMAIN
from feasibility.loader.rules import (
    attention,
    einsum,
    experimental,
    microsoft,
    ml,
    nchwc,
    old,
    quantised,
    sequence,
    signal,
)
from feasibility.loader.rules.common import Rule

_FAMILIES: tuple[tuple[str, Mapping[str, Rule]], ...] = (
    (DEFAULT_DOMAIN, einsum.RULES),
    (DEFAULT_DOMAIN, sequence.RULES),
    (DEFAULT_DOMAIN, signal.RULES),
    (MICROSOFT_DOMAIN, microsoft.RULES),
    (MICROSOFT_DOMAIN, attention.RULES),
    (MICROSOFT_DOMAIN, quantised.RULES),
    (ML_DOMAIN, ml.RULES),
    (NCHWC_DOMAIN, nchwc.RULES),
)

# asked before onnx, whatever the opset
OWN: Mapping[tuple[str, str], Rule] = {
    (domain, name): rule for domain, rules in _FAMILIES for name, rule in rules.items()
}
# of ai.onnx, asked for what onnx has no rule for: old schema versions, operators without a schema
OLD: Mapping[str, Rule] = {**old.OLD, **experimental.RULES}
# of ai.onnx, asked for the outputs that onnx leaves out
PARTIAL: Mapping[str, Rule] = old.PARTIAL
