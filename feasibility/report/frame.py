"""Tabulate what the verbs return as pandas DataFrames: columns are called as the keys of the JSON.

Numbers are in SI units, and the unit is in the column's name. Counts stay exact integers,
and what is not known is missing, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from feasibility.cost import ModelCost, NodeCost
from feasibility.decide.limits import Limits
from feasibility.decide.records import Decision
from feasibility.errors import UsageError
from feasibility.profiles.models import DeviceProfile
from feasibility.report.wording import download_size, failed_checks
from feasibility.views.devices import Row
from feasibility.views.modules import Module, is_unknown
from feasibility.views.sweep import Sweep

if TYPE_CHECKING:
    import pandas as pd

Frame: TypeAlias = "pd.DataFrame"
_Record: TypeAlias = Mapping[str, object]
_COUNTS = ("fmas", "arithmetic", "transcendentals", "flops")
_MOST = 2**63 - 1  # pandas' integers; a hostile model may declare more


def to_frame(found: object) -> Frame:
    """Return one row per node of a count, point of a sweep, decision, module, device, or network that fits.

    Raise UsageError for anything else, and where pandas is missing.
    """
    records = _records(found)
    rows = [row for record in records for row in _ROWS[type(record)](record)]
    columns = tuple(dict.fromkeys(name for row in rows for name in row)) or _NODE_COLUMNS
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


def _records(found: object) -> Sequence[object]:
    """Return the records, all of a kind; UsageError for a mixture, nothing, or what makes no table."""
    records = found if isinstance(found, (list, tuple)) else [found]
    kinds = {type(record) for record in records}
    if len(kinds) == 1 and kinds <= set(_ROWS) and (len(records) == 1 or not kinds & _ONE):
        return records
    msg = f"{_said(records)} makes no frame"
    raise UsageError(msg, hint=f"one of {', '.join(k.__name__ for k in _ROWS)}, or a list of one of them")


def _said(records: Sequence[object]) -> str:
    kinds = sorted({type(record).__name__ for record in records})
    return f"a list of {' and '.join(kinds) or 'nothing'}" if len(records) != 1 else kinds[0]


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
        }


def _devices(found: DeviceProfile) -> Iterable[_Record]:
    """Return the default unit of a device, as `feasible devices` lists it."""
    row = Row(device=found, unit=found.default_unit).to_dict()
    yield {key: ", ".join(value) if isinstance(value, list) else value for key, value in row.items()}


_ROWS: Mapping[type, Callable[[Any], Iterable[_Record]]] = {
    ModelCost: _nodes,
    Sweep: _points,
    Decision: _decisions,
    Module: _modules,
    Limits: _fits,
    DeviceProfile: _devices,
}
_ONE = frozenset({ModelCost, Sweep})  # whose rows say nothing of which one they are of
