"""Budgets of one model: what is measured, and when it is over."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto

import feasibility as fe
from feasibility import api
from tests.gate import samples as s

PARAMETERS = s.parameters()  # 64 x 32 + 32 x 10
FMAS = 64 * 32 + 32 * 10
FLOPS = 2 * FMAS + 32  # and a Relu of 32 elements
ALIVE = 4 * (64 + 32 + 32)  # the input, and both sides of the Relu: more than before and after it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a small model."""
    s.save(tmp_path / "net.onnx")
    return tmp_path


@pytest.mark.parametrize(
    ("rule", "now"),
    [
        ("parameters", PARAMETERS),
        ("fmas", FMAS),
        ("peak_memory", 4 * PARAMETERS + ALIVE),
    ],
)
def test_a_budget_of_exactly_what_is_measured_is_held(rule: str, now: int, folder: Path) -> None:
    """The limit itself is allowed, one less is not, and the number is what hands count."""
    unit = "B" if rule == "peak_memory" else ""
    held = s.only(s.judged(s.budget(folder, f'{rule}: "{now}{unit}"')), rule)
    over = s.only(s.judged(s.budget(folder, f'{rule}: "{now - 1}{unit}"')), rule)
    assert (held.outcome, held.now, held.fails) == ("passed", now, False)
    assert (over.outcome, over.now, over.fails) == ("over", now, True)


def test_arithmetic_and_download_have_their_units(folder: Path) -> None:
    """FLOP are two per multiply-add and one per Relu; the download is the file."""
    size = (folder / "net.onnx").stat().st_size
    report = s.judged(s.budget(folder, f'flops: "{FLOPS} FLOP", download: "{size} B"'))
    assert (s.only(report, "flops").now, s.only(report, "download").now) == (FLOPS, size)
    assert report.passed


def test_an_excess_of_one_byte_is_told_in_full(folder: Path) -> None:
    """Two sizes that look the same with three digits are written out where one is over the other."""
    size = (folder / "net.onnx").stat().st_size
    found = s.only(s.judged(s.budget(folder, f'download: "{size - 1} B"')), "download")
    assert f"The download of net.onnx is {size:,} B, and the budget is {size - 1:,} B" == found.message


@pytest.mark.parametrize("at", ["p50", "p90"])
def test_a_time_is_held_at_the_median_or_at_p90(at: str, folder: Path) -> None:
    """p50 is the estimate, p90 the upper end of the interval that the verdict shows."""
    times = s.estimated_s(folder)
    now = (times.high if at == "p90" else times.typical).value
    for factor, outcome in ((1.01, "passed"), (0.99, "over")):
        limit = f'inference: {{limit: "{1e6 * now * factor:.3f} us", at: {at}}}'
        found = s.only(s.judged(s.budget(folder, limit)), "inference")
        assert (found.outcome, found.now, found.target) == (outcome, now, "phone")


@pytest.mark.parametrize(("asked", "outcome"), [("client", "passed"), ("server", "over")])
def test_a_verdict_is_the_side_that_is_asked_for(asked: str, outcome: str, folder: Path) -> None:
    """A perceptron of 2,368 multiply-adds runs on a phone; who asks for the server is told why not."""
    found = s.only(s.judged(s.budget(folder, f"verdict: {asked}")), "verdict")
    assert (found.outcome, found.now_text) == (outcome, "client")
    assert bool(found.why) == (outcome == "over")


@pytest.mark.parametrize(
    ("level", "outcome", "fails", "warns"),
    [("error", "over", True, False), ("warn", "over", False, True)],
)
def test_a_level_says_whether_it_fails(
    level: str, outcome: str, *, fails: bool, warns: bool, folder: Path
) -> None:
    """The same excess fails, or warns."""
    report = s.judged(s.budget(folder, f"fmas: {{limit: 1, level: {level}}}"))
    found = s.only(report, "fmas")
    assert (found.outcome, found.fails, found.warns, report.passed) == (outcome, fails, warns, not fails)


def test_a_budget_that_is_off_is_not_looked_at(folder: Path) -> None:
    """No finding, and the others stand."""
    report = s.judged(s.budget(folder, "fmas: {limit: 1, level: off}, parameters: 1M"))
    assert ["parameters"] == [found.rule for found in report.findings]


def test_a_finding_stands_at_its_budget(folder: Path) -> None:
    """Line and column are those of the key in the config."""
    found = s.only(s.judged(s.budget(folder, "parameters: 1M, fmas: 1")), "fmas")
    assert (found.spot.line, found.spot.column) == (5, len("    budget: {parameters: 1M, ") + 1)


