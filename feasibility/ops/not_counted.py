"""Name the operators that no rule counts, each with the reason that the user reads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from feasibility.ir import DEFAULT_DOMAIN

_BODY = "its body runs as often as the data says; bodies are not counted yet"
_BRANCH = "which branch runs depends on the data; branches are not counted yet"
_TEXT = "its work depends on the length of the strings, which no graph tells"

_REASONS = {
    "If": _BRANCH,
    "Loop": _BODY,
    "Scan": _BODY,
    "SequenceMap": _BODY,
    "ImageDecoder": "its work depends on the compressed image, which no graph tells",
    "RegexFullMatch": _TEXT,
    "StringConcat": _TEXT,
    "StringNormalizer": _TEXT,
    "StringSplit": _TEXT,
}

NOT_COUNTED: Mapping[tuple[str, str], str] = MappingProxyType(
    {(DEFAULT_DOMAIN, op_type): reason for op_type, reason in _REASONS.items()}
)
