from __future__ import annotations

from pathlib import Path

import onnx
import pytest

import feasibility as fe
from feasibility.api import PANEL
from feasibility.loader.isolate import Worker
from tests.samples import cost

MODEL = Path(__file__).parent.parent / "examples" / "sd_text_encoder.onnx"
FMAS = 6_649_251_840  # the essay's text encoder at 77 tokens


@pytest.fixture(scope="module")
def encoder() -> fe.ModelCost:
    """Return the counts of the example."""
    return fe.profile(MODEL)


def test_a_model_comes_as_path_bytes_or_message(encoder: fe.ModelCost) -> None:
    """The same file read in three ways gives the same count."""
    data = MODEL.read_bytes()
    assert [FMAS] * 3 == [encoder.fmas, fe.profile(data).fmas, fe.profile(onnx.load_from_string(data)).fmas]


def test_a_model_can_be_read_in_a_child(encoder: fe.ModelCost) -> None:
    """A new child and one that is there already give what this process gives, path included."""
    with Worker.start() as worker:
        assert encoder == fe.profile(MODEL, isolated=worker)
    assert encoder == fe.profile(MODEL, isolated=True)


def test_a_child_reads_files_only() -> None:
    """Bytes cannot be handed to a child; the error says what to do."""
    with pytest.raises(fe.UsageError, match="isolated=True reads a file; bytes is not a path"):
        fe.profile(b"", isolated=True)


def test_dims_bind_free_dimensions(encoder: fe.ModelCost) -> None:
    """Twice the batch is twice the multiply-adds, and nothing is assumed any more."""
    doubled = fe.profile(MODEL, dims={"batch": 2})
    assert doubled.fmas == 2 * FMAS
    assert (encoder.coverage.assumed, doubled.coverage.assumed) == (("batch=1",), ())


def test_rules_of_ones_own_count(encoder: fe.ModelCost) -> None:
    """A rule given by value replaces one of the set, in this call and in a child."""

    def free(node: fe.Node) -> fe.OpCost:
        return fe.OpCost(dtype=node.output(0).dtype, role="view")

    rules = fe.DEFAULT.with_op("ai.onnx", "MatMul", free)
    assert fe.profile(MODEL, rules=rules).fmas == 0
    assert fe.profile(MODEL, rules=rules, isolated=True).fmas == 0
    assert encoder.fmas == FMAS


def test_decide_reads_what_is_not_counted_yet(encoder: fe.ModelCost) -> None:
    """A path in place of a cost gives the same decision."""
    assert fe.decide(encoder) == fe.decide(str(MODEL)) == fe.decide(MODEL, dims={})


def test_dims_that_come_too_late_are_refused(encoder: fe.ModelCost) -> None:
    """What is counted already cannot be bound again: dims beside a cost are a mistake, not ignored."""
    with pytest.raises(fe.UsageError, match="come too late: the model is counted already"):
        fe.decide(encoder, dims={"batch": 8})


def test_the_main_job_from_python(encoder: fe.ModelCost) -> None:
    """The example runs on an M1 rather than 150 ms away, and 29 passes fit that window at peak."""
    answer = fe.decide(encoder, client="m1", server="a100", network=fe.network("essay", rtt="150ms"))
    assert answer.verdict is fe.Verdict.CLIENT
    assert answer.window.peak.value == pytest.approx(390e9)
    assert 29 <= (answer.window.passes_at_peak or 0) < 30


def test_explain_is_the_text_of_the_command(encoder: fe.ModelCost) -> None:
    """The first line leads with the verdict; `why` adds the sources."""
    answer = fe.decide(encoder)
    assert fe.explain(answer).startswith("client (")
    assert fe.explain(answer, why=True).startswith(fe.explain(answer))
    assert "\nsources\n" in fe.explain(answer, why=True)


def test_names_that_are_offered_can_be_loaded() -> None:
    """Every id of the three lists loads, and the panel and the defaults are among them."""
    assert all(fe.device(name).id == name for name in fe.devices())
    assert all(fe.runtime(name).id == name for name in fe.runtimes())
    assert all(fe.network(name).id == name for name in fe.networks())
    assert set(PANEL) | {"a100"} <= set(fe.devices())


def test_a_network_takes_what_is_known_better() -> None:
    """Given numbers stand in for the profile's."""
    link = fe.network("essay", rtt="40ms", down="1Gbit/s", up=fe.BitsPerSecond(5e6))
    assert (link.rtt.value, link.downlink.value, link.uplink.value) == (
        fe.Seconds(0.04),
        fe.BitsPerSecond(1e9),
        fe.BitsPerSecond(5e6),
    )


def test_profiles_come_from_files(tmp_path: Path) -> None:
    """A path, as text or as Path, stands for a profile of one's own."""
    shipped = MODEL.parent.parent
    for load, folder, name in (
        (fe.device, "hardware_profiles", "m1"),
        (fe.runtime, "hardware_profiles/runtimes", "metal"),
        (fe.network, "network_profiles", "essay"),
    ):
        own = tmp_path / "own.yaml"
        own.write_bytes((shipped / folder / f"{name}.yaml").read_bytes())
        assert [load(own).id, load(str(own)).id] == ["own", "own"]


def test_a_decision_survives_its_json(encoder: fe.ModelCost) -> None:
    """`from_dict` gives back what `to_dict` took."""
    answer = fe.decide(encoder, client="pixel-6a", calls=100)
    assert answer == fe.Decision.from_dict(answer.to_dict())


def test_uncounted_work_leaves_the_verdict_open() -> None:
    """A node without a rule can make an answer undecided, never silently cheap."""
    answer = fe.decide(cost())
    assert answer.coverage.unknown
    assert "Not counted: 'fancy'" in fe.explain(answer)


def test_cross_check_takes_a_path_or_what_was_counted() -> None:
    """Both forms give onnx-tool's count of the file, with the dimensions that were bound."""
    counted = fe.cross_check(fe.profile(MODEL, dims={"batch": 2}))
    assert fe.cross_check(MODEL, dims={"batch": 2}) == counted
    assert counted.unexplained == ()
    assert sum(row.fmas for row in counted.rows) == 2 * FMAS


def test_cross_check_needs_a_file() -> None:
    """A model from memory cannot be read again by another process."""
    with pytest.raises(fe.UsageError, match="'<bytes>' is none"):
        fe.cross_check(fe.profile(MODEL.read_bytes()))


def test_convention_of_the_example() -> None:
    """The text encoder counts the essay's multiply-adds as torchvision does."""
    assert fe.convention(fe.profile(MODEL), "torchvision").total == FMAS
