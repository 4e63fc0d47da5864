from __future__ import annotations

import json
import math
from collections import deque
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import feasibility as fe
from feasibility.views.axes import CHOICES, Axis, read
from feasibility.views.sweep import MAX_POINTS, Point, Sweep
from tests.samples import cost, decision

ENCODER = Path(__file__).parents[2] / "examples" / "sd_text_encoder.onnx"
C, S, U = fe.Verdict.CLIENT, fe.Verdict.SERVER, fe.Verdict.UNDECIDED


class Index:
    """An integer that is none of Python's own."""

    def __index__(self) -> int:
        """Return the integer."""
        return 7


def swept(**choices: Any) -> Sweep:  # noqa: ANN401 (any choice)
    """Return a sweep of a small model."""
    return fe.sweep(cost(), **choices)


def grid(rows: list[list[fe.Verdict]]) -> Sweep:
    """Return a sweep over rtt and client with these verdicts, a row for each rtt."""
    rtts = ("1 ms", "10 ms", "100 ms", "1 s")[: len(rows)]
    clients = ("m1", "pixel-6a", "a17-pro")[: len(rows[0])]
    return Sweep(
        axes=(
            Axis(name="rtt", key="rtt_s", labels=rtts, numbers=(0.001, 0.01, 0.1, 1.0)[: len(rows)]),
            Axis(name="client", key="client", labels=clients, numbers=None),
        ),
        points=tuple(
            Point(at=(i, j), labels=(rtts[i], clients[j]), decision=decision(verdict=verdict))
            for i, row in enumerate(rows)
            for j, verdict in enumerate(row)
        ),
    )


def test_every_point_is_what_decide_answers_there() -> None:
    """A point holds the decision of the same choices, those that hold everywhere included."""
    found = swept(rtt=["20ms", "150ms"], device=["m1", "pixel-6a"], calls=10)
    expected = [
        fe.decide(cost(), rtt=rtt, client=client, calls=10)
        for rtt in ("20ms", "150ms")
        for client in ("m1", "pixel-6a")
    ]
    assert [point.decision for point in found.points] == expected


def test_the_axes_are_in_the_order_given_and_the_last_is_fastest() -> None:
    """Points are in row-major order: the first axis changes last."""
    found = swept(precision=["fp16", "int8"], rtt=["1ms", "2ms", "3ms"])
    assert ([axis.name for axis in found.axes], found.shape) == (["precision", "rtt"], (2, 3))
    assert [point.at for point in found.points] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert found.points[4].labels == ("int8", "2 ms")


@pytest.mark.parametrize(
    ("name", "span", "numbers", "labels"),
    [
        ("rtt", "10ms..1s", (0.01, 0.1, 1), ("10 ms", "100 ms", "1 s")),
        ("cdn_rtt", "1ms..4ms", (0.001, 0.002, 0.004), ("1 ms", "2 ms", "4 ms")),
        ("down", "1Mbit/s..100Mbit/s", (1e6, 1e7, 1e8), ("1 Mbit/s", "10 Mbit/s", "100 Mbit/s")),
        ("up", "1 Mbit/s..2 Mbit/s", (1e6, 1.41e6, 2e6), ("1 Mbit/s", "1.41 Mbit/s", "2 Mbit/s")),
        ("payload", "1kB..1MB", (1e3, 3.16e4, 1e6), ("1 kB", "31.6 kB", "1 MB")),
        ("traffic", "1/s..10000/s", (1, 100, 10_000), ("1/s", "100/s", "10,000/s")),
        ("calls", "1..1000000", (1, 1000, 1_000_000), ("1", "1,000", "1,000,000")),
        ("calls", "1..2", (1, 2), ("1", "2")),
    ],
)
def test_a_span_has_values_in_equal_ratios(
    name: str, span: str, numbers: tuple[float, ...], labels: tuple[str, ...]
) -> None:
    """FROM..TO in three points: the ends and their geometric mean, to three digits; calls are whole."""
    axis = read(name, span, 3).axis
    assert axis.numbers == pytest.approx(numbers)
    assert axis.labels == labels


