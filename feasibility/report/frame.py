"""Tabulate what the verbs return as pandas DataFrames: columns are called as the keys of the JSON.

Numbers are in SI units, and the unit is in the column's name. Counts stay exact integers,
and what is not known is missing, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from feasibility.cost import ModelCost, NodeCost
from feasibility.decide.limits import Limits
from feasibility.decide.records import Decision
from feasibility.errors import UsageError
from feasibility.gate.records import GateReport
from feasibility.profiles.models import DeviceProfile, NetworkProfile
from feasibility.report.wording import download_size, failed_checks
from feasibility.views.devices import Row
from feasibility.views.modules import Module, is_unknown
from feasibility.views.sweep import Point, Sweep

if TYPE_CHECKING:
    import pandas as pd

Frame: TypeAlias = "pd.DataFrame"
_Record: TypeAlias = Mapping[str, object]
_Rows: TypeAlias = Callable[[Any], Iterable[_Record]]
_COUNTS = ("fmas", "arithmetic", "transcendentals", "flops")
_MOST = 2**63 - 1  # pandas' integers; a hostile model may declare more


def to_frame(found: object) -> Frame:
    """Return a frame of an answer, or of several of a kind, in any iterable.

    A count has a row per node, a sweep one per point, a gate's report one per finding. Several counts
    have a row of totals each, and decisions, modules, limits, devices, networks and points of a sweep
    the same row alone and among others. Raise UsageError for anything else, and where pandas is missing.
    """
    kind, records = _records(found)
    rows_of, columns = _WHOLE[kind] if records is None else (_EACH[kind], ())
    rows = [row for record in records or [found] for row in rows_of(record)]
    columns = tuple(dict.fromkeys(name for row in rows for name in row)) or columns
    pandas = _pandas()
    return pandas.DataFrame({name: _column(pandas, [row.get(name) for row in rows]) for name in columns})


def _pandas() -> Any:  # noqa: ANN401 (a module that may be missing)
    try:
        import pandas as pd  # noqa: PLC0415 (it takes half a second to load)
    except ImportError as error:
        if error.name != "pandas":
            raise
        msg = "pandas, which holds a frame, is not installed"
        raise UsageError(msg, hint="pip install 'feasible[notebook]'") from None
    return pd


def _records(found: object) -> tuple[type, list[object] | None]:
    """Return the kind, and the records of that kind where there are several; UsageError for anything else."""
    if type(found) in _WHOLE:
        return type(found), None
    if type(found) in _EACH:
        return type(found), [found]
    if isinstance(found, (str, bytes, Mapping)) or not isinstance(found, Iterable):
        raise _no_frame(type(found).__name__)
    records: list[object] = []
    for record in found:  # which may have no end
        records.append(record)
        kinds = {type(records[0]), type(record)}
        if len(kinds) > 1 or not kinds <= set(_EACH):
            said = " and ".join(sorted(kind.__name__ for kind in kinds))
            raise _no_frame(f"a list of {said}")  # noqa: EM102 (no message yet)
    if not records:
        raise _no_frame("a list of nothing")
    return type(records[0]), records


def _no_frame(said: str) -> UsageError:
    whole, each = (", ".join(kind.__name__ for kind in kinds) for kinds in (_WHOLE, _EACH))
    return UsageError(f"{said} makes no frame", hint=f"one of {whole}, or a list of one of {each}")


def _column(pandas: Any, values: list[object]) -> object:  # noqa: ANN401 (as above)
    """Return whole numbers with gaps as such: pandas alone would round them to floats."""
    if all(value is None for value in values):
        return [math.nan] * len(values)
    whole = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    gaps = sum(value is None for value in values)
    if whole and gaps and len(whole) + gaps == len(values) and max(map(abs, whole)) <= _MOST:
        return pandas.array(values, dtype="Int64")
    return values


def _nodes(cost: ModelCost) -> Iterable[_Record]:
    return map(_node, cost.nodes)


def _node(found: NodeCost) -> _Record:
    node, cost = found.node, found.cost
    row: dict[str, object] = {
        "name": node.name,
        "domain": node.domain,
        "op_type": node.op_type,
        "runs": found.runs,
        "role": cost.role if cost else None,
        "dtype": cost.dtype.name.lower() if cost else None,
        **{count: getattr(found, count) for count in _COUNTS},
        "read_bytes": found.runs * found.read_bytes,
        "written_bytes": found.runs * found.written_bytes,
    }
    if is_unknown(found):
        row |= dict.fromkeys((*_COUNTS, "read_bytes", "written_bytes"))
    return row | {"parameter_bytes": found.parameter_bytes, "live_bytes": found.live_bytes}


_NODE_COLUMNS = (
    "name", "domain", "op_type", "runs", "role", "dtype", *_COUNTS,
    "read_bytes", "written_bytes", "parameter_bytes", "live_bytes",
)  # fmt: skip


def _totals(found: ModelCost) -> Iterable[_Record]:
    """Return the sizes of a model and its sums, as `vary` asks for them."""
    sums = {"model": found.model.path, **found.totals.to_dict(), "unknown_nodes": len(found.coverage.unknown)}
    sizes = {f"dim {name}" if name in sums else name: size for name, size in found.dims.items()}
    yield {"model": sums.pop("model"), **sizes, **sums}


def _decisions(found: Decision) -> Iterable[_Record]:
    yield _decision(found)


def _decision(found: Decision) -> _Record:
    client, server, even = found.client, found.server, found.break_even.to_dict()
    return {
        "model": found.model.path,
        "client": f"{client.device}/{client.unit}",
        "client_runtime": client.runtime,
        "client_precision": client.precision,
        "server": f"{server.device}/{server.unit}",
        "server_runtime": server.runtime,
        "server_precision": server.precision,
        "verdict": found.verdict.value,
        "confidence": found.confidence,
        "compared": found.compared,
        **{f"client_{name}_s": value for name, value in found.client_time.to_dict().items()},
        **{f"server_{name}_s": value for name, value in found.server_time.to_dict().items()},
        "download_bytes": download_size(found).value,
        "failed_checks": ", ".join(check.name for check in failed_checks(found)),
        **{f"break_even_{name}": value for name, value in even.items()},
    }


def _point(found: Point) -> Iterable[_Record]:
    """Return a point without its sweep: it knows its labels, and not what the axes are called."""
    axes = {f"axis_{number}": label for number, label in enumerate(found.labels, 1)}
    yield {**axes, **_decision(found.decision)}


def _points(found: Sweep) -> Iterable[_Record]:
    for point in found.points:
        where = {
            axis.key: axis.labels[index] if axis.numbers is None else axis.numbers[index]
            for axis, index in zip(found.axes, point.at, strict=True)
        }
        yield where | {name: value for name, value in _decision(point.decision).items() if name not in where}


def _modules(found: Module) -> Iterable[_Record]:
    row = found.to_dict()
    del row["path"]
    yield {"module": "/".join(found.path), **row}


def _fits(found: Limits) -> Iterable[_Record]:
    shared = found.to_dict()
    names = ("device", "unit", "runtime", "precision", "deadline_s")
    for fit in found.fits:
        yield {
            **{name: shared[name] for name in names},
            "kind": fit.kind,
            "bound": fit.bound,
            "surely_fmas": fit.surely,
            "probably_fmas": fit.probably,
            "hardly_fmas": fit.hardly,
            "weight_bytes": shared["weight_bytes"],
            "notes": " ".join(found.notes),
        }


def _devices(found: DeviceProfile) -> Iterable[_Record]:
    """Return the default unit of a device, as `feasible devices` lists it."""
    row = Row(device=found, unit=found.default_unit).to_dict()
    yield {key: ", ".join(value) if isinstance(value, list) else value for key, value in row.items()}


def _networks(found: NetworkProfile) -> Iterable[_Record]:
    """Return the numbers of a link; times that it does not have are missing."""
    times = {"cdn_rtt_s": found.cdn_rtt, "dns_s": found.dns, "wake_up_s": found.wake_up}
    yield {
        "id": found.id,
        "name": found.name,
        "rtt_s": found.rtt.value.value,
        "downlink_bits_per_s": found.downlink.value.value,
        "uplink_bits_per_s": found.uplink.value.value,
        **{name: None if fact is None else fact.value.value for name, fact in times.items()},
        "loss": None if found.loss is None else found.loss.value,
        "transport": found.transport,
        "tls": found.tls,
        "congestion": found.congestion,
        "preset": found.preset,
    }


_FINDING_COLUMNS = (
    "model", "rule", "target", "level", "outcome", "fails", "unit", "budget", "now", "base",
    "budget_text", "now_text", "base_text", "line", "message", "note", "why", "fixes",
    "waived_until", "waiver_reason",
)  # fmt: skip


def _findings(found: GateReport) -> Iterable[_Record]:
    for finding in found.findings:
        exemption = finding.exemption
        row: dict[str, object] = finding.to_dict() | {
            "why": "; ".join(finding.why),
            "fixes": "; ".join(finding.fixes),
            "waived_until": None if exemption is None else exemption.until,
            "waiver_reason": None if exemption is None else exemption.reason,
        }
        yield {name: row[name] for name in _FINDING_COLUMNS}


_WHOLE: Mapping[type, tuple[_Rows, tuple[str, ...]]] = {  # with the columns where there are no rows
    ModelCost: (_nodes, _NODE_COLUMNS),
    Sweep: (_points, ()),
    GateReport: (_findings, _FINDING_COLUMNS),
}
_EACH: Mapping[type, _Rows] = {
    Decision: _decisions,
    ModelCost: _totals,
    Point: _point,
    Module: _modules,
    Limits: _fits,
    DeviceProfile: _devices,
    NetworkProfile: _networks,
}
