"""Count what can be counted of text: tokens; the work on characters is in not_counted.py."""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.roles import light
from feasibility.ops.rules import Family
from feasibility.ops.sizes import positive, size

family = Family()


@family.op("TfIdfVectorizer")
def tfidf_vectorizer(node: Node) -> OpCost:
    """Count n-grams of a token sequence.

    Shapes:  X [L] or [N, L], Y [n] or [N, n]
    Count:   for each length n from min_gram_length to max_gram_length, each skip and each start: n
             token comparisons and one addition; one multiply per output if weights are given
    Ignores: n-grams that end beyond the sequence count; a string token counts as one comparison
    Dtype:   of X
    Source:  ONNX TfIdfVectorizer-9
    """
    x, y = node.input(0), node.output(0)
    longest = min(node.int("max_gram_length", 1), size(x, -1))
    shortest = min(positive(node, "min_gram_length"), longest)
    skips = max(node.int("max_skip_count", 0), 0) + 1
    lengths = longest - shortest + 1
    comparisons = (shortest + longest) * lengths // 2
    weigh = y.numel if "weights" in node.attributes else 0
    return light(node, arithmetic=x.numel * skips * (comparisons + lengths) + weigh)