@given(low=st.floats(1e-6, 1e3), factor=st.floats(1.0, 1e6), points=st.integers(2, 60))
def test_a_span_rises_from_end_to_end(low: float, factor: float, points: int) -> None:
    """Whatever the ends, values rise strictly from the one to the other in steps of about one ratio."""
    high = low * factor
    numbers = read("rtt", f"{low:.17f}s..{high:.17f}s", points).axis.numbers or ()
    assert (numbers[0], numbers[-1]) == (float(f"{low:.17f}"), float(f"{high:.17f}"))
    assert all(a < b for a, b in pairwise(numbers))
    step = math.log(high / low) / (points - 1)
    assert all(math.log(b / a) < step + 0.02 for a, b in pairwise(numbers))


def test_keys_carry_the_unit() -> None:
    """A quantity's column is called with its SI unit, as in the JSON; words have no numbers."""
    found = swept(down=["8Mbit/s"], max_download=["1MB"], client=["m1"], cold=[True], confidence=[0.9])
    assert [axis.key for axis in found.axes] == [
        "downlink_bits_per_s", "max_download_bytes", "client", "cold", "asked_confidence",
    ]  # fmt: skip
    assert [axis.numbers for axis in found.axes] == [(8e6,), (1e6,), None, None, (0.9,)]
    assert [axis.labels for axis in found.axes] == [("8 Mbit/s",), ("1 MB",), ("m1",), ("yes",), ("0.9",)]


def test_a_value_may_be_left_to_the_default() -> None:
    """None among the values asks for what `decide` does without one; a profile is called by its id."""
    found = swept(calls=[None, 10], device=[fe.device("m1")])
    assert [axis.labels for axis in found.axes] == [("not given", "10"), ("m1",)]
    assert found.axes[0].numbers is None
    assert [point.decision.compared for point in found.points] == ["inference", "amortised"]


def test_every_choice_of_decide_can_vary() -> None:
    """A sweep knows every name that `decide` has, but for who chose and what the default client is."""
    apart = {"model", "device", "dims", "inputs", "default_client", "origin", "return"}
    assert set(fe.decide.__annotations__) - apart == set(CHOICES)


def test_a_file_is_counted_with_its_sizes() -> None:
    """A path in place of a count is profiled first, with the dimensions given."""
    found = fe.sweep(ENCODER, rtt=["1ms"], dims={"batch": 2})
    assert found.points[0].decision.totals.fmas == 2 * 6_649_251_840


def test_a_point_is_found_by_index_or_label() -> None:
    """Each position is an index, from the end if negative, or a label in any spacing."""
    found = grid([[S, C], [U, C]])
    assert found.at(1, 0) is found.at("10ms", "m1") is found.at(-1, -2) is found.points[2]
    with pytest.raises(fe.UsageError, match="axis 'rtt' has no value '11ms'"):
        found.at("11ms", 0)
    with pytest.raises(fe.UsageError, match="axis 'client' has no value 2"):
        found.at(0, 2)
    with pytest.raises(fe.UsageError, match="1 positions are given, and the axes are rtt, client"):
        found.at(0)


def test_flips_are_where_neighbours_differ() -> None:
    """Each combination of the other axes is followed on its own, along the first axis or a named one."""
    found = grid([[S, C], [U, C], [C, C], [C, S]])
    along = [(flip.before.labels, flip.after.labels) for flip in found.flips()]
    assert along == [
        (("1 ms", "m1"), ("10 ms", "m1")),
        (("10 ms", "m1"), ("100 ms", "m1")),
        (("100 ms", "pixel-6a"), ("1 s", "pixel-6a")),
    ]
    across = [(flip.before.at, flip.after.at) for flip in found.flips("client")]
    assert across == [((0, 0), (0, 1)), ((1, 0), (1, 1)), ((3, 0), (3, 1))]
    assert found.flips("device") == found.flips("client")
    with pytest.raises(fe.UsageError, match="there is no axis 'down'"):
        found.flips("down")


def test_the_break_even_lies_between_the_points_of_a_flip() -> None:
    """The round trip at which both sides are even, solved for elsewhere, is where the sweep changes sides."""
    found = fe.sweep(ENCODER, rtt="1ms..1s", points=40)
    first, last = found.flips()[0], found.flips()[-1]
    even = first.before.decision.break_even.rtt
    assert even is not None
    assert (first.before.decision.verdict, last.after.decision.verdict) == (S, C)
    numbers = found.axes[0].numbers or ()
    assert numbers[first.before.at[0]] < even.value < numbers[last.after.at[0]]


def test_the_tally_and_the_line_of_text() -> None:
    """Verdicts are counted, most first; printing a sweep gives one line."""
    found = grid([[S, C], [U, C], [C, C]])
    assert found.tally == {C: 4, S: 1, U: 1}
    assert str(found) == "model.onnx: 3 rtt x 2 client = 6 points: client 4, server 1, undecided 1"


