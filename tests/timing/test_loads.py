"""What groups ask for, once for a model and its widths."""

from __future__ import annotations

from dataclasses import replace

import pytest

from feasibility.cost import NodeCost
from feasibility.ir import DType
from feasibility.profiles.models import Precision
from feasibility.timing.compute import inference, widths_of
from feasibility.timing.kernels import Kernels
from feasibility.timing.loads import AS_STORED, Side, loads
from tests.timing_parts import coefficients, model, runtime, step, tensor, unit

A, W, Y = tensor("a", 8, 64), tensor("w", 64, 32, constant=True), tensor("y", 8, 32)


def product(dtype: DType = DType.FLOAT) -> NodeCost:
    """Return A[8,64] @ W[64,32]."""
    return step((A, W), (Y,), "heavy", op_type="MatMul", fmas=8 * 64 * 32, op_class="matmul", dtype=dtype)


@pytest.mark.parametrize(
    ("precision", "weight_bits", "activation_bytes"),
    [("fp32", 32, 4), ("fp16", 16, 2), ("int8", 8, 1), ("int4", 4.5, 2)],
)
def test_weights_and_activations_take_the_width_of_the_precision(
    precision: Precision, weight_bits: float, activation_bytes: int
) -> None:
    """64 x 32 weights and 8 x 64 + 8 x 32 activations; int4 is for weights, with a scale for each 32."""
    (load,) = loads(model(product()), widths_of(precision))

    assert 64 * 32 * weight_bits / 8 == load.weight_bytes
    assert activation_bytes * (8 * 64 + 8 * 32) == load.activation_bytes


def test_int4_does_not_speed_arithmetic_up() -> None:
    """The products meet fp16's peak though the unit has one for int4, and the answer says so."""
    fast = unit(fp16=2.0, int4=16.0)

    time = inference(model(product()), fast, runtime({"fp16": coefficients()}), "int4")

    assert 2 * 8 * 64 * 32 / (0.5 * 2e12) == pytest.approx(time.groups[0].flop_s)
    assert "int4" == time.precision
    assert any("arithmetic is no faster" in note for note in time.notes)


def test_a_node_of_a_loop_runs_as_often_as_the_loop() -> None:
    """A light node and a heavy one that run three times."""
    looped = [replace(product(), runs=3), step((Y,), (tensor("z", 8, 32),), op_type="Erf", runs=3)]

    assert [3] == [load.runs for load in loads(model(looped[0]), AS_STORED)]
    assert [3] == [load.runs for load in loads(model(looped[1]), AS_STORED)]


def test_operations_are_those_that_kernels_compute() -> None:
    """1x1 weights of 36 x 18 in blocks of 16 are 48 x 32."""
    conv = step(
        (tensor("x", 1, 18, 8, 8), tensor("k", 36, 18, 1, 1, constant=True)), (tensor("c", 1, 36, 8, 8),),
        "heavy", op_type="Conv", fmas=64 * 36 * 18, op_class="pointwise",
    )  # fmt: skip
    (load,) = loads(model(conv), AS_STORED, kernels=Kernels(block=16))

    assert 2 * 64 * 48 * 32 == pytest.approx(load.flops)


def test_loads_of_one_model_are_formed_once() -> None:
    """The second unit that asks gets the same tuple."""
    one = model(product())

    assert loads(one, AS_STORED) is loads(one, AS_STORED)
    assert loads(one, AS_STORED) is not loads(one, widths_of("fp16"))


def test_a_side_gets_its_own_groups() -> None:
    """A runtime without Erf keeps the product; the fallback gets the rest, as a group of its own."""
    erf = step((Y,), (tensor("z", 8, 32),), op_type="Erf", transcendentals=8 * 32)
    supported = frozenset({("ai.onnx", "MatMul")})

    kept = loads(model(product(), erf), AS_STORED, side=Side(supported, falls_back=False))
    fallen = loads(model(product(), erf), AS_STORED, side=Side(supported, falls_back=True))

    assert [("matmul", 2 * 8 * 64 * 32)] == [(load.op_class, load.flops) for load in kept]
    assert [(None, 4 * 2 * 8 * 32)] == [(load.op_class, load.activation_bytes) for load in fallen]
