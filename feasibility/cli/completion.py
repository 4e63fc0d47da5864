"""Offer what a shell completes: devices, units, networks and their kin, and files by their ending.

Everything comes from the names of files and a look at their text: parsing YAML and
checking it would take longer than a person waits for a key. Where a list is shared
with the rest of the program, tests hold the two to each other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from enum import StrEnum
from itertools import islice
from pathlib import Path

import typer

from feasibility.errors import UsageError
from feasibility.folders import Found, files_in, read_file, seeming_aliases

PRECISIONS = ("as-stored", "bf16", "fp16", "fp32", "fp64", "int4", "int8")  # profiles.models.Precision
METHODS = ("br", "gzip", "zstd")  # decide.compression.METHODS
MODELS = (".onnx",)
PROFILES = (".yaml", ".yml")

_DEVICES = ("hardware_profiles",)
_RUNTIMES = ("hardware_profiles", "runtimes")
_NETWORKS = ("network_profiles",)
_HOSTS = ("network_profiles", "hosts")
_AUTO = "auto"
_OPTION = "-"
_UNASKED = (".", _OPTION)  # hidden files, and what would be taken for an option

_UNITS = re.compile(r"(?m)^units:[^\n]*\n(?P<body>(?:[ \t#].*\n|\n)*)")
_KEY = re.compile(r"(?m)^(?P<indent> +)(?P<key>[\w-]+):", re.ASCII)
# A shell evaluates what it is offered, or splits it: other names are left to its own completion.
_PLAIN = re.compile(r"[\w./+@%,-]+")
_MOST_ENTRIES = 10_000  # of a folder
_DEEPEST = 16  # folders that are opened because nothing else fits

Complete = Callable[[str], list[str]]


def devices(incomplete: str) -> list[str]:
    """Offer ids, and aliases once something is typed; after ID/ its units; and YAML files by their path."""
    name, slash, _ = incomplete.rpartition("/")
    known = _profiles(_DEVICES)
    file = known.get(name) or _aliased(known, name) if slash else None
    if file is not None:
        return [f"{name}/{unit}" for unit in _units(file)]
    if slash:
        return _files(incomplete, PROFILES)
    aliases = (
        sorted(alias for file in known.values() for alias in seeming_aliases(file)) if incomplete else []
    )
    return [_AUTO, *sorted(known), *aliases]


def networks(incomplete: str) -> list[str]:
    """Offer the ids of links, and YAML files by their path."""
    return _files(incomplete, PROFILES) if "/" in incomplete else sorted(_profiles(_NETWORKS))


def runtimes() -> list[str]:
    """Offer the ids of runtimes."""
    return sorted(_profiles(_RUNTIMES))


def hosts() -> list[str]:
    """Offer the ids of hosts."""
    return sorted(_profiles(_HOSTS))


def precisions() -> list[str]:
    """Offer element types."""
    return list(PRECISIONS)


def methods() -> list[str]:
    """Offer what packs a download."""
    return list(METHODS)


def models(incomplete: str) -> list[str]:
    """Offer ONNX files and the folders on the way to them."""
    return _files(incomplete, MODELS)


def yaml_files(incomplete: str) -> list[str]:
    """Offer YAML files and the folders on the way to them."""
    return _files(incomplete, PROFILES)


def device_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer what the action of `devices` takes."""
    return _named(ctx, incomplete, devices)


def network_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer what the action of `networks` takes."""
    return _named(ctx, incomplete, networks)


def _named(ctx: typer.Context, incomplete: str, profiles: Complete) -> list[str]:
    of_action = {"show": profiles, "check": yaml_files}
    action = of_action.get(str(ctx.params.get("action")))
    return action(incomplete) if action else []


def choices(kind: type[StrEnum]) -> Callable[[], list[str]]:
    """Return what offers the values of an option that has a few."""

    def values() -> list[str]:
        return [each.value for each in kind]

    return values


def join_words(environment: MutableMapping[str, str]) -> None:
    """Put `--device = m1` back together as `--device m1`: bash splits words at the equals sign."""
    words = environment.get("COMP_WORDS", "").split("\n")
    with suppress(ValueError):
        at = int(environment.get("COMP_CWORD", ""))
        signs = [i for i in range(1, min(at, len(words))) if _joins(words, i)]
        environment["COMP_WORDS"] = "\n".join(word for i, word in enumerate(words) if i not in signs)
        environment["COMP_CWORD"] = str(at - len(signs))


def _joins(words: Sequence[str], at: int) -> bool:
    return words[at] == "=" and words[at - 1].startswith(_OPTION)


def _profiles(folder: tuple[str, ...]) -> dict[str, Found]:
    """Return the file of each id that a shell leaves as it is."""
    return {name: found for name, found in files_in(folder).items() if _PLAIN.fullmatch(name)}


def _entries(folder: Path | str) -> list[str]:
    """Return the names in a folder; nothing where it is missing or closed."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in islice(entries, _MOST_ENTRIES)]
    except (OSError, ValueError):
        return []


def _text(file: Found) -> str:
    try:
        return read_file(file.file).decode("utf-8", "replace")
    except UsageError:
        return ""


def _aliased(known: Mapping[str, Found], name: str) -> Found | None:
    return next((file for file in known.values() if name in seeming_aliases(file)), None) if name else None


def _units(file: Found) -> list[str]:
    """Return the units that a device seems to have: the outermost keys under `units:`."""
    body = _UNITS.search(_text(file))
    keys = list(_KEY.finditer(body["body"])) if body else []
    return [key["key"] for key in keys if key["indent"] == keys[0]["indent"]]


def _files(incomplete: str, suffixes: tuple[str, ...]) -> list[str]:
    """Offer the files that go on so, and folders; a folder that stands alone is opened.

    A shell puts a space after the only word that is offered, which would end a path at its
    folder. Nothing offered lets the shell complete files in its own way.
    """
    for _ in range(_DEEPEST):
        found = sorted(_beside(incomplete, suffixes))
        if len(found) != 1 or not found[0].endswith("/"):
            return found
        incomplete = found[0]
    return []


def _beside(incomplete: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    folder, slash, start = incomplete.rpartition("/")
    for name in _entries(folder + slash or "."):
        path = folder + slash + name
        is_meant = name.startswith(start) if start else not name.startswith(_UNASKED)
        if not is_meant or not _PLAIN.fullmatch(path):
            continue
        if name.endswith(suffixes):
            yield path
        elif Path(path).is_dir():
            yield path + "/"
