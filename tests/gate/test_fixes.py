"""What is proposed to pass, does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import feasibility as fe
from feasibility.gate.config import parse_count
from feasibility.gate.rules import no_less
from tests.gate import samples as s

PARAMETERS = s.parameters()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a small model."""
    s.save(tmp_path / "net.onnx")
    return tmp_path


@pytest.mark.parametrize("rule", ["download", "parameters", "fmas", "flops", "peak_memory", "inference"])
def test_the_budget_that_is_proposed_is_held(rule: str, folder: Path) -> None:
    """The last fix is a budget; written into the config, it passes."""
    units = {"download": "B", "flops": "FLOP", "peak_memory": "B", "inference": "ns"}
    found = s.only(s.judged(s.budget(folder, f'{rule}: "1 {units.get(rule, "")}"')), rule)
    proposed = found.fixes[-1].removeprefix("or a budget of ")
    assert s.judged(s.budget(folder, f'{rule}: "{proposed}"')).passed


def test_less_is_what_is_over(folder: Path) -> None:
    """2,368 multiply-adds are 368 more than 2,000: 15.5 % of them."""
    found = s.only(s.judged(s.budget(folder, "fmas: 2000")), "fmas")
    assert found.fixes[0] == "368 less (15.5 %)"
    assert round(1000 * 368 / 2368) == 155


@pytest.mark.parametrize(("bytes_each", "precision"), [(2, "fp16"), (1, "int8")])
def test_a_narrower_type_is_proposed_where_it_is_enough(
    bytes_each: int, precision: str, folder: Path
) -> None:
    """The widest weights that fit: 2 B each where that is enough, 1 B where it is not."""
    size = (folder / "net.onnx").stat().st_size
    limit = size - (s.FLOAT_BYTES - bytes_each) * PARAMETERS
    found = s.only(s.judged(s.budget(folder, f'download: "{limit} B"')), "download")
    assert any(fix.startswith(f"{precision} weights: ") for fix in found.fixes)


def test_modules_are_named_by_their_weights_or_their_work(folder: Path) -> None:
    """Without a baseline the largest: 64 x 32 weights of the encoder before 32 x 10 of the head."""
    found = s.only(s.judged(s.budget(folder, "parameters: 1")), "parameters")
    assert "the most weights: encoder/fc1 (8.19 kB), head/fc2 (1.28 kB)" in found.why[0]
    assert (64 * 32 * 4, 32 * 10 * 4) == (8192, 1280)


def test_a_type_that_is_proposed_for_a_time_was_tried(tmp_path: Path) -> None:
    """A target that asks for a time gets a precision only where the decision with it is fast enough."""
    s.save(tmp_path / "net.onnx", hidden=200_000)  # 12.8 M weights: the phone waits for its memory
    config = s.budget(tmp_path, "inference: 1s")
    config.write_text(config.read_text().replace("pixel-6a", "m1/gpu"))
    slow = s.only(s.judged(config), "inference")
    assert slow.now is not None
    config.write_text(config.read_text().replace("1s}", f'"{0.7e3 * slow.now:.4f} ms"}}'))
    found = s.only(s.judged(config), "inference")
    tried = [re.match(r"with (fp16|int8|int4) ", fix) for fix in found.fixes]
    chosen = next(match[1] for match in tried if match)
    config.write_text(config.read_text().replace("device: m1/gpu", f"device: m1/gpu, precision: {chosen}"))
    assert s.judged(config).passed


@given(st.floats(min_value=1e-7, max_value=1e9, allow_nan=False))
@example(5359.4)  # 89.3 min are 5,358 s
@example(10_801.0)  # 3 h are 10,800 s
def test_a_time_that_is_proposed_is_no_less_than_asked(seconds: float) -> None:
    """Read back, it is as much or up to one part in a hundred more, in every unit that it is written in."""
    read = fe.Seconds.parse(no_less(seconds, "s")) if seconds < 2 * 86400 else None
    assert read is None or seconds <= read.value <= 1.03 * seconds + 1e-12


@given(st.integers(min_value=1, max_value=10**15))
def test_a_size_that_is_proposed_is_no_less_than_asked(nbytes: int) -> None:
    """1,234 bytes are no less than 1.24 kB allows."""
    assert nbytes <= fe.Bytes.parse(no_less(nbytes, "bytes")).value <= 1.011 * nbytes + 1


