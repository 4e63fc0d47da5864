"""Say how large a file may be where users are to fetch it from: one YAML file per host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from feasibility.errors import UsageError
from feasibility.folders import ids_in
from feasibility.profiles.models import BytesQ, Fact, _Profile
from feasibility.profiles.reading import Kind, Reference, load
from feasibility.profiles.strict_yaml import Location

_LIMITS = ("file", "total")


class HostProfile(_Profile):
    """The limits of a host: of one file, and of all that one site, package or app holds."""

    name: str
    file: Fact[BytesQ] | None = None
    total: Fact[BytesQ] | None = None
    note: str | None = None


def host(ref: Reference) -> HostProfile:
    """Load the host with this id, or from this path.

    UsageError when there is none, ProfileError when the file is wrong.
    """
    try:
        return load(_HOST, ref)
    except UsageError as error:
        raise UsageError(error.message, hint=f"{error.hint}; known are {', '.join(host_ids())}") from None


def host_ids() -> tuple[str, ...]:
    """Return the ids of all hosts that can be named, sorted, without loading one."""
    return ids_in(_HOST.folder)


def _check(data: Mapping[str, object]) -> Iterator[tuple[Location, str]]:
    """Yield a host that limits nothing."""
    if not any(key in data for key in _LIMITS):
        yield (), f"a host needs one of {', '.join(_LIMITS)}: what limits it sets"


_HOST = Kind(
    word="host",
    folder=("network_profiles", "hosts"),
    model=HostProfile,
    check=_check,
    next_step="it is a file in network_profiles/hosts/",
)
