"""Nine real cases, whole: what a product manager reads. Look at the diff when one changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import feasibility as fe
from feasibility.report import text

ROOT = Path(__file__).parents[2]
CORPUS = "tests/corpus"
CASES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "browser_classifier": (
        f"{CORPUS}/xtremedistil_l6_h256.onnx",
        {"client": "m1", "runtime": "wasm", "dims": {"batch": 1, "sequence": 128}},
    ),
    "camera_filter": (f"{CORPUS}/mobilenet_v2.onnx", {"client": "pixel-6a", "fps": 30.0, "network": "4g"}),
    "photo_enhancer": (
        f"{CORPUS}/efficientnet_b0_224.onnx",
        {"client": "pixel-6a", "payload": "1.5MB", "response": "1.5MB", "network": "4g"},
    ),
    "offline_farm_app": (f"{CORPUS}/efficientnet_b0_224.onnx", {"client": "helio-p22", "offline": True}),
    "text_encoder": ("examples/sd_text_encoder.onnx", {"client": "m1", "rtt": "150ms"}),
    "vision_on_a_static_host": (
        f"{CORPUS}/vit_base_patch16_224_224.onnx",
        {"client": "pixel-6a", "host": "cloudflare-pages"},
    ),
    "secret_model": (f"{CORPUS}/resnet50.onnx", {"client": "iphone-15-pro", "secret_model": True}),
    "first_visit_on_3g": (
        f"{CORPUS}/resnet50.onnx",
        {"client": "pixel-6a", "network": "3g", "cold": True},
    ),
    "server_under_traffic": (
        f"{CORPUS}/resnet50.onnx",
        {"client": "m1", "server": "l4", "traffic": "1000/s", "p99": "50ms"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_reads_as_it_should(
    name: str, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole answer is the golden file's: verdict, what decides, what would flip it."""
    monkeypatch.chdir(ROOT)
    model, choices = CASES[name]

    golden(f"cases/{name}.txt", text.render(fe.decide(model, origin="command line", **choices)))
