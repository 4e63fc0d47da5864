"""Say once what each option of the command line is called, takes and means."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Optional

import typer

from feasibility.cli import completion as c


class Format(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class TableFormat(StrEnum):
    """How a table of counts is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    CSV = "csv"


class PlainFormat(StrEnum):
    """How a comparison is written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class AnswerFormat(StrEnum):
    """How an answer that has no table is written."""

    TEXT = "text"
    JSON = "json"


class Side(StrEnum):
    """A verdict that can be required."""

    CLIENT = "client"
    SERVER = "server"


class Grouping(StrEnum):
    """What a line of the profile stands for."""

    OP = "op"
    NODE = "node"
    MODULE = "module"


class Tool(StrEnum):
    """Whose convention a total follows (feasibility.conventions.TOOLS)."""

    TORCHVISION = "torchvision"
    FVCORE = "fvcore"
    ONNX_TOOL = "onnx-tool"


class Action(StrEnum):
    """What to do with profiles."""

    LIST = "list"
    SHOW = "show"
    CHECK = "check"


class DeviceClass(StrEnum):
    """What a device is (feasibility.profiles.models.DeviceClass)."""

    PHONE = "phone"
    TABLET = "tablet"
    LAPTOP = "laptop"
    DESKTOP = "desktop"
    EDGE = "edge"
    SERVER = "server"
    MCU = "mcu"


class UnitKind(StrEnum):
    """What a unit is (feasibility.profiles.models.UnitKind)."""

    CPU = "cpu"
    GPU = "gpu"
    NPU = "npu"


class DeviceSort(StrEnum):
    """What devices are sorted by (feasibility.views.devices.SORTS)."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
    BANDWIDTH = "bandwidth"
    MEMORY = "memory"
    YEAR = "year"
    ID = "id"


class SchemaName(StrEnum):
    """Which answer a JSON Schema describes."""

    VERDICT = "verdict"
    PROFILE = "profile"
    VARY = "vary"
    DIFF = "diff"
    CHAIN = "chain"
    LIMITS = "limits"
    ACCURACY = "accuracy"
    GATE = "gate"


Text = Optional[str]  # noqa: UP045 (typer reads the annotation at run time)
Number = Optional[int]  # noqa: UP045 (as above)
Fraction = Optional[float]  # noqa: UP045 (as above)

