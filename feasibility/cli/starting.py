"""Write the first config, lock file and workflow of a repository; nothing that is there is overwritten."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feasibility import api
from feasibility.cli.output import put_text, talk
from feasibility.cli.progress import each
from feasibility.errors import FeasibilityError, UsageError
from feasibility.gate import git, source, starter
from feasibility.gate.beside import weights_beside
from feasibility.gate.doubts import names
from feasibility.loader.files import STDIN
from feasibility.writing import write

if TYPE_CHECKING:
    from feasibility.loader.isolate import Worker

WORKFLOW = Path(".github/workflows/feasible.yml")
# the releases of these actions, by commit; the tag is what people read (2026-11)
PINS: Mapping[str, str] = {
    "actions/checkout": "8e8c483db84b4bee98b60c0593521ed34d9990e8 # v6.0.1",
    "actions/setup-python": "a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0",
}
_FILL_IN = (
    '\'echo "say here how CI installs feasible, like: pip install git+https://HOST/OWNER/feasible@COMMIT"; '
    "exit 1'"
)
_DEVICE, _NETWORK = "pixel-6a", "4g"


def start(models: Sequence[str], device: str | None, network: str | None, worker: Worker | None) -> None:
    """Measure the models named, else those below this folder, and write the three files."""
    top = git.top(Path())
    below = "" if top is None else Path.cwd().relative_to(top).as_posix()
    workflow = Path(os.path.relpath(top or Path.cwd())) / WORKFLOW  # GitHub looks nowhere else
    for name in (source.YAML_NAME, str(workflow), source.LOCK_NAME):
        if os.path.lexists(name):
            msg = f"{name!r} is there already"
            raise UsageError(msg, hint="judge with it: feasible gate; or move it away first")
    on, over = device or _DEVICE, network or _NETWORK
    _check_names((below, on, over, *models))
    starts = list(_starts(_named(models, top) or _found(), on, over, worker))
    if not starts:
        raise UsageError("none of the models could be measured", hint="name one: feasible init MODEL")
    install, doubt = _install(workflow)
    texts = {
        source.YAML_NAME: starter.config_text(starts, on, over),
        str(workflow): starter.workflow_text(
            install, PINS, below, lfs=any(git.is_lfs(Path(), each.path) for each in starts)
        ),
    }
    path, count = _written(texts, worker)
    put_text(
        f"{source.YAML_NAME}: budgets for {count} {'model' if count == 1 else 'models'} on {on} over {over}\n"
        f"{path}: what they measure now, to tell growth from\n"
        f"{workflow}: runs the gate on pull requests\n"
        f"{doubt}"
        "next: feasible gate, then commit the three files\n"
    )


def _written(texts: Mapping[str, str], worker: Worker | None) -> tuple[Path, int]:
    """Write the files and their lock, all or none; return the lock's path and how many models it holds."""
    try:
        for path, text in texts.items():
            _make_folder(Path(path).parent)
            write(path, text.encode())
        return api.update_lock(source.YAML_NAME, isolated=worker or True)
    except BaseException:
        for path in texts:
            with contextlib.suppress(OSError):  # it never came to be
                Path(path).unlink()
        raise


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"the folder {str(folder)!r} cannot be made: {error.strerror}"
        raise UsageError(msg) from None


def _check_names(names: Sequence[str]) -> None:
    """Raise UsageError for a name that no config can hold: control characters, bytes that are not UTF-8."""
    for name in names:
        if name == STDIN or not name.isprintable():
            msg = f"{name!a} is no name that a config can hold"
            raise UsageError(msg, hint="name files as they lie in the repository")


def _named(models: Sequence[str], top: Path | None) -> list[str]:
    """Return files as the config will name them, each once: from this folder, and such as CI finds."""
    found: dict[str, None] = {}
    for given in models:
        folder, name = os.path.split(given)
        path = Path(os.path.realpath(folder), name)  # a model may be a link, which git keeps
        if top is not None and not path.is_relative_to(top):
            msg = f"{given!r} lies outside the repository {str(top)!r}, where CI does not find it"
            raise UsageError(msg, hint="name files as they lie in the repository")
        found[os.path.relpath(path).replace(os.sep, "/")] = None
    return list(found)


def _found() -> list[str]:
    found = list(starter.models_in(Path()))
    if not found:
        raise UsageError("there is no ONNX file below this folder", hint="name one: feasible init MODEL")
    if len(found) > starter.MOST_MODELS:
        msg = f"{len(found)} ONNX files lie below this folder, more than {starter.MOST_MODELS}"
        raise UsageError(msg, hint="name those that users run: feasible init MODEL...")
    return found


def _starts(
    models: Sequence[str], device: str, network: str, worker: Worker | None
) -> Iterator[starter.Start]:
    """Yield the models that can be measured; say of the others why not."""

    def measured(path: str) -> starter.Start | FeasibilityError:
        try:
            cost = api.profile(path, isolated=worker or True)
        except FeasibilityError as error:
            return error
        decision = api.decide(cost, client=device, network=network)
        beside = weights_beside(Path(path), cost.model.external_files)
        nbytes = max(cost.totals.download_bytes, cost.model.file_bytes + beside.nbytes)
        return starter.Start(path=path, cost=cost, decision=decision, download_bytes=nbytes)

    for path, found in zip(models, each("measuring", measured, models), strict=True):
        if isinstance(found, starter.Start):
            if found.cost.coverage.unknown:
                said = names(found.cost.coverage.unknown)
                talk(f"{path} is not counted in full, {said}: the gate fails until it is (docs/gate.md)")
            yield found
        else:
            talk(f"left out: {path}: {found.message}")


def _install(workflow: Path) -> tuple[str, str]:
    """Return the step that gets into CI what runs here, and a sentence where nobody can know how.

    Installers note where a package came from that no index gave them (PEP 610). Where it was a folder, the
    step fails until somebody fills it in: an index may have another package of this name.
    """
    here = distribution("feasible")
    noted = here.read_text("direct_url.json")
    origin: Mapping[str, Any] = json.loads(noted) if noted else {}
    url, vcs = str(origin.get("url", "")), origin.get("vcs_info")
    if vcs:
        return _pip(f"feasible @ {vcs['vcs']}+{url}@{vcs['commit_id']}"), ""
    if url.startswith("https://"):
        return _pip(f"feasible @ {url}"), ""
    if not url:
        return _pip(f"feasible=={here.version}"), ""
    return _FILL_IN, f"say in {workflow} how CI installs feasible: here it came from a folder\n"


def _pip(requirement: str) -> str:
    return f"pip install {json.dumps(requirement)}"
