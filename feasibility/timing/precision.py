"""Find the precision a model runs at, and the constants a unit and a runtime have for it.

Where a unit or a runtime has no number for a precision, the nearest one stands in
and a note says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from feasibility.ir import DType
from feasibility.profiles.models import Coefficients, ComputeUnit, Precision, RuntimeProfile
from feasibility.timing.interval import PRIOR_SIGMA

STORED: Mapping[DType, Precision] = {
    DType.DOUBLE: "fp64",
    DType.FLOAT: "fp32",
    DType.FLOAT16: "fp16",
    DType.BFLOAT16: "bf16",
    DType.INT8: "int8",
    DType.UINT8: "int8",
    DType.INT4: "int4",
    DType.UINT4: "int4",
}
INTEGERS: frozenset[Precision] = frozenset({"int8", "int4"})

# Whose peak stands in for a missing one (design: no fp16 means fp32's rate, no int8 means fp16's).
# A float type is emulated in a wider one before a narrower one; fp32 alone moves to another type.
_RATE_OF: Mapping[Precision, tuple[Precision, ...]] = {
    "fp64": ("fp64", "fp32", "fp16", "bf16", "int8", "int4"),
    "fp32": ("fp32", "fp16", "bf16", "fp64", "int8", "int4"),
    "fp16": ("fp16", "fp32", "bf16", "fp64", "int8", "int4"),
    "bf16": ("bf16", "fp32", "fp16", "fp64", "int8", "int4"),
    "int8": ("int8", "fp16", "bf16", "fp32", "fp64", "int4"),
    "int4": ("int4", "int8", "fp16", "bf16", "fp32", "fp64"),
}
# Whose efficiency, overheads and spread stand in for missing ones: the nearest in width and kind.
_COEFFICIENTS_OF: Mapping[Precision, tuple[Precision, ...]] = {
    "fp64": ("fp64", "fp32", "fp16", "bf16", "int8", "int4"),
    "fp32": ("fp32", "fp16", "bf16", "fp64", "int8", "int4"),
    "fp16": ("fp16", "bf16", "fp32", "fp64", "int8", "int4"),
    "bf16": ("bf16", "fp16", "fp32", "fp64", "int8", "int4"),
    "int8": ("int8", "int4", "fp16", "bf16", "fp32", "fp64"),
    "int4": ("int4", "int8", "fp16", "bf16", "fp32", "fp64"),
}
_WIDEST_FLOAT: tuple[Precision, ...] = ("fp64", "fp32", "fp16", "bf16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What one precision gets on a unit through a runtime."""

    precision: Precision
    peak_of: Precision  # whose peak it is
    fitted: Precision  # whose coefficients they are
    peak_flops_per_s: float
    bandwidth_bytes_per_s: float
    coefficients: Coefficients
    sigma: float
    notes: tuple[str, ...]


def run_precision(wanted: Precision, unit: ComputeUnit, runtime: RuntimeProfile) -> Precision:
    """Return what is run instead: what the runtime prefers, or the widest float where a unit has no fp32."""
    preferred = runtime.runs_as.get(wanted)
    if preferred in unit.peaks and preferred in runtime.precisions:
        return preferred
    if wanted != "fp32" or wanted in unit.peaks:
        return wanted
    known = (
        *(p for p in _WIDEST_FLOAT if p in unit.peaks),
        *(p for p in _WIDEST_FLOAT if p in runtime.precisions),
    )
    return known[0] if known else wanted


def _instead(wanted: Precision, runs_at: Precision, unit: ComputeUnit, runtime: RuntimeProfile) -> str:
    if runtime.runs_as.get(wanted) == runs_at:
        return f"{runtime.id} runs {wanted} models in {runs_at} on {unit.name}"
    return f"{unit.name} has no {wanted}: the model runs in {runs_at}"


def lane(wanted: Precision, unit: ComputeUnit, runtime: RuntimeProfile) -> Lane:
    """Return the constants for a precision, with a note for each one that another type lends."""
    runs_at = run_precision(wanted, unit, runtime)
    constants = unit.coefficients.get(runtime.id) or runtime.precisions
    fitted = next(p for p in _COEFFICIENTS_OF[runs_at] if p in constants)
    coefficients = constants[fitted]
    rated = coefficients.peak or runs_at
    peak_of = next(p for p in _RATE_OF[rated] if p in unit.peaks)
    notes = (
        (runs_at != wanted, _instead(wanted, runs_at, unit, runtime)),
        (fitted != runs_at, f"{runtime.id} was never timed in {runs_at}: {fitted}'s efficiency is used"),
        (peak_of != rated, f"{unit.name} has no {rated} peak: {peak_of}'s rate is used"),
    )
    return Lane(
        precision=runs_at,
        peak_of=peak_of,
        fitted=fitted,
        peak_flops_per_s=unit.peaks[peak_of].value.value,
        bandwidth_bytes_per_s=unit.bandwidth.value.value,
        coefficients=coefficients,
        sigma=coefficients.sigma if fitted == runs_at else max(coefficients.sigma, PRIOR_SIGMA),
        notes=tuple(text for applies, text in notes if applies),
    )