Models = Annotated[
    list[str],
    typer.Argument(metavar="MODEL...", help="ONNX files; - reads standard input.", autocompletion=c.models),
]
Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="An ONNX file; - reads standard input.", autocompletion=c.models),
]
Devices = Annotated[
    list[str],
    typer.Option(
        "-d",
        "--device",
        metavar="ID[/UNIT]",
        help="The user's device, or its YAML file; repeatable.",
        autocompletion=c.devices,
    ),
]
Runtime = Annotated[
    Text, typer.Option(metavar="ID", help="What runs the model on the device.", autocompletion=c.runtimes)
]
AllRuntimes = Annotated[
    bool, typer.Option("--all-runtimes", help="One line per unit and runtime of the device.")
]
Precision = Annotated[
    Text,
    typer.Option(
        metavar="TYPE",
        help="fp32, fp16, bf16, int8, int4, as-stored.  [as-stored]",
        autocompletion=c.precisions,
    ),
]
LimitsPrecision = Annotated[
    Text,
    typer.Option(
        metavar="TYPE",
        help="fp32, fp16, bf16, int8, int4.  [the runtime's own]",
        autocompletion=c.precisions,
    ),
]
Network = Annotated[
    Text, typer.Option("-n", "--network", metavar="ID", help="The link.  [essay]", autocompletion=c.networks)
]
Rtt = Annotated[Text, typer.Option(metavar="TIME", help="Round trip of the link, like 150ms.")]
Down = Annotated[Text, typer.Option(metavar="RATE", help="Downlink, like 150Mbit/s.")]
Up = Annotated[Text, typer.Option(metavar="RATE", help="Uplink, like 20Mbit/s.")]
CdnRtt = Annotated[Text, typer.Option(metavar="TIME", help="Round trip to where the model is fetched.")]
Resumed = Annotated[
    bool, typer.Option("--resumed", help="The device has talked to the server before: TLS resumes.")
]
Server = Annotated[
    Text, typer.Option(metavar="ID[/UNIT]", help="The server.  [a100]", autocompletion=c.devices)
]
ServerPrecision = Annotated[
    Text, typer.Option(metavar="TYPE", help="Precision on the server.  [fp16]", autocompletion=c.precisions)
]
Calls = Annotated[Number, typer.Option(metavar="N", help="Compare averages over N calls per download.")]
Cold = Annotated[bool, typer.Option("--cold", help="Compare first calls: connect, download, load.")]
Payload = Annotated[Text, typer.Option(metavar="SIZE", help="What a call sends, like 1.5MB; compares calls.")]
CacheHit = Annotated[
    Fraction, typer.Option(metavar="P", help="Share of sessions that have the model cached; with --calls.")
]
Response = Annotated[Text, typer.Option(metavar="SIZE", help="What a call gets back, like 20kB.")]
Fps = Annotated[Fraction, typer.Option(metavar="N", help="Frames a second to keep up with, like 30.")]
Traffic = Annotated[Text, typer.Option(metavar="RATE", help="Requests of all users, like 1000/s.")]
P99 = Annotated[Text, typer.Option(metavar="TIME", help="What 99 of 100 answers stay within, network apart.")]
MaxBatch = Annotated[Number, typer.Option(metavar="N", help="The most requests a batch may hold.  [128]")]
Compress = Annotated[
    Text,
    typer.Option(
        metavar="TYPE", help="gzip, zstd or br: how the download is packed.", autocompletion=c.methods
    ),
]
Weights = Annotated[Text, typer.Option(metavar="FILE", help="Measure --compress on a sample of this file.")]
Host = Annotated[
    Text,
    typer.Option(
        metavar="ID",
        help="Where users fetch it, like cloudflare-pages: its limits decide.",
        autocompletion=c.hosts,
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="It must work without a server.")]
PrivateInput = Annotated[bool, typer.Option("--private-input", help="The input must not leave the device.")]
SecretModel = Annotated[bool, typer.Option("--secret-model", help="The weights must not be shipped.")]
MaxDownload = Annotated[Text, typer.Option(metavar="SIZE", help="The most a user may have to download.")]
Dims = Annotated[
    list[str], typer.Option("--dim", metavar="NAME=N", help="Bind a free dimension of the model; repeatable.")
]
Inputs = Annotated[
    list[str],
    typer.Option(
        "--input", metavar="NAME=AxBxC", help="Bind the dimensions of an input by position; repeatable."
    ),
]
Require = Annotated[
    Optional[Side],  # noqa: UP045 (typer reads the annotation at run time)
    typer.Option(
        help="Exit with 1 unless this is the verdict.", show_choices=True, autocompletion=c.choices(Side)
    ),
]
Confidence = Annotated[Fraction, typer.Option(metavar="P", help="How sure a verdict must be.  [0.8]")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 when undecided.")]
OutputFormat = Annotated[
    Format, typer.Option("--format", help="How to write the answer.", autocompletion=c.choices(Format))
]
OutputTable = Annotated[
    TableFormat,
    typer.Option("--format", help="How to write the counts.", autocompletion=c.choices(TableFormat)),
]
Why = Annotated[bool, typer.Option("--why", help="Add phases, checks, who chose what, and sources.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print the verdict only.")]
OneLine = Annotated[bool, typer.Option("-q", "--quiet", help="Print one line, for scripts.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say on standard error what was read.")]
By = Annotated[
    Optional[Grouping],  # noqa: UP045 (typer reads the annotation at run time)
    typer.Option(
        "--by",
        help="One line per operator type, node, or module (path in the names).  [op]",
        autocompletion=c.choices(Grouping),
    ),
]
Top = Annotated[
    Number,
    typer.Option(min=0, metavar="N", help="Show the N costliest lines; 0 shows all.  [20; json, csv: 0]"),
]
TopChanges = Annotated[
    Number,
    typer.Option(min=0, metavar="N", help="Show the N largest changes; 0 shows all.  [20; json, csv: 0]"),
]
Depth = Annotated[
    Number, typer.Option(min=0, metavar="N", help="How deep modules go; 0 goes all the way.  [2]")
]
Vary = Annotated[
    Text,
    typer.Option(
        metavar="NAME=A..B",
        help="One line per size of a dimension: n=16..2048 doubles, n=16..64:16 steps, n=1,8,64 lists.",
    ),
]
Old = Annotated[str, typer.Argument(metavar="OLD", help="An ONNX file.", autocompletion=c.models)]
New = Annotated[
    str, typer.Argument(metavar="NEW", help="The ONNX file that it became.", autocompletion=c.models)
]
Convention = Annotated[
    Optional[Tool],  # noqa: UP045 (typer reads the annotation at run time)
    typer.Option(help="Add the total as this tool would count it.", autocompletion=c.choices(Tool)),
]
CrossCheck = Annotated[
    bool, typer.Option("--cross-check", help="Run onnx-tool and set its count beside ours, with reasons.")
]
ActionArgument = Annotated[
    str, typer.Argument(metavar="[list|show|check]", help="What to do.", autocompletion=c.choices(Action))
]
NameArgument = Annotated[
    Text,
    typer.Argument(metavar="ID|FILE", help="Which one to show or check.", autocompletion=c.network_names),
]
DevicesAction = Annotated[
    str, typer.Argument(metavar="[list|show|check]", help="What to do.", autocompletion=c.choices(Action))
]
DevicesName = Annotated[
    Text,
    typer.Argument(
        metavar="WORD|ID|FILE", help="What to search, show or check.", autocompletion=c.device_names
    ),
]
Search = Annotated[
    Text, typer.Option(metavar="WORDS", help="Devices whose id, alias, name or units have them.")
]
OfClass = Annotated[
    Optional[DeviceClass],  # noqa: UP045 (typer reads the annotation at run time)
    typer.Option("--class", help="Devices of this class.", autocompletion=c.choices(DeviceClass)),
]
Vendor = Annotated[Text, typer.Option(metavar="NAME", help="Devices of this maker.")]
OfUnit = Annotated[
    Optional[UnitKind],  # noqa: UP045 (as above)
    typer.Option(
        "--unit", help="Show units of this kind, not the default ones.", autocompletion=c.choices(UnitKind)
    ),
]
SortDevices = Annotated[
    DeviceSort,
    typer.Option("--sort", help="By what; numbers from the largest.", autocompletion=c.choices(DeviceSort)),
]
DevicesFormat = Annotated[
    TableFormat,
    typer.Option("--format", help="How to write the table.", autocompletion=c.choices(TableFormat)),
]
SchemaArgument = Annotated[
    SchemaName,
    typer.Argument(
        metavar="NAME",
        help=f"Of which answer: {', '.join(SchemaName)}.",
        autocompletion=c.choices(SchemaName),
    ),
]
CalibratedModels = Annotated[
    list[str],
    typer.Option(
        "--model",
        metavar="FILE",
        help="A model of yours to time and fit to as well; repeatable.",
        autocompletion=c.models,
    ),
]
LimitedDevices = Annotated[
    list[str],
    typer.Option("-d", "--device", metavar="ID[/UNIT]", help="The device.", autocompletion=c.devices),
]
Deadline = Annotated[str, typer.Option(metavar="TIME", help="How long an inference may take, like 30ms.")]
OutputLimits = Annotated[
    AnswerFormat,
    typer.Option("--format", help="How to write the limits.", autocompletion=c.choices(AnswerFormat)),
]
Out = Annotated[
    Text,
    typer.Option(
        "-o", "--out", metavar="FILE", help="Where to write.  [my-machine]", autocompletion=c.yaml_files
    ),
]
TimeLimit = Annotated[Text, typer.Option("--time", metavar="TIME", help="How long to measure.  [75 s]")]
TimeEach = Annotated[Text, typer.Option("--time", metavar="TIME", help="How long to run each model.  [1 s]")]
Calibrated = Annotated[
    str,
    typer.Option(
        "-d", "--device", metavar="ID[/UNIT]", help="Whose predictions are tried.", autocompletion=c.devices
    ),
]
OutputAccuracy = Annotated[
    PlainFormat,
    typer.Option("--format", help="How to write the comparison.", autocompletion=c.choices(PlainFormat)),
]
ChainPath = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="A YAML file of stages (docs/chains.md).", autocompletion=c.yaml_files
    ),
]
ChainDevice = Annotated[
    Text,
    typer.Option(
        "-d",
        "--device",
        metavar="ID[/UNIT]",
        help="The user's device, or its YAML file.  [m1]",
        autocompletion=c.devices,
    ),
]
OutputChain = Annotated[
    AnswerFormat,
    typer.Option("--format", help="How to write the answer.", autocompletion=c.choices(AnswerFormat)),
]


class FigureKind(StrEnum):
    """What a figure shows (feasibility.plots)."""

    ROOFLINE = "roofline"
    RACE = "race"
    CROSSOVER = "crossover"
    MODULES = "modules"
    MEMORY = "memory"
    HISTORY = "history"


FigureName = Annotated[
    str,
    typer.Argument(metavar="KIND", help=f"{', '.join(FigureKind)}.", autocompletion=c.choices(FigureKind)),
]
FigureModel = Annotated[
    Text, typer.Argument(metavar="MODEL", help="An ONNX file; none for history.", autocompletion=c.models)
]
FigureRtt = Annotated[Text, typer.Option("--rtt", metavar="TIME", help="Round trip; of a map, like 5ms..1s.")]
FigureDown = Annotated[
    Text, typer.Option("--down", metavar="RATE", help="Downlink; of a map, like 1Mbit/s..1Gbit/s.")
]
FigureTop = Annotated[
    Number, typer.Option("--top", min=0, metavar="N", help="Show N modules; 0 shows all.  [12]")
]
FigureOut = Annotated[
    str, typer.Option("-o", "--out", metavar="FILE", help="An .svg or .png file; - writes SVG.")
]
