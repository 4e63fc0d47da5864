"""Count control flow itself: what its bodies do is counted node by node, as often as they run."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import DType, Node
from feasibility.ops.roles import move, view
from feasibility.ops.rules import Family

family = Family()


@family.op("If")
def branch(node: Node) -> OpCost:
    """Run one of two branches.

    Shapes:  cond [1]; outputs as the branch that runs gives them
    Count:   nothing of its own; the nodes of the costlier branch count, those of the other run 0 times
    Ignores: the look at the condition
    Dtype:   of the first float output
    Source:  ONNX If-25
    """
    return view(node)


@family.op("Loop", "Scan")
def loop(node: Node) -> OpCost:
    """Run a body again and again, and stack what it writes.

    Shapes:  carried states as they come out; what each run writes, with the number of runs as a new axis
    Count:   nothing of its own but a copy of its outputs; the nodes of the body count once per run
    Ignores: the counting of runs, and the look at the condition; a sequence is handed on, not copied
    Dtype:   of the first float tensor
    Source:  ONNX Loop-25, Scan-25
    """
    tensors = [s for s in node.outputs if s is not None and (node.problem or s.dtype is not DType.UNDEFINED)]
    written = sum(spec.nbytes for spec in tensors)
    return move(node, reads=written, writes=written)
