"""Keep what models measured in feasible.lock.json: numbers and the hash of the graph, no weights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from feasibility.errors import ProfileError
from feasibility.gate.records import UPDATE

SCHEMA_VERSION = 1
MAX_BYTES = 16 * 2**20  # a model takes some 10 kB
_DIGITS = 4  # of a time, significant: systems differ in the last digits of exp and log

Whole = Annotated[int, Field(ge=0, strict=True)]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # a later version may add keys


class LockedTarget(_Record):
    """What one target says of a model."""

    inference_s: Positive
    inference_p90_s: Positive
    first_call_s: Positive
    first_call_p90_s: Positive
    verdict: str

    def of(self, rule: str, at: str) -> float:
        """Return the seconds of an inference or of the first call, at the median or at p90."""
        value: float = getattr(self, f"{rule}_p90_s" if at == "p90" else f"{rule}_s")
        return value


class LockedModule(_Record):
    """The sums of a module, to tell later what grew."""

    flops: Whole
    parameter_bytes: Whole


class Numbers(_Record):
    """What needs no device, by the name of its rule; none may be missing."""

    download: Whole
    parameters: Whole
    fmas: Whole
    flops: Whole
    peak_memory: Whole
    coverage: Positive

    def of(self, rule: str) -> float:
        """Return the number of a rule."""
        value: float = getattr(self, rule)
        return value


class LockedModel(_Record):
    """What a model measured, with the sizes that the config gave it."""

    path: str
    dims: dict[str, int] = {}
    inputs: dict[str, tuple[int, ...]] = {}
    graph_sha256: str
    numbers: Numbers
    targets: dict[str, LockedTarget] = {}
    module_depth: Whole = 0  # scopes at which names are cut
    modules: dict[str, LockedModule] = {}

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells this model from others."""
        return key_of(self.path, self.dims, self.inputs)


class Lock(_Record):
    """Every model of a repository, in the order of its config."""

    schema_version: Literal[1] = 1
    feasible: str  # the version that wrote it
    models: tuple[LockedModel, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        """Refuse a model that is listed twice: two readers could each take another one."""
        keys = [model.key for model in self.models]
        twice = next((model.path for model in self.models if keys.count(model.key) > 1), None)
        if twice is not None:
            msg = f"the model {twice[:60]!r} is listed twice"
            raise ValueError(msg)
        return self

    def find(self, key: tuple[object, ...]) -> LockedModel | None:
        """Return the model with this path and these sizes, else the only one with this path.

        Other sizes of the same file are what it grew to: they are no new model.
        """
        exact = next((model for model in self.models if model.key == key), None)
        alike = [model for model in self.models if model.path == key[0]]
        return exact or (alike[0] if len(alike) == 1 else None)


def key_of(path: str, dims: Mapping[str, int], inputs: Mapping[str, tuple[int, ...]]) -> tuple[object, ...]:
    """Return what tells a model from others: its path, and the sizes given to it."""
    return path, tuple(sorted(dims.items())), tuple(sorted(inputs.items()))


def rounded(seconds: float) -> float:
    """Return a time with the digits that are the same on every system."""
    return float(f"{seconds:.{_DIGITS}g}")


def dump(lock: Lock) -> str:
    """Return the text of the lock file: one line per number, so that a diff shows what changed."""
    return json.dumps(lock.model_dump(mode="json"), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def load(content: bytes, name: str) -> Lock:
    """Read the bytes of a lock file; raise ProfileError where they are none."""
    if len(content) > MAX_BYTES:
        raise ProfileError((f"{name}: the file is larger than {MAX_BYTES // 2**20} MiB",), hint=_WRITE)
    try:
        value = json.loads(content, object_pairs_hook=_unique)
        return Lock.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        problem = f"{name}: it is no lock file of this version of feasible: {place}: {first['msg'].lower()}"
        raise ProfileError((problem,), hint=_WRITE) from None
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, a key twice, 5000 digits
        raise ProfileError((f"{name}: this is not JSON: {error}",), hint=_WRITE) from None


_WRITE = f"write it anew with {UPDATE}"


class _TwiceError(ValueError):
    """A key is given twice, as in a merge gone wrong."""


def _unique(pairs: Iterable[tuple[str, object]]) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            msg = f"key {key[:60]!r} is given twice"
            raise _TwiceError(msg)
        found[key] = value
    return found
