from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import feasibility as fe
from feasibility.views.modules import MAX_DEPTH, costliest, module_path, modules, trunk
from tests.views.counted import Row, counted

EXAMPLE = Path(__file__).parents[2] / "examples" / "sd_text_encoder.onnx"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/layers.0/mlp/fc1/MatMul", ("layers.0", "mlp", "fc1")),  # torch.onnx.export, TorchScript
        ("model/conv1/Conv2D", ("model", "conv1")),  # tf2onnx
        ("model.layers.0.mlp.MatMul_3", ("model", "layers", "0", "mlp")),  # scopes of torch's dynamo
        ("Conv_12", ()),
        ("", ()),
        ("/Gather_1", ()),
        ("//a///b/Add", ("a", "b")),
        ("a.b.", ("a", "b")),
        ("/loop/body.1/Add", ("loop", "body.1")),
    ],
)
def test_scopes_are_read_from_a_name(name: str, path: tuple[str, ...]) -> None:
    """Slashes separate scopes; dots do so only where there is no slash."""
    assert path == module_path(name)


def test_a_name_of_thousands_of_scopes_is_cut() -> None:
    """No name makes a path deeper than the limit."""
    assert module_path("a/" * 5000 + "Add") == ("a",) * MAX_DEPTH


@pytest.mark.parametrize(
    ("paths", "shared"),
    [
        ([("m", "a"), ("m", "b"), ()], ("m",)),
        ([("m",), ("m", "b")], ("m",)),
        ([("m", "a"), ("m", "a")], ("m",)),
        ([("ab",), ("ac",)], ()),
        ([()], ()),
        ([], ()),
    ],
)
def test_the_trunk_is_what_all_named_modules_share(
    paths: list[tuple[str, ...]], shared: tuple[str, ...]
) -> None:
    """Whole scopes are compared; nodes without one do not count; a single module stays a level."""
    assert trunk(paths) == shared


TREE = counted(
    Row(name="/m/head/MatMul", fmas=5, reads=10),
    Row(name="/m/body/l.10/q/MatMul", fmas=7, weights=40),
    Row(name="/m/body/l.9/q/MatMul", fmas=7, weights=40),
    Row(name="/m/body/l.9/loop/MatMul", fmas=2, runs=3, reads=4),
    Row(name="/m/body/Add", fmas=1),
    Row(name="Fused_1", fmas=100),
    Row(name="/m/odd/Fancy", fmas=None),
)


def test_a_module_sums_its_children_and_all_runs() -> None:
    """l.9 holds a product of 7 and one of 2 that runs 3 times: 13 multiply-adds, 26 FLOP, 12 bytes read."""
    rows = [(m.level, "/".join(m.path), m.sums.fmas) for m in modules(TREE)]
    assert rows == [
        (0, "", 5 + 7 + 7 + 2 * 3 + 1 + 100),
        (1, "m/body", 7 + 7 + 2 * 3 + 1),
        (2, "m/body/l.9", 7 + 2 * 3),
        (2, "m/body/l.10", 7),
        (1, "m/head", 5),
        (1, "m/odd", 0),
    ]
    nine = modules(TREE)[2]
    assert (nine.sums.flops, nine.sums.read_bytes, nine.sums.parameter_bytes) == (26, 12, 40)


def test_depth_says_how_far_down() -> None:
    """Depth 1 has the whole graph and 3 children, 2 adds both layers, 0 adds what is in those too."""
    assert [len(modules(TREE, depth)) for depth in (1, 2, 3, 9, 0)] == [4, 6, 9, 9, 9]


def test_what_is_not_counted_is_told_up_to_the_top() -> None:
    """The node without a rule is missing in its module and in the whole graph, and nowhere else."""
    assert {"/".join(m.path): m.unknown for m in modules(TREE) if m.unknown} == {"": 1, "m/odd": 1}


def test_layers_that_cost_the_same_stand_in_the_order_of_their_numbers() -> None:
    """Layer 9 comes before layer 10, whichever runs first."""
    same = counted(Row(name="/l.10/a/Add", fmas=1), Row(name="/l.9/a/Add", fmas=1))
    assert [m.path[-1] for m in modules(same, 1)[1:]] == ["l.9", "l.10"]


def test_the_costliest_keep_the_order_of_the_tree() -> None:
    """Three of 132, 21 and 13 multiply-adds are chosen by cost; none is shown without its parent."""
    assert ["/".join(m.path) for m in costliest(modules(TREE), 3)] == ["", "m/body", "m/body/l.9"]
    assert costliest(modules(TREE), 0) == modules(TREE)


@given(
    st.lists(st.tuples(st.lists(st.sampled_from("abc"), max_size=5), st.integers(0, 9)), max_size=12),
    st.integers(0, 6),
    st.integers(1, 9),
)
def test_every_module_shown_has_its_parent_before_it(
    nodes: list[tuple[list[str], int]], depth: int, top: int
) -> None:
    """In any tree, children follow their parent, and cost no more than it together."""
    model = counted(*(Row(name="/".join([*scopes, "Add"]), fmas=cost) for scopes, cost in nodes))
    seen = costliest(modules(model, depth), top)
    for index, module in enumerate(seen):
        parents = [m for m in seen[:index] if m.path == (module.path[:-1] if module.level > 1 else ())]
        assert len(parents) == (module.level > 0)
    for module in modules(model, depth):
        inside = [m for m in modules(model, depth) if m.level == module.level + 1]
        children = [m for m in inside if m.level == 1 or m.path[:-1] == module.path]
        assert sum(child.sums.fmas for child in children) <= module.sums.fmas


def test_a_model_without_nodes_has_no_modules() -> None:
    """Nothing is grouped where there is nothing."""
    assert modules(counted()) == ()


def test_the_example_has_twelve_layers_of_one_size() -> None:
    """A layer has 4 products of 768x768 and 2 of 768x3072 on each of 77 tokens, and 2 of attention."""
    layers = [m for m in fe.modules(fe.profile(EXAMPLE)) if m.level == 2 and "layers" in m.path[-1]]
    tokens, width, wide = 77, 768, 3072
    each = tokens * (4 * width * width + 2 * width * wide) + 2 * tokens * tokens * width
    assert [m.sums.fmas for m in layers] == [each] * 12


def test_a_module_as_plain_values() -> None:
    """The JSON form has the path, the level and every sum."""
    assert modules(TREE)[2].to_dict() == {
        "path": ["m", "body", "l.9"], "level": 2, "nodes": 2, "unknown_nodes": 0, "fmas": 13,
        "arithmetic": 0, "transcendentals": 0, "flops": 26, "read_bytes": 12, "written_bytes": 0,
        "parameter_bytes": 40,
    }  # fmt: skip
