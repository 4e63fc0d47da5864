"""Growth against a baseline: a share and an amount must both be passed."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from feasibility import api
from tests.gate import samples as s

BEFORE = s.parameters(32)  # 2,368
AFTER = s.parameters(40)  # 2,960: 592 and 25 % more


ENTRY = {
    "path": "net.onnx",
    "graph_sha256": "0" * 64,
    "numbers": dict.fromkeys(("download", "parameters", "fmas", "flops", "peak_memory", "coverage"), 1),
}
TWICE = json.dumps({"schema_version": 1, "feasible": "1", "models": [ENTRY, ENTRY]}).encode()


@pytest.fixture
def grown(tmp_path: Path) -> Path:
    """Return a folder whose model has grown since its lock file was written; no git."""
    s.save(tmp_path / "net.onnx", 32)
    api.update_lock(s.budget(tmp_path, "parameters: 1M"))
    s.save(tmp_path / "net.onnx", 40)
    return tmp_path


@pytest.mark.parametrize(
    ("share", "amount", "outcome"),
    [
        ("24%", 591, "over"),
        ("25%", 591, "passed"),  # the share itself is allowed
        ("24%", 592, "passed"),  # and so is the amount
        ("90%", 1, "passed"),
        ("0%", 9999, "passed"),
        ("0%", 0, "over"),
    ],
)
def test_both_must_be_passed(share: str, amount: int, outcome: str, grown: Path) -> None:
    """592 parameters more are 25 %; one of the two limits is enough to hold."""
    assert (AFTER - BEFORE, (AFTER - BEFORE) / BEFORE) == (592, 0.25)
    growth = f"    growth: {{parameters: {{share: {share}, amount: {amount}}}}}"
    report = s.judged(s.budget(grown, "parameters: 1M", f"{growth}\nlock: off"))
    found = s.only(report, "growth.parameters")
    assert (found.outcome, found.base, found.now) == (outcome, BEFORE, AFTER)
    assert report.passed == (outcome == "passed")


def test_the_modules_that_grew_are_named(grown: Path) -> None:
    """8 columns more are 64 x 8 floats in the encoder, and 8 x 10 in the head."""
    growth = "    growth: {parameters: {share: 1%, amount: 1}}"
    found = s.only(s.judged(s.budget(grown, "parameters: 1M", growth)), "growth.parameters")
    assert found.why == (
        "encoder/fc1 has 2.05 kB of weights more than the baseline",
        "head/fc2 has 320 B of weights more than the baseline",
    )
    assert (64 * 8 * 4, 8 * 10 * 4) == (2048, 320)


def test_what_is_too_much_would_pass_if_it_were_gone(grown: Path) -> None:
    """1 % of 2,368 is 23.68, 100 are more: 592 - 100 = 492 have to go."""
    growth = "    growth: {parameters: {share: 1%, amount: 100}}"
    found = s.only(s.judged(s.budget(grown, "parameters: 1M", growth)), "growth.parameters")
    assert found.fixes[0] == "492 less"
    assert found.budget == BEFORE + 100


def test_shrinking_is_no_growth(tmp_path: Path) -> None:
    """A model that became smaller passes any growth."""
    s.save(tmp_path / "net.onnx", 40)
    growth = "    growth: {parameters: {share: 0%, amount: 0}}\nlock: off"
    config = s.budget(tmp_path, "parameters: 1M", growth)
    api.update_lock(config)
    s.save(tmp_path / "net.onnx", 32)
    found = s.only(s.judged(config), "growth.parameters")
    assert (found.outcome, found.message.partition(";")[0]) == (
        "passed",
        "The count of parameters of net.onnx shrank by 592",
    )


def test_a_time_grows_too(grown: Path) -> None:
    """An inference on a target is compared with that of the lock file."""
    growth = "    growth: {inference: {share: 0%, amount: 0s}}"
    found = s.only(s.judged(s.budget(grown, "parameters: 1M", growth)), "growth.inference", "phone")
    assert found.base is not None
    assert found.now is not None
    assert (found.outcome, found.base < found.now) == ("over", True)


def test_a_model_that_the_baseline_lacks_is_new(grown: Path) -> None:
    """Nothing can be said of its growth, and its budgets stand."""
    (grown / "net.onnx").rename(grown / "other.onnx")
    config = s.budget(grown, "parameters: 1M", "    growth: {parameters: {share: 1%, amount: 1}}\nlock: off")
    config.write_text(config.read_text().replace("net.onnx", "other.onnx"))
    report = s.judged(config)
    assert (s.only(report, "growth.parameters").outcome, report.passed) == ("new", True)


def test_other_sizes_of_a_file_are_what_it_grew_to(grown: Path) -> None:
    """A size that the config gives now and did not then switches no growth off: the file is the same."""
    config = s.budget(grown, "parameters: 1M", "    growth: {parameters: {share: 1%, amount: 1}}\nlock: off")
    config.write_text(config.read_text().replace("budget:", "inputs: {x: [1, 64]}\n    budget:"))
    assert s.only(s.judged(config), "growth.parameters").outcome == "over"


def test_a_model_that_the_config_names_no_more_is_said(grown: Path) -> None:
    """A file that was renamed is new, and whoever reads the report learns what is gone."""
    (grown / "net.onnx").rename(grown / "other.onnx")
    config = s.budget(grown, "parameters: 1M", "lock: off")
    config.write_text(config.read_text().replace("net.onnx", "other.onnx"))
    assert "The baseline has net.onnx, which nothing here is compared with." in s.judged(config).notes


def test_what_may_have_grown_unseen_does_not_pass(tmp_path: Path) -> None:
    """A node without a rule took the place of one that was counted: its work is not seen to shrink."""
    s.save(tmp_path / "net.onnx")
    growth = "    growth: {flops: {share: 5%, amount: 1 FLOP}}\nlock: off"
    api.update_lock(s.budget(tmp_path, "parameters: 1M", growth))
    s.save(tmp_path / "net.onnx", unknown=True)
    found = s.only(s.judged(s.budget(tmp_path, "parameters: 1M", growth)), "growth.flops")
    assert (found.outcome, found.fails) == ("untold", True)
    assert "com.acme::Fancy" in found.message


def test_only_large_locks_leave_modules_out(tmp_path: Path) -> None:
    """Of 300 modules 200 are kept; what grows is told apart from what the lock had no room for."""
    layers(tmp_path / "net.onnx", widths=[8] * 300)
    api.update_lock(s.budget(tmp_path, "parameters: 1M"))
    layers(tmp_path / "net.onnx", widths=[8] * 7 + [16] + [8] * 292)
    growth = "    growth: {parameters: {share: 0%, amount: 0}}"
    found = s.only(s.judged(s.budget(tmp_path, "parameters: 1M", growth)), "growth.parameters")
    assert found.base == 300 * 2 * 8 * 8
    assert found.now == 299 * 2 * 8 * 8 + 2 * 8 * 16
    assert not any("(new)" in line for line in found.why)
    assert all(line.startswith(("layers.7/", "(other modules)")) for line in found.why), found.why


def layers(path: Path, widths: list[int]) -> None:
    """Write a chain of layers of 8 features, each with an up and a down matrix of its own width."""
    nodes, weights = [], []
    for index, width in enumerate(widths):
        for name, shape in (("up", (8, width)), ("down", (width, 8))):
            tensor = f"{name}{index}"
            raw = bytes(4 * shape[0] * shape[1])
            weights.append(helper.make_tensor(tensor, TensorProto.FLOAT, shape, raw, raw=True))
        nodes += [
            helper.make_node(
                "MatMul", [f"x{index}", f"up{index}"], [f"h{index}"], name=f"/layers.{index}/up/MatMul"
            ),
            helper.make_node(
                "MatMul",
                [f"h{index}", f"down{index}"],
                [f"x{index + 1}"],
                name=f"/layers.{index}/down/MatMul",
            ),
        ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 8]) for n in ("x0", f"x{len(widths)}")]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:], weights)
    model = onnx.ModelProto(ir_version=8, graph=graph, opset_import=[helper.make_opsetid("", 17)])
    path.write_bytes(model.SerializeToString())


def test_without_a_baseline_growth_does_not_pass(tmp_path: Path) -> None:
    """No lock file: nobody can tell how much it grew."""
    s.save(tmp_path / "net.onnx")
    report = s.judged(
        s.budget(tmp_path, "parameters: 1M", "    growth: {parameters: {share: 1%, amount: 1}}")
    )
    found = s.only(report, "growth.parameters")
    assert (found.outcome, found.fails) == ("untold", True)
    assert "there is no feasible.lock.json" in found.message
    assert "feasible gate --update" in found.fixes[0]


def test_a_lock_file_that_says_something_else_is_stale(grown: Path) -> None:
    """The model grew and the lock was not written: that fails, until it is written, or as a level says."""
    config = s.budget(grown, "parameters: 1M")
    assert "net.onnx" in s.only(s.judged(config), "lock").message
    assert not s.judged(config).passed
    assert s.judged(s.budget(grown, "parameters: 1M", "lock: warn")).passed
    api.update_lock(config)
    assert s.judged(config).passed
    assert [] == [found for found in s.judged(config).findings if found.rule == "lock"]


def test_the_lock_file_holds_numbers_and_no_weights(grown: Path) -> None:
    """Its numbers are those of the model, and the same model gives the same bytes."""
    path, models = api.update_lock(grown / "feasible.yaml")
    first = path.read_bytes()
    kept = json.loads(first)["models"][0]
    assert models == 1
    assert kept["numbers"]["parameters"] == AFTER
    assert {"flops": 2 * 64 * 40, "parameter_bytes": 4 * 64 * 40} == kept["modules"]["encoder/fc1"]
    assert len(kept["graph_sha256"]) == 64
    api.update_lock(grown / "feasible.yaml")
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<<<<<<< HEAD\n{}", "this is not JSON"),
        (b'{"schema_version": 1, "schema_version": 1, "models": []}', "'schema_version' is given twice"),
        (b'{"schema_version": 2, "feasible": "9", "models": []}', "no lock file of this version"),
        (b'{"schema_version": 1, "feasible": "1", "models": [{"path": "net.onnx"}]}', "models.0."),
        (b"[1]", "no lock file of this version"),
        (b"\xff\xfe", "this is not JSON"),
        (TWICE, "'net.onnx' is listed twice"),
        (b"[" * 100_000, "this is not JSON"),
        (b'{"schema_version": 1, "feasible": "1", "models": [NaN]}', "models.0"),
    ],
)
def test_a_lock_file_that_is_none_passes_nothing(content: bytes, said: str, grown: Path) -> None:
    """Growth cannot be judged by it, and the sentence says what is wrong with it."""
    (grown / "feasible.lock.json").write_bytes(content)
    report = s.judged(s.budget(grown, "parameters: 1M", "    growth: {parameters: {share: 99%, amount: 1G}}"))
    found = s.only(report, "growth.parameters")
    assert (found.outcome, report.passed) == ("untold", False)
    assert said in found.message


def test_names_are_cut_where_the_baseline_cut_them(grown: Path) -> None:
    """A new part outside of what all names shared does not make every module a new one."""
    model = onnx.load(grown / "net.onnx")
    for node in model.graph.node:
        node.name = f"/net{node.name}"
    onnx.save(model, grown / "net.onnx")
    api.update_lock(s.budget(grown, "parameters: 1M"))
    extra = onnx.helper.make_node("Softmax", ["y"], ["z"], name="/post/Softmax")
    model.graph.node.append(extra)
    model.graph.output[0].name = "z"
    onnx.save(model, grown / "net.onnx")
    growth = "    growth: {flops: {share: 0%, amount: 0 FLOP}}"
    found = s.only(s.judged(s.budget(grown, "parameters: 1M", growth)), "growth.flops")
    assert [line.partition(" has ")[0] for line in found.why] == ["post (new)"]


def test_operator_types_stand_in_where_names_tell_no_module(tmp_path: Path) -> None:
    """A graph without names is divided by what its nodes are."""
    for hidden in (32, 40):
        s.save(tmp_path / "net.onnx", hidden)
        model = onnx.load(tmp_path / "net.onnx")
        for node in model.graph.node:
            node.name = ""
        onnx.save(model, tmp_path / "net.onnx")
        if hidden == 32:
            api.update_lock(s.budget(tmp_path, "parameters: 1M"))
    growth = "    growth: {fmas: {share: 0%, amount: 0}}"
    found = s.only(s.judged(s.budget(tmp_path, "parameters: 1M", growth)), "growth.fmas")
    assert found.why[0].startswith("MatMul has 1.18 kFLOP of arithmetic more")
    assert 2 * (64 * 8 + 8 * 10) == 1184


def test_of_two_sizes_of_a_file_each_has_its_own_baseline(tmp_path: Path) -> None:
    """Two entries with one path are told apart by the sizes that they give, in lock and report."""
    s.save(tmp_path / "net.onnx")
    free(tmp_path / "net.onnx")
    entry = (
        "  - {path: net.onnx, dims: {batch: %d}, budget: {fmas: 1G}, growth: {fmas: {share: 1%%, amount: 1}}}"
    )
    config = s.write(tmp_path, "\n".join(["models:", entry % 1, entry % 3]) + "\n")
    api.update_lock(config)
    report = s.judged(config)
    assert report.passed
    found = [each for each in report.findings if each.rule == "growth.fmas"]
    assert [each.base for each in found] == [64 * 32 + 32 * 10, 3 * (64 * 32 + 32 * 10)]
    assert [each.model for each in found] == ["net.onnx (batch=1)", "net.onnx (batch=3)"]
    config.write_text(config.read_text().replace("batch: 3", "batch: 4"))
    changed = s.judged(config)
    assert any("The baseline has net.onnx, batch=3" in note for note in changed.notes)


def free(path: Path) -> None:
    """Give a model a free first dimension, called batch."""
    model = onnx.load(path)
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]
    onnx.save(model, path)


def test_a_lock_with_a_model_more_than_the_config_is_stale(grown: Path) -> None:
    """What the config names no more has no place in the lock."""
    s.save(grown / "other.onnx")
    config = s.budget(grown, "parameters: 1M")
    text = config.read_text()
    config.write_text(text.replace("models:\n", "models:\n  - {path: other.onnx, budget: {fmas: 1M}}\n"))
    api.update_lock(config)
    assert s.judged(config).passed
    config.write_text(text)
    assert "other.onnx" in s.only(s.judged(config), "lock").message


def test_growth_that_is_off_needs_no_baseline(tmp_path: Path) -> None:
    """A level that looks away asks for no lock file, and no note speaks of one."""
    s.save(tmp_path / "net.onnx")
    growth = "    growth: {parameters: {share: 1%, amount: 1, level: off}}"
    report = s.judged(s.budget(tmp_path, "parameters: 1M", growth))
    assert (report.passed, report.notes) == (True, ())


def test_weights_that_lie_here_do_not_change_the_lock(tmp_path: Path) -> None:
    """The lock keeps what the model declares: the same with the weights at hand and without."""
    s.save(tmp_path / "net.onnx")
    declared = external(tmp_path / "net.onnx", "w.bin")
    config = s.budget(tmp_path, "download: 1GB", "    growth: {download: {share: 1%, amount: 1B}}")
    api.update_lock(config)
    (tmp_path / "w.bin").write_bytes(bytes(100_000))
    report = s.judged(config)
    assert report.passed
    assert (s.only(report, "growth.download").now, s.only(report, "download").now) == (
        declared,
        (tmp_path / "net.onnx").stat().st_size + 100_000,
    )


def external(path: Path, location: str) -> int:
    """Move the first matrix to a file of its own, as the model says; return what is declared in all."""
    model = onnx.load(path)
    matrix = model.graph.initializer[0]
    nbytes = len(matrix.raw_data)
    matrix.ClearField("raw_data")
    matrix.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(nbytes))):
        matrix.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path.stat().st_size + nbytes


def test_two_entries_of_a_model_share_its_place_in_the_lock(tmp_path: Path) -> None:
    """One is judged on a phone and one on a laptop: the lock keeps both times."""
    s.save(tmp_path / "net.onnx")
    entry = "  - {path: net.onnx, targets: [%s], budget: {inference: 1s}}"
    targets = "targets: {phone: {device: pixel-6a}, laptop: {device: m1}}"
    config = s.write(tmp_path, "\n".join([targets, "models:", entry % "phone", entry % "laptop"]) + "\n")
    path, models = api.update_lock(config)
    assert models == 1
    assert set(json.loads(path.read_text())["models"][0]["targets"]) == {"phone", "laptop"}
    assert s.judged(config).passed


def test_a_partial_count_is_said_where_it_grew(tmp_path: Path) -> None:
    """With an accepted coverage the counted part is compared, and written as the least that it is."""
    s.save(tmp_path / "net.onnx", unknown=True)
    growth = "    growth: {fmas: {share: 5%, amount: 1}}"
    config = s.budget(tmp_path, "coverage: 60%", growth)
    api.update_lock(config)
    found = s.only(s.judged(config), "growth.fmas")
    assert (found.outcome, found.now_text.startswith("at least ")) == ("passed", True)