def test_an_axis_that_changes_nothing_is_said() -> None:
    """A loaded call does not wait for the downlink; with calls to share a download, it does."""
    choices: dict[str, Any] = {"rtt": ["10ms", "500ms"], "down": ["10Mbit/s", "150Mbit/s"], "device": ["m1"]}
    idle = fe.sweep(ENCODER, **choices)
    assert idle.idle == ("down changes no verdict and no time here: give calls= or cold=True",)
    assert str(idle).endswith(f"; {idle.idle[0]}")
    assert fe.sweep(ENCODER, **choices, calls=300).idle == ()
    assert fe.sweep(ENCODER, **choices, cold=True).idle == ()


def test_one_difference_is_enough_for_an_axis_to_matter() -> None:
    """An axis is idle where each of its lines is flat; one value alone changes nothing and is no news."""
    assert grid([[S, S], [C, C]]).idle == ("client changes no verdict and no time here",)
    assert grid([[S, S], [C, U]]).idle == ()
    assert grid([[S], [C]]).idle == ()


@pytest.mark.parametrize(
    ("calls", "labels"),
    [
        (np.arange(1, 4), ("1", "2", "3")),
        ([np.int64(1), np.int16(30)], ("1", "30")),
        (deque([1, 2]), ("1", "2")),
        ([Index()], ("7",)),
    ],
)
def test_numbers_and_sequences_of_others_are_read(calls: Any, labels: tuple[str, ...]) -> None:  # noqa: ANN401
    """Arrays, numpy's integers, any sequence, and what calls itself an index."""
    assert swept(calls=calls).axes[0].labels == labels


def test_one_number_of_numpy_is_a_number() -> None:
    """It holds everywhere, as Python's own does, and floats and flags do too."""
    given = {"calls": np.int64(10), "cache_hit": np.float32(0.5), "cold": np.bool_(False)}
    same = {"calls": 10, "cache_hit": 0.5, "cold": False}
    assert swept(rtt=["1ms"], points=np.int8(5), **given) == swept(rtt=["1ms"], **same)
    assert fe.decide(cost(), **given) == fe.decide(cost(), **same)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{"m1"}, iter(["m1"])])
def test_what_has_no_order_or_no_end_is_to_be_a_list(given: Any) -> None:  # noqa: ANN401
    """The hint says so for sets and generators."""
    with pytest.raises(fe.UsageError) as raised:
        swept(device=given)
    assert raised.value.hint == "write a list"


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"client": ["m1", "a15"]}, "client: decide takes one value, and a list of 2 is given"),
        ({"device": ["m1"]}, "client: decide takes one value, and a list of 1 is given"),
        ({"calls": np.arange(3)}, "calls: decide takes one value, and a list of 3 is given"),
        ({"calls": "300"}, "calls: '300' is not a whole number"),
        ({"calls": True}, "calls: True is not a whole number"),
        ({"calls": 2.5}, "calls: 2.5 is not a whole number"),
        ({"fps": "30"}, "fps: '30' is not a number"),
        ({"cold": "yes"}, "cold: 'yes' is not True or False"),
        ({"network": 4}, "network: 4 is not a name or a profile"),
        ({"client": fe.network("wifi")}, "client: a NetworkProfile is not a name or a profile"),
        ({"client": "m1", "device": "m1"}, "'client' is given twice"),
        ({"rtt": 150}, "rtt: 150 has no unit"),
    ],
)
def test_decide_takes_one_value_of_each_kind(choices: dict[str, Any], message: str) -> None:
    """Anything else is a UsageError in one sentence that names the choice."""
    with pytest.raises(fe.UsageError, match=message) as raised:
        fe.decide(cost(), **choices)
    assert "\n" not in str(raised.value)
    if "list" in message:
        assert raised.value.hint == "feasibility.sweep takes lists"


def test_decide_takes_a_device_and_a_path() -> None:
    """`device` is the client by the command line's word, and a profile's file may be a Path."""
    board = Path(fe.__file__).parents[1] / "hardware_profiles" / "m1.yaml"
    assert fe.decide(cost(), device="m1") == fe.decide(cost(), client="m1")
    assert fe.decide(cost(), device=board).client.device == "m1"  # type: ignore[arg-type]


