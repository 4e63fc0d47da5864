"""Shape rules of ours: for domains that onnx has no schema for, and where its own do not serve."""

from __future__ import annotations

from collections.abc import Mapping

from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN
from feasibility.loader.rules import einsum, microsoft, old
from feasibility.loader.rules.common import Rule

# asked before onnx, whatever the opset
OWN: Mapping[tuple[str, str], Rule] = {
    (DEFAULT_DOMAIN, "Einsum"): einsum.einsum,
    **{(MICROSOFT_DOMAIN, name): rule for name, rule in microsoft.RULES.items()},
}
# asked for the schema versions that onnx has no rule for
OLD: Mapping[str, Rule] = old.OLD
