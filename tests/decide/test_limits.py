"""The largest model that fits: by time for three kinds of network, by bytes for its weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import feasibility as fe
from feasibility.cli.start import main
from feasibility.decide.limits import KINDS, Kind, limits
from feasibility.decide.scenario import place
from feasibility.errors import UnitError, UsageError
from feasibility.report import text_limits
from feasibility.timing.compute import inference
from feasibility.timing.kernels import Kernels
from feasibility.timing.loads import AS_STORED, loads
from feasibility.units import Bytes, Seconds

CORPUS = Path(__file__).parents[1] / "corpus"
FILES = {"MobileNetV2": "mobilenet_v2", "ResNet-50": "resnet50", "ViT-B/16": "vit_base_patch16_224_224"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_kinds_are_what_the_profiler_counts(kind: Kind) -> None:
    """FMA by class, elements and kernels, counted again from the graph."""
    cost = fe.profile(CORPUS / f"{FILES[kind.name]}.onnx")
    asked = loads(cost, AS_STORED)
    heavy = [load for load in asked if load.op_class is not None]
    fmas: dict[str, float] = {}
    for load in heavy:
        fmas[str(load.op_class)] = fmas.get(str(load.op_class), 0) + load.flops / 2

    assert dict(kind.fmas) == {name: pytest.approx(count, abs=1) for name, count in fmas.items()}
    transformed = sum(load.flops for load in loads(cost, AS_STORED, kernels=Kernels(winograd=2.0)))
    assert 2 * kind.winograd_fmas * (1 - 1 / 2) == sum(load.flops for load in heavy) - transformed
    assert kind.parameters == cost.totals.parameters
    assert 4 * kind.weights == sum(load.weight_bytes for load in heavy)
    assert 4 * kind.activations == sum(load.activation_bytes for load in heavy)
    assert 4 * kind.light == sum(load.activation_bytes for load in asked if load.op_class is None)
    assert (kind.heavy_kernels, kind.light_kernels) == (len(heavy), len(asked) - len(heavy))


@pytest.mark.parametrize("device", ["pixel-6a", "core-i9-10940x", "rtx-3090"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_time_of_the_network_itself_fits_it_exactly(device: str, kind: Kind) -> None:
    """A deadline of what it takes leaves room for it: to 3 %, and where attention is one kernel to 8 %."""
    where = place(device, None, None)
    cost = fe.profile(CORPUS / f"{FILES[kind.name]}.onnx")
    seconds = inference(cost, where.device.units[where.unit], where.runtime, None).interval.typical

    found = next(fit for fit in limits(where, seconds, None).fits if fit.kind == kind.name)
    assert "time" == found.bound
    apart = 0.08 if where.runtime.fuses_attention else 0.03  # such a kernel keeps the scores on the chip
    assert sum(kind.fmas.values()) == pytest.approx(found.probably, rel=apart)
    assert found.surely is None or found.surely < (found.probably or 0) < (found.hardly or 0)


def test_weights_share_the_bytes_that_are_allowed() -> None:
    """5 MB are 1.25 million floats, 2.5 million halves, 5 million int8 and 5 x 8 / 4.5 million int4."""
    found = limits(place("pixel-6a", None, None), Seconds(0.03), Bytes(5e6))

    assert {
        "fp32": 1_250_000, "fp16": 2_500_000, "int8": 5_000_000, "int4": math.floor(40e6 / 4.5),
    } == found.parameters  # fmt: skip
    assert "the download that is allowed" == found.limited_by


def test_without_a_download_limit_memory_is_the_limit() -> None:
    """An app may use 3.6 GB of a Pixel 6a, and the runtime takes 20 MB of them."""
    found = limits(place("pixel-6a", None, None), Seconds(0.03), None)

    assert 3.6e9 - 20e6 == found.weight_bytes.value
    assert found.limited_by.startswith("memory: ")


def test_a_deadline_shorter_than_the_kernels_start_fits_nothing() -> None:
    """53 kernels of 50 us and more are 2.65 ms on WebGPU: not one fits into a millisecond."""
    found = limits(place("m1", "webgpu", None), Seconds(0.001), None)

    assert (None, None) == (found.fits[0].surely, found.fits[0].probably)
    assert "none" in text_limits.render(found)


@pytest.mark.parametrize("deadline", [Seconds(0), Seconds(-1), Seconds(math.inf)])
def test_a_deadline_of_nothing_is_refused(deadline: Seconds) -> None:
    """Zero, less, and for ever."""
    with pytest.raises(UsageError, match="leaves no time"):
        limits(place("m1", None, None), deadline, None)


def test_a_precision_that_is_replaced_is_said_everywhere() -> None:
    """A Neural Engine has no fp32: JSON, text and the line of -q say what runs instead, in one sentence."""
    found = fe.limits("a19-pro", deadline="150ms", precision="fp32")
    said = "On a19-pro: A19 Pro Neural Engine, 16 cores has no fp32: the model runs in fp16."

    assert ("fp16", (said,)) == (found.precision, found.notes)
    assert [said] == found.to_dict()["notes"]
    assert f"\n\n{said}\n\n" in text_limits.render(found)
    assert text_limits.render_short(found).endswith(f"of weights. {said}")


def test_what_is_not_replaced_needs_no_words() -> None:
    """Nobody asked for fp32, or the unit has it."""
    assert () == fe.limits("a19-pro", deadline="150ms").notes
    assert () == fe.limits("a19-pro/gpu", deadline="150ms", precision="fp32").notes
    assert "\n\n\n" not in text_limits.render(fe.limits("m1", deadline="150ms"))


def test_the_command_says_so_too(capsys: pytest.CaptureFixture[str]) -> None:
    """The line of -q ends with it, and the help promises no stored type: there is no model."""
    asked = ("limits", "-d", "a19-pro", "--deadline", "150ms", "--precision", "fp32")
    assert 0 == main([*asked, "-q"])
    assert capsys.readouterr().out.endswith(" has no fp32: the model runs in fp16.\n")
    assert 0 == main(["limits", "--help"])
    said = capsys.readouterr().out
    assert "[the runtime's own]" in said
    assert "as-stored" not in said


def test_numbers_that_are_lent_are_said() -> None:
    """A Pixel 6a's cores have no int8 rate of their own: fp16's stands in, as in a decision's reasons."""
    (note,) = fe.limits("pixel-6a", deadline="150ms", precision="int8").notes
    assert "no int8 peak: fp16's rate is used" in note


