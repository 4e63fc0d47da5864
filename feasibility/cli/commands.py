"""Define the commands that answer: each parses, calls api, renders and exits."""
# ruff: noqa: ARG001 (the choices of the scenario are passed on together, from ctx.params)

from __future__ import annotations

import typer

from feasibility.cli import options as o
from feasibility.cli.group import app
from feasibility.cli.output import put, put_text
from feasibility.errors import UsageError

_CHOICES = (
    "precision", "network", "rtt", "down", "up", "cdn_rtt", "resumed", "server", "server_precision",
    "calls", "cache_hit", "cold", "payload", "response", "max_download", "compress", "weights",
    "confidence",
    "host", "fps", "traffic", "p99", "max_batch", "offline", "private_input", "secret_model",
)  # fmt: skip


@app.command()
def check(  # noqa: PLR0913 (one parameter per option)
    ctx: typer.Context,
    models: o.Models,
    *,
    device: o.Devices = [],  # noqa: B006 (typer copies it)
    runtime: o.Runtime = None,
    all_runtimes: o.AllRuntimes = False,
    precision: o.Precision = None,
    network: o.Network = None,
    rtt: o.Rtt = None,
    down: o.Down = None,
    up: o.Up = None,
    cdn_rtt: o.CdnRtt = None,
    resumed: o.Resumed = False,
    server: o.Server = None,
    server_precision: o.ServerPrecision = None,
    calls: o.Calls = None,
    cache_hit: o.CacheHit = None,
    cold: o.Cold = False,
    payload: o.Payload = None,
    response: o.Response = None,
    fps: o.Fps = None,
    traffic: o.Traffic = None,
    p99: o.P99 = None,
    max_batch: o.MaxBatch = None,
    max_download: o.MaxDownload = None,
    compress: o.Compress = None,
    weights: o.Weights = None,
    host: o.Host = None,
    offline: o.Offline = False,
    private_input: o.PrivateInput = False,
    secret_model: o.SecretModel = False,
    dim: o.Dims = [],  # noqa: B006 (as above)
    input: o.Inputs = [],  # noqa: A002, B006 (the option's name; as above)
    require: o.Require = None,
    confidence: o.Confidence = None,
    strict: o.Strict = False,
    format: o.OutputFormat = o.Format.TEXT,  # noqa: A002 (the option's name)
    why: o.Why = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
) -> None:
    """Decide where models should run (the default command).

    feasible model.onnx --device m1 --rtt 150ms

    feasible a.onnx b.onnx --device pixel-6a --network 4g --max-download 25MB
    """
    import feasibility.decide.scenario  # noqa: F401 (pydantic loads here while onnx loads in the child)
    from feasibility.cli import answers as a

    sizes = a.Sizes(dim, input)
    costs = a.read_all(models, sizes, ctx.obj, quiet=quiet, verbose=verbose)
    places = a.places(device, runtime, all_runtimes=all_runtimes)
    decisions = a.decide_all(costs, places, {name: ctx.params[name] for name in _CHOICES}, quiet=quiet)
    a.show(decisions, format, why=why, quiet=quiet)
    raise typer.Exit(a.exit_code(decisions, require, strict=strict))


@app.command()
def profile(  # noqa: PLR0913 (one parameter per option)
    ctx: typer.Context,
    model: o.Model,
    *,
    by: o.By = None,
    top: o.Top = None,
    depth: o.Depth = None,
    vary: o.Vary = None,
    precision: o.Precision = None,
    dim: o.Dims = [],  # noqa: B006 (typer copies it)
    input: o.Inputs = [],  # noqa: A002, B006 (the option's name; as above)
    convention: o.Convention = None,
    cross_check: o.CrossCheck = False,
    format: o.OutputTable = o.TableFormat.TEXT,  # noqa: A002 (the option's name)
    quiet: o.OneLine = False,
    verbose: o.Verbose = False,
) -> None:
    """Count what one forward pass costs.

    By operator type, node or module, or for several sizes of a dimension.

    feasible profile model.onnx --by module --top 10

    feasible profile model.onnx --vary batch=1..8
    """
    from feasibility.cli import answers as a
    from feasibility.cli import counts as c

    c.check_together(ctx.params, format)
    precision = None if precision == "as-stored" else precision
    sizes = a.Sizes(dim, input)
    if vary is not None:
        c.show_vary(*c.vary(model, vary, sizes, ctx.obj), format, precision, verbose=verbose)
        return
    [cost] = a.read_all([model], sizes, ctx.obj, quiet=quiet, verbose=verbose)
    opinions = c.second_opinions(cost, convention, cross_check=cross_check)
    c.show_cost(cost, c.View(format, by, top, depth, quiet), precision, opinions)


@app.command()
def diff(  # noqa: PLR0913 (one parameter per option)
    ctx: typer.Context,
    old: o.Old,
    new: o.New,
    *,
    top: o.TopChanges = None,
    depth: o.Depth = None,
    dim: o.Dims = [],  # noqa: B006 (typer copies it)
    input: o.Inputs = [],  # noqa: A002, B006 (the option's name; as above)
    format: o.OutputTable = o.TableFormat.TEXT,  # noqa: A002 (the option's name)
    quiet: o.OneLine = False,
    verbose: o.Verbose = False,
) -> None:
    """Say what changed from one model to another.

    In all, then the modules and operator types that changed the most.

    feasible diff old.onnx new.onnx --top 10
    """
    from feasibility.cli import answers as a
    from feasibility.cli import counts as c

    sizes = a.Sizes(dim, input)
    costs = a.read_all([old, new], sizes, ctx.obj, quiet=quiet, verbose=verbose)
    c.show_diff(costs[0], costs[1], c.View(format, None, top, depth, quiet))