def test_what_nobody_can_count_does_not_pass(tmp_path: Path) -> None:
    """A node without a rule fails coverage, and every number that it could raise; sizes are known."""
    s.save(tmp_path / "net.onnx", unknown=True)
    report = s.judged(s.budget(tmp_path, "fmas: 1M, inference: 10s, verdict: client, parameters: 1M"))
    outcomes = {found.rule: found.outcome for found in report.findings}
    assert {"coverage": "over", "fmas": "untold", "inference": "untold", "parameters": "passed"} == {
        rule: outcome for rule, outcome in outcomes.items() if rule != "verdict"
    }
    assert "com.acme::Fancy" in s.only(report, "coverage").message
    assert s.only(report, "coverage").now == pytest.approx(2 / 3)


def test_a_share_that_is_accepted_lets_the_counted_part_pass(tmp_path: Path) -> None:
    """coverage: 60% is held by two nodes of three, and the rest is judged by what they count."""
    s.save(tmp_path / "net.onnx", unknown=True)
    report = s.judged(s.budget(tmp_path, "coverage: 60%, fmas: 1M"))
    assert report.passed
    assert s.only(report, "fmas").now_text.startswith("at least ")
    assert not s.judged(s.budget(tmp_path, "coverage: 70%, fmas: 1M")).passed


def test_a_limit_that_is_passed_by_the_counted_part_alone_is_over(tmp_path: Path) -> None:
    """What is not counted could only add to it."""
    s.save(tmp_path / "net.onnx", unknown=True)
    assert s.only(s.judged(s.budget(tmp_path, f"fmas: {FMAS - 1}")), "fmas").outcome == "over"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n", "Git LFS"),
        (b"\x00\x01\x02", "is not an ONNX model"),
        (b"", "empty"),
    ],
)
def test_a_model_that_cannot_be_read_fails_with_a_sentence(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    """Missing, a pointer of Git LFS, no ONNX, empty: none of them passes, and no waiver helps."""
    if content is not None:
        (tmp_path / "net.onnx").write_bytes(content)
    waiver = 'waivers: [{model: "*", rule: fmas, until: 2099-01-01, reason: none}]'
    report = s.judged(s.budget(tmp_path, "fmas: 1M", waivers=waiver))
    found = s.only(report, "model")
    assert (found.outcome, report.passed) == ("untold", False)
    assert said in found.message


def test_a_device_that_cannot_hold_a_model_is_not_fast_enough(tmp_path: Path) -> None:
    """What does not fit into the memory of a device has no time there, however long it may take."""
    s.save(tmp_path / "net.onnx", hidden=400_000)  # 64 x 400,000 x 4 B = 102 MB of weights
    board = (Path(__file__).parents[2] / "hardware_profiles" / "raspberry-pi-zero-2-w.yaml").read_text()
    (tmp_path / "tiny.yaml").write_text(board.replace('"512 MB"', '"64 MB"').replace('"512 MiB"', '"64 MB"'))
    config = s.budget(tmp_path, "inference: 1h")
    config.write_text(config.read_text().replace("pixel-6a", "tiny.yaml"))
    found = s.only(s.judged(config), "inference")
    assert (found.outcome, found.fails) == ("untold", True)
    assert "memory" in found.message


def test_a_glob_is_every_file_that_it_names(tmp_path: Path) -> None:
    """Two models are judged in the order of their names; a glob that names none fails."""
    for name in ("b.onnx", "a.onnx"):
        s.save(tmp_path / name)
    config = s.budget(tmp_path, "fmas: 1M")
    text = config.read_text()
    config.write_text(text.replace("net.onnx", '"*.onnx"'))
    assert s.judged(config).models == ("a.onnx", "b.onnx")
    config.write_text(text.replace("net.onnx", '"models/*.onnx"'))
    assert s.only(s.judged(config), "model").message.endswith("no file matches 'models/*.onnx'")


def test_a_size_with_a_fraction_is_whole_bytes(folder: Path) -> None:
    """2.03 kB are 2,030 bytes, and 2.03 times 1,000 is a little less in floating point."""
    content = (folder / "net.onnx").read_bytes()
    assert 2.03 * 1000 < 2030
    s.save(folder / "net.onnx", hidden=4)
    content = (folder / "net.onnx").read_bytes()
    padding = (
        2030 - len(content) - 3
    )  # a documentation string (field 6) of the model, with its tag and length
    assert padding > 127
    (folder / "net.onnx").write_bytes(
        content + b"\x32" + bytes([padding & 127 | 128, padding >> 7]) + b"x" * padding
    )
    assert (folder / "net.onnx").stat().st_size == 2030
    assert s.judged(s.budget(folder, "download: 2.03kB")).passed


def test_p90_stands_beside_p90(folder: Path) -> None:
    """What the baseline measured is shown at the same point of the interval, and the budget says which."""
    config = s.budget(folder, 'inference: {limit: "1h", at: p90}')
    api.update_lock(config)
    found = s.only(s.judged(config), "inference")
    assert found.base == pytest.approx(found.now, rel=1e-3)
    assert found.budget_text.endswith(" (p90)")
    assert " at p90, " in found.message


def test_a_coverage_that_only_warns_accepts_nothing_below_it(tmp_path: Path) -> None:
    """Two nodes of three are not 100 %: what they count is not taken for the whole."""
    s.save(tmp_path / "net.onnx", unknown=True)
    report = s.judged(s.budget(tmp_path, "coverage: {limit: 100%, level: warn}, fmas: 1M"))
    assert s.only(report, "fmas").outcome == "untold"
    held = s.judged(s.budget(tmp_path, "coverage: {limit: 60%, level: off}, fmas: 1M"))
    assert s.only(held, "fmas").outcome == "untold"


def test_an_operator_that_a_device_lacks_leaves_no_time(tmp_path: Path) -> None:
    """What ONNX Runtime Web does not run has no fallback in WebAssembly: no time there is told."""
    s.save(tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    fused = onnx.helper.make_node("GemmFastGelu", ["x", "w1"], ["b"], name="/encoder/fc1/GemmFastGelu")
    fused.domain = "com.microsoft"
    del model.graph.node[:2]
    model.graph.node.insert(0, fused)
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, tmp_path / "net.onnx")
    config = s.budget(tmp_path, "inference: 1h")
    config.write_text(config.read_text().replace("device: pixel-6a", "device: m1/cpu, runtime: wasm"))
    found = s.only(s.judged(config), "inference")
    assert (found.outcome, found.fails) == ("untold", True)
    assert "GemmFastGelu" in found.message


def test_a_file_by_two_names_is_judged_once(tmp_path: Path) -> None:
    """A link to a folder above does not multiply the models below it."""
    (tmp_path / "models").mkdir()
    s.save(tmp_path / "models" / "net.onnx")
    (tmp_path / "models" / "again").symlink_to(tmp_path / "models")
    config = s.budget(tmp_path, "fmas: 1M")
    config.write_text(config.read_text().replace("path: net.onnx", 'path: "**/*.onnx"'))
    assert len(s.judged(config).models) == 1


@pytest.mark.parametrize(
    ("content", "nbytes", "missing"),
    [
        (bytes(5_000), 5_000, False),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123456\n",
            123_456,
            False,
        ),
        (b"version https://git-lfs.github.com/spec/v1\r\noid sha256:x\r\nsize 9000\r", 9_000, False),
        (None, 64 * 4, True),  # what the model declares
    ],
)
def test_weights_in_a_file_of_their_own_count_as_they_lie_there(
    content: bytes | None, nbytes: int, *, missing: bool, tmp_path: Path
) -> None:
    """The whole file is downloaded, whatever the model declares of it; a pointer tells the real size."""
    external(tmp_path / "net.onnx", "weights.bin")
    if content is not None:
        (tmp_path / "weights.bin").write_bytes(content)
    report = s.judged(s.budget(tmp_path, "download: 1GB"))
    size = (tmp_path / "net.onnx").stat().st_size
    assert s.only(report, "download").now == size + nbytes
    assert any("'weights.bin' are not beside it" in note for note in report.notes) == missing


