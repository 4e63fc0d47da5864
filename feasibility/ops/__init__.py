"""Cost rules: pure functions from a Node to an OpCost, one module per operator family.

Adding an operator: one row in a table or one function in its family's module, one
`Case` in tests/ops. A new family is named in `_FAMILIES` below.
"""

from __future__ import annotations

from feasibility.ops import (
    attention,
    contrib,
    contrib_attention,
    contrib_caches,
    contrib_experts,
    contrib_low_bit,
    contrib_old,
    contrib_positions,
    contrib_quantised,
    contrib_streams,
    control,
    convolution,
    drawing,
    einsum,
    elementwise,
    experimental,
    indexing,
    interpolate,
    linear,
    loss,
    ml,
    movement,
    nchwc,
    normalisation,
    pooling,
    quantise,
    recurrent,
    reduction,
    selection,
    sequence,
    signal,
    text,
)
from feasibility.ops.not_counted import NOT_COUNTED
from feasibility.ops.rules import Rule, RuleSet

__all__ = ["DEFAULT", "NOT_COUNTED", "Rule", "RuleSet"]

_FAMILIES = (
    movement,
    indexing,
    elementwise,
    linear,
    convolution,
    einsum,
    attention,
    recurrent,
    normalisation,
    pooling,
    reduction,
    selection,
    quantise,
    interpolate,
    signal,
    drawing,
    loss,
    sequence,
    text,
    control,
    experimental,
    ml,
    contrib,
    contrib_attention,
    contrib_caches,
    contrib_positions,
    contrib_experts,
    contrib_low_bit,
    contrib_quantised,
    contrib_old,
    contrib_streams,
    nchwc,
)

DEFAULT = RuleSet.merged(module.family for module in _FAMILIES)
