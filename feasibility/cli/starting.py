"""Write the first config, lock file and workflow of a repository; nothing that is there is overwritten."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feasibility import api
from feasibility.cli.output import put_text, talk
from feasibility.cli.progress import each
from feasibility.cli.written import write
from feasibility.errors import FeasibilityError, UsageError
from feasibility.gate import git, source, starter

if TYPE_CHECKING:
    from feasibility.loader.isolate import Worker

WORKFLOW = Path(".github/workflows/feasible.yml")
# the releases of these actions, by commit; the tag is what people read (2026-11)
PINS: Mapping[str, str] = {
    "actions/checkout": "8e8c483db84b4bee98b60c0593521ed34d9990e8 # v6.0.1",
    "actions/setup-python": "a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0",
}
_DEVICE, _NETWORK = "pixel-6a", "4g"


def start(models: Sequence[str], device: str | None, network: str | None, worker: Worker | None) -> None:
    """Measure the models named, else those below this folder, and write the three files."""
    top = git.top(Path())
    below = "" if top is None else Path.cwd().relative_to(top).as_posix()
    workflow = Path(os.path.relpath(top or Path.cwd())) / WORKFLOW  # GitHub looks nowhere else
    for path in (Path(source.YAML_NAME), workflow, Path(source.LOCK_NAME)):
        if path.exists():
            msg = f"{str(path)!r} is there already"
            raise UsageError(msg, hint="judge with it: feasible gate; or move it away first")
    on, over = device or _DEVICE, network or _NETWORK
    starts = list(_starts(models or _found(), on, over, worker))
    if not starts:
        raise UsageError("none of the models could be measured", hint="name one: feasible init MODEL")
    text = starter.config_text(starts, on, over)
    requirement, doubt = _requirement(workflow)
    write(source.YAML_NAME, text.encode())
    workflow.parent.mkdir(parents=True, exist_ok=True)
    write(str(workflow), starter.workflow_text(requirement, PINS, below).encode())
    path, count = api.update_lock(source.YAML_NAME, isolated=worker or True)
    put_text(
        f"{source.YAML_NAME}: budgets for {count} {'model' if count == 1 else 'models'} on {on} over {over}\n"
        f"{path}: what they measure now, to tell growth from\n"
        f"{workflow}: runs the gate on pull requests\n"
        f"{doubt}"
        "next: feasible gate, then commit the three files\n"
    )


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
        return starter.Start(path=path, cost=cost, decision=decision)

    for path, found in zip(models, each("measuring", measured, models), strict=True):
        if isinstance(found, starter.Start):
            yield found
        else:
            talk(f"left out: {path}: {found.message}")


def _requirement(workflow: Path) -> tuple[str, str]:
    """Return what pip installs in CI to get what runs here, and a sentence where nobody can know.

    Installers note where a package came from that no index gave them (PEP 610).
    """
    here = distribution("feasible")
    noted = here.read_text("direct_url.json")
    origin: Mapping[str, Any] = json.loads(noted) if noted else {}
    url, vcs = str(origin.get("url", "")), origin.get("vcs_info")
    if vcs:
        return f"feasible @ {vcs['vcs']}+{url}@{vcs['commit_id']}", ""
    if url.startswith("https://"):
        return f"feasible @ {url}", ""
    exact = f"feasible=={here.version}"
    if not url:
        return exact, ""
    return exact, (
        f"this feasible was installed from a folder: say in {workflow} where CI gets it from "
        f"(it says {exact})\n"
    )
