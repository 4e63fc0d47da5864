"""A fused operator counts what the operators in its place count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from feasibility.ir import MICROSOFT_DOMAIN, NCHWC_DOMAIN
from feasibility.profiler import profile
from tests.loader.graphs import constant, model, walked
from tests.runs.control_graphs import nodes
from tests.runs.random_weights import optimised, rewritten, slim, stored

Node = onnx.NodeProto
Counts = tuple[int, int, int]
OPSET = 24


def node(op_type: str, inputs: str, outputs: str, **attributes: Any) -> Node:  # noqa: ANN401 (as make_node takes them)
    """Return a node of ai.onnx; "_" stands for an input that is left out."""
    names = ["" if name == "_" else name for name in inputs.split()]
    return helper.make_node(op_type, names, outputs.split(), **attributes)


def fused(op_type: str, inputs: str, outputs: str, **attributes: Any) -> Node:  # noqa: ANN401 (as make_node takes them)
    """Return a node of com.microsoft."""
    return node(op_type, inputs, outputs, domain=MICROSOFT_DOMAIN, **attributes)


def counts(
    nodes: Sequence[Node], inputs: Mapping[str, Sequence[int]], constants: Mapping[str, object]
) -> Counts:
    """Return fmas, arithmetic and transcendentals of a graph whose output is y; all of it is counted."""
    stored = [
        constant(name, value, "float32" if isinstance(value, float) else "int64")
        for name, value in constants.items()
    ]
    made = model(nodes, inputs, ["y"], initializers=stored, opset=OPSET, domains=[MICROSOFT_DOMAIN])
    found = profile(walked(made))
    assert found.coverage.unknown == ()
    return found.fmas, found.totals.arithmetic, found.totals.transcendentals


@dataclass(frozen=True)
class Pair:
    """Two graphs that compute the same."""

    whole: Node
    parts: Sequence[Node]
    inputs: Mapping[str, Sequence[int]]

    def __str__(self) -> str:
        return str(self.whole.op_type)


CONSTANTS: dict[str, object] = {"s": 3.0, "ids": [[1, 2, 3]], "axis1": [1], "pads": [1, 1, 1, 1]}
X = (2, 3, 8)
XB = {"x": X, "b": (8,)}
XKB = {"x": X, "k": X, "b": (8,), "g": (8,), "o": (8,)}
IMAGE = {"x": (2, 4, 6, 6), "g": (4,), "o": (4,), "k": (2, 4, 6, 6), "b": (4, 1, 1)}
CONV = {"x": (1, 4, 8, 8), "w": (6, 4, 3, 3), "c": (6,), "z": (1, 6, 6, 6)}
TABLES = {"words": (50, 8), "places": (9, 8), "parts": (2, 8), "g": (8,), "o": (8,)}
NORMAL = {"axis": -1}

PAIRS = [
    Pair(
        fused("FusedMatMul", "x w", "y", transA=1, transB=1),
        [node("Transpose", "x", "t"), node("Transpose", "w", "v"), node("MatMul", "t v", "y")],
        {"x": (8, 5), "w": (6, 8)},
    ),
    Pair(
        fused("FusedMatMul", "x w", "y", alpha=0.5),
        [node("MatMul", "x w", "t"), node("Mul", "t s", "y")],
        {"x": X, "w": (8, 6)},
    ),
    Pair(
        fused("FusedMatMulActivation", "x w", "y", activation="Sigmoid"),
        [node("MatMul", "x w", "t"), node("Sigmoid", "t", "y")],
        {"x": X, "w": (8, 6)},
    ),
    Pair(
        fused("FusedGemm", "x w c", "y", activation="LeakyRelu", transB=1),
        [node("Gemm", "x w c", "t", transB=1), node("LeakyRelu", "t", "y")],
        {"x": (5, 8), "w": (6, 8), "c": (6,)},
    ),
    Pair(
        fused("GemmFastGelu", "x w c", "y"),
        [node("MatMul", "x w", "t"), node("Add", "t c", "u"), node("Gelu", "u", "y", approximate="tanh")],
        {"x": (5, 8), "w": (8, 6), "c": (6,)},
    ),
    Pair(
        fused("FusedConv", "x w c z", "y", activation="Relu"),
        [node("Conv", "x w c", "t"), node("Add", "t z", "u"), node("Relu", "u", "y")],
        CONV,
    ),
    Pair(
        fused("NhwcFusedConv", "x w c", "y", activation="Relu"),
        [
            node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
            node("Conv", "t w c", "u"),
            node("Relu", "u", "v"),
            node("Transpose", "v", "y", perm=[0, 2, 3, 1]),
        ],
        {"x": (1, 8, 8, 4), "w": (6, 4, 3, 3), "c": (6,)},
    ),
    Pair(fused("BiasAdd", "x b k", "y"), [node("Add", "x b", "t"), node("Add", "t k", "y")], XKB),
    Pair(fused("BiasGelu", "x b", "y"), [node("Add", "x b", "t"), node("Gelu", "t", "y")], XB),
    Pair(
        fused("FastGelu", "x b", "y"),
        [node("Add", "x b", "t"), node("Gelu", "t", "y", approximate="tanh")],
        XB,
    ),
    Pair(
        fused("QuickGelu", "x", "y"),
        [node("Mul", "x s", "t"), node("Sigmoid", "t", "u"), node("Mul", "x u", "y")],
        XB,
    ),
    Pair(
        fused("QuickGelu", "x", "y", alpha=1.0),
        [node("Sigmoid", "x", "u"), node("Mul", "x u", "y")],
        XB,
    ),
    Pair(
        fused("BiasSplitGelu", "x b", "y"),
        [
            node("Add", "x b", "t"),
            node("Split", "t", "l r", axis=-1, num_outputs=2),
            node("Gelu", "r", "u"),
            node("Mul", "l u", "y"),
        ],
        XB,
    ),
    Pair(fused("BiasSoftmax", "x k", "y", axis=2), [node("Add", "x k", "t"), node("Softmax", "t", "y")], XKB),
    Pair(fused("BiasDropout", "x b k", "y"), [node("Add", "x b", "t"), node("Add", "t k", "y")], XKB),
    Pair(
        fused("SkipLayerNormalization", "x k g o b", "y"),
        [
            node("Add", "x b", "t"),
            node("Add", "t k", "u"),
            node("LayerNormalization", "u g o", "y"),
        ],
        XKB,
    ),
    Pair(
        fused("SkipSimplifiedLayerNormalization", "x k g", "y"),
        [node("Add", "x k", "t"), node("RMSNormalization", "t g", "y")],
        XKB,
    ),
    Pair(
        fused("EmbedLayerNormalization", "ids ids words places parts g o", "y m"),
        [
            node("Gather", "words ids", "t"),
            node("Gather", "places ids", "u"),
            node("Gather", "parts ids", "v"),
            node("Add", "t u", "tu"),
            node("Add", "tu v", "tuv"),
            node("LayerNormalization", "tuv g o", "y"),
        ],
        TABLES,
    ),
    Pair(
        fused("GroupNorm", "x g o", "y", groups=2, activation=1, channels_last=0),
        [node("GroupNormalization", "x g o", "t", num_groups=2), node("Swish", "t", "y")],
        IMAGE,
    ),
    Pair(
        fused("SkipGroupNorm", "x g o k", "y", groups=2, activation=0, channels_last=0),
        [node("Add", "x k", "t"), node("GroupNormalization", "t g o", "y", num_groups=2)],
        IMAGE,
    ),
    Pair(
        fused("GatedRMSNorm", "x g k", "y"),
        [node("RMSNormalization", "x g", "t"), node("Swish", "k", "u"), node("Mul", "t u", "y")],
        XKB,
    ),
    Pair(fused("ScaledSiLU", "x", "y", alpha=2.0), [node("Mul", "x s", "t"), node("Swish", "t", "y")], XB),
    Pair(fused("SwiGLU", "x k", "y"), [node("Swish", "x", "t"), node("Mul", "t k", "y")], XKB),
    Pair(
        fused("RouterGateUpProj", "x w", "r y", router_size=4),  # as its documentation says
        [
            node("MatMul", "x w", "t"),
            node("Slice", "t four end last", "u"),
            fused("SwiGLU", "u", "y"),
        ],
        {"x": X, "w": (8, 4 + 2 * 6)},
    ),
    Pair(
        fused("GatedAdd", "x k q", "y"),
        [node("Mul", "k q", "t"), node("Add", "x t", "y")],
        XKB | {"q": (2, 3, 1)},
    ),
    Pair(
        fused("ConvTransposeWithDynamicPads", "x w pads", "y"),
        [node("ConvTranspose", "x w", "y", pads=[1, 1, 1, 1])],
        {"x": (1, 4, 8, 8), "w": (4, 6, 3, 3)},
    ),
    Pair(fused("TransposeMatMul", "x w", "y"), [node("MatMul", "x w", "y")], {"x": X, "w": (8, 6)}),
    Pair(
        fused("HyperConnectionPostMix", "x k p m", "y"),
        [
            node("MatMul", "m x", "t"),
            node("Unsqueeze", "k axis1", "u"),
            node("Mul", "u p", "v"),
            node("Add", "t v", "y"),
        ],
        {"x": (6, 4, 8), "k": (6, 8), "p": (6, 4, 1), "m": (6, 4, 4)},
    ),
]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_fused_operator_counts_what_its_parts_count(pair: Pair) -> None:
    """Fusing changes neither fmas nor arithmetic nor transcendentals."""
    numbers = CONSTANTS | {"four": [4], "end": [1000], "last": [-1]}
    used = {name for part in (pair.whole, *pair.parts) for name in part.input}
    constants = {name: value for name, value in numbers.items() if name in used}
    assert counts([pair.whole], pair.inputs, constants) == counts(pair.parts, pair.inputs, constants)


def _encoder() -> onnx.ModelProto:
    """Return a feed-forward block as exporters write it: decomposed normalisation and Gelu."""
    rng = np.random.default_rng(20261126)
    weights = [
        constant(name, rng.uniform(0.5, 1.5, shape), "float32")
        for name, shape in {
            "w": (16, 64),
            "c": (64,),
            "v": (64, 16),
            "d": (16,),
            "g": (16,),
            "o": (16,),
        }.items()
    ]
    numbers = [
        constant(name, value, "float32")
        for name, value in {"half": 0.5, "one": 1.0, "two": 2.0, "eps": 1e-5, "root": 2**0.5}.items()
    ]
    nodes = [
        node("MatMul", "x w", "a"),
        node("Add", "a c", "b"),
        *[
            node(*step)
            for step in (
                ("Div", "b root", "e1"), ("Erf", "e1", "e2"), ("Add", "e2 one", "e3"), ("Mul", "b e3", "e4"),
                ("Mul", "e4 half", "e"), ("MatMul", "e v", "f"), ("Add", "f d", "h"), ("Add", "h x", "i"),
            )
        ],
        node("ReduceMean", "i", "m", axes=[-1]),
        node("Sub", "i m", "n"),
        node("Pow", "n two", "n2"),
        node("ReduceMean", "n2", "v2", axes=[-1]),
        *[
            node(*step)
            for step in (
                ("Add", "v2 eps", "v3"), ("Sqrt", "v3", "v4"), ("Div", "n v4", "n4"), ("Mul", "n4 g", "n5"),
                ("Add", "n5 o", "y"),
            )
        ],
    ]  # fmt: skip
    proto = model(nodes, {"x": (2, 5, 16)}, ["y"], initializers=[*weights, *numbers], opset=14)
    proto.ir_version = 8
    return proto


def counted(proto: onnx.ModelProto) -> int:
    """Return the fmas of a graph, none of which is left out."""
    found = profile(walked(proto))
    assert found.coverage.unknown == ()
    return found.fmas


def operators(proto: onnx.ModelProto) -> set[str]:
    """Return the operators of a graph that ONNX does not define."""
    return {node.op_type for node in proto.graph.node if node.domain}


LEVELS = ("BASIC", "EXTENDED", "ALL")


@pytest.mark.parametrize("level", LEVELS)
def test_the_optimiser_changes_no_fmas(tmp_path: Path, level: str) -> None:
    """A block costs the same multiply-adds before and after each level of ONNX Runtime's optimiser."""
    before, after = _encoder(), optimised(_encoder(), level, tmp_path)
    assert 2 * 5 * (16 * 64 + 64 * 16) == counted(after) == counted(before)
    assert bool(operators(after) & {"Gelu", "SkipLayerNormalization"}) == (level != "BASIC")


