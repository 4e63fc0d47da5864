"""Choose the words of an answer, once for every format that people read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feasibility.cost import Coverage, ModelRef, Totals
from feasibility.units import Bytes, Flops, Seconds, format_count

if TYPE_CHECKING:  # the records import pydantic, which `feasible profile` does without
    from feasibility.decide.records import Check, Decision
    from feasibility.timing.interval import Interval

NOTHING = "-"
_SURE = 0.995  # above, a whole percent would read 100 %
_CACHE_INPUT = re.compile(r"past_|past$|(^|[_./])(kv_?)?cache(?![a-z])", re.IGNORECASE)
_SHOWN_UNKNOWN = 5
_SMALL = 10  # a number below it is shown with its first decimal
_WIDE = 1.1  # high / typical above which an interval is worth narrowing


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the two sides of one kind of comparison are called."""

    label: str
    client: str
    server: str


COMPARISONS = {
    "inference": Comparison(
        label="one inference on the device (model loaded) against round trip + inference on the server",
        client="",
        server=", round trip included",
    ),
    "payload": Comparison(
        label="one inference on the device (model loaded) against one call of the server, payload included",
        client="",
        server=", round trip and payload included",
    ),
    "cold": Comparison(
        label="the first call on either side: connection, download and load included",
        client=" for the first call, download included",
        server=" for the first call",
    ),
    "amortised": Comparison(
        label="the average call on either side, the download shared by all calls",
        client=" a call, download included",
        server=" a call",
    ),
}


def percent(share: float | None) -> str:
    """Show a share as whole percent; never claim 100 %."""
    if share is None:
        return NOTHING
    return ">99 %" if share > _SURE else f"{100 * share:.0f} %"


def number(value: float | None) -> str:
    """Show a bare number without an exponent."""
    if value is None:
        return NOTHING
    return f"{value:.2g}" if value < _SMALL else f"{value:,.0f}"


def headline(decision: Decision) -> str:
    """Return the answer in one sentence, verdict first."""
    verdict = decision.verdict.value
    failed = failed_checks(decision)
    if verdict in {"client", "server"} and decision.confidence is not None:
        return f"{verdict} ({percent(decision.confidence)} sure): {_times(decision)}"
    if failed:
        return f"{verdict}: {' '.join(check.message for check in failed)}"
    if decision.confidence is not None:
        return f"{verdict} (no more than {percent(decision.confidence)} sure): {_times(decision)}"
    return f"{verdict}: {_times(decision)}"


def _times(decision: Decision) -> str:
    words = COMPARISONS[decision.compared]
    calls = decision.scenario.get("calls")
    over = f"over {calls.value} calls, " if decision.compared == "amortised" and calls else ""
    client_time, server_time = compared_times(decision)
    client, server = decision.client, decision.server
    return (
        f"{over}{client.device} {client.unit} takes {client_time}{words.client}; "
        f"server {server.device} takes {server_time}{words.server}."
    )


def compared_times(decision: Decision) -> tuple[Seconds, Seconds]:
    """Return the typical times that the verdict compares: the client's and the server's."""
    client, server = decision.client, decision.server
    if decision.compared == "inference":
        return client.inference.typical, decision.window.window + server.inference.typical
    if decision.compared == "payload":
        return client.inference.typical, server.call.typical
    if decision.compared == "cold":
        return client.first_call.typical, server.first_call.typical
    once = client.first_call.typical - client.inference.typical
    return client.inference.typical + once / int(decision.scenario["calls"].value), server.call.typical


def failed_checks(decision: Decision) -> list[Check]:
    """Return the limits that do not hold."""
    return [check for check in decision.checks if check.passed is False]


def assumptions(coverage: Coverage) -> str:
    """Return the sizes that nobody gave, as one sentence, or nothing."""
    if not coverage.assumed:
        return ""
    return f"Assumed {'; '.join(coverage.assumed)} (--dim NAME=N sets it)."


def notes(coverage: Coverage, model: ModelRef) -> list[str]:
    """Return what a reader must know before believing the numbers."""
    return [note for note in (uncounted(coverage), one_pass_note(model)) if note]


def one_pass_note(model: ModelRef) -> str:
    """Return the warning that a model with a cache input needs, or nothing."""
    if not any(_CACHE_INPUT.search(spec.name) for spec in model.inputs):
        return ""
    return "One forward pass, not tokens per second: the model takes a past or cache as input."


def uncounted(coverage: Coverage) -> str:
    """Return which nodes are not counted, or nothing."""
    if not coverage.unknown:
        return ""
    shown = [f"{u.name or u.op_type!r} ({u.domain}::{u.op_type}): {u.reason}" for u in coverage.unknown]
    more = len(shown) - _SHOWN_UNKNOWN
    tail = f"; and {more} more" if more > 0 else ""
    return f"Not counted: {'; '.join(shown[:_SHOWN_UNKNOWN])}{tail}."


def coverage_line(coverage: Coverage) -> str:
    """Return how many nodes were counted."""
    unknown = len(coverage.unknown)
    seen = coverage.nodes - unknown
    share = 100 * seen / coverage.nodes if coverage.nodes else 100.0
    lost = f", {unknown} not counted" if unknown else ""
    return (
        f"{share:.3g} %: of {coverage.nodes} nodes {coverage.counted} counted, "
        f"{coverage.folded} folded to constants{lost}"
    )


def work(totals: Totals, coverage: Coverage) -> str:
    """Return the work of one pass and the parameters in one phrase."""
    least = "at least " if coverage.unknown else ""
    return (
        f"{least}{format_count(totals.fmas)} FMA, {Flops(totals.flops)} a pass; "
        f"{format_count(totals.parameters)} parameters ({Bytes(totals.parameter_bytes)} as stored)"
    )


