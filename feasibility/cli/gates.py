"""Run the gate and write its report in every format that is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from feasibility import api
from feasibility.cli.gate_options import ReportFormat
from feasibility.cli.output import put, put_text, talk
from feasibility.cli.progress import bar
from feasibility.errors import ExitCode, UsageError
from feasibility.gate import git, source
from feasibility.profiles.validate import nearest
from feasibility.report import gate_github, gate_junit, gate_markdown, gate_sarif, gate_text, json
from feasibility.report.escape import printable
from feasibility.report.gate_place import repository_path
from feasibility.writing import check_writable, resolved, write

if TYPE_CHECKING:
    from feasibility.gate.records import GateReport
    from feasibility.loader.isolate import Worker

_STDOUT = "-"
_SUMMARY = "GITHUB_STEP_SUMMARY"  # docs.github.com, "Workflow commands": a file to append Markdown to
_ROOT = "GITHUB_WORKSPACE"
_LIKE = "write it like -o sarif=feasible.sarif"


class Output(NamedTuple):
    """A format, and the file that it goes to."""

    form: ReportFormat
    file: str


_RENDERERS: Mapping[ReportFormat, Callable[[GateReport, Path], str]] = {
    ReportFormat.JSON: lambda report, root: json.dumps(
        replace(report, config=repository_path(report.config, root)).to_dict()
    ),
    ReportFormat.MD: lambda report, root: gate_markdown.render(report, root=root),
    ReportFormat.SARIF: lambda report, root: gate_sarif.render(report, root=root),
    ReportFormat.JUNIT: lambda report, root: gate_junit.render(report, root=root),
    ReportFormat.GITHUB: lambda report, root: gate_github.render(report, root=root),
}


def _rendered(form: ReportFormat, report: GateReport) -> str:
    """Return a document, which names the config from the top of the checkout, wherever the gate runs."""
    folder, name = os.path.split(report.config)
    path = Path(os.path.realpath(folder), name)
    return _RENDERERS[form](replace(report, config=str(path)), _root(path.parent))


def _root(folder: Path) -> Path:
    """Return the top of the checkout that a folder lies in: git's, else the runner's, else the folder."""
    return git.top(folder) or Path(os.path.realpath(os.environ.get(_ROOT) or folder))


def update(config: str | None, worker: Worker | None) -> None:
    """Write the lock file and say so."""
    with bar("measuring"):
        path, models = api.update_lock(config, isolated=worker or True)
    put_text(printable(f"{path}: {models} {'model' if models == 1 else 'models'}") + "\n")


def judge(
    config: str | None, base: str | None, today: str | None, worker: Worker | None, outputs: Sequence[Output]
) -> GateReport:
    """Judge the models, and write the report in each format to its file."""
    for output in outputs:
        check_writable(output.file)
    found = source.find(config)
    _check_apart(outputs, found.path, found.folder / source.LOCK_NAME)
    with bar("judging"):
        report = api.gate(found.path, base=base, today=_day(today), isolated=worker or True)
    _check_apart(outputs, *(found.folder / name for name in report.read))
    for form, file in outputs:
        text = _rendered(form, report)
        if file != _STDOUT:
            write(file, text.encode())
        elif form is not ReportFormat.GITHUB:
            put(text)
    return report


def _check_apart(outputs: Sequence[Output], *inputs: Path) -> None:
    """Raise UsageError where a report would replace a file that it is about."""
    kept = {os.path.realpath(path) for path in inputs if "\0" not in str(path)}
    for output in outputs:
        if output.file != _STDOUT and os.path.realpath(output.file) in kept:
            msg = f"--out {output.form.value}={output.file} would replace what is judged"
            raise UsageError(msg, hint="name another file")


def show(report: GateReport, outputs: Sequence[Output], *, quiet: bool) -> None:
    """Write the text where no other document has standard output; then what GitHub's runner reads."""
    on_screen = [output.form for output in outputs if output.file == _STDOUT]
    if not set(on_screen) - {ReportFormat.GITHUB}:
        put_text(gate_text.render_short(report) if quiet else gate_text.render(report))
    if ReportFormat.GITHUB in on_screen:
        put(_rendered(ReportFormat.GITHUB, report))
    if any(output.form is ReportFormat.GITHUB for output in outputs):
        _summarise(report)


def exit_code(report: GateReport) -> ExitCode:
    """Return 1 where a budget is over or nobody can tell, whatever is written where."""
    return ExitCode.ANSWERED if report.passed else ExitCode.GATE_FAILED


def check_alone(given: Mapping[str, object]) -> None:
    """Raise UsageError for options that say nothing beside --update."""
    for name in ("base", "today", "out"):
        if given.get(name):
            msg = f"--{name} does not go with --update"
            raise UsageError(msg, hint="first feasible gate --update, then feasible gate")


def parse_outputs(given: Sequence[str]) -> tuple[Output, ...]:
    """Read FORMAT=FILE; raise UsageError for another format, or two that go to one file."""
    found = tuple(map(_output, given))
    files = [output.file for output in found if output.file != _STDOUT]
    targets = [resolved(file) for file in files]
    for file, target in zip(files, targets, strict=True):
        if targets.count(target) > 1:
            msg = f"two formats would be written to {file!r}"
            raise UsageError(msg, hint="give each its own file")
    on_screen = [output.form.value for output in found if output.file == _STDOUT]
    if len(on_screen) > 1:
        msg = f"{' and '.join(on_screen)} would both be written to standard output"
        raise UsageError(msg, hint=_LIKE)
    return found


def _output(given: str) -> Output:
    form, equals, file = given.partition("=")
    known = [each.value for each in ReportFormat]
    if form not in known:
        msg = f"--out {given!r}: there is no format {form!r}{nearest(form, known)}"
        raise UsageError(msg, hint=f"{_LIKE}; formats are {', '.join(known)}")
    if not equals or not file:
        msg = f"--out {given!r} does not say which file to write"
        raise UsageError(msg, hint=_LIKE)
    return Output(ReportFormat(form), file)


def _day(given: str | None) -> date | None:
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        msg = f"--today {given!r} is not a date"
        raise UsageError(msg, hint="write it like --today 2026-11-27") from None


def _summarise(report: GateReport) -> None:
    """Append the report to the summary of the workflow step, where there is one.

    Nobody asked for it by an option, so that it cannot be written changes no exit code.
    """
    given = os.environ.get(_SUMMARY)
    if not given:
        return
    try:
        with Path(given).open("ab") as file:
            file.write(gate_github.summary(_rendered(ReportFormat.MD, report), file.tell()).encode())
    except (OSError, ValueError) as error:
        talk(f"the file of {_SUMMARY}, {given!r}, cannot be written: {error}")
