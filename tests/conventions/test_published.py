"""Hold the conventions to what the tools themselves have published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

import feasibility as fe
from feasibility.conventions import convention
from tests.loader.graphs import constant, model

CORPUS = Path(__file__).parents[1] / "corpus"

# pytorch/vision, torchvision/models/*.py, `_ops` of the weights (billions, three decimals),
# computed by test/common_extended_utils.py get_ops; read 2026-11-26
TORCHVISION = {
    "resnet18_224": 1.814,  # ResNet18_Weights.IMAGENET1K_V1
    "resnet50": 4.089,  # ResNet50_Weights.IMAGENET1K_V1
    "mobilenet_v2": 0.301,  # MobileNet_V2_Weights.IMAGENET1K_V1
    "vgg16_224": 15.47,  # VGG16_Weights.IMAGENET1K_V1
    "densenet121_224": 2.834,  # DenseNet121_Weights.IMAGENET1K_V1
    "efficientnet_b0_224": 0.386,  # EfficientNet_B0_Weights.IMAGENET1K_V1
    "convnext_tiny_224": 4.456,  # ConvNeXt_Tiny_Weights.IMAGENET1K_V1
    "swin_tiny_patch4_window7_224_224": 4.491,  # Swin_T_Weights.IMAGENET1K_V1
    "vit_base_patch16_224_224": 17.564,  # ViT_B_16_Weights.IMAGENET1K_V1
    "regnety_004_224": 0.402,  # RegNet_Y_400MF_Weights.IMAGENET1K_V1
    "mobilenet_v2_qdq": 0.301,  # MobileNet_V2_QuantizedWeights.IMAGENET1K_QNNPACK_V1
}
# huggingface/pytorch-image-models, column infer_gmacs (billions, two decimals), which benchmark.py
# fills with fvcore's FlopCountAnalysis.total(); read 2026-11-26.
# results/model_benchmark_amp_nchw_rtx3090.csv:
FVCORE = {
    "resnet18_224": 1.82,
    "resnet50": 4.11,
    "mobilenet_v2": 0.31,  # mobilenetv2_100
    "densenet121_224": 2.87,
    "efficientnet_b0_224": 0.4,
    "swin_tiny_patch4_window7_224_224": 4.51,
    "vit_base_patch16_224_224": 17.58,
    "regnety_004_224": 0.41,
    "timm/botnet26t_256_256": 3.32,
    "timm/nest_tiny_jx_224": 5.83,
    "vgg16_224": 15.5,  # vgg16_bn: the graph tells neither, so the larger count is that of vgg16_bn
    # results/benchmark-infer-fp32-nchw-pt240-cpu-i7_12700h-dynamo.csv:
    "convnext_tiny_224": 4.47,
    "timm/mixer_b32_224_224": 3.24,
    "timm/mnasnet_050_224": 0.11,
    "timm/mobilenetv2_035_224": 0.07,
    "timm/regnetz_005_288": 0.86,
    "timm/test_vit_160": 0.04,
}


@pytest.mark.parametrize(("name", "billions"), TORCHVISION.items())
def test_torchvision_convention_gives_the_number_on_its_model_pages(name: str, billions: float) -> None:
    """The count rounds to the `_ops` that torchvision publishes for the network."""
    found = convention(fe.profile(CORPUS / f"{name}.onnx"), "torchvision")
    assert round(found.total / 1e9, 3) == billions


@pytest.mark.parametrize(("name", "billions"), FVCORE.items())
def test_fvcore_convention_gives_the_number_in_timms_tables(name: str, billions: float) -> None:
    """The count before folding rounds to what fvcore said of the PyTorch module."""
    found = convention(fe.profile(CORPUS / f"{name}.onnx"), "fvcore")
    assert round(found.unfolded_total / 1e9, 2) == billions


def test_fvcore_on_a_network_without_batch_normalisation() -> None:
    """VGG-16 itself counts 15.47 (model_benchmark_amp_nchw_rtx3090.csv), 0.03 less than vgg16_bn."""
    found = convention(fe.profile(CORPUS / "vgg16_224.onnx"), "fvcore")
    assert round(found.total / 1e9, 2) == 15.47
    assert not found.is_folding_certain


def test_fvcore_on_the_example_in_its_documentation() -> None:
    """The LeNet of fvcore's docs/flop_count.md: 274,656, of which conv 194,616 and addmm 80,040."""
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p1", "w2", "b2"], ["c2"]),
        helper.make_node("MaxPool", ["c2"], ["p2"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p2"], ["f"]),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["g1"], transB=1),
        helper.make_node("Gemm", ["g1", "w4", "b4"], ["g2"], transB=1),
        helper.make_node("Gemm", ["g2", "w5", "b5"], ["y"], transB=1),
    ]
    weights = {
        "w1": (6, 1, 3, 3), "b1": (6,), "w2": (16, 6, 3, 3), "b2": (16,), "w3": (120, 576), "b3": (120,),
        "w4": (84, 120), "b4": (84,), "w5": (10, 84), "b5": (10,),
    }  # fmt: skip
    zeros = [constant(name, np.zeros(shape), "float32") for name, shape in weights.items()]
    proto = model(nodes, {"x": [1, 1, 32, 32]}, ["y"], initializers=zeros)
    found = convention(fe.profile(proto), "fvcore")
    assert found.total == 274_656
    assert found.by_op == {("ai.onnx", "Conv"): 194_616, ("ai.onnx", "Gemm"): 80_040}
