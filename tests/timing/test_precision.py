"""Which precision a model runs at, and what stands in for a missing number."""

from __future__ import annotations

import pytest

from feasibility.ir import DType
from feasibility.profiles.models import Precision
from feasibility.timing.compute import inference, stored_precision
from feasibility.timing.precision import lane, run_precision
from tests.timing_parts import coefficients, model, runtime, step, tensor, unit, work

NOTHING = ()


@pytest.mark.parametrize(
    ("dtype", "precision"),
    [(DType.FLOAT, "fp32"), (DType.FLOAT16, "fp16"), (DType.BFLOAT16, "bf16"), (DType.UINT8, "int8")],
)
def test_as_stored_is_the_type_of_most_arithmetic(dtype: DType, precision: str) -> None:
    """The type that most multiply-adds run in is the precision of a model as stored."""
    cost = model(work(2000, dtype=dtype), step("y", "z", "heavy", fmas=999, dtype=DType.DOUBLE))
    assert precision == stored_precision(cost)


def test_parameters_decide_where_nothing_is_multiplied() -> None:
    """Without linear algebra the type of most parameters counts, each tensor once."""
    half, full = tensor("h", 30, dtype=DType.FLOAT16, constant=True), tensor("f", 20, constant=True)
    cost = model(
        step((half, full), (tensor("a"),), parameters=50), step((full,), (tensor("b"),), parameters=20)
    )
    assert "fp16" == stored_precision(cost)


def test_model_without_numbers_is_called_fp32() -> None:
    """A model that computes and stores nothing gets the usual type."""
    assert "fp32" == stored_precision(model())


@pytest.mark.parametrize(
    ("peaks", "wanted", "rate", "note"),
    [
        ({"fp32": 1.0}, "fp16", 1.0, "the unit has no fp16 peak: fp32's rate is used"),
        ({"fp32": 1.0, "fp16": 2.0}, "int8", 2.0, "the unit has no int8 peak: fp16's rate is used"),
        ({"fp32": 1.0}, "int8", 1.0, "the unit has no int8 peak: fp32's rate is used"),
        ({"fp32": 1.0, "fp16": 2.0}, "bf16", 1.0, "the unit has no bf16 peak: fp32's rate is used"),
        ({"fp32": 1.0, "int8": 4.0}, "int4", 4.0, "the unit has no int4 peak: int8's rate is used"),
    ],
)
def test_missing_peak_is_lent_and_said(
    peaks: dict[str, float], wanted: Precision, rate: float, note: str
) -> None:
    """A precision without a peak meets the rate of the type that would run it."""
    found = lane(wanted, unit("gpu", 100.0, **peaks), runtime({wanted: coefficients()}))
    assert (wanted, rate * 1e12, (note,)) == (found.precision, found.peak_flops_per_s, found.notes)


def test_full_precision_moves_to_the_widest_float_of_a_unit_without_it() -> None:
    """A neural engine that knows fp16 and int8 runs an fp32 model in fp16, in two bytes an element."""
    npu, rt = unit("npu", fp16=11.0, int8=11.0), runtime({"fp16": coefficients()})
    node = step((tensor("x", 1000),), (tensor("y", 500),), "heavy", fmas=1000, op_class="dense")
    time = inference(model(node), npu, rt, None)
    assert "fp16" == time.precision
    assert ("the unit has no fp32: the model runs in fp16",) == time.notes
    assert 2 * 1500 / (0.25 * 100e9) == pytest.approx(time.groups[0].byte_s)


def test_coefficients_may_name_the_peak_they_were_fitted_against() -> None:
    """Hexagon's float efficiency is a share of its int8 rate, and that is no stand-in."""
    hexagon = unit("npu", int8=45.0)
    rt = runtime({"fp16": coefficients(peak="int8"), "int8": coefficients()})
    found = lane("fp32", hexagon, rt)
    assert ("fp16", 45e12) == (found.precision, found.peak_flops_per_s)
    assert ("the unit has no fp32: the model runs in fp16",) == found.notes


def test_borrowed_coefficients_are_said_and_less_certain() -> None:
    """A runtime that was timed in fp16 alone lends that to int8, with the spread of a prior."""
    rt = runtime({"fp16": coefficients(sigma=0.1)})
    found = lane("int8", unit(fp32=1.0, fp16=2.0, int8=4.0), rt)
    assert ("rt was never timed in int8: fp16's efficiency is used",) == found.notes
    assert 4e12 == found.peak_flops_per_s
    assert 0.35 == found.sigma
    assert 0.1 == lane("fp16", unit(fp32=1.0, fp16=2.0), rt).sigma


def test_known_precision_needs_no_note() -> None:
    """Where unit and runtime have all numbers there is nothing to say."""
    assert NOTHING == lane("fp32", unit(), runtime()).notes
    assert "fp32" == run_precision("fp32", unit(), runtime())


def test_quantised_products_meet_the_int8_peak_beside_float_ones() -> None:
    """In a mixed model each product meets its own peak, and the minority is named."""
    mixed = model(work(2000), step("y", "z", "heavy", fmas=500, op_class="dense", dtype=DType.INT8))
    rt = runtime({"fp32": coefficients(), "int8": coefficients()})
    time = inference(mixed, unit(fp32=1.0, int8=4.0), rt, None)
    assert [2000 / (0.5 * 1e12), 1000 / (0.5 * 4e12)] == pytest.approx([g.flop_s for g in time.groups])
    assert ("some operators run in int8, most in fp32",) == time.notes


def test_asking_for_a_float_type_does_not_undo_quantisation() -> None:
    """An int8 product stays one when fp16 is asked for, though the model is mostly int8."""
    rt = runtime({"fp16": coefficients(), "int8": coefficients()})
    time = inference(model(work(1000, dtype=DType.INT8)), unit(fp32=1.0, fp16=2.0, int8=4.0), rt, "fp16")
    assert 1000 / (0.5 * 4e12) == pytest.approx(time.groups[0].flop_s)
