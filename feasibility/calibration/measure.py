"""Time models in ONNX Runtime: the only module that imports it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnxruntime as ort

from feasibility.errors import MeasureError
from feasibility.loader.runnable import Array, Runnable

VERSION: str = ort.__version__
_ERRORS_ONLY = 3  # ONNX Runtime's severity
_LONGEST = 200  # characters of its complaint that a message repeats
_AT_LEAST = 3  # runs of a turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long one run took, and by which share it is longer in the middle of the turns."""

    seconds: float
    spread: float


class Session:
    """A model that is loaded, optimised and warm."""

    def __init__(self, model: Runnable, inputs: Mapping[str, Array], *, threads: int) -> None:
        """Load the model and run it twice; raise MeasureError if ONNX Runtime cannot."""
        self._inputs = dict(inputs)
        try:
            started = time.perf_counter()
            self._session = _session(model, threads)
            self.start_s = time.perf_counter() - started
            self._session.run(None, self._inputs)
            self._session.run(None, self._inputs)
        except Exception as error:  # noqa: BLE001 (its exceptions have no common base of their own)
            said = " ".join(str(error).split())[:_LONGEST]
            msg = f"ONNX Runtime cannot run it: {said}"
            raise MeasureError(msg) from None

    def turn(self, budget_s: float) -> float:
        """Run for about so long, and three times at least; the first run, on cold caches, does not count.

        The seconds are the mean: a quartile would leave out what disturbs a short run now and then,
        which a long one never escapes.
        """
        self._session.run(None, self._inputs)
        runs = 0
        begin = now = time.perf_counter()
        while runs < _AT_LEAST or now < begin + budget_s:
            self._session.run(None, self._inputs)
            runs += 1
            now = time.perf_counter()
        return (now - begin) / runs


def turns(found: Sequence[float]) -> Timing:
    """Return the lower quartile of several turns, and by which share the middle one took longer.

    Neighbours on a host, other programs and heat only ever add, and what they add differs from
    second to second; the very fastest turn would favour graphs that are short.
    """
    ordered = sorted(found)
    typical = ordered[len(ordered) // 4]
    return Timing(seconds=typical, spread=ordered[len(ordered) // 2] / typical - 1)


def _session(model: Runnable, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    if model.weights:
        values = [ort.OrtValue.ortvalue_from_numpy(array) for array in model.weights.values()]
        options.add_external_initializers(list(model.weights), values)
    return ort.InferenceSession(model.model, options, providers=["CPUExecutionProvider"])
