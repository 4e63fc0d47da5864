"""Choose the words of an answer, once for every format that people read."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feasibility.cost import Coverage, ModelRef, Totals
from feasibility.units import Bytes, Flops, PerSecond, Seconds, format_count

if TYPE_CHECKING:  # the records import pydantic, which `feasible profile` does without
    from feasibility.decide.records import Check, ClientSide, Decision, ServerSide
    from feasibility.decide.traffic import Service

NOTHING = "-"
_SURE = 0.995  # above, 99 % would say too little
_DUST = 1e-9  # what 100 * 0.29 falls short of 29
_CACHE_INPUT = re.compile(r"past_|past$|(^|[_./])(kv_?)?cache(?![a-z])", re.IGNORECASE)
_SHOWN_UNKNOWN = 5
_SMALL = 10  # a number below it is shown with its first decimal
_EVEN = 0.51  # below, it would read 50 %


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
        server=" with round trip",
    ),
    "payload": Comparison(
        label="one inference on the device (model loaded) against one call of the server, payload included",
        client="",
        server=" with round trip and payload",
    ),
    "cold": Comparison(
        label="the first call on either side: connection, download and load included",
        client=" for the first call with download and load",
        server="",
    ),
    "amortised": Comparison(
        label="the average call on either side, the download shared by all calls",
        client=" a call with its share of the download",
        server="",
    ),
}


def percent(share: float | None) -> str:
    """Show a share as whole percent, rounded down: 79.6 % is not the 80 % that was asked."""
    if share is None:
        return NOTHING
    return ">99 %" if share > _SURE else f"{math.floor(100 * share + _DUST)} %"


def number(value: float | None) -> str:
    """Show a bare number without an exponent."""
    if value is None:
        return NOTHING
    return f"{value:.2g}" if value < _SMALL else f"{value:,.0f}"


def headline(decision: Decision) -> str:
    """Return the answer in one sentence, verdict first, then how sure it is or what decides."""
    failed = failed_checks(decision)
    if failed:
        limits = " ".join(check.message for check in failed)
        decides = "a limit decides" if len(failed) == 1 else "limits decide"
        return f"{decision.verdict.value} ({decides}): {limits}"
    if decision.confidence is None and not decision.coverage.unknown:
        return f"{decision.verdict.value} (a check cannot tell): {decision.reasons[0]}"
    return f"{decision.verdict.value} ({_certainty(decision)}): {_times(decision)}"


def _certainty(decision: Decision) -> str:
    """Say how sure the verdict is; in doubt who is ahead, or what nobody could count."""
    confidence = decision.confidence
    if confidence is None:
        return f"{len(decision.coverage.unknown)} of {decision.coverage.nodes} nodes are not counted"
    if decision.verdict.value != "undecided":
        return f"{percent(confidence)} sure"
    if confidence < _EVEN:
        return "too close to call"
    client_time, server_time = compared_times(decision)
    ahead = "client" if client_time <= server_time else "server"
    return f"{ahead} ahead, only {percent(confidence)} sure"


def _times(decision: Decision) -> str:
    words = COMPARISONS[decision.compared]
    calls = decision.scenario.get("calls")
    over = f"over {calls.value} calls, " if decision.compared == "amortised" and calls else ""
    least = "at least " if decision.coverage.unknown else ""
    client_time, server_time = compared_times(decision)
    client, server = decision.client, decision.server
    return (
        f"{over}{client.device} {client.unit} takes {least}{client_time}{words.client}, "
        f"server {server.device} {least}{server_time}{words.server}."
    )


def compared_times(decision: Decision) -> tuple[Seconds, Seconds]:
    """Return the typical times that the verdict compares: the client's and the server's."""
    return decision.client_time.typical, decision.server_time.typical


def failed_checks(decision: Decision) -> list[Check]:
    """Return the limits that do not hold."""
    return [check for check in decision.checks if check.passed is False]


_MOST_SAID = 50  # assumptions in words; real models have a few, a hostile one a million
_SIZE = re.compile(r"=\d+$", re.ASCII)  # NAME=N, NAME<=N


def assumptions(coverage: Coverage) -> str:
    """Return the sizes that nobody gave, as one sentence, or nothing."""
    shown = coverage.assumed[:_MOST_SAID]
    sizes = [said for said in shown if _SIZE.search(said)]
    others = [said for said in shown if not _SIZE.search(said)]
    named = [f"{'; '.join(sizes)} (--dim NAME=N sets it)"] if sizes else []
    hidden = len(coverage.assumed) - len(shown)
    more = [f"and {hidden:,} more (--format json lists them)"] if hidden else []
    return f"Assumed {'; '.join([*named, *others, *more])}." if shown else ""


def pays_off(decision: Decision) -> str:
    """Return when the download pays off where the client wins without counting it, or nothing."""
    calls = decision.break_even.calls
    if (
        decision.verdict.value != "client"
        or failed_checks(decision)
        or decision.compared not in {"inference", "payload"}
        or calls is None
    ):
        return ""
    return f"The download of {download_size(decision)} pays off from call {math.ceil(calls):,} on."


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
        f"{share:.3g} %: {coverage.counted} of {coverage.nodes} nodes counted, "
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
    """Return the link, and who chose those of its values that are not its own."""
    scenario = decision.scenario
    link = scenario.get("network")
    own = f"profile {link.value}" if link else ""
    parts = [
        f"{name} {scenario[key].value}"
        + ("" if scenario[key].origin == own else f" ({scenario[key].origin})")
        for key, name in (("rtt", "rtt"), ("cdn_rtt", "cdn rtt"), ("downlink", "down"), ("uplink", "up"))
        if key in scenario
    ]
    resumed = ", connections resumed" if "resumed" in scenario else ""
    return f"{link.value if link else 'given'}{assumed(decision, 'network')}: {', '.join(parts)}{resumed}"


def assumed(decision: Decision, choice: str) -> str:
    """Return a mark for a choice that nobody made, or nothing."""
    setting = decision.scenario.get(choice)
    return " (assumed)" if setting is not None and setting.origin == "default" else ""


def call(decision: Decision) -> str:
    """Return what a warm call of the server takes with all that travels."""
    return f"{decision.server.call.typical} on an open connection, request and response included"


def traffic(service: Service) -> str:
    """Return what answers everybody's requests, how soon, and what it costs."""
    rate = PerSecond(service.rate_per_s)
    if not service.replicas:
        return f"{rate}: {service.reason}"
    money = "price unknown"
    if service.usd_per_hour is not None and service.usd_per_million is not None:
        yearly = f"{service.usd_per_year:,.0f} USD a year"
        money = f"{service.usd_per_hour:,.2f} USD/h, {service.usd_per_million:,.2f} a million, {yearly}"
    cdn = service.cdn_bytes_per_year
    fetched = "" if cdn is None else f"; devices would fetch {Bytes(cdn)} a year instead"
    replicas = f"{service.replicas:,} replica{'s' * (service.replicas != 1)}"
    return (
        f"{rate} on {replicas}, batches of at most {service.batch}, {100 * service.utilisation:.0f} % busy: "
        f"p50 {service.response_p50}, p99 {service.response_p99} (goal {service.p99_goal}); {money}{fetched}"
    )


