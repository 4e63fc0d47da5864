"""Say what each option of the commands for a repository is called, takes and means."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Optional

import typer

from feasibility.cli import completion as c


class ReportFormat(StrEnum):
    """How the gate's report is written."""

    JSON = "json"
    MD = "md"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


Text = Optional[str]  # noqa: UP045 (typer reads the annotation at run time)

Config = Annotated[
    Text,
    typer.Option(
        metavar="FILE",
        help="The budgets.  [the closest feasible.yaml or pyproject.toml]",
        autocompletion=c.yaml_files,
    ),
]
Base = Annotated[
    Text,
    typer.Option(
        metavar="REF",
        help="The branch that growth is counted from.  [of the pull request, else the main one]",
    ),
]
Today = Annotated[Text, typer.Option(metavar="DATE", help="The day that waivers are held against.  [today]")]
Update = Annotated[
    bool, typer.Option("--update", help="Write feasible.lock.json: what the models measure now.")
]
Outputs = Annotated[
    list[str],
    typer.Option(
        "-o",
        "--out",
        metavar="FORMAT=FILE",
        help="Write json, md, sarif, junit or github to a file, or to - (standard output); repeatable.",
    ),
]
InitModels = Annotated[
    Optional[list[str]],  # noqa: UP045 (as above)
    typer.Argument(
        metavar="[MODEL]...", help="ONNX files.  [all below this folder]", autocompletion=c.models
    ),
]
InitDevice = Annotated[
    Text,
    typer.Option(
        "-d",
        "--device",
        metavar="ID[/UNIT]",
        help="The user's device.  [pixel-6a]",
        autocompletion=c.devices,
    ),
]
InitNetwork = Annotated[
    Text, typer.Option("-n", "--network", metavar="ID", help="The link.  [4g]", autocompletion=c.networks)
]
ProfileFiles = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...", help="YAML files of devices, runtimes, networks.", autocompletion=c.yaml_files
    ),
]
