"""Laws over every example graph: written another way, a model that computes the same costs the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import onnx
import onnx.inliner
import pytest

from feasibility import api
from feasibility.cost import ModelCost
from feasibility.loader import functions
from tests.laws import rewrites
from tests.laws.rewrites import Dice

ROOT = Path(__file__).parents[2]
GRAPHS = sorted([*(ROOT / "tests" / "corpus").rglob("*.onnx"), *(ROOT / "examples").glob("*.onnx")])
# bytes of the file, which each way of writing changes, and a name, which some change
OF_THE_FILE = {"download_bytes", "peak_activation_node"}
# what the order of execution decides: how much is alive at once
OF_THE_ORDER = {*OF_THE_FILE, "peak_activation_bytes"}

every_graph = pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
Rewrite = Callable[[onnx.ModelProto, Dice], onnx.ModelProto]


@cache
def original(path: Path) -> onnx.ModelProto:
    """Return an example graph."""
    return onnx.load(path, load_external_data=False)


@cache
def counted(path: Path) -> ModelCost:
    """Return what an example costs as it is."""
    return api.profile(path)


def dice_of(path: Path) -> Dice:
    """Return the same random choices in each run, others for each graph."""
    return random.Random(crc32(path.stem.encode()))  # noqa: S311 (repeatable, not secret)


def totals(cost: ModelCost, left_out: set[str] = OF_THE_FILE) -> dict[str, Any]:
    """Return the sums of a model."""
    return {name: value for name, value in cost.totals.to_dict().items() if name not in left_out}


@every_graph
@pytest.mark.parametrize(
    "rewrite",
    [
        rewrites.renamed,
        rewrites.weights_as_constants,
        rewrites.constants_as_weights,
        rewrites.inline,
        rewrites.absent,
        rewrites.with_identities,
        rewrites.in_branches,
        rewrites.in_a_function,
        rewrites.declared,
        rewrites.undeclared,
    ],
    ids=lambda rewrite: rewrite.__name__,
)
def test_another_way_to_write_it_changes_no_total(path: Path, rewrite: Rewrite) -> None:
    """Names, places of constants, Identity, bodies and declared shapes change no sum and no peak."""
    cost = api.profile(rewrite(original(path), dice_of(path)))
    assert totals(counted(path)) == totals(cost)
    assert counted(path).coverage.unknown == cost.coverage.unknown == ()


@every_graph
@pytest.mark.parametrize("rewrite", [rewrites.reordered, rewrites.backwards], ids=lambda r: r.__name__)
def test_the_order_of_nodes_changes_the_peak_alone(path: Path, rewrite: Rewrite) -> None:
    """Work, weights and traffic do not depend on when a node runs; how much is alive at once does."""
    cost = api.profile(rewrite(original(path), dice_of(path)))
    assert totals(counted(path), OF_THE_ORDER) == totals(cost, OF_THE_ORDER)


@every_graph
def test_the_order_of_fields_in_the_file_changes_nothing(path: Path) -> None:
    """A parser may meet weights before nodes and attributes before names."""
    found = api.profile(rewrites.scrambled(original(path), dice_of(path)))
    assert counted(path).totals == found.totals
    assert counted(path).nodes == found.nodes


@every_graph
def test_a_function_costs_what_its_inlined_nodes_cost(path: Path) -> None:
    """Where onnx's own inliner puts a function's nodes in place of its call, nothing changes."""
    called = rewrites.in_a_function(original(path), dice_of(path))
    inlined = onnx.inliner.inline_local_functions(called)
    assert not inlined.functions
    assert totals(api.profile(called)) == totals(api.profile(inlined))


@every_graph
@pytest.mark.parametrize("share_from", [functions.SHARE_FROM, 0], ids=["written out", "multiplied"])
def test_a_function_called_twice_costs_twice(
    path: Path,
    share_from: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two calls cost what the nodes cost that are there twice, and the weights that they share count once."""
    monkeypatch.setattr(functions, "SHARE_FROM", share_from)  # 0: as in models too large to write out
    weights_only = rewrites.constants_as_weights(original(path), dice_of(path))
    once, called = counted(path).totals, api.profile(rewrites.called_twice(weights_only))
    assert totals(api.profile(rewrites.twice(weights_only))) == totals(called)
    assert (2 * once.fmas, once.parameters) == (called.fmas, called.parameters)
