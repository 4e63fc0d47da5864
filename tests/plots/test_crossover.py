from __future__ import annotations

from dataclasses import replace

import pytest

from feasibility.decide.records import Verdict
from feasibility.errors import UsageError
from feasibility.plots import crossover_points
from feasibility.plots.crossover import _edges, _runs
from feasibility.timing.interval import Interval
from feasibility.views.axes import Axis
from feasibility.views.sweep import Point, Sweep, sweep
from tests.samples import decision
from tests.timing_parts import model, work

RTT = Axis(name="rtt", key="rtt_s", labels=("10 ms", "100 ms"), numbers=(0.01, 0.1))
DOWN = Axis(name="down", key="downlink_bits_per_s", labels=("1", "2", "3"), numbers=(1e6, 2e6, 3e6))
CLIENT, SERVER = Verdict.CLIENT, Verdict.SERVER


def grid(first: Axis, second: Axis, verdicts: str) -> Sweep:
    """Return a sweep with a verdict for each point, c or s."""
    places = [(i, j) for i in range(len(first.labels)) for j in range(len(second.labels))]
    return Sweep(
        axes=(first, second),
        points=tuple(
            Point(at=at, labels=(), decision=decision(verdict=CLIENT if letter == "c" else SERVER))
            for at, letter in zip(places, verdicts, strict=True)
        ),
    )


@pytest.mark.parametrize("found", [grid(RTT, DOWN, "csssss"), grid(DOWN, RTT, "csssss")], ids=["rtt", "down"])
def test_rows_are_downlinks_and_columns_round_trips(found: Sweep) -> None:
    """The client wins at 10 ms and 1 Mbit/s, whichever axis comes first."""
    shown = crossover_points(found)
    assert shown.verdicts == ((CLIENT, SERVER), (SERVER, SERVER), (SERVER, SERVER))
    assert [each.value for each in shown.rtts] == [0.01, 0.1]
    assert [each.value for each in shown.downlinks] == [1e6, 2e6, 3e6]


def test_chances_are_those_of_the_client() -> None:
    """A confidence of 92 % is the client's where it is ahead, and 8 % are left where the server is."""
    ahead = crossover_points(grid(RTT, DOWN, "cccccc")).client_faster
    slow = replace(decision(), client_time=Interval.exact(1.0))
    one = Sweep(axes=(RTT, DOWN), points=tuple(Point(at=(0, 0), labels=(), decision=slow) for _ in range(6)))
    assert ahead[0][0] == 0.92
    assert crossover_points(one).client_faster[0][0] == pytest.approx(0.08)


def test_another_sweep_is_refused() -> None:
    """A sweep over round trips and devices is no map of this kind."""
    found = sweep(model(work(10**9)), {"rtt": "10ms..20ms", "client": ["m1", "a14"]}, 2)
    with pytest.raises(UsageError, match="over rtt, client"):
        crossover_points(found)


@pytest.mark.parametrize(
    ("rtt", "said"),
    [
        (["0ms", "10ms"], "here it is 0 s, 10 ms"),
        (["10ms", "10ms"], "here it is 10 ms, 10 ms"),
        (["20ms", "10ms"], "here it is 20 ms, 10 ms"),
        ([None, "10ms"], "here it is not given, 10 ms"),
        (["9ms", "8ms", "7ms", "6ms", "5ms", "4ms"], "here it is 9 ms, 8 ms, 7 ms, 6 ms, 5 ms, ...$"),
    ],
)
def test_values_have_a_place_on_the_map(rtt: list[str | None], said: str) -> None:
    """Logarithms have no zero, and an axis goes one way and through no value twice."""
    found = sweep(model(work(10**9)), {"rtt": rtt, "down": ["1Mbit/s", "2Mbit/s"]}, 2)
    with pytest.raises(
        UsageError, match=f"a map's rtt grows from value to value, all above zero, and {said}"
    ):
        crossover_points(found)


def test_cells_meet_halfway_between_their_values() -> None:
    """On a logarithmic axis 10 lies halfway between 1 and 100, and the outer cells are as wide."""
    assert _edges([1, 100]) == pytest.approx([0.1, 10, 1000])
    assert _edges([8]) == [4, 16]


def test_cells_of_a_verdict_that_touch_are_one() -> None:
    """Of c c s c, the client has the first two and the last."""
    assert [*_runs((CLIENT, CLIENT, SERVER, CLIENT), CLIENT)] == [(0, 2), (3, 4)]
