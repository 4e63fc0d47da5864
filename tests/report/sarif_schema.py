"""Hold SARIF to its own schema (sarif-schema-2.1.0.NOTICE.md says where that is from)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

_FILE = Path(__file__).parent / "sarif-schema-2.1.0.json"


@cache
def _validator() -> Draft4Validator:
    schema = json.loads(_FILE.read_text(encoding="utf-8"))
    Draft4Validator.check_schema(schema)
    return Draft4Validator(schema)


def valid_run(text: str) -> dict[str, Any]:
    """Return the one run of a log after checking the log against the schema."""
    log = json.loads(text)
    _validator().validate(log)
    run: dict[str, Any]
    (run,) = log["runs"]
    return run
