"""Policies decide before times do: hosts, frame rates, and what may not travel."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from feasibility.decide import Check, Decision, Policy, Verdict, decide
from feasibility.errors import ProfileError, UsageError
from feasibility.profiles.hosts import host, host_ids
from feasibility.units import Bytes
from tests.timing_parts import fact, model, network, runtime, scenario, step, tensor, work

MIB = 2**20


def answer(download_bytes: int = 13_000_000, *, fmas: int = 10**6, **policy: Any) -> Decision:  # noqa: ANN401
    """Decide for a model with 4,000 bytes of input, under a policy."""
    cost = model(
        work(fmas), inputs=(tensor("x", 1000),), outputs=(tensor("y", 10),), download_bytes=download_bytes
    )
    return decide(replace(scenario(cost), policy=Policy(**policy)))


def check(decision: Decision, name: str) -> Check:
    """Return the check of this name."""
    return next(each for each in decision.checks if each.name == name)


@pytest.mark.parametrize(
    ("policy", "verdict", "word"),
    [
        ({"offline": True}, Verdict.CLIENT, "offline"),
        ({"private_input": True}, Verdict.CLIENT, "private"),
        ({"secret_model": True}, Verdict.SERVER, "secret"),
        ({"secret_model": True, "offline": True}, Verdict.NEITHER, "secret"),
        ({"secret_model": True, "private_input": True}, Verdict.NEITHER, "private"),
    ],
)
def test_what_may_not_travel_decides_alone(policy: dict[str, bool], verdict: Verdict, word: str) -> None:
    """One side is barred whatever the times are; contradictory policies leave neither, and say why."""
    decision = answer(**policy)

    assert verdict is decision.verdict
    assert decision.confidence is None
    assert any(word in reason for reason in decision.reasons)


def test_without_a_policy_nothing_is_checked() -> None:
    """Nobody asked about frames, hosts or secrets."""
    assert ["memory", "download", "server_memory"] == [each.name for each in answer().checks]


@pytest.mark.parametrize(
    ("name", "size", "passed"),
    [
        ("cloudflare-pages", 25 * MIB, True),
        ("cloudflare-pages", 25 * MIB + 1, False),
        ("github-pages", 100 * MIB, True),
        ("vercel-hobby", 100_000_001, False),
    ],
)
def test_a_host_takes_files_up_to_its_limit(name: str, size: int, passed: bool) -> None:  # noqa: FBT001
    """25 MiB are 26,214,400 bytes, not 25,000,000; over the limit only the server is left."""
    decision = answer(size, host=host(name))
    found = [each for each in decision.checks if each.name.startswith("host_")]

    assert passed is all(each.passed for each in found)
    assert size == found[0].actual
    assert passed or Verdict.SERVER is decision.verdict


@pytest.mark.parametrize(("floats", "passed"), [(32 * MIB, True), (32 * MIB + 1, None)])
def test_a_tensor_beyond_one_buffer_is_for_the_adapter_to_grant(floats: int, passed: bool | None) -> None:  # noqa: FBT001
    """32 Mi floats of 4 bytes are 128 MiB; more may still be granted, so nothing is decided."""
    tab = runtime().model_copy(update={"max_buffer": fact(Bytes(128 * MIB))})
    node = step((tensor("x", floats),), (tensor("y", 1),), op_type="ReduceMean")
    found = check(decide(scenario(model(node), client_runtime=tab)), "buffer")

    assert (passed, 4 * floats, 128 * MIB) == (found.passed, found.actual, found.limit)


def test_a_response_alone_is_compared_with_the_call_that_brings_it() -> None:
    """150 Mbit of answer take a second of a link of 150 Mbit/s, and the comparison says so."""
    cost = model(work(10), inputs=(tensor("x", 1),), outputs=(tensor("y", 1),))
    decision = decide(scenario(cost, response=Bytes(150e6 / 8)))

    assert "payload" == decision.compared
    assert decision.server_time.typical.value > 1.0


def test_a_browser_keeps_a_model_if_it_has_room() -> None:
    """Nobody knows the disk, so the check is open; a native runtime asks nobody."""
    cost = model(work(10), download_bytes=13_000_000)
    tab = runtime(pool="browser")
    found = check(decide(scenario(cost, client_runtime=tab)), "storage")

    assert (None, 13_000_000, 10 * 2**30) == (found.passed, found.actual, found.limit)
    assert "Firefox 10 % and at most 10 GiB" in found.message


def test_limits_read_as_hosts_write_them() -> None:
    """25 MiB and 500 MB."""
    assert ("25 MiB", "500 MB") == (Bytes(25 * MIB).as_limit(), Bytes(500e6).as_limit())


def test_a_client_that_is_too_slow_for_the_frames_is_out() -> None:
    """2 x 10^12 operations take a unit of 1 TFLOP/s over 2 s; 2 x 10^6 take microseconds."""
    slow = check(answer(fmas=10**12, fps=30.0), "frame_rate")
    fast = check(answer(fmas=10**6, fps=30.0), "frame_rate")

    assert (False, 1 / 30) == (slow.passed, slow.limit)
    assert fast.passed is True


@pytest.mark.parametrize(("payload", "passed"), [(Bytes(4000), False), (None, None)])
def test_frames_need_their_uplink(payload: Bytes | None, passed: bool | None) -> None:  # noqa: FBT001
    """4,000 bytes 1,000 times a second are 32 Mbit/s, and the link has 20; raw floats are only assumed."""
    cost = model(work(10), inputs=(tensor("x", 1000),), outputs=(tensor("y", 10),))
    found = check(
        decide(replace(scenario(cost, payload=payload), policy=Policy(fps=1000.0))), "server_frame_rate"
    )

    assert (passed, 8 * 4000 * 1000) == (found.passed, found.actual)
    assert "need 32 Mbit/s of uplink" in found.message


def test_answers_need_their_downlink() -> None:
    """100 kB 200 times a second are 160 Mbit/s, and the link has 150."""
    cost = model(work(10), inputs=(tensor("x", 1),), outputs=(tensor("y", 10),))
    given = replace(scenario(cost, response=Bytes(1e5)), policy=Policy(fps=200.0))
    found = check(decide(given), "server_frame_rate")

    assert (False, 8 * 1e5 * 200) == (found.passed, found.actual)
    assert "of downlink" in found.message


@pytest.mark.parametrize("share", [0.9, 1.0, 1.1])
def test_frames_that_may_or_may_not_be_kept_up_with_leave_it_open(share: float) -> None:
    """A client ahead whose frame lies between its p10 and its p90 is no answer, whatever its lead."""
    cost = model(work(10**10), inputs=(tensor("x", 1),), outputs=(tensor("y", 1),))
    inference = decide(scenario(cost)).client.inference
    frame_s = share * inference.typical.value
    assert inference.low.value < frame_s < inference.high.value
    decision = decide(replace(scenario(cost), policy=Policy(fps=1 / frame_s)))

    assert (Verdict.UNDECIDED, None) == (decision.verdict, decision.confidence)
    assert "may or may not keep up" in decision.reasons[0]


def test_cached_models_share_only_the_downloads_that_happen() -> None:
    """With 20 calls a session and four sessions of five cached, 0.8 of the download is saved."""
    cost = model(work(10**6), inputs=(tensor("x", 8),), outputs=(tensor("y", 8),), download_bytes=10**7)
    link = network(rtt_s=0.0)
    never = decide(scenario(cost, link=link, calls=20))
    often = decide(scenario(cost, link=link, calls=20, cache_hit=0.8))
    download_s = 10**7 * 8 / 150e6

    saved_s = never.client_time.typical.value - often.client_time.typical.value
    assert 0.8 * download_s / 20 == pytest.approx(saved_s)
    assert never.client.first_call == often.client.first_call  # a first visit finds nothing


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"cache_hit": 0.5}, "no number of calls is given"),
        ({"cache_hit": 1.5, "calls": 2}, "not a share from 0 to 1"),
        ({"policy": Policy(fps=0.0)}, "not a number of frames"),
        ({"policy": Policy(fps=math.inf)}, "not a number of frames"),
    ],
)
def test_what_makes_no_sense_is_refused(choices: dict[str, Any], sentence: str) -> None:
    """With a sentence and a hint."""
    with pytest.raises(UsageError, match=sentence) as caught:
        decide(scenario(model(work(10)), **choices))
    assert caught.value.hint


def test_every_host_is_sourced_and_dated() -> None:
    """Each limits a file or all of them, by the host's own documentation."""
    for name in host_ids():
        limits = [fact for fact in (host(name).file, host(name).total) if fact is not None]
        assert limits
        assert all(fact.source and fact.date for fact in limits)
    assert len(host_ids()) > 10


def test_a_host_that_limits_nothing_is_refused(tmp_path: Path) -> None:
    """Its file says what a host needs; a name that nobody has is not guessed."""
    mine = tmp_path / "mine.yaml"
    mine.write_text('name: "Mine"\n', encoding="utf-8")

    with pytest.raises(ProfileError, match="a host needs one of file, total"):
        host(str(mine))
    with pytest.raises(UsageError, match="there is no host called 'cloudflair-pages'"):
        host("cloudflair-pages")
