"""Read the JSON form of a decision back, key by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeVar

from feasibility.cost import Coverage, ModelRef, Totals, Unknown
from feasibility.errors import UsageError
from feasibility.ir import DType, TensorSpec
from feasibility.timing.interval import Interval
from feasibility.units import Seconds

T = TypeVar("T")


class Fields:
    """A JSON object; a missing key or another type raises UsageError that says where.

    Keys that nobody asks for are ignored, so that later versions may add some.
    """

    def __init__(self, value: object, *, where: str) -> None:
        """Take the parsed object, and the words that tell a reader where it stands."""
        if not isinstance(value, Mapping):
            msg = f"{where}: an object is expected, not {value!r}"
            raise UsageError(msg)
        self._values: Mapping[str, object] = value
        self._where = where

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys that are there."""
        return tuple(self._values)

    def has(self, key: str) -> bool:
        """Tell whether a key is there and not null."""
        return self._values.get(key) is not None

    def text(self, key: str) -> str:
        """Return a string."""
        return self._typed(key, str)

    def integer(self, key: str) -> int:
        """Return a whole number."""
        return self._typed(key, int)

    def number(self, key: str) -> float:
        """Return a number; a whole one stays exact."""
        value = self._value(key)
        return value if isinstance(value, (int, float)) else self._mistyped(key, value)

    def number_or_none(self, key: str) -> float | None:
        """Return a number, or None for null."""
        return None if self._value(key) is None else self.number(key)

    def flag_or_none(self, key: str) -> bool | None:
        """Return true or false, or None for null."""
        return None if self._value(key) is None else self._typed(key, bool)

    def inner(self, key: str) -> Fields:
        """Return an object in this one."""
        return Fields(self._value(key), where=f"{self._where}.{key}")

    def items(self, key: str) -> tuple[Fields, ...]:
        """Return the objects of a list."""
        rows = enumerate(self._list(key))
        return tuple(Fields(row, where=f"{self._where}.{key}[{at}]") for at, row in rows)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the strings of a list."""
        return tuple(row if isinstance(row, str) else self._mistyped(key, row) for row in self._list(key))

    def integers_or_none(self, key: str) -> tuple[int, ...] | None:
        """Return the whole numbers of a list, or None for null."""
        if self._value(key) is None:
            return None
        return tuple(row if isinstance(row, int) else self._mistyped(key, row) for row in self._list(key))

    def interval(self, key: str) -> Interval:
        """Return an interval of seconds."""
        inner = self.inner(key)
        low, typical, high = (Seconds(inner.number(name)) for name in ("low", "typical", "high"))
        return Interval(low=low, typical=typical, high=high)

    def _typed(self, key: str, kind: type[T]) -> T:
        value = self._value(key)
        return value if isinstance(value, kind) else self._mistyped(key, value)

    def _list(self, key: str) -> Sequence[object]:
        value = self._value(key)
        return value if isinstance(value, (list, tuple)) else self._mistyped(key, value)

    def _value(self, key: str) -> object:
        if key not in self._values:
            msg = f"{self._where} lacks {key!r}"
            raise UsageError(msg, hint="give the object that `--format json` prints")
        return self._values[key]

    def _mistyped(self, key: str, value: object) -> NoReturn:
        msg = f"{self._where}: {key!r} has the wrong type, {value!r}"
        raise UsageError(msg)


def read_model(fields: Fields) -> ModelRef:
    """Read a model reference."""
    opsets = fields.inner("opsets")
    return ModelRef(
        path=fields.text("path"),
        file_bytes=fields.integer("file_bytes"),
        graph_sha256=fields.text("graph_sha256"),
        external_files=fields.texts("external_files"),
        opsets={domain: opsets.integer(domain) for domain in opsets.keys},
        inputs=tuple(_read_tensor(row) for row in fields.items("inputs")),
        outputs=tuple(_read_tensor(row) for row in fields.items("outputs")),
    )


def read_totals(fields: Fields) -> Totals:
    """Read the totals; `flops` is derived and not read."""
    return Totals(
        fmas=fields.integer("fmas"),
        arithmetic=fields.integer("arithmetic"),
        transcendentals=fields.integer("transcendentals"),
        parameters=fields.integer("parameters"),
        embedding_parameters=fields.integer("embedding_parameters"),
        parameter_bytes=fields.integer("parameter_bytes"),
        download_bytes=fields.integer("download_bytes"),
        read_bytes=fields.integer("read_bytes"),
        written_bytes=fields.integer("written_bytes"),
        peak_activation_bytes=fields.integer("peak_activation_bytes"),
        peak_activation_node=fields.text("peak_activation_node"),
    )


def read_coverage(fields: Fields) -> Coverage:
    """Read what was counted, what not, and what was assumed."""
    return Coverage(
        nodes=fields.integer("nodes"),
        counted=fields.integer("counted"),
        folded=fields.integer("folded"),
        unknown=tuple(_read_unknown(row) for row in fields.items("unknown")),
        assumed=fields.texts("assumed"),
    )


def _read_unknown(fields: Fields) -> Unknown:
    return Unknown(
        name=fields.text("name"),
        domain=fields.text("domain"),
        op_type=fields.text("op_type"),
        reason=fields.text("reason"),
    )


def _read_tensor(fields: Fields) -> TensorSpec:
    dtype = fields.text("dtype").upper()
    return TensorSpec(
        name=fields.text("name"),
        dtype=DType[dtype] if dtype in DType.__members__ else DType.UNDEFINED,
        shape=fields.integers_or_none("shape"),
    )