def test_a_chain_takes_a_device() -> None:
    """`device` is the client, and both are one too many."""
    path = ENCODER.parent / "stable_diffusion" / "chain.yaml"
    assert fe.chain(path, device="m1/cpu").chain == fe.chain(path, client="m1/cpu").chain
    with pytest.raises(fe.UsageError, match="'client' is given twice"):
        fe.chain(path, client="m1", device="m1")


def test_the_json_form_holds_axes_and_verdicts() -> None:
    """The JSON is that of axes, and of each point its verdict and times; nothing in it is no JSON."""
    found = json.loads(json.dumps(grid([[S, C]]).to_dict()))
    assert found["axes"][0] == {"name": "rtt", "key": "rtt_s", "labels": ["1 ms"], "numbers": [0.001]}
    assert [(point["at"], point["verdict"]) for point in found["points"]] == [
        ([0, 0], "server"),
        ([0, 1], "client"),
    ]
    assert found["points"][0]["compared_s"]["client"]["typical"] == 0.02


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({}, "nothing varies in this sweep"),
        ({"rtt": "150ms"}, "nothing varies in this sweep"),
        ({"rtt": []}, r"rtt: \[\] holds no value"),
        ({"rtt": [150]}, "rtt: 150 has no unit"),
        ({"rtt": ["150ms", "5"]}, "rtt: '5' has no unit"),
        ({"rtt": "10..500ms"}, "rtt: '10' has no unit"),
        ({"rtt": "500ms..10ms"}, "rtt: '500ms..10ms' leads nowhere"),
        ({"rtt": "0s..1s"}, "rtt: '0s..1s' leads nowhere"),
        ({"rtt": "..1s"}, "rtt: '' is not a time"),
        ({"calls": "1..many"}, "calls: 'many' is not a whole number"),
        ({"calls": "1..9999999999999999999"}, "calls: '9999999999999999999' is not a whole number"),
        ({"calls": [1.5]}, "calls: 1.5 is not a whole number"),
        ({"calls": [True]}, "calls: True is not a whole number"),
        ({"calls": [0, 1]}, "at calls '0': calls 0 is not a number of calls"),
        ({"fps": ["30"]}, "fps: '30' is not a number"),
        ({"cold": [1]}, "cold: 1 is not True or False"),
        ({"precision": ["fp16", 8]}, "precision: 8 is not a name"),
        ({"device": ["m1", {"m1"}]}, "client: a set is not a name or a profile"),
        ({"device": {"m1"}}, "client: a set is not a name or a profile"),
        ({"rtt": {"1ms"}}, "rtt: a set is not a time like '150ms'"),
        ({"calls": iter([1, 2])}, "calls: a list_iterator is not a whole number"),
        ({"device": ["m1", "m11"], "rtt": ["1ms"]}, "at client 'm11', rtt '1 ms': there is no device"),
        ({"runtime": ["metal", "ncnn-cpu"]}, "at runtime 'ncnn-cpu': device 'm1' does not run 'ncnn-cpu'"),
        ({"device": ["m1"], "client": "m1"}, "'client' is given twice"),
        ({"devices": ["m1"]}, "'devices' is no choice of a sweep"),
        ({"rtt": "1ms..1s", "points": 1}, "a span of 1 points is none"),
        ({"rtt": "1ms..1s", "points": "5"}, "points: '5' is not a whole number"),
        ({"rtt": "1ms..1s", "points": 2.5}, "points: 2.5 is not a whole number"),
        ({"rtt": "1ms..1s", "points": None}, "points: None is not a whole number"),
        ({"rtt": "1ms..1s", "points": True}, "points: True is not a whole number"),
        ({"rtt": "1ms..1s", "points": 10**9}, "a span of 1000000000 points is none"),
        ({"calls": list(range(1, 102)), "rtt": [f"{n}ms" for n in range(1, 101)]},
         "101 calls x 100 rtt are 10,100 points, and a sweep takes at most 10,000"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_one_sentence(choices: dict[str, Any], message: str) -> None:
    """The error names the axis and the value, and is a UsageError."""
    with pytest.raises(fe.UsageError, match=message) as raised:
        swept(**choices)
    assert "\n" not in str(raised.value)


def test_the_bound_on_points_is_what_the_sentence_says() -> None:
    """As many points as the bound pass its check, which comes before any is decided."""
    assert MAX_POINTS == 10_000
    with pytest.raises(fe.UsageError, match="at calls '0'"):  # the first point is reached
        swept(calls=list(range(100)), rtt=[f"{n}ms" for n in range(1, 101)])