# --- whole transformers: fmas at one image or 128 tokens, by an independent counter

CORPUS = "tests/corpus/"
SD, VIT, LLAMA = "examples/sd_text_encoder", CORPUS + "vit_base_patch16_224_224", CORPUS + "tinyllama_dynamo"
TRANSFORMERS = {
    SD: 6_649_251_840,
    CORPUS + "swin_tiny_patch4_window7_224_224": 4_490_566_656,
    VIT: 17_563_828_224,
    CORPUS + "whisper_tiny_encoder": 18_468_864_000,
    CORPUS + "xtremedistil_int8_dyn": 654_378_496,
    CORPUS + "xtremedistil_l6_h256": 654_378_496,
    LLAMA: 66_571_993_088,
}
# smaller hidden layers and vocabularies, so that files of weights are not too large, and what that saves
SMALLER = {
    SD: ({49408: 64, 3072: 32}, 77 * 12 * 2 * 768 * (3072 - 32)),
    VIT: ({3072: 32}, 197 * 12 * 2 * 768 * (3072 - 32)),
    LLAMA: ({32000: 64, 5632: 32}, 64 * 2048 * (22 * 3 * (5632 - 32) + 32000 - 64)),
}


def transformer(name: str) -> tuple[onnx.ModelProto, int]:
    """Return a stored transformer, smaller where its weights are large, and its fmas."""
    sizes, saved = SMALLER.get(name, ({}, 0))
    return slim(stored(name), sizes), TRANSFORMERS[name] - saved


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_a_transformer_costs_the_same_after_the_optimiser(name: str, level: str, tmp_path: Path) -> None:
    """No level changes the fmas of a whole transformer, whatever it fuses or puts into blocks."""
    before, fmas = transformer(name)
    after = optimised(before, level, tmp_path)
    assert fmas == counted(before) == counted(after)
    assert bool(operators(after)) == (level != "BASIC")


