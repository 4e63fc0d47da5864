from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from feasibility.cost import ModelCost, OpCost
from feasibility.ir import Node
from feasibility.loader import load
from feasibility.ops import DEFAULT
from feasibility.profiler import profile
from tests.loader.graphs import constant, model, walked

CORPUS = Path(__file__).parent / "corpus"
EXAMPLES = Path(__file__).parents[1] / "examples"
node = helper.make_node

# Multiply-adds with batch 1 and sequence 128 by an independent counter over exported graphs, kept beside
# the published figures of torchvision, timm and the papers.
KNOWN_FMAS = {
    "clip_fused": 6_649_251_840,
    "convnext_tiny_224": 4_455_531_264,
    "densenet121_224": 2_834_161_664,
    "efficientnet_b0_224": 385_814_752,
    "mobilenet_v2": 300_774_272,
    "mobilenet_v2_qdq": 300_774_272,
    "regnety_004_224": 401_842_848,
    "resnet18_224": 1_814_073_344,
    "resnet50": 4_089_184_256,
    "sd_text_encoder": 6_649_251_840,
    "sd_unet": 401_636_720_640,
    "sd_vae_decoder": 1_257_259_466_752,
    "swin_tiny_patch4_window7_224_224": 4_490_566_656,
    "tinyllama_dynamo": 66_571_993_088,
    "vgg16_224": 15_470_264_320,
    "vit_base_patch16_224_224": 17_563_828_224,
    "whisper_tiny_encoder": 18_468_864_000,
    "xtremedistil_int8_dyn": 654_378_496,
    "xtremedistil_l6_h256": 654_378_496,
}

# GMAC as timm publishes them, two decimals (results/ of huggingface/pytorch-image-models)
TIMM_GMACS = {
    "botnet26t_256_256": 3.32,
    "mixer_b32_224_224": 3.24,
    "mnasnet_050_224": 0.11,
    "mobilenetv2_035_224": 0.07,
    "nest_tiny_jx_224": 5.83,
    "regnetz_005_288": 0.86,
    "test_vit_160": 0.04,
}


def graph_path(name: str) -> Path:
    """Return where an example graph lies."""
    return next(p for folder in (EXAMPLES, CORPUS) if (p := folder / f"{name}.onnx").exists())


def stored_elements(path: Path) -> int:
    """Count the elements of all initializers of a file."""
    proto = onnx.load(path, load_external_data=False)
    return sum(int(np.prod(t.dims)) for t in proto.graph.initializer)


@pytest.mark.parametrize(("name", "fmas"), KNOWN_FMAS.items())
def test_real_graphs_are_counted_to_the_unit(name: str, fmas: int) -> None:
    """Every example graph has exactly its known multiply-adds, and nothing is left uncounted."""
    cost = profile(load(graph_path(name)))
    assert fmas == cost.fmas
    assert cost.coverage.unknown == ()
    assert cost.coverage.counted + cost.coverage.folded == cost.coverage.nodes


@pytest.mark.parametrize("name", KNOWN_FMAS)
def test_parameters_are_what_the_file_stores(name: str) -> None:
    """Parameters are the stored elements plus float Constants (masks, scales): below 1 % more."""
    path = graph_path(name)
    stored, found = stored_elements(path), profile(load(path)).parameters
    assert stored - 26 <= found <= stored * 1.01  # tinyllama stores 26 elements that are shape arithmetic


@pytest.mark.parametrize(("name", "gmacs"), TIMM_GMACS.items())
def test_timm_graphs_agree_with_published_macs(name: str, gmacs: float) -> None:
    """Seven timm architectures resolve in full and agree with timm's own figures.

    timm counts the network in training form, batch normalisation included, which these
    exports have folded away: ours are at most the published ones, and at least 0.85 of them.
    """
    cost = profile(load(CORPUS / "timm" / f"{name}.onnx"))
    assert cost.coverage.unknown == ()
    assert 0.85 * gmacs - 0.005 <= cost.fmas / 1e9 <= gmacs + 0.005


