"""Count sequences of tensors: what is put in or taken out is copied once."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import DType, Node
from feasibility.ops.roles import move
from feasibility.ops.rules import Family

family = Family()


@family.op("SequenceEmpty", "SequenceErase")
def handle(node: Node) -> OpCost:
    """Make or shorten a sequence.

    Shapes:  no tensor
    Count:   nothing moves: a sequence is a list of tensors
    Dtype:   of the sequence
    Source:  ONNX SequenceEmpty-11, SequenceErase-11
    """
    return move(node, reads=0, writes=0)


@family.op("SequenceLength")
def sequence_length(node: Node) -> OpCost:
    """Count the tensors of a sequence.

    Shapes:  Y scalar
    Count:   one integer is written
    Dtype:   of the sequence
    Source:  ONNX SequenceLength-11
    """
    return move(node, reads=0, writes=DType.INT64.nbytes(1))


@family.op("SequenceConstruct")
def sequence_construct(node: Node) -> OpCost:
    """Put tensors into a new sequence.

    Shapes:  n tensors
    Count:   each is copied
    Dtype:   of the first tensor
    Source:  ONNX SequenceConstruct-11
    """
    given = sum(spec.nbytes for spec in node.inputs if spec is not None)
    return move(node, reads=given, writes=given)


@family.op("SequenceInsert")
def sequence_insert(node: Node) -> OpCost:
    """Put one tensor into a sequence.

    Shapes:  tensor of any shape
    Count:   it is copied, the others stay where they are
    Dtype:   of the sequence
    Source:  ONNX SequenceInsert-11
    """
    given = node.input(1).nbytes
    return move(node, reads=given, writes=given)


@family.op("SequenceAt", "ConcatFromSequence")
def take_out(node: Node) -> OpCost:
    """Copy one tensor, or all of them joined, out of a sequence.

    Shapes:  Y of any shape
    Count:   as many bytes as Y has are read and written
    Dtype:   of the sequence
    Source:  ONNX SequenceAt-11, ConcatFromSequence-11
    """
    taken = node.output(0).nbytes
    return move(node, reads=taken, writes=taken)


@family.op("SplitToSequence")
def split_to_sequence(node: Node) -> OpCost:
    """Cut a tensor into a sequence.

    Shapes:  X of any shape
    Count:   X is read once and written once
    Dtype:   of X
    Source:  ONNX SplitToSequence-24
    """
    whole = node.input(0).nbytes
    return move(node, reads=whole, writes=whole)
