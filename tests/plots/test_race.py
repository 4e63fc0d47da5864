from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from feasibility.decide import decide
from feasibility.decide.records import Phase, Setting, Verdict
from feasibility.decide.traffic import Demand
from feasibility.plots import race_points
from feasibility.timing.interval import Interval
from feasibility.units import Bytes, PerSecond
from tests.samples import decision
from tests.timing_parts import model, scenario, work


def shown(lane: Any) -> list[tuple[str, float, float]]:  # noqa: ANN401 (a lane)
    """Return the segments of a lane in milliseconds."""
    return [(s.name, round(1e3 * s.start_s, 6), round(1e3 * s.seconds, 6)) for s in lane.segments]


def test_inference_races_against_round_trip_and_inference() -> None:
    """20 ms stand above 150 ms of round trip and 2 ms of inference, and the client wins."""
    race = race_points(decision())
    assert shown(race.client) == [("inference", 0, 20)]
    assert shown(race.server) == [("round trip", 0, 150), ("inference", 150, 2)]
    assert (race.client.wins, race.server.wins) == (True, False)


def test_calls_share_the_download() -> None:
    """2 s of download over 20 calls are 100 ms before each inference of 20 ms."""
    settings = {**decision().scenario, "calls": Setting(value="20", origin="command line")}
    race = race_points(decision(compared="amortised", scenario=settings))
    assert shown(race.client) == [("share of download", 0, 100), ("inference", 100, 20)]


def test_a_wait_stands_before_the_inference() -> None:
    """Of 162 ms, 10 are spent behind others and 2 computing: the rest is the round trip."""
    side = replace(decision().server, phases=(Phase(name="wait", seconds=Interval.exact(0.01)),))
    race = race_points(replace(decision(server=side), server_time=Interval.exact(0.162)))
    assert shown(race.server) == [("round trip", 0, 150), ("wait", 150, 10), ("inference", 160, 2)]


def test_an_undecided_race_has_no_winner() -> None:
    """Neither lane is marked."""
    race = race_points(decision(verdict=Verdict.UNDECIDED))
    assert (race.client.wins, race.server.wins) == (False, False)


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"payload": Bytes(10**6)},
        {"cold": True},
        {"calls": 7},
        {"demand": Demand(rate=PerSecond(100))},
    ],
    ids=["inference", "payload", "cold", "amortised", "traffic"],
)
def test_segments_follow_each_other_up_to_the_time_compared(choices: dict[str, Any]) -> None:
    """Whatever is compared, each segment starts where the last one ended, and the sum is the typical time."""
    race = race_points(decide(scenario(model(work(10**9), download_bytes=10**7), **choices)))
    for lane in (race.client, race.server):
        end_s = 0.0
        for segment in lane.segments:
            assert segment.start_s == pytest.approx(end_s)
            end_s += segment.seconds
        assert end_s == pytest.approx(lane.total.typical.value)
