"""Find the numbers to compare with: the lock file where the branch began, not the one that it brings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from feasibility.errors import FeasibilityError, ProfileError
from feasibility.gate import git
from feasibility.gate.config import compares
from feasibility.gate.lock import MAX_BYTES, Lock, load
from feasibility.gate.records import UPDATE
from feasibility.gate.source import LOCK_NAME, Source, has_table, parsed

_WRITE_IT = f"write it with {UPDATE}, and commit it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The lock that numbers are compared with; `problem` says why there is none."""

    lock: Lock | None
    words: str  # where it comes from
    problem: str = ""
    hint: str = ""


def baseline(source: Source, branch: str | None) -> Baseline:
    """Return the lock at the merge-base; without git, or where the gate is only now introduced, the one here.

    A lock that is missing or unreadable is a problem of the baseline, which no growth passes.
    """
    try:
        return _committed(source, branch)
    except FeasibilityError as error:
        return Baseline(lock=None, words="", problem=error.message, hint=error.hint or _WRITE_IT)


def _committed(source: Source, branch: str | None) -> Baseline:
    refused = git.complaint(source.folder)
    if refused is not None:
        msg = f"git does not read this repository: {refused}"
        raise git.GitError(
            msg, hint="see git's safe.directory" if "dubious" in refused else "try: git status"
        )
    if not git.is_repository(source.folder):
        asked = git.asked_for(branch, source.config.baseline)
        if asked:
            msg = f"there is no commit of git here, so no {asked!r} to compare with"
            raise git.GitError(msg, hint="run it in the repository")
        return _here(source, "no commit of git to compare with")
    commit = git.merge_base(source.folder, branch, source.config.baseline)
    content = git.show(source.folder, commit, LOCK_NAME)
    if content is not None:
        return Baseline(lock=load(content, LOCK_NAME), words=f"{LOCK_NAME} at {commit.words}")
    if not _compared(git.show(source.folder, commit, source.path.name), source.path.name):
        _check_unmoved(source, commit)
        return _here(source, f"{commit.words}, where no growth was limited: that begins here")
    msg = f"there is no {LOCK_NAME} at {commit.words}, where growth was limited already"
    raise git.GitError(msg, hint=f"commit one to the branch that this one left: {UPDATE}")


def _check_unmoved(source: Source, commit: git.Commit) -> None:
    """Raise GitError where the commit has a lock elsewhere that is gone here: the gate moved."""
    top = git.top(source.folder)
    for path in git.others_called(source.folder, commit, LOCK_NAME):
        if top is not None and not (top / path).is_file():
            msg = f"{path!r} was there at {commit.words}, and is gone: nothing here can be compared with it"
            raise git.GitError(
                msg, hint="move config and lock in a change of their own, with a waiver for it"
            )


def _compared(config: bytes | None, name: str) -> bool:
    """Tell whether a config that was there limited growth; one that nobody can read may have."""
    if config is None:
        return False
    try:
        found = parsed(config, name)
    except ProfileError:
        return has_table(config, name)
    return compares(found.config)


def _here(source: Source, why: str) -> Baseline:
    content = on_disk(source.folder)
    if content is None:
        msg = f"there is no {LOCK_NAME} ({why})"
        raise git.GitError(msg, hint=_WRITE_IT)
    return Baseline(lock=load(content, LOCK_NAME), words=f"{LOCK_NAME} as it lies here ({why})")


def on_disk(folder: Path) -> bytes | None:
    """Return the lock file as it lies beside the config; None where there is none."""
    try:
        with (folder / LOCK_NAME).open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError:
        return None
