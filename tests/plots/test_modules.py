from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from feasibility.cost import ModelCost, NodeCost
from feasibility.errors import UsageError
from feasibility.plots import modules_points
from feasibility.plots.modules import ModuleTime
from feasibility.units import Seconds
from tests.timing_parts import device, model, runtime, step, tensor


def heavy(name: str, flops: int) -> NodeCost:
    """Return a product of this many FLOP between scalars; 0.5 TFLOP/s are reached."""
    ends = (tensor(f"{name}/x"),), (tensor(name),)
    return step(*ends, "heavy", fmas=flops // 2, op_class="matmul")


def network() -> ModelCost:
    """Return two blocks of 4 and 2 ms, a head of 1 ms, and a node of 1 ms that is in no module."""
    return model(
        heavy("m/block.0/a/mm", 10**9),
        heavy("m/block.0/b/mm", 10**9),
        heavy("m/block.1/a/mm", 10**9),
        heavy("m/head/mm", 5 * 10**8),
        heavy("mm", 5 * 10**8),
    )


def milliseconds(depth: int, top: int = 0) -> dict[str, float]:
    """Return milliseconds by module on a unit whose bytes take next to nothing."""
    found = modules_points(network(), device(), runtime=runtime(), depth=depth, top=top)
    return {bar.name: round(1e3 * bar.seconds, 3) for bar in found.bars}


def test_time_adds_up_by_module_below_the_trunk() -> None:
    """All named modules are in m, which is no level; the longest comes first, ties by name."""
    assert milliseconds(depth=1) == {"block.0": 4, "block.1": 2, "(no module)": 1, "head": 1}
    assert milliseconds(depth=2) == {
        "block.0/a": 2, "block.0/b": 2, "block.1/a": 2, "(no module)": 1, "head": 1,
    }  # fmt: skip


def test_the_rest_is_one_bar() -> None:
    """The longest one is shown, and the others are summed: 2 + 1 + 1 ms."""
    assert milliseconds(depth=1, top=1) == {"block.0": 4, "3 others": 4}
    assert milliseconds(depth=1, top=3) == {"block.0": 4, "block.1": 2, "(no module)": 1, "1 other": 1}


def test_what_belongs_to_no_group_has_its_own_bar() -> None:
    """A constant of 3 ms is no module's and none of the others, and all bars add up to the inference."""
    found = modules_points(network(), device(), runtime=runtime(constant=Seconds(3e-3)), depth=1, top=2)
    assert found.between is not None
    assert (found.between.seconds, found.between.rest_s) == pytest.approx((3e-3, 3e-3))
    assert [bar.name for bar in found.bars] == ["block.0", "block.1", "2 others", "(start and crossings)"]
    assert (found.other_count, sum(bar.seconds for bar in found.bars)) == pytest.approx((2, 11e-3))
    assert found.total_s == pytest.approx(11e-3)


def test_what_rounding_leaves_is_no_start() -> None:
    """Sums in another order differ in their last digit; a microsecond of a second is more than that."""
    left = [
        ModuleTime(name="a", seconds=1 + more, bounds={"compute": 1.0}).rest_s
        for more in (4e-16, -4e-16, 1e-6)
    ]
    assert left == [0, 0, pytest.approx(1e-6)]


def test_what_takes_no_time_has_no_bar() -> None:
    """An addition that is fused away for free is left out, and no start means no bar of one."""
    free = step("m/free/x", "m/free/y", "light", arithmetic=1)
    found = modules_points(model(heavy("m/a/mm", 10**9), free), device(), runtime=runtime())
    assert [bar.name for bar in found.bars] == ["a"]


def test_without_modules_operator_types_are_listed() -> None:
    """Names without scopes tell nothing: two products of 2 ms each and one of 4 ms are two types."""
    nodes = (heavy("a", 10**9), heavy("b", 10**9), heavy("c", 2 * 10**9))
    types = ("MatMul", "MatMul", "Gemm")
    typed = [replace(n, node=replace(n.node, op_type=t)) for n, t in zip(nodes, types, strict=True)]
    found = modules_points(model(*typed), device(), runtime=runtime())
    assert {bar.name: round(1e3 * bar.seconds, 3) for bar in found.bars} == {"Gemm": 4, "MatMul": 4}
    assert (found.by, found.trunk) == ("operator type", ())
    assert modules_points(network(), device(), runtime=runtime()).by == "module"


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"depth": -1}, "depth: -1 is below 0"),
        ({"top": -1}, "top: -1 is below 0"),
        ({"top": 2.5}, "top: 2.5 is not a whole number"),
    ],
)
def test_depth_and_top_are_counts(choice: dict[str, Any], said: str) -> None:
    """Nothing is cut at less than no scope."""
    with pytest.raises(UsageError, match=said):
        modules_points(network(), device(), runtime=runtime(), **choice)


def test_bars_divide_by_what_bounds_their_groups() -> None:
    """These groups are arithmetic: all of each bar is bound by compute."""
    found = modules_points(network(), device(), runtime=runtime())
    assert all(bar.bounds == {"compute": pytest.approx(bar.seconds)} for bar in found.shown)
