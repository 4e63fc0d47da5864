"""Find the Pad nodes that a convolution does itself.

Exporters write a frame of zeros as a node of its own where `pads` of the convolution
means the same, and runtimes put it back there (ONNX Runtime's PadFusion).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feasibility.cost import NodeCost
from feasibility.ir import DEFAULT_DOMAIN, Node, TensorSpec

_CONVOLUTION = (DEFAULT_DOMAIN, "Conv", "heavy")
_PAD = (DEFAULT_DOMAIN, "Pad", "move")
_BATCH_AND_CHANNEL = 2
_ZERO = (0,)


def absorbed(running: Sequence[NodeCost], readers: Mapping[str, int]) -> Mapping[str, NodeCost]:
    """Return the Pad nodes whose one reader is a convolution, by the tensor between the two."""
    padded = {first_name(found.node.inputs): found.runs for found in running if _is(found, _CONVOLUTION)}
    pads = {first_name(found.node.outputs): found for found in running if _is(found, _PAD)}
    return {
        name: found
        for name, found in pads.items()
        if padded.get(name) == found.runs and readers[name] == 1 and _frames_with_zeros(found.node)
    }


def first_name(specs: Sequence[TensorSpec | None]) -> str:
    """Return the name of the first tensor, empty if it is absent."""
    return specs[0].name if specs and specs[0] else ""


def _is(found: NodeCost, kind: tuple[str, str, str]) -> bool:
    node = found.node
    return found.cost is not None and (node.domain, node.op_type, found.cost.role) == kind


def _frames_with_zeros(pad: Node) -> bool:
    """Tell whether a Pad puts a fixed frame of zeros around images, and does nothing else."""
    if pad.attributes.get("mode", "constant") != "constant" or not pad.has_input(0):
        return False
    fixed = all(spec is None or spec.constant for spec in pad.inputs[1:])
    fill = pad.input(2).value if pad.has_input(2) else (pad.attributes.get("value", 0),)
    return fixed and fill == _ZERO and _surrounds(pad.input(0).shape, pad.output(0).shape)


def _surrounds(before: tuple[int, ...] | None, after: tuple[int, ...] | None) -> bool:
    """Tell whether batch and channels stay, and no axis shrinks."""
    if before is None or after is None:
        return False
    kept = before[:_BATCH_AND_CHANNEL] == after[:_BATCH_AND_CHANNEL]
    return kept and all(old <= new for old, new in zip(before, after, strict=False))
