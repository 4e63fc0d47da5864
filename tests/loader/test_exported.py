"""Modules that an exporter writes beside its nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import NodeProto, StringStringEntryProto

import feasibility as fe
from feasibility.loader.exported import scopes

MODEL = (
    Path(__file__).parents[1] / "corpus" / "exporters" / "torch_dynamo_blocks.onnx"
)  # of torch 2.14.1, values zeroed
FMAS = 5 * 8 * 32  # of one linear layer of a block: 5 tokens, 8 to 32 features


def node(value: str, key: str = "pkg.torch.onnx.name_scopes") -> NodeProto:
    """Return a node with one entry of metadata."""
    return NodeProto(metadata_props=[StringStringEntryProto(key=key, value=value)])


@pytest.mark.parametrize(
    ("value", "modules"),
    [
        ("['', 'layers.0', 'layers.0.fc1', 'linear_3']", ("layers.0", "fc1")),
        ("['', 'encoder', 'encoder.block', 'encoder.block.1', 'add']", ("encoder", "block", "1")),
        ("['', 'head', 'linear']", ("head",)),
        ("['', 'mul']", ()),  # of the model itself
        ("['']", ()),
        ("", ()),
        ("nonsense", ()),
        ('["", "it\'s", "add"]', ("it's",)),
        ("['', 'a', 'ab.c', 'add']", ("a", "ab.c")),  # ab is not in a
    ],
)
def test_each_scope_is_named_below_the_one_before(value: str, modules: tuple[str, ...]) -> None:
    """The first is the model, the last the operator; what is between are the modules."""
    assert scopes(node(value)) == modules


def test_other_metadata_says_nothing() -> None:
    """Only PyTorch's key is read."""
    assert scopes(node("['', 'a', 'add']", key="namespace")) == ()


def test_a_long_value_is_cut() -> None:
    """A file may hold anything: no more than 4,096 characters are looked at."""
    assert len(scopes(node(str(["x" * 10] * 10_000)))) < 4_096 / 10


@pytest.mark.parametrize("isolated", [False, True])
def test_an_export_of_pytorch_has_its_modules(*, isolated: bool) -> None:
    """Two blocks of two linear layers, in this process and through the child."""
    cost = fe.profile(MODEL, isolated=isolated)
    found = {module.path: module for module in fe.modules(cost, depth=2)}
    assert {("layers.0",), ("layers.1",), ("embed",), ("head",)} <= set(found)
    assert found["layers.0", "fc1"].sums.fmas == FMAS
    assert found["layers.1",].sums.fmas == 2 * FMAS
