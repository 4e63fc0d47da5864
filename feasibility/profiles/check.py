"""Check a profile file of any kind: what it describes is told by the keys that only that kind has."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType

from pydantic import BaseModel

from feasibility.errors import UsageError
from feasibility.folders import read_file
from feasibility.profiles import catalog, hosts, support
from feasibility.profiles.models import _Profile
from feasibility.profiles.reading import Kind, Reference, at_path, no_check
from feasibility.profiles.strict_yaml import parse, quote

_KINDS: Mapping[str, tuple[str, Callable[[Reference], _Profile]]] = MappingProxyType(
    {
        "units": ("device", catalog.check_device),
        "unit_kinds": ("runtime", catalog.check_runtime),
        "downlink": ("network", catalog.check_network),
        "operators": ("table of operators", support.support),
        "file": ("host", hosts.host),
        "total": ("host", hosts.host),
    }
)


_ANY = Kind(
    word="profile",
    folder=(),
    model=BaseModel,
    check=no_check,
    next_step="docs/profiles.md shows one of each kind",
)


def check(path: Reference) -> tuple[str, str]:
    """Return what a file describes, like "device", and its id.

    Raise ProfileError with all its problems, UsageError where it is no file or no profile.
    """
    name = os.fspath(path)
    keys = parse(read_file(at_path(_ANY, name).file), name).data
    for key, (kind, load) in _KINDS.items():
        if key in keys:
            return kind, load(os.path.join(os.curdir, name)).id  # noqa: PTH118 (a path, whatever its name)
    msg = f"{quote(name)} is no profile: it has none of the keys {', '.join(_KINDS)}"
    raise UsageError(msg, hint="docs/profiles.md shows one of each kind")