def network(decision: Decision) -> str:
    """Return the link with who chose each of its values."""
    scenario = decision.scenario
    parts = [
        f"{name} {scenario[key].value} ({scenario[key].origin})"
        for key, name in (("rtt", "rtt"), ("downlink", "down"), ("uplink", "up"))
        if key in scenario
    ]
    link = scenario.get("network")
    return f"{link.value if link else 'given'}: {', '.join(parts)}"


def call(decision: Decision) -> str:
    """Return what a warm call of the server takes with all that travels."""
    return f"{decision.server.call.typical} on an open connection, request and response included"


def window(decision: Decision) -> str:
    """Return what the device could do while only the network is travelling."""
    w = decision.window
    client = f"{decision.client.device} {decision.client.unit}"
    return (
        f"{w.window} of round trip is {w.peak} at the peak of {client}: "
        f"{number(w.passes_at_peak)} passes at peak, {number(w.passes_achievable)} as it really runs"
    )


def memory(decision: Decision) -> str:
    """Return the memory that the client needs, and what it may use."""
    messages = [check.message for check in decision.checks if check.name == "memory"]
    if messages:
        return messages[0].rstrip(".")
    totals = decision.totals
    return f"{Bytes(totals.parameter_bytes + totals.peak_activation_bytes)} for weights and activations"


def download(decision: Decision) -> str:
    """Return what must travel before the first local inference."""
    size = Bytes(decision.totals.download_bytes)
    client, server = decision.client.first_call.typical, decision.server.first_call.typical
    return f"{size} once; the first answer comes after {client} here, after {server} from the server"


def flips(decision: Decision) -> Iterator[str]:
    """Yield what would change the verdict, one quantity at a time."""
    failed = failed_checks(decision)
    if failed:
        yield from map(_flip_check, failed)
        return
    yield from filter(None, (flip(decision) for flip in _FLIPS[decision.compared]))


def _flip_check(check: Check) -> str:
    actual, limit = check.actual, check.limit
    if actual is None or limit is None or check.quantity_unit != "bytes":
        return f"the check {check.name} passing"
    return f"the check {check.name} passing: {Bytes(actual)} are needed, {Bytes(limit)} are allowed"


def _other_side(decision: Decision, *, client_above: bool) -> str:
    """Name who wins on the far side of a break-even above which the client (or server) wins."""
    verdict = decision.verdict.value
    if verdict == "client":
        return "server, if {} were " + ("below" if client_above else "above")
    if verdict == "server":
        return "client, if {} were " + ("above" if client_above else "below")
    return "client, if {} is clearly " + ("above" if client_above else "below")


def _flip_rtt(decision: Decision) -> str:
    value = decision.break_even.rtt
    if value is None:
        return ""
    now = f" (now {decision.window.window})"
    return f"{_other_side(decision, client_above=True).format('the round trip')} {value}{now}"


def _flip_rate(decision: Decision) -> str:
    value = decision.break_even.client_rate
    if value is None:
        return ""
    client, w = decision.client, decision.window
    now = f" (now {w.peak / w.window})" if w.window else ""
    what = f"the peak of {client.device} {client.unit}"
    return f"{_other_side(decision, client_above=True).format(what)} {value}{now}"


def _flip_calls(decision: Decision) -> str:
    value = decision.break_even.calls
    if value is None:
        return ""
    return f"{_other_side(decision, client_above=True).format('the calls per download')} {number(value)}"


def _paid_off(decision: Decision) -> str:
    """Say when the download pays off, where the verdict does not count it."""
    value = decision.break_even.calls
    if value is None:
        return ""
    return f"with the download counted, the device is ahead from call {math.ceil(value):,} on (--calls N)"


def _flip_downlink(decision: Decision) -> str:
    value = decision.break_even.downlink
    if value is None:
        return ""
    return f"{_other_side(decision, client_above=True).format('the downlink')} {value}"


_FLIPS: Mapping[str, tuple[Callable[[Decision], str], ...]] = {
    "inference": (_flip_rtt, _flip_rate, _paid_off),
    "payload": (_paid_off,),
    "cold": (_paid_off,),
    "amortised": (_flip_calls, _flip_downlink),
}


def largest_assumption(decision: Decision) -> tuple[str, str]:
    """Return the assumption that moves the answer most, and how to narrow it."""
    if decision.coverage.unknown:
        return uncounted(decision.coverage), "count them with a rule of your own (README, Python)"
    side, interval = _widest(decision)
    factor = interval.high / interval.typical if interval.typical else 1.0
    if factor > _WIDE:
        placement = decision.client if side == "client" else decision.server
        where = f"{placement.device} {placement.unit} with {placement.runtime}"
        text = f"the speed of {where}: {interval.low} to {interval.high} in 8 of 10 cases"
        return text, _NARROW[side]
    if decision.coverage.assumed:
        return "; ".join(decision.coverage.assumed), "--dim NAME=N"
    return "the round trip stays as given", "--rtt with a measured value"


_NARROW = {
    "client": "time one inference on the device; name its --runtime and --precision",
    "server": "time one inference on the server; name it with --server and --server-precision",
}


def _widest(decision: Decision) -> tuple[str, Interval]:
    """Return the side whose time is the less certain one, in seconds."""
    sides = (("client", decision.client.inference), ("server", decision.server.inference))
    return max(sides, key=lambda side: (side[1].high - side[1].low).value)


def spread(interval: Interval) -> str:
    """Show a typical value with its p10 and p90."""
    if interval.low == interval.high:
        return str(interval.typical)
    return f"{interval.typical} ({interval.low} to {interval.high})"
