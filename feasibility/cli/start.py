"""Start the command: first the child that reads models, then everything else beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from feasibility.errors import ExitCode, FeasibilityError

if TYPE_CHECKING:
    from feasibility.loader.isolate import Worker

_WITHOUT_MODEL = frozenset({"calibrate", "check-profiles", "devices", "limits", "networks", "schema"})
_ANSWERED_AT_ONCE = frozenset({"-h", "--help", "--version", "--install-completion", "--show-completion"})
_COMPLETING = "_FEASIBLE_COMPLETE"  # a shell asks what could come next (typer's protocol)
_DEBUG = "FEASIBLE_DEBUG"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; nothing escapes as a traceback."""
    words = list(sys.argv[1:] if argv is None else argv)
    worker: Worker | None = None
    try:
        if os.environ.get(_COMPLETING):
            return _complete()
        worker = _start_worker(words)
        from feasibility.cli.app import run

        return run(words, worker)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:  # the last line of defence: no traceback for users
        if os.environ.get(_DEBUG):
            raise
        return _explain(error)
    finally:
        if worker is not None:
            worker.close()


def _start_worker(words: Sequence[str]) -> Worker | None:
    """Start the child that reads models, where a model will be read."""
    if not words or words[0] in _WITHOUT_MODEL or not _ANSWERED_AT_ONCE.isdisjoint(words):
        return None
    from feasibility.loader.isolate import Worker

    return Worker.start()


def _complete() -> int:
    """Tell the shell what could come next, and nothing else whatever goes wrong."""
    from feasibility.cli.app import run
    from feasibility.cli.completion import join_words

    join_words(os.environ)
    try:
        return run((), None)
    except SystemExit as ended:  # typer leaves so
        return ended.code if isinstance(ended.code, int) else ExitCode.ANSWERED


def _explain(error: Exception) -> ExitCode:
    from feasibility.cli.output import complain

    if isinstance(error, FeasibilityError):
        complain(error.message, error.hint)
        return error.exit_code
    complain(
        f"feasible failed inside, which is a bug: {type(error).__name__}: {error}",
        f"set {_DEBUG}=1 to see where, and please report it",
    )
    return ExitCode.BAD_INPUT
