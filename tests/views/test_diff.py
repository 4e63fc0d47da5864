from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import feasibility as fe
from feasibility.views.diff import diff
from tests.views.counted import Row, counted

CORPUS = Path(__file__).parents[1] / "corpus"
STAYS = Row(name="/m/a/fc/MatMul", fmas=10, weights=8)
OLD = counted(
    STAYS,
    Row(name="/m/b/fc/MatMul", fmas=20, reads=4, weights=100),
    Row(name="/m/b/act/Erf", op="Erf", fmas=3),
    Row(name="/m/c/MatMul", fmas=5),
    path="old.onnx",
)
NEW = counted(
    STAYS,
    Row(name="/m/b/fc/MatMul", fmas=2, reads=4, weights=25),
    Row(name="/m/d/MatMul", fmas=7, runs=3),
    Row(name="/m/d/Fancy", op="Fancy", fmas=None),
    Row(name="Cast_1", op="Cast", reads=2),
    path="new.onnx",
)


def test_modules_that_changed_come_with_the_largest_change_first() -> None:
    """B loses 21 FMA, 42 FLOP, and 75 bytes; d is new with 3 runs of 7 FMA, also 42 FLOP; a stays."""
    rows = [("/".join(c.key), c.delta("fmas"), c.delta("flops")) for c in diff(OLD, NEW, 1).modules]
    assert rows == [("m/b", -21, -42), ("m/d", 21, 42), ("m/c", -5, -10), ("", 0, 0)]


def test_the_changes_of_modules_add_up_to_the_total() -> None:
    """Each node is in one module and of one type, at every depth: 31 FMA instead of 38."""
    for depth in (0, 1, 2, 7):
        found = diff(OLD, NEW, depth)
        assert sum(c.delta("fmas") for c in found.modules) == found.delta("fmas") == 33 - 38
        assert sum(c.delta("fmas") for c in found.ops) == 33 - 38


def test_depth_says_how_far_down() -> None:
    """At depth 2, b is told apart in fc and act; 0 goes all the way."""
    told = {"/".join(change.key) for change in diff(OLD, NEW).modules}
    assert told == {"m/b/fc", "m/b/act", "m/d", "m/c", ""}
    assert diff(OLD, NEW, 0).modules == diff(OLD, NEW, 2).modules


def test_a_side_that_lacks_a_module_is_none() -> None:
    """A module that is new has no old sums, one that is gone no new ones."""
    sides = {"/".join(c.key): (c.old is None, c.new is None) for c in diff(OLD, NEW, 1).modules}
    assert sides == {"m/b": (False, False), "m/d": (True, False), "m/c": (False, True), "": (True, False)}


def test_operator_types_that_changed() -> None:
    """The products: 33 FMA for 35; Erf is gone; Cast and a node without a rule are new."""
    rows = [(c.key[1], c.delta("nodes"), c.delta("fmas"), c.new_unknown) for c in diff(OLD, NEW).ops]
    assert rows == [("Erf", -1, -3, 0), ("MatMul", 0, -2, 0), ("Cast", 1, 0, 0), ("Fancy", 1, 0, 1)]


def test_nothing_changed_between_equal_models() -> None:
    """A model and a copy under another name leave no row."""
    found = diff(OLD, replace(OLD, model=replace(OLD.model, path="copy.onnx")))
    assert found.is_empty
    assert (found.modules, found.ops) == ((), ())


def test_names_alone_are_no_change_of_operators() -> None:
    """A node that moves to another module changes both modules, and neither the totals nor the types."""
    moved = replace(OLD, nodes=(*counted(replace(STAYS, name="/m/z/MatMul")).nodes, *OLD.nodes[1:]))
    found = diff(OLD, moved)
    assert {"/".join(c.key): c.delta("fmas") for c in found.modules} == {"m/a/fc": -10, "m/z": 10}
    assert (found.ops, found.delta("fmas"), found.is_empty) == ((), 0, False)


def test_a_larger_download_is_a_change() -> None:
    """Two files of the same work that differ in bytes are not the same."""
    larger = replace(OLD, totals=replace(OLD.totals, download_bytes=OLD.totals.download_bytes + 1))
    assert not diff(OLD, larger).is_empty


def test_a_node_that_lost_its_rule_is_a_change() -> None:
    """What is not counted any more is told, though it counted 0."""
    free, lost = counted(Row(name="/a/Add", fmas=0)), counted(Row(name="/a/Add", fmas=None))
    assert [(c.old_unknown, c.new_unknown) for c in diff(free, lost).modules] == [(0, 1)]


def test_a_quantised_model_beside_its_original() -> None:
    """Dynamic quantisation leaves 3 in 4 bytes of the weights behind, and the multiply-adds alone."""
    names = ("xtremedistil_l6_h256.onnx", "xtremedistil_int8_dyn.onnx")
    found = fe.diff(*(CORPUS / name for name in names), dims={"batch": 1, "sequence": 32})
    assert found.delta("fmas") == 0
    assert found.new_totals.parameter_bytes < found.old_totals.parameter_bytes / 3.9
    assert {c.key[1] for c in found.ops if c.old is None} >= {"MatMulInteger", "DynamicQuantizeLinear"}


def test_inputs_bind_both_models() -> None:
    """Twice the batch on both sides is no change."""
    bert = CORPUS / "xtremedistil_l6_h256.onnx"
    found = fe.diff(bert, bert, dims={"batch": 2, "sequence": 8})
    assert found.is_empty
    assert found.new_totals == fe.profile(bert, dims={"batch": 2, "sequence": 8}).totals


def test_dims_that_come_too_late_are_refused() -> None:
    """A count on either side cannot be bound again."""
    with pytest.raises(fe.UsageError, match=r"inputs .* come too late: the model is counted already"):
        fe.diff(OLD, NEW, inputs={"x": (1,)})


def test_a_diff_as_plain_values() -> None:
    """The JSON form has both sides and the change of each row; a side that lacks it is null."""
    found = diff(OLD, NEW, 1).to_dict()
    assert list(found) == ["schema_version", "old", "new", "totals", "coverage", "modules", "ops"]
    assert diff(OLD, NEW, 1).modules[2].to_dict() == {
        "old": {
            "nodes": 1, "fmas": 5, "arithmetic": 0, "transcendentals": 0, "flops": 10,
            "read_bytes": 0, "written_bytes": 0, "parameter_bytes": 0, "unknown_nodes": 0,
        },
        "new": None,
        "delta": {
            "nodes": -1, "fmas": -5, "arithmetic": 0, "transcendentals": 0, "flops": -10,
            "read_bytes": 0, "written_bytes": 0, "parameter_bytes": 0, "unknown_nodes": 0,
        },
    }  # fmt: skip
