"""Send seeded mutants of small example graphs through the command's child process."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import onnx
import pytest

from feasibility.errors import FeasibilityError
from feasibility.loader.isolate import Worker
from feasibility.profiler import profile
from tests.loader.mutations import mutate
from tests.runs import control_graphs as made

CORPUS = Path(__file__).parents[1] / "corpus"
GRAPHS = ("resnet18_224", "whisper_tiny_encoder", "clip_fused", "xtremedistil_int8_dyn")
BUILT = (
    made.loop_that_stacks, made.loop_that_grows, made.loop_in_a_loop, made.scan, made.unknown_if,
    made.loop_in_an_if, made.function_in_a_loop, made.recurrent,
)  # fmt: skip
SLICES, SEEDS = 16, 128  # 2,048 mutants


@cache
def originals() -> tuple[onnx.ModelProto, ...]:
    """Return example graphs, and as many small ones with control flow twice."""
    stored = [onnx.load(CORPUS / f"{name}.onnx", load_external_data=False) for name in GRAPHS]
    return (*stored, *(build() for build in BUILT))


@pytest.mark.parametrize("number", range(SLICES))
def test_a_mutant_gives_a_count_or_a_sentence(number: int, tmp_path: Path) -> None:
    """No change makes a traceback, a dead child or a hang; what is counted is whole and adds up."""
    file, counted = tmp_path / "mutant.onnx", 0
    with Worker.start() as worker:
        for seed in range(number * SEEDS, (number + 1) * SEEDS):
            dice = random.Random(seed)  # noqa: S311 (repeatable, not secret)
            file.write_bytes(mutate(dice.choice(originals()), dice))
            try:
                cost = profile(worker.load(str(file)))
            except FeasibilityError as error:
                assert "\n" not in error.message, seed  # noqa: PT017 (either outcome is right)
                assert "child process" not in error.message, seed  # noqa: PT017 (as above)
                continue
            seen = cost.coverage
            assert seen.counted + seen.folded + len(seen.unknown) == seen.nodes, seed
            assert min(cost.fmas, cost.totals.flops, cost.totals.read_bytes) >= 0, seed
            counted += 1
    assert 0 < counted < SEEDS
