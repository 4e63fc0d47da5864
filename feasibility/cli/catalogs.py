"""List, show and check profiles."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from feasibility import api
from feasibility.alike import closest
from feasibility.cli.options import Action, DeviceClass, DeviceSort, TableFormat, UnitKind
from feasibility.cli.output import put, put_text
from feasibility.errors import UsageError
from feasibility.profiles import catalog
from feasibility.profiles.models import DeviceProfile
from feasibility.report import devices as tables
from feasibility.report import text_profiles as views
from feasibility.views.devices import Row, Wanted, choose, matching_aliases, ordered


class Listing(NamedTuple):
    """Which devices are listed, in which order and format."""

    search: str | None = None
    device_class: DeviceClass | None = None
    vendor: str | None = None
    unit: UnitKind | None = None
    sort: DeviceSort = DeviceSort.ID
    form: TableFormat = TableFormat.TEXT


def devices(action: str, name: str | None, asked: Listing) -> None:
    """Write what `feasible devices` is asked for."""
    _check_action("devices", action, name, f"search: feasible devices --search {action}")
    if action == Action.LIST:
        words = " ".join(filter(None, (name, asked.search)))
        _list(asked._replace(search=words or None))
        return
    if asked != Listing():
        msg = f"options of the list do not go with {action}"
        raise UsageError(msg, hint=f"like: feasible devices {action} {name or 'm1'}")
    given = _required(name, Action(action), "m1")
    if action == Action.SHOW:
        put_text(views.render_device(api.device(given)))
    else:
        put_text(f"{given}: device {catalog.check_device(given).id} is fine\n")


def _list(asked: Listing) -> None:
    wanted = Wanted(
        search=asked.search,
        device_class=asked.device_class and asked.device_class.value,
        vendor=asked.vendor,
        kind=asked.unit and asked.unit.value,
    )
    rows = ordered(_chosen(tuple(catalog.devices()), wanted), asked.sort)
    if asked.form is TableFormat.TEXT:
        also = {row.device.id: matching_aliases(row, asked.search) for row in rows}
        put_text(tables.render_text(rows, width=_width(), also=also))
    else:
        put(_TABLES[asked.form](rows))


def _chosen(devices: Sequence[DeviceProfile], wanted: Wanted) -> Sequence[Row]:
    """Return the rows of what is asked for; where there is none, say what is called alike."""
    try:
        return choose(devices, wanted)
    except UsageError as error:
        given = list(filter(None, (wanted.search, wanted.vendor, wanted.device_class)))
        near = closest(given[0].casefold(), _names(devices)) if len(given) == 1 else None
        hint = f"did you mean {near!r}? {error.hint}" if near else error.hint
        raise UsageError(error.message, hint=hint) from None


def _names(devices: Sequence[DeviceProfile]) -> set[str]:
    """Return the words that people search by: ids, aliases, their parts, makers."""
    ids = {name for device in devices for name in (device.id, *device.aliases)}
    return ids | {word for name in ids for word in name.split("-")} | {d.vendor.casefold() for d in devices}


_TABLES: Mapping[TableFormat, Callable[[Sequence[Row]], str]] = {
    TableFormat.JSON: tables.render_json,
    TableFormat.CSV: tables.render_csv,
    TableFormat.MARKDOWN: tables.render_markdown,
}


def _width() -> int | None:
    """Return the columns of the terminal; nothing is cut where no person reads."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return shutil.get_terminal_size().columns if is_terminal else None


def networks(action: str, name: str | None) -> str:
    """Return the text of `feasible networks`."""
    _check_action("networks", action, name, "all: feasible networks")
    if action == Action.LIST:
        if name is not None:
            msg = f"networks list takes no name, and {name!r} is given"
            raise UsageError(msg, hint=f"one of them: feasible networks show {name}")
        return views.render_networks(api.network(each) for each in api.networks())
    given = _required(name, Action(action), "essay")
    if action == Action.SHOW:
        return views.render_network(api.network(given))
    return f"{given}: network {catalog.check_network(given).id} is fine\n"


def _check_action(command: str, action: str, name: str | None, otherwise: str) -> None:
    """Raise UsageError for a word that is no action, but nearly one, or what to show or search."""
    if action in tuple(Action):
        return
    near = closest(action.lower(), Action)
    hint = f"show it: feasible {command} show {action}; {otherwise}"
    if near is not None:
        hint = f"did you mean: feasible {command} {' '.join(filter(None, (near, name)))}"
    msg = f"{action!r} is not list, show or check"
    raise UsageError(msg, hint=hint)


def _required(name: str | None, action: Action, example: str) -> str:
    if name is None:
        msg = f"{action.value} needs to know which one"
        raise UsageError(msg, hint=f"like: {action.value} {example}")
    return name