def test_what_is_said_to_be_enough_less_is_enough() -> None:
    """441,507,966 B are 186,321,174 more than 255,186,792: 186 MB less would not do, 187 MB do."""
    assert no_less(441_507_966 - 255_186_792, "bytes") == "187 MB"


def test_nobody_is_told_to_become_slower(folder: Path) -> None:
    """Who asks for the server hears nothing of slower runtimes on the device."""
    found = s.only(s.judged(s.budget(folder, "verdict: server")), "verdict")
    assert not any(" with " in fix for fix in found.fixes)


def test_a_little_too_slow_is_told_in_percent(folder: Path) -> None:
    """Two percent over is no "1 times faster"."""
    now = s.estimated_s(folder).typical.value
    found = s.only(s.judged(s.budget(folder, f'inference: "{1e9 * now / 1.02:.1f} ns"')), "inference")
    assert re.search(r"less \(1\.9\d? %\) on phone$", found.fixes[0]), found.fixes


def test_a_variant_that_is_not_fast_enough_is_not_proposed(folder: Path) -> None:
    """A nanosecond is more than any type or runtime gives: only the budget is left to change."""
    found = s.only(s.judged(s.budget(folder, 'inference: "1 ns"')), "inference")
    assert len(found.fixes) == 2
    assert not any(" with " in fix for fix in found.fixes)


def test_narrower_weights_are_the_file_and_not_the_weights_alone(folder: Path) -> None:
    """What is proposed is the size of the whole file: graph and fp16 weights."""
    size = (folder / "net.onnx").stat().st_size
    whole = size - 2 * PARAMETERS
    found = s.only(s.judged(s.budget(folder, f'download: "{whole} B"')), "download")
    assert f"fp16 weights: {fe.Bytes(whole)}" in found.fixes
    less = s.only(s.judged(s.budget(folder, f'download: "{whole - 1} B"')), "download")
    assert not any(fix.startswith("fp16 weights") for fix in less.fixes)


def test_a_long_first_call_is_told_in_time_and_weights(tmp_path: Path) -> None:
    """51 MB over 4g are seconds of download: what is large are weights, and no device is fast enough."""
    s.save(tmp_path / "net.onnx", hidden=200_000)
    found = s.only(s.judged(s.budget(tmp_path, "first_call: 10ms")), "first_call")
    assert "of weights" in found.why[0] or "the most weights" in found.why[0]
    assert " less (" in found.fixes[0]
    assert "times faster" not in found.fixes[0]


def test_times_faster_are_enough(folder: Path) -> None:
    """A factor is rounded up: so many times faster is within the budget."""
    now = s.estimated_s(folder).typical.value
    found = s.only(s.judged(s.budget(folder, f'inference: "{1e9 * now / 4.71:.3f} ns"')), "inference")
    assert found.fixes[0] == "4.8 times faster on phone"


def test_a_budget_of_nothing_is_answered_with_what_there_is(folder: Path) -> None:
    """Nobody can save more than there is."""
    found = s.only(s.judged(s.budget(folder, "parameters: 0")), "parameters")
    assert found.fixes[0] == "nothing: all 2.37 k less"


@given(st.floats(min_value=0.1, max_value=1e12, allow_nan=False))
def test_a_count_that_is_proposed_is_whole(count: float) -> None:
    """Nobody removes half a multiply-add."""
    assert parse_count(no_less(count, "count")) >= count


def test_a_budget_at_p90_is_missed_by_the_p90(folder: Path) -> None:
    """A fifth of the p90 is 5 times faster, whatever the median is."""
    p90 = s.estimated_s(folder).high.value
    limit = f'inference: {{limit: "{1e9 * p90 / 4.999:.4f} ns", at: p90}}'
    assert s.only(s.judged(s.budget(folder, limit)), "inference").fixes[0] == "5.0 times faster on phone"


def test_a_limit_that_decides_is_why_a_verdict_is_missed(tmp_path: Path) -> None:
    """Who asks for the client hears that the model is secret, and nothing of times."""
    s.save(tmp_path / "net.onnx")
    config = s.budget(tmp_path, "verdict: client")
    config.write_text(config.read_text().replace("network: 4g", "network: 4g, secret_model: true"))
    found = s.only(s.judged(config), "verdict")
    assert (found.outcome, found.now_text, len(found.why)) == ("over", "server", 1)
    assert "secret" in found.why[0]
