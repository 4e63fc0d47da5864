"""Shape rule of the Fourier transform of frames, which onnx's own answers without `onesided`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feasibility.loader.rules.common import Rule, has, known, like, number, over, plus, scalar
from feasibility.loader.types import Call, Type


def _stft(call: Call) -> Sequence[Type]:
    """Return [batch, frames, bins, 2]; half of the bins and one where one side is enough (ONNX STFT-17)."""
    batch, length, *_ = known(call, 0)
    frame = _frame_length(call)
    step, rest = scalar(call, 1), None if frame is None else plus(length, -frame)
    frames = plus(over(rest, step), 1)
    bins = plus(over(frame, 2), 1) if number(call, "onesided", 1) else frame
    return (like(call, 0, batch, frames, bins, 2),)


def _frame_length(call: Call) -> int | None:
    if has(call, 3):
        return scalar(call, 3)
    return known(call, 2)[0] if has(call, 2) else known(call, 0)[1]


RULES: Mapping[str, Rule] = {"STFT": _stft}
