"""Count recurrent layers: gates as matrix products, activations and states per unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle

from feasibility.cost import OpCost
from feasibility.errors import FeasibilityError
from feasibility.ir import DType, Node
from feasibility.ops.elementwise import PER_ELEMENT, SIGMOID, PerElement
from feasibility.ops.roles import heavy
from feasibility.ops.rules import Family
from feasibility.ops.sizes import size

family = Family()

# The activations a recurrent layer may name, in lower case.
ACTIVATIONS: Mapping[str, PerElement] = {
    **{
        name.lower(): PER_ELEMENT[name]
        for name in (
            "Elu", "HardSigmoid", "LeakyRelu", "Relu", "Softplus", "Softsign", "Tanh", "ThresholdedRelu",
        )
    },
    "affine": PerElement(2),  # alpha * x + beta
    "scaledtanh": PerElement(2, 1),  # alpha * tanh(beta * x)
    "sigmoid": SIGMOID,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one unit of a recurrent cell does in one step, apart from the matrix products."""

    gates: int
    state: int  # arithmetic that mixes gates and states
    peepholes: int  # gates that look at the cell state (LSTM only)
    activations: tuple[str, ...]  # default names, in ONNX's order
    uses: tuple[int, ...]  # how often each of them is applied


# C = f * C + i * g;  H = o * h(C)
LSTM = Cell(gates=4, state=4, peepholes=3, activations=("Sigmoid", "Tanh", "Tanh"), uses=(3, 1, 1))
# r * H, then H = (1 - z) * h + z * H
GRU = Cell(gates=3, state=5, peepholes=0, activations=("Sigmoid", "Tanh"), uses=(2, 1))
RNN = Cell(gates=1, state=0, peepholes=0, activations=("Tanh",), uses=(1,))

_CELLS = {"LSTM": LSTM, "GRU": GRU, "RNN": RNN}
_BIAS, _PEEPHOLES = 3, 7  # input numbers
_CLAMPS = 2  # clip holds a gate between two bounds


@family.op("LSTM", "GRU", "RNN")
def recurrent(node: Node) -> OpCost:
    """Recurrent layer over a whole sequence, one or two directions.

    Shapes:  X [T, B, I] ([B, T, I] with layout 1), W [D, G*H, I], R [D, G*H, H]; G gates: LSTM 4,
             GRU 3, RNN 1
    Count:   fmas = T*B * (|W| + |R|). Per unit and step (T*B*D*H of them): the activations
             (sigmoid 3 arithmetic and an exp, tanh one transcendental), the states (LSTM 4,
             GRU 5), 2 per gate if biases are given, 2 per peephole, 2 per gate if clip is set
    Ignores: sequence_lens (every sequence counts in full); a zero first state counts as work;
             input_forget
    Dtype:   of X
    Source:  ONNX LSTM-22, GRU-22, RNN-22; tests/laws compare them with a loop
    """
    return layer(node, _CELLS[node.op_type], hidden=size(node.input(2), 2))


def layer(node: Node, cell: Cell, *, hidden: int, dtype: DType | None = None) -> OpCost:
    """Cost a recurrent layer of so many units per direction, whichever way its weights lie."""
    x, w, r = node.input(0), node.input(1), node.input(2)
    steps, directions = size(x, 0) * size(x, 1), size(w, 0)
    units = steps * hidden  # of one direction
    arithmetic, transcendentals = _activations(node, cell, directions)
    return heavy(
        node,
        fmas=steps * (w.numel + r.numel),
        arithmetic=units * (directions * _per_unit(node, cell) + arithmetic),
        transcendentals=units * transcendentals,
        dtype=dtype,
    )


def _per_unit(node: Node, cell: Cell) -> int:
    """Return the arithmetic of one unit in one step, activations apart."""
    bias = 2 * cell.gates * node.has_input(_BIAS)
    peepholes = 2 * cell.peepholes * node.has_input(_PEEPHOLES)
    clip = _CLAMPS * cell.gates * ("clip" in node.attributes)
    return cell.state + bias + peepholes + clip


def _activations(node: Node, cell: Cell, directions: int) -> tuple[int, int]:
    """Return arithmetic and transcendentals of the activations of one unit, all directions together."""
    names = node.attributes.get("activations")
    if not names:
        arithmetic, transcendentals = _applied(node, cell, cell.activations)
        return directions * arithmetic, directions * transcendentals
    if not isinstance(names, tuple) or len(names) != directions * len(cell.uses):
        msg = f"node {node.name!r} ({node.op_type}) needs {len(cell.uses)} activations per direction"
        raise FeasibilityError(msg)
    return _applied(node, cell, names)


def _applied(node: Node, cell: Cell, names: tuple[object, ...]) -> tuple[int, int]:
    """Sum activations, each as often as a unit applies it; names repeat per direction."""
    found = [(activation(node, name), uses) for name, uses in zip(names, cycle(cell.uses), strict=False)]
    return (
        sum(act.arithmetic * uses for act, uses in found),
        sum(act.transcendentals * uses for act, uses in found),
    )


def activation(node: Node, name: object, table: Mapping[str, PerElement] = ACTIVATIONS) -> PerElement:
    """Return the cost of an activation by the name that an attribute gives it."""
    found = table.get(name.lower()) if isinstance(name, str) else None
    if found is None:
        msg = f"node {node.name!r} ({node.op_type}): no activation is called {name!r}"
        raise FeasibilityError(msg)
    return found