def counted_from_onnx(path: Path) -> int:
    """Count products over the shapes that onnx's whole-model inference finds, independent of the walk."""
    proto = onnx.load(path, load_external_data=False)
    for free in (d for i in proto.graph.input for d in i.type.tensor_type.shape.dim if d.dim_param):
        free.dim_value = 1
    graph = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
    known = {
        v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in (*graph.value_info, *graph.input, *graph.output)
    } | {t.name: list(t.dims) for t in graph.initializer}
    total = 0
    for found in (n for n in graph.node if n.op_type in {"Conv", "MatMul", "Gemm"}):
        second = known[found.input[1]]
        transposed = any(a.name == "transB" and a.i for a in found.attribute)
        inner = {
            "Conv": second[1:],
            "MatMul": second[-2:-1],
            "Gemm": second[1:] if transposed else second[:1],
        }
        output = known[found.output[0]]
        assert 0 not in output
        total += math.prod(output) * math.prod(inner[found.op_type])
    return total


@pytest.mark.parametrize("name", sorted(set(TIMM_GMACS) - {"nest_tiny_jx_224"}))
def test_timm_graphs_equal_an_independent_count(name: str) -> None:
    """Where onnx's own inference resolves the whole graph, the products over its shapes are ours."""
    path = CORPUS / "timm" / f"{name}.onnx"
    assert counted_from_onnx(path) == profile(load(path)).fmas


def test_sd_text_encoder_has_the_essays_parameters_outside_embeddings() -> None:
    """About 84.9 M parameters are multiplied; 49,408 x 768 + 77 x 768 are only looked up."""
    totals = profile(load(graph_path("sd_text_encoder"))).totals
    assert totals.embedding_parameters == 49_408 * 768 + 77 * 768
    assert round((totals.parameters - totals.embedding_parameters) / 1e6, 1) == 84.9
    assert 13.3e9 <= totals.flops <= 13.4e9


def weight(name: str, *dims: int, elem: int = TensorProto.FLOAT) -> TensorProto:
    """Return an initializer without its values."""
    return TensorProto(name=name, dims=dims, data_type=elem)


def test_shared_weights_count_once() -> None:
    """A weight used twice, once through Identity, is one set of parameters."""
    proto = model(
        [
            node("MatMul", ["x", "w"], ["a"]),
            node("Identity", ["w"], ["w2"]),
            node("MatMul", ["a", "w2"], ["y"]),
        ],
        {"x": (1, 64)},
        ["y"],
        initializers=[weight("w", 64, 64)],
    )
    cost = profile(walked(proto))
    assert cost.parameters == 64 * 64
    assert cost.parameter_bytes.value == 64 * 64 * 4
    assert cost.fmas == 2 * 64 * 64


def test_shapes_are_no_parameters_but_weights_the_graph_builds_are() -> None:
    """Integer shape constants and Resize scales do not count; a ConstantOfShape that feeds a Conv does."""
    proto = model(
        [
            node("ConstantOfShape", ["s"], ["w"]),
            node("Conv", ["x", "w"], ["c"]),
            node("Resize", ["c", "", "scales"], ["r"]),
            node("Reshape", ["r", "flat"], ["y"]),
        ],
        {"x": (1, 3, 8, 8)},
        ["y"],
        initializers=[
            constant("s", [16, 3, 1, 1]),
            constant("scales", [1, 1, 2, 2], "float32"),
            constant("flat", [1, -1]),
        ],
    )
    assert profile(walked(proto)).parameters == 16 * 3


def test_four_bit_weights_take_half_a_byte() -> None:
    """parameter_bytes follow the stored width."""
    proto = model(
        [node("DequantizeLinear", ["w", "s"], ["wf"]), node("MatMul", ["x", "wf"], ["y"])],
        {"x": (1, 64)},
        ["y"],
        initializers=[weight("w", 64, 64, elem=TensorProto.INT4), constant("s", 0.5, "float32")],
        opset=21,
    )
    assert profile(walked(proto)).parameter_bytes.value == 64 * 64 // 2 + 4


