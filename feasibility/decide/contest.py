"""Say what is compared, and the two times that are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from feasibility.decide.confidence import client_faster
from feasibility.decide.records import Compared, Scenario
from feasibility.decide.sides import Client, Server
from feasibility.errors import UsageError
from feasibility.timing import network as links
from feasibility.timing.interval import Interval

_COIN_TOSS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """What is compared: the client's time against the server's network and compute parts."""

    compared: Compared
    client: Interval
    network: Interval
    compute: Interval

    @property
    def server(self) -> Interval:
        """Return the server's time."""
        return self.network + self.compute

    @property
    def client_wins(self) -> float:
        """Return P(the client is the faster side)."""
        return client_faster(self.client, (self.network, self.compute))


def check(scenario: Scenario) -> None:
    """Raise UsageError for a comparison that cannot be made."""
    if scenario.calls is not None and scenario.cold:
        msg = f"cold compares first calls, calls={scenario.calls} compares averages"
        raise UsageError(msg, hint="give one of them")
    if scenario.cache_hit and scenario.calls is None:
        msg = (
            f"cache_hit {scenario.cache_hit:g} shares downloads among calls, and no number of calls is given"
        )
        raise UsageError(msg, hint="give calls too, like 20 a session")
    if not 0 <= scenario.cache_hit <= 1:
        msg = f"cache_hit {scenario.cache_hit!r} is not a share from 0 to 1"
        raise UsageError(msg, hint="0.8: four sessions of five find the model cached")
    if scenario.policy.fps is not None and not 0 < scenario.policy.fps < math.inf:
        msg = f"fps {scenario.policy.fps!r} is not a number of frames a second"
        raise UsageError(msg, hint="30 is a camera's")
    if scenario.calls is not None and scenario.calls < 1:
        msg = f"calls {scenario.calls!r} is not a number of calls per download"
        raise UsageError(msg, hint="give 1 or more")
    if not _COIN_TOSS <= scenario.confidence <= 1:
        msg = f"confidence {scenario.confidence!r} is not a probability from {_COIN_TOSS} to 1"
        raise UsageError(msg, hint="0.8 asks to be right four times in five")


def contest(scenario: Scenario, client: Client, server: Server) -> Contest:
    """Return the two times: the founding inequality, unless the scenario asks for more.

    Averages share the download among `calls`; the server's connection is open, because
    the application that asked for the model has it anyway.
    """
    one, kind = client.side.inference, kind_of(scenario)
    both: dict[Compared, tuple[Interval, Interval]] = {
        "amortised": (one + (1 / (scenario.calls or 1)) * client.setup, server.call_network),
        "cold": (client.side.first_call, server.first_network),
        "payload": (one, server.call_network),
        "inference": (one, links.round_trip(scenario.network)),
    }
    own, network = both[kind]
    return Contest(compared=kind, client=own, network=network, compute=server.busy)


def kind_of(scenario: Scenario) -> Compared:
    """Return what is compared."""
    if scenario.calls is not None:
        return "amortised"
    if scenario.cold:
        return "cold"
    return "inference" if scenario.payload is None and scenario.response is None else "payload"
