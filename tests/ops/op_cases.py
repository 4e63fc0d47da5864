"""Build nodes from bare shapes, and compare a rule with a count written out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from feasibility.cost import OpClass, OpCost, Role
from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN, Attribute, DType, Node, TensorSpec, Value
from feasibility.ops import DEFAULT

NEWEST = 28
Given = tuple[int, ...] | TensorSpec | None


def tensor(
    *shape: int, dtype: DType = DType.FLOAT, value: Value | None = None, constant: bool = False
) -> TensorSpec:
    """Return a tensor where a bare shape (float, not constant) does not say enough."""
    return TensorSpec(name="t", dtype=dtype, shape=shape, value=value, constant=constant)


def integers(*values: int) -> TensorSpec:
    """Return a constant vector of integers."""
    return tensor(len(values), dtype=DType.INT64, value=values, constant=True)


def unknown(dtype: DType = DType.FLOAT) -> TensorSpec:
    """Return a tensor whose shape nobody knows."""
    return TensorSpec(name="t", dtype=dtype, shape=None)


def make_node(  # noqa: PLR0913 (one argument per field of the record)
    op_type: str,
    inputs: Sequence[Given],
    outputs: Sequence[Given],
    *,
    attributes: Mapping[str, Attribute] | None = None,
    opset: int = NEWEST,
    domain: str = DEFAULT_DOMAIN,
) -> Node:
    """Return a node; a bare shape is a float tensor."""
    return Node(
        name="n",
        domain=domain,
        op_type=op_type,
        opset=opset,
        inputs=tuple(_spec(given) for given in inputs),
        outputs=tuple(_spec(given) for given in outputs),
        attributes=attributes or {},
    )


def _spec(given: Given) -> TensorSpec | None:
    return tensor(*given) if isinstance(given, tuple) else given


def cost_of(node: Node) -> OpCost:
    """Return what the built-in rule says."""
    rule = DEFAULT.find(node.domain, node.op_type, node.opset)
    assert rule is not None, node.op_type
    return rule(node)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One node and what a reader can check by hand; None is not compared."""

    op: str
    i: Sequence[Given]
    o: Sequence[Given]
    a: Mapping[str, Attribute] = field(default_factory=dict)
    opset: int = NEWEST
    domain: str = DEFAULT_DOMAIN
    fmas: int = 0
    arithmetic: int = 0
    transcendentals: int = 0
    role: Role | None = None
    op_class: OpClass | None = None
    dtype: DType | None = None
    reads: int | None = None
    writes: int | None = None

    def __str__(self) -> str:
        return f"{self.op}-{self.opset}"

    def check(self) -> None:
        """Compare every count exactly, and what else the case states."""
        node = make_node(self.op, self.i, self.o, attributes=self.a, opset=self.opset, domain=self.domain)
        cost = cost_of(node)
        expected = {"fmas": self.fmas, "arithmetic": self.arithmetic, "transcendentals": self.transcendentals}
        stated = {
            name: getattr(self, name)
            for name in ("role", "op_class", "dtype", "reads", "writes")
            if getattr(self, name) is not None
        }
        expected |= stated
        assert expected == {name: getattr(cost, name) for name in expected}


def contrib(op: str, **fields: Any) -> Case:  # noqa: ANN401 (the fields of Case)
    """Return a row of com.microsoft, whose only version is 1."""
    return Case(op=op, domain=MICROSOFT_DOMAIN, opset=1, **fields)
