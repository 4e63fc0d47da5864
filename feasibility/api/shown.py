"""Give answers the method by which notebooks ask for HTML.

Records import no view, so it is set here, where verbs return them.
"""

from __future__ import annotations

from typing import Any, TypeVar

from feasibility.cost import ModelCost

T = TypeVar("T")
_METHOD = "_repr_html_"


def shown(found: T) -> T:
    """Let the type of an answer say its HTML, and return the answer."""
    setattr(type(found), _METHOD, _html)
    return found


def _html(found: Any) -> str:  # noqa: ANN401 (a count, a decision or a sweep)
    from feasibility.report.html import render

    return render(found)


setattr(ModelCost, _METHOD, _html)  # which is loaded in any case, and may come out of any verb
