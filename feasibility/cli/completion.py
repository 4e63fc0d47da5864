"""Offer what a shell completes: devices, units, networks and their kin, and files by their ending.

Everything comes from the names of files and a look at their text: parsing YAML and
checking it would take longer than a person waits for a key. Where a list is shared
with the rest of the program, tests hold the two to each other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import suppress
from enum import StrEnum
from itertools import islice
from pathlib import Path

import typer

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

_PROFILE = re.compile(r"(?P<id>[A-Za-z0-9][\w.-]*)\.ya?ml", re.ASCII)
_ALIASES = re.compile(r"(?m)^aliases:(?P<words>.*(?:\n[ \t-].*)*)")
_ALIAS = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
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
    aliases = sorted(alias for file in known.values() for alias in _aliases(file)) if incomplete else []
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


def _profiles(folder: Sequence[str]) -> dict[str, Path]:
    """Return the file of each id, as the catalog finds it: project, user, built in."""
    found: dict[str, Path] = {}
    for base in _bases():
        for name in sorted(_entries(base.joinpath(*folder))):
            match = _PROFILE.fullmatch(name)
            if match:
                found.setdefault(match["id"], base.joinpath(*folder, name))
    return found


def _bases() -> Iterator[Path]:
    """Yield the folders that hold folders of profiles (profiles/catalog.py says why)."""
    yield Path()
    own = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "")
    with suppress(RuntimeError):  # no home folder is known
        yield (Path(own) if Path(own).is_absolute() else Path.home() / ".config") / "feasible"
    package = Path(__file__).parents[1]
    packaged = package / "_profiles"
    yield packaged if packaged.is_dir() else package.parent


def _entries(folder: Path | str) -> list[str]:
    """Return the names in a folder; nothing where it is missing or closed."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in islice(entries, _MOST_ENTRIES)]
    except (OSError, ValueError):
        return []


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _aliases(file: Path) -> Iterator[str]:
    """Yield the aliases that a device seems to list."""
    for match in _ALIASES.finditer(_text(file)):
        yield from _ALIAS.findall(match["words"])


def _aliased(known: MutableMapping[str, Path], name: str) -> Path | None:
    return next((file for file in known.values() if name in _aliases(file)), None) if name else None


def _units(file: Path) -> list[str]:
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
