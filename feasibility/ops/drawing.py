"""Count random numbers: an estimate, since each runtime has its own generator.

A draw is counted as one number of Philox4x32-10: ten rounds of 2 multiplications,
4 exclusive ors and 2 additions make four numbers. Salmon et al., Parallel random numbers:
as easy as 1, 2, 3, SC 2011, doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

from feasibility.cost import OpCost
from feasibility.ir import Node
from feasibility.ops.elementwise import PerElement
from feasibility.ops.roles import light, view
from feasibility.ops.rules import Family
from feasibility.ops.sizes import log2_ceil, size

family = Family()

DRAW = 10 * (2 + 4 + 2) // 4  # arithmetic per number
_UNIFORM = PerElement(DRAW + 2)  # low + range * u
_NORMAL = PerElement(DRAW + 4, 2)  # Box-Muller: a log and a sqrt, a sine and a cosine make two numbers
DROP = DRAW + 3  # compare, select, scale

family.add("RandomUniform", _UNIFORM)
family.add("RandomNormal", _NORMAL)
family.add("Bernoulli", PerElement(DRAW + 1))  # compare


@family.op("RandomUniformLike", "RandomNormalLike")
def random_like(node: Node) -> OpCost:
    """Draw as many numbers as another tensor has.

    Shapes:  X and Y alike
    Count:   as RandomUniform (a draw, one multiply, one addition) or RandomNormal (a draw, 4
             arithmetic and 2 transcendentals by Box and Muller); X is not read
    Dtype:   of X
    Source:  ONNX RandomUniformLike-22, RandomNormalLike-22; the module's head for a draw
    """
    rule = _UNIFORM if node.op_type == "RandomUniformLike" else _NORMAL
    cost = rule(node)
    return light(node, arithmetic=cost.arithmetic, transcendentals=cost.transcendentals, reads=0)


@family.op("Multinomial")
def multinomial(node: Node) -> OpCost:
    """Draw classes by their log-probabilities.

    Shapes:  X [B, C], Y [B, n]
    Count:   an exp and one addition per entry of X (cumulative sums); per sample a draw, one
             multiply and ceil(log2 C) comparisons
    Dtype:   of X
    Source:  ONNX Multinomial-22; the module's head for a draw
    """
    x, y = node.input(0), node.output(0)
    per_sample = DRAW + 1 + log2_ceil(size(x, 1))
    return light(node, arithmetic=x.numel + y.numel * per_sample, transcendentals=x.numel)


@family.op("Dropout")
def dropout(node: Node) -> OpCost:
    """Pass everything on at inference; drop at random in training.

    Shapes:  data, output and mask alike
    Count:   nothing moves at inference (the mask is written if asked for); with training_mode
             given and not known to be false, per element a draw, a comparison, a choice
             and one multiply
    Ignores: is_test of opset 1 and 6: inference is taken for granted
    Dtype:   of data
    Source:  ONNX Dropout-22; the module's head for a draw
    """
    if node.has_input(2) and node.input(2).value != (0,):
        return light(node, arithmetic=DROP * node.input(0).numel)
    return light(node) if node.has_output(1) else view(node)
