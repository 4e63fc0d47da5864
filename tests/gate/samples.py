"""Offer a small model and a config for it, in a folder of their own; counts by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import onnx
from onnx import TensorProto, helper

import feasibility as fe
from feasibility import api
from feasibility.gate.records import Finding, GateReport

TODAY = date(2026, 11, 27)
INPUTS, OUTPUTS = 64, 10
HIDDEN = 32
FLOAT_BYTES = 4


def parameters(hidden: int = HIDDEN) -> int:
    """Return the weights of both matrices."""
    return INPUTS * hidden + hidden * OUTPUTS


def save(path: Path, hidden: int = HIDDEN, *, unknown: bool = False) -> None:
    """Write a perceptron of one hidden layer; `unknown` adds a node that nobody knows."""
    tensors = {"w1": (INPUTS, hidden), "w2": (hidden, OUTPUTS)}
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["a"], name="/encoder/fc1/MatMul"),
        helper.make_node("Relu", ["a"], ["b"], name="/encoder/act/Relu"),
        helper.make_node("MatMul", ["b", "w2"], ["y"], name="/head/fc2/MatMul"),
    ]
    if unknown:
        nodes[1] = helper.make_node("Fancy", ["a"], ["b"], name="/encoder/act/Fancy", domain="com.acme")
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, INPUTS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, OUTPUTS])],
        [
            helper.make_tensor(
                name, TensorProto.FLOAT, shape, bytes(FLOAT_BYTES * shape[0] * shape[1]), raw=True
            )
            for name, shape in tensors.items()
        ],
        value_info=[helper.make_tensor_value_info("b", TensorProto.FLOAT, [1, hidden])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.acme", 1)]
    path.write_bytes(onnx.ModelProto(ir_version=8, graph=graph, opset_import=opsets).SerializeToString())


def write(folder: Path, text: str, name: str = "feasible.yaml") -> Path:
    """Write a config."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def budget(folder: Path, budget: str, more: str = "", *, waivers: str = "") -> Path:
    """Write a config of one model with a budget in flow style, and a phone to run it on."""
    return write(
        folder,
        f"""\
targets:
  phone: {{device: pixel-6a, network: 4g}}
models:
  - path: net.onnx
    budget: {{{budget}}}
{more}
{waivers}
""",
    )


def judged(config: Path, today: date = TODAY) -> GateReport:
    """Run the gate in this process."""
    return api.gate(config, today=today)


def only(report: GateReport, rule: str, target: str | None = None) -> Finding:
    """Return the one finding of a rule."""
    found = [each for each in report.findings if each.rule == rule and target in (None, each.target)]
    assert len(found) == 1, found
    return found[0]


def estimated_s(folder: Path) -> fe.Interval:
    """Return what the verdict says of an inference on the phone."""
    return fe.decide(str(folder / "net.onnx"), client="pixel-6a", network="4g").client.inference
