"""Ask git what a file was where a branch began; it is only ever read."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from feasibility.errors import FeasibilityError

_TIMEOUT_S = 60
_QUIET = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat"}
# set by git for its hooks, relative to the folder where they start: git rev-parse --local-env-vars
_OF_A_HOOK = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
_DEFAULT_BRANCHES = ("HEAD", "main", "master")  # of the remote; the last two also of one's own
# where a pull request goes to, as each service says (their documentation of predefined variables, 2026-11)
_PULL_REQUEST_BASES = (
    "GITHUB_BASE_REF",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",  # GitLab
    "BITBUCKET_PR_DESTINATION_BRANCH",
    "SYSTEM_PULLREQUEST_TARGETBRANCH",  # Azure
    "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
    "CHANGE_TARGET",  # Jenkins
)
_REMOTE, _OWN = "refs/remotes/origin/", "refs/heads/"
_WHOLE = "fetch the whole history: actions/checkout with fetch-depth: 0"
_NO_BRANCH = re.compile(r"^HEAD$|^@$|[~^:]|@\{")  # told from a commit, which no remote is asked for
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
    """Return why git does not read the repository that a folder lies in; None also where there is none."""
    here = folder.absolute()
    if not any((above / ".git").exists() for above in (here, *here.parents)):
        return None
    done = _run(folder, "rev-parse", "--git-dir")
    if done is None:
        return "there is no git to run, or it does not come back"
    said = done.stderr.decode("utf-8", "replace").splitlines()
    return None if done.returncode == 0 else (said or ["git says nothing"])[0]


def merge_base(folder: Path, asked: str | None, configured: str | None) -> Commit:
    """Return the commit where HEAD left a branch.

    That is the one asked for, else the one of the pull request, else the configured one, else the main one.
    Raise GitError for a branch that does not exist, and where no common commit is at hand.
    """
    ref = _branch(folder, asked_for(asked, configured))
    name = ref.removeprefix("refs/remotes/").removeprefix(_OWN)
    sha = _ask(folder, "merge-base", "HEAD", ref)
    if sha is None or (_is_shallow(folder) and sha == _ask(folder, "rev-parse", "HEAD")):
        msg = f"git finds no common commit of HEAD and {name!r}, as in a shallow clone"
        raise GitError(msg, hint=_WHOLE)
    return Commit(sha=sha, words=f"{sha[:_SHORT]}, where HEAD and {name} meet")


def asked_for(asked: str | None, configured: str | None) -> str | None:
    """Return the branch that somebody asked to compare with, or None."""
    told = (os.environ.get(name) for name in _PULL_REQUEST_BASES)
    return asked or next(filter(None, told), None) or configured


def show(folder: Path, commit: Commit, name: str) -> bytes | None:
    """Return what a file of the folder held at a commit, or None where it was not there.

    Raise GitError where it was there and git cannot read it, as in a partial clone without network.
    """
    done = _run(folder, "show", f"{commit.sha}:./{name}")
    if done is not None and done.returncode == 0:
        return done.stdout
    listed = _run(folder, "ls-tree", "--name-only", commit.sha, f"./{name}")
    if listed is None or listed.returncode != 0 or listed.stdout:
        msg = f"git cannot read {name} at {commit.words}"
        raise GitError(msg, hint=_WHOLE)
    return None


def others_called(folder: Path, commit: Commit, name: str) -> list[str]:
    """Return the files of a name that a commit has anywhere, from the top of the repository."""
    done = _run(folder, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit.sha)
    if done is None or done.returncode != 0:
        msg = f"git cannot list the files at {commit.words}"
        raise GitError(msg, hint=_WHOLE)
    listed = map(os.fsdecode, done.stdout.split(b"\0"))
    return [path for path in listed if path.rpartition("/")[2] == name]


def is_lfs(folder: Path, path: str) -> bool:
    """Tell whether git keeps a file in LFS, so that a plain checkout holds a pointer."""
    said = _ask(folder, "check-attr", "filter", "--", path)
    return said is not None and said.endswith(": filter: lfs")


def _branch(folder: Path, given: str | None) -> str:
    for name in _candidates(given):
        if not name.startswith("-") and _is_commit(folder, name):
            return name
    if given is None:
        return _only_branch(folder)
    msg = f"git knows no commit, branch or tag {given!r}"
    raise GitError(msg, hint=_WHOLE if _is_shallow(folder) else "fetch it, or name another one with --base")


def _only_branch(folder: Path) -> str:
    """Return HEAD where there is no other branch that it could have left; raise GitError where there is."""
    branches = _run(folder, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes")
    current = _ask(folder, "branch", "--show-current")
    if (
        current
        and branches is not None
        and branches.stdout.decode("utf-8", "replace").split() == [_OWN + current]
    ):
        return "HEAD"
    msg = f"git knows no main branch: there is no {', '.join(_DEFAULT_BRANCHES[1:])} and no origin/HEAD"
    raise GitError(
        msg, hint="name the branch that pull requests go to with --base, or as baseline in the config"
    )


def _is_shallow(folder: Path) -> bool:
    return _ask(folder, "rev-parse", "--is-shallow-repository") == "true"


def _is_commit(folder: Path, name: str) -> bool:
    return _ask(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") is not None


def _candidates(given: str | None) -> Iterator[str]:
    """Yield the names to try, the most telling first: what was fetched is newer than a branch of one's own.

    Branches are named in full: a tag may be called origin/main, and git would take that.
    """
    if given is None:
        yield from (_REMOTE + name for name in _DEFAULT_BRANCHES)
        yield from (_OWN + name for name in _DEFAULT_BRANCHES[1:])
    elif _NO_BRANCH.search(given):
        yield given
    else:
        name = given.removeprefix(_OWN)
        yield from (_REMOTE + name.removeprefix("origin/"), _REMOTE + name, _OWN + name, given)


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
