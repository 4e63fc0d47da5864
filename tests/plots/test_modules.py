from __future__ import annotations

import pytest

from feasibility.cost import ModelCost, NodeCost
from feasibility.plots import modules_points
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
    bars = [*found.shown, *([found.others] if found.others else [])]
    return {bar.name: round(1e3 * bar.seconds, 3) for bar in bars}


def test_time_adds_up_by_module_below_the_trunk() -> None:
    """All named modules are in m, which is no level; the longest comes first, ties by name."""
    assert milliseconds(depth=1) == {"block.0": 4, "block.1": 2, "(no module)": 1, "head": 1}
    assert milliseconds(depth=2) == {
        "block.0/a": 2, "block.0/b": 2, "block.1/a": 2, "(no module)": 1, "head": 1,
    }  # fmt: skip


def test_the_rest_is_one_bar() -> None:
    """The longest one is shown, and the others are summed: 2 + 1 + 1 ms."""
    assert milliseconds(depth=1, top=1) == {"block.0": 4, "other modules": 4}
    assert modules_points(network(), device(), runtime=runtime(), depth=1, top=1).other_count == 3


def test_what_belongs_to_no_group_has_its_own_bar() -> None:
    """A constant of 3 ms is no module's, and all bars add up to the inference."""
    found = modules_points(network(), device(), runtime=runtime(constant=Seconds(3e-3)), depth=1)
    assert {bar.name: bar.seconds for bar in found.shown}["(start and crossings)"] == pytest.approx(3e-3)
    assert sum(bar.seconds for bar in found.shown) == pytest.approx(found.total_s)
    assert found.total_s == pytest.approx(11e-3)


def test_bars_divide_by_what_bounds_their_groups() -> None:
    """These groups are arithmetic: all of each bar is bound by compute."""
    found = modules_points(network(), device(), runtime=runtime())
    assert all(bar.bounds == {"compute": pytest.approx(bar.seconds)} for bar in found.shown)
