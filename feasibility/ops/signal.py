"""Count Fourier transforms, windows and filter banks."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.errors import FeasibilityError
from feasibility.ir import Node
from feasibility.ops.elementwise import PerElement
from feasibility.ops.roles import light
from feasibility.ops.rules import Family
from feasibility.ops.sizes import log2_ceil, scalar, size, size_without

family = Family()

_FFT = 5  # arithmetic per sample and octave of a complex transform, the convention of FFT benchmarks
_DFT_AXIS_BEFORE_20 = 1
_DFT_AXIS = -2
_MEL_ELEMENT = 6  # rising and falling slope (subtract, divide each), min, max
_MEL_EDGES = 2  # more edges than bands

# Twiddle factors and windows aside, these are written per output element.
family.add("HannWindow", PerElement(3, 1))  # a - b * cos(c * n)
family.add("HammingWindow", PerElement(3, 1))
family.add("BlackmanWindow", PerElement(6, 2))  # one cosine more


def fft_arithmetic(length: int, *, real: bool) -> int:
    """Return 5 n ceil(log2 n), half of it where one side is real."""
    return _FFT * length * log2_ceil(length) // (2 if real else 1)


def _dft(node: Node, axis: int) -> OpCost:
    x, y = node.input(0), node.output(0)
    onesided, inverse = node.int("onesided", 0) != 0, node.int("inverse", 0) != 0
    shortened = onesided and not inverse
    length = scalar(node, "dft_length", 1, size(x, axis)) if shortened else size(y, axis)
    real = size(x, -1) == 1 or onesided
    scale = y.numel if inverse else 0
    return light(node, arithmetic=size_without(x, axis, -1) * fft_arithmetic(length, real=real) + scale)


@family.op("DFT")
def dft_by_attribute(node: Node) -> OpCost:
    """Fourier transform along the axis that an attribute names, before opset 20.

    Shapes:  X [..., n, ..., 1 or 2], Y [..., m, ..., 1 or 2]
    Count:   as DFT-20
    Ignores: as DFT-20
    Dtype:   of X
    Source:  ONNX DFT-17
    """
    return _dft(node, node.int("axis", _DFT_AXIS_BEFORE_20))


@family.op("DFT", since=20)
def dft(node: Node) -> OpCost:
    """Fourier transform along one axis.

    Shapes:  X [..., n, ..., 1 or 2], Y [..., m, ..., 1 or 2], last axis real and imaginary part
    Count:   arithmetic = 5 * n * ceil(log2 n) per transform, half of it where one side is real; the
             inverse divides each output
    Ignores: twiddle factors (tables); lengths that are no power of two count as if they were
    Dtype:   of X
    Source:  ONNX DFT-20; Frigo and Johnson 2005, doi:10.1109/JPROC.2004.840301 (5 n log2 n)
    """
    axes = node.ints("axis", (_DFT_AXIS,), input=2)
    if len(axes) != 1:
        msg = f"node {node.name!r} (DFT) needs one axis, not {len(axes)}"
        raise FeasibilityError(msg)
    return _dft(node, axes[0])


@family.op("STFT")
def stft(node: Node) -> OpCost:
    """Fourier transforms of overlapping frames.

    Shapes:  signal [B, n, 1 or 2], window [w], Y [B, frames, bins, 2]
    Count:   per frame 5 * w * ceil(log2 w), half of it where the signal is real, and w multiplies
             (2 w if complex) where a window is given
    Ignores: as DFT-20
    Dtype:   of signal
    Source:  ONNX STFT-17
    """
    signal, y = node.input(0), node.output(0)
    length = _frame_length(node)
    parts = size(signal, -1)
    window = length * parts if node.has_input(2) else 0
    frames = size(y, 0) * size(y, 1)
    return light(node, arithmetic=frames * (fft_arithmetic(length, real=parts == 1) + window))


def _frame_length(node: Node) -> int:
    if node.has_input(3):
        return scalar(node, "frame_length", 3)
    return size(node.input(2), 0) if node.has_input(2) else size(node.input(0), 1)


@family.op("MelWeightMatrix")
def mel_weight_matrix(node: Node) -> OpCost:
    """Build triangular filters on the mel scale.

    Shapes:  Y [bins, bands]
    Count:   per element 6 arithmetic (two slopes, min, max); a power per edge of a band
    Dtype:   of Y
    Source:  ONNX MelWeightMatrix-17
    """
    y = node.output(0)
    return light(node, arithmetic=_MEL_ELEMENT * y.numel, transcendentals=size(y, 1) + _MEL_EDGES)
