"""Place the models of a chain, and write where each goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from feasibility import api
from feasibility.cli import progress
from feasibility.cli.options import AnswerFormat
from feasibility.cli.output import put, put_text
from feasibility.report import json, text_chain

if TYPE_CHECKING:
    from feasibility.loader.isolate import Worker

CHOICES = ("runtime", "precision", "network", "rtt", "down", "up", "server", "server_precision")
_ORIGIN = "command line"


def show(
    file: str, choices: Mapping[str, Any], form: AnswerFormat, worker: Worker | None, *, quiet: bool
) -> None:
    """Read the chain and its models in the child that was started for them, and write the answer."""
    with progress.bar("reading the models of the chain", hidden=quiet):
        found = api.chain(file, origin=_ORIGIN, isolated=worker or True, **choices)
    if form is AnswerFormat.JSON:
        put(json.render_chain(found))
    else:
        put_text(text_chain.render_chain_short(found) if quiet else text_chain.render_chain(found))
