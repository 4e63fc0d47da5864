"""Count operators that only move bytes: zero arithmetic by decision."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.roles import move, view
from feasibility.ops.rules import Family

family = Family()

# Another name for the same bytes. BitCast keeps the bits; Optional wraps a value.
VIEWS = (
    "Identity",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
    "BitCast",
    "Optional",
    "OptionalGetElement",
)

# Every input is read once and every output written once.
COPIES = (
    "Concat",
    "DepthToSpace",
    "Expand",
    "MaxUnpool",
    "OneHot",
    "Pad",
    "ReverseSequence",
    "SpaceToDepth",
    "Split",
    "Tile",
    "Transpose",
    "Trilu",
)

for _name in VIEWS:
    family.add(_name, view)
for _name in COPIES:
    family.add(_name, move)


@family.op("Constant")
def constant(node: Node) -> OpCost:
    """Name a value that the file holds.

    Shapes:  Y of any shape
    Count:   nothing; the bytes are those of a weight and are read by whoever uses it
    Dtype:   of Y
    Source:  ONNX Constant-25
    """
    return view(node)


@family.op("Shape", "Size", "OptionalHasElement")
def metadata(node: Node) -> OpCost:
    """Ask a tensor for its sizes.

    Shapes:  X of any shape, Y integers or one boolean
    Count:   nothing is read (runtimes know the sizes of what they hold); Y is written
    Dtype:   of X
    Source:  ONNX Shape-25, Size-25, OptionalHasElement-28
    """
    return move(node, reads=0)


@family.op("ConstantOfShape", "EyeLike")
def fill(node: Node) -> OpCost:
    """Write a constant pattern.

    Shapes:  Y of the shape that the input says
    Count:   Y is written; only sizes are read from the input
    Dtype:   of the first float tensor
    Source:  ONNX ConstantOfShape-25, EyeLike-22
    """
    return move(node, reads=0)


@family.op("Slice", "CenterCropPad")
def part(node: Node) -> OpCost:
    """Copy a part of X.

    Shapes:  X of any shape, Y a box cut out of it (CenterCropPad may also grow it)
    Count:   Y is written, and as many bytes of X read, at most all of X
    Ignores: the few integers that say where to cut
    Dtype:   of X
    Source:  ONNX Slice-13, CenterCropPad-18
    """
    return move(node, reads=min(node.input(0).nbytes, node.output(0).nbytes))


@family.op("Compress")
def compress(node: Node) -> OpCost:
    """Copy the slices of X that a condition selects.

    Shapes:  X of any shape, condition [n], Y [k, ...] with a k that depends on the data
    Count:   the condition and the selected slices are read, Y is written; no size of Y, no count
    Dtype:   of X
    Source:  ONNX Compress-28
    """
    return move(node, reads=node.output(0).nbytes + node.input(1).nbytes)