@pytest.mark.parametrize("name", [VIT, CORPUS + "swin_tiny_patch4_window7_224_224"])
def test_the_highest_level_puts_patches_into_blocks(name: str, tmp_path: Path) -> None:
    """The layout of channels in blocks is among what leaves the fmas of a transformer alone."""
    domains = {node.domain for node in optimised(transformer(name)[0], "ALL", tmp_path).graph.node}
    assert NCHWC_DOMAIN in domains


REWRITTEN = [
    ("clip", SD, (12, 768), {"SkipLayerNormalization", "QuickGelu"}),
    ("vit", VIT, (12, 768), {"SkipLayerNormalization", "BiasGelu"}),
    ("bert", CORPUS + "xtremedistil_l6_h256", (8, 256), {"SkipLayerNormalization", "BiasGelu"}),
    ("bart", CORPUS + "whisper_tiny_encoder", (6, 384), {"SkipLayerNormalization", "BiasGelu", "Gelu"}),
]


@pytest.mark.parametrize(("kind", "name", "heads", "fused_ops"), REWRITTEN, ids=[r[0] for r in REWRITTEN])
def test_a_transformer_costs_the_same_after_the_optimiser_for_transformers(
    kind: str, name: str, heads: tuple[int, int], fused_ops: set[str], tmp_path: Path
) -> None:
    """The patterns of onnxruntime.transformers.optimizer change no fmas of a whole transformer."""
    before, fmas = transformer(name)
    after = rewritten(before, kind, heads, tmp_path)
    assert fmas == counted(before) == counted(after)
    assert fused_ops == operators(after)


