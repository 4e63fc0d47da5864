"""How long an inference takes: the formula on hand-made groups."""

from __future__ import annotations

import math
from datetime import date

import pytest

from feasibility.cost import NodeCost
from feasibility.errors import UsageError
from feasibility.ir import DType, TensorSpec
from feasibility.profiles.support import SupportTable
from feasibility.timing.compute import Rest, inference
from feasibility.units import BytesPerSecond, Seconds
from tests.timing_parts import coefficients, fact, model, runtime, step, tensor, unit, work

FP32 = 4
Z_P90 = 1.2815515655446004


def gemm(dtype: DType = DType.FLOAT, *, weights: DType | None = None, runs: int = 1) -> NodeCost:
    """Return A[8,16] @ W[16,32] = Y[8,32]."""
    return step(
        (tensor("a", 8, 16, dtype=dtype), tensor("w", 16, 32, dtype=weights or dtype, constant=True)),
        (tensor("y", 8, 32, dtype=dtype),),
        "heavy",
        fmas=8 * 16 * 32,
        op_class="matmul",
        runs=runs,
        dtype=dtype,
    )


def test_heavy_group_pays_overhead_arithmetic_and_traffic() -> None:
    """t0 + F/(e*P) + B/(b*BW), with a fused addition in F and not in B."""
    bias = step((tensor("y", 8, 32), tensor("b", 32)), (tensor("z", 8, 32),), "light", arithmetic=8 * 32)
    time = inference(model(gemm(), bias), unit(), runtime(overhead=Seconds(10e-6)), None)
    flop = 2 * 8 * 16 * 32 + 8 * 32
    moved = FP32 * (8 * 16 + 16 * 32 + 8 * 32)
    expected = 10e-6 + flop / (0.5 * 1e12) + moved / (0.25 * 100e9)
    assert expected == pytest.approx(time.interval.typical.value, rel=1e-12)


def test_each_class_of_operators_has_its_efficiency() -> None:
    """A depthwise convolution meets the depthwise efficiency, a matrix product its own."""
    rates = {"dense": 0.8, "pointwise": 0.4, "depthwise": 0.1, "matmul": 0.5}
    free = runtime(efficiency=rates)
    times = {c: inference(model(work(10**9, c)), unit(), free, None).groups[0].flop_s for c in rates}  # type: ignore[arg-type]
    assert {c: pytest.approx(1e9 / (e * 1e12)) for c, e in rates.items()} == times


