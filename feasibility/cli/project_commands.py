"""Define the commands for a repository: the gate."""

from __future__ import annotations

import typer

from feasibility.cli import gate_options as g
from feasibility.cli import options as o
from feasibility.cli.group import app


@app.command()
def gate(  # noqa: PLR0913 (one parameter per option)
    ctx: typer.Context,
    *,
    config: g.Config = None,
    base: g.Base = None,
    update: g.Update = False,
    today: g.Today = None,
    out: g.Outputs = [],  # noqa: B006 (typer copies it)
    quiet: o.Quiet = False,
) -> None:
    """Hold models to the budgets of feasible.yaml.

    feasible gate --out md=report.md --out sarif=report.sarif
    """
    from feasibility.cli import gates

    outputs = gates.parse_outputs(out)
    if update:
        gates.check_alone(ctx.params)
        gates.update(config, ctx.obj)
        return
    report = gates.judge(config, base, today, ctx.obj, outputs)
    gates.show(report, outputs, quiet=quiet)
    raise typer.Exit(gates.exit_code(report))


@app.command()
def init(
    ctx: typer.Context,
    models: g.InitModels = None,
    *,
    device: g.InitDevice = None,
    network: g.InitNetwork = None,
) -> None:
    """Write feasible.yaml, a lock file and a workflow.

    feasible init models/classifier.onnx --device iphone-15-pro
    """
    from feasibility.cli import starting

    starting.start(models or (), device, network, ctx.obj)


@app.command("check-profiles")
def check_profiles(files: g.ProfileFiles) -> None:
    """Check profile files of any kind.

    feasible check-profiles hardware_profiles/my-board.yaml
    """
    from feasibility.cli import profile_files

    raise typer.Exit(profile_files.check_all(files))