def test_weights_outside_of_the_folder_are_not_looked_at(tmp_path: Path) -> None:
    """A model may name any file; how large one elsewhere is nobody learns."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(bytes(777_777))
    external(tmp_path / "in" / "net.onnx", "../secret")
    config = s.budget(tmp_path / "in", "download: 1GB")
    found = s.only(s.judged(config), "download")
    assert found.now == (tmp_path / "in" / "net.onnx").stat().st_size + 64 * 4


def external(path: Path, location: str) -> None:
    """Write a model whose 64 floats lie in another file."""
    weights = TensorProto(
        name="w", dims=[64, 1], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL
    )
    for key, value in (("location", location), ("offset", "0"), ("length", str(64 * 4))):
        weights.external_data.add(key=key, value=value)
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"], name="/fc/MatMul")
    ends = [
        onnx.helper.make_tensor_value_info(n, TensorProto.FLOAT, d)
        for n, d in (("x", [1, 64]), ("y", [1, 1]))
    ]
    graph = onnx.helper.make_graph([node], "g", ends[:1], ends[1:], [weights])
    model = onnx.ModelProto(ir_version=8, graph=graph, opset_import=[onnx.helper.make_opsetid("", 17)])
    path.write_bytes(model.SerializeToString())


def test_unused_bytes_of_a_file_of_weights_are_told(tmp_path: Path) -> None:
    """No type of the weights makes them smaller: what is said is how many there are."""
    external(tmp_path / "net.onnx", "weights.bin")
    (tmp_path / "weights.bin").write_bytes(bytes(10_000))
    found = s.only(s.judged(s.budget(tmp_path, "download: 5kB")), "download")
    assert found.why[0] == f"'weights.bin' has {fe.Bytes(10_000 - 64 * 4)} that the model does not use"
    assert not any("weights:" in fix for fix in found.fixes)
