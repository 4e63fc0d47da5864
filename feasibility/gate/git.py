"""Ask git what a file was where a branch began; it is only ever read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from feasibility.errors import FeasibilityError

_TIMEOUT_S = 60
_QUIET = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat"}
# set by git for its hooks, relative to the folder where they start: git rev-parse --local-env-vars
_OF_A_HOOK = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
_DEFAULT_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_PULL_REQUEST_BASE = "GITHUB_BASE_REF"  # docs.github.com, default environment variables of Actions (2026)
_SHORT = 10  # characters of a commit that are shown


class GitError(FeasibilityError):
    """Git cannot say what the gate asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit that files are read from, and how it was found, in words."""

    sha: str
    words: str


def is_repository(folder: Path) -> bool:
    """Tell whether a folder lies in a repository that git can read, with a commit in it."""
    return _is_commit(folder, "HEAD")


def top(folder: Path) -> Path | None:
    """Return the top folder of the repository that a folder lies in, or None."""
    done = _run(folder, "rev-parse", "--show-toplevel")
    if done is None or done.returncode != 0:
        return None
    return Path(os.fsdecode(done.stdout).removesuffix("\n")).resolve()


def complaint(folder: Path) -> str | None:
    """Return why git will not read a repository that is there (another owner), or None."""
    done = _run(folder, "rev-parse", "--git-dir")
    said = "" if done is None or done.returncode == 0 else done.stderr.decode("utf-8", "replace")
    return said.splitlines()[0] if "dubious ownership" in said else None


def merge_base(folder: Path, asked: str | None, configured: str | None) -> Commit:
    """Return the commit where HEAD left a branch.

    That is the one asked for, else the one of the pull request, else the configured one, else the main one.
    Raise GitError for a branch that does not exist, and where no common commit is at hand.
    """
    name = _branch(folder, asked or os.environ.get(_PULL_REQUEST_BASE) or configured)
    sha = _ask(folder, "merge-base", "HEAD", name)
    if sha is None:
        msg = f"git finds no common commit of HEAD and {name!r}, as in a shallow clone"
        raise GitError(msg, hint="fetch the whole history: actions/checkout with fetch-depth: 0")
    return Commit(sha=sha, words=f"{sha[:_SHORT]}, where HEAD and {name} meet")


def show(folder: Path, commit: Commit, name: str) -> bytes | None:
    """Return what a file of the folder held at a commit, or None where it was not there."""
    done = _run(folder, "show", f"{commit.sha}:./{name}")
    return done.stdout if done is not None and done.returncode == 0 else None


def _branch(folder: Path, given: str | None) -> str:
    for name in _candidates(given):
        if not name.startswith("-") and _is_commit(folder, name):
            return name
    if given is None:
        return "HEAD"
    msg = f"git knows no commit, branch or tag {given!r}"
    raise GitError(msg, hint="fetch it, or name another one with --base")


def _is_commit(folder: Path, name: str) -> bool:
    return _ask(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") is not None


def _candidates(given: str | None) -> Iterator[str]:
    """Yield the names to try, the most telling first."""
    if given is None:
        yield from _DEFAULT_BRANCHES
    else:
        yield from (f"origin/{given}", given)  # what is fetched is newer than a branch of one's own


def _ask(folder: Path, *words: str) -> str | None:
    """Return the one line that git answers with, or None where it fails."""
    done = _run(folder, *words)
    if done is None or done.returncode != 0:
        return None
    return done.stdout.decode("ascii", "replace").strip() or None


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes] | None:
    """Run git; None where there is no git, or it does not come back."""
    try:
        return subprocess.run(  # noqa: S603 (no shell, and names of refs never begin with -)
            ["git", "-C", str(folder), *words],  # noqa: S607 (the user's own git)
            env={name: value for name, value in os.environ.items() if name not in _OF_A_HOOK} | _QUIET,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
