"""Read which modules of the source a node came from, where its exporter says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

import onnx

# PyTorch's exporter (torch.onnx.export(dynamo=True), the default since 2.9) calls nodes node_linear_3 and
# writes their modules here, each with the path down to it: "['', 'layers.0', 'layers.0.fc1', 'linear_3']".
# The first is the model, the last the operator (seen in exports of torch 2.14.1, 2026-11-27).
_KEY = "pkg.torch.onnx.name_scopes"
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_MOST = 4_096  # characters of a value that are looked at
_ENDS = 2  # the model and the operator


def scopes(node: onnx.NodeProto) -> tuple[str, ...]:
    """Return the modules that a node is in, outermost first, each by its own name; none where nobody says."""
    said = next((entry.value for entry in node.metadata_props if entry.key == _KEY), "")
    if not isinstance(said, str):  # text that is not UTF-8
        return ()
    paths = [single or double for single, double in _QUOTED.findall(said[:_MOST])]
    return tuple(_own(paths[1:-1])) if len(paths) > _ENDS else ()


def _own(paths: list[str]) -> Iterator[str]:
    """Yield the name of each module below the one before."""
    above = ""
    for path in paths:
        yield path.removeprefix(f"{above}.") if above else path
        above = path