def _self_attention() -> onnx.ModelProto:
    """Return attention with a mask as BERT has it, 4 heads of 4 over 6 tokens, between two normalisations."""
    rng = np.random.default_rng(20261126)
    weights = dict.fromkeys(("wq", "wk", "wv", "wo"), (16, 16)) | dict.fromkeys(
        ("bq", "bk", "bv", "bo"), (16,)
    )
    sizes = {"split": [0, 0, 4, 4], "join": [0, 0, 16], "axis1": [1], "axis2": [2]}
    numbers = {"one": 1.0, "low": -1e4, "root": 2.0, "g": rng.random(16), "o": rng.random(16)}
    numbers |= {name: rng.random(dims) for name, dims in weights.items()}
    constants = [constant(name, number, "float32") for name, number in numbers.items()]
    constants += [constant(name, size) for name, size in sizes.items()]
    steps = nodes(
        "LayerNormalization x g o -> n",
        *_projection("q", "0,2,1,3"),
        *_projection("k", "0,2,3,1"),
        *_projection("v", "0,2,1,3"),
        *("Unsqueeze mask axis1 -> m1", "Unsqueeze m1 axis2 -> m2", "Sub one m2 -> m3", "Mul m3 low -> m4"),
        *("MatMul q k -> s1", "Div s1 root -> s2", "Add s2 m4 -> s3", "Softmax s3 -> s4 axis=3"),
        *("MatMul s4 v -> c1", "Transpose c1 -> c2 perm=0,2,1,3", "Reshape c2 join -> c3"),
        *("MatMul c3 wo -> c4", "Add c4 bo -> c5", "Add c5 n -> c6", "LayerNormalization c6 g o -> y"),
    )
    proto = model(steps, {"x": (2, 6, 16), "mask": (2, 6)}, ["y"], initializers=constants, opset=17)
    proto.ir_version = 8
    return proto


def _projection(part: str, perm: str) -> Sequence[str]:
    """Return what makes heads of n."""
    return (
        f"MatMul n w{part} -> {part}1",
        f"Add {part}1 b{part} -> {part}2",
        f"Reshape {part}2 split -> {part}3",
        f"Transpose {part}3 -> {part} perm={perm}",
    )


def test_attention_that_becomes_one_operator_costs_the_same(tmp_path: Path) -> None:
    """Four projections and two products over pairs of tokens are what Attention and a MatMul count."""
    before = _self_attention()
    after = rewritten(before, "bert", (4, 16), tmp_path)
    assert 2 * (4 * 6 * 16 * 16 + 2 * 6 * 6 * 16) == counted(before) == counted(after)
    assert {"Attention", "SkipLayerNormalization"} == operators(after)
