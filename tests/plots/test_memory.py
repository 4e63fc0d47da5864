from __future__ import annotations

from dataclasses import replace

import pytest

from feasibility.cost import ModelCost
from feasibility.errors import UsageError
from feasibility.plots import memory_points
from tests.timing_parts import device, model, runtime, step, tensor

FLOAT_BYTES = 4


def chain() -> ModelCost:
    """Return x[4] -> y[8] -> z[2] with a folded node between: 12 elements alive, then 14."""
    x, y, z = tensor("x", 4), tensor("y", 8), tensor("z", 2)
    first, folded, second = step((x,), (y,)), step((), (tensor("c", 1),), None), step((y,), (z,))
    return model(
        replace(first, live_bytes=12 * FLOAT_BYTES),
        replace(folded, live_bytes=12 * FLOAT_BYTES),
        replace(second, live_bytes=14 * FLOAT_BYTES),
        inputs=(x,),
        outputs=(z,),
        parameters=100,
        parameter_bytes=400,
        peak_activation_bytes=14 * FLOAT_BYTES,
    )


def test_the_course_is_of_the_nodes_that_run() -> None:
    """48 and 56 bytes are alive at y and z; the folded node runs not."""
    found = memory_points(chain())
    assert (found.live_bytes, found.names, found.peak_at) == ((48, 56), ("y", "z"), 1)
    assert (found.peak_bytes, found.weight_bytes, found.need_bytes) == (56, 400, 456)
    assert found.budget is None


def test_a_precision_halves_what_is_alive() -> None:
    """At fp16 the same elements take 24 and 28 bytes, and 100 weights 200."""
    found = memory_points(chain(), precision="fp16")
    assert (found.live_bytes, found.peak_bytes, found.weight_bytes) == ((24, 28), 28, 200)


def test_a_device_adds_its_limit_and_the_runtime() -> None:
    """2 GB may be used, 1000 bytes of which the runtime takes: 456 + 1000 are needed."""
    found = memory_points(chain(), device(app=2.0), runtime=runtime(overhead_bytes=1000))
    assert found.budget is not None
    assert (found.budget.limit_bytes, found.budget.runtime_bytes, found.need_bytes) == (2 * 10**9, 1000, 1456)


def test_a_runtime_needs_a_device() -> None:
    """A runtime without a device would change nothing, and is refused."""
    with pytest.raises(UsageError, match="no device"):
        memory_points(chain(), runtime=runtime())


def test_a_model_without_nodes_has_no_peak() -> None:
    """Nothing runs, and nothing is marked."""
    assert memory_points(model()).peak_at is None
