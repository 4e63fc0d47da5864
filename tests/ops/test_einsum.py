from __future__ import annotations

import pytest

from feasibility.errors import FeasibilityError
from tests.ops.op_cases import Case, Given, cost_of, make_node


def case(equation: str, shapes: list[Given], out: tuple[int, ...], **counts: int) -> Case:
    """Return a row for one equation."""
    return Case(op="Einsum", i=shapes, o=[out], a={"equation": equation}, **counts)  # type: ignore[arg-type]


CASES = [
    case("ij,jk->ik", [(2, 3), (3, 5)], (2, 5), fmas=2 * 3 * 5),
    case(" i j , j k -> i k ", [(2, 3), (3, 5)], (2, 5), fmas=2 * 3 * 5),
    case("ij,jk", [(2, 3), (3, 5)], (2, 5), fmas=2 * 3 * 5),
    case("bhid,bhjd->bhij", [(1, 8, 77, 64), (1, 8, 77, 64)], (1, 8, 77, 77), fmas=8 * 77 * 77 * 64),
    case("...ij,...jk->...ik", [(4, 1, 2, 3), (7, 3, 5)], (4, 7, 2, 5), fmas=4 * 7 * 2 * 3 * 5),
    case("i...,...j->...", [(2, 7), (7, 5)], (7,), fmas=2 * 7 * 5),
    case("ij,ij->", [(2, 3), (2, 3)], (), fmas=2 * 3),
    case("i,j->ij", [(2,), (3,)], (2, 3), arithmetic=2 * 3),
    case("ij,ij->ij", [(2, 3), (2, 3)], (2, 3), arithmetic=2 * 3),
    case("ij->ji", [(2, 3)], (3, 2)),
    case("ii->i", [(3, 3)], (3,)),
    case("ij->i", [(2, 3)], (2,), arithmetic=2 * 3),
    case("ii", [(3, 3)], (), arithmetic=3),
    case("...", [(2, 3)], (2, 3)),
    # left to right: (i,j)(j,k) -> (i,k), then (i,k)(k,l) -> (i,l)
    case("ij,jk,kl->il", [(2, 3), (3, 5), (5, 7)], (2, 7), fmas=2 * 3 * 5 + 2 * 5 * 7),
    case(
        "ij,jk,kl,lm->im",
        [(2, 3), (3, 5), (5, 7), (7, 11)],
        (2, 11),
        fmas=2 * 3 * 5 + 2 * 5 * 7 + 2 * 7 * 11,
    ),
    case("i,i,i->i", [(3,), (3,), (3,)], (3,), arithmetic=3 + 3),
]
WRONG = [
    ("ij,jk->ik", [(2, 3)]),
    ("ijk->i", [(2, 3)]),
    ("i->i", [(2, 3)]),
    ("ij,jk->ik", [(2, 3), (4, 5)]),
    ("i1->i", [(2, 3)]),
    ("", []),
]


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.a["equation"])
def test_equations(row: Case) -> None:
    """An equation counts the product of its label sizes, as fmas where a label is summed."""
    row.check()


@pytest.mark.parametrize(("equation", "shapes"), WRONG)
def test_equation_that_does_not_fit(equation: str, shapes: list[Given]) -> None:
    """An equation that does not fit its operands is refused in one sentence."""
    node = make_node("Einsum", shapes, [()], attributes={"equation": equation})
    with pytest.raises(FeasibilityError, match="the equation"):
        cost_of(node)


def test_transposition_is_a_copy() -> None:
    """An equation that only permutes labels moves bytes; a product without a sum is light."""
    assert "move" == cost_of(make_node("Einsum", [(2, 3)], [(3, 2)], attributes={"equation": "ij->ji"})).role
    outer = make_node("Einsum", [(2,), (3,)], [(2, 3)], attributes={"equation": "i,j->ij"})
    assert "light" == cost_of(outer).role