def test_parts_overlap_by_the_exponent() -> None:
    """With p = 2 the two terms add like the sides of a right angle: 3 and 4 make 5."""
    flop, moved = 3 * 10**9, 4 * 10**8
    node = step("x", "y", "heavy", fmas=flop // 2, op_class="matmul", reads=moved // 4, writes=0)
    rt = runtime(exponent=2.0, efficiency=dict.fromkeys(("dense", "pointwise", "depthwise", "matmul"), 1.0))
    time = inference(model(node), unit(), rt, None)
    assert 3e-3 == pytest.approx(time.groups[0].flop_s)
    assert 4e-3 == pytest.approx(time.groups[0].byte_s)
    assert 5e-3 == pytest.approx(time.interval.typical.value)


def test_light_group_pays_its_traffic_where_the_runtime_does_not_fuse() -> None:
    """t0_light + B/(b_light*BW), and no arithmetic."""
    relu = step((tensor("x", 1000),), (tensor("y", 1000),), "light", arithmetic=1000)
    rt = runtime(light_bandwidth_share=0.5, light_overhead=Seconds(2e-6))
    time = inference(model(relu), unit(), rt, None)
    assert 2e-6 + FP32 * 2000 / (0.5 * 100e9) == pytest.approx(time.interval.typical.value)


def test_fusing_runtime_moves_light_bytes_for_nothing() -> None:
    """Without a light bandwidth only the light overhead is left."""
    relu = step((tensor("x", 1000),), (tensor("y", 1000),), "light", arithmetic=1000)
    time = inference(model(relu), unit(), runtime(light_overhead=Seconds(2e-6)), None)
    assert 2e-6 == time.interval.typical.value


def test_rules_own_bytes_override_the_specs() -> None:
    """A Gather reads 3 rows of 8, not its table of 1000."""
    table = tensor("table", 1000, 8, constant=True)
    gather = step(
        (table, tensor("i", 3, dtype=DType.INT64)), (tensor("rows", 3, 8),), "move", reads=3 * 8 * 4 + 3 * 8
    )
    time = inference(model(gather), unit(), runtime(light_bandwidth_share=1.0), None)
    assert (3 * 8 * 4 + 3 * 8 + FP32 * 3 * 8) / 100e9 == pytest.approx(time.interval.typical.value)


def test_constant_is_paid_once_and_runs_multiply() -> None:
    """A loop body of 7 turns costs 7 kernels and one constant."""
    once = inference(model(gemm()), unit(), runtime(overhead=Seconds(1e-5)), None).interval.typical.value
    time = inference(
        model(gemm(runs=7)), unit(), runtime(overhead=Seconds(1e-5), constant=Seconds(1e-3)), None
    )
    assert 1e-3 + 7 * once == pytest.approx(time.interval.typical.value)


def test_tensor_read_twice_travels_once() -> None:
    """X @ X reads X once."""
    square = step(
        (tensor("x", 10, 10), tensor("x", 10, 10)), (tensor("y", 10, 10),), "heavy", op_class="matmul"
    )
    time = inference(model(square), unit(), runtime(), None)
    assert FP32 * (100 + 100) / (0.25 * 100e9) == pytest.approx(time.groups[0].byte_s)


def test_asked_precision_sets_rate_and_width() -> None:
    """At fp16 the fp16 peak is met and floats take two bytes; int64 indices keep eight."""
    node = step(
        (tensor("a", 8, 16), tensor("i", 4, dtype=DType.INT64)), (tensor("y", 8, 32),), "heavy",
        fmas=500, op_class="matmul",
    )  # fmt: skip
    group = inference(
        model(node), unit(fp32=1.0, fp16=2.0), runtime({"fp16": coefficients()}), "fp16"
    ).groups[0]
    assert 1000 / (0.5 * 2e12) == pytest.approx(group.flop_s)
    assert (2 * (8 * 16 + 8 * 32) + 8 * 4) / (0.25 * 100e9) == pytest.approx(group.byte_s)


def test_quantised_weights_keep_their_stored_width() -> None:
    """Four-bit weights are read as half a byte each though the product runs in fp16."""
    node = gemm(DType.FLOAT16, weights=DType.INT4)
    time = inference(model(node), unit(fp16=2.0), runtime({"fp16": coefficients()}), None)
    assert "fp16" == time.precision
    assert (2 * (8 * 16 + 8 * 32) + 16 * 32 // 2) / (0.25 * 100e9) == pytest.approx(time.groups[0].byte_s)


def test_all_groups_share_one_sigma() -> None:
    """Two groups are as uncertain as one: p90 / p50 = exp(z*sigma), whatever their number."""
    two = model(gemm(), step("y v", "u", "heavy", fmas=10**6, op_class="matmul"))
    interval = inference(two, unit(), runtime(sigma=0.35), None).interval
    assert math.exp(Z_P90 * 0.35) == pytest.approx(interval.high.value / interval.typical.value)
    assert math.exp(Z_P90 * 0.35) == pytest.approx(interval.typical.value / interval.low.value)


def test_uncounted_nodes_make_a_lower_bound() -> None:
    """Unknown work is not zero work: the time says that it is a lower bound."""
    fancy = step("y", "z", None, reason="no cost rule")
    time = inference(model(gemm(), fancy), unit(), runtime(), None)
    assert time.lower_bound
    assert "1 of 2 nodes are not counted: the time is a lower bound" == time.notes[0]
    assert not inference(model(gemm()), unit(), runtime(), None).lower_bound


def test_tensor_of_unknown_shape_counts_nothing() -> None:
    """A tensor whose shape nobody knows adds no bytes instead of an error."""
    unknown = TensorSpec(name="w", dtype=DType.FLOAT, shape=None)
    node = step((tensor("a", 8, 16), unknown), (tensor("y", 8, 32),), "heavy", op_class="matmul")
    time = inference(model(node), unit(), runtime(), None)
    assert FP32 * (8 * 16 + 8 * 32) / (0.25 * 100e9) == pytest.approx(time.groups[0].byte_s)


@pytest.mark.parametrize(
    ("fmas", "reads", "bound"), [(10**9, 0, "compute"), (1, 10**9, "bandwidth"), (1, 0, "overhead")]
)
def test_largest_part_names_what_bounds_a_group(fmas: int, reads: int, bound: str) -> None:
    """A group is bound by arithmetic, by traffic or by its overhead, whichever is most."""
    node = step("x", "y", "heavy", op_class="matmul", fmas=fmas, reads=reads, writes=0)
    assert bound == inference(model(node), unit(), runtime(overhead=Seconds(1e-6)), None).groups[0].bound


def test_shares_add_up_to_the_time() -> None:
    """Arithmetic, traffic and overhead are the whole of an additive time."""
    time = inference(model(gemm()), unit(), runtime(overhead=Seconds(1e-6), constant=Seconds(1e-4)), None)
    assert time.interval.typical.value == pytest.approx(sum(time.shares.values()))


def test_faster_arithmetic_shortens_only_the_arithmetic() -> None:
    """At ten times the rate the FLOP term is a tenth and the rest as before."""
    time = inference(model(gemm()), unit(), runtime(overhead=Seconds(1e-6)), None)
    flop_s = 2 * 8 * 16 * 32 / (0.5 * 1e12)
    assert time.interval.typical.value - 0.9 * flop_s == pytest.approx(time.at_rate(10.0))


def test_arithmetic_of_the_text_encoder_on_the_m1_gpu() -> None:
    """13.3 GFLOP at 76 % of 2.6 TFLOP/s alone are 6.73 ms."""
    m1 = unit(fp32=2.6, bandwidth_gb_per_s=68.25)
    rt = runtime(efficiency=dict.fromkeys(("dense", "pointwise", "depthwise", "matmul"), 0.76))
    time = inference(model(work(2 * 6_649_251_840)), m1, rt, None)
    assert 6.73e-3 == pytest.approx(time.groups[0].flop_s, rel=1e-3)


def test_a_batch_reads_weights_and_starts_kernels_once() -> None:
    """Eight inferences: eight times the FLOP and the activations, one constant, one t0, W once."""
    rt = runtime(overhead=Seconds(1e-5), constant=Seconds(1e-3))
    time = inference(model(gemm()), unit(), rt, None, batch=8)
    flop_s = 8 * 2 * 8 * 16 * 32 / (0.5 * 1e12)
    byte_s = FP32 * (16 * 32 + 8 * (8 * 16 + 8 * 32)) / (0.25 * 100e9)
    assert 1e-3 + 1e-5 + flop_s + byte_s == pytest.approx(time.interval.typical.value, rel=1e-12)


def test_a_batch_of_light_work_moves_all_of_its_bytes() -> None:
    """Five times 2,000 elements, and one start of the kernel."""
    relu = step((tensor("x", 1000),), (tensor("y", 1000),), "light", arithmetic=1000)
    rt = runtime(light_bandwidth_share=0.5, light_overhead=Seconds(2e-6))
    time = inference(model(relu), unit(), rt, None, batch=5)
    assert 2e-6 + 5 * FP32 * 2000 / (0.5 * 100e9) == pytest.approx(time.interval.typical.value)


def test_a_batch_copies_all_of_its_bytes_to_the_fallback() -> None:
    """Each border is waited at once, and crossed by the tensors of all three inferences."""
    erf = step((tensor("y", 8, 32),), (tensor("z", 8, 32),), op_type="Erf")
    back = step((tensor("z", 8, 32),), (tensor("u", 8, 32),), op_type="Relu")
    table = SupportTable(
        id="table",
        name="a table",
        source="a test",
        date=date(2026, 1, 1),
        evidence="given",
        operators={"ai.onnx": ("Op", "Relu")},
        fallback="rt",
        sync=fact(Seconds(1e-4)),
        copy_bandwidth=fact(BytesPerSecond(1e9)),
    )
    rest = Rest(table=table, unit=unit(), runtime=runtime())
    one, three = (inference(model(gemm(), erf, back), unit(), runtime(), None, rest, batch=n) for n in (1, 3))
    copied_s = 2 * FP32 * 8 * 32 / 1e9
    assert 2 * 1e-4 + copied_s == pytest.approx(one.crossings_s)
    assert 2 * 1e-4 + 3 * copied_s == pytest.approx(three.crossings_s)


def test_an_empty_batch_is_refused() -> None:
    """Nothing at all takes no time that anybody could use."""
    with pytest.raises(UsageError, match="a batch of 0 holds no inference"):
        inference(model(gemm()), unit(), runtime(), None, batch=0)