@app.command()
def chain(  # noqa: PLR0913 (one parameter per option)
    ctx: typer.Context,
    file: o.ChainPath,
    *,
    device: o.ChainDevice = None,
    runtime: o.Runtime = None,
    precision: o.Precision = None,
    network: o.Network = None,
    rtt: o.Rtt = None,
    down: o.Down = None,
    up: o.Up = None,
    server: o.Server = None,
    server_precision: o.ServerPrecision = None,
    format: o.OutputChain = o.AnswerFormat.TEXT,  # noqa: A002 (the option's name)
    quiet: o.Quiet = False,
) -> None:
    """Place the models of a chain on client and server.

    For the least time in all; the file names the models in their order.

    feasible chain chain.yaml --device m1 --server a100 --rtt 150ms
    """
    from feasibility.cli import chains

    choices = {name: ctx.params[name] for name in chains.CHOICES}
    chains.show(file, {"client": device, **choices}, format, ctx.obj, quiet=quiet)


@app.command()
def devices(  # noqa: PLR0913 (one parameter per option)
    action: o.DevicesAction = o.Action.LIST.value,
    name: o.DevicesName = None,
    *,
    search: o.Search = None,
    device_class: o.OfClass = None,
    vendor: o.Vendor = None,
    unit: o.OfUnit = None,
    sort: o.SortDevices = o.DeviceSort.ID,
    format: o.DevicesFormat = o.TableFormat.TEXT,  # noqa: A002 (the option's name)
) -> None:
    """List and search devices, show one, or check a file.

    feasible devices list iphone --sort fp16

    feasible devices show m1

    feasible devices check board.yaml
    """
    from feasibility.cli import catalogs

    asked = catalogs.Listing(search, device_class, vendor, unit, sort, format)
    catalogs.devices(action, name, asked)


@app.command()
def networks(action: o.ActionArgument = o.Action.LIST.value, name: o.NameArgument = None) -> None:
    """List networks, show one with its sources, or check a file.

    feasible networks show 4g
    """
    from feasibility.cli import catalogs

    put_text(catalogs.networks(action, name))


@app.command()
def limits(  # noqa: PLR0913 (one parameter per option)
    device: o.LimitedDevices,
    *,
    deadline: o.Deadline,
    max_download: o.MaxDownload = None,
    runtime: o.Runtime = None,
    precision: o.LimitsPrecision = None,
    format: o.OutputLimits = o.AnswerFormat.TEXT,  # noqa: A002 (the option's name)
    quiet: o.OneLine = False,
) -> None:
    """Say how large a model may be to run within a deadline.

    feasible limits --device pixel-6a --deadline 30ms --max-download 25MB
    """
    from feasibility import api
    from feasibility.cli import counts as c

    if len(device) > 1:
        msg = f"limits are of one device, and {', '.join(device)} are named"
        raise UsageError(msg, hint="ask for one after the other")
    found = api.limits(
        device[0], deadline=deadline, max_download=max_download, runtime=runtime, precision=precision
    )
    c.show_limits(found, format, quiet=quiet)


@app.command()
def calibrate(
    *,
    model: o.CalibratedModels = [],  # noqa: B006 (typer copies it)
    time: o.TimeLimit = None,
    out: o.Out = None,
) -> None:
    """Measure this machine with ONNX Runtime (90 s).

    Then --device my-machine predicts with what was found.

    feasible calibrate

    feasible calibrate --model model.onnx --out board.yaml
    """
    from feasibility.cli import measuring

    measuring.calibrate(out, model, time)


@app.command()
def accuracy(
    ctx: typer.Context,
    models: o.Models,
    *,
    device: o.Calibrated = "my-machine",
    time: o.TimeEach = None,
    format: o.OutputAccuracy = o.PlainFormat.TEXT,  # noqa: A002 (the option's name)
) -> None:
    """Time models on this machine beside what is predicted.

    They run in ONNX Runtime, with random weights.

    feasible accuracy --device my-machine model.onnx
    """
    from feasibility.cli import measuring

    measuring.accuracy(models, device, time, format, ctx.obj)


@app.command()
def schema(name: o.SchemaArgument) -> None:
    """Print the JSON Schema of an answer.

    feasible schema verdict
    """
    from feasibility.report.json import schema as published

    put(published(name.value))


@app.command()
def plot(  # noqa: PLR0913 (one parameter per option)
    ctx: typer.Context,
    kind: o.FigureName,
    model: o.FigureModel = None,
    *,
    out: o.FigureOut,
    device: o.ChainDevice = None,
    runtime: o.Runtime = None,
    precision: o.Precision = None,
    network: o.Network = None,
    rtt: o.FigureRtt = None,
    down: o.FigureDown = None,
    up: o.Up = None,
    cdn_rtt: o.CdnRtt = None,
    resumed: o.Resumed = False,
    server: o.Server = None,
    server_precision: o.ServerPrecision = None,
    calls: o.Calls = None,
    cache_hit: o.CacheHit = None,
    cold: o.Cold = False,
    payload: o.Payload = None,
    response: o.Response = None,
    depth: o.Depth = None,
    top: o.FigureTop = None,
    dim: o.Dims = [],  # noqa: B006 (typer copies it)
    input: o.Inputs = [],  # noqa: A002, B006 (the option's name; as above)
) -> None:
    """Draw a figure (docs/figures.md shows each kind).

    crossover compares first calls, download included, unless --calls N shares the download.

    feasible plot roofline model.onnx --device m1 -o roofline.svg

    feasible plot history -o history.svg
    """
    from feasibility.cli import figures

    figures.plot(kind, model, out, ctx.params, ctx.obj)
