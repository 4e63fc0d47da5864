"""Hold the answer of the example to the founding essay's numbers and to hand arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest

import feasibility as fe
from feasibility.pipeline import ChainAnswer, Plan
from feasibility.pipeline.search import Side
from feasibility.report.text_chain import render_chain

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "stable_diffusion"
CLIENT, SERVER = Side
TEXT_ENCODER_FMAS = 6_649_251_840  # design table, from tract: 6.7e9
VECTOR_BYTES = 77 * 768 * 4
TOKENS_BYTES = 77 * 8
LATENT_BYTES = 4 * 64 * 64 * 4
IMAGE_BYTES = 3 * 512 * 512 * 4
UP_BYTES_PER_S, DOWN_BYTES_PER_S = 20e6 / 8, 150e6 / 8


@pytest.fixture(scope="module")
def answer() -> ChainAnswer:
    """Return the placement of the example on an M1 and an A100 at 150 ms."""
    return fe.chain(EXAMPLE / "chain.yaml", client="m1", server="a100", rtt="150ms")


def best(answer: ChainAnswer) -> Plan:
    """Return the best placement, which there is."""
    assert answer.best is not None
    return answer.best


def test_all_of_stable_diffusion_goes_to_the_server(answer: ChainAnswer) -> None:
    """100 passes of the UNet are 75 s on an M1: everything runs on the A100, in one request."""
    assert (SERVER, SERVER, SERVER) == best(answer).sides
    (request,) = best(answer).requests
    assert (TOKENS_BYTES, IMAGE_BYTES) == (request.bytes_to(SERVER), request.bytes_to(CLIENT))
    network_s = 0.150 + TOKENS_BYTES / UP_BYTES_PER_S + IMAGE_BYTES / DOWN_BYTES_PER_S
    assert network_s == pytest.approx(best(answer).network.typical.value)


def test_the_text_encoder_on_the_client_ships_the_vector(answer: ChainAnswer) -> None:
    """The essay's question: 77 x 768 floats up instead of 77 tokens, 94.4 ms more of uplink."""
    moved = answer.moves[0].plan
    assert (CLIENT, SERVER, SERVER) == moved.sides
    assert VECTOR_BYTES == moved.bytes_to(SERVER)
    more_s = (VECTOR_BYTES - TOKENS_BYTES) / UP_BYTES_PER_S
    assert more_s == pytest.approx(moved.network.typical.value - best(answer).network.typical.value)
    encoder = answer.chain.stages[0]
    compute_s = encoder.runs[CLIENT].one.typical.value - encoder.runs[SERVER].one.typical.value
    whole_s = moved.total.typical.value - best(answer).total.typical.value
    assert compute_s + more_s == pytest.approx(whole_s)
    assert moved in answer.alternatives


def test_the_text_encoder_is_little_of_the_work(answer: ChainAnswer) -> None:
    """It takes 13.3 GFLOP off the server, of 83 TFLOP: 0.016 %."""
    encoder, unet, decoder = answer.chain.stages
    assert TEXT_ENCODER_FMAS == encoder.cost.fmas
    assert 100 * unet.cost.totals.flops == unet.flops
    assert 0.016 == round(100 * encoder.flops / (encoder.flops + unet.flops + decoder.flops), 3)


def test_the_cut_after_the_unet_ships_the_latent(answer: ChainAnswer) -> None:
    """The decoder on the client fetches 4 x 64 x 64 floats, not the image."""
    assert LATENT_BYTES == answer.moves[2].plan.bytes_to(CLIENT)


def test_the_graphs_are_those_of_the_corpus() -> None:
    """The copies beside the chain are the files that other tests count."""
    for name in ("sd_unet.onnx", "sd_vae_decoder.onnx"):
        assert (EXAMPLE / name).read_bytes() == (ROOT / "tests" / "corpus" / name).read_bytes()


def test_page_shows_the_file() -> None:
    """The chain in docs/chains.md is the example's."""
    text = (EXAMPLE / "chain.yaml").read_text(encoding="utf-8")
    assert f"```yaml\n{text}```" in (ROOT / "docs" / "chains.md").read_text(encoding="utf-8")


def test_page_shows_what_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """The output in docs/chains.md is the example's answer of today."""
    monkeypatch.chdir(ROOT)
    answer = fe.chain(
        "examples/stable_diffusion/chain.yaml",
        client="m1",
        server="a100",
        rtt="150ms",
        origin="command line",
    )
    assert f"```\n{render_chain(answer)}```" in (ROOT / "docs" / "chains.md").read_text(encoding="utf-8")
