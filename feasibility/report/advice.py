"""Say what would flip an answer, which assumption moves it most, and how to narrow that one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feasibility.report.wording import compared_times, failed_checks, number, uncounted
from feasibility.units import Bytes, PerSecond, Seconds

if TYPE_CHECKING:  # the records import pydantic, which `feasible profile` does without
    from feasibility.decide.records import Check, Decision, Phase
    from feasibility.timing.interval import Interval

_OWN_RULE = "give each a rule of your own (README, Python)"
_WIDE = 1.1  # high / typical above which an interval is worth narrowing


def flips(decision: Decision) -> Iterator[str]:
    """Yield what would change the verdict, one quantity at a time."""
    yield from decision.changes
    failed = failed_checks(decision)
    if failed:
        yield f"the times would decide, if {' and '.join(map(_kept, failed))}"
    elif decision.confidence is None:
        yield f"either side, once the uncounted nodes are counted: {_OWN_RULE}"
    else:
        yield from filter(None, (flip(decision) for flip in _FLIPS[decision.compared]))


_LIMITED = {
    "memory": "the memory that the client needs",
    "download": "the download",
    "host_file": "the model's file",
    "host_total": "the model's files",
    "server_memory": "the memory that the server needs",
}
_TIMED = frozenset({"frame_rate", "server_frame_rate", "server_p99"})  # limits that a time decides
_LIFTED = {
    "offline": "the app might need a network",
    "private_input": "the input might leave the device",
    "secret_model": "the weights might be shipped",
    "frame_rate": "the client kept up with the frames: fewer of them, or a faster device",
    "server_p99": "more time were allowed: --p99",
    "server_frame_rate": "the server kept up with the frames: fewer or smaller ones, or a faster uplink",
}


def _kept(check: Check) -> str:
    """Say what would keep to a limit."""
    if check.name in _LIFTED:
        return _LIFTED[check.name]
    what = _LIMITED.get(check.name, check.name)
    if check.actual is None or check.limit is None or check.quantity_unit != "bytes":
        return f"{what} kept to its limit"
    return f"{what} were {Bytes(check.limit).as_limit()} or less (now {Bytes(check.actual)})"


def _flip(decision: Decision, what: str, value: object, now: str = "") -> str:
    """Say which side wins beyond a break-even above which the client does."""
    verdict = decision.verdict.value
    if verdict == "client":
        return f"server, if {what} were below {value}{now}"
    if verdict == "server":
        return f"client, if {what} were above {value}{now}"
    return f"even, if {what} were {value}{now}; more favours the client"


def _flip_rtt(decision: Decision) -> str:
    value = decision.break_even.rtt
    return "" if value is None else _flip(decision, "the round trip", value, _rtt_now(decision))


def _flip_rtt_of_call(decision: Decision) -> str:
    """Take the round trip out of a warm call; the rest stays (but for Reno's loss cap)."""
    rtt = decision.window.window
    value = decision.client.inference.typical - (decision.server.call.typical - rtt)
    return _flip(decision, "the round trip", value, _rtt_now(decision)) if value > Seconds(0) else ""


def _rtt_now(decision: Decision) -> str:
    return f" (now {decision.window.window})"


def _flip_payload(decision: Decision) -> str:
    value = decision.break_even.payload
    return "" if value is None else _flip(decision, "what a call sends", value)


def _flip_traffic(decision: Decision) -> str:
    value, service = decision.break_even.traffic, decision.server.service
    if value is None or service is None:
        return ""
    those = "replica" if service.replicas == 1 else f"{service.replicas:,} replicas"
    return f"client, if more than {value} came to the same {those} (now {PerSecond(service.rate_per_s)})"


def _flip_rate(decision: Decision) -> str:
    value = decision.break_even.client_rate
    if value is None:
        return ""
    client, w = decision.client, decision.window
    now = f" (now {w.peak / w.window})" if w.window else ""
    return _flip(decision, f"the peak of {client.device} {client.unit}", value, now)


def _flip_calls(decision: Decision) -> str:
    value = decision.break_even.calls
    if value is None:
        return ""
    verdict, least = decision.verdict.value, math.ceil(value)
    if verdict == "client":
        return f"server, if a download served fewer than {least:,} calls" if least > 1 else ""
    if verdict == "server":
        return f"client, if a download served {least:,} calls or more"
    return f"even, if a download served {number(value)} calls; more favours the client"


def _flip_first_call(decision: Decision) -> str:
    """Say how many calls make up for a slow first one."""
    words = "" if decision.verdict.value == "client" else _flip_calls(decision)
    return words and f"{words} (--calls N)"


def _paid_off(decision: Decision) -> str:
    """Say when the download pays off, where the verdict does not count it."""
    value = decision.break_even.calls
    if value is None:
        return ""
    if decision.verdict.value == "client":
        words = _flip_calls(decision)
        return words and f"{words} (--calls N)"
    first = f"{math.ceil(value):,}"
    return f"with payload and download counted, the client is ahead from call {first} on (--calls N)"


def _flip_downlink(decision: Decision) -> str:
    value = decision.break_even.downlink
    return "" if value is None else _flip(decision, "the downlink", value)


_FLIPS: Mapping[str, tuple[Callable[[Decision], str], ...]] = {
    "inference": (_flip_rtt, _flip_rate, _flip_traffic, _paid_off),
    "payload": (_flip_rtt_of_call, _flip_payload, _paid_off),
    "cold": (_flip_first_call,),
    "amortised": (_flip_calls, _flip_downlink),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """An uncertain part of what is compared, and how a user makes it certain."""

    what: str
    seconds: Interval
    narrow: str
    share: float = 1.0  # of it that enters the comparison


def largest_assumption(decision: Decision) -> tuple[str, str]:
    """Return the assumption that moves the answer most, and how to narrow it."""
    if decision.coverage.unknown:
        return uncounted(decision.coverage), f"count them: {_OWN_RULE}"
    if any(check.name not in _TIMED for check in failed_checks(decision)):
        return "nothing that a time could change: a limit decides", "--why says where each limit comes from"
    doubts = (*_speeds(decision), *_LINKS[decision.compared](decision))
    widest = max(doubts, key=lambda d: d.share * (d.seconds.high - d.seconds.low).value)
    interval = widest.seconds
    if interval.typical and interval.high / interval.typical > _WIDE:
        return f"{widest.what}: {interval.low} to {interval.high} in 8 of 10 cases", widest.narrow
    if decision.coverage.assumed:
        return "; ".join(decision.coverage.assumed), "--dim NAME=N"
    return "the round trip stays as given", "--rtt with a measured value"


def _speeds(decision: Decision) -> Iterator[_Doubt]:
    client, server = decision.client, decision.server
    rival = compared_times(decision)[1]
    goal = f" (the client wins below {rival})" if decision.compared in {"inference", "payload"} else ""
    yield _Doubt(
        what=f"the speed of {client.device} {client.unit} with {client.runtime}",
        seconds=client.inference,
        narrow=f"time one inference on {client.device}{goal}, or name --runtime and --precision",
    )
    yield _Doubt(
        what=f"the speed of {server.device} {server.unit} with {server.runtime}",
        seconds=server.inference,
        narrow=f"time one inference on {server.device}, or name --server and --server-precision",
    )


def _round_trip(decision: Decision) -> Iterator[_Doubt]:
    for seconds in _phases(decision.server.phases, "round trip"):
        yield _Doubt(
            what=f"the round trip{_over(decision)}", seconds=seconds, narrow="measure it: --rtt TIME"
        )


def _call(decision: Decision) -> Iterator[_Doubt]:
    yield _Doubt(
        what=f"a call of the server{_over(decision)}",
        seconds=decision.server.call,
        narrow="measure the link: --rtt, --down, --up",
    )


def _download(decision: Decision) -> Iterator[_Doubt]:
    calls = int(decision.scenario["calls"].value) if decision.compared == "amortised" else 1
    for seconds in _phases(decision.client.phases, "download"):
        yield _Doubt(
            what=f"the download{_over(decision)}",
            seconds=seconds,
            narrow="measure the link: --down RATE",
            share=1 / calls,
        )


def _phases(phases: tuple[Phase, ...], name: str) -> Iterator[Interval]:
    return (phase.seconds for phase in phases if phase.name == name)


def _over(decision: Decision) -> str:
    link = decision.scenario.get("network")
    return f" over {link.value}" if link else ""


_LINKS: Mapping[str, Callable[[Decision], tuple[_Doubt, ...]]] = {
    "inference": lambda d: tuple(_round_trip(d)),
    "payload": lambda d: tuple(_call(d)),
    "cold": lambda d: tuple(_download(d)),
    "amortised": lambda d: (*_call(d), *_download(d)),
}
