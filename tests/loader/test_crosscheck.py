from __future__ import annotations

import marshal
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from feasibility.loader import crosscheck
from feasibility.loader.crosscheck import Opinion, ask
from tests.loader.graphs import constant, model

CONV, WHERE = ("ai.onnx", "Conv"), ("ai.onnx", "Where")
WEIGHT = (16, 8, 5, 5)  # 12,800 bytes: large enough not to be read
MACS = 16 * 28 * 28 * 8 * 5 * 5  # outputs times what each of them sums up


def saved(folder: Path, proto: onnx.ModelProto, name: str = "model.onnx") -> str:
    """Write a model and return its path."""
    path = folder / name
    onnx.save(proto, str(path))
    return str(path)


def convolution(weight: onnx.TensorProto) -> onnx.ModelProto:
    """Return a 5 x 5 convolution of a batch of 32 x 32 images of 8 channels."""
    nodes = [helper.make_node("Conv", ["x", weight.name], ["y"])]
    return model(nodes, {"x": ["batch", 8, 32, 32]}, ["y"], initializers=[weight])


def absent(name: str) -> onnx.TensorProto:
    """Return a weight whose values lie in a file that does not exist."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=WEIGHT)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="no_such_file.bin")
    tensor.external_data.add(key="length", value=str(4 * int(np.prod(WEIGHT))))
    return tensor


def narrow_float(name: str) -> onnx.TensorProto:
    """Return a weight in a type that onnx-tool does not read: bfloat16."""
    return helper.make_tensor(name, TensorProto.BFLOAT16, WEIGHT, bytes(2 * int(np.prod(WEIGHT))), raw=True)


@pytest.mark.parametrize(
    "weight",
    [constant("w", np.zeros(WEIGHT), "float32"), absent("w"), narrow_float("w")],
    ids=["inside", "absent", "bfloat16"],
)
def test_weights_do_not_matter(tmp_path: Path, weight: onnx.TensorProto) -> None:
    """Inside, absent or of a type that onnx-tool cannot read, a weight counts by its shape."""
    found = ask(saved(tmp_path, convolution(weight)), {})
    assert (found.failure, found.own_shapes_failed, dict(found.macs)) == ("", "", {CONV: MACS})
    assert found.version.startswith("1.")


def test_large_constants_without_values_stand_in_too(tmp_path: Path) -> None:
    """A Constant node whose payload is not read becomes an input, as a weight does."""
    value = constant("v", np.ones(WEIGHT), "float32")
    nodes = [
        helper.make_node("Constant", [], ["w"], value=value),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    found = ask(saved(tmp_path, model(nodes, {"x": [1, 8, 32, 32]}, ["y"])), {})
    assert (found.own_shapes_failed, dict(found.macs)) == ("", {CONV: MACS})


def test_dimensions_are_bound_as_here(tmp_path: Path) -> None:
    """A free dimension gets what the caller says."""
    path = saved(tmp_path, convolution(absent("w")))
    assert ask(path, {"batch": 3}).macs == {CONV: 3 * MACS}


def test_nodes_that_share_a_name_all_count(tmp_path: Path) -> None:
    """onnx-tool keeps nodes by name; two of one name are two nodes here."""
    nodes = [
        helper.make_node("Relu", ["x"], ["h"], name="n"),
        helper.make_node("Relu", ["h"], ["y"], name="n"),
    ]
    found = ask(saved(tmp_path, model(nodes, {"x": [3, 5]}, ["y"])), {})
    assert (found.macs, found.nodes) == ({("ai.onnx", "Relu"): 2 * 15}, {("ai.onnx", "Relu"): 2})


def test_what_onnx_tool_cannot_infer_gets_our_shapes(tmp_path: Path) -> None:
    """An operator without a rule stops onnx-tool's shapes, not the count of the nodes behind it."""
    nodes = [helper.make_node("IsNaN", ["x"], ["h"]), helper.make_node("Not", ["h"], ["y"])]
    found = ask(saved(tmp_path, model(nodes, {"x": [3, 5]}, ["y"])), {})
    assert found.own_shapes_failed.startswith("NotImplementedError: ")
    assert found.unregistered == (("ai.onnx", "IsNaN"),)
    assert found.macs == {("ai.onnx", "IsNaN"): 0, ("ai.onnx", "Not"): 15}


