from __future__ import annotations

import inspect
import re
from types import FunctionType

import pytest

from feasibility.ops import DEFAULT
from feasibility.ops.roles import move, view

FOUND = [rule for key in DEFAULT if (rule := DEFAULT.find(*key)) is not None]
# The rows of tables (a name in a list, so much work per element) need no text of their own.
WRITTEN = sorted(
    {rule for rule in FOUND if isinstance(rule, FunctionType) and rule not in (move, view)},
    key=lambda rule: (rule.__module__, rule.__name__),
)
ORDER = ["Shapes", "Count", "Ignores", "Dtype", "Source"]
REQUIRED = {"Shapes", "Count", "Dtype", "Source"}


@pytest.mark.parametrize("rule", WRITTEN, ids=lambda rule: rule.__name__)
def test_sections_of_a_rule(rule: FunctionType) -> None:
    """A structured rule says shapes, count, what it ignores, dtype and source, in this order."""
    sections = re.findall(r"^([A-Z][a-z]+):  ?", inspect.getdoc(rule) or "", flags=re.MULTILINE)
    assert [name for name in ORDER if name in sections] == sections
    assert REQUIRED <= set(sections)


def test_there_are_written_rules() -> None:
    """The selection above is not empty by accident."""
    assert len(WRITTEN) > 60
