"""Build chains by hand: a file in a folder, models of round numbers, and a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from feasibility.cost import ModelCost
from feasibility.ir import TensorSpec
from feasibility.pipeline import Chain, ChainAnswer, answer, build, read
from tests.timing_parts import model, scenario, tensor, work

GIGA = 10**9
CLIENT_RATE = 0.5e12  # e * P of the hand-made client: FLOP/s
SERVER_RATE = 50e12
UP_BYTES_PER_S = 20e6 / 8  # of the hand-made link
DOWN_BYTES_PER_S = 150e6 / 8
RTT_S = 0.15

TWO = """
stages:
  - id: first
    model: first.onnx
    inputs: {x: user}
  - id: second
    model: second.onnx
    inputs: {y: first.y}
result: second.z
"""
X, Y, Z = tensor("x", 10), tensor("y", 77, 768), tensor("z", 3, 100)


def cost(
    flops: int, inputs: tuple[TensorSpec, ...] = (X,), outputs: tuple[TensorSpec, ...] = (Y,), **totals: int
) -> ModelCost:
    """Return a model of this much work."""
    return model(work(flops), inputs=inputs, outputs=outputs, **totals)


def two(first: int, second: int) -> list[ModelCost]:
    """Return the models of TWO, with their FLOP."""
    return [cost(first), cost(second, (Y,), (Z,))]


def chain(
    folder: Path,
    text: str,
    costs: list[ModelCost],
    **choices: Any,  # noqa: ANN401 (whatever a scenario takes)
) -> Chain:
    """Write the file of a chain and build it with these models."""
    path = folder / "chain.yaml"
    path.write_text(text, encoding="utf-8")
    return build(read(path), costs, scenario(costs[0], **choices))


def placed(
    folder: Path,
    text: str,
    costs: list[ModelCost],
    **choices: Any,  # noqa: ANN401 (as above)
) -> ChainAnswer:
    """Write the file of a chain and place it with these models."""
    return answer(chain(folder, text, costs, **choices))
