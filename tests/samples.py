"""Build answers by hand, so that views are tested without a model or a profile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from feasibility.cost import Coverage, DTypeSum, ModelCost, ModelRef, NodeCost, OpCost, Totals, Unknown
from feasibility.decide.records import (
    BreakEven,
    Check,
    ClientSide,
    Decision,
    Phase,
    ServerSide,
    Setting,
    Verdict,
    Window,
)
from feasibility.ir import DType, Node, TensorSpec
from feasibility.timing.interval import Interval
from feasibility.units import Flops, FlopsPerSecond, Seconds

X = TensorSpec(name="x", dtype=DType.FLOAT, shape=(1, 64))
Y = TensorSpec(name="y", dtype=DType.FLOAT, shape=(1, 32))


def node(name: str, op_type: str, domain: str = "ai.onnx", **changes: Any) -> Node:  # noqa: ANN401 (any field)
    """Return a node from x to y."""
    spec = Node(name=name, domain=domain, op_type=op_type, opset=17, inputs=(X,), outputs=(Y,))
    return replace(spec, **changes)


def cost(
    *,
    path: str = "model.onnx",
    gemm: str = "gemm",
    inputs: tuple[TensorSpec, ...] = (X,),
    **coverage: Any,  # noqa: ANN401 (any field)
) -> ModelCost:
    """Return a model of a Gemm, a folded Constant and a node without a rule."""
    nodes = (
        NodeCost(
            node=node(gemm, "Gemm"),
            cost=OpCost(fmas=64 * 32, arithmetic=32, dtype=DType.FLOAT, role="heavy", op_class="matmul"),
            read_bytes=64 * 4,
            written_bytes=32 * 4,
            parameters=64 * 32 + 32,
            parameter_bytes=4 * (64 * 32 + 32),
        ),
        NodeCost(node=node("constant", "Constant", folded=True), cost=None),
        NodeCost(node=node("fancy", "Fancy", "com.acme"), cost=None, reason="no cost rule"),
    )
    unknown = (Unknown(name="fancy", domain="com.acme", op_type="Fancy", reason="no cost rule"),)
    seen: dict[str, Any] = {
        "nodes": 3,
        "counted": 1,
        "folded": 1,
        "unknown": unknown,
        "assumed": ("batch=1",),
    } | coverage
    return ModelCost(
        model=ModelRef(
            path=path,
            file_bytes=9000,
            graph_sha256="0" * 64,
            external_files=(),
            opsets={"ai.onnx": 17, "com.acme": 1},
            inputs=inputs,
            outputs=(Y,),
        ),
        dims={"batch": 1},
        totals=Totals(
            fmas=64 * 32,
            arithmetic=32,
            transcendentals=0,
            parameters=64 * 32 + 32,
            embedding_parameters=0,
            parameter_bytes=4 * (64 * 32 + 32),
            download_bytes=9000,
            read_bytes=64 * 4,
            written_bytes=32 * 4,
            peak_activation_bytes=4 * (64 + 32),
            peak_activation_node=gemm,
        ),
        coverage=Coverage(**seen),
        nodes=nodes,
        by_dtype=(
            DTypeSum(
                dtype=DType.FLOAT,
                fmas=64 * 32,
                arithmetic=32,
                parameters=64 * 32 + 32,
                parameter_bytes=4 * (64 * 32 + 32),
            ),
        ),
    )


def decision(model: ModelCost | None = None, **changes: Any) -> Decision:  # noqa: ANN401 (any field)
    """Return a verdict for the client: 20 ms against 150 ms of round trip and 2 ms."""
    counted = model or cost(unknown=(), nodes=2)
    answer = Decision(
        model=counted.model,
        totals=counted.totals,
        coverage=counted.coverage,
        scenario={
            "client": Setting(value="m1/gpu", origin="command line"),
            "network": Setting(value="essay", origin="default"),
            "rtt": Setting(value="150 ms", origin="command line"),
            "downlink": Setting(value="150 Mbit/s", origin="profile essay"),
            "uplink": Setting(value="20 Mbit/s", origin="profile essay"),
            "calls": Setting(value="none", origin="default"),
        },
        verdict=Verdict.CLIENT,
        feasible=True,
        confidence=0.92,
        compared="inference",
        client_time=Interval.from_sigma(0.02, 0.35),
        server_time=Interval.exact(0.15) + Interval.from_sigma(0.002, 0.35),
        client=ClientSide(
            device="m1",
            unit="gpu",
            runtime="metal",
            precision="fp32",
            inference=Interval.from_sigma(0.02, 0.35),
            first_call=Interval.from_sigma(2.02, 0.35),
            phases=(Phase(name="download", seconds=Interval.exact(2.0)),),
        ),
        server=ServerSide(
            device="a100",
            unit="gpu",
            runtime="tensorrt",
            precision="fp16",
            inference=Interval.from_sigma(0.002, 0.35),
            call=Interval.from_sigma(0.153, 0.01),
            first_call=Interval.from_sigma(0.6, 0.01),
            phases=(Phase(name="round trip", seconds=Interval.exact(0.15)),),
        ),
        checks=(
            Check(
                name="memory",
                passed=True,
                actual=200e6,
                limit=11.8e9,
                quantity_unit="bytes",
                message="200 MB of memory are needed on m1, where an app may use 11.8 GB.",
            ),
        ),
        window=Window(
            window=Seconds(0.15),
            peak=Flops(390e9),
            achievable=Flops(31e9),
            passes_at_peak=29.2,
            passes_achievable=7.5,
        ),
        break_even=BreakEven(
            rtt=Seconds(0.018), downlink=None, payload=None, calls=15.04, client_rate=FlopsPerSecond(0.26e12)
        ),
        changes=(),
        reasons=("The round trip alone takes longer than m1 does.",),
        sources=("hardware_profiles/m1.yaml",),
    )
    return changed(answer, **changes)


def changed(answer: Decision, **changes: Any) -> Decision:  # noqa: ANN401 (any field)
    """Return the decision with other fields, and the times that then are compared."""
    made = replace(answer, **changes)
    client, server = compared_times(made)
    return replace(made, client_time=client, server_time=server)


def compared_times(answer: Decision) -> tuple[Interval, Interval]:
    """Return the times that a kind of comparison sets against each other."""
    client, server = answer.client, answer.server
    window = Interval.exact(answer.window.window.value)
    once_s = client.first_call.typical.value - client.inference.typical.value
    given = answer.scenario["calls"].value
    calls = 1 if given == "none" else int(given)
    return {
        "inference": (client.inference, window + server.inference),
        "payload": (client.inference, server.call),
        "cold": (client.first_call, server.first_call),
        "amortised": (client.inference + Interval.exact(once_s / calls), server.call),
    }[answer.compared]
