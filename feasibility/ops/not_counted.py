"""Name the operators that no rule counts, each with the reason that the user reads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from feasibility.ir import DEFAULT_DOMAIN

_TEXT = "its work depends on the length of the strings, which no graph tells"

_REASONS = {
    "SequenceMap": "its body runs once per element of a sequence, and no graph tells how many there are",
    "ImageDecoder": "its work depends on the compressed image, which no graph tells",
    "RegexFullMatch": _TEXT,
    "StringConcat": _TEXT,
    "StringNormalizer": _TEXT,
    "StringSplit": _TEXT,
}

NOT_COUNTED: Mapping[tuple[str, str], str] = MappingProxyType(
    {(DEFAULT_DOMAIN, op_type): reason for op_type, reason in _REASONS.items()}
)
