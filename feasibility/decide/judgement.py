"""Turn checks and a contest into a verdict: limits first, then times, then doubt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from feasibility.decide.checks import CLIENT_CHECKS, SERVER_CHECKS
from feasibility.decide.contest import Contest
from feasibility.decide.records import Check, Verdict
from feasibility.timing.compute import ComputeTime
from feasibility.units import Seconds

_FRAMES = {Verdict.CLIENT: "frame_rate", Verdict.SERVER: "server_frame_rate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, P(its side is the faster one), and in doubt why.

    In doubt `confidence` is that of the leading side; it is None where a check
    decided, and where uncounted work has no probability.
    """

    verdict: Verdict
    confidence: float | None
    doubt: str = ""

    @property
    def feasible(self) -> bool | None:
        """Tell whether the client's side holds; None in doubt."""
        if self.verdict is Verdict.UNDECIDED:
            return None
        return self.verdict is Verdict.CLIENT


def judge(
    checks: tuple[Check, ...], met: Contest, *, asked: float, client: ComputeTime, server: ComputeTime
) -> Judgement:
    """Return the verdict; a failed check decides alone."""
    barred = _barred(checks)
    if barred is not None:
        return Judgement(verdict=barred, confidence=None)
    ahead = met.client_wins
    lead, sure = (Verdict.CLIENT, ahead) if ahead >= 1 - ahead else (Verdict.SERVER, 1 - ahead)
    if _could_flip(lead, client, server):
        gap = Seconds(abs(met.server.typical.value - met.client.typical.value))
        return Judgement(verdict=Verdict.UNDECIDED, confidence=None, doubt=_uncounted(lead, gap))
    for check in checks:
        if check.passed is None and check.name == _FRAMES[lead]:
            return Judgement(verdict=Verdict.UNDECIDED, confidence=None, doubt=check.message)
    if sure < asked:
        return Judgement(verdict=Verdict.UNDECIDED, confidence=sure, doubt=_unsure(lead, sure, asked))
    return Judgement(verdict=lead, confidence=sure)


def _barred(checks: tuple[Check, ...]) -> Verdict | None:
    """Return what failed checks leave: the other side, neither, or None for an open contest."""
    failed = {check.name for check in checks if check.passed is False}
    client_out, server_out = bool(failed & CLIENT_CHECKS), bool(failed & SERVER_CHECKS)
    if client_out and server_out:
        return Verdict.NEITHER
    if client_out:
        return Verdict.SERVER
    return Verdict.CLIENT if server_out else None


def _could_flip(lead: Verdict, client: ComputeTime, server: ComputeTime) -> bool:
    """Tell whether uncounted nodes, which run on either side, could change who leads.

    They cost a leading client its lead if they are long enough. A leading server only
    gains by them, if it computes and moves bytes at least as fast as the client.
    """
    if not client.lower_bound:
        return False
    faster_server = (
        server.lane.peak_flops_per_s >= client.lane.peak_flops_per_s
        and server.lane.bandwidth_bytes_per_s >= client.lane.bandwidth_bytes_per_s
    )
    return lead is Verdict.CLIENT or not faster_server


def _uncounted(lead: Verdict, gap: Seconds) -> str:
    other = "server" if lead is Verdict.CLIENT else "client"
    return (
        f"The {lead.value} is ahead by {gap} on what is counted; "
        f"the uncounted nodes could cost that and put the {other} ahead."
    )


def _unsure(lead: Verdict, sure: float, asked: float) -> str:
    # rounded down: 79.6 % must not read as the 80 % that is asked for
    return (
        f"The {lead.value} is ahead with {math.floor(100 * sure)} % confidence, "
        f"and {100 * asked:g} % is asked for."
    )
