from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from feasibility.decide.records import Scenario, Setting
from feasibility.decide.scenario import Choices, build
from feasibility.errors import UnitError, UsageError
from feasibility.profiles import catalog
from feasibility.units import BitsPerSecond, Bytes, Seconds
from tests.samples import cost

ROOT = Path(__file__).parent.parent.parent


def scenario(**choices: Any) -> Scenario:  # noqa: ANN401 (any choice)
    """Build a scenario that somebody chose."""
    return build(cost(), Choices(**{"default_client": "m1", "origin": "somebody"} | choices))


def test_what_nobody_chose_is_the_default() -> None:
    """M1 against an A100 with TensorRT at fp16 over the essay's link."""
    built = scenario()
    assert (built.client.device.id, built.client.unit, built.client.runtime.id) == ("m1", "gpu", "metal")
    assert (built.server.device.id, built.server.runtime.id, built.server.precision) == (
        "a100", "tensorrt", "fp16",
    )  # fmt: skip
    assert (built.network.id, built.calls, built.cold, built.payload, built.confidence) == (
        "essay", None, False, None, 0.8,
    )  # fmt: skip


def test_settings_say_who_chose() -> None:
    """A choice has the caller's name, a default says so, and a profile is named."""
    settings = scenario(client="m1/cpu", rtt="40ms", calls=3).settings
    assert settings["client"] == Setting(value="m1/cpu", origin="somebody")
    assert settings["runtime"] == Setting(value="onnxruntime-cpu", origin="profile m1")
    assert settings["server"] == Setting(value="a100/gpu", origin="default")
    assert settings["precision"] == Setting(value="as stored", origin="default")
    assert settings["network"] == Setting(value="essay", origin="default")
    assert settings["rtt"] == Setting(value="40 ms", origin="somebody")
    assert settings["downlink"] == Setting(value="150 Mbit/s", origin="profile essay")
    assert settings["calls"] == Setting(value="3", origin="somebody")
    assert settings["cold"] == Setting(value="no", origin="default")
    assert settings["confidence"] == Setting(value="0.8", origin="default")


def test_each_setting_is_there_whoever_chose() -> None:
    """The keys of the answer do not depend on what was given."""
    chosen = scenario(client="t4", payload="1MB", max_download="9MB", cold=True, confidence=0.9, network="4g")
    assert list(chosen.settings) == list(scenario().settings)
    assert chosen.settings["payload"] == Setting(value="1 MB", origin="somebody")
    assert chosen.settings["network"] == Setting(value="4g", origin="somebody")


@pytest.mark.parametrize(
    ("client", "runtime", "unit"),
    [
        ("m1", "onnxruntime-cpu", "cpu"),
        ("m1", "wasm", "cpu"),
        ("m1", "webgpu", "gpu"),
        ("m1/npu", None, "npu"),
        ("m1/cpu", "wasm", "cpu"),
    ],
)
def test_a_runtime_chooses_the_unit_it_uses(client: str, runtime: str | None, unit: str) -> None:
    """Where no unit is named, the first one that the runtime uses is taken."""
    assert unit == scenario(client=client, runtime=runtime).client.unit


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"client": "m1", "runtime": "tensorrt"}, "device 'm1' does not run 'tensorrt'"),
        ({"client": "m1/cpu", "runtime": "metal"}, "unit 'cpu' of 'm1' does not run 'metal'"),
        ({"client": "m1/tpu"}, "device 'm1' has no unit 'tpu'"),
        ({"client": "m7"}, "there is no device called 'm7'"),
        ({"precision": "fp12"}, "'fp12' is not a precision"),
        ({"network": "6g"}, "there is no network called '6g'"),
        ({"network": catalog.network("4g"), "rtt": "1ms"}, "network '4g' is a profile already"),
    ],
)
def test_what_does_not_fit_is_refused(choices: dict[str, Any], sentence: str) -> None:
    """The sentence names what was asked for, and the hint what there is."""
    with pytest.raises(UsageError, match=sentence) as caught:
        scenario(**choices)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["rtt", "down", "up", "payload", "max_download"])
@pytest.mark.parametrize("value", ["150", 150, "150 kg"])
def test_a_quantity_without_its_unit_is_refused(name: str, value: object) -> None:
    """A bare number and another unit are refused by name, with an example."""
    with pytest.raises(UnitError, match=f"{name}: .* like '"):
        scenario(**{name: value})


def test_quantities_come_as_text_or_as_themselves() -> None:
    """`"1.5MB"` and `Bytes(1.5e6)` are the same choice."""
    assert scenario(payload="1.5MB").payload == scenario(payload=Bytes(1.5e6)).payload == Bytes(1.5e6)
    link = scenario(rtt=Seconds(0.04), down=BitsPerSecond(1e6), up="2Mbit/s").network
    assert (link.rtt.value, link.downlink.value, link.uplink.value) == (
        Seconds(0.04), BitsPerSecond(1e6), BitsPerSecond(2e6),
    )  # fmt: skip


def test_profiles_come_as_files_and_as_themselves(tmp_path: Path) -> None:
    """A YAML file, a unit of one, and a loaded profile stand where an id may stand."""
    board = tmp_path / "my_board.yaml"
    board.write_text((ROOT / "hardware_profiles" / "m1.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert scenario(client=str(board)).client.device.id == "my_board"
    assert scenario(client=f"{board}/cpu").client.unit == "cpu"
    assert scenario(client=catalog.device("m1")).client.unit == "gpu"
    assert scenario(network=catalog.network("4g", rtt="9ms")).settings["rtt"] == Setting(
        value="9 ms", origin="somebody"
    )


def test_a_runtime_of_ones_own_runs_on_its_kind_of_unit(tmp_path: Path) -> None:
    """No device can list a runtime that the caller brings; its kind of unit decides."""
    mine = tmp_path / "mine.yaml"
    source = ROOT / "hardware_profiles" / "runtimes" / "wasm.yaml"
    mine.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    assert scenario(client="m1", runtime=str(mine)).client.unit == "cpu"
    assert scenario(client="m1", runtime=catalog.runtime(str(mine))).client.runtime.id == "mine"
