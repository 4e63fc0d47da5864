"""Find the files of profiles: in the project's folder, the user's, and what is built in, in this order.

Nothing is parsed here: listing names, as a shell's completion does, loads no library.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from feasibility.errors import UsageError

MAX_BYTES = 256 * 1024  # of a profile; the largest we ship has 8 kB
SUFFIXES = (".yaml", ".yml")
_FILE = re.compile(r"(?s)(?P<id>[^.].*)\.ya?ml")  # a hidden file is an editor's or a draft
USER = "(user folder)"
_HOMES = ("XDG_CONFIG_HOME", "APPDATA", "HOME", "USERPROFILE")  # what tells the user's folder
KINDS = 16  # folders of profiles that listings are kept of
ALIAS = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
_ALIASES = re.compile(rb"(?m)^aliases:(?P<words>.*(?:\n[ \t-].*)*)")  # for suggestions: not parsed
KEPT = 1024  # profiles that are kept: all that are built in, and a user's


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that holds a profile, and how the answer names it."""

    id: str
    file: Path | Traversable
    origin: str
    rank: int = 0  # of its folder: the nearest one is 0


def files_in(folder: tuple[str, ...]) -> Mapping[str, Found]:
    """Return the file of each id: the one in the first folder that has it.

    Folders are listed again only when one of them has changed.
    """
    folders = folders_of(folder)
    cwd = os.getcwd()  # noqa: PTH109 (as above)
    return listed(folders, cwd, tuple(map(changed_ns, folders)))


def ids_in(folder: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids of the files of a kind, sorted, without reading one."""
    return tuple(sorted(files_in(folder)))


def read_file(file: Path | Traversable) -> bytes:
    """Read a file, and no more of it than a profile may have."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        msg = f"{str(file)!r} cannot be read: {error.strerror}"
        raise UsageError(msg) from None


def user_folder() -> Path | None:
    """Return the user's folder: %APPDATA% on Windows, else $XDG_CONFIG_HOME or ~/.config."""
    base = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "feasible"
    try:
        return Path.home() / ".config" / "feasible"
    except RuntimeError:  # no home folder is known (a bare container user)
        return None


def folders_of(folder: tuple[str, ...]) -> tuple[tuple[Path | Traversable, str], ...]:
    """Return the folders searched, each with how the answer names a file from it."""
    homes = tuple(os.environ.get(name) for name in _HOMES)
    return _folders_from(folder, os.getcwd(), homes)  # noqa: PTH109 (a string: this is asked for every name)


@lru_cache(maxsize=KEPT)
def _folders_from(
    folder: tuple[str, ...],
    cwd: str,  # noqa: ARG001 (the project's folder is relative to it)
    homes: tuple[str | None, ...],  # noqa: ARG001 (the user's folder depends on them)
) -> tuple[tuple[Path | Traversable, str], ...]:
    return tuple(_searched(folder))


def _searched(folder: tuple[str, ...]) -> Iterator[tuple[Path | Traversable, str]]:
    built_in = built_in_folder(folder)
    project = Path(*folder)
    if not (isinstance(built_in, Path) and project.is_dir() and project.samefile(built_in)):
        yield project, "/".join((".", *folder, "{}"))
    home = user_folder()
    if home is not None:
        yield home.joinpath(*folder), "/".join((USER, *folder, "{}"))
    yield built_in, "/".join(("(built in)", *folder, "{}"))


@cache
def built_in_folder(folder: tuple[str, ...]) -> Path | Traversable:
    """Return the folder inside the wheel, or the repository's when installed editable."""
    packaged = resources.files("feasibility").joinpath("_profiles", *folder)
    return packaged if packaged.is_dir() else Path(__file__).parents[1].joinpath(*folder)


@lru_cache(maxsize=KINDS)
def listed(
    folders: tuple[tuple[Path | Traversable, str], ...],
    cwd: str,  # noqa: ARG001 (the project's folder is relative to it)
    changed_ns: tuple[int, ...],  # noqa: ARG001 (what was listed then is not what is there now)
) -> Mapping[str, Found]:
    """Return the file of each id in these folders, the nearest one's first."""
    files: dict[str, Found] = {}
    for rank, (folder, origin) in enumerate(folders):
        for entry in sorted(_entries(folder), key=lambda entry: entry.name):
            match = _FILE.fullmatch(entry.name)
            if match and match["id"] not in files and entry.is_file():
                found = Found(id=match["id"], file=entry, origin=origin.format(entry.name), rank=rank)
                files[found.id] = found
    return files


def changed_ns(folder: tuple[Path | Traversable, str]) -> int:
    """Return when a folder last changed; 0 where it is missing, or in an archive."""
    path = folder[0]
    try:
        return os.stat(path).st_mtime_ns if isinstance(path, Path) else 0  # noqa: PTH116 (as above)
    except OSError:
        return 0


def _entries(folder: Path | Traversable) -> Iterable[Path | Traversable]:
    """Return what is in a folder; nothing where it is missing or closed."""
    try:
        return list(folder.iterdir())
    except OSError:
        return ()


def seeming_aliases(found: Found) -> Iterator[str]:
    """Yield what stands under `aliases:` in a file, as text."""
    for match in _ALIASES.finditer(read_file(found.file)):
        yield from ALIAS.findall(match["words"].decode("utf-8", "replace"))