@pytest.mark.parametrize(
    ("client", "message"),
    [
        (["m1", "a15"], "client: limits takes one value, and a list of 2 is given"),
        (None, "limits are of a device, and none is named"),
        (7, "client: 7 is not a name or a profile"),
    ],
)
def test_what_is_no_device_is_said(client: Any, message: str) -> None:  # noqa: ANN401 (anything)
    """A list, nothing, and a number."""
    with pytest.raises(UsageError, match=message) as raised:
        fe.limits(client, deadline="30ms")
    assert raised.value.hint != "feasibility.sweep takes lists"  # which finds no limits


def test_device_is_another_word_for_the_client() -> None:
    """As on the command line; both at once are one too many."""
    assert fe.limits("m1", deadline="30ms") == fe.limits(device="m1", deadline="30ms")
    with pytest.raises(UsageError, match="'client' is given twice"):
        fe.limits("m1", device="m1", deadline="30ms")


def test_the_verb_takes_texts_with_units() -> None:
    """As the command line does."""
    assert 0.03 == fe.limits("pixel-6a", deadline="30ms").deadline.value
    with pytest.raises(UnitError, match="deadline"):
        fe.limits("pixel-6a", deadline="30")


def test_weights_that_do_not_fit_bound_a_network_before_time_does() -> None:
    """5 MB are 1.25 million floats: a MobileNetV2 of 3.475 million shrinks to 0.36 of its work."""
    mobile = limits(place("pixel-6a", None, None), Seconds(1.0), Bytes(5e6)).fits[0]

    assert "bytes" == mobile.bound
    assert 1_250_000 / 3_475_130 * sum(KINDS[0].fmas.values()) == pytest.approx(mobile.probably)
