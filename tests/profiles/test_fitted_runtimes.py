"""A runtime's profile and the tool that fitted it tell of the same kernels."""

from __future__ import annotations

import pytest

from feasibility.profiles import catalog
from feasibility.timing.compute import fusion_of
from feasibility.timing.kernels import Kernels
from tools.fit_runtimes import SELECTIONS, places

FITTED = {  # runtime: the precision that was fitted
    "torch-compile-cpu": "fp32",
    "torch-compile-cuda": "fp16",
    "torch-eager-cuda": "fp16",
    "onnxruntime-cpu": "fp32",
    "wasm": "fp32",
    "ncnn-cpu": "fp16",
    "ncnn-vulkan": "fp16",
    "ncnn-vulkan-pc": "fp16",
    "qnn-npu": "fp16",
}


@pytest.mark.parametrize("name", FITTED)
def test_what_becomes_one_kernel_is_the_same_in_both(name: str) -> None:
    """Constants fitted to one way of grouping are wrong for another."""
    assert SELECTIONS[name].fusion == fusion_of(catalog.runtime(name))


@pytest.mark.parametrize(("name", "precision"), FITTED.items())
def test_blocks_and_winograd_are_the_same_in_both(name: str, precision: str) -> None:
    """So are constants fitted to one amount of arithmetic."""
    terms = {str(key): found for key, found in catalog.runtime(name).precisions.items()}[precision]

    assert SELECTIONS[name].kernels == Kernels(terms.channel_block, terms.winograd)


def test_every_machine_of_the_timings_has_a_plausible_ridge() -> None:
    """Between 0.1 (one core of many) and 1,500 FLOP a byte: beyond, a factor of 8 or 1,000 slipped in."""
    ridges = {key: p.peak_flops_per_s / p.bandwidth_bytes_per_s for key, p in places().items()}

    assert {} == {key: ridge for key, ridge in ridges.items() if not 0.1 <= ridge <= 1500}
    assert len(ridges) > 90
