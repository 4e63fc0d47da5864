"""Say how large a model may be that a device runs within a deadline.

Three kinds of network stand for all, each grown in proportion (FMA, weights and activations
alike, as when all its channels and its resolution grow) until it fills the deadline.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from feasibility.decide.checks import memory_limit
from feasibility.decide.records import Placement
from feasibility.decide.sides import unit_of
from feasibility.errors import UsageError
from feasibility.ir import ACTIVATION_BITS, WEIGHT_BITS
from feasibility.profiles.models import Precision
from feasibility.timing.interval import Z_P90
from feasibility.timing.precision import Lane, lane, run_precision
from feasibility.units import BITS_PER_BYTE, Bytes, Seconds

Bound = Literal["time", "bytes"]
_STORED: Precision = "fp32"
_WEIGHT_ONLY: Precision = "int4"
_WIDENED: Precision = "fp16"  # what the arithmetic of such weights runs in
_SHOWN: tuple[Precision, ...] = ("fp32", "fp16", "int8", "int4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a known network asks for, with light operators fused: FMA by class, elements, kernels."""

    name: str
    fmas: Mapping[str, int]
    winograd_fmas: int  # of the dense ones: 3x3 convolutions of stride 1, which some kernels transform
    parameters: int
    weights: int  # elements that heavy operators read
    activations: int  # elements that heavy operators read and write
    light: int  # elements that other operators read and write
    heavy_kernels: int
    light_kernels: int