def window(decision: Decision) -> str:
    """Return what the device could do while only the network is travelling."""
    w = decision.window
    text = (
        f"{w.window} of round trip is {w.peak} at the peak of {decision.client.device} {decision.client.unit}"
    )
    if w.passes_at_peak is None or w.passes_achievable is None:
        return text
    at_peak, achievable = number(w.passes_at_peak), number(w.passes_achievable)
    return f"{text}: {at_peak} passes of this model at peak, {achievable} at its estimated speed"


def memory(decision: Decision) -> str:
    """Return the memory that the client needs, and what it may use."""
    messages = [check.message for check in decision.checks if check.name == "memory"]
    if messages:
        return messages[0].rstrip(".")
    totals = decision.totals
    return f"{Bytes(totals.parameter_bytes + totals.peak_activation_bytes)} for weights and activations"


def download_size(decision: Decision) -> Bytes:
    """Return what a first visit fetches, at the precision that was asked for."""
    sizes = (check.actual for check in decision.checks if check.name == "download")
    return Bytes(next((size for size in sizes if size is not None), decision.totals.download_bytes))


def download(decision: Decision) -> str:
    """Return what must travel before the first local inference."""
    client, server = decision.client, decision.server
    first, rival = client.first_call.typical, server.first_call.typical
    size = download_size(decision)
    comes = f"the first answer comes after {first} on {client.device}, {rival} from {server.device}"
    return f"{size} once{packed(decision)}; {comes}"


_ASKED = frozenset({"host_file", "host_total", "frame_rate", "server_frame_rate"})


def limits(decision: Decision) -> str:
    """Return the limits that were asked for and did not decide, held or not to be judged; or nothing."""
    asked = (check for check in decision.checks if check.name in _ASKED and check.passed is not False)
    return " ".join(check.message for check in asked)


def packed(decision: Decision) -> str:
    """Return how the download is compressed, or nothing."""
    method = decision.scenario.get("compress")
    return "" if method is None else f" ({method.value})"


def label(decision: Decision) -> str:
    """Return what is compared, and which sessions find the model cached."""
    setting = decision.scenario.get("cache_hit")
    cached = 0.0 if setting is None else float(setting.value)
    share = f"; cached in {percent(cached)} of sessions" if cached else ""
    return f"{COMPARISONS[decision.compared].label}{share}"


def where(side: ClientSide | ServerSide) -> str:
    """Return the device of a side, its unit, runtime and precision."""
    return f"{side.device} {side.unit}, {side.runtime}, {side.precision}"
