from __future__ import annotations

import pytest

from feasibility.loader.shapes import infer
from feasibility.loader.types import Type
from tests.loader.one_node import OneNode
from tests.loader.rule_calls import agree, answer, call_of, less_known
from tests.loader.test_contrib_runs_attention import INFERRED, RUN

# a cache of which no input says how long it gets grows by what is new; here it is a buffer instead
GROWS = "GroupQueryAttention-shared"


@pytest.mark.parametrize("case", [c for c in (*RUN, *INFERRED) if str(c) != GROWS], ids=str)
def test_what_is_not_known_is_never_wrong(case: OneNode) -> None:
    """With any size or value forgotten, attention's rules give fewer sizes, but none that is wrong."""
    call = call_of(case)
    full = answer(call)
    for vague in less_known(call):
        found = answer(vague)
        assert [t.elem for t in found] == [t.elem for t in full]
        assert all(agree(a.dims, b.dims) for a, b in zip(found, full, strict=True)), vague


@pytest.mark.parametrize("case", [*RUN, *INFERRED], ids=str)
def test_without_a_rank_nothing_is_said(case: OneNode) -> None:
    """Where the first input has no rank, an operator either needs none or says what it misses."""
    call = call_of(case)
    first = call.inputs[0]
    assert first is not None
    found = infer(
        call._replace(inputs=(Type(first.elem, None), *call.inputs[1:])), case.model().graph.node[0], {}
    )
    full = answer(call)
    needed = any(kind.dims is None for kind in found.types)
    assert needed or [t.dims for t in found.types] == [t.dims for t in full]
    assert found.problem == "" or "rank of input 0 is unknown" in found.problem


def test_a_mistyped_case_is_named() -> None:
    """Attention without heads says which attribute is missing."""
    call = call_of(RUN[0])._replace(attributes=())
    found = infer(call, RUN[0].model().graph.node[0], {})
    assert found.problem == "inputs do not fit Attention: attribute 'num_heads' is missing"
