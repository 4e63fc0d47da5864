from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper

import feasibility as fe
from feasibility.inputs import check_inputs, positions
from feasibility.ir import DType, TensorSpec
from feasibility.loader.isolate import Worker

BERT = Path(__file__).parent / "corpus" / "xtremedistil_l6_h256.onnx"
ENCODER = Path(__file__).parent.parent / "examples" / "sd_text_encoder.onnx"
FMAS = 6_649_251_840  # the essay's text encoder at 77 tokens


def unnamed() -> bytes:
    """Return a Relu over [?, 3, ?]: dimensions without a name."""
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3, None])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    data: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    return data


def test_dimensions_without_a_name_are_bound_by_position() -> None:
    """A Relu on 2 x 3 x 5 elements is 30 comparisons, and nothing is assumed."""
    cost = fe.profile(unnamed(), inputs={"x": (2, 3, 5)})
    assert (cost.totals.arithmetic, cost.coverage.assumed) == (2 * 3 * 5, ())


def test_named_dimensions_are_bound_by_position_too() -> None:
    """Every input shares the names, so one shape binds them all."""
    cost = fe.profile(BERT, inputs={"input_ids": (2, 32)})
    assert cost.fmas == fe.profile(BERT, dims={"batch": 2, "sequence": 32}).fmas
    assert cost.coverage.assumed == ()


def test_decide_takes_inputs() -> None:
    """Twice the batch is twice the multiply-adds behind the decision."""
    answer = fe.decide(ENCODER, inputs={"input_ids": (2, 77)})
    assert answer.totals.fmas == 2 * FMAS


def test_inputs_that_come_too_late_are_refused() -> None:
    """What is counted already cannot be bound again."""
    with pytest.raises(fe.UsageError, match="come too late: the model is counted already"):
        fe.decide(fe.profile(unnamed()), inputs={"x": (1, 3, 1)})


@pytest.mark.parametrize(
    ("inputs", "sentence", "hint"),
    [
        ({"z": (1,)}, "the model has no input 'z'", "its inputs are 'x'"),
        ({"x": (1, 3)}, "input 'x' has 3 dimensions, not 2", "its shape is [1, 3, 1] where nothing is given"),
        ({"x": (1, 3, 1, 1)}, "input 'x' has 3 dimensions, not 4", None),
        ({"x": ()}, "input 'x' has 3 dimensions, not 0", None),
        ({"x": (1, 4, 1)}, "input 'x' has the size 3 along axis 1, not 4", None),
        ({"x": (1, 3, -1)}, "dimension 'x[2]' cannot be -1", None),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    inputs: dict[str, tuple[int, ...]], sentence: str, hint: str | None
) -> None:
    """An input that is not there, another rank and another fixed size each end in a sentence."""
    with pytest.raises(fe.UsageError) as refused:
        fe.profile(unnamed(), inputs=inputs)
    assert refused.value.message == sentence
    assert hint in {None, refused.value.hint}


def test_a_child_refuses_in_the_same_words() -> None:
    """The child walks again to learn the inputs, and can be asked once more afterwards."""
    with Worker.start() as worker:
        with pytest.raises(fe.UsageError, match="the model has no input 'z'"):
            fe.profile(BERT, inputs={"z": (1,)}, isolated=worker)
        assert fe.profile(BERT, isolated=worker) == fe.profile(BERT)


def test_a_wrong_name_among_dims_is_still_said() -> None:
    """A fitting input does not hide what else does not fit."""
    with pytest.raises(fe.UsageError, match="no free dimension 'width'"):
        fe.profile(unnamed(), dims={"width": 4}, inputs={"x": (1, 3, 1)})


def test_positions_name_input_and_axis() -> None:
    """A shape is one size per axis beside what is bound by name."""
    assert positions({"n": 7}, {"x": (1, 3), "y": ()}) == {"n": 7, "x[0]": 1, "x[1]": 3}


def test_a_position_given_twice_must_agree() -> None:
    """The same size may be given both ways, two sizes may not."""
    assert positions({"x[0]": 1}, {"x": (1, 3)}) == {"x[0]": 1, "x[1]": 3}
    with pytest.raises(fe.UsageError, match="input 'x' is given two sizes along axis 1, 4 and 3"):
        positions({"x[1]": 4}, {"x": (1, 3)})


def test_an_input_without_a_shape_takes_none() -> None:
    """A sequence or an optional has no dimensions to bind."""
    with pytest.raises(fe.UsageError, match="input 'x' has no shape that sizes could be given for"):
        check_inputs({"x": (1,)}, [TensorSpec(name="x", dtype=DType.FLOAT, shape=None)])
