"""Check a parsed document against its model and say every problem with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from feasibility.alike import closest
from feasibility.profiles.strict_yaml import Document, Location, Problem, quote, report

P = TypeVar("P", bound=BaseModel)

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "missing": "key {name} is missing",
        "string_type": "{input} is not text; quote it",
        "string_too_short": "the text is empty",
        "float_type": "{input} is not a number",
        "int_type": "{input} is not a whole number",
        "bool_type": "{input} is neither true nor false",
        "greater_than": "{input} must be more than {gt}",
        "greater_than_equal": "{input} must be at least {ge}",
        "less_than": "{input} must be less than {lt}",
        "less_than_equal": "{input} must be at most {le}",
        "too_short": "at least {min_length} is needed here",
        "dict_type": "{input} should be keys and values",
        "tuple_type": "{input} should be a list, like [a, b]",
        "literal_error": "{input} is not one of {expected}",
        "value_error": "{error}",
        "date_type": "{input} is not a date; write it like 2026-07-20",
        "date_parsing": "{input} is not a date; write it like 2026-07-20",
        "date_from_datetime_parsing": "{input} is not a date; write it like 2026-07-20",
    }
)


def validate(
    document: Document,
    model: type[P],
    *,
    filled: Mapping[str, object],
    checks: Iterable[tuple[Location, str]] = (),
) -> P:
    """Return the document as a record; raise ProfileError with every problem of the file.

    `filled` are fields that the loader knows and the file must not give; `checks` are
    further problems found in the raw data (cross references), each at its location.
    """
    own = {key: value for key, value in document.data.items() if key not in filled}
    problems = [*document.problems, *_forbidden(document, filled)]
    problems += [Problem(document.value_place(location), message) for location, message in checks]
    profile = None
    try:
        profile = model.model_validate({**own, **filled})
    except ValidationError as error:
        details = error.errors(include_url=False)
        # a value that the YAML reader refused is None here and already reported
        seen = {p.place for p in document.problems}
        meant = {_meant(model, detail) for detail in details if detail["type"] == "extra_forbidden"}
        details = [d for d in details if d["type"] != "missing" or d["loc"] not in meant]
        found = [_problem(document, model, detail) for detail in details]
        problems += [p for p in found if p.place not in seen]
    if problems or profile is None:
        raise report(document.name, problems)
    return profile


def nearest(name: str, names: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the most alike name, or nothing."""
    found = closest(name, names)
    return f"; did you mean {found!r}?" if found else ""


def _meant(model: type[BaseModel], detail: ErrorDetails) -> Location:
    """Return where the key stands that an unknown one probably means: it is not missing as well."""
    *parent, name = detail["loc"]
    near = closest(str(name), _keys(_record_at(model, tuple(parent))))
    return (*parent, near or "")


def _forbidden(document: Document, filled: Mapping[str, object]) -> Iterator[Problem]:
    """Yield the fields that a file must not give itself."""
    for key in filled:
        if key in document.data:
            yield Problem(document.key_place((key,)), f"unknown key {key!r}; the file's name is the id")


def _problem(document: Document, model: type[BaseModel], detail: ErrorDetails) -> Problem:
    """Put one of pydantic's errors in our words and at its place in the file."""
    location: Location = detail["loc"]
    kind = detail["type"]
    if kind == "extra_forbidden":
        return Problem(document.key_place(location), _unknown_key(model, location))
    if kind == "missing":
        return Problem(document.key_place(location[:-1]), _say(detail))
    if location and location[-1] == "[key]":
        return Problem(document.key_place(location[:-1]), _say(detail))
    if kind == "model_type":
        return Problem(document.value_place(location), _not_a_record(model, detail))
    return Problem(document.value_place(location), _say(detail))


def _say(detail: ErrorDetails) -> str:
    """Fill the sentence for this kind of error; an unforeseen kind keeps pydantic's words."""
    name = detail["loc"][-1] if detail["loc"] else ""
    words = _WORDS.get(detail["type"], "{input}: {msg}")
    known = {"input": quote(detail["input"]), "name": quote(name), "msg": detail["msg"]}
    return words.format_map(known | detail.get("ctx", {}))


def _unknown_key(model: type[BaseModel], location: Location) -> str:
    """Name the unknown key and the most alike one, or all that may stand there."""
    name, known = str(location[-1]), _keys(_record_at(model, location[:-1]))
    return f"unknown key {quote(name)}" + (nearest(name, known) or f"; known are {', '.join(known)}")


def _not_a_record(model: type[BaseModel], detail: ErrorDetails) -> str:
    record = _record_at(model, detail["loc"])
    needed = [key for key in _keys(record) if record and _field(record, key).is_required()]
    return f"{quote(detail['input'])} should be a record with {', '.join(needed)}"


def _keys(record: type[BaseModel] | None) -> tuple[str, ...]:
    """Return the keys that a file may write for a record."""
    if record is None:
        return ()
    names = (field.alias or name for name, field in record.model_fields.items())
    return tuple(name for name in names if name not in {"id", "origin"})


def _field(record: type[BaseModel], key: str) -> Any:  # noqa: ANN401 (pydantic's FieldInfo)
    return next(f for name, f in record.model_fields.items() if (f.alias or name) == key)


def _record_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """Return the record that stands at a location, by walking the annotations."""
    annotation: object = model
    for step in location:
        record = _as_record(annotation)
        if record is not None:
            annotation = _field(record, str(step)).annotation if str(step) in _keys(record) else None
        else:
            annotation = _item(annotation)
    return _as_record(annotation)


def _as_record(annotation: object) -> type[BaseModel] | None:
    """Return the record of an annotation that is one, or may be one (`Fact | None`)."""
    options = [annotation, *(() if get_origin(annotation) in {dict, tuple} else get_args(annotation))]
    return next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)


def _item(annotation: object) -> object:
    """Return what a mapping or a list holds."""
    arguments = [a for a in get_args(annotation) if a is not Ellipsis]
    return arguments[-1] if arguments else None
