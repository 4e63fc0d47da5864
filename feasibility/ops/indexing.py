"""Count operators that read or write rows by index: bytes moved, seldom arithmetic."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.roles import light, move
from feasibility.ops.rules import Family

family = Family()


@family.op("Gather", "GatherElements", "GatherND")
def gather(node: Node) -> OpCost:
    """Copy what the indices point to.

    Shapes:  data of any shape, indices, Y as both say
    Count:   the indices and as many bytes of data as Y has are read, not the whole table
    Dtype:   of data
    Source:  ONNX Gather-13, GatherElements-13, GatherND-13
    """
    return move(node, reads=node.output(0).nbytes + node.input(1).nbytes)


@family.op("Scatter", "ScatterElements", "ScatterND")
def scatter(node: Node) -> OpCost:
    """Copy data, then overwrite or combine what the indices point to.

    Shapes:  data and Y alike, indices and updates smaller
    Count:   arithmetic = |updates| where a reduction combines old and new, else 0; all of data
             is copied
    Dtype:   of data
    Source:  ONNX Scatter-11, ScatterElements-18, ScatterND-18
    """
    combines = node.string("reduction", "none") != "none"
    return move(node, arithmetic=node.input(2).numel if combines else 0)


@family.op("TensorScatter")
def tensor_scatter(node: Node) -> OpCost:
    """Write new entries into a cache.

    Shapes:  past_cache and present_cache [B, ..., max, ...], update [B, ..., T, ...]
    Count:   the update and its indices are read, the update is written
    Ignores: a copy of the whole cache: the operator stands for an update in place
    Dtype:   of past_cache
    Source:  ONNX TensorScatter-24
    """
    indices = node.input(2).nbytes if node.has_input(2) else 0
    update = node.input(1).nbytes
    return move(node, reads=update + indices, writes=update)


@family.op("NonZero")
def non_zero(node: Node) -> OpCost:
    """List the places of the elements that are not zero.

    Shapes:  X of any shape, Y [rank, n] with an n that depends on the data
    Count:   arithmetic = |X| comparisons; no size of Y, no bytes
    Dtype:   of X
    Source:  ONNX NonZero-13
    """
    return light(node, arithmetic=node.input(0).numel)


@family.op("Col2Im")
def col2im(node: Node) -> OpCost:
    """Add overlapping columns into an image.

    Shapes:  X [N, C * prod(block), L], Y [N, C, *image]
    Count:   arithmetic = |X|, one addition per column entry
    Ignores: entries that fall into the padding count as work
    Dtype:   of X
    Source:  ONNX Col2Im-18
    """
    return light(node, arithmetic=node.input(0).numel)