# Counted by `feasible profile` at 224 x 224 (torchvision's and timm's exports; a test counts them again).
KINDS = (
    Kind(
        name="MobileNetV2",
        fmas={"dense": 11_440_128, "pointwise": 273_470_032, "depthwise": 24_169_152, "matmul": 1_280_500},
        winograd_fmas=0,
        parameters=3_475_130,
        weights=3_487_816,
        activations=13_858_459,
        light=0,
        heavy_kernels=53,
        light_kernels=0,
    ),
    Kind(
        name="ResNet-50",
        fmas={"dense": 1_970_787_840, "pointwise": 2_130_423_808, "matmul": 2_048_500},
        winograd_fmas=1_504_075_776,
        parameters=25_507_944,
        weights=25_530_472,
        activations=21_779_432,
        light=0,
        heavy_kernels=54,
        light_kernels=0,
    ),
    Kind(
        name="ViT-B/16",
        fmas={"dense": 115_680_768, "matmul": 17_472_710_024},
        winograd_fmas=0,
        parameters=86_453_272,
        weights=86_294_248,
        activations=47_790_856,
        light=120_924_032,
        heavy_kernels=74,
        light_kernels=149,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The largest network of a kind: FMA that surely (9 of 10), probably (1 of 2) and hardly fit.

    They are None where its kernels alone take longer than the deadline.
    """

    kind: str
    bound: Bound  # what the probable one meets first
    surely: float | None
    probably: float | None
    hardly: float | None

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "kind": self.kind,
            "bound": self.bound,
            "fmas": {"surely": self.surely, "probably": self.probably, "hardly": self.hardly},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What fits: by time for each kind of network, and by bytes for weights of each width."""

    device: str
    unit: str
    runtime: str
    precision: str
    deadline: Seconds
    fits: tuple[Fit, ...]
    weight_bytes: Bytes  # of the download or of memory, whichever is less
    limited_by: str  # that, in words
    parameters: Mapping[str, int]  # by width of the weights
    notes: tuple[str, ...] = ()  # sentences: what runs in place of the precision, and whose numbers are lent

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "schema_version": 1,
            "device": self.device,
            "unit": self.unit,
            "runtime": self.runtime,
            "precision": self.precision,
            "deadline_s": self.deadline.value,
            "fits": [fit.to_dict() for fit in self.fits],
            "weight_bytes": self.weight_bytes.value,
            "limited_by": self.limited_by,
            "parameters": dict(self.parameters),
            "notes": list(self.notes),
        }


def limits(place: Placement, deadline: Seconds, max_download: Bytes | None) -> Limits:
    """Return the largest models that a device runs within the deadline and the limits on bytes.

    Raise UsageError for a deadline of nothing.
    """
    if not 0 < deadline.value < math.inf:
        msg = f"deadline {deadline} leaves no time for anything"
        raise UsageError(msg, hint="give one above zero, like 30ms")
    asked = place.precision or _STORED
    found = _lane(place)
    size, words = _bytes(place, max_download)
    return Limits(
        device=place.device.id,
        unit=place.unit,
        runtime=place.runtime.id,
        precision=found.precision if asked != _WEIGHT_ONLY else asked,
        deadline=deadline,
        fits=tuple(_fit(kind, asked, found, deadline.value, size) for kind in KINDS),
        weight_bytes=size,
        limited_by=words,
        parameters={name: int(size.value * BITS_PER_BYTE // WEIGHT_BITS[name]) for name in _SHOWN},
        notes=tuple(f"On {place.device.id}: {note}." for note in found.notes),
    )


def _lane(place: Placement) -> Lane:
    """Return the lane of what is asked for; where nothing is, what the runtime runs replaces nothing."""
    unit, runtime = unit_of(place), place.runtime
    if place.precision is None:
        return lane(run_precision(_STORED, unit, runtime), unit, runtime)
    return lane(_WIDENED if place.precision == _WEIGHT_ONLY else place.precision, unit, runtime)


def _bytes(place: Placement, max_download: Bytes | None) -> tuple[Bytes, str]:
    """Return the bytes that weights may take: as a download, and in memory beside the runtime's own."""
    limit, words = memory_limit(place)
    memory = Bytes(max(0.0, limit.value.value - place.runtime.memory_overhead.value.value))
    if max_download is not None and max_download.value <= memory.value:
        return max_download, "the download that is allowed"
    return memory, f"memory: {words}, less {place.runtime.memory_overhead.value} of {place.runtime.id}"


def _fit(kind: Kind, asked: Precision, found: Lane, deadline_s: float, room: Bytes) -> Fit:
    """Return how much of a kind fits if the device is as slow, usual or fast as 1 in 10, 2 and 10 times.

    Weights grow with it, and must fit the room for them at the width that was asked for.
    """
    spread = math.exp(Z_P90 * found.sigma)
    fixed_s, growing_s = _seconds(kind, asked, found)
    fmas = sum(kind.fmas.values())
    slow, usual, fast = (
        fmas * (deadline_s / factor - fixed_s) / growing_s for factor in (spread, 1.0, 1 / spread)
    )
    most = fmas * room.value * BITS_PER_BYTE / float(kind.parameters * WEIGHT_BITS[asked])
    surely, probably, hardly = (min(each, most) if each > 0 else None for each in (slow, usual, fast))
    bound: Bound = "bytes" if most < usual else "time"
    return Fit(kind=kind.name, surely=surely, probably=probably, hardly=hardly, bound=bound)


def _seconds(kind: Kind, asked: Precision, found: Lane) -> tuple[float, float]:
    """Return the seconds of starting kernels, and those that grow with the network (docs/time.md)."""
    terms = found.coefficients
    fixed_s = (
        terms.constant.value
        + kind.heavy_kernels * terms.overhead.value
        + kind.light_kernels * terms.light_overhead.value
    )
    return fixed_s, math.fsum(_growing_s(kind, asked, found))


def _growing_s(kind: Kind, asked: Precision, found: Lane) -> Iterator[float]:
    terms, bandwidth = found.coefficients, found.bandwidth_bytes_per_s
    shares = {str(key): value for key, value in terms.efficiency.items()}
    for name, fmas in kind.fmas.items():
        yield 2 * fmas / (shares[name] * found.peak_flops_per_s)
    saved = kind.winograd_fmas * (1 - 1 / terms.winograd)
    yield -2 * saved / (shares["dense"] * found.peak_flops_per_s)
    width = WEIGHT_BITS[asked if asked == _WEIGHT_ONLY else found.precision]
    weight_bytes = float(kind.weights * width / BITS_PER_BYTE)
    element_bytes = ACTIVATION_BITS[found.precision] / BITS_PER_BYTE
    yield weight_bytes / (terms.bandwidth_share.weights * bandwidth)
    yield kind.activations * element_bytes / (terms.bandwidth_share.activations * bandwidth)
    if terms.light_bandwidth_share is not None:
        yield kind.light * element_bytes / (terms.light_bandwidth_share * bandwidth)
