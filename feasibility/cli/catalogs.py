"""List, show and check profiles."""

from __future__ import annotations

from feasibility import api
from feasibility.cli.options import Action
from feasibility.errors import UsageError
from feasibility.profiles import catalog
from feasibility.report import text_profiles as views


def devices(action: Action, name: str | None) -> str:
    """Return the text of `feasible devices`."""
    if action is Action.LIST:
        return views.render_devices(api.device(each) for each in api.devices())
    given = _required(name, action, "m1")
    if action is Action.SHOW:
        return views.render_device(api.device(given))
    return f"{given}: device {catalog.check_device(given).id} is fine\n"


def networks(action: Action, name: str | None) -> str:
    """Return the text of `feasible networks`."""
    if action is Action.LIST:
        return views.render_networks(api.network(each) for each in api.networks())
    given = _required(name, action, "essay")
    if action is Action.SHOW:
        return views.render_network(api.network(given))
    return f"{given}: network {catalog.check_network(given).id} is fine\n"


def _required(name: str | None, action: Action, example: str) -> str:
    if name is None:
        msg = f"{action.value} needs to know which one"
        raise UsageError(msg, hint=f"like: {action.value} {example}")
    return name
