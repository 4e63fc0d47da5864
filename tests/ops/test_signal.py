from __future__ import annotations

import pytest

from feasibility.ir import DType, TensorSpec
from tests.ops.op_cases import Case, tensor

I64 = DType.INT64


def scalar(value: int) -> TensorSpec:
    """Return a constant integer."""
    return tensor(dtype=I64, value=(value,), constant=True)


FFT_1024 = 5 * 1024 * 10

CASES = [
    Case(op="DFT", i=[(3, 1024, 2)], o=[(3, 1024, 2)], arithmetic=3 * FFT_1024, role="light"),
    Case(op="DFT", i=[(3, 1024, 1)], o=[(3, 513, 2)], a={"onesided": 1}, arithmetic=3 * FFT_1024 // 2),
    Case(
        op="DFT",
        i=[(3, 700, 1), scalar(1024)],
        o=[(3, 513, 2)],
        a={"onesided": 1},
        arithmetic=3 * FFT_1024 // 2,
    ),
    Case(
        op="DFT",
        i=[(3, 1024, 2)],
        o=[(3, 1024, 2)],
        a={"inverse": 1},
        arithmetic=3 * FFT_1024 + 3 * 1024 * 2,
    ),
    Case(  # back to a real signal: half the work, and one division per sample
        op="DFT",
        i=[(3, 513, 2)],
        o=[(3, 1024, 1)],
        a={"inverse": 1, "onesided": 1},
        arithmetic=3 * FFT_1024 // 2 + 3 * 1024,
    ),
    Case(op="DFT", i=[(1024, 3, 2), None, scalar(0)], o=[(1024, 3, 2)], arithmetic=3 * FFT_1024),
    Case(op="DFT", i=[(3, 1024, 2)], o=[(3, 1024, 2)], opset=17, arithmetic=3 * FFT_1024),
    Case(op="DFT", i=[(3, 1000, 5, 2)], o=[(3, 1000, 5, 2)], opset=17, arithmetic=15 * 5 * 1000 * 10),
    Case(
        op="STFT",
        i=[(2, 16000, 1), scalar(160), (400,)],
        o=[(2, 98, 201, 2)],
        arithmetic=2 * 98 * (5 * 400 * 9 // 2 + 400),
    ),
    Case(
        op="STFT",
        i=[(2, 16000, 1), scalar(160), None, scalar(400)],
        o=[(2, 98, 201, 2)],
        arithmetic=2 * 98 * (5 * 400 * 9 // 2),
    ),
    Case(op="HannWindow", i=[scalar(400)], o=[(400,)], arithmetic=3 * 400, transcendentals=400),
    Case(op="BlackmanWindow", i=[scalar(400)], o=[(400,)], arithmetic=6 * 400, transcendentals=2 * 400),
    Case(op="MelWeightMatrix", i=[scalar(80)], o=[(201, 80)], arithmetic=6 * 201 * 80, transcendentals=82),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_signal_counts(case: Case) -> None:
    """A fast Fourier transform counts 5 n log2 n, half of it for real signals."""
    case.check()