def test_embedding_tables_are_parameters_only_gather_reads() -> None:
    """A table that is also multiplied (tied weights) is no embedding."""
    nodes = [
        node("Gather", ["w", "ids"], ["h"]),
        node("Transpose", ["w"], ["t"]),
        node("MatMul", ["h", "t"], ["y"]),
    ]
    tied = model(nodes, {}, ["y"], initializers=[weight("w", 100, 8), constant("ids", list(range(5)))])
    assert profile(walked(tied)).totals.embedding_parameters == 0
    alone = model(nodes[:1], {}, ["h"], initializers=[weight("w", 1000, 8), constant("ids", list(range(5)))])
    assert profile(walked(alone)).totals.embedding_parameters == 1000 * 8


def unknown_cost() -> ModelCost:
    """Return the cost of a graph with one operator that nobody knows."""
    proto = model(
        [node("Relu", ["x"], ["h"]), node("Fancy", ["h"], ["y"], domain="acme", name="odd\nname")],
        {"x": (1, 8)},
        ["y"],
        domains=["acme"],
    )
    return profile(walked(proto))


def test_unknown_operator_is_named_never_zero() -> None:
    """An operator without a rule is listed with its name, domain, type and the reason."""
    (unknown,) = unknown_cost().coverage.unknown
    assert (unknown.name, unknown.domain, unknown.op_type) == ("odd\nname", "acme", "Fancy")
    assert unknown.reason
    assert "coverage 50 % (1/2 nodes)" in str(unknown_cost())


def test_own_rule_counts_it() -> None:
    """A rule given by value counts the operator, and the default rules stay as they were."""

    def fancy(found: Node) -> OpCost:
        return OpCost(fmas=7, dtype=found.input(0).dtype, role="heavy", reads=1, writes=2)

    proto = model([node("Fancy", ["x"], ["y"], domain="acme")], {"x": (1, 8)}, ["y"], domains=["acme"])
    cost = profile(load(proto), DEFAULT.with_op("acme", "Fancy", fancy))
    assert (cost.fmas, cost.totals.read_bytes, cost.totals.written_bytes) == (7, 1, 2)
    assert DEFAULT.find("acme", "Fancy", 1) is None


def test_rule_that_does_not_fit_leaves_an_unknown_node() -> None:
    """Operands of the wrong rank make a named gap, not a traceback."""
    proto = model([node("Conv", ["x", "w"], ["y"], name="c")], {"x": (1, 3), "w": (4,)}, ["y"])
    (unknown,) = profile(walked(proto)).coverage.unknown
    assert unknown.name == "c"
    assert unknown.reason


def test_external_weights_count_in_the_download() -> None:
    """download_bytes is the file plus what its external data declares, though that is absent."""
    path = CORPUS / "resnet18_224.onnx"
    proto = onnx.load(path, load_external_data=False)
    outside = sum(int(np.prod(t.dims)) * 4 for t in proto.graph.initializer if t.data_location == 1)
    assert profile(load(path)).totals.download_bytes == path.stat().st_size + outside


def test_views_move_nothing_and_equal_inputs_are_read_once() -> None:
    """A Reshape reads and writes 0 bytes; x * x reads x once."""
    proto = model(
        [node("Mul", ["x", "x"], ["a"]), node("Reshape", ["a", "s"], ["y"])],
        {"x": (2, 8)},
        ["y"],
        initializers=[constant("s", [16])],
    )
    mul, reshape = profile(walked(proto)).nodes
    assert (mul.read_bytes, mul.written_bytes) == (2 * 8 * 4, 2 * 8 * 4)
    assert (reshape.read_bytes, reshape.written_bytes) == (0, 0)
