"""Count models: one, over a dimension, beside another, beside other tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from feasibility.cost import ModelCost
from feasibility.errors import ModelError, UsageError
from feasibility.inputs import Inputs, check_inputs, positions
from feasibility.ops import DEFAULT, RuleSet

if TYPE_CHECKING:
    from feasibility.conventions import ConventionTotal, CrossCheck
    from feasibility.ir import Model
    from feasibility.loader.isolate import Worker
    from feasibility.views.diff import Diff

STDIN = "-"
NO_FILE = frozenset({STDIN, "<bytes>", "<ModelProto>"})  # models that came from elsewhere


class ModelProto(Protocol):
    """An onnx.ModelProto, named without importing onnx."""

    def SerializeToString(self) -> bytes:  # noqa: N802 (protobuf's name)
        """Return the file's bytes."""
        ...


Source: TypeAlias = str | PathLike[str] | bytes | ModelProto


def profile(
    model: Source,
    *,
    dims: Mapping[str, int] | None = None,
    inputs: Inputs | None = None,
    rules: RuleSet = DEFAULT,
    isolated: bool | Worker = False,
) -> ModelCost:
    """Count what one forward pass of an ONNX model costs, without reading its weights.

    `dims` binds free dimensions by name, `inputs` those of an input by position, like
    {"image": (1, 3, 224, 224)}; the rest get defaults that `coverage.assumed` names.
    `isolated` reads the file in a child process with limits, as files from
    strangers deserve; it takes a path. Raise ModelError when the model cannot be read.
    """
    from feasibility.profiler import profile as count

    return count(_bound(model, dims or {}, inputs or {}, rules, isolated), rules)


def _bound(
    model: Source,
    dims: Mapping[str, int],
    inputs: Inputs,
    rules: RuleSet,
    isolated: bool | Worker,  # noqa: FBT001 (a worker or whether to start one)
) -> Model:
    """Walk with the sizes given; where they do not fit, say which input they do not fit."""
    given = positions(dims, inputs)
    try:
        walked = _walk(model, given, rules, isolated)
    except UsageError:
        with suppress(ModelError):  # what went wrong first says more
            check_inputs(inputs, _walk(model, dims, rules, isolated).graph.inputs)
        raise
    check_inputs(inputs, walked.graph.inputs)
    return walked


def _walk(model: Source, dims: Mapping[str, int], rules: RuleSet, isolated: bool | Worker) -> Model:  # noqa: FBT001 (a worker or whether to start one)
    if not isolated:
        from feasibility.loader import load

        return load(cast("Any", model), dims=dims, rules=rules)
    if not isinstance(model, str | PathLike):
        msg = f"isolated=True reads a file; {type(model).__name__} is not a path"
        raise UsageError(msg, hint="write the model to a file, or leave isolated out")
    if isolated is not True:
        return isolated.load(fspath(model), dims, rules=rules)
    from feasibility.loader.isolate import Worker

    with Worker.start() as worker:
        return worker.load(fspath(model), dims, rules=rules)


def counted(model: ModelCost | Source, dims: Mapping[str, int] | None, inputs: Inputs | None) -> ModelCost:
    """Count what is not counted yet; raise UsageError for sizes that a count cannot take any more."""
    if not isinstance(model, ModelCost):
        return profile(model, dims=dims, inputs=inputs)
    for name, given in {"dims": dims, "inputs": inputs}.items():
        if given:
            msg = f"{name} {dict(given)!r} come too late: the model is counted already"
            raise UsageError(msg, hint="give them to feasibility.profile()")
    return model


def vary(  # noqa: PLR0913 (as profile, and what varies)
    model: Source,
    dimension: str,
    values: Sequence[int],
    *,
    dims: Mapping[str, int] | None = None,
    inputs: Inputs | None = None,
    rules: RuleSet = DEFAULT,
    isolated: bool | Worker = False,
) -> tuple[ModelCost, ...]:
    """Count a model once for each size of a free dimension, in the order given; 64 sizes at most.

    The other arguments are those of `profile`. Raise UsageError for a dimension that the
    model lacks, and for standard input, which can be read only once.
    """
    from feasibility.views.vary import check_values

    given = positions(dims or {}, inputs or {})
    check_values(dimension, values, given)
    if model == STDIN and len(values) > 1:
        msg = f"standard input can be read only once, and {dimension!r} takes {len(values)} values"
        raise UsageError(msg, hint="write the model to a file and name that")
    each = [{dimension: size} | given for size in values]
    return tuple(profile(model, dims=bound, inputs=inputs, rules=rules, isolated=isolated) for bound in each)


def diff(
    old: ModelCost | Source,
    new: ModelCost | Source,
    *,
    dims: Mapping[str, int] | None = None,
    inputs: Inputs | None = None,
    depth: int = 2,
) -> Diff:
    """Return what changed from one model to another: totals, modules and operator types.

    Modules are those that node names tell, down to `depth` (0: as deep as they go).
    `dims` and `inputs` bind both models, where these are not counted yet.
    """
    from feasibility.views.diff import diff as compare

    return compare(counted(old, dims, inputs), counted(new, dims, inputs), depth)


def convention(cost: ModelCost, tool: str) -> ConventionTotal:
    """Return what "torchvision" (its model tables), "fvcore" or "onnx-tool" would count for a model.

    Where batch normalisation is folded into convolutions, `unfolded_total` is what the tool
    says of the network before that. Raise UsageError for another tool.
    """
    from feasibility.conventions import convention as count

    return count(cost, tool)


def cross_check(
    model: ModelCost | str | PathLike[str],
    *,
    dims: Mapping[str, int] | None = None,
    inputs: Inputs | None = None,
) -> CrossCheck:
    """Let onnx-tool count a model file, and return its count beside ours per operator type, with reasons.

    It runs in a child process with limits; whatever fails there is a note. `dims` and `inputs`
    are for a model that is not counted yet. Raise UsageError for a model that did not come from a file.
    """
    from feasibility.conventions import compare
    from feasibility.loader.crosscheck import ask

    cost = counted(model, dims, inputs)
    if cost.model.path in NO_FILE:
        msg = f"the cross-check reads the model file again, and {cost.model.path!r} is none"
        raise UsageError(msg, hint="write the model to a file and name that")
    return compare(cost, ask(cost.model.path, cost.dims))