def test_shapes_that_differ_are_told(tmp_path: Path) -> None:
    """onnx-tool takes the largest operand of a Where for the result, where ONNX broadcasts."""
    nodes = [
        helper.make_node("Equal", ["x", "x"], ["c"]),
        helper.make_node("Where", ["c", "x", "z"], ["y"]),
    ]
    found = ask(saved(tmp_path, model(nodes, {"x": [3, 1], "z": [1, 4]}, ["y"])), {})
    assert (found.own_shapes_failed, found.differing) == ("", 1)
    assert found.example == "'y' is [1, 4] there and [3, 4] here"


def test_refused_counts_are_told(tmp_path: Path) -> None:
    """A pool whose count raises in onnx-tool is named, and the rest still counts."""
    nodes = [
        helper.make_node(
            "Resize", ["x", "", "s"], ["h"]
        ),  # it wants the attribute `mode`, which has a default
        helper.make_node("Relu", ["h"], ["y"]),
    ]
    proto = model(nodes, {"x": [1, 1, 2, 2]}, ["y"], initializers=[constant("s", [1, 1, 2, 2], "float32")])
    found = ask(saved(tmp_path, proto), {})
    assert found.refused == (("ai.onnx", "Resize"),)
    assert found.macs == {("ai.onnx", "Resize"): 0, ("ai.onnx", "Relu"): 16}


def test_nothing_is_printed_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The child leaves standard output, standard error and the working folder as they were."""
    path = saved(tmp_path, convolution(absent("w")))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert ask(path, {}).macs == {CONV: MACS}
    assert (capfd.readouterr(), sorted(tmp_path.iterdir())) == (("", ""), before)


def test_what_onnx_tool_prints_is_no_part_of_the_answer() -> None:
    """The child answers on what was standard output; whatever else is printed there goes nowhere."""
    code = (
        "import feasibility.loader.crosscheck as c\n"
        "c.opinion = lambda *a: (print('noise', flush=True), c.Opinion(version='1'))[1]\n"
        "c.main()"
    )
    request = marshal.dumps(("m.onnx", {}))
    done = subprocess.run([sys.executable, "-c", code], input=request, capture_output=True, check=True)
    said = marshal.loads(done.stdout)  # noqa: S302 (our own child)
    assert Opinion(*said) == Opinion(version="1")


def test_what_is_no_model_is_a_failure_not_an_error(tmp_path: Path) -> None:
    """A file that is no ONNX model gives a sentence."""
    path = tmp_path / "text.onnx"
    path.write_text("hello", encoding="utf-8")
    found = ask(str(path), {})
    assert found.failure.startswith("ModelError: ")
    assert found == Opinion(failure=found.failure)


def test_time_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that takes too long is ended, and the answer says so."""
    monkeypatch.setattr(crosscheck, "WALL_LIMIT_S", 0.01)
    assert ask("whatever.onnx", {}) == Opinion(failure="it took more than 0.01 s")


def test_a_child_that_dies_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the child, the caller gets an opinion."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert ask("whatever.onnx", {}) == Opinion(failure="its process ended with status 1")


def test_limits_hold_in_the_child(tmp_path: Path) -> None:
    """onnx-tool may use 2 GiB and write no file."""
    path = saved(tmp_path, convolution(absent("w")))
    code = (
        "import io, marshal, resource as r, feasibility.loader.crosscheck as c\n"
        f"c.answer(io.BytesIO(marshal.dumps(({path!r}, {{}}))), io.BytesIO())\n"
        "print(*(r.getrlimit(x)[0] for x in (r.RLIMIT_DATA, r.RLIMIT_FSIZE, r.RLIMIT_CORE)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(2 * 2**30), "0", "0"]


def test_the_caller_loads_no_onnx() -> None:
    """Asking leaves the caller without onnx, numpy and onnx-tool."""
    code = (
        "import sys; from feasibility.loader.crosscheck import ask\n"
        "ask('no_such_file.onnx', {})\n"
        "print(sorted({'onnx', 'numpy', 'google', 'onnx_tool'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
