from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import feasibility as fe
from feasibility.conventions import Folded, folded_normalisation
from feasibility.cost import NodeCost
from feasibility.ir import Node
from tests import samples
from tests.ops.op_cases import cost_of, make_node

CORPUS = Path(__file__).parents[1] / "corpus"


def conv(weight: str, *, bias: bool = True) -> NodeCost:
    """Return a convolution to 6 channels of 8 x 8 whose weight is called so."""
    found = make_node("Conv", [(1, 3, 8, 8), (6, 3, 1, 1), (6,) if bias else None], [(1, 6, 8, 8)])
    x, w, *rest = found.inputs
    assert w is not None
    node = replace(found, inputs=(x, replace(w, name=weight), *rest))
    return NodeCost(node=node, cost=cost_of(node))


def other(op_type: str) -> NodeCost:
    """Return a node of another type."""
    node: Node = samples.node("other", op_type)
    return NodeCost(node=node, cost=None)


@pytest.mark.parametrize(
    ("name", "convolutions"),
    [
        ("resnet18_224", 20),
        ("resnet50", 53),
        ("mobilenet_v2_qdq", 52),
        ("efficientnet_b0_224", 81 - 2 * 16),  # 16 blocks squeeze and excite, by two convolutions each
        (
            "densenet121_224",
            121 - 62,
        ),  # 62 of its 121 batch normalisations stand in front of a convolution, as nodes
    ],
)
def test_names_of_weights_tell_what_is_folded(name: str, convolutions: int) -> None:
    """PyTorch's exporter names the weights that it computed; those of other convolutions keep their names."""
    found = folded_normalisation(fe.profile(CORPUS / f"{name}.onnx"))
    assert found is not None
    assert (found.convolutions, found.is_certain) == (convolutions, True)


@pytest.mark.parametrize(
    "name", ["convnext_tiny_224", "sd_unet", "vit_base_patch16_224_224", "whisper_tiny_encoder"]
)
def test_other_normalisation_leaves_no_doubt(name: str) -> None:
    """Where convolutions have biases of their own beside another normalisation, nothing is folded."""
    assert folded_normalisation(fe.profile(CORPUS / f"{name}.onnx")) is None


def test_without_any_normalisation_it_may_be_folded() -> None:
    """VGG-16 is the same graph as its form with batch normalisation, folded: so each may hold one."""
    found = folded_normalisation(fe.profile(CORPUS / "vgg16_224.onnx"))
    assert found is not None
    assert (found.convolutions, found.is_certain) == (
        13 + 2,
        False,
    )  # timm writes two linear layers as convolutions


def test_elements_are_what_the_convolutions_write() -> None:
    """Each output element of a folded convolution was normalised once, in every run."""
    convs = (conv("onnx::Conv_12"), replace(conv("ConvBnFusion_W_stem.weight"), runs=3), conv("head.weight"))
    found = folded_normalisation(replace(samples.cost(), nodes=convs))
    assert found == Folded(convolutions=2, elements=(1 + 3) * 6 * 8 * 8, is_certain=True)


@pytest.mark.parametrize(
    "nodes",
    [
        (conv("stem.weight", bias=False),),
        (conv("stem.weight"), other("BatchNormalization")),
        (other("Relu"),),
    ],
)
def test_nothing_is_folded_without_a_sign_of_it(nodes: tuple[NodeCost, ...]) -> None:
    """No bias, a normalisation in the graph, or no convolution: nothing to say."""
    assert folded_normalisation(replace(samples.cost(), nodes=nodes)) is None
