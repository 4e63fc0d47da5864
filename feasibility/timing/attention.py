"""Find attention that a runtime computes in one kernel: product, softmax, product.

Such a kernel keeps the scores on the chip (FlashAttention, arXiv 2205.14135): what moves is what the
two products read from outside, and what the last one writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feasibility.cost import NodeCost

_LONGEST = 6  # operators between the products: scale, mask, softmax, casts
_PRODUCT = "MatMul"
_SOFTMAX = "Softmax"


def attentions(running: Sequence[NodeCost], readers: Mapping[str, int]) -> tuple[tuple[NodeCost, ...], ...]:
    """Return the nodes of each attention, first product to last, each node in one at most."""
    reader = {spec.name: node for node in running for spec in node.node.inputs if spec}
    taken: set[str] = set()
    found = []
    for node in running:
        chain = () if _output(node) in taken else _chain(node, reader, readers)
        if chain:
            found.append(chain)
            taken |= {_output(member) for member in chain}
    return tuple(found)


def _chain(
    first: NodeCost, reader: Mapping[str, NodeCost], readers: Mapping[str, int]
) -> tuple[NodeCost, ...]:
    """Follow a product of activations through what alone reads it, as far as the next such product."""
    if not _multiplies_activations(first):
        return ()
    chain = [first]
    while len(chain) <= _LONGEST + 1:
        last = _output(chain[-1])
        following = reader.get(last)
        if readers[last] != 1 or following is None or following.runs != first.runs:
            return ()
        chain.append(following)
        if following.cost is None:
            return ()
        if following.cost.role == "heavy":
            has_softmax = any(member.node.op_type == _SOFTMAX for member in chain)
            return tuple(chain) if has_softmax and _multiplies_activations(following) else ()
    return ()


def _multiplies_activations(node: NodeCost) -> bool:
    """Tell whether this is a matrix product of two tensors that are no constants."""
    pair = node.node.inputs[:2]
    return node.node.op_type == _PRODUCT and all(spec is not None and not spec.constant for spec in pair)


def _output(node: NodeCost) -> str:
    first = node.node.outputs[0] if node.node.outputs else None
    return first.name if first else ""
