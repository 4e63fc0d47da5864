"""What the walk says of every tensor is what ONNX Runtime computes, weights being random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from feasibility.ir import DType
from feasibility.loader import load
from feasibility.loader.runnable import Array
from tests.runs.control_graphs import BOUNDED, EXACT, Build, larger_branch
from tests.runs.random_weights import feeds_of, optimised, rewritten, run, showing_all, slim, stored

Form = tuple[DType, tuple[int, ...] | None]
Forms = dict[str, Form]
Dims = Mapping[str, int]
CORPUS = "tests/corpus/"
TOKENS: Dims = {"sequence": 16}
# a vocabulary and a hidden layer: 1.1 G numbers, transposed in the graph, take more memory than a test should
SLIM = {"tinyllama_dynamo": {32000: 64, 5632: 32}}


def forms_said(proto: onnx.ModelProto, dims: Dims) -> Forms:
    """Return type and shape of every tensor as the walk finds them."""
    specs = load(proto, dims=dims).graph.outputs
    names = [output.name for output in proto.graph.output]
    return {name: (spec.dtype, spec.shape) for name, spec in zip(names, specs, strict=True)}


def forms_run(proto: onnx.ModelProto, feeds: Mapping[str, Array]) -> Forms:
    """Return type and shape of every tensor as it was computed."""
    names = [output.name for output in proto.graph.output]
    return {name: form_of(array) for name, array in zip(names, run(proto, feeds), strict=True)}


def form_of(array: Array) -> Form:
    """Return type and shape of an array."""
    return DType.from_code(helper.np_dtype_to_tensor_dtype(array.dtype)), array.shape


def feeds(proto: onnx.ModelProto, dims: Dims) -> Iterator[dict[str, Array]]:
    """Yield random inputs, once with every flag unset and once with every flag set."""
    drawn = feeds_of(load(proto, dims=dims).graph.inputs)
    flags = [name for name, array in drawn.items() if array.dtype == np.bool_]
    for state in (False, True)[: 1 + bool(flags)]:
        yield drawn | {name: np.array(state) for name in flags}


def compared(proto: onnx.ModelProto, dims: Dims) -> int:
    """Compare every result of every node, and return how many there are."""
    shown = showing_all(proto)
    said = forms_said(shown, dims)
    for given in feeds(shown, dims):
        assert said == forms_run(shown, given)
    return len(said)


# --- stored graphs; a number of tensors, so that none is left out

STORED: Mapping[str, int] = {
    "examples/sd_text_encoder": 1377,
    CORPUS + "clip_fused": 974,
    CORPUS + "convnext_tiny_224": 454,
    CORPUS + "densenet121_224": 617,
    CORPUS + "efficientnet_b0_224": 298,
    CORPUS + "mobilenet_v2": 1093,
    CORPUS + "mobilenet_v2_qdq": 1465,
    CORPUS + "regnety_004_224": 304,
    CORPUS + "resnet18_224": 69,
    CORPUS + "resnet50": 169,
    CORPUS + "swin_tiny_patch4_window7_224_224": 3501,
    CORPUS + "timm/botnet26t_256_256": 1031,
    CORPUS + "timm/mixer_b32_224_224": 422,
    CORPUS + "timm/mnasnet_050_224": 139,
    CORPUS + "timm/mobilenetv2_035_224": 210,
    CORPUS + "timm/nest_tiny_jx_224": 1408,
    CORPUS + "timm/regnetz_005_288": 414,
    CORPUS + "timm/test_vit_160": 442,
    CORPUS + "tinyllama_dynamo": 1417,
    CORPUS + "vgg16_224": 48,
    CORPUS + "vit_base_patch16_224_224": 847,
    CORPUS + "whisper_tiny_encoder": 242,
    CORPUS + "xtremedistil_int8_dyn": 931,
    CORPUS + "xtremedistil_l6_h256": 734,
}


def dims_of(name: str) -> Dims:
    """Return what is bound of a stored graph."""
    return TOKENS if "xtremedistil" in name else {}


@pytest.mark.parametrize("name", STORED)
def test_a_stored_graph_is_shaped_as_it_runs(name: str) -> None:
    """Type and shape of each tensor of an example graph are those of a run."""
    proto = slim(stored(name), SLIM.get(Path(name).name, {}))
    assert STORED[name] == compared(proto, dims_of(name))


# --- graphs that ONNX Runtime's optimisers wrote


@dataclass(frozen=True)
class Fused:
    """A stored graph after a level of the optimiser: operators that it holds, and tensors at least."""

    name: str
    level: str
    operators: frozenset[str]
    tensors: int

    def __str__(self) -> str:
        return f"{Path(self.name).name}-{self.level}"


FUSED = [
    Fused(CORPUS + "timm/test_vit_160", "EXTENDED", frozenset({"FusedMatMul", "BiasGelu"}), 150),
    Fused(CORPUS + "timm/test_vit_160", "ALL", frozenset({"ReorderOutput", "Conv"}), 150),
    Fused(CORPUS + "xtremedistil_l6_h256", "EXTENDED", frozenset({"FusedMatMul", "FusedGemm"}), 300),
    Fused(
        CORPUS + "xtremedistil_int8_dyn",
        "EXTENDED",
        frozenset({"MatMulIntegerToFloat", "DynamicQuantizeMatMul", "SkipLayerNormalization"}),
        300,
    ),
    Fused(CORPUS + "mobilenet_v2_qdq", "EXTENDED", frozenset({"QGemm", "QLinearGlobalAveragePool"}), 300),
    Fused(CORPUS + "timm/mnasnet_050_224", "EXTENDED", frozenset({"FusedConv"}), 60),
    Fused(CORPUS + "resnet50", "ALL", frozenset({"ReorderOutput", "MaxPool", "GlobalAveragePool"}), 50),
    Fused(CORPUS + "whisper_tiny_encoder", "EXTENDED", frozenset({"Gelu", "SkipLayerNormalization"}), 130),
    Fused("examples/sd_text_encoder", "EXTENDED", frozenset({"FusedMatMul", "QuickGelu"}), 600),
]


def vendor_operators(proto: onnx.ModelProto) -> set[str]:
    """Return the operators of a graph that ONNX does not define."""
    return {node.op_type for node in proto.graph.node if node.domain}


@pytest.mark.parametrize("case", FUSED, ids=str)
def test_an_optimised_graph_is_shaped_as_it_runs(case: Fused, tmp_path: Path) -> None:
    """What the optimiser fuses, quantises or puts into blocks has the shapes of a run."""
    proto = optimised(stored(case.name), case.level, tmp_path)
    assert case.operators <= vendor_operators(proto)
    assert case.tensors <= compared(proto, dims_of(case.name))


@dataclass(frozen=True)
class Rewritten:
    """A stored graph for onnxruntime.transformers.optimizer."""

    name: str
    kind: str
    heads: tuple[int, int]
    tensors: int
    dims: Dims = field(default_factory=dict)


REWRITTEN = [
    Rewritten(CORPUS + "timm/test_vit_160", "vit", (1, 64), 250),
    Rewritten(CORPUS + "xtremedistil_l6_h256", "bert", (8, 256), 550, TOKENS),
]


@pytest.mark.parametrize("case", REWRITTEN, ids=lambda case: case.kind)
def test_a_rewritten_transformer_is_shaped_as_it_runs(case: Rewritten, tmp_path: Path) -> None:
    """What the optimiser for transformers fuses has the shapes of a run."""
    proto = rewritten(stored(case.name), case.kind, case.heads, tmp_path)
    assert {"SkipLayerNormalization", "BiasGelu"} <= vendor_operators(proto)
    assert case.tensors <= compared(proto, case.dims)


# --- graphs by hand


@pytest.mark.parametrize("build", EXACT, ids=lambda build: build.__name__)
def test_control_flow_and_quantised_products_are_shaped_as_they_run(build: Build) -> None:
    """Loops, branches, functions and integers have the shapes of a run, whatever the flags say."""
    proto = build()
    outputs = sum(len(node.output) for node in proto.graph.node)
    assert outputs == compared(proto, {})


def at_most(said: Form, ran: Form) -> bool:
    """Tell whether a tensor of a run is of the type that was said, and no larger along any axis."""
    (dtype, bound), (same, shape) = said, ran
    if bound is None or shape is None or len(bound) != len(shape):
        return False
    return dtype == same and all(size <= most for size, most in zip(shape, bound, strict=True))


@pytest.mark.parametrize(("build", "dims"), BOUNDED, ids=lambda part: getattr(part, "__name__", ""))
def test_sizes_that_the_data_decides_are_bounded(build: Build, dims: Dims) -> None:
    """No run is larger than what the walk assumes; once told the sizes, it says what the run has."""
    shown = showing_all(build())
    (given,) = feeds(shown, {})
    said, ran = forms_said(shown, {}), forms_run(shown, given)
    assert dict.fromkeys(ran, True) == {name: at_most(said[name], form) for name, form in ran.items()}
    assert said != ran == forms_said(shown, dims)


def test_the_larger_branch_bounds_both() -> None:
    """Of two branches the walk takes the larger one: one flag gives its shapes, the other smaller ones."""
    shown = showing_all(larger_branch())
    said = forms_said(shown, {})
    runs = [forms_run(shown, given) for given in feeds(shown, {})]
    assert [4, 2] == [prod(found["y"][1] or ()) // 8 for found in runs]
    assert runs[0] == said != runs[1]
    assert all(at_most(said[name], form) for name, form in runs[1].items())


def test_enough_graphs_are_run() -> None:
    """More than fifteen graphs, fused and quantised ones and control flow among them, are compared."""
    assert 45 <= len(STORED) + len(FUSED) + len(REWRITTEN) + len(EXACT) + len(BOUNDED)
    assert 18_000 <= sum(STORED.values()) + sum(case.tensors for case in FUSED)
